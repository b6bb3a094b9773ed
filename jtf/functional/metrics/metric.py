"""`Metric`: a number about a whole data set, as a pure triple over sums; and the two ways to call a metric.

Example:
    >>> import jtf
    >>> recall = jtf.metrics.recall(threshold=0.4)  # with options: the triple
    >>> state = recall.init((None, 1))
    >>> for labels, scores in [([[1], [0]], [[0.9], [0.1]]), ([[1]], [[0.2]])]:
    ...     state = recall.update(state, labels, scores)
    >>> float(recall.result(state))
    0.5
    >>> float(jtf.metrics.recall([[1], [0], [1]], [[0.9], [0.1], [0.2]]))  # with data: the value
    0.5
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, overload

import jax.numpy as jnp

from jtf.types import Array, ArrayLike, PyTree, Shape

P = ParamSpec("P")


class Metric:
    """A metric of a whole data set that comes in batches, for `compile` and for your own jitted loops.

    Derive from it for a metric of your own, and define the three methods as pure functions: they are traced by
    ``jax.jit``. Whatever the sizes of the batches, the result is then that of all samples.

    Attributes:
        name: what it is called in the logs.

    Example:
        >>> import jtf, jax.numpy as jnp
        >>> class LargestError(jtf.metrics.Metric):
        ...     name = "largest_error"
        ...     def init(self, output_shape):
        ...         return jnp.zeros(())
        ...     def update(self, state, y_true, y_pred, sample_weight=None):
        ...         return jnp.maximum(state, jnp.abs(y_true - y_pred).max())
        ...     def result(self, state):
        ...         return state
        >>> float(LargestError()(jnp.array([[1.0], [2.0]]), jnp.array([[1.5], [0.0]])))
        2.0
    """

    name: str

    def init(self, output_shape: Shape) -> PyTree:
        """The state before any data: a pytree of arrays.

        Args:
            output_shape: of the model's output, such as ``(None, 10)``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define init(self, output_shape).")

    def update(
        self, state: PyTree, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> PyTree:
        """The state after a further batch, of the same shapes and dtypes as before.

        Args:
            state: made by `init`, or by an update.
            y_true, y_pred: targets and predictions, the batch along the first axis.
            sample_weight: ``[batch]``, or one for each entry of a sequence, ``[batch, time]``: 0 leaves out.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define update(self, state, y_true, y_pred, sample_weight=None)."
        )

    def result(self, state: PyTree) -> Array:
        """The metric of all data so far: a scalar."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self, state).")

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> Array:
        """The metric of these data alone."""
        y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
        return self.result(self.update(self.init(y_pred.shape), y_true, y_pred, sample_weight))


@dataclass(frozen=True)
class Mean(Metric):
    """The mean of what a function gives for each sample.

    Attributes:
        function: ``(y_true, y_pred) -> [batch, ...]``, one number for each sample or entry; or a scalar for the whole
            batch, which then counts as often as the batch has samples.
        name: the function's own name when empty.
    """

    function: Callable[[Array, Array], Any]
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", name_of(self.function))

    def init(self, output_shape: Shape) -> tuple[Array, Array]:
        return jnp.zeros(()), jnp.zeros(())

    def update(
        self,
        state: tuple[Array, Array],
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Array, Array]:
        y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
        values = self.function(y_true, y_pred)
        if values is None:
            raise ValueError(f"The metric {self.name!r} returned None. Does it lack a `return`?")
        return sums(jnp.asarray(values), y_pred.shape[0] if y_pred.ndim else 1, sample_weight, self.name, state)

    def result(self, state: tuple[Array, Array]) -> Array:
        return fraction(*state)


