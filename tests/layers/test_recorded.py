"""Calls of layers, shapes, masks and errors that were recorded while TensorFlow.js's own unit tests ran."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.naming import snake_case
from tests.corpus import cases
from tests.layers.replay import call, layer_of, params, prepare, shapes_of

pytestmark = pytest.mark.usefixtures("weights_are_given")

CALLS = cases("corpus_layers.jsonl.gz") + cases("corpus_layers_nested.jsonl.gz")
SHAPES = cases("corpus_layer_shapes.jsonl.gz")
MASKS = cases("corpus_masks.jsonl.gz")
ERRORS = cases("corpus_layer_errors.jsonl.gz")

#: Calls that are not compared, and why.
NOT_CALLED: dict[str, str] = {
    "5bfa036ee0c5": "the model that is applied to each step says that it takes a whole sequence; refused here",
    "2ed4fb2fedfc": "the same model, in a Sequential",
}
#: Shapes that are not compared, and why.
NOT_SHAPED: dict[str, str] = {
    "52c6055788b7": "a convolution's window that does not fit: TensorFlow.js says a negative size, jtf refuses",
}


@pytest.mark.parametrize("case", params(CALLS, NOT_CALLED))
def test_call(case):
    layer = prepare(case)
    outputs = call(layer, case)
    expected = case["outputs"]
    if isinstance(expected, list) and len(expected) == 1 and not isinstance(outputs, list):
        (expected,) = expected
    assert jax.tree.structure(outputs) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(outputs), jax.tree.leaves(expected), strict=True):
        largest = np.abs(np.where(np.isfinite(theirs), theirs, 0)).max(initial=1)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * largest)
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
    for weight, after in zip(layer.weights, case.get("weightsAfter") or [], strict=False):
        np.testing.assert_allclose(weight, after["array"], rtol=1e-5, atol=1e-6)
    for states in (case.get("statesAfter") or {}).values():
        for state, after in zip(layer.state_variables, states, strict=True):
            np.testing.assert_allclose(state, after, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", params(SHAPES, NOT_SHAPED))
def test_shape(case):
    layer = layer_of(case)
    given, expected = shapes_of(case["inputShapes"]), shapes_of(case["outputShapes"])
    if isinstance(given, list) and len(given) == 1:
        (given,) = given
    if case["method"] == "apply":
        inputs = jax.tree.map(lambda s: jtf.input(batch_shape=s), given, is_leaf=lambda s: isinstance(s, tuple))
        outputs = layer(inputs)
        several = isinstance(outputs, list)
        assert ([o.shape for o in outputs] if several else outputs.shape) == expected
        assert ([o.dtype for o in outputs] if several else outputs.dtype) == case["outputDtypes"]
    else:
        layer.ensure_built(given)
    assert layer.compute_output_shape(given) == expected


@pytest.mark.parametrize("case", params(MASKS, {}))
def test_mask(case):
    x, mask, expected = (
        value[0] if isinstance(value, list) else value for value in (case["inputs"], case["mask"], case["result"])
    )
    result = layer_of(case).compute_mask(jnp.asarray(x), mask)
    if expected is None:
        assert result is None
    else:
        np.testing.assert_array_equal(result, expected)


def fails(case: dict[str, Any]) -> None:
    """Do what TensorFlow.js refused."""
    match case["what"]:
        case "constructor":
            name = case["function"].removeprefix("layers.").removeprefix("new ")
            factory = getattr(jtf.layers, snake_case(name), None) or getattr(jtf.layers, name)
            factory(**case["args"][0])
        case "apply" | "computeMask" | "computeOutputShape":
            layer = layer_of(case)
            shapes = shapes_of(case["inputShapes"])
            if case["weightShapes"]:
                layer.ensure_built((None, case["weightShapes"][0][0]))
            if case["what"] == "computeMask":
                layer.compute_mask([jnp.zeros(shape) for shape in shapes], *case.get("args", [])[1:])
                return
            layer.ensure_built(shapes)
            layer.compute_output_shape(shapes)
            if None not in jax.tree.leaves(shapes):
                layer(jax.tree.map(jnp.zeros, shapes, is_leaf=lambda s: isinstance(s, tuple)))
        case "predict":
            options = {snake_case(key): value for key, value in (case["args"] or {}).items()}
            shapes = shapes_of(case["inputShapes"])
            zeros = jax.tree.map(lambda s: np.zeros(s, np.float32), shapes, is_leaf=lambda s: isinstance(s, tuple))
            layer_of(case).predict(zeros, **options)
        case "evaluate" | "fit":
            model = layer_of(case)
            if case["errorClass"] != "RuntimeError":
                model.compile(optimizer="sgd", loss="meanSquaredError")
            arrays = [np.zeros(arg["tensorShape"], np.float32) for arg in case["args"][:2]]
            options = {snake_case(k): v for k, v in (case["args"][2] if len(case["args"]) > 2 else {}).items()}
            getattr(model, case["what"])(*arrays, **options)
        case "fitDataset":  # the batches were not recorded: they lacked what one of the outputs wants
            model = layer_of(case)
            model.compile(optimizer="sgd", loss="meanSquaredError")
            options = {snake_case(key): value for key, value in case["args"].items()}
            ones = np.ones((8, 1), np.float32)
            model.fit_dataset([{"xs": ones, "ys": {model.output_names[0]: ones}}] * 3, verbose=0, **options)
        case "loadWeights":
            model, (given, _) = layer_of(case), case["args"]
            model.set_weights([np.zeros(given[weight.name]["tensorShape"], np.float32) for weight in model.weights])
        case "compile":
            layer_of(case).compile(**case["args"])
        case "getLayer":
            layer_of(case).get_layer(index=case["args"][0])
        case "add":
            (given,) = case["args"]
            layer_of(case).add(jtf.layers.deserialize({"className": given["instance"], "config": given["config"]}))


#: What TensorFlow.js refuses and jtf does not, or what is not tried here, and why.
NOT_REFUSED = {
    "58842ff6b0b0": "masks that do not go with the inputs: the masks were not recorded",
    "5426677be473": "a model that had been disposed of: arrays here are freed by themselves",
    "51178532f3d7": "a model that had been disposed of",
    "5825843e426b": "a model that had been disposed of",
    "239fb3a7bf4d": "a model that had been disposed of",
    "48a49a19cc70": "a layer that had been disposed of",
    "193e1299b325": "a first layer without input_shape: the model is built when it sees its first data",
}


@pytest.mark.parametrize("case", params(ERRORS, NOT_REFUSED))
def test_error(case):
    refused = RuntimeError if case["errorClass"] == "RuntimeError" else (ValueError, TypeError)
    with pytest.raises(refused):
        fails(case)
