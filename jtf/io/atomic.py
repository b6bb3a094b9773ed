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


def sync_directory(directory: Path) -> None:
    """Make what was renamed in a directory outlast a loss of power, where the system can (Windows cannot)."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
