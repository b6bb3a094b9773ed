"""HDF5 files as Keras writes them, read into plain data.

A reader of the part of the format that h5py uses by default: groups, attributes, and arrays that lie in one piece. It
is here, and not HDF5's own library, because files come from anywhere: damaged ones make the library take gigabytes or
never come back. Here every byte is looked up within the file, every object is met once, and what is found refers to
nothing outside, so that time and memory are bounded by the file's size.

References:
    The HDF Group, HDF5 File Format Specification Version 3.0
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jtf.io.errors import ModelFormatError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST_DEPTH = 64
_UNDEFINED = 2**64 - 1

#: The kinds of messages in an object's header.
_DATASPACE, _DATATYPE, _LAYOUT, _FILTERS, _ATTRIBUTE, _CONTINUED, _SYMBOL_TABLE = 1, 3, 8, 11, 12, 16, 17
#: Links and attributes in newer forms, arrays in other files, datatypes elsewhere in the file.
_NOT_OF_KERAS = {2: "links", 6: "a link", 7: "an external file", 21: "attributes in a heap of their own"}

#: numpy's dtype by size, and the properties that the format must give for it.
_FLOATS = {
    2: ("<f2", (0, 16, 10, 5, 0, 10, 15)),
    4: ("<f4", (0, 32, 23, 8, 0, 23, 127)),
    8: ("<f8", (0, 64, 52, 11, 0, 52, 1023)),
}


@dataclass
class Group:
    """A group: its attributes (strings, numbers, lists of strings) and what is in it, by name."""

    attributes: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Group | np.ndarray] = field(default_factory=dict)

    def at(self, path: str) -> Group | np.ndarray | None:
        """What lies at a path, names separated by slashes; None if there is nothing."""
        found: Group | np.ndarray | None = self
        for name in path.split("/"):
            found = found.members.get(name) if isinstance(found, Group) else None
        return found

    def arrays(self, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
        """All arrays in the group and in those inside, with their paths."""
        for name, member in self.members.items():
            if isinstance(member, Group):
                yield from member.arrays(f"{path}{name}/")
            else:
                yield path + name, member


def read(data: bytes, source: str) -> Group:
    """Read a whole file.

    Args:
        data: the file's bytes. The arrays are views of them.
        source: what the file is called in messages.

    Raises:
        ModelFormatError: it is damaged, or not of the form in which Keras writes.
    """
    return _Reading(data, source).root()


class _Message(NamedTuple):
    kind: int
    start: int
    size: int


class _Dtype(NamedTuple):
    """A datatype: numpy's for numbers, else whether it is a string and how it is kept."""

    size: int
    numpy: np.dtype | None = None
    is_string: bool = False
    is_elsewhere: bool = False


