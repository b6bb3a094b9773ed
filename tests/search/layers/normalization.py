"""Batch and layer normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import keras_oracle, numpy_oracle
from tests.search.layers.options import penalties_and_constraints


def batch(draw: Draw) -> Case:
    """While training twice, so that the statistics that the first call has moved are moved on."""
    shape = [draw.whole(2, 4), *draw.sizes(draw.whole(1, 4), 1, 3)]
    options = {
        "axis": draw.one(-1, draw.whole(1, len(shape) - 1)),
        "momentum": draw.number(0.0, 1.0),
        "epsilon": draw.one(1e-3, draw.number(0.01, 0.5)),
        "center": draw.chance(),
        "scale": draw.chance(),
    }
    if options["center"]:
        options |= penalties_and_constraints(draw, "beta")
    if options["scale"]:
        options |= penalties_and_constraints(draw, "gamma")
    options.pop("activity_regularizer", None)
    training = draw.chance(0.7)
    return keras_oracle.case(
        draw,
        "batch_normalization",
        options,
        shape,
        call={"training": training},
        batches=2 if training else 1,
        tolerance=3e-5,
    )


def layer(draw: Draw) -> Case:
    x = draw.normal(draw.whole(1, 3), *draw.sizes(draw.whole(1, 3), 2, 4))
    several = [axis for axis in draw.order(x.ndim) if axis and draw.chance()]
    axis = draw.one(-1, several or [x.ndim - 1])
    options = {
        "axis": axis,
        "epsilon": draw.one(1e-3, draw.number(0.01, 0.5)),
        "center": draw.chance(),
        "scale": draw.chance(),
    }
    over = axis if isinstance(axis, list) else [x.ndim - 1]

    def formula(weights: Any, inputs: Any) -> np.ndarray:
        x, learnt = inputs[0], list(weights)
        mean = x.mean(tuple(over), keepdims=True)
        variance = ((x - mean) ** 2).mean(tuple(over), keepdims=True)
        y = (x - mean) / np.sqrt(variance + options["epsilon"])
        for operation in [np.multiply] * options["scale"] + [np.add] * options["center"]:
            # As TF.js and Keras do: axes that are not in order change what the weights' shape says, not their order.
            y = operation(y, learnt.pop(0).reshape([x.shape[a] if a in over else 1 for a in range(x.ndim)]))
        return y

    return numpy_oracle.case(draw, "layer_normalization", options, [x], formula, tolerance=3e-5)
