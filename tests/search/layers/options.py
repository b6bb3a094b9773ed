"""Options that many layers have."""

from __future__ import annotations

from typing import Any

from tests.search.draw import Draw

#: Those that jtf and Keras compute with one formula.
ACTIVATIONS = (
    "elu gelu gelu_new hard_sigmoid hard_sigmoid_relu6 linear mish relu relu6 selu sigmoid softplus softsign tanh"
).split()
DATA_FORMATS = ("channelsLast", "channelsFirst")


def activation(draw: Draw, *others: str) -> dict[str, Any]:
    return {"activation": draw.one(*ACTIVATIONS, *others)} if draw.chance() else {}


def penalties_and_constraints(draw: Draw, *weights: str, ndim: int = 2) -> dict[str, Any]:
    """Regularizers and constraints, by the names of the options, and a penalty on the output."""
    options: dict[str, Any] = {}
    for name in weights:
        if draw.chance(0.15):
            options[f"{name}_regularizer"] = _regularizer(draw)
        if draw.chance(0.15):
            axis = draw.whole(0, 0 if name in ("bias", "beta", "gamma") else ndim - 1)
            options[f"{name}_constraint"] = draw.one(
                ("MaxNorm", {"max_value": draw.number(0.3, 1.5), "axis": axis}),
                ("UnitNorm", {"axis": axis}),
                ("NonNeg", {}),
                (
                    "MinMaxNorm",
                    {
                        "min_value": draw.number(0.1, 0.5),
                        "max_value": draw.number(0.6, 1.5),
                        "rate": draw.number(0.2, 1.0),
                        "axis": axis,
                    },
                ),
            )
    if draw.chance(0.15):
        options["activity_regularizer"] = _regularizer(draw)
    return options


def _regularizer(draw: Draw) -> Any:
    return (
        "L1L2",
        {"l1": draw.one(0.0, draw.number(0.01, 0.3)), "l2": draw.one(0.0, draw.number(0.01, 0.3))},
    )


def data_format(draw: Draw, rank: int) -> tuple[str, Any]:
    """A data format, and a function that puts the channels of a shape where they belong."""
    chosen = draw.one(*DATA_FORMATS)

    def shape(batch: int, space: list[int], channels: int) -> list[int]:
        return [batch, *space, channels] if chosen == "channelsLast" else [batch, channels, *space]

    return chosen, shape
