"""TF.js's ``layers-model`` format: ``model.json`` (topology and manifest) beside a file of weights.

What is written here ``tf.loadLayersModel`` opens in TF.js, and the other way round: topology and weights, with the
same numbers. The optimizer is not part of it.

References:
    TF.js: tfjs-layers/src/models.ts, tfjs-core/src/io/
"""

from __future__ import annotations

import json
import math
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jtf.io.topology import model_from_json, topology
from jtf.version import __version__

_DTYPES = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4"), "bool": np.dtype("?")}
_MANIFEST = "model.json"


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
    try:
        model = model_from_json(document)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFormatError(f"{file}: {error}") from error
    _assign(model, _read_weights(file, document.get("weightsManifest")), file)
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


def _read_weights(file: Path, manifest: Any) -> dict[str, np.ndarray]:
    weights: dict[str, np.ndarray] = {}
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
            weights[name] = np.frombuffer(data, dtype, math.prod(shape), offset).reshape(shape)
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


def _assign(model: Any, weights: dict[str, np.ndarray], file: Path) -> None:
    expected = {weight.name: weight for weight in model.weights}
    if expected.keys() != weights.keys():
        missing, surplus = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
        raise ModelFormatError(
            f"{file}: the weights do not match the layers. Missing: {', '.join(missing) or 'none'}. "
            f"Not in the model: {', '.join(surplus) or 'none'}."
        )
    for name, weight in expected.items():
        if weights[name].shape != weight.shape:
            raise ModelFormatError(
                f"{file}: weight {name!r} has shape {weights[name].shape}; its layer has {weight.shape}."
            )
    for name, weight in expected.items():
        weight.assign(weights[name].astype(weight.dtype))
