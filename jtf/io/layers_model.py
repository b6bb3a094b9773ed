"""Models in TF.js's ``layers-model`` format, both ways.

What is written here ``tf.loadLayersModel`` opens in TF.js, and the other way round: topology, weights and, if wanted,
what belongs to training, with the same numbers.

References:
    TF.js: tfjs-layers/src/models.ts, tfjs-layers/src/engine/training.ts (save), tfjs-core/src/io/
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jtf.engine.trainer import is_differentiable
from jtf.engine.warnings import warn
from jtf.io.artifacts import LoadHandler, ModelArtifacts, from_document
from jtf.io.buffers import Pieces
from jtf.io.errors import ModelFormatError
from jtf.io.handlers import LoadSource, SaveTarget, is_keras_file, load_handler, local_path, save_handler
from jtf.io.keras import load_keras_weights
from jtf.io.keras.config import Dialect, converted
from jtf.io.manifest import (
    StoredWeight,
    WeightSpec,
    arrays,
    check_size,
    checked_specs,
    dtype_of_each,
    quantized,
    stored,
)
from jtf.io.matching import left_out, matched, matched_in_part, side_by_side
from jtf.io.optimizer_state import GROUP, optimizer_weights, restore
from jtf.io.safetensors_file import SafetensorsFile
from jtf.io.tfjs_limits import names_in_tfjs
from jtf.io.topology import model_from_json, topology
from jtf.io.training_config import compile_as_saved, training_config
from jtf.layers.scopes import weights_are_given
from jtf.missing import knows_arguments
from jtf.naming import look_up
from jtf.options import checked
from jtf.variable import Variable, assign_all, read_all

#: Takes the fraction that has been read.
OnProgress = Callable[[float], Any]


class SaveResult(NamedTuple):
    """What became of a model that was saved.

    Attributes:
        weights: how many there are.
        weight_bytes: what they take.
        full_bytes: what they would take unquantized.
        largest_error: by how much a value differs at most from the one in memory, through quantization.
        worst_weight: where that is; None if nothing was quantized.
    """

    weights: int
    weight_bytes: int
    full_bytes: int
    largest_error: float = 0.0
    worst_weight: str | None = None


def save_layers_model(
    model: Any,
    path: SaveTarget,
    *,
    include_optimizer: bool = False,
    trainable_only: bool = False,
    dtype: str | Mapping[str, str] | None = None,
    target: str = "tfjs",
    shard_bytes: int | None = None,
    overwrite: bool = False,
) -> SaveResult:
    """Write a built model; see `LayersModel.save`."""
    target = look_up(target, {"tfjs": "tfjs", "jtf": "jtf"}, "target")
    handler = save_handler(path, shard_bytes, overwrite)
    if isinstance(handler, SafetensorsFile) and (include_optimizer or dtype is not None):
        raise ValueError(
            "A .safetensors file has the weights as they are and the topology: include_optimizer and dtype are for "
            "directories and .zip files."
        )
    artifacts, result = artifacts_of(model, include_optimizer, trainable_only, dtype, target)
    handler.save(artifacts)
    return result


def artifacts_of(
    model: Any,
    include_optimizer: bool = False,
    trainable_only: bool = False,
    dtype: str | Mapping[str, str] | None = None,
    target: str = "tfjs",
) -> tuple[ModelArtifacts, SaveResult]:
    """What a model's file consists of, and what that says of it."""
    if not model.built:
        raise ValueError(f"Model {model.name!r} is not built yet, so it has no weights to save. Fit or predict first.")
    if include_optimizer and model.optimizer is None:
        raise ValueError(f"Model {model.name!r} is not compiled, so it has no optimizer to save. Compile it first.")
    names = names_in_tfjs(model) if target == "tfjs" else [weight.name for weight in model.weights]
    called = dict(zip(model.weights, names, strict=True))
    chosen = model.trainable_weights if trainable_only else model.weights
    exact = [stored(called[w], np.asarray(value)) for w, value in zip(chosen, read_all(chosen), strict=True)]
    kept_as = dtype_of_each([w.spec.name for w in exact if w.spec.dtype == "float32"], dtype)
    kept = [
        w if kept_as.get(w.spec.name, "float32") == "float32" else quantized(w, kept_as[w.spec.name]) for w in exact
    ]
    errors = {
        k.spec.name: float(np.max(np.abs(k.values - e.array)))
        for k, e in zip(kept, exact, strict=True)
        if k.spec.quantization is not None
    }
    training = None
    if include_optimizer:
        if set(model.trained_weights) != {w for w in model.trainable_weights if is_differentiable(w)}:
            raise ValueError(
                f"What is trainable in model {model.name!r} has changed since it was compiled, so that the optimizer's "
                "state would be that of other weights. Compile it again, or save without include_optimizer."
            )
        training = training_config(model.optimizer, model.compiled_with, target)
        kept += optimizer_weights(model.optimizer, {weight: called[weight] for weight in model.trained_weights})
    result = SaveResult(
        len(exact),
        sum(w.spec.bytes for w in kept[: len(exact)]),
        sum(w.spec.bytes for w in exact),
        max(errors.values(), default=0.0),
        max(errors, key=lambda name: errors[name], default=None),
    )
    return (
        ModelArtifacts(
            topology(model),
            [w.spec for w in kept],
            Pieces(w.array for w in kept),
            training,
            model.get_user_defined_metadata(),
            source=f"model {model.name!r}",
        ),
        result,
    )


