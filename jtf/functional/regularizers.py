"""Penalties on the size of weights: an array in, a scalar out, to be added to the loss.

The gradient of ``|x|`` at 0 is 0 here, so that a weight of exactly 0 stays there; in TF.js it is -1.

References:
    TF.js: tfjs-layers/src/regularizers.ts
"""

from __future__ import annotations

import jax.numpy as jnp

from jtf.functional.kinks import absolute
from jtf.functional.operands import floating_dtype, wide
from jtf.types import Array, ArrayLike


def l1(x: ArrayLike, l1: float = 0.01) -> Array:
    """``l1 * sum(|x|)``"""
    x = jnp.asarray(x)
    return (l1 * jnp.sum(absolute(wide(x)))).astype(floating_dtype(x))


def l2(x: ArrayLike, l2: float = 0.01) -> Array:
    """``l2 * sum(x**2)``"""
    x = jnp.asarray(x)
    return (l2 * jnp.sum(jnp.square(wide(x)))).astype(floating_dtype(x))


def l1_l2(x: ArrayLike, l1: float = 0.01, l2: float = 0.01) -> Array:
    """``l1 * sum(|x|) + l2 * sum(x**2)``

    >>> float(l1_l2([3.0, -4.0], l1=1.0, l2=0.5))
    19.5
    """
    x = jnp.asarray(x)
    return (l1 * jnp.sum(absolute(wide(x))) + l2 * jnp.sum(jnp.square(wide(x)))).astype(floating_dtype(x))
