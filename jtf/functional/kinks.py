"""Functions with a kink, where the gradient is a choice."""

from __future__ import annotations

import jax.numpy as jnp

from jtf.types import Array


def clip_by_value(x: Array, low: float, high: float) -> Array:
    """Limit ``x`` to ``[low, high]``; the gradient is 1 inside, bounds included, and 0 outside.

    ``jnp.clip`` has the same values but passes half the gradient at a bound, where probabilities and
    hard sigmoids often sit.

    References:
        TF.js: tfjs-core/src/gradients/ClipByValue_grad.ts
    """
    floored = jnp.where(x < low, jnp.asarray(low, x.dtype), x)
    return jnp.where(floored > high, jnp.asarray(high, x.dtype), floored)


def absolute(x: Array) -> Array:
    """``|x|``; the gradient at 0 is 0.

    ``jnp.abs`` has the gradient 1 there, and TF.js -1: either moves what is already exactly right.
    """
    return x * jnp.sign(x)
