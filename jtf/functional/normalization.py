"""Normalization: batch and layer normalization."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from jtf.functional.operands import wide
from jtf.types import Array, ArrayLike, DTypeLike


def batch_normalization(
    params: Mapping[str, ArrayLike],
    x: ArrayLike,
    axis: int = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    training: bool = False,
) -> tuple[Array, dict[str, Array]]:
    """Give every feature mean 0 and variance 1, then scale and shift it.

    Formula: ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, where mean and variance are those of the batch
    while training, and the moving ones otherwise. Training moves these towards the batch's:
    ``moving = momentum * moving + (1 - momentum) * batch``, the batch's variance being the mean square deviation.

    The statistics are computed in float32 at least, the variance from deviations, which stays exact where the mean is
    large.

    Args:
        params: ``moving_mean`` and ``moving_variance``, and ``gamma`` and ``beta`` if there are such, each ``[n]``.
        x: Input, of length ``n`` along ``axis``.
        axis: The axis of the features; the statistics are over all others.
        momentum: How much of the moving statistics is kept.
        epsilon: Keeps the square root away from zero.
        training: Whether to use the batch's statistics.

    Returns:
        The output, of the shape of ``x``, and the moving statistics after this batch.

    Raises:
        ValueError: If ``axis`` is missing or not ``n`` long.

    References:
        Ioffe and Szegedy, "Batch normalization", 2015.
        TF.js: tfjs-layers/src/layers/normalization.ts, BatchNormalization

    >>> moving = {"moving_mean": jnp.zeros(1), "moving_variance": jnp.ones(1)}
    >>> y, moving = batch_normalization(moving, jnp.array([[1.0], [3.0]]), momentum=0.5, epsilon=0.0, training=True)
    >>> y.tolist(), moving["moving_mean"].tolist(), moving["moving_variance"].tolist()
    ([[-1.0], [1.0]], [1.0], [1.0])
    """
    x = jnp.asarray(x)
    given = {name: jnp.asarray(value) for name, value in params.items()}
    (n,) = given["moving_mean"].shape
    if not -x.ndim <= axis < x.ndim or x.shape[axis] != n:
        raise ValueError(f"batch_normalization: expected x to be {n} long along axis {axis}; received shape {x.shape}.")
    mean, variance = given["moving_mean"], given["moving_variance"]
    moving = {"moving_mean": mean, "moving_variance": variance}
    if training:
        mean, variance = moments(x, [i for i in range(x.ndim) if i != axis % x.ndim])
        batch = {"moving_mean": mean, "moving_variance": variance}
        moving = {name: old - (old - batch[name].astype(old.dtype)) * (1 - momentum) for name, old in moving.items()}
    shape = tuple(n if i == axis % x.ndim else 1 for i in range(x.ndim))
    learnt = {name: value.reshape(shape) for name, value in given.items() if name in ("gamma", "beta")}
    y = _standardized(x, mean.reshape(shape), variance.reshape(shape), epsilon, learnt)
    return y.astype(_dtype(x, given)), moving


def layer_normalization(
    params: Mapping[str, ArrayLike], x: ArrayLike, axis: int | Sequence[int] = -1, epsilon: float = 1e-3
) -> Array:
    """Give every example mean 0 and variance 1 over some of its axes, then scale and shift its entries.

    Formula: ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, mean and variance over ``axis``. They are
    computed in float32 at least.

    Args:
        params: ``gamma`` and ``beta`` if there are such, each as long as the axes in ``axis``. What belongs to which
            entry is a matter of their order alone: they are reshaped, never transposed.
        x: Input of any shape.
        axis: The axis or axes to normalise over.
        epsilon: Keeps the square root away from zero.

    Returns:
        An array of the shape of ``x``.

    Raises:
        ValueError: If an axis is missing or there twice, or a parameter has another size than the axes.

    References:
        Ba et al., "Layer normalization", 2016.
        TF.js: tfjs-layers/src/layers/normalization.ts, LayerNormalization

    >>> layer_normalization({}, jnp.array([[1.0, 3.0]]), epsilon=0.0).tolist()
    [[-1.0, 1.0]]
    """
    x = jnp.asarray(x)
    axes = [axis] if isinstance(axis, int) else list(axis)
    normalized = {a % x.ndim for a in axes if -x.ndim <= a < x.ndim}
    given = {name: jnp.asarray(value) for name, value in params.items()}
    shape = tuple(size if i in normalized else 1 for i, size in enumerate(x.shape))
    if len(normalized) != len(axes) or any(value.size != math.prod(shape) for value in given.values()):
        raise ValueError(
            "layer_normalization: expected different axes of x, and parameters as long as these; received axis "
            f"{axis}, x of shape {x.shape}"
            + "".join(f", {name} of shape {value.shape}" for name, value in given.items())
            + "."
        )
    mean, variance = moments(x, sorted(normalized), keepdims=True)
    learnt = {name: value.reshape(shape) for name, value in given.items()}
    y = _standardized(x, mean, variance, epsilon, learnt)
    return y.astype(_dtype(x, given))


def moments(x: ArrayLike, axes: Sequence[int], keepdims: bool = False) -> tuple[Array, Array]:
    """Mean and variance (the mean square deviation from the mean) over some axes, in float32 at least.

    The mean is exact to the last digits, so that entries which are all equal deviate from it by nothing.

    Args:
        x: Input of any shape.
        axes: The axes to reduce.
        keepdims: Whether they stay, with length 1.

    References:
        TF.js: tfjs-core/src/ops/moments.ts

    >>> [value.item() for value in moments(jnp.array([1.0, 3.0]), [0])]
    [2.0, 1.0]
    """
    x = wide(jnp.asarray(x))
    mean = jnp.mean(x, tuple(axes), keepdims=True)
    mean = mean + jax.lax.stop_gradient(jnp.mean(x - mean, tuple(axes), keepdims=True))  # what rounding has left
    variance = jnp.mean(jnp.square(x - mean), tuple(axes), keepdims=True)
    if keepdims:
        return mean, variance
    return jnp.squeeze(mean, tuple(axes)), jnp.squeeze(variance, tuple(axes))


def _standardized(x: Array, mean: Array, variance: Array, epsilon: float, params: Mapping[str, Array]) -> Array:
    factor = jax.lax.rsqrt(variance + epsilon)
    if "gamma" in params:
        factor = factor * params["gamma"]
    y = (wide(x) - mean) * factor
    return y + params["beta"] if "beta" in params else y


def _dtype(x: Array, params: Mapping[str, Array]) -> DTypeLike:
    dtype = jnp.result_type(x, *params.values())
    return dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32