def sums(
    values: Array,
    size: int,
    weight: ArrayLike | None,
    name: str,
    state: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """The weighted sum of values, and the sum of their weights, added to those of a state; in float32.

    Args:
        values: one for each sample, ``[size, ...]``; anything else counts by its mean, once for each sample.
        size: how many samples.
        weight: as for `weights_like`.
        name: of what has given the values, for messages.
        state: the sums so far.

    Raises:
        ValueError: there are weights, and fewer values.
    """
    values = values.astype(jnp.float32)
    if values.shape[:1] != (size,):
        if weight is not None:
            raise ValueError(
                f"{name!r} gives shape {values.shape}, which cannot be weighted or masked: expected one number for "
                f"each of the {size} samples. Return the numbers of the samples instead of their mean."
            )
        new = size * jnp.mean(values), jnp.float32(size)
    elif weight is None:
        new = jnp.sum(values), jnp.float32(values.size)
    else:
        weights = weights_like(values.shape, weight, name)
        # What is left out may be anything, NaN as well.
        new = jnp.sum(jnp.where(weights == 0, 0.0, values) * weights), jnp.sum(weights)
    return new if state is None else (state[0] + new[0], state[1] + new[1])


def weights_like(shape: tuple[int, ...], weight: ArrayLike | None, name: str) -> Array:
    """Weights for entries of a shape, in float32.

    Args:
        shape: of the entries, ``[batch, ...]``.
        weight: the first axes of this shape; None for ones.
        name: of what is weighted, for messages.

    Raises:
        ValueError: other axes.
    """
    if weight is None:
        return jnp.ones(shape, jnp.float32)
    given = jnp.asarray(weight, jnp.float32)
    trailing = (1,) * (len(shape) - given.ndim)
    if given.ndim > len(shape) or any(g not in (1, s) for g, s in zip(given.shape, shape, strict=False)):
        raise ValueError(
            f"{name!r} has entries of shape {shape}, which weights or a mask of shape {given.shape} do not fit. "
            f"Expected the first axes of that shape, such as {shape[:1]}."
        )
    return jnp.broadcast_to(given.reshape(given.shape + trailing), shape)


def fraction(part: Array, whole: Array) -> Array:
    """``part / whole``; 0 where there is nothing."""
    return jnp.where(whole == 0, 0.0, part / jnp.where(whole == 0, 1.0, whole))


class MetricFunction(Generic[P]):
    """A metric under its snake_case name: called with data it gives the value, with options alone the `Metric`.

    ``precision(y_true, y_pred)`` is a number; ``precision(threshold=0.7)`` is for `compile`, and so is ``precision``
    itself, with the options' defaults.
    """

    __name__: str

    def __init__(self, make: Callable[..., Metric], value: Callable[..., Array], described_by: Any, name: str) -> None:
        self.make, self._value = make, value
        functools.update_wrapper(self, described_by)
        self.__signature__ = _with_data(inspect.signature(described_by))
        self.__name__ = self.__qualname__ = name
        self.__module__ = __package__  # where all of them are

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, y_true: ArrayLike, y_pred: ArrayLike, *args: P.args, **options: P.kwargs
    ) -> Array: ...

    @overload
    def __call__(self, *args: P.args, **options: P.kwargs) -> Metric: ...

    def __call__(self, *args: Any, **options: Any) -> Any:
        with_data = len(args) >= 2 or "y_true" in options or "y_pred" in options
        return self._value(*args, **options) if with_data else self.make(*args, **options)

    def __repr__(self) -> str:
        return f"jtf.metrics.{self.__name__}"

    def __reduce__(self) -> str:
        return self.__name__  # a global name


def averaged(function: Callable[Concatenate[ArrayLike, ArrayLike, P], Array]) -> MetricFunction[P]:
    """A function of ``(y_true, y_pred)`` that gives a number for each sample, as a metric: their mean."""

    def make(*, name: str = "", **options: Any) -> Metric:
        return Mean(functools.partial(metric, **options) if options else metric, name)

    metric: MetricFunction[P] = MetricFunction(make, function, function, function.__name__)
    return metric


def over_all(cls: Callable[P, Metric]) -> MetricFunction[P]:
    """A class of metrics over all samples, under the snake_case name that is the default of its ``name``."""

    def value(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, **options: Any) -> Array:
        return cls(**options)(y_true, y_pred, sample_weight)  # type: ignore[call-arg]

    return MetricFunction(cls, value, cls, cls.name)  # type: ignore[attr-defined]


def _with_data(signature: inspect.Signature) -> inspect.Signature:
    """A signature whose first two parameters are the data."""
    data = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("y_true", "y_pred")]
    options = [each for name, each in signature.parameters.items() if name not in ("y_true", "y_pred")]
    options = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in options]
    return inspect.Signature([*(each.replace(default=None) for each in data), *options])


def name_of(function: Any) -> str:
    """What a function is called in the logs, also where arguments have been bound to it."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)
