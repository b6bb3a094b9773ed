"""The largest or the mean number in windows over one, two or three axes of space."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, lax

from jtf.functional.operands import floating_dtype, wide
from jtf.functional.windows import Sizes, Windows, windows_over
from jtf.types import Array, ArrayLike

#: Longer windows are left to XLA, since each element becomes an operation of the program.
_LONGEST_FOLDED = 16
#: Windows of more elements are gone through axis by axis.
_MOST_AT_ONCE = 8


def max_pool(
    x: ArrayLike,
    window: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str = "channelsLast",
) -> Array:
    """The largest number in each window. Among equals the first in the window gets the whole gradient.

    Args:
        x: Input, ``[batch, *space, channels]``, or ``[batch, channels, *space]`` with channels first.
        window: The window's size.
        strides: From one window to the next; None for the window's size.
        padding: ``"valid"``: windows inside only. ``"same"``: ``⌈n / stride⌉`` windows, which may stand out.
        data_format: ``"channelsLast"`` or ``"channelsFirst"``.

    Returns:
        An array of shape ``[batch, *positions, channels]``, or with channels first, of the dtype of ``x``.

    Raises:
        ValueError: If ``x`` has not 3 to 5 dimensions, the window does not fit into it, or an option is none.

    References:
        TF.js: tfjs-backend-cpu/src/utils/pool_utils.ts

    >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).ravel().tolist()
    [3.0, 2.0]
    """
    x, windows = _over("max_pool", x, window, strides, padding, data_format)
    lowest = -jnp.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min
    x = windows.padded(x, lowest)
    if max(windows.sizes) > _LONGEST_FOLDED:
        return _reduce_window(lax.max, lowest, x, windows)
    return _fold(_larger, x, windows)


def avg_pool(
    x: ArrayLike,
    window: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str = "channelsLast",
) -> Array:
    """The mean of each window; of what stands out under ``"same"`` nothing is counted.

    Args:
        x, window, strides, padding, data_format: As in `max_pool`.

    Returns:
        An array of shape ``[batch, *positions, channels]``, or with channels first; integers become float32.

    Raises:
        ValueError: If ``x`` has not 3 to 5 dimensions, the window does not fit into it, or an option is none.

    References:
        TF.js: tfjs-backend-cpu/src/utils/pool_utils.ts

    >>> avg_pool([[[1.0], [3.0], [2.0]]], 2, padding="same").ravel().tolist()
    [2.0, 2.0]
    """
    x, windows = _over("avg_pool", x, window, strides, padding, data_format)
    dtype, x = floating_dtype(x), wide(x)
    counts = [
        _covered(x.shape[axis], each).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        for axis, each in zip(windows.axes, windows.by_axis(), strict=True)
    ]
    count = jnp.asarray(functools.reduce(operator.mul, counts), x.dtype)
    x = windows.padded(x, 0)
    if max(windows.sizes) > _LONGEST_FOLDED:
        total = _reduce_window(lax.add, 0, x, windows)
    else:
        total = _fold(jnp.add, x, windows)
    return (total / count).astype(dtype)


def _over(
    name: str, x: ArrayLike, window: Sizes, strides: Sizes | None, padding: str, data_format: str
) -> tuple[Array, Windows]:
    x = jnp.asarray(x)
    if padding not in ("valid", "same"):
        raise ValueError(f"{name}: padding must be 'valid' or 'same'; received {padding!r}.")
    return x, windows_over(name, x.shape, window, window if strides is None else strides, padding, data_format)


@functools.partial(jax.jit, static_argnums=(0, 2))
def _fold(combine: Callable[[Array, Array], Array], x: Array, windows: Windows) -> Array:
    """Combine the elements of each window, in order.

    On the CPU this takes a fraction of the time of `lax.reduce_window`, whose gradient with respect to a maximum
    is a select-and-scatter.
    """
    if math.prod(windows.sizes) <= _MOST_AT_ONCE:
        return functools.reduce(combine, windows.elements(x))
    for along in reversed(windows.by_axis()):  # the last axis first, so that the first of equals stays the first
        x = functools.reduce(combine, along.elements(x))
    return x


def _reduce_window(combine: Callable[[Array, Array], Array], start: float, x: Array, windows: Windows) -> Array:
    sizes, strides = [1] * x.ndim, [1] * x.ndim
    for axis, size, stride in zip(windows.axes, windows.sizes, windows.strides, strict=True):
        sizes[axis], strides[axis] = size, stride
    return lax.reduce_window(x, np.asarray(start, x.dtype), combine, sizes, strides, "VALID")


def _larger(first: Array, second: Array) -> Array:
    """The larger number, the first of equals with all of the gradient; not a number if either is none."""
    return jnp.where((second > first) | (second != second), second, first)


def _covered(length: int, along: Windows) -> Any:
    """How many elements of an axis each of the windows along it covers."""
    ((before, behind),), (size,), (stride,) = along.pads, along.sizes, along.strides
    numbers = jnp if export.is_symbolic_dim(length) else np
    starts = stride * numbers.arange((length + before + behind - size) // stride + 1) - before
    return numbers.minimum(starts + size, length) - numbers.maximum(starts, 0)
