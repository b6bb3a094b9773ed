"""TF.js's ``layers-model`` format: ``model.json`` (topology and manifest) beside a file of weights.

What is written here ``tf.loadLayersModel`` opens in TF.js, and the other way round: topology and weights, with the
same numbers. The optimizer is not part of it.

References:
    TF.js: tfjs-layers/src/models.ts, tfjs-core/src/io/
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from jtf.io.topology import model_from_json, topology
from jtf.version import __version__

_DTYPES = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4"), "bool": np.dtype("?")}
_MANIFEST = "model.json"

#: The weights of a file, in its order, which is that of the model's weights; a name may occur twice.
Stored: TypeAlias = list[tuple[str, np.ndarray]]


class ModelFormatError(ValueError):
    """A file is not the model that it should be: names the file, what was expected and what was found."""


def save_layers_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a built model into a directory; see `LayersModel.save`.

    The weights go into a file named after their content, and the manifest that names it is replaced last, in one
    stroke: a crash at any moment leaves the old model or the new one. Other files in the directory stay.

    Raises:
        ValueError: the model is not built.
        FileExistsError: there is something at ``path`` that is not a saved model.
    """
    if not model.built:
        raise ValueError(f"Model {model.name!r} is not built yet, so it has no weights to save. Fit or predict first.")
    target = local_path(path)
    if target.suffix in (".h5", ".hdf5", ".keras"):
        raise ValueError(f"{target}: models are saved as directories in TF.js's format, not as Keras files.")
    manifest_file = target / _MANIFEST
    if target.exists() and not (target.is_dir() and (manifest_file.is_file() or not any(target.iterdir()))):
        raise FileExistsError(f"{target} exists and is not a saved model (it has no {_MANIFEST}); choose another path.")
    stored = [(weight.name, _storable(weight.name, np.asarray(weight))) for weight in model.weights]
    data = b"".join(array.tobytes() for _, array in stored)
    weights_file = f"weights-{zlib.crc32(data):08x}.bin"
    entries = [{"name": name, "shape": list(array.shape), "dtype": _dtype_name(array)} for name, array in stored]
    document = {
        "modelTopology": topology(model),
        "format": "layers-model",
        "generatedBy": f"jtf {__version__}",
        "convertedBy": None,
        "weightsManifest": [{"paths": [weights_file], "weights": entries}],
    }
    before = _own_shards(manifest_file)
    target.mkdir(parents=True, exist_ok=True)
    _replace(target / weights_file, data)
    _replace(manifest_file, json.dumps(document).encode())
    for name in before - {weights_file}:
        (target / name).unlink(missing_ok=True)


def load_layers_model(path: str | os.PathLike[str]) -> Any:
    """Open a model that jtf or TF.js has saved.

    The weights are matched by their names. Where those differ, by their order, if that fits in number, shapes and the
    last parts of the names: layers inside of layers of one's own are named by counting, anew each time.

    Args:
        path: the directory, or the ``model.json`` in it; also as a ``file://`` URL.

    Returns:
        The model, not compiled.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFormatError: the file is damaged, or describes something that jtf does not know.

    Example:
        >>> import jtf, tempfile
        >>> model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3])])
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     model.save(f"{directory}/model")
        ...     again = jtf.load_layers_model(f"{directory}/model")
        >>> bool((again.predict([[1.0, 2.0, 3.0]]) == model.predict([[1.0, 2.0, 3.0]])).all())
        True
    """
    file = local_path(path)
    if file.is_dir():
        file = file / _MANIFEST
    if not file.is_file():
        raise FileNotFoundError(f"There is no model at {path}: {file} does not exist.")
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFormatError(f"{file} is not JSON: {error}") from error
    if not isinstance(document, Mapping) or not isinstance(document.get("modelTopology"), Mapping):
        raise ModelFormatError(f"{file} has no 'modelTopology'; is it a model saved by TF.js or jtf?")
    stored = _read_weights(file, document.get("weightsManifest"))
    try:
        model = model_from_json(_with_depths(document["modelTopology"], {name: array.shape for name, array in stored}))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFormatError(f"{file}: {error}") from error
    _assign(model, stored, file)
    return model


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.name in ("bfloat16", "float16"):
        return array.astype("<f4")
    if array.dtype.name not in _DTYPES:
        raise ValueError(
            f"Weight {name!r} has dtype {array.dtype}, which TF.js's files cannot hold; they hold "
            f"{', '.join(_DTYPES)}. Convert the weight first."
        )
    return array.astype(_DTYPES[array.dtype.name])


def _dtype_name(array: np.ndarray) -> str:
    return next(name for name, dtype in _DTYPES.items() if dtype == array.dtype)


