"""The dense transformation against numpy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtf import functional as F

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(4, 3)).astype(np.float32)
BIAS = RNG.normal(size=3).astype(np.float32)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 5, 4), (1, 2, 3, 4)])
def test_values(shape):
    x = RNG.normal(size=shape).astype(np.float32)
    product = x.astype(np.float64) @ KERNEL
    np.testing.assert_allclose(F.dense({"kernel": KERNEL}, x), product, rtol=1e-5, atol=1e-6)
    params = {"kernel": KERNEL, "bias": BIAS}
    np.testing.assert_allclose(F.dense(params, x), product + BIAS, rtol=1e-5, atol=1e-6)
    activated = F.dense(params, x, F.relu)
    np.testing.assert_allclose(activated, np.maximum(product + BIAS, 0), rtol=1e-5, atol=1e-6)


def test_gradient():
    x = RNG.normal(size=(2, 4)).astype(np.float32)
    params = {"kernel": jnp.asarray(KERNEL), "bias": jnp.asarray(BIAS)}
    dy = RNG.normal(size=(2, 3)).astype(np.float32)
    grads, dx = jax.grad(lambda p, x: jnp.sum(dy * F.dense(p, x)), argnums=(0, 1))(params, x)
    np.testing.assert_allclose(grads["kernel"], x.T @ dy, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(grads["bias"], dy.sum(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx, dy @ KERNEL.T, rtol=1e-5, atol=1e-6)


def test_dtype_jit_and_vmap():
    half = {"kernel": jnp.asarray(KERNEL, jnp.bfloat16), "bias": jnp.asarray(BIAS, jnp.bfloat16)}
    assert F.dense(half, jnp.ones((2, 4), jnp.bfloat16)).dtype == jnp.bfloat16
    params = {"kernel": KERNEL, "bias": BIAS}
    x = jnp.asarray(RNG.normal(size=(2, 5, 4)), jnp.float32)
    expected = F.dense(params, x)
    np.testing.assert_allclose(jax.jit(F.dense)(params, x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(lambda x: F.dense(params, x))(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("x", "kernel"), [((2, 3), (4, 3)), ((), (4, 3)), ((2, 4), (4,)), ((2, 4), (1, 4, 3))])
def test_shapes_that_do_not_fit_are_refused(x, kernel):
    with pytest.raises(
        ValueError, match=r"expected x of shape \[..., in\].*received x of shape \(.*kernel of shape \("
    ):
        F.dense({"kernel": np.ones(kernel)}, np.ones(x))


def test_the_activation_linear_is_not_hidden_by_the_module():
    import jtf.functional.linear as _  # noqa: F401

    assert F.linear is F.activations.linear
    assert F.linear(3.0) == 3.0
