"""The layers that merge, normalise, embed, attend and prepare data, as TensorFlow.js computes them.

The cases are those of ``tests/oracle/record_layers.js``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.naming import snake_case
from tests.corpus import cases

pytestmark = pytest.mark.usefixtures("weights_are_given")

CASES = cases("tfjs_layers.json.gz")
CALLS = [case for case in CASES if "output" in case]
MASKS = [case for case in CASES if "mask" in case]
each = {"ids": lambda case: case["id"]}


def layer_of(case):
    return jtf.layers.deserialize({"className": case["className"], "config": case["config"]})


def prepared(case):
    layer = layer_of(case)
    inputs = [jnp.asarray(x) for x in case["inputs"]]
    takes_list = len(inputs) > 1 or case["className"] == "MultiHeadAttention"
    layer.ensure_built([x.shape for x in inputs] if takes_list else inputs[0].shape)
    layer.set_weights([jnp.asarray(w) for w in case["weights"]])
    options = {snake_case(name): value for name, value in case["call"].items()}
    if case.get("masks"):
        options["mask"] = [None if mask is None else jnp.asarray(mask) for mask in case["masks"]]

    def call(inputs, **more):
        return layer(inputs if takes_list else inputs[0], **options, **more)

    return layer, inputs, call


def ramp(size):
    return jnp.linspace(0.5, 1.5, max(size, 2))[:size]


def test_every_kind_was_recorded():
    assert len(CALLS) > 160
    assert len(MASKS) == 8


@pytest.mark.parametrize("case", CASES, **each)
def test_configuration(case):
    layer = layer_of(case)
    if case["className"] == "MultiHeadAttention":  # written once it is built
        layer.ensure_built([x.shape for x in case["inputs"]])
    elif "inputs" in case and case["className"] not in ("Concatenate", "Dot"):
        layer.ensure_built(case["inputs"][0].shape if len(case["inputs"]) == 1 else [x.shape for x in case["inputs"]])
    ours, theirs = given(layer.get_config()), given(case["config"])
    assert {name: ours[name] for name in theirs} == theirs
    assert all(ours[name] in (False, "float32") for name in ours.keys() - theirs.keys())


def given(config):
    """A configuration without what is not given, at any depth."""
    if not isinstance(config, dict):
        return config
    return {name: given(value) for name, value in config.items() if value is not None}


@pytest.mark.parametrize("case", CALLS, **each)
def test_call(case):
    layer, inputs, call = prepared(case)
    outputs, expected = call(inputs), case["output"]
    largest = max(np.abs(x).max(initial=1) for x in (*case["inputs"], expected))
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6 * largest)
    assert (outputs.shape, outputs.dtype) == (expected.shape, expected.dtype)
    for weight, after in zip(layer.weights, case.get("weightsAfter") or [], strict=False):
        np.testing.assert_allclose(weight, after, rtol=1e-5, atol=1e-6)
    if "scores" in case:
        _, scores = call(inputs, return_attention_scores=True)
        np.testing.assert_allclose(scores, case["scores"], rtol=1e-5, atol=1e-6)


def loss_of(case):
    """The layer, and the loss whose gradients were recorded, as a function of its trainable weights and inputs."""
    layer, inputs, call = prepared(case)
    pure = jtf.lift(call, layer.weights)
    untrained = jtf.values(layer.non_trainable_weights)

    def loss(trained, inputs):
        outputs, _ = pure(trained + untrained, inputs)
        return jnp.sum(outputs.ravel() * ramp(case["output"].size))

    return loss, jtf.values(layer.trainable_weights), inputs


@pytest.mark.parametrize("case", [case for case in CALLS if case.get("inputGradients")], **each)
def test_gradients_of_inputs(case):
    loss, weights, inputs = loss_of(case)
    for ours, theirs in zip(jax.grad(loss, argnums=1)(weights, inputs), case["inputGradients"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", [case for case in CALLS if case.get("weightGradients")], **each)
def test_gradients_of_weights(case):
    loss, weights, inputs = loss_of(case)
    for ours, theirs in zip(jax.grad(loss)(weights, inputs), case["weightGradients"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("case", MASKS, **each)
def test_mask(case):
    several = len(case["inputs"]) > 1
    inputs = case["inputs"] if several else case["inputs"][0]
    result = layer_of(case).compute_mask(inputs, case["masks"] if several else case["masks"][0])
    if case["mask"] is None:
        assert result is None
    else:
        np.testing.assert_array_equal(result, case["mask"])
        assert result.dtype == bool
