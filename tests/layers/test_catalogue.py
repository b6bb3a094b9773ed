"""What must hold for every layer."""

from __future__ import annotations

import copy
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import jtf
from jtf.layers.base import Layer
from jtf.layers.shapes import traced_output_shape
from jtf.naming import camel_case, snake_case, words_in_snake_case
from tests.layers.catalogue import ROWS
from tests.layers.catalogue.row import with_batch

every_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])


def built(row, **options):
    layer = row.make(**options)
    layer.ensure_built(row.batched_shape)
    layer.build_sublayers(row.batched_shape)
    return layer


def pure(layer, **options):
    """The layer as a function of its weights' values and its input, jitted."""
    state = {"weights": layer.weights, "states": layer.state_variables}
    lifted = jtf.lift(lambda x: layer(x, **options), state)

    def call(values, x, rng=None):
        return lifted({"weights": values, "states": jtf.values(layer.state_variables)}, x, rng=rng)[0]

    return jax.jit(call)


def shape_of(tree):
    return jax.tree.map(lambda x: x.shape, tree)


def assert_close(actual, expected, **tolerance):
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), actual, expected)


def test_every_layer_has_a_row():
    public = {value for value in vars(jtf.layers).values() if isinstance(value, type) and issubclass(value, Layer)}
    assert public - {Layer} == {type(row.make()) for row in ROWS}


@every_row
def test_the_configuration_makes_the_same_layer_again(row):
    layer = built(row)
    config = layer.get_config()
    json.dumps(config)
    assert all(camel_case(snake_case(key)) == key for key in config), "written as TF.js writes it"
    for spelled in (config, in_snake_case(config), json.loads(json.dumps(config))):
        again = jtf.layers.deserialize({"class_name": layer.class_name, "config": spelled})
        assert type(again) is type(layer)
        assert again.get_config() == config
    again.ensure_built(row.batched_shape)
    again.build_sublayers(row.batched_shape)
    again.set_weights(layer.get_weights())
    assert_close(again(row.inputs()), layer(row.inputs()), rtol=0)


def in_snake_case(value):
    """As Keras' files are written: names and the names of nested options."""
    if isinstance(value, dict):
        return {snake_case(key): in_snake_case(item) for key, item in value.items()}
    return [in_snake_case(item) for item in value] if isinstance(value, list) else value


@every_row
def test_the_output_has_the_shape_that_was_said(row):
    layer = built(row)
    x = row.inputs()
    real = shape_of(layer(x))
    assert layer.compute_output_shape(shape_of(x)) == real
    said = layer.compute_output_shape(row.batched_shape)
    assert said == jax.tree.map(lambda s: (row.built_batch, *s[1:]), real, is_leaf=lambda s: isinstance(s, tuple))
    assert traced_output_shape(layer, row.batched_shape) == said, "found by tracing"
    for shape in row.open_shapes:
        assert traced_output_shape(layer, with_batch(shape)) == layer.compute_output_shape(with_batch(shape))


@every_row
def test_weights_have_the_names_of_tfjs(row):
    layer = built(row)
    assert [w.name for w in layer.weights] == [f"{layer.name}/{name}" for name in row.weights]
    trainable = layer.trainable_weights
    assert all(w.trainable for w in trainable)
    assert layer.count_params() == sum(w.size for w in layer.weights)
    layer.trainable = False
    assert layer.trainable_weights == []
    assert {w.name for w in layer.weights} == {f"{layer.name}/{n}" for n in row.weights}


@every_row
def test_automatic_names_are_counted_by_class(row):
    first, second = row.make(name=None), row.make(name=None)
    stem = f"{words_in_snake_case(type(first).__name__)}_{type(first).__name__}"
    numbers = [int(layer.name.removeprefix(stem)) for layer in (first, second)]
    assert numbers[1] == numbers[0] + 1


@every_row
def test_eager_jitted_and_mapped_are_equal(row):
    layer, x = built(row), row.inputs()
    layer.reset_states()
    eager, values = layer(x), layer.get_weights()
    layer.reset_states()
    assert_close(pure(layer)(values, x), eager, rtol=1e-5, atol=1e-6)
    assert_close(layer(jax.tree.map(np.asarray, x)), eager, rtol=0)
    layer.reset_states()
    # A batch of weights, as of an ensemble: each member computes what it would alone.
    ensemble = [jnp.stack([v, v * 0.5 + 0.1]) for v in values]
    mapped = jax.jit(jax.vmap(pure(layer), in_axes=(0, None)))(ensemble, x) if values else None
    for member in range(2 if values else 0):
        alone = pure(layer)([v[member] for v in ensemble], x)
        assert_close(jax.tree.map(lambda m, i=member: m[i], mapped), alone, rtol=1e-5, atol=1e-5)