class _Reading:
    """One reading of one file."""

    def __init__(self, data: bytes, source: str) -> None:
        self.data, self.source, self.size = data, source, len(data)
        self.met: set[int] = set()
        self.left = 2 * len(data)  # what may be read as values; nothing that Keras writes lies at two places
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.path = "/"

    def root(self) -> Group:
        version, sizes = self.take(8, 1, "superblock")[0], self.take(13, 2, "superblock")
        if version != 0 or sizes != b"\x08\x08" or self.number(24) != 0:
            raise self.error("a file as h5py writes it (superblock version 0)", f"version {version}")
        root = self.thing(self.number(64), 0)
        if not isinstance(root, Group):
            raise self.error("a group", "an array")
        return root

    # Bytes.

    def take(self, start: int, size: int, what: str = "bytes") -> bytes:
        if start < 0 or size < 0 or start + size > self.size:
            found = f"bytes {start:,} to {start + size:,}"
            raise self.error(f"{what} within the file, which has {self.size:,} bytes", found)
        return self.data[start : start + size]

    def number(self, start: int, size: int = 8) -> int:
        return int.from_bytes(self.take(start, size), "little")

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise self.error("each value at a place of its own", "values that lie at the same places")

    def meet(self, address: int, signature: bytes = b"") -> int:
        """An address of something that is read once."""
        if address in self.met:
            raise self.error("each part of the file once", f"what lies at byte {address:,} again")
        self.met.add(address)
        if self.take(address, len(signature)) != signature:
            raise self.error(f"{signature.decode()!r} at byte {address:,}", repr(self.take(address, len(signature))))
        return address

    def error(self, expected: str, found: str) -> ModelFormatError:
        return ModelFormatError(self.source, self.path, expected, found)

    # Objects.

    def thing(self, address: int, depth: int) -> Group | np.ndarray:
        """The group or the array with a header at this address."""
        if depth > _MOST_DEPTH:
            raise self.error(f"at most {_MOST_DEPTH} groups in each other", "more")
        of_kind: dict[int, list[_Message]] = {}
        for message in self.messages(address):
            if message.kind in _NOT_OF_KERAS:
                raise self.error("a file as Keras writes it", _NOT_OF_KERAS[message.kind])
            of_kind.setdefault(message.kind, []).append(message)
        if _SYMBOL_TABLE not in of_kind:
            return self.array(of_kind)
        group = Group()
        for message in of_kind.get(_ATTRIBUTE, []):
            name, value = self.attribute(message)
            group.attributes[name] = value
        here = self.path
        for name, member in self.links(of_kind[_SYMBOL_TABLE][0].start):
            self.path = f"{here.rstrip('/')}/{name}"
            group.members[name] = self.thing(member, depth + 1)
        self.path = here
        return group

    def messages(self, address: int) -> Iterator[_Message]:
        """What the header at this address says."""
        version, count, size = self.number(address, 1), self.number(address + 2, 2), self.number(address + 8, 4)
        if version != 1:
            raise self.error("an object as h5py writes it (header version 1)", f"version {version}")
        blocks = [(self.meet(address) + 16, size)]
        while blocks:
            at, size = blocks.pop(0)
            end = at + size
            while at + 8 <= end and count:
                kind, length, flags = struct.unpack("<HHB", self.take(at, 5))
                at, count = at + 8, count - 1
                self.take(at, length)
                if flags & 2:
                    raise self.error("a file as Keras writes it", "a header shared by several objects")
                if kind == _CONTINUED:
                    blocks.append((self.meet(self.number(at)), self.number(at + 8)))
                yield _Message(kind, at, length)
                at += length

    def links(self, at: int) -> Iterator[tuple[str, int]]:
        """The names in a group, and where the headers of what they stand for are."""
        tree, heap = self.number(at), self.meet(self.number(at + 8), b"HEAP")
        names, most = self.number(heap + 24), self.number(heap + 8)
        self.take(names, most, "names")
        taken: set[str] = set()
        for node in self.leaves(tree):
            for index in range(self.number(node + 6, 2)):
                entry = node + 8 + 40 * index
                offset = self.number(entry)
                end = self.data.find(b"\0", names + offset, names + most)
                if self.number(entry + 16, 4) == 2 or not 0 <= offset < most or end < 0:
                    raise self.error("names of groups and arrays in the file", "a soft link, or no name")
                name = self.text(self.data[names + offset : end])
                if name in taken or not name or "/" in name:
                    raise self.error("different names", repr(name))
                taken.add(name)
                yield name, self.number(entry + 8)

    def leaves(self, root: int) -> Iterator[int]:
        """Where the lists of names are that a tree has at its leaves."""
        level, stack = None, [root]
        while stack:
            node = self.meet(stack.pop(), b"TREE")
            kind, height, count = struct.unpack("<BBH", self.take(node + 4, 4))
            if kind != 0 or height > 32 or (level is not None and height >= level):
                raise self.error("a tree of names", "another one")
            children = [self.number(node + 32 + 16 * index) for index in range(count)]
            if height:
                level = height
                stack += reversed(children)
            else:
                yield from (self.meet(child, b"SNOD") for child in children)

    # Values.

    def array(self, of_kind: dict[int, list[_Message]]) -> np.ndarray:
        if not {_DATASPACE, _DATATYPE, _LAYOUT} <= of_kind.keys() or _FILTERS in of_kind:
            raise self.error("a group, or an array that is not compressed", "something else")
        shape = self.shape(of_kind[_DATASPACE][0].start)
        dtype = self.dtype(of_kind[_DATATYPE][0].start)
        if dtype.numpy is None:
            raise self.error("an array of numbers", "other things")
        at = of_kind[_LAYOUT][0].start
        version, how = self.take(at, 2)
        size = math.prod(shape) * dtype.size
        if version != 3 or how not in (0, 1):
            raise self.error("an array in one piece", f"layout {how} of version {version}")
        start, stored = (at + 4, self.number(at + 2, 2)) if how == 0 else (self.number(at + 2), self.number(at + 10))
        if stored != size or (start == _UNDEFINED and size):
            raise self.error(f"{size:,} bytes for shape {shape} of {dtype.numpy}", f"{stored:,} bytes")
        self.spend(size)
        if not size:
            return np.zeros(shape, dtype.numpy)
        return np.frombuffer(self.take(start, size, "numbers"), dtype.numpy).reshape(shape)

    def attribute(self, message: _Message) -> tuple[str, Any]:
        at = message.start
        version, _, of_name, of_dtype, of_space = struct.unpack("<BBHHH", self.take(at, 8))
        if version not in (1, 2, 3):
            raise self.error("an attribute of version 1 to 3", f"version {version}")
        at += 8 + (version == 3)
        pad = 8 if version == 1 else 1
        name = self.text(self.take(at, of_name).split(b"\0")[0])
        at += -(-of_name // pad) * pad
        dtype = self.dtype(at)
        at += -(-of_dtype // pad) * pad
        shape = self.shape(at)
        at += -(-of_space // pad) * pad
        count = math.prod(shape)
        self.spend(count * dtype.size)
        self.take(at, count * dtype.size, f"attribute {name!r}")
        values = [self.value(at + index * dtype.size, dtype) for index in range(count)]
        return name, values if shape else values[0]

    def value(self, at: int, dtype: _Dtype) -> Any:
        if dtype.is_elsewhere:
            size, heap, index = struct.unpack("<IQI", self.take(at, 16))
            start, most = self.heap(heap).get(index, (0, 0)) if size else (0, 0)
            if size > most:
                raise self.error("a string in the file", "none")
            self.spend(size)
            return self.text(self.take(start, size))
        if dtype.is_string:
            return self.text(self.take(at, dtype.size).rstrip(b"\0"))
        return None if dtype.numpy is None else np.frombuffer(self.take(at, dtype.size), dtype.numpy)[0].item()

    def heap(self, address: int) -> dict[int, tuple[int, int]]:
        """Where the objects of a heap are, and how large, by number."""
        if address not in self.heaps:
            end = self.meet(address, b"GCOL") + self.number(address + 8)
            at, objects = address + 16, self.heaps.setdefault(address, {})
            while at + 16 <= min(end, self.size):
                index, size = self.number(at, 2), self.number(at + 8)
                if index == 0:
                    break
                objects[index] = at + 16, size
                at += 16 + -(-size // 8) * 8
        return self.heaps[address]

    def shape(self, at: int) -> tuple[int, ...]:
        version, rank, _, kind = self.take(at, 4)
        if version not in (1, 2) or rank > 32 or (version == 2 and kind == 2):
            raise self.error("a shape", f"a dataspace of version {version} with {rank} dimensions")
        start = at + (8 if version == 1 else 4)
        return tuple(self.number(start + 8 * axis) for axis in range(rank))

    def dtype(self, at: int) -> _Dtype:
        head, bits, size = self.number(at, 1), self.number(at + 1, 3), self.number(at + 4, 4)
        kind, is_big_endian = head & 15, bits & 1
        if not size:
            raise self.error("values that have a size", "none")
        if kind == 0 and size in (1, 2, 4, 8) and not is_big_endian:
            return _Dtype(size, np.dtype(f"<{'i' if bits & 8 else 'u'}{size}"))
        if kind == 1 and size in _FLOATS and not is_big_endian:
            name, properties = _FLOATS[size]
            if struct.unpack("<HHBBBBI", self.take(at + 8, 12)) == properties:
                return _Dtype(size, np.dtype(name))
        if kind == 3:
            return _Dtype(size, is_string=True)
        if kind == 9 and bits & 15 == 1 and size == 16:
            return _Dtype(size, is_string=True, is_elsewhere=True)
        return _Dtype(size)

    def text(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.error("text in UTF-8", f"{data[:40]!r}") from error
