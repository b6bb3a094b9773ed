"""What must hold for every layer.

Compiling is what these tests cost. Those of one row run one after the other and share its layer, built, and a compiled
function; where two calls should compute the same, their programs are compared rather than their results; and the
compiler is told to hurry.
"""

from __future__ import annotations

import copy
import json
import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_vjp

import jtf
from jtf.layers.base import Layer
from jtf.layers.shapes import traced
from jtf.naming import camel_case, snake_case, words_in_snake_case
from tests.layers.catalogue import ROWS
from tests.layers.catalogue.row import with_batch

#: The first row of each factory, by id.
FIRST = {row.factory: row.id for row in reversed(ROWS)}.values()


@pytest.fixture(scope="module", params=[pytest.param(row, id=row.id) for row in ROWS])
def row(request):
    return request.param


@pytest.fixture(scope="module")
def layer(row):
    """The row's layer, built; no test changes it."""
    return built(row)


@pytest.fixture(scope="module")
def values(layer):
    """Those of its weights, in numpy, which compiles nothing."""
    return [np.asarray(value) for value in layer.get_weights()]


@pytest.fixture(scope="module")
def forward(layer):
    """The layer as a compiled function of its weights' values and its input."""
    return jax.jit(pure(layer))


def built(row, **options):
    layer = row.make(**options)
    layer.ensure_built(row.batched_shape)
    layer.build_sublayers(row.batched_shape)
    return layer


def pure(layer, **options):
    """A call of the layer as a function of its weights' values and its input."""
    return lifted(layer, lambda x: layer(x, **options))


def lifted(layer, call):
    state = {"weights": layer.weights, "states": layer.state_variables}
    function = jtf.lift(call, state)

    def apply(values, *inputs, rng=None):
        return function({"weights": values, "states": jtf.values(layer.state_variables)}, *inputs, rng=rng)[0]

    return apply


def program(function, *inputs):
    """What a function computes, in jax's notation, with the constants in it."""
    closed = jax.make_jaxpr(lambda key, *inputs: function(*inputs, rng=key))(jax.random.key(0), *inputs)
    return re.sub(r" at 0x[0-9a-f]+", "", str(closed)), [np.asarray(const).tolist() for const in closed.consts]


def programs(layer, x):
    """What the layer computes from its weights and its input, while predicting and while it is trained."""
    return [program(pure(layer, training=training), layer.get_weights(), x) for training in (False, True)]


def shape_of(tree):
    return jax.tree.map(lambda x: x.shape, tree)


def assert_close(actual, expected, **tolerance):
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), actual, expected)


def test_every_layer_has_a_row():
    public = {value for value in vars(jtf.layers).values() if isinstance(value, type) and issubclass(value, Layer)}
    assert public - {Layer} == {type(row.make()) for row in ROWS}


def test_the_configuration_makes_the_same_layer_again(row, layer, values):
    config = layer.get_config()
    json.dumps(config)
    assert all(camel_case(snake_case(key)) == key for key in config), "written as TF.js writes it"
    for spelled in (config, in_snake_case(config), json.loads(json.dumps(config))):
        again = jtf.layers.deserialize({"class_name": layer.class_name, "config": spelled})
        assert type(again) is type(layer)
        assert again.get_config() == config
    again.ensure_built(row.batched_shape)
    again.build_sublayers(row.batched_shape)
    again.set_weights(values)
    assert programs(again, row.inputs()) == programs(layer, row.inputs())


def in_snake_case(value):
    """As Keras' files are written: names and the names of nested options."""
    if isinstance(value, dict):
        return {snake_case(key): in_snake_case(item) for key, item in value.items()}
    return [in_snake_case(item) for item in value] if isinstance(value, list) else value


def test_the_output_has_the_shape_that_was_said(row, layer, values):
    x = row.inputs()
    real = shape_of(jax.eval_shape(pure(layer), values, x))
    assert layer.compute_output_shape(shape_of(x)) == real
    said = layer.compute_output_shape(row.batched_shape)
    assert said == jax.tree.map(lambda s: (row.built_batch, *s[1:]), real, is_leaf=lambda s: isinstance(s, tuple))
    assert traced(layer, row.batched_shape).shapes == said, "found by tracing"
    for shape in row.open_shapes:
        assert traced(layer, with_batch(shape)).shapes == layer.compute_output_shape(with_batch(shape))


