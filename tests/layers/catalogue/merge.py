"""Rows of the merge layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

PAIR = [(2, 3), (2, 3)]

ROWS: list[Row] = [
    Row("add", "add", {}, PAIR, (), ([(None, 3), (None, 3)],), own_mask=True),
    Row("add-three-ranks", "add", {}, [(2, 4, 3), (3,), (4, 3)], own_mask=True),
    Row("average", "average", {}, [(3,), (3,), (3,)], own_mask=True),
    Row("average-broadcast", "average", {}, [(2, 1), (1, 3)], own_mask=True),
    Row("maximum", "maximum", {}, PAIR, (), ([(None, 3), (None, 3)],), own_mask=True),
    Row("maximum-ranks", "maximum", {}, [(2, 3), (3,)], own_mask=True),
    Row("minimum", "minimum", {}, PAIR, own_mask=True),
    Row("multiply", "multiply", {}, [(2, 3), (2, 1), (3,)], (), ([(None, 3), (None, 1), (3,)],), own_mask=True),
    Row("concatenate", "concatenate", {}, [(2, 3), (2, 1)], (), ([(None, 3), (None, 1)],), own_mask=True),
    Row("concatenate-steps", "concatenate", {"axis": 1}, [(2, 3), (1, 3), (2, 3)], own_mask=True),
    Row("concatenate-negative", "concatenate", {"axis": -2}, [(2, 1, 2), (2, 2, 2)], own_mask=True),
    Row("dot", "dot", {"axes": 1}, [(3,), (3,)], own_mask=True),
    Row("dot-normalize", "dot", {"axes": -1, "normalize": True}, [(2, 3), (4, 3)], own_mask=True),
    Row("dot-axes", "dot", {"axes": [2, 1]}, [(2, 3), (3,)], (), ([(None, 3), (3,)],), own_mask=True),
    Row("dot-many", "dot", {"axes": (1, -1)}, [(3, 2, 2), (2, 3)], own_mask=True),
]
