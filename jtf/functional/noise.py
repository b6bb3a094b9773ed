"""Noise for training: added, multiplied, or in place of activations."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jtf.functional.regularization import check_rate, kept
from jtf.types import Array, ArrayLike

# Of the activation selu, whose output alpha dropout keeps as it is: its slope, and its limit for negative inputs.
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_LIMIT = -1.6732632423543772848170429916717 * _SELU_SCALE


def gaussian_noise(key: Array, x: ArrayLike, stddev: float) -> Array:
    """Add normal noise with mean 0.

    Args:
        key: Random key; equal keys add the same noise.
        x: Input of any shape.
        stddev: Standard deviation of the noise, not negative.

    Returns:
        An array of the shape and dtype of ``x``; float32 for integers.

    Raises:
        ValueError: If ``stddev`` is negative.

    References:
        TF.js: tfjs-layers/src/layers/noise.ts, as of the functions below

    >>> noisy = gaussian_noise(jax.random.key(0), jnp.ones(10_000), stddev=0.5)
    >>> round(noisy.mean().item(), 1), round(noisy.std().item(), 1)
    (1.0, 0.5)
    """
    if stddev < 0:
        raise ValueError(f"gaussian_noise: stddev must not be negative; received {stddev}.")
    x = _floating(x)
    return x + stddev * jax.random.normal(key, x.shape, x.dtype)


def gaussian_dropout(key: Array, x: ArrayLike, rate: float) -> Array:
    """Multiply by normal noise with mean 1 and the variance of dropout's factors.

    Formula: ``x * noise``, where the noise has the standard deviation ``sqrt(rate / (1 - rate))``.

    Args:
        key: Random key; equal keys multiply by the same noise.
        x: Input of any shape.
        rate: As of `dropout`, in ``[0, 1)``.

    Returns:
        An array of the shape and dtype of ``x``; float32 for integers.

    Raises:
        ValueError: If ``rate`` is not in ``[0, 1)``.

    References:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    >>> noisy = gaussian_dropout(jax.random.key(0), jnp.ones(10_000), rate=0.2)
    >>> round(noisy.mean().item(), 1), round(noisy.std().item(), 1)
    (1.0, 0.5)
    """
    check_rate("gaussian_dropout", rate)
    x = _floating(x)
    return x * (1 + (rate / (1 - rate)) ** 0.5 * jax.random.normal(key, x.shape, x.dtype))


def alpha_dropout(key: Array, x: ArrayLike, rate: float, noise_shape: Sequence[int | None] | None = None) -> Array:
    """Set a random fraction of ``x`` to the limit of selu for negative inputs, keeping mean 0 and variance 1.

    Formula: ``a * (x or limit) + b`` with ``limit = -1.7581``, ``a = 1 / sqrt((1 - rate) * (1 + rate * limit²))`` and
    ``b = -a * limit * rate``.

    Args:
        key: Random key; equal keys drop the same elements.
        x: Input of any shape.
        rate: Fraction to drop, in ``[0, 1)``.
        noise_shape: Shape of the random mask, as of `dropout`.

    Returns:
        An array of the shape and dtype of ``x``; float32 for integers.

    Raises:
        ValueError: If ``rate`` is not in ``[0, 1)``, or ``noise_shape`` does not broadcast to ``x``.

    References:
        Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> dropped = alpha_dropout(jax.random.key(0), jax.random.normal(jax.random.key(1), (10_000,)), rate=0.3)
    >>> abs(round(dropped.mean().item(), 1)), round(dropped.std().item(), 1)
    (0.0, 1.0)
    """
    x = _floating(x)
    keep = kept("alpha_dropout", key, x.shape, rate, noise_shape)
    a = ((1 - rate) * (1 + rate * _SELU_LIMIT**2)) ** -0.5
    limit = jnp.asarray(_SELU_LIMIT, x.dtype)
    return a * jnp.where(keep, x, limit) - a * _SELU_LIMIT * rate


def _floating(x: ArrayLike) -> Array:
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.float32)
