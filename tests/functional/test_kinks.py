"""Gradients at kinks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jtf.functional import mish
from jtf.functional.kinks import absolute, clip_by_value, largest

#: Numbers near kinks depend on what XLA fuses.
optimized = True


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


def test_largest_is_the_maximum():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 5)), jnp.float32)
    for axes in ([1], [-1], [1, 2], (0, 2)):
        for keepdims in (False, True):
            np.testing.assert_array_equal(largest(x, axes, keepdims), jnp.max(x, tuple(axes), keepdims=keepdims))
    assert jnp.isnan(largest(jnp.asarray([1.0, jnp.nan, 2.0]), [0]))
    assert largest(jnp.asarray([-jnp.inf, -jnp.inf]), [0]) == -jnp.inf
    assert largest(jnp.asarray([3, 7, 7]), [0]).dtype == jnp.int32


def test_the_first_of_equals_gets_the_gradient():
    np.testing.assert_array_equal(jax.grad(lambda x: largest(x, [0]))(jnp.asarray([1.0, 2.0, 2.0])), [0.0, 1.0, 0.0])


def test_the_gradient_survives_fusion():
    """That of jnp.max does not, behind just these functions, on the CPU."""
    rng = np.random.default_rng(1)
    x, kernel, weights = (jnp.asarray(rng.normal(size=s) * 0.5, jnp.float32) for s in ((5, 8, 2), (2, 3), (5, 3)))

    def loss(kernel):
        hidden = mish(jnp.einsum("btc,cf->btf", x, kernel))
        return jnp.sum(largest((hidden[:, 1:] + hidden[:, :-1]) / 2, [1]) * weights)

    np.testing.assert_allclose(jax.jit(jax.grad(loss))(kernel), jax.grad(loss)(kernel), rtol=1e-4, atol=1e-6)
