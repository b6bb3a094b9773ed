"""A model in a directory: ``model.json`` and files of weights beside it, as web servers and TF.js want it."""

from __future__ import annotations

import json
import math
import mmap
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jtf.io.artifacts import ModelArtifacts, from_document
from jtf.io.atomic import check_writable, replacing, sync_directory
from jtf.io.buffers import Pieces
from jtf.io.errors import ModelFormatError

MANIFEST = "model.json"
#: What files of weights are called here and by TF.js's own programs.
_OWN_NAME = re.compile(r"(weights|group\d+-shard\d+of\d+)(-[0-9a-f]{8})?(\.bin)?")
#: The size of a file of weights, at most; browsers keep files of this size in their cache.
SHARD_BYTES = 4 * 2**20


class Directory:
    """Keeps a model in a directory.

    Saving writes the files of weights first, under names that the model which is there already does not use, then
    the ``model.json`` that names them, in one stroke: a crash at any moment leaves the old model or the new one. Then
    the old model's files go; other files in the directory stay. The first model's files are called as TF.js calls
    them, those of later ones by their contents, so that nobody's cache confuses them.

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
        self.path, self.shard_bytes, self.overwrite = path, checked_shard_bytes(shard_bytes), overwrite
        self.weights_in = None if weight_path_prefix is None else Path(weight_path_prefix)

    # Saving.

    def save(self, artifacts: ModelArtifacts) -> None:
        """Write the model, in place of the one that is there.

        Raises:
            FileExistsError: there is something else than a saved model.
        """
        self.check()
        manifest_file = self.path / MANIFEST
        as_json(artifacts.document([]))  # refuses what JSON lacks, before anything is written
        before = _files_of(manifest_file)
        self.path.mkdir(parents=True, exist_ok=True)
        shards = list(artifacts.weights.chunks(self.shard_bytes))
        names = self._new_names(artifacts.weights, len(shards))
        try:
            for name, parts in zip(names, shards, strict=True):
                with replacing(self.path / name) as file:
                    file.writelines(parts)
            sync_directory(self.path)  # the weights are there before what names them
            with replacing(manifest_file) as file:
                file.write(as_json(artifacts.document(names)))
        except BaseException:
            self._remove(set(names) - before)
            raise
        sync_directory(self.path)
        self._remove(before - set(names))

    def _remove(self, names: set[str]) -> None:
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def check(self) -> None:
        """See whether a model can be saved here; changes nothing.

        Raises:
            FileExistsError: there is something else than a saved model.
            OSError: nothing can be written there.
        """
        if self.path.is_file():
            raise FileExistsError(f"{self.path} is a file; models are saved in directories. Choose another path.")
        check_writable(self.path)
        if not self.path.exists():
            return
        is_ours = all(_OWN_NAME.fullmatch(file.name) or file.suffix == ".tmp" for file in self.path.iterdir())
        if not (self.overwrite or is_ours or _manifest(self.path / MANIFEST)):
            raise FileExistsError(
                f"{self.path} exists and is not a saved model (it has no {MANIFEST} of one). Choose another path, or "
                "write the model beside what is there with overwrite=True."
            )

    def _new_names(self, weights: Pieces, count: int) -> list[str]:
        """Names for the shards: TF.js's own, or where these are taken already, names that tell of the contents."""
        plain = shard_names(count)
        if not any((self.path / name).exists() for name in (MANIFEST, *plain)):
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
        text = file.read_bytes()
        try:
            return self._described(text, file)
        except ModelFormatError:
            if (now := file.read_bytes()) == text:
                raise
            return self._described(now, file)  # somebody has just saved another model here

    def _described(self, text: bytes, file: Path) -> ModelArtifacts:
        document = parsed_json(text, file)
        if self.weights_in is not None:
            return from_document(document, file, Directory(self.weights_in).shard)
        # Where model.json is a link, its weights may lie where it points to.
        allowed = [file.parent.resolve(), file.resolve().parent]
        return from_document(document, file, lambda path, _: _mapped(file.parent, path, allowed, file))

    def shard(self, path: str, _: int) -> Any:
        """The bytes of a file in the directory."""
        return _mapped(self.path, path, [self.path.resolve()], self.path)


def checked_shard_bytes(size: Any) -> int:
    """How large a file of weights may be.

    Raises:
        ValueError: it is no number of bytes.
    """
    if type(size) is not int or size < 1:
        raise ValueError(f"shard_bytes is a number of bytes, such as {SHARD_BYTES}; received {size!r}.")
    return size


def shard_names(count: int) -> list[str]:
    """What files of weights are called: as TF.js's own programs call them."""
    return ["weights.bin"] if count == 1 else [f"group1-shard{n + 1}of{count}.bin" for n in range(count)]


def parsed_json(text: bytes | str, source: str | os.PathLike[str]) -> Any:
    """The contents of a JSON file.

    Raises:
        ModelFormatError: it is no JSON, or nested deeper than a model ever is.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(source, "the file", "JSON", str(error)) from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name}, which is no number in JSON")


def as_json(document: Any) -> bytes:
    """A JSON file's contents.

    Raises:
        ValueError: there is a number in it that JSON lacks; says where.
    """
    try:
        return json.dumps(document, allow_nan=False).encode()
    except ValueError as error:
        place = next(_not_finite(document), "somewhere")
        raise ValueError(f"{place} is not finite, which JSON files cannot hold. Use a number that is.") from error


def _not_finite(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place} = {value}"
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in items:
        named = item.get("config") if isinstance(item, Mapping) else None
        name = named.get("name", key) if isinstance(named, Mapping) else key
        yield from _not_finite(item, f"{place}.{name}".lstrip("."))


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
        names = [path for group in _manifest(manifest_file)["weightsManifest"] for path in group["paths"]]
        return {Path(name).name for name in names if _OWN_NAME.fullmatch(os.path.normpath(name))}
    except (ValueError, KeyError, TypeError):
        return set()


def _manifest(file: Path) -> dict[str, Any]:
    """The ``model.json`` of a model; an empty dict where there is none, or something else."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) and "modelTopology" in document else {}
