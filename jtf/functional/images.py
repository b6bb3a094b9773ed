"""Resizing images, channels last."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from jtf.types import Array, ArrayLike


def resize_bilinear(
    images: ArrayLike, size: Sequence[int], align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """Images of another size, each pixel interpolated linearly between the four nearest.

    Formula: output pixel ``i`` of ``n`` along an axis of ``m`` lies at ``i · m / n`` of the input, with
    ``half_pixel_centers`` at ``(i + ½) · m / n - ½``, with ``align_corners`` at ``i · (m - 1) / (n - 1)``.

    Args:
        images: ``[batch, height, width, channels]``, or without the batch.
        size: The new ``(height, width)``.
        align_corners: Whether the centres of the corner pixels stay where they are.
        half_pixel_centers: Whether a pixel's position is that of its centre.

    Returns:
        The images, ``[batch, *size, channels]``; integers become float32.

    Raises:
        ValueError: If ``images`` has another number of dimensions, ``size`` is not two positive integers, or both
            options are given.

    References:
        TF.js: tfjs-backend-cpu/src/kernels/ResizeBilinear.ts

    >>> resize_bilinear(jnp.array([0.0, 4.0]).reshape(1, 1, 2, 1), (1, 4)).ravel().tolist()
    [0.0, 2.0, 4.0, 4.0]
    """
    images = _checked("resize_bilinear", images, size, align_corners, half_pixel_centers)
    if not jnp.issubdtype(images.dtype, jnp.floating):
        images = images.astype(jnp.float32)
    return _interpolated(images, tuple(size), align_corners, half_pixel_centers)


def resize_nearest_neighbor(
    images: ArrayLike, size: Sequence[int], align_corners: bool = False, half_pixel_centers: bool = False
) -> Array:
    """Images of another size, each pixel a copy of one of the input's.

    Formula: output pixel ``i`` of ``n`` along an axis of ``m`` is input pixel ``⌊i · m / n⌋``, with
    ``half_pixel_centers`` ``⌊(i + ½) · m / n⌋``, with ``align_corners`` ``⌊i · (m - 1) / (n - 1) + ½⌋``.

    Args:
        images: ``[batch, height, width, channels]``, or without the batch.
        size: The new ``(height, width)``.
        align_corners: Whether the centres of the corner pixels stay where they are.
        half_pixel_centers: Whether a pixel's position is that of its centre.

    Returns:
        The images, ``[batch, *size, channels]``, of the same dtype.

    Raises:
        ValueError: If ``images`` has another number of dimensions, ``size`` is not two positive integers, or both
            options are given.

    References:
        TF.js: tfjs-backend-cpu/src/kernels/ResizeNearestNeighbor.ts

    >>> resize_nearest_neighbor(jnp.array([0.0, 4.0]).reshape(1, 1, 2, 1), (1, 4)).ravel().tolist()
    [0.0, 0.0, 4.0, 4.0]
    """
    images = _checked("resize_nearest_neighbor", images, size, align_corners, half_pixel_centers)
    return _copied(images, tuple(size), align_corners, half_pixel_centers)


def _checked(name: str, images: ArrayLike, size: Sequence[int], align_corners: bool, half_pixel_centers: bool) -> Array:
    images = jnp.asarray(images)
    if images.ndim not in (3, 4):
        raise ValueError(f"{name}: expected images of shape [batch, h, w, channels]; received shape {images.shape}.")
    if any(export.is_symbolic_dim(length) for length in images.shape[-3:-1]):
        raise ValueError(
            f"{name}: images are resized from a known height and width; received shape {images.shape}. Only the batch "
            "may be symbolic when this is exported."
        )
    if len(size) != 2 or not all(isinstance(length, int | np.integer) and length > 0 for length in size):
        raise ValueError(f"{name}: size must be two positive integers, (height, width); received {size!r}.")
    if align_corners and half_pixel_centers:
        raise ValueError(f"{name}: expected align_corners or half_pixel_centers or neither; received both.")
    return images


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _interpolated(images: Array, size: tuple[int, int], align_corners: bool, half_pixel_centers: bool) -> Array:
    for axis, length in ((-2, size[1]), (-3, size[0])):  # the widths first, as TF.js does
        last = images.shape[axis] - 1
        position = np.clip(_positions(last + 1, length, align_corners, half_pixel_centers), 0, last)
        low, high = np.floor(position), np.ceil(position)
        fraction = jnp.asarray(position - low, images.dtype).reshape((-1,) + (1,) * (-axis - 1))
        below, above = _picked(images, low, axis), _picked(images, high, axis)
        images = below + (above - below) * jnp.broadcast_to(fraction, below.shape)
    return images


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _copied(images: Array, size: tuple[int, int], align_corners: bool, half_pixel_centers: bool) -> Array:
    for axis, length in ((-2, size[1]), (-3, size[0])):
        position = _positions(images.shape[axis], length, align_corners, half_pixel_centers)
        # With aligned corners to the nearest, half up; with half pixels the half has been taken off already.
        nearest = np.floor(position + 0.5 * (align_corners or half_pixel_centers))
        images = _picked(images, np.minimum(nearest, images.shape[axis] - 1), axis)
    return images


def _positions(old: int, new: int, align_corners: bool, half_pixel_centers: bool) -> np.ndarray:
    """Where the pixels of the new axis lie on the old one."""
    steps = np.arange(new, dtype=np.float64)
    if half_pixel_centers:
        return old / new * (steps + 0.5) - 0.5
    if align_corners and new > 1:
        return (old - 1) / (new - 1) * steps
    return old / new * steps


def _picked(images: Array, index: np.ndarray, axis: int) -> Array:
    """``images[index]`` along an axis."""
    length = images.shape[axis]
    if len(index) % length == 0:
        repeats = len(index) // length
        if np.array_equal(index, np.repeat(np.arange(length), repeats)):
            # Many times faster than a gather, whose gradient is a scatter.
            return jnp.repeat(images, repeats, axis=axis)
    return jnp.take(images, index.astype(np.int32), axis=axis)
