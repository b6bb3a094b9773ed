"""Layers of several inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import keras_oracle, numpy_oracle

FUNCTIONS = {"add": np.add, "average": np.add, "maximum": np.maximum, "minimum": np.minimum, "multiply": np.multiply}


def elementwise(draw: Draw) -> Case:
    shape = draw.sizes(draw.whole(1, 3), 1, 4)
    batch = draw.whole(1, 3)
    # Any input may broadcast along any axis, or lack axes behind the batch.
    shapes = [
        [batch, *(size if draw.chance(0.8) else 1 for size in shape[draw.one(0, 0, draw.whole(0, len(shape) - 1)) :])]
        for _ in range(draw.whole(2, 4))
    ]
    kind = draw.one(*FUNCTIONS)

    def formula(_: Any, inputs: Any) -> np.ndarray:
        ndim = max(x.ndim for x in inputs)
        result, *others = (x.reshape(batch, *[1] * (ndim - x.ndim), *x.shape[1:]) for x in inputs)
        for other in others:
            result = FUNCTIONS[kind](result, other)
        return result / len(inputs) if kind == "average" else result

    return numpy_oracle.case(draw, kind, {}, [draw.normal(*s) for s in shapes], formula)


def concatenate(draw: Draw) -> Case:
    shape = [draw.whole(1, 3), *draw.sizes(draw.whole(1, 3), 1, 3)]
    axis = draw.one(-1, draw.whole(1, len(shape) - 1), -draw.whole(1, len(shape) - 1))
    shapes = []
    for _ in range(draw.whole(2, 4)):
        shapes.append(list(shape))
        shapes[-1][axis] = draw.whole(1, 3)
    return keras_oracle.case(draw, "concatenate", {"axis": axis}, *shapes)


def dot(draw: Draw) -> Case:
    batch, length = draw.whole(1, 3), draw.whole(1, 4)
    shapes, axes = [], []
    for _ in range(2):
        others = draw.sizes(draw.whole(0, 2), 1, 3)
        place = draw.whole(0, len(others))
        shapes.append([batch, *others[:place], length, *others[place:]])
        axes.append(draw.one(place + 1, place - len(others) - 1))
    options = {"axes": axes[0] if axes[0] == axes[1] and draw.chance() else axes, "normalize": draw.chance()}

    def formula(_: Any, inputs: Any) -> np.ndarray:
        a, b = inputs
        if options["normalize"]:  # TF.js's smallest square of a norm
            a, b = (
                x / np.sqrt(np.maximum((x**2).sum(axis, keepdims=True), 1e-7))
                for x, axis in zip((a, b), axes, strict=True)
            )
        of_a, of_b = (axis % x.ndim - 1 for axis, x in zip(axes, inputs, strict=True))
        products = np.stack([np.tensordot(x, y, (of_a, of_b)) for x, y in zip(a, b, strict=True)])
        return products[:, None] if products.ndim == 1 else products

    # Near 0 directions are ill-conditioned.
    inputs = [draw.positive(*shape) * draw.one(1, -1) for shape in shapes]
    return numpy_oracle.case(draw, "dot", options, [x.astype(np.float32) for x in inputs], formula)


def einsum(draw: Draw) -> Case:
    """Axes of the input that are kept, shared with the kernel or summed over, and new ones, in any order."""
    kept, summed, new = "abc"[: draw.whole(1, 3)], "mn"[: draw.whole(1, 2)], "xyz"[: draw.whole(0, 2)]
    before, behind = draw.one((False, False), (True, False), (False, True))
    # The batch comes first, unless it is in an ellipsis.
    batch, kept = ("", kept) if before else (kept[0], kept[1:])
    letters, outputs = batch + draw.shuffled(kept + summed), batch + draw.shuffled(kept + new)
    kernel = draw.shuffled(summed + "".join(letter for letter in kept if draw.chance(0.3)) + new)
    dots = ["..." * there for there in (before, behind)]
    equation = f"{dots[0]}{letters}{dots[1]},{kernel}->{dots[0]}{outputs}{dots[1]}"
    sizes = {letter: draw.whole(1, 3) for letter in "abcmnxyz"}
    elided = draw.sizes(draw.whole(1, 2), 1, 2) if before or behind else []
    shape = [sizes[letter] for letter in letters]
    shape = [*elided, *shape] if before else [*shape, *elided]
    named = outputs if before else outputs[1:]
    biased = "".join(draw.some(*named))
    options = {
        "equation": equation,
        "output_shape": [None if letter in letters and draw.chance() else sizes[letter] for letter in named],
        "bias_axes": biased or None,
    }

    def formula(weights: Any, inputs: Any) -> np.ndarray:
        y = np.einsum(equation, inputs[0], weights[0])
        return y + weights[1] if biased else y

    return numpy_oracle.case(draw, "einsum_dense", options, [draw.normal(*shape)], formula)
