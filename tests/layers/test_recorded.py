"""Calls of layers, shapes, masks and errors that were recorded while TensorFlow.js's own unit tests ran."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.naming import snake_case
from tests.corpus import cases
from tests.layers.replay import layer_of, params, shapes_of

CALLS = cases("corpus_layers.jsonl.gz")
SHAPES = cases("corpus_layer_shapes.jsonl.gz")
MASKS = cases("corpus_masks.jsonl.gz")
ERRORS = cases("corpus_layer_errors.jsonl.gz")


def arrays(value: Any) -> Any:
    return [arrays(item) for item in value] if isinstance(value, list) else jnp.asarray(value)


@pytest.mark.parametrize("case", params(CALLS, {}))
def test_call(case):
    layer = layer_of(case)
    inputs = arrays(case["inputs"])
    if isinstance(inputs, list) and len(inputs) == 1:
        (inputs,) = inputs
    if not layer.built:
        layer.ensure_built(inputs.shape)
    layer.set_weights([w["array"] for w in case["weights"]])
    assert [w.shape for w in layer.weights] == [w["array"].shape for w in case["weights"]]
    # TensorFlow.js hands all options of a call on to every layer, whether it knows them or not.
    known = ("training", "mask", "batchSize")
    kwargs = {key: value for key, value in (case["kwargs"] or {}).items() if key in known and value is not None}
    if case["method"] == "predict":
        outputs = layer.predict(inputs, batch_size=kwargs.get("batchSize", 32))
    elif case["method"] == "predictOnBatch":
        outputs = layer.predict_on_batch(inputs)
    else:
        outputs = layer(inputs, **kwargs)
    np.testing.assert_allclose(outputs, case["outputs"], rtol=1e-5, atol=1e-6)
    assert outputs.shape == case["outputs"].shape
    assert outputs.dtype == case["outputs"].dtype


@pytest.mark.parametrize("case", params(SHAPES, {}))
def test_shape(case):
    layer = layer_of(case)
    given, expected = shapes_of(case["inputShapes"]), shapes_of(case["outputShapes"])
    layer.ensure_built(given)
    assert layer.compute_output_shape(given) == expected


@pytest.mark.parametrize("case", params(MASKS, {}))
def test_mask(case):
    (x,), (mask,), (expected,) = case["inputs"], case["mask"], case["result"]
    assert layer_of(case).compute_mask(x, mask) == expected


def fails(case: dict[str, Any]) -> None:
    """Do what TensorFlow.js refused."""
    match case["what"]:
        case "constructor":
            factory = getattr(jtf.layers, snake_case(case["function"].removeprefix("layers.")))
            factory(**case["args"][0])
        case "apply":
            layer = layer_of(case)
            if case["weightShapes"]:
                layer.ensure_built((None, case["weightShapes"][0][0]))
            layer.ensure_built(shape := tuple(case["inputShapes"]))
            layer.compute_output_shape(shape)
            if None not in shape:
                layer(jnp.zeros(shape))
        case "predict":
            options = {snake_case(key): value for key, value in (case["args"] or {}).items()}
            layer_of(case).predict(np.zeros(case["inputShapes"], np.float32), **options)
        case "evaluate":
            layer_of(case).evaluate(*(np.zeros(arg["tensorShape"], np.float32) for arg in case["args"]))
        case "getLayer":
            layer_of(case).get_layer(index=case["args"][0])
        case "add":
            (given,) = case["args"]
            layer_of(case).add(jtf.layers.deserialize({"className": given["instance"], "config": given["config"]}))


#: What TensorFlow.js refuses and jtf does not, or what is not tried here, and why.
NOT_REFUSED = {
    "5426677be473": "a model that had been disposed of: arrays here are freed by themselves",
    "51178532f3d7": "a model that had been disposed of",
    "48a49a19cc70": "a layer that had been disposed of",
    "193e1299b325": "a first layer without input_shape: the model is built when it sees its first data",
    "3301509a9508": "a convolution: that layer has tests of its own",
    "1b1c75ff252d": "a convolution: that layer has tests of its own",
}


@pytest.mark.parametrize("case", params(ERRORS, NOT_REFUSED))
def test_error(case):
    refused = RuntimeError if case["what"] == "evaluate" else (ValueError, TypeError)
    with pytest.raises(refused):
        fails(case)
