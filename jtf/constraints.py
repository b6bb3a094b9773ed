"""Conditions that weights are made to fulfil after every training step, as objects with a configuration.

TF.js declares constraints but its optimizers never apply them; here `fit` does, as Keras does.

Example:
    >>> import jtf, numpy as np
    >>> w = jtf.constraints.max_norm(max_value=1.0)(np.array([[3.0], [4.0]], np.float32))
    >>> [round(float(x), 3) for x in w[:, 0]]
    [0.6, 0.8]
"""

from __future__ import annotations

from jtf.configurable import Configurable, Registry, factory
from jtf.functional import constraints as functional
from jtf.functional.constraints import Axis
from jtf.options import Bound, Fraction, NotNegative
from jtf.types import Array, ArrayLike

registry = Registry("constraint")
get = registry.get
deserialize = registry.deserialize


@registry.add
class MaxNorm(Configurable):
    """Euclidean norms along ``axis`` of at most ``max_value``."""

    def __init__(self, max_value: Bound = 2.0, axis: Axis = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: ArrayLike) -> Array:
        return functional.max_norm(w, max_value=self.max_value, axis=self.axis)


@registry.add
class UnitNorm(Configurable):
    """Euclidean norms along ``axis`` of one."""

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: ArrayLike) -> Array:
        return functional.unit_norm(w, axis=self.axis)


@registry.add
class NonNeg(Configurable):
    """No negative weights."""

    def __call__(self, w: ArrayLike) -> Array:
        return functional.non_neg(w)


@registry.add
class MinMaxNorm(Configurable):
    """Euclidean norms along ``axis`` between two values, approached at ``rate`` a step."""

    def __init__(
        self, min_value: NotNegative = 0.0, max_value: Bound = 1.0, rate: Fraction = 1.0, axis: Axis = 0
    ) -> None:
        if min_value > max_value:
            raise ValueError(f"MinMaxNorm's min_value is at most its max_value; received {min_value!r}, {max_value!r}.")
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: ArrayLike) -> Array:
        return functional.min_max_norm(
            w, min_value=self.min_value, max_value=self.max_value, rate=self.rate, axis=self.axis
        )


max_norm = factory(MaxNorm)
unit_norm = factory(UnitNorm)
non_neg = factory(NonNeg)
min_max_norm = factory(MinMaxNorm)
