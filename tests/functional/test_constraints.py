"""Projections of weights against TensorFlow.js."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtf.functional import constraints
from tests.functional.recorded import case_id, recorded

OURS = {
    "maxNorm": constraints.max_norm,
    "minMaxNorm": constraints.min_max_norm,
    "nonNeg": constraints.non_neg,
    "unitNorm": constraints.unit_norm,
}
SNAKE = {"maxValue": "max_value", "minValue": "min_value", "rate": "rate", "axis": "axis"}


@pytest.mark.parametrize("case", recorded("constraint"), ids=case_id)
def test_values_of_tfjs(case):
    config = {SNAKE[key]: tuple(v) if isinstance(v, list) else v for key, v in case["config"].items()}
    result = OURS[case["name"]](*case["args"], **config)
    np.testing.assert_allclose(result, case["result"], rtol=1e-6, atol=1e-7, strict=True)


def test_every_constraint_has_recorded_cases():
    assert {case["name"] for case in recorded("constraint")} == OURS.keys()


def test_lengths():
    w = jnp.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]])
    for constrained, lengths in [
        (constraints.max_norm(w), [2, 0.5, 0]),
        (constraints.max_norm(w, 1.0), [1, 0.5, 0]),
        (constraints.unit_norm(w), [1, 1, 0]),
        (constraints.min_max_norm(w), [1, 0.5, 0]),
        (constraints.min_max_norm(w, 2.0, 4.0), [4, 2, 0]),
        (constraints.min_max_norm(w, 2.0, 4.0, rate=0.5), [4.5, 1.25, 0]),
    ]:
        np.testing.assert_allclose(jnp.linalg.norm(constrained, axis=0), lengths, rtol=1e-5)
    np.testing.assert_array_equal(constraints.non_neg([-1.0, 0.0, 2.0]), [0, 0, 2])


def test_dtypes_jit_and_vmap():
    w = jnp.arange(12.0).reshape(2, 3, 2) - 5
    for constraint in OURS.values():
        assert constraint(w.astype(jnp.bfloat16)).dtype == jnp.bfloat16
        np.testing.assert_allclose(jax.jit(jax.vmap(constraint))(w)[1], constraint(w[1]), rtol=1e-6)
