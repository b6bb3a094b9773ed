"""Gradients at kinks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jtf.functional.kinks import absolute, clip_by_value


def test_clipped_values():
    x = jnp.array([-2.0, -1.0, 0.5, 3.0, 4.0])
    np.testing.assert_array_equal(clip_by_value(x, -1.0, 3.0), jnp.clip(x, -1.0, 3.0))
    assert np.isnan(clip_by_value(jnp.array(jnp.nan), 0.0, 1.0))


def test_gradient_of_clipping_is_one_at_the_bounds():
    grad = jax.grad(lambda x: jnp.sum(clip_by_value(x, -1.0, 3.0)))
    np.testing.assert_array_equal(grad(jnp.array([-2.0, -1.0, 0.5, 3.0, 4.0])), [0, 1, 1, 1, 0])


def test_dtype_is_kept():
    assert clip_by_value(jnp.ones(2, jnp.bfloat16), 0.0, 0.5).dtype == jnp.bfloat16
    assert absolute(jnp.ones(2, jnp.bfloat16)).dtype == jnp.bfloat16


def test_absolute():
    x = jnp.array([-jnp.inf, -1e30, -2.0, -0.0, 0.0, 3.0, jnp.inf])
    np.testing.assert_array_equal(absolute(x), jnp.abs(x))
    grad = jax.grad(lambda x: jnp.sum(absolute(x)))(x)
    np.testing.assert_array_equal(grad, [-1, -1, -1, 0, 0, 1, 1])
