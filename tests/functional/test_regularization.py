"""Dropout."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtf.functional import dropout

KEY = jax.random.key(0)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_fraction_and_scale(rate):
    y = np.asarray(dropout(KEY, jnp.full((100, 200), 3.0), rate))
    kept = y != 0
    np.testing.assert_allclose(kept.mean(), 1 - rate, atol=5 * np.sqrt(rate * (1 - rate) / y.size))
    np.testing.assert_allclose(y[kept], 3 / (1 - rate), rtol=1e-6)


def test_rate_zero_is_the_identity():
    x = jnp.array([1.0, jnp.inf])
    np.testing.assert_array_equal(dropout(KEY, x, 0), x)


def test_dropped_values_leave_no_trace():
    x = jnp.full(100, jnp.inf)
    assert set(np.asarray(dropout(KEY, x, 0.5))) == {0, np.inf}
    grad = jax.grad(lambda x: jnp.sum(dropout(KEY, x, 0.5)))(jnp.ones(100))
    np.testing.assert_array_equal(grad, dropout(KEY, jnp.ones(100), 0.5))


def test_keys():
    x = jnp.ones(100)
    np.testing.assert_array_equal(dropout(KEY, x, 0.5), dropout(jax.random.key(0), x, 0.5))
    assert np.any(dropout(KEY, x, 0.5) != dropout(jax.random.key(1), x, 0.5))


@pytest.mark.parametrize("noise_shape", [(None, 1, None), (4, 1, 6), [1, None], (6,)])
def test_noise_shape(noise_shape):
    y = np.asarray(dropout(KEY, jnp.ones((4, 5, 6)), 0.5, noise_shape))
    aligned = (1,) * (3 - len(noise_shape)) + tuple(noise_shape)
    for axis, length in enumerate(aligned):
        same = np.all(y == y.take([0], axis=axis))
        assert same == (length == 1)


def test_dtype_jit_and_vmap():
    x = jnp.ones((3, 50))
    assert dropout(KEY, x.astype(jnp.bfloat16), 0.3).dtype == jnp.bfloat16
    jitted = jax.jit(lambda key, x: dropout(key, x, 0.3))(KEY, x)
    np.testing.assert_allclose(jitted, dropout(KEY, x, 0.3), rtol=1e-6)
    keys = jax.random.split(KEY, 3)
    rows = jax.vmap(lambda key, x: dropout(key, x, 0.3))(keys, x)
    np.testing.assert_allclose(rows[2], dropout(keys[2], x[2], 0.3), rtol=1e-6)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_rates_out_of_range_are_refused(rate):
    with pytest.raises(ValueError, match=rf"rate must be in \[0, 1\).*received {rate}"):
        dropout(KEY, jnp.ones(3), rate)


@pytest.mark.parametrize("noise_shape", [(2,), (None, None, 1), (3, 5)])
def test_noise_shapes_that_do_not_fit_are_refused(noise_shape):
    with pytest.raises(ValueError, match=r"1, None or the length .*received noise_shape \(.*of shape \(3, 4\)"):
        dropout(KEY, jnp.ones((3, 4)), 0.5, noise_shape)
