"""Noise for training."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtf import functional as F

KEY = jax.random.key(3)
SIZE = 40_000
FUNCTIONS = {
    "gaussian_noise": lambda key, x: F.gaussian_noise(key, x, 0.5),
    "gaussian_dropout": lambda key, x: F.gaussian_dropout(key, x, 0.2),
    "alpha_dropout": lambda key, x: F.alpha_dropout(key, x, 0.2),
}


def test_gaussian_noise():
    noise = F.gaussian_noise(KEY, jnp.full(SIZE, 7.0), 0.3) - 7
    np.testing.assert_allclose(noise.mean(), 0, atol=0.01)
    np.testing.assert_allclose(noise.std(), 0.3, rtol=0.02)
    np.testing.assert_array_equal(F.gaussian_noise(KEY, jnp.ones(3), 0), jnp.ones(3))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_gaussian_dropout(rate):
    factors = F.gaussian_dropout(KEY, jnp.full(SIZE, 2.0), rate) / 2
    np.testing.assert_allclose(factors.mean(), 1, atol=0.05)
    np.testing.assert_allclose(factors.std(), np.sqrt(rate / (1 - rate)), rtol=0.03)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_alpha_dropout(rate):
    x = jax.random.normal(jax.random.key(0), (SIZE,))
    y = np.asarray(F.alpha_dropout(KEY, x, rate))
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=0.03)
    limit = -1.7580993408473766
    a = ((1 - rate) * (1 + rate * limit**2)) ** -0.5
    dropped = np.isclose(y, a * limit - a * limit * rate, atol=1e-6)
    np.testing.assert_allclose(dropped.mean(), rate, atol=0.02)
    np.testing.assert_allclose(y[~dropped], (a * x - a * limit * rate)[~dropped], rtol=1e-4, atol=1e-5)


def test_alpha_dropout_shares_its_mask_where_told():
    one = np.asarray(F.alpha_dropout(KEY, jnp.ones((4, 5, 8)), 0.5, (None, 1, None)))
    assert (one == one[:, :1]).all()
    assert not (one == one[:1]).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_keys_dtypes_jit_and_gradient(name):
    function, x = FUNCTIONS[name], jnp.ones((3, 50))
    np.testing.assert_array_equal(function(KEY, x), function(jax.random.key(3), x))
    assert np.any(function(KEY, x) != function(jax.random.key(4), x))
    assert function(KEY, x.astype(jnp.bfloat16)).dtype == jnp.bfloat16
    assert function(KEY, jnp.ones(3, jnp.int32)).dtype == jnp.float32
    np.testing.assert_allclose(jax.jit(function)(KEY, x), function(KEY, x), rtol=1e-5, atol=1e-6)
    # All of them are linear in what they keep.
    grad = jax.grad(lambda x: jnp.sum(function(KEY, x)))(x)
    np.testing.assert_allclose(function(KEY, x + 1) - function(KEY, x), grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.gaussian_noise(KEY, jnp.ones(3), -1), "gaussian_noise: stddev must not be negative; received -1"),
        (lambda: F.gaussian_dropout(KEY, jnp.ones(3), 1), r"gaussian_dropout: rate must be in \[0, 1\).*received 1"),
        (lambda: F.alpha_dropout(KEY, jnp.ones(3), -0.1), r"alpha_dropout: rate must be in \[0, 1\)"),
        (lambda: F.alpha_dropout(KEY, jnp.ones(3), 0.1, (2,)), r"alpha_dropout: each entry of noise_shape .* \(2,\)"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