def test_weights_have_the_names_of_tfjs(row):
    layer = built(row)
    assert [w.name for w in layer.weights] == [f"{layer.name}/{name}" for name in row.weights]
    trainable = layer.trainable_weights
    assert all(w.trainable for w in trainable)
    assert layer.count_params() == sum(w.size for w in layer.weights)
    layer.trainable = False
    assert layer.trainable_weights == []
    assert {w.name for w in layer.weights} == {f"{layer.name}/{n}" for n in row.weights}


def test_automatic_names_are_counted_by_class(row):
    first, second = row.make(name=None), row.make(name=None)
    name = type(first).__name__
    stem = "input" if name == "InputLayer" else f"{words_in_snake_case(name)}_{name}"
    numbers = [int(layer.name.removeprefix(stem)) for layer in (first, second)]
    assert numbers[1] == numbers[0] + 1


def test_eager_and_jitted_are_equal(row, layer, values, forward):
    if row.id not in FIRST:
        pytest.skip("one row of each layer is enough")
    assert_close(layer(jax.tree.map(np.asarray, row.inputs())), forward(values, row.inputs()), rtol=1e-5, atol=1e-6)
    layer.reset_states()


def test_each_member_of_an_ensemble_computes_what_it_would_alone(row, layer, values, forward):
    if not values:
        pytest.skip("the layer has no weights")
    ensemble = [np.stack([v, v * np.float32(0.5) + np.float32(0.1)]) for v in values]
    mapped = jax.jit(jax.vmap(pure(layer), in_axes=(0, None)))(ensemble, row.inputs())
    for member in range(2):
        alone = forward([v[member] for v in ensemble], row.inputs())
        assert_close(jax.tree.map(lambda m, i=member: m[i], mapped), alone, rtol=1e-5, atol=1e-5)


def test_gradients_are_those_of_finite_differences(row, values, forward):
    if not row.differentiable:
        pytest.skip("the layer counts or looks up: nothing to differentiate")
    x = row.inputs()
    values = [v + np.float32(0.1) * np.cos(np.arange(v.size, dtype=v.dtype)).reshape(v.shape) for v in values]
    function, arguments = (forward, (values, x)) if row.integers is None else (lambda v: forward(v, x), (values,))
    backward = jax.jit(lambda arguments, cotangent: jax.vjp(function, *arguments)[1](cotangent))
    check_vjp(
        function,
        lambda *arguments: (function(*arguments), lambda cotangent: backward(arguments, cotangent)),
        arguments,
        atol=1e-2,
        rtol=1e-2,
        eps=1e-3,
    )


def test_bfloat16_stays_unless_weights_are_float32(row, values, forward):
    if row.integers is not None:
        pytest.skip("the inputs are integers")
    outputs = forward(values, row.inputs(dtype=jnp.bfloat16))
    expected = jnp.float32 if row.weights or row.resists_bfloat16 else jnp.bfloat16
    assert {o.dtype for o in jax.tree.leaves(outputs)} == {jnp.dtype(expected)}
    wide = jax.tree.map(lambda o: np.asarray(o, np.float32), outputs)
    assert_close(wide, forward(values, row.inputs()), rtol=0.05, atol=0.05)


def test_float64_and_integers_do_not_widen(row, layer, values, forward):
    doubles = jax.tree.map(lambda x: np.asarray(x, np.float64), row.inputs())
    outputs = jax.eval_shape(lambda values: pure(layer)(values, doubles), values)
    assert {o.dtype for o in jax.tree.leaves(outputs)} == {jnp.dtype("float32")}
    ones = jax.tree.map(lambda x: np.ones(x.shape, np.int32), row.inputs())
    expected = forward(values, jax.tree.map(lambda x: x.astype(np.float32), ones))
    assert_close(forward(values, ones), expected, rtol=1e-6)


def test_only_random_layers_know_that_they_are_trained(row, layer, values):
    x = row.inputs(4 if row.batch == 2 else None)
    resting, trained = programs(layer, x)
    assert program(pure(layer), values, x) == resting
    if trained == resting:
        assert not row.random
        assert not row.training_differs
        return
    at_rest, trained = (jax.jit(pure(layer, training=training)) for training in (False, True))
    one, same, other = (trained(values, x, rng=jax.random.key(seed)) for seed in (1, 1, 4))
    assert_close(one, same, rtol=0)

    def differ(a, b):
        leaves = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
        return any(p.shape != q.shape or not np.allclose(p, q, rtol=1e-5, atol=1e-6) for p, q in leaves)

    assert differ(one, at_rest(values, x)) == (row.random or row.training_differs)
    assert differ(one, other) == row.random


def test_one_fit(row):
    if row.id not in FIRST:
        pytest.skip("the first row of each layer here, the others among the slow tests")
    one_fit(row)


