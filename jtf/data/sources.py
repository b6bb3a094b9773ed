"""Where elements come from: things in memory, functions, and other datasets side by side."""

from __future__ import annotations

import builtins
import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from jtf.data.arguments import add_note
from jtf.data.batching import of_one_kind
from jtf.data.dataset import Dataset, Size
from jtf.data.structure import map_structure


def array(items: Any) -> Dataset:
    """A dataset of things in memory.

    Args:
        items: one of
            - a list or range: its items are the elements;
            - a numpy or jax array ``[n, ...]``: its n rows are;
            - a dict or tuple, nested if you like, of arrays or lists of one length n: element i is a dict or
              tuple like it with row i of each.

    Returns:
        A dataset that knows its size.

    Raises:
        TypeError: ``items`` is nothing of that kind.
        ValueError: the arrays have different lengths.

    References:
        TF.js: tfjs-data/src/dataset.ts, ``array`` (lists only).

    Example:
        >>> import jtf
        >>> jtf.data.array({"xs": [[1, 2], [3, 4]], "ys": [0, 1]}).to_array()
        [{'xs': [1, 2], 'ys': 0}, {'xs': [3, 4], 'ys': 1}]
    """
    if isinstance(items, list | range):
        elements = list(items)  # a later append to the caller's list must not change a dataset with a size
        return Dataset(lambda: iter(elements), len(elements))
    lengths: dict[str, int] = {}

    def rows(path: str, leaf: Any) -> Any:
        column = leaf if isinstance(leaf, list | range) else _as_rows(leaf, path)
        lengths[path] = len(column)
        return column

    columns = map_structure(rows, items, _is_dict_or_tuple)
    if not lengths:
        raise TypeError(f"array received {items!r}, which holds no array. Give at least one.")
    (first_path, size), *others = lengths.items()
    for path, length in others:
        if length != size:
            raise ValueError(
                f"The arrays must have one length, but {first_path} has {size} rows and {path} has {length}. "
                "Cut them to the same rows."
            )

    def element(index: int) -> Any:
        return map_structure(lambda _, column: column[index], columns, _is_dict_or_tuple)

    return Dataset(lambda: builtins.map(element, range(size)), size)


def _as_rows(leaf: Any, path: str) -> np.ndarray[Any, Any]:
    at = f" at {path}" if path else ""
    if not hasattr(leaf, "__array__"):
        hint = "For an iterator or a generator function use jtf.data.generator(f)."
        raise TypeError(f"array expects lists and arrays, but received {type(leaf).__name__}{at}. {hint}")
    if np.ma.is_masked(leaf):
        raise ValueError(f"array received masked entries{at}; elements have no mask. Fill them: masked.filled(0.0).")
    column = np.asarray(leaf)  # once, as rows of a jax array are slow to get at one by one
    if column.ndim == 0:
        raise TypeError(f"array expects arrays with rows, but received a single value{at}: {leaf!r}.")
    return of_one_kind(column) if column.dtype.kind == "O" else column


def generator(f: Callable[[], Iterable[Any]] | Iterable[Any]) -> Dataset:
    """A dataset whose elements a function makes; it is called anew for every pass.

    Args:
        f: a generator function, or another function without arguments that returns something to iterate over.
            Instead of a function, an iterable that can be gone through again and again will do (a torch
            DataLoader, a grain dataset, a Hugging Face dataset), and so will what has a ``len`` and items by
            number (a torch Dataset, a Keras PyDataset).

    Returns:
        A dataset; its size is known only where ``f`` has a ``len``.

    Raises:
        TypeError: ``f`` can be gone through only once (a generator object, an iterator), wants arguments, or is a
            dict or a string; or, during a pass, it returns nothing to iterate over.

    References:
        TF.js: tfjs-data/src/readers.ts, ``generator``.

    Example:
        >>> import jtf
        >>> def squares():
        ...     for i in range(3):
        ...         yield i * i
        >>> jtf.data.generator(squares).to_array()
        [0, 1, 4]
    """
    if isinstance(f, Iterator):
        name = getattr(f, "__name__", "f")
        raise TypeError(
            f"generator expects a function that is called anew for every pass, but received a "
            f"{type(f).__name__}, which can be gone through only once. Write jtf.data.generator({name}), "
            f"not jtf.data.generator({name}())."
        )
    if isinstance(f, Mapping | str | bytes):
        raise TypeError(
            f"generator expects a function without arguments or an iterable of elements, but received a "
            f"{type(f).__name__}. For a dict of arrays use jtf.data.array(arrays)."
        )
    if isinstance(f, Iterable) and not isinstance(f, type):
        iterable = f
        return Dataset(lambda: _checked(iter(iterable)), _length(iterable))
    if hasattr(f, "__getitem__") and hasattr(f, "__len__") and not isinstance(f, type):
        items: Any = f
        return Dataset(lambda: _checked(builtins.map(items.__getitem__, range(len(items)))), len(items))
    if not callable(f):
        raise TypeError(
            f"generator expects a function without arguments or an iterable, but received {f!r}. "
            "For example: jtf.data.generator(lambda: iter(rows))."
        )
    wanted = _required_arguments(f)
    if wanted:
        raise TypeError(
            f"The function given to generator is called without arguments, but it wants {wanted}. Bind them: "
            f"jtf.data.generator(lambda: f({', '.join(wanted)}))."
        )
    return Dataset(_CalledAnew(f))


