"""Under jax.transfer_guard("disallow"), which refuses transfers that nobody asked for, training and predicting work."""

from __future__ import annotations

import jax
import numpy as np

import jtf
from tests.models.doubles import line_data

L = jtf.layers
X, Y = line_data()


def test_models():
    model = jtf.sequential([L.dense(units=2, kernel_regularizer="l2"), L.dropout(rate=0.5), L.dense(units=1)])
    model.compile(optimizer=jtf.train.adam(lambda i: 0.1 / (1 + i)), loss="meanSquaredError", metrics=["mae"])
    with jax.transfer_guard("disallow"):
        model.fit(X, Y, batch_size=5, validation_split=0.5, sample_weight=np.ones(10), verbose=0)
        model.fit_dataset([(X[:5], Y[:5])], epochs=1, validation_data=(X[:5], Y[:5]), verbose=0)
        model.evaluate(X, Y, batch_size=5)
        model.predict(X, batch_size=5)
        model.train_on_batch(X[:5], Y[:5])
        model.set_weights([np.asarray(w) for w in model.get_weights()])
        assert model.optimizer.learning_rate > 0


def test_minimizing():
    v, optimizer = jtf.variable(np.ones(3, np.float32)), jtf.train.adam(0.1)
    with jax.transfer_guard("disallow"):
        optimizer.minimize(lambda: (v * v).sum())
        optimizer.learning_rate = 0.2
        optimizer.apply_gradients({v: np.ones(3)})
        v.assign([1.0, 2.0, 3.0])