@every_row
def test_gradients_are_those_of_finite_differences(row):
    layer, x = built(row), row.inputs()
    if not row.differentiable:
        pytest.skip("the layer counts or looks up: nothing to differentiate")
    values = [v + 0.1 * jnp.cos(jnp.arange(v.size, dtype=v.dtype)).reshape(v.shape) for v in layer.get_weights()]
    if row.integers is None:
        function, arguments = pure(layer), (values, x)
    else:
        function, arguments = (lambda values: pure(layer)(values, x)), (values,)
    check_grads(function, arguments, order=1, modes=["rev"], atol=1e-2, rtol=1e-2, eps=1e-3)


@every_row
def test_bfloat16_stays_unless_weights_are_float32(row):
    layer = built(row)
    if row.integers is not None:
        pytest.skip("the inputs are integers")
    layer.reset_states()
    outputs = layer(row.inputs(dtype=jnp.bfloat16))
    expected = jnp.float32 if row.weights or row.resists_bfloat16 else jnp.bfloat16
    assert {o.dtype for o in jax.tree.leaves(outputs)} == {jnp.dtype(expected)}
    layer.reset_states()
    wide = jax.tree.map(lambda o: o.astype(jnp.float32), outputs)
    assert_close(wide, layer(row.inputs()), rtol=0.05, atol=0.05)


@every_row
def test_float64_and_integers_do_not_widen(row):
    layer = built(row)
    doubles = jax.tree.map(lambda x: np.asarray(x, np.float64), row.inputs())
    layer.reset_states()
    outputs = layer(doubles)
    assert {o.dtype for o in jax.tree.leaves(outputs)} == {jnp.dtype("float32")}
    numbers = jax.tree.map(lambda x: np.ones(x.shape, np.int32), row.inputs())
    layer.reset_states()
    of_integers = layer(numbers)
    layer.reset_states()
    assert_close(of_integers, layer(jax.tree.map(lambda x: x.astype(np.float32), numbers)), rtol=1e-6)


@every_row
def test_only_random_layers_know_that_they_are_trained(row):
    layer, x = built(row), row.inputs(4 if row.batch == 2 else None)
    trained, values = pure(layer, training=True), layer.get_weights()
    one, same, other = (trained(values, x, rng=jax.random.key(seed)) for seed in (1, 1, 4))
    assert_close(one, same, rtol=0)
    resting = pure(layer, training=False)(values, x)
    assert_close(pure(layer)(values, x), resting, rtol=0)

    def differ(a, b):
        leaves = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
        return any(p.shape != q.shape or not np.allclose(p, q, rtol=1e-5, atol=1e-6) for p, q in leaves)

    assert differ(one, resting) == (row.random or row.training_differs)
    assert differ(one, other) == row.random


@every_row
def test_one_fit(row):
    layer = row.make()
    sizes = row.shape if isinstance(row.shape, list) else [row.shape]
    dtype = "float32" if row.integers is None else "int32"
    batch = row.batch if layer.stateful else None
    inputs = [jtf.input(batch_shape=(batch, *shape), dtype=dtype) for shape in sizes]
    outputs = layer(inputs if isinstance(row.shape, list) else inputs[0])
    first = outputs[0] if isinstance(outputs, list) else outputs
    flat = jtf.layers.flatten()(first) if len(first.shape) > 2 else first
    model = jtf.model(inputs=inputs, outputs=jtf.layers.dense(units=1)(flat))
    model.compile(optimizer="sgd", loss="meanSquaredError")
    x, before = jax.tree.map(np.asarray, row.inputs()), model.get_weights()
    history = model.fit(x, np.ones(row.batch), epochs=1, batch_size=row.batch, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    names = {w.name for w, old in zip(model.weights, before, strict=True) if not np.array_equal(w, old)}
    trained = {w.name for w in model.trainable_weights}
    frozen = {w.name for w in layer.non_trainable_weights}
    assert trained <= names
    assert names - trained <= (frozen if row.training_differs else set())


@every_row
def test_a_mask_passes_or_is_refused(row):
    layer, x, mask = built(row), row.inputs(), jnp.ones((2,), bool)
    if row.own_mask:
        pytest.skip("the layer makes or changes masks: tested with its family")
    assert layer.compute_mask(x, None) is None
    if layer.supports_masking:
        assert layer.compute_mask(x, mask) is mask
    else:
        with pytest.raises(TypeError, match="does not support masking"):
            layer.compute_mask(x, mask)


@every_row
def test_copies_are_independent_and_compute_the_same(row):
    layer, x = built(row), row.inputs()
    layer.reset_states()
    expected = layer(x)
    copies = [copy.deepcopy(layer)]
    if not any(callable(value) and not hasattr(value, "get_config") for value in row.given().values()):
        copies.append(pickle.loads(pickle.dumps(layer)))
    for again in copies:
        again.reset_states()
        assert_close(again(x), expected, rtol=0)
        for weight, original in zip(again.weights, layer.weights, strict=True):
            assert weight is not original
            before = np.asarray(original)
            weight.assign(weight + jnp.ones_like(weight.read()))
            np.testing.assert_array_equal(original, before)


@every_row
def test_an_unknown_option_is_refused(row):
    with pytest.raises(ValueError, match="has no option 'unitz'"):
        row.make(unitz=3)
