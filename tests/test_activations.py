"""Activations by name, and jax's functions that are the same as one with a name."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf import activations

SAME = [
    (jax.nn.relu, "relu"),
    (jax.nn.relu6, "relu6"),
    (jax.nn.elu, "elu"),
    (jax.nn.selu, "selu"),
    (jax.nn.gelu, "gelu_new"),
    (jax.nn.silu, "swish"),
    (jax.nn.swish, "swish"),
    (jax.nn.mish, "mish"),
    (jax.nn.sigmoid, "sigmoid"),
    (jax.nn.hard_sigmoid, "hardSigmoidRelu6"),
    (jax.nn.soft_sign, "softsign"),
    (jax.nn.softplus, "softplus"),
    (jax.nn.softmax, "softmax"),
    (jax.nn.log_softmax, "logSoftmax"),
    (jnp.tanh, "tanh"),
]


@pytest.mark.parametrize(("of_jax", "name"), SAME)
def test_functions_of_jax_that_have_a_name(of_jax, name):
    ours = activations.get(of_jax)
    assert ours is activations.get(name)
    assert jtf.layers.activation(activation=of_jax).get_config()["activation"] == name
    x = jnp.concatenate([jnp.linspace(-30, 30, 301), jnp.linspace(-1e-3, 1e-3, 11)]).reshape(2, -1)

    def weighted(function):
        return lambda x: jnp.sum(function(x) * jnp.cos(jnp.arange(x.size)).reshape(x.shape))

    np.testing.assert_allclose(ours(x), of_jax(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.grad(weighted(ours))(x), jax.grad(weighted(of_jax))(x), rtol=1e-4, atol=1e-5)


def test_every_such_function_is_tested():
    assert {(of_jax, ours) for of_jax, ours in activations._OF_JAX} == {(f, activations.get(name)) for f, name in SAME}


@pytest.mark.parametrize("function", [jax.nn.leaky_relu, abs])
def test_other_functions_stay_what_they_are(function):
    assert activations.get(function) is function
    assert activations.name_of(function) is None


@pytest.mark.parametrize("name", activations.NAMED)
def test_names_stand_for_one_function(name):
    assert activations.get(activations.name_of(activations.get(name))) is activations.get(name)


def test_a_model_with_a_function_of_jax_is_pickled_and_saved(tmp_path):
    model = jtf.sequential([jtf.layers.dense(units=2, activation=jax.nn.relu, input_shape=[3])])
    model.save(tmp_path / "model")
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    for again in (pickle.loads(pickle.dumps(model)), jtf.load_layers_model(tmp_path / "model")):
        np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_what_is_no_activation_is_refused():
    with pytest.raises(TypeError, match="a name or a function of one array; received 3"):
        activations.get(3)
    with pytest.raises(ValueError, match=r"Unknown activation 'reluu'. Did you mean 'relu'\?"):
        activations.get("reluu")
