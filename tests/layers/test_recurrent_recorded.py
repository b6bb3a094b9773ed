"""Recurrent layers and wrappers against TensorFlow.js: outputs, gradients, states, masks.

The cases are those of ``tests/oracle/record_recurrent.js``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from tests.corpus import cases

pytestmark = pytest.mark.usefixtures("weights_are_given")

CASES = [pytest.param(case, id=case["id"]) for case in cases("tfjs_recurrent.json.gz")]


@pytest.mark.parametrize("case", CASES)
def test_as_in_tfjs(case):
    layer = jtf.layers.deserialize({"className": case["className"], "config": case["config"]})
    layer.ensure_built(case["inputs"][0].shape)
    assert [w.name.partition("/")[2] for w in layer.weights] == case["names"]
    weights, mask = [jnp.asarray(w) for w in case["weights"]], case["mask"] and jnp.array(case["mask"], bool)
    lifted = jtf.lift(layer, {"weights": layer.weights, "states": layer.state_variables})

    def loss(weights, x, states):
        values = {"weights": weights, "states": states}
        result, new = lifted(values, [x, *case["initial"]] if case["initial"] else x, mask=mask)
        outputs = result if isinstance(result, list) else [result]
        return sum(jnp.sum(y**2) for y in outputs), (outputs, new["states"])

    step = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))
    states = jtf.values(layer.state_variables)
    for x, expected in zip(case["inputs"], case["outputs"], strict=True):
        (_, (outputs, states)), (by_weights, by_input) = step(weights, jnp.asarray(x), states)
        close(outputs, expected)
    if "byInput" in case:
        close([by_input], [case["byInput"]])
        close(by_weights, case["byWeights"])


def close(actual, expected):
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == e.shape
        np.testing.assert_allclose(a, e, rtol=2e-5, atol=2e-6)


def test_every_class_is_there():
    names = {case.values[0]["className"] for case in CASES}
    assert names == {"SimpleRNN", "GRU", "LSTM", "ConvLSTM2D", "RNN", "Bidirectional", "TimeDistributed"}