@knows_arguments
@checked
def load_layers_model(
    path: LoadSource,
    *,
    strict: bool = True,
    weight_path_prefix: str | os.PathLike[str] | None = None,
    on_progress: OnProgress | None = None,
) -> Any:
    """Open a model that jtf or TF.js has saved, or that was converted from Keras for TF.js.

    The weights are matched by their names, and where those differ in a known way (a prefix, a cell's name, Keras 3's
    numbers), in that way; else by their order, if what they are called within their layers and their shapes agree.

    A model file is data: nothing in it is run, and classes are only found if they are jtf's or made known by
    `jtf.register_class`.

    Args:
        path: the directory, or the ``model.json`` in it, also as a ``file://`` URL; a ``.zip`` or ``.safetensors``
            file that ``model.save`` has written; a dict, the contents of a ``model.json``; or a handler, an object
            with ``load()``, such as `jtf.io.from_memory`.
        strict: whether the file must have just the model's weights. Otherwise those of the same name and shape are
            taken over, and the others begin as in a new model; a warning lists what was left out on either side.
        weight_path_prefix: the directory of the weights, if they are not beside the ``model.json``.
        on_progress: called with the fraction that has been read, from 0 to 1.

    Returns:
        The model; compiled, and with the optimizer's state, if these were saved with it.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFormatError: the file is damaged, or describes something that jtf does not know.

    Example:
        >>> import jtf, tempfile
        >>> model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3])])
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     result = model.save(f"{directory}/model")
        ...     again = jtf.load_layers_model(f"{directory}/model")
        >>> bool((again.predict([[1.0, 2.0, 3.0]]) == model.predict([[1.0, 2.0, 3.0]])).all())
        True
    """
    artifacts = _loaded(load_handler(path, weight_path_prefix))
    if not artifacts.model_topology:
        raise ModelFormatError(
            artifacts.source,
            "the topology",
            "what layers there are",
            "weights only: model.load_weights(path) takes them",
        )
    weights = _weights(artifacts, of_optimizer=False)
    model = _built(artifacts, [weight.spec for weight in weights], strict)
    if artifacts.weight_specs is not None:
        _assign(model, weights, artifacts.source, strict, on_progress, is_new=True)
    if artifacts.training_config is not None:
        slots = [(weight.spec.name, weight.values) for weight in _weights(artifacts, of_optimizer=True)]
        compile_as_saved(model, artifacts.training_config, artifacts.source)
        restore(model.optimizer, model.trained_weights, slots, artifacts.source)
    if artifacts.user_defined_metadata is not None:
        model.set_user_defined_metadata(artifacts.user_defined_metadata)
    return model


def load_weights(model: Any, source: LoadSource | Mapping[str, Any], strict: bool = True) -> None:
    """Give a built model weights; see `LayersModel.load_weights`."""
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} is not built yet, so it has no weights to replace. Fit or predict first."
        )
    if isinstance(source, Mapping) and not {"modelTopology", "weightSpecs"} & source.keys():
        weights = [stored(name, _in_32_bits(np.asarray(value))) for name, value in source.items()]
        _assign(model, weights, "the given weights", strict)
    elif is_keras_file(source):
        if not strict:
            raise ValueError("Weights of Keras's files are taken over as a whole; strict=False is for other files.")
        load_keras_weights(model, local_path(source))
    else:
        artifacts = _loaded(load_handler(source, None))
        _assign(model, _weights(artifacts, of_optimizer=False), artifacts.source, strict)


def _in_32_bits(array: np.ndarray) -> np.ndarray:
    """Numbers as files hold them; integers that int32 cannot hold as floats."""
    if array.dtype.kind in "iu":
        short = array.astype("<i4")
        return short if np.array_equal(short, array) else array.astype("<f4")
    return array.astype("<f4") if array.dtype.kind == "f" else array


def _loaded(handler: LoadHandler) -> ModelArtifacts:
    loaded = handler.load()
    if not isinstance(loaded, ModelArtifacts):
        return from_document(loaded, "the handler's dict", _no_files)
    if not all(isinstance(spec, WeightSpec) for spec in loaded.weight_specs or ()):
        loaded = dataclasses.replace(loaded, weight_specs=checked_specs(loaded.weight_specs, loaded.source))
    check_size(loaded.weight_specs or (), len(loaded.weights), loaded.source, "weights")
    return loaded


