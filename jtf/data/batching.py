"""Elements to batches: the leaves of equal structures are stacked along a new first axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jtf.data.structure import keys_of, rebuild

#: What 64-bit leaves become, as the arrays of jtf (and the tensors of TF.js) have 32.
_NARROW = {
    np.dtype(np.float64): np.dtype(np.float32),
    np.dtype(np.int64): np.dtype(np.int32),
    np.dtype(np.uint64): np.dtype(np.uint32),
    np.dtype(np.complex128): np.dtype(np.complex64),
}
_TEXT = np.dtype(np.str_)
_BYTES = np.dtype(np.object_)
_MEND = (
    "The elements of a batch are stacked, so they have to be alike: pad them, filter the odd ones out, "
    "or map all to one form before batch()."
)


def batched(elements: Iterator[Any], batch_size: int, small_last_batch: bool) -> Iterator[Any]:
    """Batches of ``batch_size`` elements; what is left over at the end is a small batch or is dropped."""
    batch: _Container | _Column | None = None
    held = 0
    for index, element in enumerate(elements):
        if batch is None:
            batch = _plan(element, index, "")
        batch.add(element, index)
        held += 1
        if held == batch_size:
            held = 0
            yield batch.stack()
    if batch is not None and held and small_last_batch:
        yield batch.stack()


@dataclass
class _Column:
    """One leaf of the elements: what it has to be, and the values of the batch that is being collected."""

    path: str
    dtype: np.dtype[Any]
    values: list[np.ndarray[Any, Any]] = field(default_factory=list)

    def add(self, leaf: Any, index: int) -> None:
        if _is_container(leaf):
            raise _misfit(index, self.path, f"one value of type {_name(self.dtype)}", _describe(leaf))
        value = _as_array(leaf, index, self.path)
        dtype = _batch_dtype(value.dtype)
        # Shapes may differ from batch to batch (sentences sorted by length, say), within one they may not.
        shape = self.values[0].shape if self.values else value.shape
        if dtype != self.dtype or value.shape != shape:
            raise _misfit(index, self.path, _leaf_text(self.dtype, shape), _leaf_text(dtype, value.shape))
        self.values.append(value)

    def stack(self) -> np.ndarray[Any, Any]:
        stacked = np.stack(self.values)
        self.values.clear()
        if stacked.dtype not in _NARROW:
            return stacked
        narrow = stacked.astype(_NARROW[stacked.dtype])
        if stacked.dtype.kind in "iu" and not np.array_equal(narrow, stacked):
            worst = max(stacked.ravel().tolist(), key=abs)
            raise ValueError(
                f"A batch has the integer {worst}{self._at()}, which does not fit {narrow.dtype}. Map such "
                "values to smaller numbers, to floats or to strings before batch()."
            )
        return narrow

    def _at(self) -> str:
        return f" at {self.path}" if self.path else ""


@dataclass
class _Container:
    """A dict, list or tuple of the elements."""

    path: str
    like: Any
    children: dict[Any, _Container | _Column]

    def add(self, node: Any, index: int) -> None:
        if not _is_container(node) or _kind(node) is not _kind(self.like):
            raise _misfit(index, self.path, _describe(self.like), _describe(node, index, self.path))
        if len(node) != len(self.children) or (isinstance(node, dict) and node.keys() != self.children.keys()):
            raise _misfit(index, self.path, _describe(self.like), _describe(node))
        for key, child in self.children.items():
            child.add(node[key], index)

    def stack(self) -> Any:
        return rebuild(self.like, [child.stack() for child in self.children.values()])


def _plan(element: Any, index: int, path: str) -> _Container | _Column:
    """What all elements of the pass have to look like, taken from the first."""
    if not _is_container(element):
        return _Column(path, _batch_dtype(_as_array(element, index, path).dtype))
    children = {key: _plan(element[key], index, f"{path}[{key!r}]") for key in keys_of(element)}
    # Only the form is kept: the first element's own data should not live as long as the pass.
    return _Container(path, rebuild(element, [None] * len(children)), children)


def _is_container(node: Any) -> bool:
    """Dicts and tuples are structure; so is a list, unless it holds nothing but numbers."""
    return isinstance(node, dict | tuple) or (isinstance(node, list) and not _all_numbers(node))


def _all_numbers(items: list[Any]) -> bool:
    return all(
        isinstance(item, int | float | complex | np.number | np.bool_)
        or (isinstance(item, list) and _all_numbers(item))
        for item in items
    )


def _as_array(leaf: Any, index: int, path: str) -> np.ndarray[Any, Any]:
    at = f" at {path}" if path else ""
    if isinstance(leaf, bytes):  # numpy's own type for bytes drops zeros at their end
        value = np.empty((), _BYTES)
        value[()] = leaf
        return value
    try:
        value = np.asarray(leaf)
    except (ValueError, TypeError) as error:
        raise ValueError(f"Element {index} of this pass cannot be made an array{at}: {error}. {_MEND}") from error
    if value.dtype.kind not in "OMm":
        return value
    if leaf is None:
        hint = "Does a function given to map() lack its `return`?"
    elif isinstance(leaf, int):
        hint = "The integer is too large for any integer type."
    else:
        hint = "Map it to numbers, strings, arrays, or a dict, list or tuple of them before batch()."
    raise ValueError(
        f"Element {index} of this pass cannot be batched{at}: it is {_short(leaf)} of type "
        f"{type(leaf).__name__}. {hint}"
    )


def _batch_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that leaves of ``dtype`` have in a batch; all strings are one type, whatever their length."""
    return _TEXT if dtype.kind == "U" else _NARROW.get(dtype, dtype)


def _misfit(index: int, path: str, expected: str, found: str) -> ValueError:
    at = f" at {path}" if path else ""
    return ValueError(
        f"Element {index} of this pass differs from those before it{at}: expected {expected}, found {found}. {_MEND}"
    )


def _leaf_text(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    return f"{_name(dtype)} of shape {shape}"


def _describe(node: Any, index: int = 0, path: str = "") -> str:
    if isinstance(node, dict):
        return f"a dict with the keys {list(node)}"
    if isinstance(node, list | tuple) and _is_container(node):
        return f"a {type(node).__name__} of {len(node)}"
    value = _as_array(node, index, path)
    return _leaf_text(_batch_dtype(value.dtype), value.shape)


def _kind(node: Any) -> type:
    """Any kind of dict is as good as another; lists, tuples and the named tuples are told apart."""
    return dict if isinstance(node, dict) else type(node)


def _name(dtype: np.dtype[Any]) -> str:
    return {_TEXT: "string", _BYTES: "bytes"}.get(dtype, dtype.name)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
