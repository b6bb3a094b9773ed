"""Windows that slide over one, two or three axes of space: what convolution and pooling share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from jtf.options import PositiveInt
from jtf.types import Array, Shape

#: A size for every axis of space, or one for all.
Sizes = Annotated[PositiveInt | Sequence[PositiveInt], "a positive integer or a list of one for each axis"]


class Windows(NamedTuple):
    """Where windows lie in an array; every entry but the first has one item for each axis of space.

    Attributes:
        axes: The axes of space.
        sizes: How many elements a window has.
        strides: From one window to the next.
        dilation: From one element of a window to the next.
        pads: What is put before and behind the axis; taken away where negative.
    """

    axes: tuple[int, ...]
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]

    def padded(self, x: Array, value: float) -> Array:
        """The array with ``value`` around it."""
        config = [(0, 0, 0)] * x.ndim
        for axis, (before, behind) in zip(self.axes, self.pads, strict=True):
            config[axis] = (before, behind, 0)
        return lax.pad(x, jnp.asarray(value, x.dtype), config) if any(map(any, config)) else x

    def elements(self, x: Array) -> Iterator[Array]:
        """The first elements of all windows, the second elements, and so on; ``x`` is padded already.

        Each is a strided slice: a fold over them needs no kernel of its own and has the gradient of a pad.
        """
        for element in np.ndindex(*self.sizes):
            starts, stops, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
            for axis, index, k, s, d in zip(self.axes, element, self.sizes, self.strides, self.dilation, strict=True):
                last = x.shape[axis] - (k - 1 - index) * d
                starts[axis], stops[axis], steps[axis] = index * d, last, s
            yield lax.slice(x, starts, stops, steps)

    def by_axis(self) -> list[Windows]:
        """The same for each axis alone."""
        return [Windows((a,), (k,), (s,), (d,), (p,)) for a, k, s, d, p in zip(*self, strict=True)]


def windows_over(
    name: str,
    shape: Sequence[int],
    sizes: Sizes,
    strides: Sizes,
    padding: str,
    data_format: str,
    dilation: Sizes = 1,
) -> Windows:
    """The windows over an array of this shape.

    Args:
        name: Of the function that asks, for messages.
        shape: ``[batch, *space, channels]`` or ``[batch, channels, *space]``.
        sizes, strides, padding, data_format, dilation: As in `jtf.functional.conv`.

    Raises:
        ValueError: If there are not one to three axes of space, a window does not fit, or an option is none.

    >>> windows_over("conv", (1, 7, 6, 3), 3, 2, "same", "channelsLast")
    Windows(axes=(1, 2), sizes=(3, 3), strides=(2, 2), dilation=(1, 1), pads=((1, 1), (0, 1)))
    """
    rank = len(shape) - 2
    axes = space_axes(name, rank, data_format)
    sizes, strides = per_axis(name, "window", sizes, rank), per_axis(name, "strides", strides, rank)
    dilation = per_axis(name, "dilation_rate", dilation, rank)
    lengths = [shape[axis] for axis in axes]
    positions(name, lengths, sizes, strides, padding, dilation)
    return Windows(axes, sizes, strides, dilation, pads(lengths, sizes, strides, padding, dilation))


def per_axis(name: str, option: str, value: Sizes, rank: int) -> tuple[int, ...]:
    """One positive integer for each of ``rank`` axes, out of as many or of one for all.

    Raises:
        ValueError: If ``value`` is neither; calls it ``option``.

    >>> per_axis("conv", "strides", 2, 3)
    (2, 2, 2)
    """
    sizes: tuple[Any, ...] = tuple(value) if isinstance(value, list | tuple | np.ndarray) else (value,) * rank
    integers = all(isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0 for size in sizes)
    if len(sizes) != rank or not integers:
        several = f" or a list of {rank}" if rank > 1 else ""
        raise ValueError(f"{name}: {option} must be a positive integer{several}; received {value!r}.")
    return tuple(int(size) for size in sizes)


def space_axes(name: str, rank: int, data_format: str) -> tuple[int, ...]:
    """The axes of space of an array with channels last or first.

    Raises:
        ValueError: If ``rank`` is not 1 to 3, or the format is neither.

    >>> space_axes("conv", 2, "channelsLast"), space_axes("conv", 2, "channelsFirst")
    ((1, 2), (2, 3))
    """
    folded = str(data_format).replace("_", "").lower()
    if folded not in ("channelslast", "channelsfirst"):
        raise ValueError(f"{name}: data_format must be 'channelsLast' or 'channelsFirst'; received {data_format!r}.")
    if not 1 <= rank <= 3:
        raise ValueError(
            f"{name}: expected a batch, one to three axes of space and channels; received {rank + 2} axes."
        )
    first = 1 if folded == "channelslast" else 2
    return tuple(range(first, first + rank))


def positions(
    name: str, lengths: Shape | Sequence[int | None], sizes: Sizes, strides: Sizes, padding: str, dilation: Sizes = 1
) -> tuple[int | None, ...]:
    """How many windows there are along each axis, None where its length is.

    Args:
        name: Of what asks, for messages.
        lengths: Of the axes of space.
        sizes, strides, padding, dilation: As in `jtf.functional.conv`.

    Raises:
        ValueError: If a window does not fit into its axis, or ``padding`` is unknown.

    >>> positions("conv", (7, None), (3, 3), (2, 2), "valid"), positions("conv", (7,), 3, 2, "same")
    ((3, None), (4,))
    """
    if padding not in ("valid", "same", "causal"):
        raise ValueError(f"{name}: padding must be 'valid', 'same' or 'causal'; received {padding!r}.")
    rank = len(lengths)
    sizes, strides = per_axis(name, "window", sizes, rank), per_axis(name, "strides", strides, rank)
    dilation = per_axis(name, "dilation_rate", dilation, rank)
    lost = [(k - 1) * d if padding == "valid" else 0 for k, d in zip(sizes, dilation, strict=True)]
    if any(n is not None and n <= missing for n, missing in zip(lengths, lost, strict=True)):
        dilated = f" dilated by {dilation}" if max(dilation) > 1 else ""
        raise ValueError(
            f"{name}: the window of {sizes}{dilated} does not fit into a space of {tuple(lengths)}. Take a smaller "
            "window, larger inputs, or padding='same'."
        )
    return tuple(
        None if n is None else -(-(n - missing) // s) for n, missing, s in zip(lengths, lost, strides, strict=True)
    )


def transposed_length(length: int, size: int, stride: int, padding: str) -> int:
    """The length that a transposed convolution makes of ``length`` positions.

    >>> transposed_length(3, 5, 2, "valid"), transposed_length(3, 5, 2, "same")
    (9, 6)
    """
    return length * stride + (max(size - stride, 0) if padding == "valid" else 0)


def pads(
    lengths: Sequence[int],
    sizes: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    """What is put before and behind each axis.

    ``"same"`` puts half of what is needed before, rounded down; ``"causal"`` puts all of it before.

    >>> pads([7, 6], [3, 3], [2, 2], "same", [1, 1])
    ((1, 1), (0, 1))
    """
    result = []
    for n, k, s, d in zip(lengths, sizes, strides, dilation, strict=True):
        reach = (k - 1) * d
        missing = (-(-n // s) - 1) * s + reach + 1 - n
        if len(lengths) < 3:
            # In three dimensions TF.js centres windows that are shorter than their stride: a negative pad.
            missing = max(missing, 0)
        around = {"valid": (0, 0), "same": (missing // 2, missing - missing // 2), "causal": (reach, 0)}
        result.append(around[padding])
    return tuple(result)
