"""Models saved by Keras, opened without Keras: ``.keras`` files, and ``.h5`` files of Keras 2 and 3.

References:
    Keras: keras/src/saving/saving_lib.py, keras/src/legacy/saving/legacy_h5_format.py
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from jtf.io.errors import ModelFormatError
from jtf.io.handlers import local_path
from jtf.io.keras import hdf5
from jtf.io.keras.config import MODELS, Dialect, converted
from jtf.io.keras.training import compile_as_in_keras
from jtf.io.keras.weights import Given, Place, assign, by_layer, by_path, places
from jtf.layers.base import registry
from jtf.layers.scopes import weights_are_given

_WEIGHTS, _CONFIG, _METADATA = "model.weights.h5", "config.json", "metadata.json"
_MOST_JSON = 64 * 2**20
#: What is larger than this was squeezed out of numbers, which gives no more than this.
_MOST_SQUEEZED, _MOST_RATIO = 256 * 2**20, 20


class KerasFile(NamedTuple):
    """What a file of Keras holds.

    Attributes:
        dialect: its name and the Keras that wrote it; None for a file of weights of which that is not known.
        model: the configuration of the model, None in a file of weights.
        training: how it was compiled, if that is known.
        root: everything with numbers.
        is_by_layer: whether the weights are kept in a list for each layer.
    """

    source: str
    dialect: Dialect | None
    model: Any
    training: Any
    root: hdf5.Group
    is_by_layer: bool

    def weights(self, where: list[Place]) -> Given:
        """The model's weights with their values."""
        if not self.is_by_layer:
            return by_path(where, self.root, self.source)
        group = self.root.members.get("model_weights", self.root)
        if not isinstance(group, hdf5.Group):
            raise ModelFormatError(self.source, "model_weights", "a group", "an array")
        return by_layer(where, group, self.source)


def load_keras_model(path: str | os.PathLike[str]) -> Any:
    """Open a model that Keras has saved: a ``.keras`` file, or an ``.h5`` file of Keras 2 or 3. Keras is not needed.

    The model predicts the same numbers as in Keras. What means something else in jtf is refused. Classes of your own
    are known by `jtf.register_class`; code in files is never run.

    Args:
        path: of the file.

    Returns:
        The model; compiled as it was, with the state of its optimizer, where jtf has all of that.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFormatError: the file is damaged, or has something in it that jtf does not have.

    Example:
        >>> import jtf
        >>> model = jtf.load_keras_model("digits.keras")  # doctest: +SKIP
    """
    file = read(path)
    if file.dialect is None or file.model is None:
        raise ModelFormatError(
            file.source,
            "the file",
            "a model",
            "weights only: make the model, and give it these with model.load_weights(path)",
        )
    model, where, given = _made(file, file.dialect)
    assign(given)
    compile_as_in_keras(model, file.training, where, file.root, file.dialect)
    return model


def load_keras_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Give a model the weights in a file of Keras: of weights (``.weights.h5``, ``.h5``), or of a whole model.

    The layers are those of the Keras model, of the same names. If the file is one of Keras 3, all of them may be called
    otherwise, as long as they are in the same order. If anything does not fit, nothing is changed.

    Args:
        model: built.
        path: of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFormatError: the file is damaged, or its weights are not those of the model.
        ValueError: the model is not built.
    """
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} is not built yet, so it has no weights to replace. Fit or predict first."
        )
    file = read(path)
    config = file.model.get("config") if isinstance(file.model, Mapping) else None
    assign(file.weights(places(model, config)))


def _made(file: KerasFile, dialect: Dialect) -> tuple[Any, list[Place], Given]:
    """The model, its layers in Keras's order, and the weights that it is to get."""
    try:
        described = converted(file.model, dialect)
        with weights_are_given(sum(array.size for _, array in file.root.arrays())):
            model = registry.deserialize(described)
        if not hasattr(model, "predict") or not model.built:
            raise ValueError("it is a layer, or a model that does not know the shape of its input")
        _freeze(model, file.model)
        where = places(model, file.model["config"])
        given = file.weights(where)
        _try(model)
    except ModelFormatError:
        raise
    except Exception as error:  # a damaged configuration can make anything fail
        found = f"{type(error).__name__}: {error}"[:2000]
        raise ModelFormatError(file.source, "the model", "layers that jtf can make", found) from error
    return model, where, given


def _try(model: Any) -> None:
    """Call the model on shapes alone, as far as they are known: options of a wrong type show only then."""
    shapes = [(shape[0] or 1, *shape[1:]) for shape in model.input_shapes]
    if None in [size for shape in shapes for size in shape]:
        return
    inputs = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in zip(shapes, model.input_dtypes, strict=True)]
    _, apply = model.functional()
    jax.eval_shape(
        lambda variables, xs: apply(variables, xs)[0], model.variables, inputs if len(inputs) > 1 else inputs[0]
    )


