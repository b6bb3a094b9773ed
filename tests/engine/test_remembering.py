"""What layers remember between batches: in fit, evaluate, predict and the pure function."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers


class Total(jtf.layers.Layer):
    """Adds up what it has seen, example by example."""

    stateful = True

    def build(self, input_shape):
        self.seen = self.add_state("seen", input_shape)

    def call(self, x):
        self.seen.assign(self.seen + x)
        return self.seen.read()


def totals(batch=2):
    x = jtf.input(batch_shape=[batch, 1])
    return jtf.model(inputs=x, outputs=L.dense(units=1, kernel_initializer="ones", name="out")(Total(name="sum")(x)))


X = np.array([[1.0], [10.0], [2.0], [20.0], [3.0], [30.0]], np.float32)
SUMS = [[1], [10], [3], [30], [6], [60]]


def test_states_are_no_weights():
    model = totals()
    assert [w.name for w in model.weights] == ["out/kernel", "out/bias"]
    assert [s.name for s in model.state_variables] == ["sum/seen"]
    assert model.count_params() == 2


def test_predicting_goes_on_from_batch_to_batch_and_call_to_call():
    model = totals()
    np.testing.assert_array_equal(model.predict(X, batch_size=2), SUMS)
    np.testing.assert_array_equal(model.predict(X[:2], batch_size=2), [[7], [70]])
    model.reset_states()
    np.testing.assert_array_equal(model.predict(X[:2], batch_size=2), [[1], [10]])
    np.testing.assert_array_equal(model(X[2:4]), [[3], [30]])


def test_training_and_evaluating_go_on():
    model = totals()
    model.compile(optimizer=jtf.train.sgd(0.0), loss="mse")
    assert model.evaluate(X, np.zeros((6, 1)), batch_size=2) == pytest.approx(np.mean(np.square(SUMS)))
    np.testing.assert_array_equal(model.state_variables[0], [[6], [60]])
    model.reset_states()
    history = model.fit(X, np.zeros((6, 1)), batch_size=2, epochs=2, shuffle=False, verbose=0)
    second = np.array(SUMS) + np.tile([[6], [60]], (3, 1))
    np.testing.assert_allclose(history.history["loss"], [np.mean(np.square(SUMS)), np.mean(second**2)], rtol=1e-6)
    np.testing.assert_array_equal(model.state_variables[0], [[12], [120]])


def test_resetting_in_a_callback():
    model = totals()
    model.compile(optimizer=jtf.train.sgd(0.0), loss="mse")
    options = {"batch_size": 2, "epochs": 2, "shuffle": False, "verbose": 0}
    reset = {"on_epoch_begin": lambda epoch, logs: model.reset_states()}
    history = model.fit(X, np.zeros((6, 1)), callbacks=reset, **options)
    np.testing.assert_allclose(history.history["loss"], [np.mean(np.square(SUMS))] * 2, rtol=1e-6)


def test_validation_leaves_the_states_of_training_alone():
    model = totals()
    model.compile(optimizer=jtf.train.sgd(0.0), loss="mse")
    zeros = np.zeros((6, 1))
    model.fit(X, zeros, batch_size=2, shuffle=False, verbose=0, validation_data=(X * 5, zeros))
    np.testing.assert_array_equal(model.state_variables[0], [[6], [60]])


def test_another_size_of_batch_is_refused():
    model = jtf.sequential([L.gru(units=2, stateful=True, batch_input_shape=[2, None, 1], name="keeper")])
    message = r"'keeper' \(GRU\) expects an input with size 2 along axis 0; received shape \(1, 4, 1\)"
    with pytest.raises(ValueError, match=message):
        model.predict(np.ones((3, 4, 1)), batch_size=2)


def test_the_pure_function_hands_states_on():
    model = totals()
    _, apply = model.functional()
    variables = model.variables
    for expected in ([[1], [10]], [[2], [20]]):
        outputs, variables = jax.jit(apply)(variables, X[:2])
        np.testing.assert_array_equal(outputs, expected)
    np.testing.assert_array_equal(model.state_variables[0], [[0], [0]])


def test_a_stateful_lstm_reads_a_sequence_in_parts():
    layer = L.lstm(units=3, stateful=True, batch_input_shape=[2, None, 1])
    model = jtf.sequential([layer])
    whole = L.lstm(units=3)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 6, 1)), jnp.float32)
    whole.ensure_built(x.shape)
    whole.set_weights(layer.get_weights())
    model.predict(x[:, :4], batch_size=2)
    np.testing.assert_allclose(model.predict(x[:, 4:], batch_size=2), whole(x), rtol=1e-5, atol=1e-7)
