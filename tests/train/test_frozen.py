"""Closures leave alone what is frozen, as `fit` does; numbers and names are those of TF.js 4.22 where none is named."""

from __future__ import annotations

import copy
import gc
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers
ONES = np.ones((4, 2), np.float32)


def two(**options):
    """Two dense layers, the first with the options."""
    return jtf.sequential([L.dense(units=2, input_shape=[2], name="low", **options), L.dense(units=1, name="high")])


def square(model, x=ONES):
    return lambda: (model(x) ** 2).mean()


def learning(f, **options):
    """The names of the weights that a closure would move."""
    return set(jtf.variable_grads(f, **options).grads)


HIGH, ALL = {"high/kernel", "high/bias"}, {"low/kernel", "low/bias", "high/kernel", "high/bias"}


def test_a_frozen_layer_stays():
    model = two()
    assert learning(square(model)) == ALL
    model.layers[0].trainable = False
    assert learning(square(model)) == HIGH
    assert learning(square(model), var_list=model.weights) == HIGH
    before = model.get_weights()
    for options in ({}, {"var_list": model.weights}):
        jtf.train.sgd(0.1).minimize(square(model), **options)
    same = [np.array_equal(w, b) for w, b in zip(model.weights, before, strict=True)]
    assert same == [True, True, False, False]
    model.layers[0].trainable = True
    assert learning(square(model)) == ALL


def test_the_constructor_freezes_too():
    # In TF.js such a layer is moved, since its Variables are made after it has been frozen.
    model = two(trainable=False)
    assert learning(square(model)) == HIGH


def test_weights_read_without_a_call():
    model = two()
    model.layers[0].trainable = False
    assert learning(lambda: sum((w.read() ** 2).sum() for w in model.weights) + model(ONES).mean()) == HIGH


@pytest.mark.parametrize("freeze_first", [False, True])
def test_a_frozen_model_in_another(freeze_first):
    base = jtf.sequential([L.dense(units=2, input_shape=[2], name="low")])
    base.trainable = not freeze_first
    model = jtf.sequential([base, L.dense(units=1, name="high")])
    base.trainable = False
    assert learning(square(model)) == HIGH


def test_a_layer_thawed_in_a_frozen_model_learns_outside_of_it():
    """As in `fit`, which goes by the model that is trained. (TF.js moves the layer in either.)"""
    base = two()
    base.trainable = False
    base.get_layer("high").trainable = True
    assert base.trainable_weights == []
    for f in (square(base), lambda: (base.predict(ONES) ** 2).mean()):
        with pytest.raises(ValueError, match=r"'high/bias', 'high/kernel'.*frozen.*layer\.trainable = True"):
            jtf.train.sgd(0.1).minimize(f)
    other = jtf.model(base.inputs, base.outputs)
    assert learning(square(other)) == HIGH == {w.name for w in other.trainable_weights}
    assert learning(lambda: square(other)() + square(base)()) == HIGH


def test_layers_inside_of_a_layer_frozen_by_its_constructor():
    inner = L.dense(units=1, kernel_regularizer="l2", name="inner")
    wrapped = L.time_distributed(layer=inner, trainable=False, input_shape=[3, 2], name="around")
    model = jtf.sequential([wrapped, L.flatten(), L.dense(units=1, name="high")])
    x = np.ones((2, 3, 2), np.float32)
    assert inner.trainable
    assert learning(lambda: square(model, x)() + sum(model.losses)) == HIGH
    cell = L.rnn(cell=L.simple_rnn_cell(units=2, trainable=False), input_shape=[3, 2])
    model = jtf.sequential([cell, L.dense(units=1, name="high")])
    assert learning(square(model, x)) == HIGH


def test_the_users_own_choice_stays():
    class Own(L.Layer):
        def build(self, input_shape):
            self.fixed = self.add_weight("fixed", (), initializer="ones", trainable=False)
            self.free = jtf.variable(2.0, name="free")

        def call(self, x):
            return x * self.fixed * self.free

    layer = Own(trainable=False)
    model = jtf.sequential([layer, L.dense(units=1, name="high", input_shape=[2])])
    model(ONES)
    assert learning(square(model)) == HIGH
    layer.trainable = True
    assert learning(square(model)) == HIGH | {"free"}


def test_copies_are_frozen_too():
    model = two()
    model.layers[0].trainable = False
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert learning(square(again)) == HIGH


