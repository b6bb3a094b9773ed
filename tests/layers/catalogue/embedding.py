"""Rows of the embedding layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

WEIGHT = ("embeddings",)

ROWS: list[Row] = [
    Row(
        "embedding", "embedding", {"input_dim": 5, "output_dim": 3}, (4,), WEIGHT, ((None,),), integers=5, own_mask=True
    ),
    Row(
        "embedding-options",
        "embedding",
        {
            "input_dim": 6,
            "output_dim": 2,
            "embeddings_initializer": {"className": "RandomNormal", "config": {"mean": 0.0, "stddev": 1.0, "seed": 3}},
            "embeddings_regularizer": "l1_l2",
            "activity_regularizer": "l1_l2",
            "embeddings_constraint": {"className": "MaxNorm", "config": {"maxValue": 1.5, "axis": 0}},
            "mask_zero": True,
            "input_length": [2, 3],
        },
        (2, 3),
        WEIGHT,
        integers=6,
        own_mask=True,
    ),
    Row("position-embedding", "position_embedding", {"sequence_length": 5}, (4, 3), WEIGHT),
    Row(
        "position-embedding-4d",
        "position_embedding",
        {"sequence_length": 2, "initializer": "ones"},
        (3, 2, 2),
        WEIGHT,
        ((None, 2, 2),),
    ),
    Row("masking", "masking", {}, (3, 2), (), ((None, 2),), own_mask=True),
    Row("masking-value", "masking", {"mask_value": 1}, (3, 2), own_mask=True),
]
