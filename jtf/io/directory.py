"""A model in a directory: ``model.json`` and files of weights beside it, as web servers and TF.js want it."""

from __future__ import annotations

import json
import mmap
import os
import zlib
from pathlib import Path
from typing import Any

from jtf.io.artifacts import ModelArtifacts, from_document
from jtf.io.atomic import replacing, sync_directory
from jtf.io.buffers import Pieces
from jtf.io.errors import ModelFormatError

MANIFEST = "model.json"
#: The size of a file of weights, at most; browsers keep files of this size in their cache.
SHARD_BYTES = 4 * 2**20


class Directory:
    """Keeps a model in a directory.

    Saving writes the files of weights first, under names that the model which is there already does not use, then
    the ``model.json`` that names them, in one stroke: a crash at any moment leaves the old model or the new one. Then
    the old model's files go; other files in the directory stay.

    Args:
        path: the directory, or (to load) the JSON file in it.
        shard_bytes: how large a file of weights may be.
        overwrite: whether to write into a directory that has other things in it and no model.
        weight_path_prefix: where the weights lie that a ``model.json`` names, if not beside it.
    """

    def __init__(
        self,
        path: Path,
        shard_bytes: int = SHARD_BYTES,
        overwrite: bool = False,
        weight_path_prefix: str | os.PathLike[str] | None = None,
    ) -> None:
        if type(shard_bytes) is not int or shard_bytes < 1:
            raise ValueError(f"shard_bytes is a number of bytes, such as {SHARD_BYTES}; received {shard_bytes!r}.")
        self.path, self.shard_bytes, self.overwrite = path, shard_bytes, overwrite
        self.weights_in = None if weight_path_prefix is None else Path(weight_path_prefix)

    # Saving.

    def save(self, artifacts: ModelArtifacts) -> None:
        """Write the model, in place of the one that is there.

        Raises:
            FileExistsError: there is something else than a saved model.
        """
        manifest_file = self.path / MANIFEST
        self._refuse_to_destroy(manifest_file)
        before = _files_of(manifest_file)
        self.path.mkdir(parents=True, exist_ok=True)
        shards = list(artifacts.weights.chunks(self.shard_bytes))
        names = self._new_names(artifacts.weights, len(shards))
        document = json.dumps(artifacts.document(names), allow_nan=False).encode()
        for name, parts in zip(names, shards, strict=True):
            with replacing(self.path / name) as file:
                file.writelines(parts)
        sync_directory(self.path)  # the weights are there before what names them
        with replacing(manifest_file) as file:
            file.write(document)
        sync_directory(self.path)
        for name in before - set(names):
            (self.path / name).unlink(missing_ok=True)

    def _refuse_to_destroy(self, manifest_file: Path) -> None:
        if not self.path.exists() or (self.path.is_dir() and (manifest_file.is_file() or not any(self.path.iterdir()))):
            return
        if not self.path.is_dir():
            raise FileExistsError(f"{self.path} is a file; models are saved in directories. Choose another path.")
        if not self.overwrite:
            raise FileExistsError(
                f"{self.path} exists and is not a saved model (it has no {MANIFEST}). Choose another path, or write "
                "the model beside what is there with overwrite=True."
            )

    def _new_names(self, weights: Pieces, count: int) -> list[str]:
        """Names for the shards: TF.js's own, or where these are taken already, names that tell of the contents."""
        plain = shard_names(count)
        if not any((self.path / name).exists() for name in plain):
            return plain
        digest = 0
        for piece in weights.pieces:
            digest = zlib.crc32(piece, digest)
        return [name.replace(".bin", f"-{digest:08x}.bin") for name in plain]

    # Loading.

    def load(self) -> ModelArtifacts:
        """Open the model; the files of weights are mapped into memory, not read.

        Raises:
            FileNotFoundError: there is no model.
            ModelFormatError: it is not what it should be.
        """
        file = self.path / MANIFEST if self.path.is_dir() else self.path
        if not file.is_file():
            raise FileNotFoundError(f"There is no model at {self.path}: {file} does not exist.")
        document = parsed_json(file.read_bytes(), file)
        if self.weights_in is not None:
            return from_document(document, file, Directory(self.weights_in).shard)
        # Where model.json is a link, its weights may lie where it points to.
        allowed = [file.parent.resolve(), file.resolve().parent]
        return from_document(document, file, lambda path, _: _mapped(file.parent, path, allowed, file))

    def shard(self, path: str, _: int) -> Any:
        """The bytes of a file in the directory."""
        return _mapped(self.path, path, [self.path.resolve()], self.path)


def shard_names(count: int) -> list[str]:
    """What files of weights are called: as TF.js's own programs call them."""
    return ["weights.bin"] if count == 1 else [f"group1-shard{n + 1}of{count}.bin" for n in range(count)]


def parsed_json(text: bytes | str, source: str | os.PathLike[str]) -> Any:
    """The contents of a JSON file.

    Raises:
        ModelFormatError: it is no JSON, or nested deeper than a model ever is.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(source, "the file", "JSON", str(error)) from error


def _mapped(directory: Path, path: str, allowed: list[Path], file: Path) -> Any:
    """A file's bytes, which the system reads when somebody looks at them."""
    entry = f"weights file {path[:200]!r}"
    try:
        shard = (directory / path).resolve()
        is_inside = any(shard.is_relative_to(place) for place in allowed)
        is_there = is_inside and shard.is_file()
        if is_there:
            if shard.stat().st_size == 0:
                return b""
            with shard.open("rb") as stream:
                return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError, RuntimeError) as error:  # names with a zero byte, too long, in a circle of links
        raise ModelFormatError(file, entry, "a file that can be read", str(error)) from error
    if not is_inside:
        raise ModelFormatError(file, entry, "a path inside of the model's directory", "one that leads out of it")
    raise ModelFormatError(file, entry, f"a file in {directory}", "none (missing)")


def _files_of(manifest_file: Path) -> set[str]:
    """The files of weights of the model that is there, as far as they lie in its directory itself."""
    try:
        groups = json.loads(manifest_file.read_bytes())["weightsManifest"]
        names = [path for group in groups for path in group["paths"]]
        return {Path(name).name for name in names if Path(name).name == os.path.normpath(name)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
