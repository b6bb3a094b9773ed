"""Rows of the normalization layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

MOVING = ("moving_mean", "moving_variance")
ALL = ("gamma", "beta", *MOVING)

REGULARIZED = {
    "beta_initializer": {"className": "Constant", "config": {"value": 0.3}},
    "gamma_initializer": "glorot_uniform",
    "beta_regularizer": {"className": "L1L2", "config": {"l1": 0.01, "l2": 0.02}},
    "gamma_regularizer": "l1_l2",
    "beta_constraint": "nonNeg",
    "gamma_constraint": {"className": "MaxNorm", "config": {"maxValue": 1.5, "axis": 0}},
}
# Means and variances of 1 would do as well as 0: every weight has to show.
MOVED = {
    "moving_mean_initializer": {"className": "Constant", "config": {"value": 0.2}},
    "moving_variance_initializer": {"className": "Constant", "config": {"value": 1.7}},
}

ROWS: list[Row] = [
    Row("batch-norm", "batch_normalization", MOVED, (3,), ALL, training_differs=True),
    Row(
        "batch-norm-images",
        "batch_normalization",
        {"momentum": 0.9, "epsilon": 1e-2, **MOVED},
        (2, 2, 3),
        ALL,
        ((None, None, 3),),
        training_differs=True,
    ),
    Row(
        "batch-norm-channels-first",
        "batch_normalization",
        {"axis": 1, "beta_initializer": "ones", "beta_constraint": "nonNeg", "gamma_regularizer": "l1_l2"},
        (3, 2, 2),
        ALL,
        ((3, None, None),),
        training_differs=True,
    ),
    Row(
        "batch-norm-no-scale", "batch_normalization", {"scale": False}, (4, 3), ("beta", *MOVING), training_differs=True
    ),
    Row(
        "batch-norm-plain",
        "batch_normalization",
        {"scale": False, "center": False, **MOVED},
        (2, 1, 1, 3),
        MOVING,
        training_differs=True,
    ),
    Row("layer-norm", "layer_normalization", REGULARIZED | {"gamma_initializer": "ones"}, (4,), ("gamma", "beta")),
    Row(
        "layer-norm-axes",
        "layer_normalization",
        {"axis": [-1, 1], "epsilon": 1e-5},
        (3, 2, 2),
        ("gamma", "beta"),
        ((3, None, 2),),
    ),
    Row("layer-norm-no-center", "layer_normalization", {"center": False}, (2, 3), ("gamma",), ((None, 3),)),
    Row("layer-norm-plain", "layer_normalization", {"scale": False, "center": False, "axis": 1}, (4, 2)),
]
