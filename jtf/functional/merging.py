"""Several arrays into one: elementwise, side by side, or by their inner product.

The first axis is the batch, of one size in all of them. Where the elementwise functions are given different numbers
of dimensions, axes of length 1 are put in behind the batch, so that ``[batch, a, b]`` goes with ``[batch, b]``.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jtf.functional.operands import floating_dtype, wide
from jtf.types import Array, ArrayLike


def add(xs: Sequence[ArrayLike]) -> Array:
    """The elementwise sum.

    Args:
        xs: Two arrays or more, ``[batch, ...]``, that broadcast.

    Returns:
        An array of their common shape.

    Raises:
        ValueError: If there are fewer than two, their batches differ, or they do not broadcast.

    References:
        TF.js: tfjs-layers/src/layers/merge.ts, as of the functions below

    >>> add([jnp.ones((1, 2, 3)), jnp.ones((1, 3))]).shape
    (1, 2, 3)
    """
    return functools.reduce(operator.add, _aligned("add", xs))


def multiply(xs: Sequence[ArrayLike]) -> Array:
    """The elementwise product; see `add` for the arguments.

    >>> multiply([jnp.array([[2.0, 3.0]]), jnp.array([[5.0, 7.0]])]).tolist()
    [[10.0, 21.0]]
    """
    return functools.reduce(operator.mul, _aligned("multiply", xs))


def average(xs: Sequence[ArrayLike]) -> Array:
    """The elementwise mean; see `add` for the arguments. Of integers it is a float.

    >>> average([jnp.array([[1, 5]]), jnp.array([[2, 1]])]).tolist()
    [[1.5, 3.0]]
    """
    arrays = _promoted("average", xs)
    # The sum may be too large for integers, and for float16.
    return (functools.reduce(operator.add, map(wide, arrays)) * (1 / len(arrays))).astype(floating_dtype(arrays[0]))


def maximum(xs: Sequence[ArrayLike]) -> Array:
    """The elementwise maximum; see `add` for the arguments.

    Where several are equal the gradient goes to the first of them, as in TF.js (``jnp.maximum`` shares it out).

    >>> maximum([jnp.array([[1.0, 5.0]]), jnp.array([[2.0, 1.0]])]).tolist()
    [[2.0, 5.0]]
    """
    return functools.reduce(lambda a, b: jnp.where((b > a) | jnp.isnan(b), b, a), _promoted("maximum", xs))


def minimum(xs: Sequence[ArrayLike]) -> Array:
    """The elementwise minimum; see `add` for the arguments and `maximum` for the gradient.

    >>> minimum([jnp.array([[1.0, 5.0]]), jnp.array([[2.0, 1.0]])]).tolist()
    [[1.0, 1.0]]
    """
    return functools.reduce(lambda a, b: jnp.where((b < a) | jnp.isnan(b), b, a), _promoted("minimum", xs))


def concatenate(xs: Sequence[ArrayLike], axis: int = -1) -> Array:
    """The arrays one behind the other along an axis.

    Args:
        xs: Two arrays or more, of equal shapes but for the axis.
        axis: The axis to join them along.

    Raises:
        ValueError: If there are fewer than two, or their shapes do not fit.

    >>> concatenate([jnp.ones((2, 3)), jnp.ones((2, 4))]).shape
    (2, 7)
    """
    arrays = _several("concatenate", xs)
    ndim = arrays[0].ndim
    others = [x.shape[: axis % ndim] + x.shape[axis % ndim + 1 :] for x in arrays if -ndim <= axis < ndim]
    if {x.ndim for x in arrays} != {ndim} or len(set(others)) != 1:
        raise ValueError(
            f"concatenate: expected arrays of equal shapes but for axis {axis}; "
            f"received {', '.join(str(x.shape) for x in arrays)}."
        )
    return jnp.concatenate(arrays, axis)


def dot(x: ArrayLike, y: ArrayLike, axes: int | Sequence[int] = -1, normalize: bool = False) -> Array:
    """The inner product of each example of ``x`` with the same example of ``y``.

    Formula: the sum over the axis of ``x`` and the axis of ``y`` of their products. With ``normalize`` both are
    divided by their norms along these axes first, each at least ``sqrt(1e-7)``, which makes it the cosine of an angle.

    Args:
        x: ``[batch, ..., n, ...]``.
        y: ``[batch, ..., n, ...]``.
        axes: The axis to sum over, or the axis of ``x`` and the axis of ``y``; not the batch.
        normalize: Whether to divide by the norms.

    Returns:
        ``[batch, <other axes of x>, <other axes of y>]``, or ``[batch, 1]`` if there are none.

    Raises:
        ValueError: If the batches or the lengths of the axes differ, or an axis is the batch or missing.

    >>> dot(jnp.ones((2, 3)), jnp.ones((2, 4, 3)), axes=(1, 2)).shape
    (2, 4)
    """
    x, y = jnp.asarray(x), jnp.asarray(y)
    pair = (axes, axes) if isinstance(axes, int) else tuple(axes)
    there = x.ndim and y.ndim and all(-a.ndim <= axis < a.ndim for a, axis in zip((x, y), pair, strict=True))
    of_x, of_y = (pair[0] % x.ndim, pair[1] % y.ndim) if there else (0, 0)
    if of_x == 0 or of_y == 0 or x.shape[of_x] != y.shape[of_y] or x.shape[0] != y.shape[0]:
        raise ValueError(
            "dot: expected two arrays with the same batch and axes of one length, none of which is the batch; "
            f"received shapes {x.shape} and {y.shape}, axes {axes}."
        )
    if normalize:
        x, y = _unit_vectors(x, of_x), _unit_vectors(y, of_y)
    dtype = jnp.result_type(x, y)
    products = jax.lax.dot_general(x.astype(dtype), y.astype(dtype), (((of_x,), (of_y,)), ((0,), (0,))))
    return products[:, None] if products.ndim == 1 else products


def _unit_vectors(x: Array, axis: int) -> Array:
    norms = jnp.sqrt(jnp.maximum(jnp.sum(jnp.square(wide(x)), axis, keepdims=True), 1e-7))
    return (wide(x) / norms).astype(floating_dtype(x))


def _several(name: str, xs: Sequence[ArrayLike]) -> list[Array]:
    if len(xs) < 2:
        raise ValueError(f"{name}: expected a list of at least two arrays; received {len(xs)}.")
    return [jnp.asarray(x) for x in xs]


def _aligned(name: str, xs: Sequence[ArrayLike]) -> list[Array]:
    """The arrays with as many dimensions as the one that has the most."""
    arrays = _several(name, xs)
    ndim = max(x.ndim for x in arrays)
    aligned = [x.reshape(x.shape[:1] + (1,) * (ndim - x.ndim) + x.shape[1:]) for x in arrays]
    try:
        jnp.broadcast_shapes(*(x.shape for x in aligned))
        fits = len({x.shape[:1] for x in arrays}) == 1
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name}: expected arrays with the same batch (the first axis) that broadcast otherwise; "
            f"received shapes {', '.join(str(x.shape) for x in arrays)}."
        )
    return aligned


def _promoted(name: str, xs: Sequence[ArrayLike]) -> list[Array]:
    arrays = _aligned(name, xs)
    dtype = jnp.result_type(*arrays)
    return [x.astype(dtype) for x in arrays]
