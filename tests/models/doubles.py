"""Models that the tests share."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import jtf


class TwoByTwo(jtf.LayersModel):
    """Two inputs and two outputs: ``size`` from ``left``, ``kind`` from both."""

    input_names = ("left", "right")
    input_shapes = ((None, 2), (None, 3))
    output_names = ("size", "kind")
    output_shapes = ((None, 1), (None, 3))

    def __init__(self) -> None:
        super().__init__(name="two_by_two")
        self.size = jtf.layers.dense(units=1, name="size", kernel_regularizer="l1_l2")
        self.kind = jtf.layers.dense(units=3, activation="softmax", name="kind")
        self.size.ensure_built((None, 2))
        self.kind.ensure_built((None, 3))
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> list[Any]:
        left, right = inputs
        return [self.size(left), self.kind(right + left[:, :1] * 0.5)]


def two_by_two_data(n: int = 6) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(7)
    xs = [rng.normal(size=(n, 2)).astype(np.float32), rng.normal(size=(n, 3)).astype(np.float32)]
    ys = [rng.normal(size=(n, 1)).astype(np.float32), np.eye(3, dtype=np.float32)[rng.integers(0, 3, n)]]
    return xs, ys


def counter(learning_rate: float = 1.0) -> jtf.Sequential:
    """A model whose one weight counts the steps: with the targets of `counted`, SGD adds exactly 1 in each."""
    model = jtf.sequential(
        [jtf.layers.dense(units=1, use_bias=False, kernel_initializer="zeros", input_shape=[1], name="count")]
    )
    model.compile(optimizer=jtf.train.sgd(learning_rate), loss=minus_prediction)
    return model


def minus_prediction(y_true, y_pred):
    """Its gradient for the prediction is minus 1, whatever the weights are."""
    return -y_pred[:, 0] + 0.0 * y_true[:, 0]


def steps_of(model: jtf.Sequential) -> float:
    """How many steps a `counter` has made."""
    return float(model.weights[0].read()[0, 0])


ONES = np.ones((8, 1), np.float32)


def linear(units: int = 1, inputs: int = 2, **options: Any) -> jtf.Sequential:
    """One dense layer, mean squared error, SGD."""
    model = jtf.sequential([jtf.layers.dense(units=units, input_shape=[inputs], name="only")])
    model.compile(**{"optimizer": jtf.train.sgd(0.1), "loss": "meanSquaredError", **options})
    return model


@functools.cache
def _one_for_all() -> jtf.Sequential:
    return linear()


def shared_linear() -> jtf.Sequential:
    """A `linear` that is compiled once for all tests, and begins alike in each; not for tests that change more."""
    model = _one_for_all()
    model.set_weights([np.ones((2, 1)), np.zeros(1)])
    model.optimizer.iterations_variable.assign(0)
    model.history = None
    return model


def line_data(n: int = 10, inputs: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, inputs)).astype(np.float32)
    return x, (x.sum(axis=1, keepdims=True) + 0.5).astype(np.float32)


def dataset_of(x: Any, y: Any, batch_size: int = 4) -> jtf.data.Dataset:
    """Batches ``{"xs", "ys"}`` of arrays, in order."""
    return jtf.data.zip({"xs": jtf.data.array(x), "ys": jtf.data.array(y)}).batch(batch_size)
