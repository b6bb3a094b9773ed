"""IDX files of bytes, plain or gzipped: the format of MNIST and of the data sets that follow it.

Two zero bytes, a byte for the type (8: unsigned bytes), a byte for the number of dimensions, each dimension
as a big-endian 32-bit number, then the bytes. A file is read only if it is exactly that: a damaged data set
should not become a model that is slightly worse.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import IO

import numpy as np

_UNSIGNED_BYTES = 8
#: gzip cannot make data more than about 1032 times smaller; a header that claims more is wrong.
_GZIP_LIMIT = 1032
_CHUNK = 1 << 20


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """The array in an IDX file of unsigned bytes.

    Memory is taken only for bytes that are there: the header's claim is held against the file's size first.

    Args:
        path: the file; a name that ends in ``.gz`` is gunzipped.
        ndim: how many dimensions it has to have.

    Returns:
        A uint8 array.

    Raises:
        ValueError: the file is damaged, too short, too long or of another kind.
    """
    with open(path, "rb") as file:
        stored = os.fstat(file.fileno()).st_size
        if path.suffix != ".gz":
            return _read(file, path, ndim, stored)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(unpacked, path, ndim, stored * _GZIP_LIMIT)
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} is a damaged gzip file: {error}. Get it again.") from error
        except EOFError as error:
            raise ValueError(f"{path} is cut off: its gzip data have no end. Get it again.") from error


def _read(file: IO[bytes] | gzip.GzipFile, path: Path, ndim: int, most: int) -> np.ndarray:
    header = file.read(4 + 4 * ndim)
    magic = bytes([0, 0, _UNSIGNED_BYTES, ndim])
    if header[:4] != magic:
        raise ValueError(
            f"{path} is no IDX file of unsigned bytes in {ndim} dimensions: expected it to begin with "
            f"{magic.hex(' ')}, found {header[:4].hex(' ') or 'nothing'}. Is it the right file, and named "
            ".gz only if it is gzipped?"
        )
    if len(header) < 4 + 4 * ndim:
        raise ValueError(f"{path} is cut off: expected {4 + 4 * ndim} bytes of header, found {len(header)}.")
    dims = tuple(int.from_bytes(header[i : i + 4], "big") for i in range(4, len(header), 4))
    size = math.prod(dims)
    if len(header) + size > most:
        raise ValueError(
            f"{path} is cut off: its header says {dims}, so expected {len(header) + size} bytes, but the "
            f"file can hold {most} at most. Get it again."
        )
    data = bytearray()
    while len(data) <= size:  # one byte more than expected is asked for: there must be none
        chunk = file.read(min(_CHUNK, size + 1 - len(data)))
        if not chunk:
            break
        data += chunk
    if len(data) != size:
        fault = "cut off" if len(data) < size else "too long"
        found = str(len(data)) if len(data) < size else f"more than {size}"
        raise ValueError(
            f"{path} is {fault}: its header says {dims}, so expected {size} bytes behind it, found {found}. "
            "Get it again."
        )
    return np.frombuffer(data, np.uint8).reshape(dims)
