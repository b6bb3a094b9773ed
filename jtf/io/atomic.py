"""Files that are there as a whole or not at all, also after a crash."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """A stream whose contents become the file, at the end of this context and in one stroke; not if it raises.

    Where a symbolic link is, the file takes its place, and what the link leads to stays as it is. The bytes outlast a
    loss of power; the new name does so once `sync_directory` was called.

    Args:
        file: in a directory that is there.
    """
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)


def check_writable(directory: Path) -> None:
    """See whether files can be made in a directory, or in that which is to be made; changes nothing.

    Raises:
        OSError: they cannot.
    """
    there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"{there} is a file, so that there can be nothing in it. Choose another path.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"Nothing can be written in {there}: permission denied. Choose another path.")


def sync_directory(directory: Path) -> None:
    """Make what was renamed in a directory outlast a loss of power, where the system can (Windows cannot)."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