class _CalledAnew:
    """Starts a pass by calling the function, and notices one that hands out the same generator again."""

    def __init__(self, f: Callable[[], Iterable[Any]]) -> None:
        self.f = f
        self.last: weakref.ref[Any] | None = None

    def __call__(self) -> Iterator[Any]:
        made = self.f()
        if not isinstance(made, Iterable):
            raise TypeError(
                f"The function given to generator must return something to iterate over, but it returned "
                f"{made!r}. Does it lack a `yield` or a `return`?"
            )
        if inspect.isgenerator(made):
            if self.last is not None and self.last() is made:
                raise TypeError(
                    "The function given to generator returned the same generator object for a second pass. "
                    "Make it inside the function, so that every pass has its own."
                )
            self.last = weakref.ref(made)
        return _checked(iter(made))


def _checked(elements: Iterator[Any]) -> Iterator[Any]:
    """The elements; an exception from where they are made gets a note that says which one it was."""
    index = 0
    while True:
        try:
            element = next(elements)
        except StopIteration:
            return
        except Exception as error:
            add_note(error, "the source given to generator", index)
            raise
        yield element
        index += 1


def _length(iterable: Any) -> Size:
    try:
        return len(iterable)
    except (TypeError, NotImplementedError):  # torch's way and the language's way to say that there is none
        return None


def _required_arguments(f: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(f).parameters.values()
    except ValueError:  # some built-in functions do not tell
        return []
    free = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is inspect.Parameter.empty and p.kind not in free]


def zip(datasets: Any) -> Dataset:
    """Datasets side by side: each element is a structure like ``datasets`` with one element of each.

    A pass ends with the shortest.

    Args:
        datasets: a dict, list or tuple of datasets, nested if you like.

    Returns:
        A dataset; its size is the least of the sizes, or None if one is unknown (TF.js then says the least of
        the others or 0, depending on their order).

    Raises:
        TypeError: something in the structure is no Dataset.
        ValueError: the structure has no dataset in it.

    References:
        TF.js: tfjs-data/src/dataset.ts, ``zip``.

    Example:
        >>> import jtf
        >>> xs, ys = jtf.data.array([[1.0], [2.0]]), jtf.data.array([0, 1])
        >>> jtf.data.zip({"xs": xs, "ys": ys}).to_array()
        [{'xs': [1.0], 'ys': 0}, {'xs': [2.0], 'ys': 1}]
    """
    if not _is_dict_list_or_tuple(datasets):
        raise TypeError(
            f"zip expects a dict, list or tuple of datasets, but received {type(datasets).__name__}. "
            'For example: jtf.data.zip({"xs": features, "ys": labels}).'
        )
    found: list[Dataset] = []

    def number(path: str, leaf: Any) -> int:
        if not isinstance(leaf, Dataset):
            raise TypeError(
                f"zip expects a Dataset at {path}, but received {type(leaf).__name__}. "
                "Wrap it: jtf.data.array(...) or jtf.data.generator(...)."
            )
        found.append(leaf)
        return len(found) - 1

    numbered = map_structure(number, datasets, _is_dict_list_or_tuple)
    if not found:
        raise ValueError(f"zip needs at least one dataset, but received {datasets!r}.")

    def passes() -> Iterator[Any]:
        side_by_side = builtins.zip(*[dataset.iterator() for dataset in found], strict=False)
        return builtins.map(
            lambda row: map_structure(lambda _, i: row[i], numbered, _is_dict_list_or_tuple), side_by_side
        )

    sizes = [dataset.size for dataset in found]
    return Dataset(passes, None if None in sizes else min(size for size in sizes if size is not None))


def _is_dict_or_tuple(node: Any) -> bool:
    return isinstance(node, dict | tuple)


def _is_dict_list_or_tuple(node: Any) -> bool:
    return isinstance(node, dict | list | tuple)