def _weights(artifacts: ModelArtifacts, of_optimizer: bool) -> list[StoredWeight]:
    """The model's own weights, or the optimizer's, as they are kept."""
    specs = list(artifacts.weight_specs or [])
    weights = map(StoredWeight, specs, arrays(specs, artifacts.weights))
    return [weight for weight in weights if (weight.spec.group == GROUP) is of_optimizer]


def _built(artifacts: ModelArtifacts, specs: Sequence[WeightSpec], strict: bool) -> Any:
    try:
        described = _in_words_of_tfjs(artifacts.model_topology, artifacts.source)
        described = _with_depths(described, {spec.name: spec.shape for spec in specs})
        if artifacts.weight_specs is None or not strict:
            return model_from_json(described)
        with weights_are_given(sum(spec.size for spec in specs)):
            return model_from_json(described)
    except ModelFormatError:
        raise
    except Exception as error:  # a damaged file may ask for anything
        raise ModelFormatError(artifacts.source, "modelTopology", "a model that can be made", str(error)) from error


def _assign(
    model: Any,
    saved: Sequence[StoredWeight],
    source: str,
    strict: bool,
    on_progress: OnProgress | None = None,
    is_new: bool = False,
) -> None:
    """Give a model the weights of a file; ``is_new`` if the model has been made of that file."""
    weights = model.weights
    theirs = [(weight.spec.name, weight.spec.shape) for weight in saved]
    ours = [(weight.name, weight.shape) for weight in weights]
    indices: Sequence[int | None]
    if strict:
        counted = set(weights if is_new else _named_by_counting(model))
        indices = matched(theirs, ours, source, [weight in counted for weight in weights])
    else:
        indices = matched_in_part(theirs, ours)
    if saved and weights and all(index is None for index in indices):
        raise ModelFormatError(
            source, "the weights", "some of the names and shapes of the model", f"none\n{side_by_side(theirs, ours)}"
        )
    for weight, index in zip(weights, indices, strict=True):
        if index is not None:
            _check_kind(saved[index], weight, source)
    given: dict[Variable, np.ndarray] = {}
    total, done = sum(weight.spec.bytes for weight in saved) or 1, 0
    for weight, index in zip(weights, indices, strict=True):
        if index is not None:
            given[weight] = saved[index].values.astype(weight.dtype, copy=False)
            done += saved[index].spec.bytes
            if on_progress is not None:
                on_progress(min(done / total, 1.0))
    assign_all(given)
    if what := left_out(theirs, ours, indices):
        others = "begin as in a new model" if is_new else "stay as they were"
        warn(
            f"{source}: only weights of the same name and shape are taken over (strict=False); the others {others}. "
            f"{what}."
        )


def _check_kind(saved: StoredWeight, weight: Any, source: str) -> None:
    """Refuse fractions for a weight of whole numbers, such as what a layer counts."""
    if np.dtype(weight.dtype).kind in "iub" and saved.spec.dtype == "float32":
        values = saved.values
        with np.errstate(invalid="ignore"):
            is_whole = np.array_equal(values.astype(weight.dtype), values)
        if not is_whole:
            raise ModelFormatError(source, f"weight {weight.name!r}", f"whole numbers of {weight.dtype}", "others")


def _named_by_counting(model: Any) -> Iterator[Any]:
    """The weights of layers inside of layers of one's own, whose names differ each time."""
    for layer in (model, *model.layers_inside):
        if not type(layer).__module__.startswith("jtf."):
            for inner in layer.layers_inside:
                yield from inner.weights


def _in_words_of_tfjs(topology: Any, source: str) -> Any:
    """A topology as it is, or what Keras 3's means: TF.js's converter copies that, and TF.js cannot open it."""
    if not str(topology.get("keras_version")).startswith("3."):
        return topology
    return converted(topology.get("model_config", topology), Dialect(source, 3))


def _with_depths(topology: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """A topology in which SeparableConv2D's say their depth multiplier, which TF.js forgets: their kernels tell it."""
    if isinstance(topology, list):
        return [_with_depths(item, shapes) for item in topology]
    if not isinstance(topology, Mapping):
        return topology
    topology = {name: _with_depths(value, shapes) for name, value in topology.items()}
    config = topology.get("config")
    if topology.get("class_name") == "SeparableConv2D" and isinstance(config, Mapping):
        kernel = shapes.get(f"{config.get('name')}/depthwise_kernel", ())
        if len(kernel) == 4:
            topology["config"] = {"depth_multiplier": kernel[-1], **config}
    return topology


def _no_files(path: str, _: int) -> Any:
    raise ModelFormatError("the handler's dict", f"weights file {path[:200]!r}", "weightSpecs and weightData", "none")
