"""Layers that move numbers, cut, pad, enlarge and encode."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import keras_oracle, numpy_oracle
from tests.search.layers.options import data_format


def moving(draw: Draw) -> Case:
    space = draw.sizes(draw.whole(1, 3), 1, 3)
    shape = [draw.whole(1, 3), *space, draw.whole(1, 3)]
    kind = draw.one("flatten", "reshape", "permute", "repeat_vector")
    if kind == "flatten":
        return keras_oracle.case(draw, kind, {"data_format": draw.one("channelsLast", "channelsFirst")}, shape)
    if kind == "permute":
        return keras_oracle.case(draw, kind, {"dims": [1 + i for i in draw.order(len(shape) - 1)]}, shape)
    if kind == "repeat_vector":
        n = draw.whole(1, 4)
        x = draw.normal(shape[0], shape[-1])
        return numpy_oracle.case(draw, kind, {"n": n}, [x], lambda _, x: np.stack([x[0]] * n, 1))
    target = [shape[1 + i] for i in draw.order(len(shape) - 1)]
    if draw.chance():
        target = [math.prod(target[:2]), *target[2:]]
    if draw.chance():
        target[draw.whole(0, len(target) - 1)] = -1
    return keras_oracle.case(draw, kind, {"target_shape": target}, shape)


def images(draw: Draw) -> Case:
    chosen, shape = data_format(draw, 2)
    kind = draw.one("zero_padding2d", "cropping2d", "nearest", "bilinear")
    batch, channels, space = draw.whole(1, 2), draw.whole(1, 3), draw.sizes(2, 1, 4)
    if kind in ("zero_padding2d", "cropping2d"):
        margins = draw.one(draw.whole(0, 2), draw.sizes(2, 0, 2), [draw.sizes(2, 0, 2), draw.sizes(2, 0, 2)])
        if kind == "cropping2d":
            space = [4 + n for n in space]
        option = "padding" if kind == "zero_padding2d" else "cropping"
        return keras_oracle.case(draw, kind, {option: margins, "data_format": chosen}, shape(batch, space, channels))
    size = draw.one(draw.whole(1, 3), draw.sizes(2, 1, 3))
    options = {"size": size, "interpolation": kind, "data_format": chosen}
    if kind == "nearest":
        return keras_oracle.case(draw, "up_sampling2d", options, shape(batch, space, channels))
    factors = size if isinstance(size, list) else [size, size]

    def formula(_: Any, inputs: Any) -> np.ndarray:  # Keras lets pixels be where their centres are, TF.js does not
        x = inputs[0] if chosen == "channelsLast" else np.moveaxis(inputs[0], 1, -1)
        y = resized(x, [n * f for n, f in zip(x.shape[1:3], factors, strict=True)], "bilinear", False)
        return y if chosen == "channelsLast" else np.moveaxis(y, -1, 1)

    return numpy_oracle.case(draw, "up_sampling2d", options, [draw.normal(*shape(batch, space, channels))], formula)


def preprocessing(draw: Draw) -> Case:
    return draw.one(_rescaling, _resizing, _resizing, _center_crop, _category_encoding, _category_encoding)(draw)


def _rescaling(draw: Draw) -> Case:
    options = {"scale": draw.number(-3, 3), "offset": draw.number(-3, 3)}
    x = draw.one(draw.normal, lambda *shape: draw.integers(256, *shape))(*draw.sizes(draw.whole(1, 4), 1, 4))
    return numpy_oracle.case(draw, "rescaling", options, [x], lambda _, x: x[0] * options["scale"] + options["offset"])


def _resizing(draw: Draw) -> Case:
    height, width = draw.sizes(2, 1, 7)
    options = {
        "height": height,
        "width": width,
        "interpolation": draw.one("bilinear", "nearest"),
        "crop_to_aspect_ratio": draw.chance(),
    }
    x = draw.normal(*draw.one([2], []), *draw.sizes(2, 1, 6), draw.whole(1, 2))
    aligned = not options["crop_to_aspect_ratio"]
    return numpy_oracle.case(
        draw,
        "resizing",
        options,
        [x],
        lambda _, x: resized(x[0], [height, width], options["interpolation"], aligned),
    )


def _center_crop(draw: Draw) -> Case:
    x = draw.normal(*draw.one([2], []), *draw.sizes(2, 1, 6), draw.whole(1, 2))
    height, width = draw.sizes(2, 1, 6)

    def formula(_: Any, inputs: Any) -> np.ndarray:
        x = inputs[0]
        rows, columns = x.shape[-3] - height, x.shape[-2] - width
        if min(rows, columns) < 0:
            return resized(x, [height, width], "bilinear", False)
        top, left = rows // 2, 1 if columns == 1 else columns // 2  # TF.js takes the right one of two columns
        return x[..., top : top + height, left : left + width, :]

    return numpy_oracle.case(draw, "center_crop", {"height": height, "width": width}, [x], formula)


def _category_encoding(draw: Draw) -> Case:
    tokens, mode = draw.whole(1, 5), draw.one("oneHot", "multiHot", "count")
    ids = draw.integers(tokens, *draw.sizes(draw.whole(1, 3), 1, 4))
    weighted = mode == "count" and draw.chance()
    inputs = [ids, draw.normal(*ids.shape)] if weighted else [ids]

    def formula(_: Any, inputs: Any) -> np.ndarray:
        hot = np.eye(tokens)[inputs[0]]
        if mode == "oneHot":
            return hot[..., 0, :] if ids.shape[-1] == 1 else hot
        if mode == "multiHot":
            return (hot.sum(-2) > 0).astype(float)
        return (hot * inputs[1][..., None] if weighted else hot).sum(-2)

    return numpy_oracle.case(draw, "category_encoding", {"num_tokens": tokens, "output_mode": mode}, inputs, formula)


def resized(x: np.ndarray, size: list[int], interpolation: str, align_corners: bool) -> np.ndarray:
    """TF.js's resizing: by matrices, one for each axis."""
    for axis, new in zip((-3, -2), size, strict=True):
        old = x.shape[axis]
        matrix = np.zeros((new, old))
        for i in range(new):
            position = i * (old - 1) / (new - 1) if align_corners and new > 1 else i * old / new
            if interpolation == "nearest":
                matrix[i, min(math.floor(position + 0.5) if align_corners else math.floor(position), old - 1)] = 1
            else:
                low, high = math.floor(position), min(math.ceil(position), old - 1)
                matrix[i, low] += 1 - (position - low)
                matrix[i, high] += position - low
        x = np.moveaxis(np.tensordot(matrix, x, (1, x.ndim + axis)), 0, axis)
    return x
