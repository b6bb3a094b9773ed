"""Pooling in windows and over all of space."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import keras_oracle, numpy_oracle
from tests.search.layers.convolution import is_centred, per_axis, window, windows_of
from tests.search.layers.options import data_format


def pooling(draw: Draw) -> Case:
    rank, kind = draw.one(1, 2, 2, 3), draw.one("max", "average")
    options, shape = window(draw, rank, "pool_size")
    dilation = options.pop("dilation_rate")
    if draw.chance(0.3):
        options["strides"] = None
    if options["padding"] == "same" and dilation == 1 and draw.chance(0.3):
        options["pool_size"] = draw.sizes(rank, 1, 5)  # may be larger than the input
    sizes = per_axis(options["pool_size"], rank)
    strides = per_axis(options["strides"] or sizes, rank)
    if is_centred(sizes, strides, options["padding"]):

        def formula(_: Any, inputs: Any) -> np.ndarray:
            last = options["data_format"] == "channelsLast"
            x = inputs[0] if last else np.moveaxis(inputs[0], 1, -1)
            windows = windows_of(x, sizes, options, fill=np.nan)
            y = (np.nanmax if kind == "max" else np.nanmean)(windows, axis=(4, 5, 6))
            return y if last else np.moveaxis(y, -1, 1)

        return numpy_oracle.case(draw, f"{kind}_pooling3d", options, [draw.normal(*shape(2))], formula)
    return keras_oracle.case(draw, f"{kind}_pooling{rank}d", options, shape(draw.whole(1, 3)))


def everywhere(draw: Draw) -> Case:
    rank, kind = draw.one(1, 2), draw.one("max", "average")
    chosen, shape = data_format(draw, rank)
    options = {"data_format": chosen, "keepdims": draw.chance()}
    space = shape(draw.whole(1, 3), draw.sizes(rank, 1, 5), draw.whole(1, 3))
    return keras_oracle.case(draw, f"global_{kind}_pooling{rank}d", options, space)
