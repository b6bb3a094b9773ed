"""Rows of the attention layers."""

from __future__ import annotations

from tests.layers.catalogue.row import Row

REGULARIZED = {
    "kernel_regularizer": {"className": "L1L2", "config": {"l1": 0.01, "l2": 0.02}},
    "bias_regularizer": "l1_l2",
    "activity_regularizer": "l1_l2",
    "kernel_constraint": {"className": "MaxNorm", "config": {"maxValue": 1.5, "axis": 0}},
    "bias_constraint": "nonNeg",
    "bias_initializer": {"className": "Constant", "config": {"value": 0.2}},
}
PROJECTIONS = ("query", "key", "value", "attentionOutput")
KERNELS = tuple(f"{name}/kernel" for name in PROJECTIONS)
KERNELS_AND_BIASES = tuple(f"{name}/{weight}" for name in PROJECTIONS for weight in ("kernel", "bias"))

ROWS: list[Row] = [
    Row("einsum-dense", "einsum_dense", {"equation": "ab,bc->ac", "output_shape": 4}, (3,), ("kernel",)),
    Row(
        "einsum-dense-sequence",
        "einsum_dense",
        {
            "equation": "abc,cde->abde",
            "output_shape": [None, 2, 2],
            "bias_axes": "d",
            "activation": "tanh",
            **REGULARIZED,
        },
        (2, 3),
        ("kernel", "bias"),
        ((None, 3),),
    ),
    Row(
        "einsum-dense-before",
        "einsum_dense",
        {"equation": "...x,xy->...y", "output_shape": 2, "bias_axes": "y"},
        (2, 2, 3),
        ("kernel", "bias"),
        ((None, None, 3), (3,)),
    ),
    Row(
        "einsum-dense-behind",
        "einsum_dense",
        {"equation": "ab...,bc->ac...", "output_shape": (2,), "bias_axes": "c", "kernel_initializer": "he_normal"},
        (3, 2, 2),
        ("kernel", "bias"),
        ((3, None, 2),),
    ),
    Row(
        "attention",
        "multi_head_attention",
        {"num_heads": 2, "key_dim": 2},
        [(3, 4), (2, 3)],
        KERNELS_AND_BIASES,
        ([(None, 4), (None, 3)],),
        own_mask=True,
    ),
    Row(
        "attention-key",
        "multi_head_attention",
        {"num_heads": 1, "key_dim": 3, "value_dim": 2, "dropout": 0.5, "use_bias": False, "output_shape": 5},
        [(2, 4), (3, 3), (3, 2)],
        KERNELS,
        random=True,
        own_mask=True,
    ),
    Row(
        "attention-axes",
        "multi_head_attention",
        {"num_heads": 2, "key_dim": 1, "attention_axes": 2, "output_shape": [2, 2], **REGULARIZED},
        [(2, 3, 2), (2, 2, 2)],
        KERNELS_AND_BIASES,
        own_mask=True,
    ),
]