def test_only_what_is_frozen_is_read():
    model = two()
    model.trainable = False
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"'high/bias', .*'low/kernel' belong to a layer or model that is frozen"):
        jtf.train.sgd(0.1).minimize(square(model))
    with pytest.raises(ValueError, match=r"None of the 4 Variables in var_list is trainable: 'low/kernel', .*frozen"):
        jtf.variable_grads(square(model), model.weights)
    for w, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, b)
    w = jtf.variable(3.0, name="beside")
    assert set(jtf.variable_grads(lambda: square(model)() * w).grads) == {"beside"}


def test_fit_goes_by_what_compile_settled():
    model = two()
    model.compile(optimizer="sgd", loss="meanSquaredError")
    model.layers[0].trainable = False
    kernel = np.asarray(model.weights[0])
    with pytest.warns(UserWarning, match="has changed since it was compiled"):
        model.fit(ONES, np.full((4, 1), 9.0), verbose=0)
    assert not np.array_equal(model.weights[0], kernel)
    assert learning(square(model)) == HIGH


def test_a_closure_in_a_closure_counts_what_it_reads():
    w, unread = jtf.variable(3.0, name="w_in"), jtf.variable(1.0, name="unread")
    outer = jtf.variable_grads(lambda: jtf.variable_grads(lambda: w**3).grads["w_in"])
    assert set(outer.grads) == {"w_in"}
    assert float(outer.grads["w_in"]) == 18.0
    assert float(unread) == 1.0


# --- what layers assign ----------------------------------------------------------------------------------------------

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]], np.float32)
#: After each step: the moving mean of a batch normalisation over X, from TF.js.
MEANS = [
    [0.029999999329447746, 0.019999999552965164],
    [0.059699997305870056, 0.039799995720386505],
    [0.08910299837589264, 0.059401996433734894],
]
WAYS = {
    "minimize": lambda f, model: jtf.train.sgd(0.0).minimize(lambda: f(X)),
    "compute_gradients": lambda f, model: jtf.train.sgd(0.1).compute_gradients(lambda: f(X)),
    "variable_grads": lambda f, model: jtf.variable_grads(lambda: f(X)),
    "grad": lambda f, model: jtf.grad(f)(X),
    "grads": lambda f, model: jtf.grads(f)([X]),
    "value_and_grad": lambda f, model: jtf.value_and_grad(f)(X),
    "value_and_grads": lambda f, model: jtf.value_and_grads(f)([X]),
    "grad in variable_grads": lambda f, model: jtf.variable_grads(lambda: (jtf.grad(f)(X) ** 2).sum()),
    "jitted": lambda f, model: model.set_weights(jitted(f, model)),
    "custom_grad": lambda f, model: jtf.custom_grad(lambda x, save: (f(x), lambda dy, _: jnp.zeros_like(x)))(X),
    "grad of custom_grad": lambda f, model: jtf.grad(
        jtf.custom_grad(lambda x, save: (f(x), lambda dy, _: jnp.zeros_like(x)))
    )(X),
}


def jitted(f, model):
    """The weights after a gradient has been taken inside of jit."""
    lifted = jax.jit(jtf.lift(lambda x: jtf.grad(f)(x), model.weights))
    return lifted(model.get_weights(), X)[1]


@pytest.mark.parametrize("way", WAYS)
def test_what_layers_assign_is_performed(way):
    model = jtf.sequential([L.batch_normalization(input_shape=[2])])
    f = lambda x: (model(x, training=True) ** 2).sum()  # noqa: E731
    for mean in MEANS:
        WAYS[way](f, model)
        np.testing.assert_allclose(model.layers[0].moving_mean, mean, rtol=1e-6)
    assert isinstance(np.asarray(model.layers[0].moving_mean), np.ndarray)


def test_a_gradient_through_a_batch_normalization():
    model = jtf.sequential([L.batch_normalization(input_shape=[2])])
    gradient = jtf.grad(lambda x: (model(x, training=True) ** 2 * X).sum())(X)

    def formula(x):
        x = np.asarray(x, np.float64)
        normal = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3)
        return (normal**2 * X).sum()

    h, expected = 1e-5, np.zeros(X.shape)
    for at in np.ndindex(X.shape):
        step = np.zeros(X.shape)
        step[at] = h
        expected[at] = (formula(X + step) - formula(X - step)) / (2 * h)
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3)


