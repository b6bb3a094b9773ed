"""Prediction inside of a closure is a call of the model; training inside of one is refused."""

from __future__ import annotations

import asyncio

import jax
import numpy as np
import pytest

import jtf

X, Y = np.ones((40, 2), np.float32), np.zeros((40, 1), np.float32)


@pytest.fixture(scope="module")
def model():
    made = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], name="d")])
    made.set_weights([[[1.0], [2.0]], [0.5]])
    made.compile(optimizer="sgd", loss="meanSquaredError")
    return made


@pytest.mark.parametrize("rows", [1, 32, 33, 40])
@pytest.mark.parametrize("way", ["predict", "predict_on_batch"])
def test_predict_has_values_and_gradients(model, way, rows):
    """The numbers are those of TF.js 4.22 for 40 rows; rows are equal."""
    value, gradients = jtf.variable_grads(lambda: (getattr(model, way)(X[:rows]) ** 2).mean())
    assert float(value) == 12.25
    np.testing.assert_allclose(gradients["d/kernel"], [[7.0], [7.0]], rtol=1e-5)
    np.testing.assert_allclose(gradients["d/bias"], [7.0], rtol=1e-5)


def test_predict_has_gradients_for_its_input(model):
    gradient = jtf.grad(lambda x: (model.predict(x) ** 2).mean())(X)
    np.testing.assert_allclose(gradient, np.tile([0.175, 0.35], (40, 1)), rtol=1e-5)  # TF.js's


def test_predict_sees_what_the_closure_has_assigned(model):
    def f():
        model.get_layer("d").bias.assign([0.0])
        return model.predict(X).mean()

    before = model.get_weights()
    pure = jax.jit(jtf.lift(f, model.weights))
    value, new = pure(before)
    assert float(value) == 3.0
    assert float(new[1][0]) == 0.0
    assert float(model.get_weights()[1][0]) == 0.5
    assert model.predict(X)[0, 0] == 3.5  # nothing has leaked into compiled code


def test_a_model_that_reads_a_variable_of_others():
    factor = jtf.variable(2.0, name="factor")
    other = jtf.sequential([Scaled(lambda: factor, input_shape=[2])])
    _, gradients = jtf.variable_grads(lambda: other.predict(X).mean())
    np.testing.assert_allclose(gradients["factor"], 1.0, rtol=1e-5)
    assert other.predict(X)[0, 0] == 2.0
    other.compile(optimizer="sgd", loss="meanSquaredError")
    value = jtf.variable_grads(lambda: factor * other.evaluate(X, np.zeros((40, 2), np.float32))).value
    assert float(value) == 8.0
    assert other.evaluate(X, np.zeros((40, 2), np.float32)) == 4.0


class Scaled(jtf.layers.Layer):
    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return x * self.factor()


def test_states_are_remembered():
    rnn = jtf.layers.simple_rnn(units=1, stateful=True, batch_input_shape=[1, 1, 1], kernel_initializer="ones")
    model = jtf.sequential([rnn])
    w = jtf.variable(1.0)
    x = np.ones((2, 1, 1), np.float32)
    outside = model.predict(x, batch_size=1)
    model.reset_states()
    value, _ = jtf.variable_grads(lambda: w * model.predict(x, batch_size=1).sum())
    np.testing.assert_allclose(value, outside.sum(), rtol=1e-6)
    np.testing.assert_allclose(rnn.state_variables[0][0], outside[1], rtol=1e-6)


def test_evaluate_gives_constants(model):
    value, gradients = jtf.variable_grads(lambda: model(X).mean() * model.evaluate(X, Y))
    assert float(value) == 12.25 * 3.5
    np.testing.assert_allclose(gradients["d/bias"], [12.25], rtol=1e-5)
    with pytest.raises(ValueError, match="reads no trainable Variable"):
        jtf.variable_grads(lambda: model.evaluate(X, Y))
    for function in (jax.jit(lambda: model.evaluate(X, Y)), jax.jit(jtf.lift(lambda: model.evaluate(X, Y), []))):
        with pytest.raises(RuntimeError, match=r"evaluate gives numbers.*compute the loss from model\(x\)"):
            function(*([[]] if "lift" in repr(function) else []))
    assert model.evaluate(X, Y) == 12.25


TRAINING = {
    "fit": lambda model: model.fit(X, Y, verbose=0),
    "fit_dataset": lambda model: model.fit_dataset([(X, Y)], epochs=1, verbose=0),
    "fit_async": lambda model: asyncio.run(model.fit_async(X, Y, verbose=0)),
    "train_on_batch": lambda model: model.train_on_batch(X, Y),
}


@pytest.mark.parametrize("way", TRAINING)
def test_training_is_refused(model, way):
    def f(*_):
        TRAINING[way](model)
        return model(X).mean()

    before = model.get_weights()
    functions = [
        lambda: jtf.train.sgd(0.1).minimize(f),
        lambda: jtf.grad(f)(1.0),
        lambda: jtf.lift(f, model.weights)(before),
    ]
    for function in functions:
        with pytest.raises(RuntimeError, match=rf"{way[:3]}.* of model .* inside of a function that is lifted"):
            function()
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_minimize_in_a_closure_is_a_step_like_any_other():
    """The value is TF.js's. The outer gradient goes through the inner step: w u with w = 0.8 w₀."""
    w, u = jtf.variable(4.0), jtf.variable(2.0)

    def f():
        jtf.train.sgd(0.1).minimize(lambda: w**2, var_list=[w])
        return w * u

    cost = jtf.train.sgd(0.1).minimize(f, return_cost=True, var_list=[w, u])
    np.testing.assert_allclose(cost, 6.4, rtol=1e-6)
    np.testing.assert_allclose([float(w), float(u)], [3.2 - 0.1 * 0.8 * 2, 2 - 0.1 * 3.2], rtol=1e-6)
