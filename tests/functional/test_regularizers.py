"""Penalties against TensorFlow.js."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtf.functional import regularizers
from tests.functional.recorded import case_id, recorded

OURS = {"l1": regularizers.l1, "l2": regularizers.l2, "l1l2": regularizers.l1_l2}


@pytest.mark.parametrize("case", recorded("regularizer"), ids=case_id)
def test_values_and_gradients_of_tfjs(case):
    value, grad = jax.value_and_grad(OURS[case["name"]])(jnp.asarray(case["args"][0]), **case["config"])
    np.testing.assert_allclose(value, case["result"], rtol=1e-6, strict=True)
    np.testing.assert_allclose(grad, case["grad"], rtol=1e-6)


def test_defaults_and_dtypes():
    x = jnp.array([1.0, -2.0], jnp.bfloat16)
    np.testing.assert_allclose(regularizers.l1(x.astype(jnp.float32)), 0.03, rtol=1e-6)
    np.testing.assert_allclose(regularizers.l2(x.astype(jnp.float32)), 0.05, rtol=1e-6)
    assert all(penalty(x).dtype == jnp.bfloat16 for penalty in OURS.values())


def test_gradient_at_zero_is_zero():
    for penalty in OURS.values():
        np.testing.assert_array_equal(jax.grad(penalty)(jnp.zeros(3)), 0)


def test_jit_and_vmap_change_nothing():
    x = jnp.arange(6.0).reshape(2, 3) - 2
    for penalty in OURS.values():
        rows = jax.jit(jax.vmap(penalty))(x)
        np.testing.assert_allclose(rows, [penalty(row) for row in x], rtol=1e-6)
