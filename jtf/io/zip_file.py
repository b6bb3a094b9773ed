"""A model in one zip file: what a directory has, ready to be unpacked on a web server or sent to somebody."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from jtf.io.artifacts import ModelArtifacts, from_document
from jtf.io.atomic import replacing
from jtf.io.directory import MANIFEST, SHARD_BYTES, parsed_json, shard_names
from jtf.io.errors import ModelFormatError

#: No topology is larger.
_MOST_JSON = 64 * 2**20
#: What is larger than this was squeezed out of numbers, which gives no more than this.
_MOST_SQUEEZED, _MOST_RATIO = 256 * 2**20, 20


class ZipFile:
    """Keeps a model in a zip file: ``model.json`` and the weights beside it, in no folder.

    Args:
        path: of the file.
        shard_bytes: how large a file of weights in it may be.
    """

    def __init__(self, path: Path, shard_bytes: int = SHARD_BYTES) -> None:
        self.path, self.shard_bytes = path, shard_bytes

    def save(self, artifacts: ModelArtifacts) -> None:
        """Write the file; one that is there is replaced when the new one is complete."""
        shards = list(artifacts.weights.chunks(self.shard_bytes))
        names = shard_names(len(shards))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MANIFEST, json.dumps(artifacts.document(names), allow_nan=False))
            for name, parts in zip(names, shards, strict=True):
                with archive.open(name, "w", force_zip64=True) as stream:
                    for part in parts:
                        stream.write(part)

    def load(self) -> ModelArtifacts:
        """Open the model.

        Raises:
            FileNotFoundError: there is no such file.
            ModelFormatError: it is not what it should be.
        """
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no model at {self.path}.")
        try:
            with zipfile.ZipFile(self.path) as archive:
                document = parsed_json(self._read(archive, MANIFEST, _MOST_JSON), f"{self.path}/{MANIFEST}")
                return from_document(document, self.path, lambda name, most: self._read(archive, name, most))
        except ModelFormatError:
            raise
        except Exception as error:  # zipfile has no error of its own for much that can be wrong
            raise ModelFormatError(self.path, "the file", "a zip file", f"{type(error).__name__}: {error}") from error

    def _read(self, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
        names = archive.namelist()
        if names.count(name.removeprefix("./")) != 1:
            raise ModelFormatError(self.path, f"entry {name[:200]!r}", "to be there once", f"{', '.join(names)[:200]}")
        info = archive.getinfo(name.removeprefix("./"))
        most = min(most, max(_MOST_SQUEEZED, info.compress_size * _MOST_RATIO))
        if info.file_size > most or info.compress_size > self.path.stat().st_size:
            raise ModelFormatError(self.path, f"entry {name!r}", f"at most {most:,} bytes", f"{info.file_size:,} bytes")
        return archive.read(info)
