"""Functions with a kink, where the gradient is a choice."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
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


def largest(x: Array, axes: Sequence[int], keepdims: bool = False) -> Array:
    """The largest number along axes; the first of equals gets the whole gradient.

    The gradient of ``jnp.max`` compares ``x`` with the result. Under jit XLA may compute ``x`` once more for that and
    round it otherwise, so that the comparison fails and the gradient is lost; TF.js gives every one of equals the
    whole gradient.
    """
    axes = sorted(axis % x.ndim for axis in axes)
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    flat = jnp.transpose(x, (*kept, *axes)).reshape(*(x.shape[a] for a in kept), math.prod(x.shape[a] for a in axes))
    chosen = jax.nn.one_hot(jnp.argmax(flat, axis=-1), flat.shape[-1], dtype=jnp.bool_)
    result = jnp.sum(jnp.where(chosen, flat, jnp.zeros_like(flat)), axis=-1)
    return jnp.expand_dims(result, axes) if keepdims else result
