"""One row a layer configuration: the general properties in test_catalogue.py run over all of them.

A new layer is a new row, in the file of its family.
"""

from __future__ import annotations

from tests.layers.catalogue import (
    attention,
    convolution,
    core,
    embedding,
    merge,
    noise,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    wrappers,
)
from tests.layers.catalogue.row import Row as Row

FAMILIES = (
    core,
    convolution,
    pooling,
    merge,
    normalization,
    noise,
    embedding,
    recurrent,
    wrappers,
    attention,
    preprocessing,
)
ROWS: list[Row] = [row for family in FAMILIES for row in family.ROWS]
