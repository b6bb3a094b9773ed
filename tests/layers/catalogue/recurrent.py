"""Rows of the recurrent layers and their cells."""

from __future__ import annotations

import jtf
from tests.layers.catalogue.row import Row

L = jtf.layers
WEIGHTS = ("kernel", "recurrent_kernel", "bias")
STACKED = tuple(f"RNNCell_{index}/{name}" for index in range(2) for name in WEIGHTS)
REGULARIZED = {
    "kernel_regularizer": {"className": "L1L2", "config": {"l1": 0.01, "l2": 0.02}},
    "recurrent_regularizer": "l1_l2",
    "bias_regularizer": "l1_l2",
    "activity_regularizer": "l1_l2",
    "kernel_constraint": {"className": "MaxNorm", "config": {"maxValue": 1.5, "axis": 0}},
    "recurrent_constraint": "unitNorm",
    "bias_constraint": "nonNeg",
}
SMOOTH = {"recurrent_activation": "sigmoid"}
#: The default is an orthogonal matrix, which takes long to compile for each shape anew.
QUICK = {"recurrent_initializer": "glorot_uniform"}

ROWS = [
    Row("simple-rnn", "simple_rnn", {"units": 2}, (3, 2), WEIGHTS, ((None, 2),), own_mask=True),
    Row(
        "simple-rnn-all",
        "simple_rnn",
        {"units": 2, "return_sequences": True, "return_state": True, "go_backwards": True, **REGULARIZED},
        (3, 2),
        WEIGHTS,
        own_mask=True,
    ),
    Row("simple-rnn-no-bias", "simple_rnn", {"units": 2, "use_bias": False}, (3, 2), WEIGHTS[:2], own_mask=True),
    Row(
        "simple-rnn-states",
        "simple_rnn",
        {"units": 2, "return_sequences": True, "activation": "softsign"},
        [(3, 2), (2,)],
        WEIGHTS,
        own_mask=True,
    ),
    Row(
        "simple-rnn-stateful",
        "simple_rnn",
        {"units": 2, "stateful": True},
        (3, 2),
        WEIGHTS,
        own_mask=True,
        batch=3,
        fixed_batch=True,
    ),
    Row("gru", "gru", {"units": 2, **SMOOTH}, (3, 2), WEIGHTS, ((None, 2),), own_mask=True),
    Row(
        "gru-after",
        "gru",
        {"units": 2, "reset_after": True, "return_sequences": True, "unroll": True, "implementation": 2},
        (3, 2),
        WEIGHTS,
        own_mask=True,
    ),
    Row(
        "gru-dropout",
        "gru",
        {"units": 3, "dropout": 0.5, "recurrent_dropout": 0.3, **QUICK},
        (3, 4),
        WEIGHTS,
        random=True,
        own_mask=True,
    ),
    Row("lstm", "lstm", {"units": 2, **SMOOTH}, (3, 2), WEIGHTS, ((None, 2),), own_mask=True),
    Row(
        "lstm-all",
        "lstm",
        {"units": 2, "return_sequences": True, "return_state": True, "unit_forget_bias": True, "name": "mine"},
        [(3, 2), (2,), (2,)],
        WEIGHTS,
        own_mask=True,
    ),
    Row(
        "lstm-dropout",
        "lstm",
        {"units": 3, "recurrent_dropout": 0.5, "return_sequences": True, **QUICK},
        (4, 3),
        WEIGHTS,
        random=True,
        own_mask=True,
    ),
    Row(
        "conv-lstm2d",
        "conv_lstm2d",
        {"filters": 2, "kernel_size": 2, **SMOOTH},
        (2, 4, 3, 1),
        WEIGHTS,
        ((None, None, None, 1),),
        own_mask=True,
    ),
    Row(
        "conv-lstm2d-all",
        "conv_lstm2d",
        {
            "filters": 2,
            "kernel_size": [2, 3],
            "strides": [1, 2],
            "padding": "same",
            "data_format": "channelsFirst",
            "return_sequences": True,
            "return_state": True,
            "unit_forget_bias": True,
            **QUICK,
        },
        (2, 1, 3, 4),
        WEIGHTS,
        own_mask=True,
    ),
    Row(
        "conv-lstm2d-dropout",
        "conv_lstm2d",
        {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "dropout": 0.3, "recurrent_dropout": 0.3, **QUICK},
        (2, 4, 4, 2),
        WEIGHTS,
        random=True,
        own_mask=True,
    ),
    Row("rnn", "rnn", lambda: {"cell": L.lstm_cell(units=2, **SMOOTH)}, (3, 2), WEIGHTS, ((None, 2),), own_mask=True),
    Row(
        "rnn-stack",
        "rnn",
        lambda: {
            "cell": [L.gru_cell(units=2, dropout=0.4), L.lstm_cell(units=3, recurrent_dropout=0.3, **QUICK)],
            "return_sequences": True,
            "return_state": True,
        },
        (3, 2),
        STACKED,
        random=True,
        own_mask=True,
    ),
    Row("simple-rnn-cell", "simple_rnn_cell", {"units": 2, **REGULARIZED}, [(3,), (2,)], WEIGHTS),
    Row("gru-cell", "gru_cell", {"units": 2, **SMOOTH}, [(3,), (2,)], WEIGHTS),
    Row("gru-cell-after", "gru_cell", {"units": 2, "reset_after": True, "use_bias": False}, [(3,), (2,)], WEIGHTS[:2]),
    Row("lstm-cell", "lstm_cell", {"units": 2, **SMOOTH}, [(3,), (2,), (2,)], WEIGHTS),
    Row(
        "lstm-cell-dropout",
        "lstm_cell",
        {"units": 4, "dropout": 0.5, **QUICK},
        [(4,), (4,), (4,)],
        WEIGHTS,
        random=True,
    ),
    Row(
        "conv-lstm2d-cell",
        "conv_lstm2d_cell",
        {"filters": 2, "kernel_size": 2, **SMOOTH},
        [(3, 4, 1), (2, 3, 2), (2, 3, 2)],
        WEIGHTS,
    ),
    Row(
        "stacked-rnn-cells",
        "stacked_rnn_cells",
        lambda: {"cells": [L.lstm_cell(units=2, **SMOOTH), L.simple_rnn_cell(units=3, **QUICK)]},
        [(2,), (3,), (2,), (2,)],
        (*(f"RNNCell_0/{name}" for name in WEIGHTS), *(f"RNNCell_1/{name}" for name in WEIGHTS)),
    ),
]
