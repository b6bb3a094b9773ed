"""Where models are kept: a directory, a zip file, memory, or wherever a function of yours puts them.

Example:
    >>> import jtf
    >>> model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3])])
    >>> kept = []
    >>> result = model.save(jtf.io.with_save_handler(kept.append))
    >>> again = jtf.load_layers_model(jtf.io.from_memory(kept[0]))
    >>> again.count_params()
    8
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import unquote

from jtf.io.artifacts import LoadHandler, ModelArtifacts, SaveHandler, from_document
from jtf.io.directory import MANIFEST, SHARD_BYTES, Directory
from jtf.io.errors import ModelFormatError
from jtf.io.safetensors_file import SafetensorsFile
from jtf.io.zip_file import ZipFile

SaveTarget = str | os.PathLike[str] | SaveHandler
LoadSource = str | os.PathLike[str] | LoadHandler | Mapping[str, Any] | ModelArtifacts


class Memory:
    """A model in memory, to be opened from there: `ModelArtifacts`, or a dict with TF.js's names.

    Args:
        model: ``ModelArtifacts``; or the contents of a ``model.json``, whose weights are in ``weightSpecs`` and
            ``weightData`` (bytes), or else in files at ``weight_path_prefix``.
        weight_path_prefix: the directory of those files.
    """

    def __init__(
        self, model: ModelArtifacts | Mapping[str, Any], weight_path_prefix: str | os.PathLike[str] | None = None
    ) -> None:
        self.model, self.weights_in = model, weight_path_prefix

    def load(self) -> ModelArtifacts:
        if isinstance(self.model, ModelArtifacts):
            return self.model
        if self.weights_in is None:
            return from_document(self.model, "the dict", _nowhere)
        directory = Directory(local_path(self.weights_in))
        return from_document(self.model, "the dict", directory.shard)


class FunctionHandler:
    """Gives a model to a function."""

    def __init__(self, keep: Callable[[ModelArtifacts], Any]) -> None:
        self._keep = keep

    def save(self, artifacts: ModelArtifacts) -> None:
        self._keep(artifacts)


def from_memory(model: ModelArtifacts | Mapping[str, Any]) -> Memory:
    """A handler from which `load_layers_model` opens a model that is in memory; see `Memory`."""
    return Memory(model)


def with_save_handler(keep: Callable[[ModelArtifacts], Any]) -> FunctionHandler:
    """A handler with which ``model.save`` gives the model to a function, to be sent or put wherever it likes.

    Args:
        keep: takes `ModelArtifacts`.
    """
    return FunctionHandler(keep)


def save_handler(path: SaveTarget, shard_bytes: int | None, overwrite: bool) -> SaveHandler:
    """What keeps a model at a path: by its ending, in a zip or safetensors file, and else in a directory.

    Raises:
        ValueError: options that it does not have, or a file of another program.
        TypeError: neither path nor handler.
    """
    if not isinstance(path, str | os.PathLike):
        if not hasattr(path, "save"):
            raise TypeError(
                "Models are saved to a path or to a handler, an object with save(artifacts) such as "
                f"jtf.io.with_save_handler(function); received {path!r}."
            )
        if shard_bytes is not None or overwrite:
            raise ValueError("shard_bytes and overwrite are for models that are saved into directories and files.")
        return path
    place, size = local_path(path), SHARD_BYTES if shard_bytes is None else shard_bytes
    if place.name == MANIFEST:  # as it is given to open it
        place = place.parent
    if is_keras_file(place):
        raise ValueError(
            f"{place}: models are saved as directories in TF.js's format, or as .zip or .safetensors files, not as "
            "Keras files."
        )
    if place.suffix == ".zip":
        return ZipFile(place, size, overwrite)
    if place.suffix != ".safetensors":
        return Directory(place, size, overwrite)
    if shard_bytes is not None:
        raise ValueError("A .safetensors file is one piece: shard_bytes is for directories and .zip files.")
    return SafetensorsFile(place, overwrite)


def load_handler(path: LoadSource, weight_path_prefix: str | os.PathLike[str] | None) -> LoadHandler:
    """What opens a model at a path, by its ending, or that is in memory.

    Raises:
        ValueError: a file of another program.
        TypeError: neither path nor handler nor dict.
    """
    if isinstance(path, Mapping | ModelArtifacts):
        return Memory(path, weight_path_prefix)
    if not isinstance(path, str | os.PathLike):
        if not hasattr(path, "load"):
            raise TypeError(
                "Models are opened from a path, a dict, ModelArtifacts or a handler, an object with load() such as "
                f"jtf.io.from_memory(artifacts); received {path!r}."
            )
        return path
    place = local_path(path)
    if is_keras_file(place):
        raise ValueError(f"{place} is a Keras file: open it with jtf.load_keras_model({str(place)!r}).")
    if place.suffix == ".zip":
        return ZipFile(place)
    prefix = None if weight_path_prefix is None else local_path(weight_path_prefix)
    return SafetensorsFile(place) if place.suffix == ".safetensors" else Directory(place, weight_path_prefix=prefix)


def is_keras_file(path: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Whether the path is that of a file that Keras would write, by its ending."""
    return isinstance(path, str | os.PathLike) and os.fspath(path).endswith((".h5", ".hdf5", ".keras"))


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
    return Path(rest) if Path(rest).exists() else Path(unquote(rest))


def _nowhere(path: str, _: int) -> Any:
    raise ModelFormatError(
        "the dict", f"weights file {path[:200]!r}", "weight_path_prefix, the directory that it lies in", "none"
    )