def local_path(path: str | os.PathLike[str]) -> Path:
    """A path, or a ``file://`` URL as in TF.js.

    Raises:
        ValueError: a URL of another kind.
    """
    text = os.fspath(path)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return Path(text)
    if scheme != "file":
        raise ValueError(f"Models are saved to and read from directories and file:// URLs; received {text!r}.")
    return Path(rest)


def _own_shards(manifest_file: Path) -> set[str]:
    """The files that belong to the model that is there already, by our own naming."""
    try:
        groups = json.loads(manifest_file.read_text(encoding="utf-8"))["weightsManifest"]
        names = {path for group in groups for path in group["paths"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if isinstance(name, str) and re.fullmatch(r"weights-[0-9a-f]{8}\.bin", name)}


def _replace(file: Path, data: bytes) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(data)
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)


def _read_weights(file: Path, manifest: Any) -> Stored:
    weights: Stored = []
    for group in manifest or []:
        shards = [_shard(file, path) for path in group["paths"]]
        data, offset = b"".join(shards), 0
        for entry in group["weights"]:
            name, shape = entry["name"], tuple(entry["shape"])
            if entry["dtype"] not in _DTYPES or "quantization" in entry:
                raise ModelFormatError(
                    f"{file}: weight {name!r} has dtype {entry['dtype']}{' (quantized)' * ('quantization' in entry)}; "
                    f"readable are {', '.join(_DTYPES)}, not quantized."
                )
            dtype = _DTYPES[entry["dtype"]]
            size = math.prod(shape) * dtype.itemsize
            if offset + size > len(data):
                raise ModelFormatError(
                    f"{file}: weight {name!r} of shape {shape} needs {size} bytes from byte {offset} on, but "
                    f"{', '.join(group['paths'])} has {len(data)}. The file is truncated."
                )
            weights.append((name, np.frombuffer(data, dtype, math.prod(shape), offset).reshape(shape)))
            offset += size
        if offset != len(data):
            raise ModelFormatError(
                f"{file}: its weights take {offset} bytes, but {', '.join(group['paths'])} has {len(data)}."
            )
    return weights


def _shard(file: Path, path: str) -> bytes:
    shard = (file.parent / path).resolve()
    if not shard.is_relative_to(file.parent.resolve()):
        raise ModelFormatError(f"{file}: the weights file {path!r} lies outside of the model's directory.")
    if not shard.is_file():
        raise ModelFormatError(f"{file}: its weights file {path!r} is missing.")
    return shard.read_bytes()


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


def _assign(model: Any, stored: Stored, file: Path) -> None:
    """Give a model the weights of a file: by name, or else by order."""
    weights, by_name = model.weights, dict(stored)
    names = [weight.name for weight in weights]
    if sorted(names) == sorted(name for name, _ in stored) == sorted(by_name):
        arrays = [by_name[name] for name in names]
        for weight, array in zip(weights, arrays, strict=True):
            if array.shape != weight.shape:
                raise ModelFormatError(
                    f"{file}: weight {weight.name!r} has shape {array.shape}; its layer has {weight.shape}."
                )
    else:
        arrays = [array for _, array in stored]
        ours = [(weight.name, weight.shape) for weight in weights]
        theirs = [(name, array.shape) for name, array in stored]
        if [_kind(each) for each in ours] != [_kind(each) for each in theirs]:
            raise ModelFormatError(
                f"{file}: the weights do not match the layers, neither by name nor by order.\n"
                + _side_by_side(theirs, ours)
            )
    for weight, array in zip(weights, arrays, strict=True):
        weight.assign(array.astype(weight.dtype))


def _kind(weight: tuple[str, tuple[int, ...]]) -> tuple[str, tuple[int, ...]]:
    """What a weight is within its layer, and its shape."""
    name, shape = weight
    return name.rpartition("/")[2], shape


def _side_by_side(theirs: list[Any], ours: list[Any]) -> str:
    """Two lists of names and shapes, from where they begin to differ on."""
    pairs = list(itertools.zip_longest(theirs, ours))
    same = next(index for index, (one, other) in enumerate(pairs) if one != other)
    shown = [["-" if each is None else f"{each[0]} {each[1]}" for each in pair] for pair in pairs[same : same + _ROWS]]
    rows = [["In the file:", "In the model:"], *shown]
    width = max(len(left) for left, _ in rows)
    lines = [f"  {left:<{width}}  {right}" for left, right in rows]
    more = len(pairs) - same - _ROWS
    return "\n".join([*lines, *([f"  ... and {more} more"] if more > 0 else [])])


#: How many weights an error shows.
_ROWS = 20
