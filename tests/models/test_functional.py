"""functional(): the model as pure functions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtf
from tests.models.doubles import TwoByTwo, two_by_two_data

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def model_of(*more):
    return jtf.sequential([jtf.layers.dense(units=4, input_shape=[3], activation="tanh", name="a"), *more])


def present(model):
    """The model's own weights as its functions take them."""
    init, _ = model.functional()
    values = {w.name: w.read() for w in model.weights}
    return jax.tree.map_with_path(lambda path, _: values[path[-1].key], init(jax.random.key(0)))


def test_it_is_predict_to_the_last_bit():
    model = model_of(jtf.layers.dropout(rate=0.5), jtf.layers.dense(units=2, activation="softmax"))
    _, apply = model.functional()
    y, same = jax.jit(apply)(present(model), X)
    np.testing.assert_array_equal(y, model.predict(X))
    assert jax.tree.structure(same) == jax.tree.structure(present(model))


def test_several_inputs_and_outputs():
    model = TwoByTwo()
    xs, _ = two_by_two_data()
    y, _ = jax.jit(model.functional().apply)(present(model), xs)
    for pure, facade in zip(y, model.predict(xs), strict=True):
        np.testing.assert_array_equal(pure, facade)


def test_init_follows_the_initializers_and_the_key():
    model = jtf.sequential(
        [
            jtf.layers.dense(units=2, input_shape=[3], bias_initializer="ones", name="b", trainable=False),
            jtf.layers.prelu(),
        ]
    )
    init, _ = model.functional()
    one, same, other = (init(jax.random.key(seed)) for seed in (1, 1, 2))
    assert set(one.non_trainable) == {"b/kernel", "b/bias"}
    assert one.non_trainable["b/bias"].tolist() == [1.0, 1.0]
    np.testing.assert_array_equal(one.non_trainable["b/kernel"], same.non_trainable["b/kernel"])
    assert not np.array_equal(one.non_trainable["b/kernel"], other.non_trainable["b/kernel"])
    assert not np.array_equal(one.non_trainable["b/kernel"], model.weights[1].read())
    jitted = jax.jit(init)(jax.random.key(1))
    np.testing.assert_allclose(one.non_trainable["b/kernel"], jitted.non_trainable["b/kernel"], rtol=1e-6)


def test_nothing_of_the_model_changes():
    model = model_of()
    before = model.get_weights()
    init, apply = model.functional()
    apply(init(jax.random.key(3)), X)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_gradients_are_those_of_the_formula():
    model = model_of()
    _, apply = model.functional()
    variables = present(model)

    def loss(trainable):
        y, _ = apply(variables._replace(trainable=trainable), X)
        return jnp.sum(y**2)

    def formula(trainable):
        return jnp.sum(jnp.tanh(X @ trainable["a/kernel"] + trainable["a/bias"][None]) ** 2)

    ours, expected = jax.grad(loss)(variables.trainable), jax.grad(formula)(variables.trainable)
    for name in expected:
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-5, atol=1e-6)


def test_an_ensemble_under_vmap():
    model = model_of()
    init, apply = model.functional()
    ensemble = jax.vmap(init)(jax.random.split(jax.random.key(0), 3))
    outputs = jax.vmap(lambda v: apply(v, X)[0])(ensemble)
    for member in range(3):
        alone = apply(jax.tree.map(lambda leaf, member=member: leaf[member], ensemble), X)[0]
        np.testing.assert_allclose(outputs[member], alone, rtol=1e-5, atol=1e-6)


def test_a_hand_written_loop_learns_what_fit_learns():
    y = X.sum(axis=1, keepdims=True)
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[3])])
    variables, (_, apply) = present(model), model.functional()
    tx = optax.sgd(0.1)
    state = tx.init(variables.trainable)

    @jax.jit
    def step(variables, state):
        def loss(trainable):
            return jnp.mean((apply(variables._replace(trainable=trainable), X)[0] - y) ** 2)

        updates, state = tx.update(jax.grad(loss)(variables.trainable), state)
        return variables._replace(trainable=optax.apply_updates(variables.trainable, updates)), state

    for _ in range(4):
        variables, state = step(variables, state)
    model.compile(optimizer=jtf.train.sgd(0.1), loss="mse")
    model.fit(X, y, epochs=4, batch_size=5, shuffle=False, verbose=0)
    for weight in model.weights:
        np.testing.assert_allclose(variables.trainable[weight.name], weight, rtol=1e-5, atol=1e-6)


def test_randomness_comes_from_the_key_given():
    model = jtf.sequential([jtf.layers.dropout(rate=0.5, input_shape=[50]), jtf.layers.dropout(rate=0.5)])
    _, apply = model.functional()
    variables, ones = present(model), jnp.ones((2, 50))
    a, b, c = (apply(variables, ones, training=True, rng=jax.random.key(s))[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert set(np.unique(a)) == {0.0, 4.0}, "two masks, and not one mask twice"
    with pytest.raises(ValueError, match=r"given no key. Pass one"):
        apply(variables, ones, training=True)
    np.testing.assert_array_equal(apply(variables, ones)[0], ones)


class Mean(jtf.layers.Layer):
    """Keeps a running mean of what it sees."""

    def build(self, input_shape):
        self.mean = self.add_weight("mean", input_shape[1:], initializer="zeros", trainable=False)

    def call(self, x, training=False):
        if training:
            self.mean.assign(0.5 * self.mean + 0.5 * x.mean(axis=0))
        return x - self.mean.read()[None]


def test_statistics_come_back():
    model = jtf.sequential([Mean(input_shape=[3], name="mean")])
    _, apply = model.functional()
    y, new = jax.jit(lambda v, x: apply(v, x, training=True))(present(model), X)
    np.testing.assert_allclose(new.non_trainable["mean/mean"], X.mean(axis=0) / 2, rtol=1e-6)
    np.testing.assert_allclose(y, X - X.mean(axis=0)[None] / 2, rtol=1e-5, atol=1e-6)
    assert not np.asarray(model.weights[0]).any()


def test_wrong_shapes_are_refused():
    model = model_of()
    _, apply = model.functional()
    variables = present(model)
    wrong = variables._replace(trainable=variables.trainable | {"a/bias": jnp.zeros(3)})
    with pytest.raises(ValueError, match=r"Variable 'a/bias' has shape \(3,\); expected \(4,\)"):
        apply(wrong, X)
    with pytest.raises(ValueError, match="expects an input with size 3"):
        apply(variables, X[:, :2])


def stack(*names, units=2, layers=11):
    names = names or [None] * layers
    entry = jtf.layers.input_layer(input_shape=[2])
    return jtf.sequential([entry, *(jtf.layers.dense(units=units, name=name) for name in names)])


@pytest.mark.parametrize(
    "through", [lambda v: v, lambda v: jax.tree.map(lambda x: x, v)], ids=["as is", "sorted by jax"]
)
def test_the_variables_of_a_twin(through):
    first, second = stack(), stack()
    assert [w.name for w in first.weights] != [w.name for w in second.weights]
    second.variables = through(first.variables)
    for ours, theirs in zip(second.weights, first.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


OTHERS = {"named": stack("a", "b"), "more": stack(layers=3), "wider": stack(units=3, layers=2)}


@pytest.mark.parametrize("other", OTHERS)
def test_the_variables_of_another_model_are_refused(other):
    model = stack(layers=2)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"The trainable weights are|cannot be assigned shape"):
        model.variables = OTHERS[other].variables
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
