"""`jtf.print`, for TF.js's ``tensor.print()``."""

from __future__ import annotations

import builtins

import jax
import numpy as np

from jtf.types import ArrayLike
from jtf.variable import Variable


def print(x: ArrayLike | Variable) -> None:
    """Print the values of an array or Variable; inside jit, when the compiled code runs.

    Example:
        >>> import jtf
        >>> jtf.print(jtf.variable([[1.0, 2.0]]))
        [[1. 2.]]
    """
    value = x.read() if isinstance(x, Variable) else x
    if isinstance(value, jax.core.Tracer):
        jax.debug.print("{}", value)
    else:
        builtins.print(np.asarray(value))