@pytest.mark.slow
def test_one_fit_of_the_others(row):
    if row.id in FIRST or not (row.weights or row.random):
        pytest.skip("one row of each layer without weights is enough")
    one_fit(row)


def one_fit(row):
    jtf.set_seed(0)
    layer = row.make()
    sizes = row.shape if isinstance(row.shape, list) else [row.shape]
    dtype = "float32" if row.integers is None else "int32"
    batch = row.batch if layer.stateful else None
    inputs = [jtf.input(batch_shape=(batch, *shape), dtype=dtype) for shape in sizes]
    outputs = layer(inputs if isinstance(row.shape, list) else inputs[0])
    first = outputs[0] if isinstance(outputs, list) else outputs
    flat = jtf.layers.flatten()(first) if len(first.shape) > 2 else first
    head = jtf.layers.dense(units=1, kernel_initializer="zeros")
    model = jtf.model(inputs=inputs, outputs=head(flat))
    head.kernel.assign(np.cos(np.arange(head.kernel.size, dtype=np.float32)).reshape(head.kernel.shape))
    model.compile(optimizer="sgd", loss="meanSquaredError")
    for weight in model.weights:
        if weight.constraint is not None:  # which might hold at 0 what begins there
            weight.assign(np.full(weight.shape, 0.1, np.float32))
    x, before = jax.tree.map(np.asarray, row.inputs()), model.get_weights()
    history = model.fit(x, np.ones(row.batch), epochs=1, batch_size=row.batch, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    names = {w.name for w, old in zip(model.weights, before, strict=True) if not np.array_equal(w, old)}
    trained = {w.name for w in model.trainable_weights}
    frozen = {w.name for w in layer.non_trainable_weights}
    assert trained <= names
    assert names - trained <= (frozen if row.training_differs else set())


def test_a_mask_passes_or_is_refused(row, layer):
    x, mask = row.inputs(), jnp.ones((2,), bool)
    if row.own_mask:
        pytest.skip("the layer makes or changes masks: tested with its family")
    assert layer.compute_mask(x, None) is None
    if layer.supports_masking:
        assert layer.compute_mask(x, mask) is mask
    else:
        with pytest.raises(TypeError, match="does not support masking"):
            layer.compute_mask(x, mask)


def test_a_mask_of_steps_leaves_nothing_but_steps_out(row, layer, values, forward):
    x = row.inputs()
    ndim = max(each.ndim for each in jax.tree.leaves(x))
    everything = jax.tree.map(lambda x: np.ones(x.shape[:2], bool) if x.ndim == ndim else None, x)
    masked = lifted(layer, lambda x, mask: layer.call_with_mask(x, mask, False))
    outputs, of_outputs = jax.eval_shape(masked, values, x, everything)
    if all(len(each.shape) > 2 for each in jax.tree.leaves((x, outputs))):
        for output, mask in zip(jax.tree.leaves(outputs), jax.tree.leaves(of_outputs), strict=False):
            assert output.shape[: mask.ndim] == mask.shape
    ignoring = lifted(layer, lambda x, mask: layer.call_with_mask(x, None, False)[0])
    if program(lambda *a, **o: masked(*a, **o)[0], values, x, everything) == program(ignoring, values, x, everything):
        return
    masked = jax.jit(masked)
    assert_close(masked(values, x, everything)[0], forward(values, x), rtol=1e-5, atol=1e-6)
    some = jax.tree.map(without_some, everything)
    for output in jax.tree.leaves(masked(values, x, some)):
        assert np.isfinite(output).all()


def without_some(mask):
    """The first example lacks its last step, the others have none."""
    mask = mask.copy()
    mask[0, -1] = mask[1:] = False
    return mask


def test_copies_are_independent_and_compute_the_same(row, layer, values):
    x = row.inputs()
    computed = programs(layer, x)
    copies = [copy.deepcopy(layer)]
    if not any(callable(value) and not hasattr(value, "get_config") for value in row.given().values()):
        copies.append(pickle.loads(pickle.dumps(layer)))
    for again in copies:
        assert programs(again, x) == computed
        assert_close(again.get_weights(), values, rtol=0)
        for weight, original in zip(again.weights, layer.weights, strict=True):
            assert weight is not original
            weight.assign(np.asarray(weight) + np.float32(1))
        assert_close(layer.get_weights(), values, rtol=0)


def test_an_unknown_option_is_refused(row):
    with pytest.raises(ValueError, match="has no option 'unitz'"):
        row.make(unitz=3)