def read(path: str | os.PathLike[str]) -> KerasFile:
    """What is in a file of Keras, as plain data.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFormatError: it is none, or damaged.
    """
    file = local_path(path)
    if not file.is_file():
        raise FileNotFoundError(f"There is no model at {file}.")
    source = os.fspath(file)
    try:
        data = file.read_bytes()
        if data.startswith(hdf5.SIGNATURE):
            return _from_hdf5(hdf5.read(data, source), source)
        if data.startswith(b"PK"):
            return _from_zip(data, source)
    except ModelFormatError:
        raise
    except Exception as error:  # zipfile and json have no errors of their own for much that can be wrong
        raise ModelFormatError(source, "the file", "to be whole", f"{type(error).__name__}: {error}"[:300]) from error
    raise ModelFormatError(source, "the file", "a .keras file (zip) or an .h5 file (HDF5)", repr(data[:8]))


def _from_zip(data: bytes, source: str) -> KerasFile:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        metadata = _parsed(_entry(archive, _METADATA, source, len(data)), source, _METADATA)
        model = _parsed(_entry(archive, _CONFIG, source, len(data)), source, _CONFIG)
        root = hdf5.read(_entry(archive, _WEIGHTS, source, len(data)), f"{source}, {_WEIGHTS}")
    dialect = Dialect(source, _major(metadata.get("keras_version"), source, _METADATA))
    return KerasFile(source, dialect, model, model.get("compile_config"), root, False)


def _entry(archive: zipfile.ZipFile, name: str, source: str, size: int) -> bytes:
    names = archive.namelist()
    if names.count(name) != 1:
        raise ModelFormatError(source, name, "to be there once", f"{', '.join(names)[:200]}")
    info = archive.getinfo(name)
    most = max(_MOST_SQUEEZED, min(size, info.compress_size) * _MOST_RATIO)
    most = _MOST_JSON if name.endswith(".json") else most
    if info.file_size > most:
        raise ModelFormatError(source, name, f"at most {most:,} bytes", f"{info.file_size:,}")
    return archive.read(info)


def _from_hdf5(root: hdf5.Group, source: str) -> KerasFile:
    is_by_layer = "model_weights" in root.members or any(name.startswith("layer_names") for name in root.attributes)
    if not is_by_layer and not isinstance(root.members.get("layers"), hdf5.Group):
        raise ModelFormatError(
            source, "the file", "a model or weights of Keras", ", ".join(root.members)[:200] or "nothing"
        )
    if is_by_layer and root.attributes.get("backend") in ("theano", "cntk"):
        raise ModelFormatError(source, "backend", "'tensorflow', 'jax' or 'torch'", repr(root.attributes["backend"]))
    if (text := root.attributes.get("model_config")) is None:
        return KerasFile(source, None, None, None, root, is_by_layer)
    model = _parsed(text, source, "model_config")
    text = root.attributes.get("training_config")
    training = None if text is None else _parsed(text, source, "training_config")
    dialect = Dialect(source, _major(root.attributes.get("keras_version"), source, "the file"))
    return KerasFile(source, dialect, model, training, root, is_by_layer)


def _parsed(text: Any, source: str, entry: str) -> Any:
    parsed = json.loads(text) if isinstance(text, str | bytes) else None
    if not isinstance(parsed, Mapping):
        raise ModelFormatError(source, entry, "a JSON object", type(parsed).__name__)
    return parsed


def _major(version: Any, source: str, entry: str) -> int:
    if isinstance(version, str) and version[:2] in ("2.", "3."):
        return int(version[0])
    raise ModelFormatError(source, entry, "keras_version 2 or 3", repr(version)[:40])


def _freeze(model: Any, described: Mapping[str, Any]) -> None:
    """Models say of themselves, too, whether they are trained."""
    frozen = set(_frozen_models(described))
    for layer in (model, *model.layers_inside):
        if hasattr(layer, "predict") and layer.name in frozen:
            layer.trainable = False


def _frozen_models(described: Any) -> list[str]:
    found, waiting = [], [described]
    while waiting:
        each = waiting.pop()
        config = each.get("config") if isinstance(each, Mapping) else None
        if isinstance(config, Mapping):
            if each.get("class_name") in MODELS and config.get("trainable") is False:
                found.append(str(config.get("name")))
            waiting += [config.get("layer"), *(config.get("layers") or [])]
    return found
