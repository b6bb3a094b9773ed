"""Penalties on weights that are added to the loss: TF.js's regularizers as objects with a configuration.

Example:
    >>> import jtf
    >>> float(jtf.regularizers.l2(l2=0.5)(jtf.variable([1.0, -2.0])))
    2.5
"""

from __future__ import annotations

from typing import Any

from jtf.configurable import Configurable, Registry, factory
from jtf.functional import regularizers as functional
from jtf.options import NotNegative, checked
from jtf.types import Array, ArrayLike

registry = Registry("regularizer")
get = registry.get
deserialize = registry.deserialize


@registry.add
class L1L2(Configurable):
    """``l1 · Σ|x| + l2 · Σx²``."""

    def __init__(self, l1: NotNegative = 0.01, l2: NotNegative = 0.01) -> None:
        self.l1, self.l2 = l1, l2

    def __call__(self, x: ArrayLike) -> Array:
        """The penalty on an array: a scalar."""
        return functional.l1_l2(x, l1=self.l1, l2=self.l2)


class _One(L1L2):
    """Written down as `L1L2`, whichever of the two it has."""

    class_name = "L1L2"

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


@registry.add
class L1(_One):
    """``l1 · Σ|x|`` under the name that it has in Keras's files."""

    def __init__(self, l1: NotNegative = 0.01) -> None:
        super().__init__(l1, 0.0)


@registry.add
class L2(_One):
    """``l2 · Σx²`` under the name that it has in Keras's files."""

    def __init__(self, l2: NotNegative = 0.01) -> None:
        super().__init__(0.0, l2)


@checked
def l1(l1: NotNegative = 0.01) -> L1L2:
    """``l1 · Σ|x|``, written down as `L1L2` with ``l2=0``."""
    return L1L2(l1=l1, l2=0.0)


@checked
def l2(l2: NotNegative = 0.01) -> L1L2:
    """``l2 · Σx²``, written down as `L1L2` with ``l1=0``."""
    return L1L2(l1=0.0, l2=l2)


l1_l2 = factory(L1L2)
