"""What must hold for every layer."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import jtf
from jtf.layers.base import Layer, _traced_output_shape
from jtf.naming import camel_case, snake_case
from tests.layers.catalogue import ROWS

every_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])


def built(row, **options):
    layer = row.make(**options)
    layer.ensure_built((None, *row.shape))
    return layer


def pure(layer, **options):
    """The layer as a function of its weights' values and its input, jitted."""
    lifted = jtf.lift(lambda x: layer(x, **options), layer.weights)
    return jax.jit(lambda values, x, rng=None: lifted(values, x, rng=rng)[0])


def test_no_layer_is_missing():
    made = {type(row.make()) for row in ROWS}
    public = {value for value in vars(jtf.layers).values() if isinstance(value, type) and issubclass(value, Layer)}
    assert {cls for cls in public if cls.__module__ in OWN_MODULES} - {Layer} == made


#: The layers that are in the catalogue; those of other modules are in catalogues of their own.
OWN_MODULES = ("jtf.layers.core", "jtf.layers.activations", "jtf.layers.reshaping")


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
    again.ensure_built((None, *row.shape))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(row.inputs()), layer(row.inputs()))


def in_snake_case(value):
    """As Keras' files are written: names and the names of nested options."""
    if isinstance(value, dict):
        return {snake_case(key): in_snake_case(item) for key, item in value.items()}
    return [in_snake_case(item) for item in value] if isinstance(value, list) else value


@every_row
def test_the_output_has_the_shape_that_was_said(row):
    layer = built(row)
    x = row.inputs()
    real = layer(x).shape
    assert layer.compute_output_shape(x.shape) == real
    said = layer.compute_output_shape((None, *row.shape))
    assert said == (None, *real[1:])
    assert _traced_output_shape(layer, (None, *row.shape)) == said, "found by tracing"
    for shape in row.open_shapes:
        assert _traced_output_shape(layer, (None, *shape)) == layer.compute_output_shape((None, *shape))


@every_row
def test_weights_have_the_names_of_tfjs(row):
    layer = built(row)
    assert [w.name for w in layer.weights] == [f"{layer.name}/{name}" for name in row.weights]
    trainable = layer.trainable_weights
    assert len(trainable) == (len(row.weights) if layer.trainable else 0)
    assert layer.count_params() == sum(w.size for w in layer.weights)
    layer.trainable = False
    assert (layer.trainable_weights, [w.name for w in layer.weights]) == (
        [],
        [f"{layer.name}/{n}" for n in row.weights],
    )


@every_row
def test_automatic_names_are_counted_by_class(row):
    first, second = row.make(name=None), row.make(name=None)
    stem = f"{snake_case(type(first).__name__)}_{type(first).__name__}"
    numbers = [int(layer.name.removeprefix(stem)) for layer in (first, second)]
    assert numbers[1] == numbers[0] + 1


@every_row
def test_eager_jitted_and_mapped_are_equal(row):
    layer, x = built(row), row.inputs()
    eager, values = layer(x), layer.get_weights()
    np.testing.assert_allclose(pure(layer)(values, x), eager, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(layer(np.asarray(x)), eager)
    # A batch of weights, as of an ensemble: each member computes what it would alone.
    ensemble = [jnp.stack([v, 2 * v + 0.1]) for v in values]
    mapped = jax.jit(jax.vmap(pure(layer), in_axes=(0, None)))(ensemble, x) if values else None
    for member in range(2 if values else 0):
        alone = pure(layer)([v[member] for v in ensemble], x)
        np.testing.assert_allclose(mapped[member], alone, rtol=1e-5, atol=1e-6)


@every_row
def test_gradients_are_those_of_finite_differences(row):
    layer, x = built(row), row.inputs()
    values = [v + 0.1 * jnp.cos(jnp.arange(v.size, dtype=v.dtype)).reshape(v.shape) for v in layer.get_weights()]
    check_grads(pure(layer), (values, x), order=1, modes=["rev"], atol=1e-2, rtol=1e-2, eps=1e-3)


@every_row
def test_bfloat16_stays_unless_weights_are_float32(row):
    layer = built(row)
    outputs = layer(row.inputs(dtype=jnp.bfloat16))
    assert outputs.dtype == (jnp.float32 if row.weights else jnp.bfloat16)
    np.testing.assert_allclose(outputs.astype(jnp.float32), layer(row.inputs()), rtol=0.05, atol=0.05)


@every_row
def test_float64_and_integers_do_not_widen(row):
    layer = built(row)
    assert layer(np.asarray(row.inputs(), np.float64)).dtype == jnp.float32
    numbers = np.ones((2, *row.shape), np.int32)
    np.testing.assert_allclose(layer(numbers), layer(numbers.astype(np.float32)), rtol=1e-6)


@every_row
def test_only_random_layers_know_that_they_are_trained(row):
    layer, x = built(row), row.inputs(4)
    trained, values = pure(layer, training=True), layer.get_weights()
    one, same, other = (trained(values, x, rng=jax.random.key(seed)) for seed in (1, 1, 4))
    np.testing.assert_array_equal(one, same)
    resting = layer(x, training=False)
    np.testing.assert_array_equal(layer(x), resting)
    if not row.random:
        np.testing.assert_allclose(one, resting, rtol=1e-6, atol=1e-7)
    else:
        assert not np.array_equal(one, resting)
        assert not np.array_equal(one, other)


@every_row
def test_one_fit(row):
    layer = row.make(**({} if "input_shape" in row.options else {"input_shape": row.shape}))
    model = jtf.sequential([layer, *([jtf.layers.flatten()] if len(layer(row.inputs()).shape) > 2 else [])])
    model.add(jtf.layers.dense(units=1))
    model.compile(optimizer="sgd", loss="meanSquaredError")
    x, before = np.asarray(row.inputs(5)), model.get_weights()
    history = model.fit(x, np.ones(5), epochs=1, batch_size=5, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    names = [w.name for w, old in zip(model.weights, before, strict=True) if not np.array_equal(w, old)]
    frozen = [w.name for w in layer.non_trainable_weights]
    assert set(names) == {w.name for w in model.weights} - set(frozen)


@every_row
def test_a_mask_passes_or_is_refused(row):
    layer, x, mask = built(row), row.inputs(), jnp.ones((2,), bool)
    assert layer.compute_mask(x, None) is None
    if layer.supports_masking:
        assert layer.compute_mask(x, mask) is mask
    else:
        with pytest.raises(TypeError, match="does not support masking"):
            layer.compute_mask(x, mask)


@every_row
def test_an_unknown_option_is_refused(row):
    with pytest.raises(ValueError, match="has no option 'unitz'"):
        row.make(unitz=3)
