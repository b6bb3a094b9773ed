"""A formula in numpy as the other computation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import jtf
from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import ours


def case(
    draw: Draw,
    factory: str,
    options: Mapping[str, Any],
    inputs: list[np.ndarray],
    formula: Callable[[Sequence[np.ndarray], Sequence[np.ndarray]], Any],
    call: Mapping[str, Any] | None = None,
    takes_list: bool = False,
    **more: Any,
) -> Case:
    """A layer of jtf, and a formula ``(weights, inputs) -> output``."""
    call = dict(call or {})
    shapes = [x.shape for x in inputs]
    layer = ours.built(getattr(jtf.layers, factory)(**options), shapes[0] if len(shapes) == 1 else shapes)

    def theirs(weights: Sequence[np.ndarray], inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        outputs = formula(weights, inputs)
        return [*(outputs if isinstance(outputs, list) else [outputs]), np.zeros(())]  # no penalties

    return Case(
        ours.text(factory, options, inputs, **call),
        ours.weights_for(draw, layer),
        inputs,
        ours.computation(layer, takes_list=takes_list, **call),
        theirs,
        **more,
    )
