"""Elements to batches: the leaves of equal structures are stacked along a new first axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from numbers import Number
from typing import Any

import numpy as np

from jtf.data.arguments import shortened
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
    """One leaf of the elements: what it has to be, and the values of the batch that is being collected.

    Numbers of different types have the type that holds all that the pass has come to. It only widens, so that a
    training step is compiled for few types, however they are mixed.
    """

    path: str
    dtype: np.dtype[Any]
    values: list[np.ndarray[Any, Any]] = field(default_factory=list)

    def add(self, leaf: Any, index: int) -> None:
        if _is_container(leaf):
            raise _misfit(index, self.path, f"one value of type {_name(self.dtype)}", _describe(leaf))
        value = _as_array(leaf, index, self.path)
        dtype = _batch_dtype(value.dtype)
        common = self.dtype if dtype == self.dtype else _common_dtype(self.dtype, dtype)
        # Shapes may differ from batch to batch (sentences sorted by length, say), within one they may not.
        shape = self.values[0].shape if self.values else value.shape
        if common is None or value.shape != shape:
            raise _misfit(index, self.path, _leaf_text(self.dtype, shape), _leaf_text(dtype, value.shape))
        self.dtype = common
        self.values.append(value)

    def stack(self) -> np.ndarray[Any, Any]:
        values, self.values = self.values, []
        if self.dtype in (_TEXT, _BYTES):
            return np.stack(values)
        if self.dtype.kind not in "iu":
            return self._rounded(values)
        stacked, bounds = np.stack(values), np.iinfo(self.dtype)
        if stacked.size and not bounds.min <= stacked.min() <= stacked.max() <= bounds.max:
            worst = max(stacked.ravel().tolist(), key=abs)
            raise ValueError(
                f"A batch has the integer {int(worst)}{self._at()}, which does not fit {self.dtype}. Map such "
                "values to smaller numbers, to floats or to strings before batch()."
            )
        return stacked.astype(self.dtype, copy=False)

    def _rounded(self, values: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        try:
            with np.errstate(over="raise"):
                return np.stack(values, dtype=self.dtype, casting="unsafe")
        except FloatingPointError:
            raise ValueError(
                f"A batch has numbers{self._at()} that are too large for {self.dtype}. Scale them before batch()."
            ) from None

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
    return all(isinstance(item, Number | np.bool_) or (isinstance(item, list) and _all_numbers(item)) for item in items)


def _as_array(leaf: Any, index: int, path: str) -> np.ndarray[Any, Any]:
    at = f" at {path}" if path else ""
    if np.ma.is_masked(leaf):
        raise ValueError(
            f"Element {index} of this pass cannot be batched{at}: it has masked entries, and a batch has no "
            "mask. Fill them before batch(): masked.filled(0.0)."
        )
    if isinstance(leaf, bytes):  # numpy's own type for bytes drops zeros at their end
        value = np.empty((), _BYTES)
        value[()] = leaf
        return value
    try:
        value = np.asarray(leaf)
    except (ValueError, TypeError) as error:
        raise ValueError(f"Element {index} of this pass cannot be made an array{at}: {error}. {_MEND}") from error
    if value.dtype.kind == "O":
        value = of_one_kind(value)
    if value.dtype.kind not in "OMm":
        return value
    if leaf is None and not path:
        hint = "Does a function given to map() lack its `return`?"
    elif leaf is None or type(leaf).__name__ in ("NAType", "NaTType"):
        hint = "Fill in what is missing, or leave such elements out, before batch()."
    elif isinstance(leaf, int):
        hint = "The integer is too large for any integer type."
    else:
        hint = "Map it to numbers, strings, arrays, or a dict, list or tuple of them before batch()."
    raise ValueError(
        f"Element {index} of this pass cannot be batched{at}: it is {shortened(leaf)} of type "
        f"{type(leaf).__name__}. {hint}"
    )


def _batch_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that leaves of ``dtype`` have in a batch; all strings are one type, whatever their length."""
    return _TEXT if dtype.kind == "U" else _NARROW.get(dtype, dtype)


def _common_dtype(one: np.dtype[Any], other: np.dtype[Any]) -> np.dtype[Any] | None:
    """The type that holds the numbers of both, as numpy has it; None if not both are of numbers."""
    if not (_is_of_numbers(one) and _is_of_numbers(other)):
        return None
    try:
        return _batch_dtype(np.result_type(one, other))
    except TypeError:  # numpy knows no common type of bfloat16 and float16, or the wider integers
        return np.dtype(np.float32)


def _is_of_numbers(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biufc" or dtype.isbuiltin == 2  # such as bfloat16, which is added to numpy's own


def of_one_kind(objects: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array of Python objects as one of numbers or of text, if they are that; data frames have such arrays."""
    items = list(objects.flat)
    if items and all(isinstance(item, str) for item in items):
        return np.asarray(items).reshape(objects.shape)
    if not all(isinstance(item, Number | np.bool_) for item in items):
        return objects
    plain = [item if isinstance(item, int | float | complex | np.generic) else float(item) for item in items]
    return np.asarray(plain).reshape(objects.shape)


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
