"""Projections that are applied to a weight after each update.

Norms are Euclidean, along ``axis``: 0 for the kernel of a dense layer (each unit's incoming weights),
``(0, 1, 2)`` for that of a two-dimensional convolution. A vector of zeros stays zero.

References:
    TF.js: tfjs-layers/src/constraints.ts
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp

from jtf.functional.operands import floating_dtype, wide
from jtf.types import Array, ArrayLike

#: An axis or several.
Axis = int | Sequence[int]

_EPSILON = 1e-7


def _norms(w: Array, axis: Axis) -> Array:
    axes = axis if isinstance(axis, int) else tuple(axis)
    return jnp.sqrt(jnp.sum(jnp.square(wide(w)), axis=axes, keepdims=True))


def _scaled(w: Array, factor: Array) -> Array:
    return (w * factor).astype(floating_dtype(w))


def max_norm(w: ArrayLike, max_value: float = 2.0, axis: Axis = 0) -> Array:
    """Shrink vectors that are longer than ``max_value`` to that length.

    Formula: ``w * min(norm, max_value) / (norm + 1e-7)``
    """
    w = jnp.asarray(w)
    norms = _norms(w, axis)
    return _scaled(w, jnp.clip(norms, 0.0, max_value) / (_EPSILON + norms))


def unit_norm(w: ArrayLike, axis: Axis = 0) -> Array:
    """Scale vectors to length one, ``w / (norm + 1e-7)``.

    >>> [round(float(value), 4) for value in unit_norm([3.0, 4.0])]
    [0.6, 0.8]
    """
    w = jnp.asarray(w)
    return _scaled(w, 1.0 / (_EPSILON + _norms(w, axis)))


def non_neg(w: ArrayLike) -> Array:
    """Replace negative values by zero."""
    return jnp.maximum(jnp.asarray(w), 0)


def min_max_norm(
    w: ArrayLike, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0
) -> Array:
    """Move the lengths of vectors into ``[min_value, max_value]``.

    Formula: ``w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (norm + 1e-7)``

    Args:
        w: The weight.
        min_value: Least length.
        max_value: Greatest length.
        rate: 1 enforces the bounds at once, less moves towards them at every update.
        axis: Axis or axes along which lengths are measured.

    Returns:
        An array of the shape of ``w``.
    """
    w = jnp.asarray(w)
    norms = _norms(w, axis)
    desired = rate * jnp.clip(norms, min_value, max_value) + (1.0 - rate) * norms
    return _scaled(w, desired / (_EPSILON + norms))
