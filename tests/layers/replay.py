"""Layers and models out of recorded cases."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jtf
from jtf.naming import snake_case


def layer_of(case: dict[str, Any]) -> jtf.layers.Layer:
    """The layer or model that a case was recorded with, without its weights."""
    described = case.get("topology") or {"className": case["className"], "config": case["config"]}
    return jtf.layers.deserialize(described)


def prepare(case: dict[str, Any]) -> jtf.layers.Layer:
    """The layer of a recorded call, built for its inputs, with the recorded weights and states."""
    layer = layer_of(case)
    shapes = jax.tree.map(lambda x: x.shape, _inputs(case))
    if not layer.built:
        layer.ensure_built(shapes)
    layer.build_sublayers(shapes)
    # TensorFlow.js leaves the weights of layers inside of some layers out of their own.
    for path, weights in (case.get("subWeights") or {}).items():
        getattr(layer, snake_case(path)).set_weights([w["array"] for w in weights])
    if not case.get("subWeights"):
        layer.set_weights([w["array"] for w in case["weights"]])
    for states in (case.get("statesBefore") or {}).values():
        for state, before in zip(layer.state_variables, states, strict=True):
            state.assign(jnp.asarray(before))
    return layer


def call(layer: jtf.layers.Layer, case: dict[str, Any]) -> Any:
    """What the layer gives for the recorded inputs."""
    inputs, given = _inputs(case), case["kwargs"] or {}
    if case["method"] == "predict":
        return layer.predict(inputs, batch_size=given.get("batchSize") or 32)
    if case["method"] == "predictOnBatch":
        return layer.predict_on_batch(inputs)
    # TensorFlow.js hands all options of a call on to every layer, whether it knows them or not.
    options = {
        snake_case(key): jax.tree.map(jnp.asarray, value)
        for key, value in given.items()
        if key not in ("batchSize", "verbose", "training") and value is not None and takes(layer, snake_case(key))
    }
    if case["method"] == "call" and case.get("inputMasks"):
        options["mask"] = case["inputMasks"]
    if given.get("training") is not None:
        options["training"] = bool(given["training"])
    return layer(inputs, **options)


def takes(layer: jtf.layers.Layer, option: str) -> bool:
    """Whether a layer's call knows an option by name, or hands on whatever it is given."""
    called = inspect.signature(type(layer).call).parameters
    return option in {*called, *inspect.signature(type(layer).__call__).parameters} or any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in called.values()
    )


def _inputs(case: dict[str, Any]) -> Any:
    inputs = jax.tree.map(jnp.asarray, case["inputs"])
    return inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs


def shapes_of(recorded: Any) -> Any:
    """A shape, or a list of them: a list of numbers is one shape."""
    if recorded is None:
        return None
    if any(isinstance(item, list) for item in recorded):
        return [shapes_of(item) for item in recorded]
    return tuple(recorded)


def params(cases: list[dict[str, Any]], left_out: dict[str, str]) -> list[Any]:
    """The cases to run, by class and id; an id that is left out must exist."""
    ids = [case["id"] for case in cases]
    assert len(set(ids)) == len(ids)
    assert left_out.keys() <= set(ids), left_out.keys() - set(ids)
    return [
        pytest.param(case, id=f"{case.get('className') or case['topology']['class_name']}-{case['id']}")
        for case in cases
        if case["id"] not in left_out
    ]
