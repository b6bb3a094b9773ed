"""Initial values of weights.

Every initializer is called as ``initializer(key, shape, dtype, **options)``. Equal keys give equal values;
the deterministic ones ignore the key, and ``None`` will do. Random numbers are not those of TF.js: only
their distributions are the same.

References:
    TF.js: tfjs-layers/src/initializers.ts
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jtf.options import NotNegative, checked
from jtf.types import Array, DTypeLike, Values

# --- deterministic ----------------------------------------------------------------------------------


def zeros(key: Array | None, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """All zeros."""
    del key
    return _filled(shape, 0, dtype)


def ones(key: Array | None, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """All ones."""
    del key
    return _filled(shape, 1, dtype)


def constant(key: Array | None, shape: Sequence[int], dtype: DTypeLike = jnp.float32, *, value: Values) -> Array:
    """The same ``value`` everywhere."""
    del key
    return _filled(shape, value, dtype)


def identity(key: Array | None, shape: Sequence[int], dtype: DTypeLike = jnp.float32, *, gain: float = 1.0) -> Array:
    """``gain`` times the identity matrix.

    Raises:
        ValueError: If ``shape`` is not that of a square matrix.

    >>> identity(None, (2, 2), gain=3.0).tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """
    del key
    shape = tuple(shape)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(
            f"The identity initializer makes square matrices, of shape (n, n); received shape {shape}. "
            "Choose another initializer for this weight."
        )
    return jnp.asarray(gain * np.eye(shape[0]), dtype)


def _filled(shape: Sequence[int], value: Values, dtype: DTypeLike) -> Array:
    # By numpy, since jax would compile a program for each shape.
    return jnp.asarray(np.full(tuple(shape), value, np.dtype(dtype)))


# --- plain distributions ----------------------------------------------------------------------------
# Each is one compiled program a shape, where jax would else compile one for every operation.


@functools.partial(jax.jit, static_argnames=("shape", "dtype"))
def _uniform(key: Array, shape: tuple[int, ...], dtype: Any, minval: float, maxval: float) -> Array:
    return jax.random.uniform(key, shape, dtype, minval, maxval)


@functools.partial(jax.jit, static_argnames=("shape", "dtype"))
def _normal(key: Array, shape: tuple[int, ...], dtype: Any, mean: float, stddev: float) -> Array:
    return mean + stddev * jax.random.normal(key, shape, dtype)


@functools.partial(jax.jit, static_argnames=("shape", "dtype"))
def _truncated(key: Array, shape: tuple[int, ...], dtype: Any, mean: float, stddev: float) -> Array:
    return mean + stddev * jax.random.truncated_normal(key, -2.0, 2.0, shape, dtype)


@functools.partial(jax.jit, static_argnames=("shape", "dtype"))
def _orthogonal(key: Array, shape: tuple[int, ...], dtype: Any, gain: float) -> Array:
    """The Q of a normal matrix's QR decomposition, of which no more is computed than its reflections.

    The reflections before it leave a column normal, so that each may be drawn for itself, and nothing need be factored.
    """
    rows, columns = math.prod(shape[:-1]), shape[-1]
    precise = jnp.promote_types(dtype, jnp.float32)  # such products exist from float32 on
    normal = jax.random.normal(key, (max(rows, columns), min(rows, columns)), precise)
    head = jnp.diagonal(normal)
    # The reflection of column k takes what it has from row k on to `ends` times the k-th unit vector.
    ends = -jnp.sign(head) * jnp.sqrt(jnp.sum(jnp.square(jnp.tril(normal)), axis=0))
    reflections = jnp.tril(normal / (head - ends)[None], -1)
    matrix = jax.lax.linalg.householder_product(reflections, (ends - head) / ends) * jnp.sign(ends)[None]
    return (gain * (matrix if rows >= columns else matrix.T)).reshape(shape).astype(dtype)


def random_uniform(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    minval: float = -0.05,
    maxval: float = 0.05,
) -> Array:
    """Uniform on ``[minval, maxval)``. Unlike in TF.js, a bound of 0 is taken as 0, not as the default."""
    return _uniform(key, tuple(shape), np.dtype(dtype), minval, maxval)


def random_normal(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    mean: float = 0.0,
    stddev: float = 0.05,
) -> Array:
    """Normal with the given mean and standard deviation."""
    return _normal(key, tuple(shape), np.dtype(dtype), mean, stddev)


def truncated_normal(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    mean: float = 0.0,
    stddev: float = 0.05,
) -> Array:
    """Normal without its tails: what is farther than ``2 * stddev`` from the mean is drawn again.

    The standard deviation of the result is therefore about ``0.88 * stddev``.
    """
    return _truncated(key, tuple(shape), np.dtype(dtype), mean, stddev)


# --- scaled to the shape ----------------------------------------------------------------------------


def compute_fans(shape: Sequence[int]) -> tuple[float, float]:
    """How many inputs feed a unit of a weight, and how many outputs an input feeds.

    Args:
        shape: ``(in, out)`` for a matrix, ``(*window, in, out)`` for a convolution of one to three
            dimensions; any other rank counts the square root of its size both ways.

    Returns:
        ``(fan_in, fan_out)``

    >>> compute_fans((3, 3, 16, 32))
    (144.0, 288.0)
    """
    shape = tuple(shape)
    if 2 <= len(shape) <= 5:
        window = math.prod(shape[:-2])
        return float(window * shape[-2]), float(window * shape[-1])
    root = math.sqrt(math.prod(shape))
    return root, root


#: Which number of inputs or outputs counts.
Mode = Literal["fanIn", "fanOut", "fanAvg", "fan_in", "fan_out", "fan_avg"]
#: A normal distribution is truncated either way.
Distribution = Literal["normal", "uniform", "truncatedNormal", "truncated_normal"]


@checked
def variance_scaling(
    key: Array,
    shape: Sequence[int],
    dtype: DTypeLike = jnp.float32,
    *,
    scale: NotNegative = 1.0,
    mode: Mode = "fanIn",
    distribution: Distribution = "normal",
) -> Array:
    """Random values whose variance is about ``scale / fan``.

    As in TF.js, the normal distribution is truncated and not scaled up again, so that its variance is
    ``0.77 * scale / fan``; Keras corrects for that.

    Args:
        key: Random key.
        shape: Shape of the weight, see :func:`compute_fans`.
        dtype: A floating dtype.
        scale: Not negative.
        mode: ``"fanIn"``, ``"fanOut"`` or ``"fanAvg"`` (or ``"fan_in"``, ...): which fan divides.
        distribution: ``"normal"`` (or ``"truncated_normal"``, ``"truncatedNormal"``): truncated at two
            standard deviations of ``sqrt(scale / fan)``; ``"uniform"``: within ``sqrt(3 * scale / fan)``.

    Returns:
        An array of the given shape and dtype.

    Raises:
        ValueError: If ``scale`` is negative, or ``mode`` or ``distribution`` is unknown.

    References:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
        He et al., "Delving deep into rectifiers", 2015.
    """
    fan_in, fan_out = compute_fans(shape)
    fans = {"fanIn": fan_in, "fanOut": fan_out, "fanAvg": (fan_in + fan_out) / 2}
    variance = scale / max(1.0, fans[mode])
    if distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return random_uniform(key, shape, dtype, minval=-limit, maxval=limit)
    return truncated_normal(key, shape, dtype, stddev=math.sqrt(variance))


def glorot_normal(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """:func:`variance_scaling` with scale 1, average of the fans, normal: the default kernel of TF.js."""
    return variance_scaling(key, shape, dtype, scale=1.0, mode="fanAvg", distribution="normal")


def glorot_uniform(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """:func:`variance_scaling` with scale 1, average of the fans, uniform."""
    return variance_scaling(key, shape, dtype, scale=1.0, mode="fanAvg", distribution="uniform")


def he_normal(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """:func:`variance_scaling` with scale 2, fan in, normal: for layers before a rectifier."""
    return variance_scaling(key, shape, dtype, scale=2.0, mode="fanIn", distribution="normal")


def he_uniform(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """:func:`variance_scaling` with scale 2, fan in, uniform."""
    return variance_scaling(key, shape, dtype, scale=2.0, mode="fanIn", distribution="uniform")


def lecun_normal(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """:func:`variance_scaling` with scale 1, fan in, normal: for layers before :func:`selu`."""
    return variance_scaling(key, shape, dtype, scale=1.0, mode="fanIn", distribution="normal")


def lecun_uniform(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """:func:`variance_scaling` with scale 1, fan in, uniform."""
    return variance_scaling(key, shape, dtype, scale=1.0, mode="fanIn", distribution="uniform")


def orthogonal(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32, *, gain: float = 1.0) -> Array:
    """``gain`` times a random matrix with orthonormal columns (or rows, if there are fewer of those).

    Args:
        key: Random key.
        shape: At least two axes; all but the last are flattened together into the rows.
        dtype: A floating dtype.
        gain: Factor of the result.

    Returns:
        An array of the given shape and dtype.

    Raises:
        ValueError: If ``shape`` has fewer than two axes.

    References:
        Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks", 2013.
        Stewart, "The efficient generation of random orthogonal matrices", SIAM J. Numer. Anal. 17, 1980.
    """
    shape = tuple(shape)
    if len(shape) < 2:
        raise ValueError(
            f"The orthogonal initializer needs a shape of at least two axes; received shape {shape}. "
            "Choose another initializer for this weight."
        )
    return _orthogonal(key, shape, np.dtype(dtype), gain)
