"""Rows of the basic layers and of the activations."""

from __future__ import annotations

import jtf
from tests.layers.catalogue.row import Row

REGULARIZED = {
    "kernel_regularizer": {"className": "L1L2", "config": {"l1": 0.01, "l2": 0.02}},
    "bias_regularizer": "l1_l2",
    "kernel_constraint": {"className": "MaxNorm", "config": {"maxValue": 1.5, "axis": 0}},
    "bias_constraint": "nonNeg",
}

ROWS = [
    Row("input", "input_layer", {"input_shape": [3]}, (3,)),
    Row("dense", "dense", {"units": 4}, (3,), ("kernel", "bias"), ((None, 3),)),
    Row("dense-no-bias", "dense", {"units": 2, "use_bias": False, "activation": "tanh"}, (3,), ("kernel",)),
    Row("dense-sequence", "dense", {"units": 2, "activation": "softmax"}, (4, 3), ("kernel", "bias"), ((None, 3),)),
    Row("dense-regularized", "dense", {"units": 3, **REGULARIZED}, (2,), ("kernel", "bias")),
    Row("dense-activity", "dense", {"units": 3, "activity_regularizer": "l1_l2"}, (2,), ("kernel", "bias")),
    Row(
        "dense-initializers",
        "dense",
        {
            "units": 3,
            "kernel_initializer": {"className": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.5, "seed": 3}},
            "bias_initializer": {"className": "Constant", "config": {"value": 0.5}},
            "trainable": False,
            "name": "mine",
        },
        (2,),
        ("kernel", "bias"),
    ),
    Row("activation", "activation", {"activation": "hardSigmoid"}, (3,), (), ((None, 2),)),
    Row("activation-function", "activation", {"activation": jtf.functional.gelu}, (2, 2)),
    Row("dropout", "dropout", {"rate": 0.4}, (6,), (), ((None, 3),), random=True),
    Row("dropout-noise", "dropout", {"rate": 0.4, "noise_shape": [None, 1, 5], "seed": 2}, (3, 5), random=True),
    Row("dropout-none", "dropout", {"rate": 0}, (6,)),
    Row("flatten", "flatten", {}, (2, 3)),
    Row("flatten-channels-first", "flatten", {"data_format": "channelsFirst"}, (3, 2, 2)),
    Row("reshape", "reshape", {"target_shape": [3, 2]}, (6,)),
    Row("reshape-open", "reshape", {"target_shape": (-1, 2)}, (3, 4)),
    Row("reshape-vector", "reshape", {"target_shape": [None]}, (2, 2, 2)),
    Row("repeat-vector", "repeat_vector", {"n": 3}, (2,)),
    Row("permute", "permute", {"dims": [2, 1]}, (2, 3), (), ((None, 3),)),
    Row("permute-3", "permute", {"dims": (3, 1, 2)}, (2, 3, 4)),
    Row("relu", "relu", {}, (3,)),
    Row("relu-max", "relu", {"max_value": 1}, (2, 3)),
    Row("leaky-relu", "leaky_relu", {"alpha": 0.1}, (3,), (), ((None, 2),)),
    Row("prelu", "prelu", {"alpha_initializer": {"className": "Constant", "config": {"value": 0.3}}}, (3,), ("alpha",)),
    Row(
        "prelu-shared",
        "prelu",
        {
            "shared_axes": [1],
            "alpha_initializer": {"className": "Constant", "config": {"value": 0.3}},
            "alpha_regularizer": "l1_l2",
            "alpha_constraint": "nonNeg",
        },
        (4, 3),
        ("alpha",),
        ((None, 3),),
    ),
    Row("elu", "elu", {"alpha": 0.7}, (3,)),
    Row("thresholded-relu", "thresholded_relu", {"theta": 0.05}, (3,)),
    Row("softmax", "softmax", {}, (4,)),
    Row("softmax-axes", "softmax", {"axis": [1, 2]}, (2, 3), (), ((None, None),)),
    Row("softmax-last", "softmax", {"axis": -1}, (2, 3)),
]
