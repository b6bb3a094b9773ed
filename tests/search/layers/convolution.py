"""Convolutions: plain, transposed, depthwise and separable."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.search.case import Arrays, Case
from tests.search.draw import Draw
from tests.search.layers import keras_oracle, numpy_oracle
from tests.search.layers.options import activation, data_format, penalties_and_constraints


def conv(draw: Draw) -> Case:
    rank = draw.one(1, 1, 2, 2, 3)
    options, shape = window(draw, rank, "kernel_size")
    groups = draw.one(1, 1, 1, 2, 3)
    options |= {"filters": groups * draw.whole(1, 2)} | ({"groups": groups} if groups > 1 else {})
    if rank == 1 and options["data_format"] == "channelsLast" and draw.chance(0.4):
        options["padding"] = "causal"
    options |= finish(draw, rank, "kernel", "bias")
    return of_both(draw, f"conv{rank}d", options, shape(groups * draw.whole(1, 2)))


def depthwise(draw: Draw) -> Case:
    options, shape = window(draw, 2, "kernel_size")
    options |= {"depth_multiplier": draw.whole(1, 3)} | finish(draw, 2, "depthwise", "bias")
    return of_both(draw, "depthwise_conv2d", options, shape(draw.whole(1, 3)))


def separable(draw: Draw) -> Case:
    options, shape = window(draw, 2, "kernel_size")
    options |= {"depth_multiplier": draw.whole(1, 2), "filters": draw.whole(1, 3)}
    options |= finish(draw, 2, "depthwise", "pointwise", "bias")
    return of_both(draw, "separable_conv2d", options, shape(draw.whole(1, 3)))


def transposed(draw: Draw) -> Case:
    rank = draw.one(2, 2, 3)
    chosen, shape = data_format(draw, rank)
    low, high = (1, 4) if rank == 2 else (1, 2)
    options = {
        "filters": draw.whole(1, 3),
        "kernel_size": draw.one(draw.whole(1, 3), draw.sizes(rank, 1, 4 if rank == 2 else 3)),
        "strides": draw.one(1, draw.whole(1, 3), draw.sizes(rank, 1, 3)),
        "padding": draw.one("valid", "same"),
        "data_format": chosen,
    }
    options["use_bias"] = draw.chance(0.8)
    shape = shape(draw.whole(1, 2), draw.sizes(rank, low, high), draw.whole(1, 3))
    sizes, strides = (per_axis(options[name], rank) for name in ("kernel_size", "strides"))
    if options["padding"] == "same" and any(k < s for k, s in zip(sizes, strides, strict=True)):
        # Keras on JAX shifts the output by what is not there to be padded; TF.js and TensorFlow do not.
        formula = functools.partial(transposed_by_definition, options)
        return numpy_oracle.case(draw, f"conv{rank}d_transpose", options, [draw.normal(*shape)], formula)
    options |= finish(draw, rank, "kernel", "bias")
    return keras_oracle.case(draw, f"conv{rank}d_transpose", options, shape)


def window(draw: Draw, rank: int, size: str) -> tuple[dict[str, Any], Any]:
    """The options of a window that slides, and a function that makes the shape of an input for it."""
    chosen, shape = data_format(draw, rank)
    most = 3 if rank < 3 else 2
    sizes = draw.one(draw.whole(1, most), draw.sizes(rank, 1, most))
    strides = draw.one(1, 1, draw.whole(1, 3), draw.sizes(rank, 1, 3))
    dilation = draw.one(1, 1, draw.whole(1, 3), draw.sizes(rank, 1, 2))
    padding = draw.one("valid", "same")
    reach = [(k - 1) * d + 1 for k, d in zip(per_axis(sizes, rank), per_axis(dilation, rank), strict=True)]
    space = [(n if padding == "valid" else 1) + draw.whole(0, 4 if rank < 3 else 2) for n in reach]
    options = {size: sizes, "strides": strides, "padding": padding, "data_format": chosen, "dilation_rate": dilation}
    return options, lambda channels: shape(draw.whole(1, 2), space, channels)


def finish(draw: Draw, rank: int, *weights: str) -> dict[str, Any]:
    return {
        "use_bias": draw.chance(0.8),
        **activation(draw),
        **penalties_and_constraints(draw, *weights, ndim=rank + 2),
    }


def of_both(draw: Draw, factory: str, options: dict[str, Any], shape: list[int]) -> Case:
    """In Keras, or in numpy: strides and dilation that are both more than 1 Keras refuses."""
    rank = len(shape) - 2
    sizes, strides, dilation = (per_axis(options[name], rank) for name in ("kernel_size", "strides", "dilation_rate"))
    if (max(strides) == 1 or max(dilation) == 1) and not is_centred(sizes, strides, options["padding"]):
        return keras_oracle.case(draw, factory, options, shape)
    others = ("activation", "regularizer", "constraint")
    plain = {name: value for name, value in options.items() if not name.endswith(others)}
    formula = functools.partial(by_definition, factory, plain)
    return numpy_oracle.case(draw, factory, plain, [draw.normal(*shape)], formula)


def by_definition(factory: str, options: dict[str, Any], weights: Arrays, inputs: Arrays) -> np.ndarray:
    """The sums that define the layers, in numpy."""
    (x,), (kernel, *others), rank = inputs, weights, inputs[0].ndim - 2
    x = x if options["data_format"] == "channelsLast" else np.moveaxis(x, 1, -1)
    patches = windows_of(x, kernel.shape[:rank], options)  # [batch, *positions, *window, channels]
    taps = patches.reshape(*patches.shape[: rank + 1], -1, x.shape[-1])
    kernel = kernel.reshape(-1, *kernel.shape[rank:])
    if factory.startswith("conv"):
        groups = options.get("groups", 1)
        parts = zip(np.split(taps, groups, -1), np.split(kernel, groups, -1), strict=True)
        y = np.concatenate([np.einsum("...kc,kco->...o", part, k) for part, k in parts], -1)
    else:
        y = np.einsum("...kc,kcm->...cm", taps, kernel)
        y = y.reshape(*y.shape[:-2], -1)
    if factory.startswith("separable"):
        pointwise, *others = others
        y = y @ pointwise.reshape(pointwise.shape[-2:])
    y = y + others[0] if others else y
    return y if options["data_format"] == "channelsLast" else np.moveaxis(y, -1, 1)


def transposed_by_definition(options: dict[str, Any], weights: Arrays, inputs: Arrays) -> np.ndarray:
    """Every number of the input paints a copy of the kernel; what stands out of the output is cut off."""
    (x,), (kernel, *bias), rank = inputs, weights, inputs[0].ndim - 2
    x = x if options["data_format"] == "channelsLast" else np.moveaxis(x, 1, -1)
    strides = per_axis(options["strides"], rank)
    sizes, space = kernel.shape[:rank], x.shape[1:-1]
    whole = [(n - 1) * s + max(k, s) for n, s, k in zip(space, strides, sizes, strict=True)]
    cut = [0] * rank
    if options["padding"] == "same":
        missing = [k - s for k, s in zip(sizes, strides, strict=True)]
        cut = [m // 2 if is_centred(sizes, strides, "same") else max(m, 0) // 2 for m in missing]
    margin = [max(-c, 0) for c in cut]
    canvas = np.zeros((x.shape[0], *(n + m for n, m in zip(whole, margin, strict=True)), kernel.shape[rank]))
    for position in np.ndindex(*space):
        copies = np.einsum("bc,...oc->b...o", x[(slice(None), *position)], kernel)
        corner = [i * s + m for i, s, m in zip(position, strides, margin, strict=True)]
        canvas[(slice(None), *(slice(c, c + k) for c, k in zip(corner, sizes, strict=True)))] += copies
    if options["padding"] == "same":
        begin = [c + m for c, m in zip(cut, margin, strict=True)]
        kept = [slice(b, b + n * s) for b, n, s in zip(begin, space, strides, strict=True)]
        canvas = canvas[(slice(None), *kept)]
    y = canvas + bias[0] if bias else canvas
    return y if options["data_format"] == "channelsLast" else np.moveaxis(y, -1, 1)


def is_centred(sizes: Sequence[int], strides: Sequence[int], padding: str) -> bool:
    """Whether a window is shorter than its stride in three dimensions, and so centred in TF.js; not so in Keras."""
    return len(sizes) == 3 and padding == "same" and any(k < s for k, s in zip(sizes, strides, strict=True))


def windows_of(x: np.ndarray, sizes: Sequence[int], options: dict[str, Any], fill: float = 0.0) -> np.ndarray:
    """What the window sees at each position: ``[batch, *positions, *window, channels]``."""
    rank = len(sizes)
    strides, dilation = (per_axis(options.get(name, 1), rank) for name in ("strides", "dilation_rate"))
    for axis, (size, stride, gap) in enumerate(zip(sizes, strides, dilation, strict=True), start=1):
        n, reach = x.shape[axis], (size - 1) * gap + 1
        before = after = 0
        if options["padding"] == "same":
            pad = (-(-n // stride) - 1) * stride + reach - n
            pad = pad if is_centred(sizes, per_axis(options["strides"], rank), "same") else max(pad, 0)
            before, after = pad // 2, pad - pad // 2
        elif options["padding"] == "causal":
            before = reach - 1
        x = x[(slice(None),) * axis + (slice(max(-before, 0), n - max(-after, 0)),)]
        around = [(max(before, 0), max(after, 0)) if a == axis else (0, 0) for a in range(x.ndim)]
        x = np.pad(x, around, constant_values=fill)
        starts = np.arange((x.shape[axis] - reach) // stride + 1) * stride
        x = np.take(x, starts[:, None] + np.arange(size) * gap, axis=axis)
        x = np.moveaxis(x, axis + 1, -2)
    return x


def per_axis(value: Any, rank: int) -> list[int]:
    return value if isinstance(value, list) else [value] * rank
