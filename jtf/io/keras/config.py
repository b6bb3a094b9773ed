"""Keras's configurations of models and layers in jtf's words.

The same name stands for the same numbers afterwards, or the file is refused with the reason: options that mean
something else here are listed below. Nothing is imported or run for a name that a file gives.

References:
    Keras: keras/src/saving/serialization_lib.py, keras/src/legacy/saving/; tf.keras 2.15
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from jtf import constraints, initializers, regularizers
from jtf.io.errors import ModelFormatError
from jtf.layers.base import registry


@dataclass(frozen=True)
class Dialect:
    """Which file is being read, and the Keras that has written it.

    Args:
        source: the file, for messages.
        major: 2 or 3.
    """

    source: str
    major: int

    def refuse(self, entry: str, expected: str, found: str) -> NoReturn:
        """Raise the error for an entry of this file."""
        raise ModelFormatError(self.source, entry, expected, found)


MODELS = ("Functional", "Model", "Sequential")
MODEL_CONFIG = "model_config"

_ANY: tuple[Any, ...] = ()
#: Options that jtf lacks, with the values that mean what jtf does anyway; none where that does not depend on them.
_IDLE: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "*": {"quantization_config": (None,), "lora_rank": (None,), "zero_output_for_mask": (True, False)},
    "InputLayer": {"sparse": (False,), "ragged": (False,), "optional": (False,)},
    "BatchNormalization": {
        "synchronized": (False,),
        "renorm": (False,),
        "renorm_clipping": (None,),
        "renorm_momentum": (0.99,),
        "virtual_batch_size": (None,),
        "fused": (None, True, False),
    },
    "LayerNormalization": {"rms_scaling": (False,)},
    "CategoryEncoding": {"sparse": (False,)},
    "CenterCrop": {"data_format": (None, "channels_last")},
    "ReLU": {"negative_slope": (0.0, None), "threshold": (0.0, None)},
    "MultiHeadAttention": {
        "use_gate": (False,),
        "sliding_window": (None,),
        "flash_attention": (None, False),
        "seed": _ANY,
    },
    "SeparableConv2D": {f"kernel_{what}": _ANY for what in ("initializer", "regularizer", "constraint")},
    "Sequential": {"build_input_shape": _ANY, "trainable": _ANY},
    "StackedRNNCells": {"reverse_state_order": (False,)},
    **{name: {"seed": _ANY} for name in ("LSTM", "GRU", "SimpleRNN", "ConvLSTM2D")},
    **{name: {"seed": _ANY} for name in ("LSTMCell", "GRUCell", "SimpleRNNCell", "ConvLSTM2DCell")},
}

#: Options by another name.
_RENAMED = {"InputLayer": {"batch_shape": "batch_input_shape"}, "LeakyReLU": {"negative_slope": "alpha"}}

#: Values that mean something else here, or nothing, and why.
_OTHERWISE: Mapping[str, Mapping[str, tuple[Any, str]]] = {
    "UpSampling2D": {
        "interpolation": ("bilinear", "Keras interpolates between the pixels' centres, jtf, as TF.js, between corners")
    },
    **{
        name: {"rate": (1.0, "in Keras it drops everything, here, as in TF.js, nothing")}
        for name in ("Dropout", "AlphaDropout", "GaussianDropout", "SpatialDropout1D")
    },
}

#: Layers that are called the same and compute something else.
_OTHER_LAYERS = {
    "Resizing": "Keras places pixels by their centres, jtf's layer, as TF.js's, by their corners",
    "Lambda": "it has code in it, and code from files is never run. Write a layer, and convert the model in Python",
}

#: Keras's names of activations for jtf's functions, where they are not the same.
_ACTIVATIONS = {2: {}, 3: {"silu": "swish", "hard_sigmoid": "hard_sigmoid_relu6"}}
#: Names of initializers that early versions of Keras 3 have used.
_INITIALIZERS = {"OrthogonalInitializer": "Orthogonal", "IdentityInitializer": "Identity"}
_NO_INITIALIZER_AXES = {"input_axes": None, "output_axes": None}


def converted(described: Any, dialect: Dialect, entry: str = "the model") -> dict[str, Any]:
    """What stands for a layer or a model in jtf: ``{"class_name", "config"}``, for `jtf.layers.deserialize`.

    Args:
        described: the same in Keras.
        dialect: of the file.
        entry: what it is, for messages.

    Raises:
        ModelFormatError: there is no such layer here, or not with this meaning.
    """
    name, config = _described(described, dialect, entry)
    entry = f"layer {config.get('name', entry)!r} ({name})" if name not in MODELS else f"model {config.get('name')!r}"
    cls = _class(name, described, dialect, entry)
    config = _options(name, config, dialect, entry)
    if not cls.__module__.startswith("jtf."):
        return {"class_name": cls.__name__, "config": config}
    if name == "Sequential":
        _list(config, "layers", dialect, entry)
        from jtf.io.keras.graph import check_chain

        check_chain(config["layers"], dialect)
        config["layers"] = [converted(each, dialect, f"{entry}, layer {n}") for n, each in enumerate(config["layers"])]
    elif name in MODELS:
        from jtf.io.keras.graph import converted_graph

        config = converted_graph(config, dialect, entry)
    elif name == "Bidirectional":
        config = _bidirectional(config, dialect, entry)
    elif name in ("TimeDistributed", "RNN"):
        inner = "layer" if name == "TimeDistributed" else "cell"
        config[inner] = converted(config.get(inner), dialect, f"{inner} of {entry}")
    elif name in ("Conv3D", "Conv3DTranspose", "AveragePooling3D", "MaxPooling3D"):
        _check_windows(config, dialect, entry)
    elif name == "StackedRNNCells":
        _list(config, "cells", dialect, entry)
        config["cells"] = [converted(each, dialect, f"cell {n} of {entry}") for n, each in enumerate(config["cells"])]
    return {"class_name": name, "config": config}


def _check_windows(config: Mapping[str, Any], dialect: Dialect, entry: str) -> None:
    """Refuse padded windows of three dimensions that are shorter than their stride.

    Keras begins them at the first entry, TF.js and jtf in the middle of each stride.
    """
    windows = config.get("kernel_size", config.get("pool_size"))
    strides = config.get("strides") or (windows if "pool_size" in config else 1)
    if config.get("padding") == "same" and np.any(np.less(windows, strides)):
        found = f"{windows} with strides {strides}, which begin elsewhere in Keras"
        dialect.refuse(entry, "windows that are not shorter than their strides", found)


def _described(described: Any, dialect: Dialect, entry: str) -> tuple[str, dict[str, Any]]:
    name = described.get("class_name") if isinstance(described, Mapping) else None
    config = described.get("config") if isinstance(described, Mapping) else None
    if isinstance(config, list):  # a Sequential of old
        config = {"layers": config}
    if not isinstance(name, str) or not isinstance(config, Mapping):
        dialect.refuse(entry, "an object with 'class_name' and 'config'", repr(described)[:80])
    return name, dict(config)


def _class(name: str, described: Mapping[str, Any], dialect: Dialect, entry: str) -> type:
    """The class, which is Keras's own or one that the user has registered with jtf."""
    if name in _OTHER_LAYERS:
        dialect.refuse(entry, "a layer that means the same in jtf", f"{name}: {_OTHER_LAYERS[name]}")
    module, registered = described.get("module"), described.get("registered_name")
    package, _, short = (registered if isinstance(registered, str) else name).rpartition(">")
    known = short if package else name
    cls = registry.find(known) if registry.knows(known) else None
    is_exact = cls is not None and cls.__name__ == {"Functional": "Model"}.get(known, known)
    is_of_keras = not package and (module in (None, "keras", "keras.layers") or name in MODELS)
    if cls is None or not is_exact or (cls.__module__.startswith("jtf.") and not is_of_keras):
        is_operation = isinstance(module, str) and ".ops" in module
        found = f"the operation {name} ({module})" if is_operation else f"the class {name!r}"
        expected = "a layer that jtf has, or one of your own that is made known by jtf.register_class"
        dialect.refuse(entry, expected, found + f" of {package}" * bool(package))
    return cls


