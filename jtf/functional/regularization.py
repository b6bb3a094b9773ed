"""Regularization by noise."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jtf.types import Array, ArrayLike


def dropout(key: Array, x: ArrayLike, rate: float, noise_shape: Sequence[int | None] | None = None) -> Array:
    """Set a random fraction of ``x`` to zero and scale the rest so that the expectation stays the same.

    Formula: ``x / (1 - rate)`` with probability ``1 - rate``, else 0.

    Args:
        key: Random key; equal keys drop the same elements.
        x: Input of any shape.
        rate: Fraction to drop, in ``[0, 1)``.
        noise_shape: Shape of the random mask, broadcast against ``x`` from the right; None within it stands
            for the length of that axis of ``x``. ``(None, 1, None)`` drops the same features at all times.

    Returns:
        An array of the shape and dtype of ``x``.

    Raises:
        ValueError: If ``rate`` is not in ``[0, 1)``, or ``noise_shape`` does not broadcast to ``x``.

    References:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    >>> sorted(set(dropout(jax.random.key(0), jnp.ones(100), rate=0.5).tolist()))
    [0.0, 2.0]
    """
    x = jnp.asarray(x)
    keep = kept("dropout", key, x.shape, rate, noise_shape)
    return x if rate == 0 else jnp.where(keep, x / (1 - rate), jnp.zeros_like(x))


def kept(name: str, key: Array, shape: tuple[int, ...], rate: float, noise_shape: Sequence[int | None] | None) -> Array:
    """Which elements of an array of this shape are not dropped; the arguments are those of `dropout`."""
    check_rate(name, rate)
    return jnp.broadcast_to(jax.random.bernoulli(key, 1.0 - rate, _mask_shape(name, shape, noise_shape)), shape)


def check_rate(name: str, rate: float) -> None:
    """Refuse what is not a fraction to drop; ``name`` is the function that was asked to."""
    if not 0 <= rate < 1:
        raise ValueError(f"{name}: rate must be in [0, 1), the fraction to drop; received {rate}.")


def _mask_shape(name: str, shape: tuple[int, ...], noise_shape: Sequence[int | None] | None) -> tuple[int, ...]:
    if noise_shape is None:
        return shape
    aligned = (1,) * (len(shape) - len(noise_shape)) + tuple(noise_shape)
    if len(aligned) != len(shape) or any(m not in (None, 1, n) for m, n in zip(aligned, shape, strict=True)):
        raise ValueError(
            f"{name}: each entry of noise_shape must be 1, None or the length of that axis of x; "
            f"received noise_shape {tuple(noise_shape)} for x of shape {shape}."
        )
    return tuple(n if m is None else m for m, n in zip(aligned, shape, strict=True))
