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


def refused_in(model, call, message):
    before = [np.asarray(v) for v in [*model.weights, *model.state_variables]]
    with pytest.raises(ValueError, match=f"its batches have 2 samples; received {message}"):
        call()
    for variable, old in zip([*model.weights, *model.state_variables], before, strict=True):
        np.testing.assert_array_equal(variable, old)


def test_another_size_of_batch_is_refused_before_anything_happens():
    model = totals()
    model.compile(optimizer="sgd", loss="mse")
    y = np.zeros((6, 1))
    rest, other = "5 samples, which leaves a last batch of 1", "6 samples in batches of 32. Pass batch_size=2"
    options = {"batch_size": 2, "verbose": 0}
    refused_in(model, lambda: model.predict(X), other)
    refused_in(model, lambda: model.predict(X[:5], batch_size=2), rest)
    refused_in(model, lambda: model.predict_on_batch(X), "a batch of 6")
    refused_in(model, lambda: model.evaluate(X, y), other)
    refused_in(model, lambda: model.evaluate(X[:5], y[:5], batch_size=2), rest)
    refused_in(model, lambda: model.train_on_batch(X, y), "a batch of 6")
    refused_in(model, lambda: model.fit(X, y, verbose=0), other)
    refused_in(model, lambda: model.fit(X[:5], y[:5], **options), rest)
    refused_in(model, lambda: model.fit(X, y, **options, validation_split=0.5), "3 samples, which leaves")
    refused_in(model, lambda: model.fit(X, y, **options, validation_data=(X[:5], y[:5])), rest)
    refused_in(model, lambda: model.fit_dataset([(X, y)], epochs=1, verbose=0), "a batch of 6")
    refused_in(model, lambda: model.evaluate_dataset([(X, y)]), "a batch of 6")
    model.fit(X[:4], y[:4], **options, validation_data=(X, y))


def test_a_fixed_batch_without_states_is_no_condition():
    model = jtf.sequential([L.dense(units=1, batch_input_shape=[2, 1], use_bias=False, kernel_initializer="ones")])
    np.testing.assert_array_equal(model.predict(X[:5], batch_size=3), X[:5])


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