def _options(name: str, config: dict[str, Any], dialect: Dialect, entry: str) -> dict[str, Any]:
    """The options under jtf's names, without those that change nothing."""
    idle = {**_IDLE["*"], **_IDLE.get(name, {})}
    renamed, otherwise = _RENAMED.get(name, {}), _OTHERWISE.get(name, {})
    options = {}
    for key, value in config.items():
        if key in idle:
            if idle[key] is not _ANY and value not in idle[key]:
                dialect.refuse(entry, f"{key}={idle[key][0]!r}, which is all that jtf has", f"{value!r}"[:80])
        elif key == "dtype":
            if (dtype := _dtype(name, value, dialect, entry)) is not None:
                options[key] = dtype
        else:
            options[renamed.get(key, key)] = _value(key, value, dialect, entry)
        if key in otherwise and value == otherwise[key][0]:
            dialect.refuse(entry, f"another {key} than {value!r}", f"{value!r}: {otherwise[key][1]}")
    return options


def _dtype(name: str, value: Any, dialect: Dialect, entry: str) -> str | None:
    """What an input is converted to; other layers compute in float32."""
    if isinstance(value, Mapping):
        inner = value.get("config")
        value = inner.get("name") if isinstance(inner, Mapping) else value
    if name == "InputLayer":
        of_input = {"float32": "float32", "int32": "int32", "int64": "int32", "uint8": "int32", "bool": "bool"}
        if value not in of_input:
            dialect.refuse(entry, f"dtype {', '.join(of_input)}", f"{value!r}"[:80])
        return of_input[value]
    if value not in ("float32", None):
        dialect.refuse(entry, "dtype 'float32', in which jtf's layers keep weights and compute", f"{value!r}"[:80])
    return None


