"""What single normalization layers do and refuse."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers


def noise(*shape):
    return np.random.default_rng(0).normal(3, 2, size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: L.batch_normalization(axis=1.5),
            "BatchNormalization's axis is an integer or a list",
        ),
        (lambda: L.batch_normalization(axis=[1, 2]), r"BatchNormalization's axis is one axis; received \[1, 2\]"),
        (
            lambda: L.layer_normalization(axis=[1, 1.5]),
            r"an integer or a list of integers; received \[1, 1.5\]",
        ),
        (lambda: L.layer_normalization(axis="last"), "axis is an integer or a list of integers; received 'last'"),
        (lambda: L.layer_normalization(axis=True), "a list of integers; received True"),
    ],
)
def test_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (L.batch_normalization(axis=2), (None, 3), "needs an input of known size along axis 2; received shape"),
        (L.batch_normalization(), (None, None), "needs an input of known size along axis -1"),
        (L.layer_normalization(axis=2), (None, 3), "normalises over axis 2, each of which the input must have"),
        (L.layer_normalization(axis=[1, -1]), (None, 3), r"over axis \[1, -1\], each .* and once; received shape"),
        (L.layer_normalization(), (None, None), "has an unknown dimension"),
    ],
)
def test_shapes(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.ensure_built(shape)


def test_a_built_layer_names_what_it_was_built_for():
    for layer, axis in ((L.batch_normalization(name="bn"), -1), (L.layer_normalization(name="ln"), 1)):
        layer(noise(2, 3))
        with pytest.raises(ValueError, match=rf"Layer '{layer.name}' .* an input with size 3 along axis {axis}"):
            layer(noise(2, 4))
        with pytest.raises(ValueError, match="an input with 2 dimensions"):
            layer(noise(2, 3, 3))
    assert L.layer_normalization(scale=False, center=False)(noise(2, 4)).shape == (2, 4)


class TestBatchNormalization:
    def test_training_moves_the_statistics(self):
        layer, x = L.batch_normalization(momentum=0.75), noise(50, 3)
        layer(x)
        np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
        normalized = layer(x, training=True)
        np.testing.assert_allclose(normalized.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(normalized.std(0), 1, atol=1e-2)
        np.testing.assert_allclose(layer.moving_mean, 0.25 * x.mean(0), rtol=1e-5)
        np.testing.assert_allclose(layer.moving_variance, 0.75 + 0.25 * x.var(0), rtol=1e-5)

    def test_a_frozen_layer_keeps_its_statistics(self):
        layer, x = L.batch_normalization(trainable=False), noise(50, 3)
        np.testing.assert_array_equal(layer(x, training=True), layer(x))
        np.testing.assert_array_equal(layer.moving_mean, np.zeros(3))
        layer.trainable = True
        layer(x, training=True)
        assert np.all(layer.moving_mean != 0)

    def test_compiled_training_hands_the_statistics_back(self):
        layer, x = L.batch_normalization(), jnp.asarray(noise(8, 2))
        layer.ensure_built(x.shape)
        step = jax.jit(jtf.lift(lambda x: layer(x, training=True), layer.weights))
        before = layer.get_weights()
        _, after = step(before, x)
        np.testing.assert_array_equal(layer.moving_mean, np.zeros(2))
        layer(x, training=True)
        for compiled, eager in zip(after, layer.get_weights(), strict=True):
            np.testing.assert_allclose(compiled, eager, rtol=1e-6)

    @pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"scale": False, "center": False}])
    def test_a_model_with_it_learns(self, options):
        jtf.set_seed(1)
        x = noise(64, 3) * [1, 10, 100]
        model = jtf.sequential(
            [L.dense(units=4, input_shape=[3]), L.batch_normalization(momentum=0.5, **options), L.dense(units=1)]
        )
        model.compile(optimizer=jtf.train.adam(learning_rate=0.05), loss="meanSquaredError")
        y = (x[:, :1] > 3).astype(np.float32)
        losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
        assert losses[-1] < losses[0] / 2
        assert model.evaluate(x, y) < losses[0]

    def test_a_list_of_one_axis_as_keras_writes_it(self):
        layer = L.deserialize({"class_name": "BatchNormalization", "config": {"axis": [3], "name": "bn"}})
        assert layer.get_config()["axis"] == [3]
        x = noise(2, 2, 2, 3)
        np.testing.assert_array_equal(layer(x, training=True), L.batch_normalization(axis=3)(x, training=True))

    def test_it_is_frozen_with_what_is_around_it(self):
        def models():
            bn = L.batch_normalization(input_shape=[3])
            inner = jtf.sequential([bn])
            inner.trainable = False
            yield bn, [inner]
            bn = L.batch_normalization()
            yield bn, [L.time_distributed(layer=bn, trainable=False, input_shape=[1, 3]), L.flatten()]
            bn = L.batch_normalization(input_shape=[3])
            outer = jtf.sequential()
            outer.trainable = False
            outer.add(bn)
            yield bn, [outer]

        for bn, layers in models():
            model = jtf.sequential([*layers, L.dense(units=1)])
            model.compile(optimizer="sgd", loss="meanSquaredError")
            x = noise(8, *model.input_shapes[0][1:])
            model.fit(x, np.ones((8, 1)), verbose=0)
            np.testing.assert_array_equal(bn.moving_mean, np.zeros(3))
            np.testing.assert_array_equal(bn.moving_variance, np.ones(3))


def test_layer_normalization_of_keras_files():
    config = {"axis": [1], "beta_constraint": None, "gamma_constraint": None, "epsilon": 0.001}
    layer = L.deserialize({"class_name": "LayerNormalization", "config": config})
    assert "betaConstraint" not in layer.get_config()
    assert L.layer_normalization(beta_constraint="nonNeg").get_config()["betaConstraint"]["className"] == "NonNeg"


def test_the_axis_is_written_as_a_list_once_it_is_known():
    layer = L.layer_normalization(axis=-1)
    assert layer.get_config()["axis"] == -1
    layer(noise(2, 3, 4))
    assert layer.get_config()["axis"] == [2]
