"""Dataset: elements to pass over again and again, and the methods that make one dataset from another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jtf.data.arguments import add_note, function, whole_number
from jtf.data.batching import batched
from jtf.data.prefetch import prefetched
from jtf.data.shuffling import fresh_rng, shuffled
from jtf.missing import Answering

#: A number of elements, ``math.inf`` for endless ones, None where only counting would tell.
Size = int | float | None


class Dataset(Answering):
    """Elements in an order, made anew in every pass: ``for element in dataset`` starts one.

    Datasets do not change: every method returns another dataset. `size` is the number of elements (which is
    ``len(dataset)`` too), ``math.inf`` for an endless dataset, None where only counting would tell.

    Args:
        make_iterator: called without arguments at the start of every pass; returns that pass's iterator.
        size: the number of elements if it is known.

    References:
        TF.js: tfjs-data/src/dataset.ts.

    Example:
        >>> import jtf
        >>> ds = jtf.data.array([1, 2, 3, 4, 5]).map(lambda x: x * x).batch(2)
        >>> [batch.tolist() for batch in ds]
        [[1, 4], [9, 16], [25]]
        >>> len(ds)
        3
    """

    def __init__(self, make_iterator: Callable[[], Iterator[Any]], size: Size = None) -> None:
        self._make_iterator = make_iterator
        self.size = size

    def iterator(self) -> Iterator[Any]:
        """A new pass over the elements."""
        return self._make_iterator()

    def __iter__(self) -> Iterator[Any]:
        return self.iterator()

    def __len__(self) -> int:
        if isinstance(self.size, int):
            return self.size
        why = "it is endless" if self.size == math.inf else "its size is only known after a pass"
        raise TypeError(f"This dataset has no len(): {why}. `dataset.size` is {self.size}.")

    def __bool__(self) -> bool:
        # Without this, `if dataset:` would ask for len() and fail where that is not known.
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"

    def batch(self, batch_size: int, small_last_batch: bool = True) -> Dataset:
        """Elements put together in groups, each leaf stacked along a new first axis, as numpy arrays.

        Dicts and tuples (and lists that hold anything but numbers) are structure and stay; leaves are arrays,
        numbers, bools, strings and lists of numbers. 64-bit leaves become 32-bit: float32, int32, uint32.
        Where numbers of several types meet, they become what numpy makes of them: 1, 2.5 and True are float32.
        A batch does not go back to a narrower type than one before it in the pass.

        Args:
            batch_size: elements in a batch, 1 or more.
            small_last_batch: keep the batch at the end that has fewer elements; False drops it.

        Raises:
            ValueError: ``batch_size`` is below 1; or, during a pass, an element differs from the first one in
                structure or in being text, or from the others in its batch in shape; or has a number that 32 bits
                cannot hold.
        """
        count = whole_number(batch_size, "batch_size", least=1, hint="For example: dataset.batch(32).")
        size = self.size
        if isinstance(size, int):
            size = -(-size // count) if small_last_batch else size // count
        return Dataset(lambda: batched(self.iterator(), count, small_last_batch), size)

    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> Dataset:
        """The elements in a random order.

        The next element is drawn, with equal chances, from a window of ``buffer_size`` elements, so the
        shuffle is a complete one only if the window holds the whole dataset. Every pass has another order.
        The passes of a dataset with a seed are the same in every run; without one they follow `jtf.set_seed`.

        Unlike in TF.js, ``reshuffle_each_iteration=False`` works: every pass has the order of the first.

        Args:
            buffer_size: elements held in memory at a time, 1 or more.
            seed: an integer, 0 or more.
            reshuffle_each_iteration: whether every pass has an order of its own.

        Raises:
            TypeError: ``buffer_size`` or ``seed`` is no integer.
            ValueError: ``buffer_size`` is below 1, ``seed`` below 0.
        """
        hint = "It is how many elements are held and drawn from"
        whole = f"; {self.size}, the size of this dataset, shuffles all of them" if self.size else ""
        count = whole_number(buffer_size, "buffer_size", least=1, hint=f"{hint}{whole}.")
        if seed is not None:
            seed = whole_number(seed, "seed", least=0, hint="None takes the seed of jtf.set_seed.")
        passes = itertools.count()

        def rng_of_pass() -> np.random.Generator:
            nonlocal seed
            if seed is None:
                if reshuffle_each_iteration:
                    return fresh_rng()
                seed = int(fresh_rng().integers(2**63))  # the first pass fixes the order of all
            return np.random.default_rng((seed, next(passes) if reshuffle_each_iteration else 0))

        return Dataset(lambda: shuffled(self.iterator(), count, rng_of_pass()), self.size)

    def map(self, f: Callable[[Any], Any]) -> Dataset:
        """``f(element)`` for every element.

        An exception of ``f`` comes through with a note that says at which element it happened.
        """
        function(f, "map", "lambda element: element['x'] / 255")
        return Dataset(lambda: _mapped(self.iterator(), f), self.size)

    def filter(self, predicate: Callable[[Any], Any]) -> Dataset:
        """The elements for which ``predicate(element)`` is true; their number is not known."""
        function(predicate, "filter", "lambda element: element['y'] > 0")
        size = math.inf if self.size == math.inf else None  # as TF.js has it
        return Dataset(lambda: _filtered(self.iterator(), predicate), size)

    def take(self, count: int) -> Dataset:
        """The first ``count`` elements, or all if there are fewer or ``count`` is -1."""
        if count == -1:
            return self
        count = whole_number(count, "count", least=0, hint="-1 takes all elements.")
        size = None if self.size is None else min(self.size, count)
        return Dataset(lambda: itertools.islice(self.iterator(), count), size)

    def skip(self, count: int) -> Dataset:
        """All but the first ``count`` elements.

        Unlike TF.js, which skips everything for a negative count, that is refused.
        """
        count = whole_number(count, "count", least=0, hint="To skip no element, leave skip() out.")
        size = None if self.size is None else max(self.size - count, 0)
        return Dataset(lambda: itertools.islice(self.iterator(), count, None), size)

    def repeat(self, count: int | None = None) -> Dataset:
        """The elements ``count`` times over, each time in a fresh pass; None or -1 repeats for ever.

        Unlike in TF.js, what is repeated for ever is endless also where the size of one pass is unknown.

        Raises:
            ValueError: ``count`` is below -1; or, during a pass, an empty dataset is to be repeated for ever.
        """
        if count == -1:
            count = None
        if count is not None:
            count = whole_number(count, "count", least=0, hint="None (the default) or -1 repeats for ever.")
        if count is None:
            size: Size = math.inf
        elif count == 0:
            size = 0
        else:
            size = None if self.size is None else self.size * count
        return Dataset(lambda: _repeated(self, count), size)

    def concatenate(self, dataset: Dataset) -> Dataset:
        """The elements of this dataset, then those of the other.

        Raises:
            TypeError: ``dataset`` is no Dataset.
        """
        if not isinstance(dataset, Dataset):
            raise TypeError(
                f"concatenate expects a Dataset, but received {type(dataset).__name__}. "
                "Make one with jtf.data.array(...) or jtf.data.generator(...)."
            )
        if math.inf in (self.size, dataset.size):
            size: Size = math.inf
        else:
            size = None if self.size is None or dataset.size is None else self.size + dataset.size
        return Dataset(lambda: _concatenated(self.iterator(), dataset), size)

    def prefetch(self, buffer_size: int) -> Dataset:
        """The same elements, made up to ``buffer_size`` ahead on a background thread.

        The thread belongs to one pass. It ends with it, or when the loop over it is left, and an exception on
        it is raised in the loop.

        Raises:
            TypeError: ``buffer_size`` is no integer.
            ValueError: it is below 1.
        """
        count = whole_number(
            buffer_size, "buffer_size", least=1, hint="It is how many elements are made ahead, such as 2."
        )
        return Dataset(lambda: prefetched(self.iterator(), count), self.size)

    def for_each(self, f: Callable[[Any], Any]) -> None:
        """Call ``f(element)`` for every element of one pass (TF.js: ``forEachAsync``)."""
        function(f, "for_each", "print")
        for index, element in enumerate(self.iterator()):
            try:
                f(element)
            except Exception as error:
                add_note(error, "the function given to for_each", index)
                raise

    def to_array(self) -> list[Any]:
        """All elements of one pass, in a list.

        Raises:
            ValueError: the dataset is endless.
        """
        if self.size == math.inf:
            raise ValueError("An endless dataset cannot be made a list. Take a part: dataset.take(n).to_array().")
        return list(self.iterator())


def _mapped(elements: Iterator[Any], f: Callable[[Any], Any]) -> Iterator[Any]:
    for index, element in enumerate(elements):
        try:
            mapped = f(element)
        except Exception as error:
            add_note(error, "the function given to map", index)
            raise
        yield mapped


def _filtered(elements: Iterator[Any], predicate: Callable[[Any], Any]) -> Iterator[Any]:
    for index, element in enumerate(elements):
        try:
            wanted = bool(predicate(element))
        except Exception as error:
            add_note(error, "the function given to filter", index)
            raise
        if wanted:
            yield element


def _concatenated(first: Iterator[Any], second: Dataset) -> Iterator[Any]:
    yield from first
    yield from second.iterator()


def _repeated(base: Dataset, count: int | None) -> Iterator[Any]:
    for _ in itertools.repeat(None) if count is None else range(count):
        empty = True
        for element in base.iterator():
            empty = False
            yield element
        if empty and count is None:
            raise ValueError(
                "A dataset without elements cannot be repeated for ever. Is the source empty, or did a "
                "filter leave nothing?"
            )