def _value(key: str, value: Any, dialect: Dialect, entry: str) -> Any:
    """An option's value: names of activations, and objects described in Keras 3's way."""
    if key.endswith("activation") and value is not None:
        return _activation(value, dialect, f"{entry}, {key}")
    if key == "seed" and isinstance(value, Mapping):  # a generator of seeds
        inner = value.get("config")
        return inner.get("seed") if isinstance(inner, Mapping) else None
    for ending, kinds in (
        ("initializer", initializers.registry),
        ("regularizer", regularizers.registry),
        ("constraint", constraints.registry),
    ):
        if key.endswith(ending) and value is not None:
            return _part(value, kinds, dialect, f"{entry}, {key}")
    return value


def _activation(value: Any, dialect: Dialect, entry: str) -> str:
    if isinstance(value, Mapping) and value.get("class_name") == "function":
        value = value.get("config")
    if not isinstance(value, str):
        dialect.refuse(entry, "the name of an activation", f"{value!r}"[:80])
    name: str = _ACTIVATIONS[dialect.major].get(value, value)
    return name


def _part(value: Any, kinds: Any, dialect: Dialect, entry: str) -> Any:
    """The description of an initializer, regularizer or constraint."""
    if isinstance(value, str):
        return value
    name, config = _described(value, dialect, entry)
    name = _INITIALIZERS.get(name, name)
    package = value.get("registered_name")
    if not kinds.knows(name) or (isinstance(package, str) and package.rpartition(">")[0] not in ("", "keras")):
        dialect.refuse(entry, f"one of {', '.join(sorted(kinds.classes))}", repr(package or name))
    config = {k: v for k, v in config.items() if k not in _NO_INITIALIZER_AXES or v is not None}
    if isinstance(config.get("seed"), Mapping):
        config["seed"] = None
    if config.get("distribution") == "truncated_normal":
        config["distribution"] = "normal"
    return {"class_name": name, "config": config}


def _bidirectional(config: dict[str, Any], dialect: Dialect, entry: str) -> dict[str, Any]:
    """One layer for both directions, as jtf has it."""
    forward = converted(config.get("layer"), dialect, f"layer of {entry}")
    backward = config.pop("backward_layer", None)
    of_layer = forward["config"]
    if backward is not None:
        other = converted(backward, dialect, f"backward_layer of {entry}")
        expected = {**of_layer, "go_backwards": not of_layer.get("go_backwards"), "name": None}
        if other["class_name"] != forward["class_name"] or {**other["config"], "name": None} != expected:
            dialect.refuse(entry, "the same options in both directions", "a backward_layer of its own")
    if dialect.major == 3 and isinstance(of_layer.get("name"), str):
        of_layer["name"] = of_layer["name"].removeprefix("forward_")
    config["layer"] = forward
    return config


def _list(config: Mapping[str, Any], key: str, dialect: Dialect, entry: str) -> None:
    if not isinstance(config.get(key), list):
        dialect.refuse(entry, f"a list of {key}", repr(config.get(key))[:80])
