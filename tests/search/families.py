"""All families, with the number of configurations that the tests draw."""

from __future__ import annotations

from collections.abc import Callable

from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import (
    attention,
    convolution,
    elementwise,
    masked,
    merging,
    normalization,
    pooling,
    recurrent,
    reshaping,
)

FAMILIES: dict[str, tuple[Callable[[Draw], Case], int]] = {
    "conv": (convolution.conv, 200),
    "depthwise": (convolution.depthwise, 75),
    "separable": (convolution.separable, 75),
    "transposed": (convolution.transposed, 100),
    "pooling": (pooling.pooling, 175),
    "global_pooling": (pooling.everywhere, 50),
    "recurrent": (recurrent.recurrent, 250),
    "stacked": (recurrent.stacked, 75),
    "bidirectional": (recurrent.bidirectional, 75),
    "conv_lstm": (recurrent.conv_lstm, 50),
    "masked": (masked.masked, 100),
    "time_distributed": (masked.time_distributed, 50),
    "dense": (elementwise.dense, 75),
    "activation": (elementwise.activations, 75),
    "advanced_activation": (elementwise.advanced, 100),
    "batch_normalization": (normalization.batch, 75),
    "layer_normalization": (normalization.layer, 50),
    "attention": (attention.attention, 100),
    "entry": (attention.entry, 50),
    "merging": (merging.elementwise, 50),
    "concatenate": (merging.concatenate, 25),
    "dot": (merging.dot, 50),
    "einsum": (merging.einsum, 50),
    "moving": (reshaping.moving, 50),
    "images": (reshaping.images, 50),
    "preprocessing": (reshaping.preprocessing, 75),
}


def drawn(family: str, first: int, last: int) -> list[tuple[str, int, Case]]:
    """The configurations of a family with these numbers, ``last`` excluded."""
    draw = FAMILIES[family][0]
    return [(family, number, draw(Draw(family, number))) for number in range(first, last)]
