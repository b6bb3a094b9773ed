"""Rows of the layers around a layer."""

from __future__ import annotations

import jtf
from tests.layers.catalogue.row import Row

L = jtf.layers
WEIGHTS = ("kernel", "recurrent_kernel", "bias")


def both(name):
    return tuple(f"{direction}_{name}/{weight}" for direction in ("forward", "backward") for weight in WEIGHTS)


ROWS = [
    Row(
        "bidirectional",
        "bidirectional",
        lambda: {"layer": L.simple_rnn(units=2, name="a")},
        (3, 2),
        both("a"),
        ((None, 2),),
        own_mask=True,
    ),
    Row(
        "bidirectional-all",
        "bidirectional",
        lambda: {
            "layer": L.lstm(
                units=2, return_sequences=True, return_state=True, recurrent_activation="sigmoid", name="b"
            ),
            "merge_mode": "concat",
        },
        [(3, 2), (2,), (2,), (2,), (2,)],
        both("b"),
        own_mask=True,
    ),
    Row(
        "bidirectional-dropout",
        "bidirectional",
        lambda: {"layer": L.gru(units=2, dropout=0.5, return_sequences=True, name="c"), "merge_mode": "ave"},
        (3, 4),
        both("c"),
        random=True,
        own_mask=True,
    ),
    Row(
        "bidirectional-of-cells",
        "bidirectional",
        lambda: {
            "layer": L.rnn(cell=[L.simple_rnn_cell(units=2), L.simple_rnn_cell(units=3)], name="d"),
            "merge_mode": "mul",
        },
        (2, 2),
        tuple(f"{d}_d/RNNCell_{i}/{w}" for d in ("forward", "backward") for i in range(2) for w in WEIGHTS),
        own_mask=True,
    ),
    Row(
        "bidirectional-stateful",
        "bidirectional",
        lambda: {"layer": L.simple_rnn(units=2, stateful=True, name="e"), "merge_mode": "sum"},
        (3, 2),
        both("e"),
        own_mask=True,
        batch=3,
        fixed_batch=True,
    ),
    Row(
        "time-distributed",
        "time_distributed",
        lambda: {"layer": L.dense(units=2, activation="tanh")},
        (3, 2),
        ("kernel", "bias"),
        ((None, 2),),
    ),
    Row(
        "time-distributed-rnn",
        "time_distributed",
        lambda: {"layer": L.simple_rnn(units=2)},
        (2, 3, 2),
        WEIGHTS,
        ((None, 3, 2), (None, None, 2)),
    ),
    Row(
        "time-distributed-bidirectional",
        "time_distributed",
        lambda: {"layer": L.bidirectional(layer=L.simple_rnn(units=2, name="f"))},
        (2, 3, 2),
        both("f"),
    ),
    Row("time-distributed-dropout", "time_distributed", lambda: {"layer": L.dropout(rate=0.5)}, (3, 4), random=True),
    Row(
        "time-distributed-batch-norm",
        "time_distributed",
        lambda: {"layer": L.batch_normalization()},
        (3, 2),
        ("gamma", "beta", "moving_mean", "moving_variance"),
        training_differs=True,
    ),
]