def test_a_function_that_is_refused_assigns_nothing():
    w, seen = jtf.variable(1.0), jtf.variable(0.0, trainable=False)

    def wrong():
        seen.assign(seen + 1)
        return w * jnp.ones(2)

    for ask in (jtf.train.sgd(0.1).minimize, jtf.train.sgd(0.1).compute_gradients, jtf.variable_grads):
        with pytest.raises(ValueError, match="must return a scalar"):
            ask(wrong)
    with pytest.raises(ValueError, match="dy must have the shape"):
        jtf.grad(lambda x: (wrong() * x)[0])(2.0, np.ones(3))
    twins = [jtf.variable(1.0, name="twin_named") for _ in range(2)]
    with pytest.raises(ValueError, match="Two Variables are called 'twin_named'"):
        jtf.variable_grads(lambda: twins[0] * twins[1] * wrong()[0])
    assert float(seen) == 0.0


def test_inside_of_jit_without_lift_it_is_said():
    seen = jtf.variable(0.0, trainable=False)

    def f(x):
        seen.assign(x * 2)
        return x**2

    with pytest.raises(ValueError, match=r"is being traced.*Lift the function first"):
        jax.jit(jtf.grad(f))(3.0)
    assert float(seen) == 0.0
    with pytest.raises(ValueError, match="does not list it"):
        jax.jit(jtf.lift(jtf.grad(f), []))([], 3.0)
    w, count = jtf.variable(1.0), jtf.variable(0, trainable=False)
    with pytest.raises(jax.errors.UnexpectedTracerError) as caught:
        jtf.variable_grads(lambda: jax.grad(lambda x: f(x * w))(3.0))
    assert any("use jtf.grad for jax.grad" in note for note in caught.value.__notes__)
    with pytest.raises((ValueError, jax.errors.UnexpectedTracerError)):
        jtf.train.sgd(0.1).minimize(lambda: (count.assign(count + 1), jax.grad(f)(3.0) * w)[1])
    assert (float(seen), float(w), int(count)) == (0.0, 1.0, 0)


def test_variables_in_a_custom_gradient_are_constants():
    # As in TF.js: only the inputs have gradients.
    w = jtf.variable(3.0, name="in_custom")
    f = jtf.custom_grad(lambda x, save: (x * w, lambda dy, saved: dy * w * 10))
    value, gradients = jtf.variable_grads(lambda: f(w * 2.0))
    assert (float(value), float(gradients["in_custom"])) == (18.0, 60.0)
    with pytest.raises(ValueError, match="reads no trainable Variable"):
        jtf.variable_grads(lambda: f(2.0))


# --- a step for a copy -----------------------------------------------------------------------------------------------


def compiled():
    jtf.set_seed(0)
    model = two()
    model.compile(optimizer=jtf.train.adam(0.1), loss="meanSquaredError")
    step(model)
    step(model)
    return model


def step(model, optimizer=None):
    optimizer = optimizer or model.optimizer
    optimizer.minimize(lambda: ((model(X) - 1.0) ** 2).mean(), var_list=model.trainable_weights)
    return np.concatenate([np.ravel(w) for w in model.weights])


def copied(x):
    return copy.deepcopy(x)


def pickled(x):
    return pickle.loads(pickle.dumps(x))


@pytest.mark.parametrize(
    "again",
    [
        copied,
        pickled,
        pytest.param(lambda x: copied(copied(x)), marks=pytest.mark.slow),
        pytest.param(lambda x: pickled(copied(x)), marks=pytest.mark.slow),
    ],
)
def test_a_copied_optimizer_goes_on(again):
    expected, before = step(compiled()), compiled()
    ways = {
        "model": again(before),
        "both": again((before, before.optimizer)),
        "both, the optimizer first": again((before.optimizer, before))[::-1],
        "apart": (again(before), again(before.optimizer)),
        "the optimizer alone": (before, again(before.optimizer)),
    }
    gc.collect()
    for way, pair in ways.items():
        model, optimizer = pair if isinstance(pair, tuple) else (pair, None)
        np.testing.assert_array_equal(step(model, optimizer), expected, err_msg=way)


def test_a_copied_optimizer_starts_anew_for_others():
    optimizer = copied(compiled().optimizer)
    gc.collect()
    other = jtf.sequential([L.dense(units=3, input_shape=[2], name="low"), L.dense(units=1, name="high")])
    before = np.concatenate([np.ravel(w) for w in other.weights])
    moves = np.abs(step(other, optimizer) - before)[:9]
    # Of another shape, so without moments, though three updates have been made: Adam's formula.
    np.testing.assert_allclose(moves, 0.1 * (0.1 / (1 - 0.9**3)) / np.sqrt(0.001 / (1 - 0.999**3)), rtol=1e-3)
