"""Bytes that lie in several pieces, read as if they were one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

import numpy as np

#: Anything whose bytes can be read without copying them.
Buffer = bytes | bytearray | memoryview | np.ndarray


class Pieces:
    """Pieces of memory, one behind the other; nothing is copied before somebody asks for bytes that lie in two of them.

    Args:
        buffers: bytes, or arrays, whose bytes are taken as they lie in memory.

    Example:
        >>> pieces = Pieces([b"abc", b"def"])
        >>> len(pieces), bytes(pieces[1:3]), bytes(pieces[2:5])
        (6, b'bc', b'cde')
    """

    def __init__(self, buffers: Iterable[Buffer]) -> None:
        self.pieces = [_flat(buffer) for buffer in buffers]
        self._ends = list(accumulate((len(piece) for piece in self.pieces), initial=0))

    def __len__(self) -> int:
        return self._ends[-1]

    def __repr__(self) -> str:
        return f"<{len(self):,} bytes>"

    def __getitem__(self, part: slice) -> memoryview:
        """The bytes from ``start`` to ``stop``."""
        start, stop, _ = part.indices(len(self))
        parts = list(self._parts(start, stop))
        return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))

    def chunks(self, size: int) -> Iterator[list[memoryview]]:
        """The same bytes cut anew, every ``size`` of them: the parts of each."""
        for start in range(0, len(self), size):
            yield list(self._parts(start, min(start + size, len(self))))

    def _parts(self, start: int, stop: int) -> Iterator[memoryview]:
        index = bisect_right(self._ends, start) - 1
        while start < stop:
            begin, end = self._ends[index], min(self._ends[index + 1], stop)
            yield self.pieces[index][start - begin : end - begin]
            start, index = end, index + 1


def _flat(buffer: Buffer) -> memoryview:
    if isinstance(buffer, np.ndarray):
        return memoryview(np.ascontiguousarray(buffer).reshape(-1).view(np.uint8).data)
    return memoryview(buffer).cast("B")
