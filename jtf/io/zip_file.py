"""A model in one zip file: what a directory has, ready to be unpacked on a web server or sent to somebody."""

from __future__ import annotations

import zipfile
from pathlib import Path

from jtf.io.artifacts import ModelArtifacts, from_document
from jtf.io.atomic import check_writable, replacing, sync_directory
from jtf.io.directory import MANIFEST, SHARD_BYTES, as_json, checked_shard_bytes, parsed_json, shard_names
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
        overwrite: whether to replace a file that is no saved model.
    """

    def __init__(self, path: Path, shard_bytes: int = SHARD_BYTES, overwrite: bool = False) -> None:
        self.path, self.shard_bytes, self.overwrite = path, checked_shard_bytes(shard_bytes), overwrite

    def save(self, artifacts: ModelArtifacts) -> None:
        """Write the file; one that is there is replaced when the new one is complete.

        Raises:
            FileExistsError: there is a file that is no saved model.
        """
        self.check()
        shards = list(artifacts.weights.chunks(self.shard_bytes))
        names = shard_names(len(shards))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MANIFEST, as_json(artifacts.document(names)))
            for name, parts in zip(names, shards, strict=True):
                with archive.open(name, "w", force_zip64=True) as stream:
                    for part in parts:
                        stream.write(part)
        sync_directory(self.path.parent)

    def check(self) -> None:
        """See whether a model can be saved here; changes nothing.

        Raises:
            FileExistsError: there is something else than a saved model.
            OSError: nothing can be written there.
        """
        if self.path.is_dir():
            raise FileExistsError(f"{self.path} is a directory. Choose another path.")
        if self.path.exists() and not (self.overwrite or self._has_model()):
            raise FileExistsError(f"{self.path} exists and is no saved model. Choose another path, or overwrite=True.")
        check_writable(self.path.parent)

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
                self._refuse_bombs(archive)
                document = parsed_json(self._read(archive, MANIFEST, _MOST_JSON), f"{self.path}/{MANIFEST}")
                return from_document(document, self.path, lambda name, most: self._read(archive, name, most))
        except ModelFormatError:
            raise
        except Exception as error:  # zipfile has no error of its own for much that can be wrong
            raise ModelFormatError(self.path, "the file", "a zip file", f"{type(error).__name__}: {error}") from error

    def _has_model(self) -> bool:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return MANIFEST in archive.namelist()
        except (OSError, zipfile.BadZipFile):
            return False

    def _refuse_bombs(self, archive: zipfile.ZipFile) -> None:
        size = sum(info.file_size for info in archive.infolist())
        most = max(_MOST_SQUEEZED, self.path.stat().st_size * _MOST_RATIO)
        if size > most:
            raise ModelFormatError(self.path, "all entries", f"at most {most:,} bytes", f"{size:,}")

    def _read(self, archive: zipfile.ZipFile, name: str, most: int) -> bytes:
        names = archive.namelist()
        if names.count(name.removeprefix("./")) != 1:
            raise ModelFormatError(self.path, f"entry {name[:200]!r}", "to be there once", f"{', '.join(names)[:200]}")
        info = archive.getinfo(name.removeprefix("./"))
        if info.file_size > most:
            raise ModelFormatError(self.path, f"entry {name!r}", f"at most {most:,} bytes", f"{info.file_size:,} bytes")
        return archive.read(info)
