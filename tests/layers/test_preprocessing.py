"""What single layers that prepare data do and refuse."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf import functional as F

L = jtf.layers
IMAGES = np.random.default_rng(0).normal(size=(2, 8, 10, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.resizing(height=0, width=2), "Resizing's height is a positive integer"),
        (lambda: L.center_crop(height=2, width=2.5), "CenterCrop's width is a positive integer"),
        (
            lambda: L.resizing(height=2, width=2, interpolation="bilinaer"),
            "Resizing's interpolation is 'bilinear' or 'nearest'; received 'bilinaer'. Did you mean 'bilinear'",
        ),
        (lambda: L.category_encoding(num_tokens=0), "CategoryEncoding's num_tokens is a positive integer"),
        (
            lambda: L.category_encoding(num_tokens=2, output_mode="int"),
            "output_mode is 'oneHot', 'multiHot' or 'co",
        ),
        (lambda: L.random_width(factor=-0.5), "RandomWidth's factor is a number, or a lower and an upper bound"),
        (lambda: L.random_width(factor=[-5, 0.3]), r"none below -1; received \[-5, 0.3\]"),
        (lambda: L.random_height(factor=[0.5, 0.3]), "RandomHeight's factor"),
        (lambda: L.random_height(factor=[0.1, 0.2, 0.3]), "RandomHeight's factor"),
        (lambda: L.random_width(factor=0.2, interpolation="cubic"), "RandomWidth's interpolation is 'bilinear'"),
        (lambda: L.resizing(height=2, width=2)(jnp.ones((2, 3))), r"expects images \[batch, height, width, channels\]"),
        (lambda: L.center_crop(height=2, width=2)(jnp.ones((1,) * 5)), "CenterCrop.* expects images"),
        (lambda: L.random_width(factor=0.2)(jnp.ones((2, 3))), r"RandomWidth.* received shape \(2, 3\)"),
        (lambda: L.category_encoding(num_tokens=2)(jnp.array([[0, 2]])), "categories from 0 to 1"),
        (lambda: L.category_encoding(num_tokens=2)([[0]], count_weights=[[1.0]]), "output_mode 'count' only"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("crop", [False, True])
def test_resizing(interpolation, crop):
    layer = L.resizing(height=4, width=7, interpolation=interpolation, crop_to_aspect_ratio=crop)
    resize = F.resize_bilinear if interpolation == "bilinear" else F.resize_nearest_neighbor
    np.testing.assert_array_equal(layer(IMAGES), resize(IMAGES, (4, 7), align_corners=not crop))


@pytest.mark.parametrize("layer", [L.resizing(height=4, width=7), L.center_crop(height=4, width=7)])
def test_one_image(layer):
    np.testing.assert_allclose(layer(IMAGES[0]), layer(IMAGES)[0], rtol=1e-6)
    assert layer.compute_output_shape((8, 10, 3)) == (4, 7, 3)


class TestCategoryEncoding:
    @pytest.mark.parametrize("mode", ["one_hot", "oneHot"])
    def test_both_spellings(self, mode):
        layer = L.category_encoding(num_tokens=3, output_mode=mode)
        assert layer.get_config()["outputMode"] == "oneHot"
        np.testing.assert_array_equal(layer(np.array([[1], [2]])), np.eye(3)[[1, 2]])

    def test_weights_of_counts(self):
        layer = L.category_encoding(num_tokens=3, output_mode="count")
        ids, weights = np.array([[0, 1, 1]]), np.array([[0.5, 1, 2]], np.float32)
        np.testing.assert_array_equal(layer(ids, count_weights=weights), [[0.5, 3, 0]])
        a, b = jtf.input(shape=[3], dtype="int32"), jtf.input(shape=[3])
        model = jtf.model(inputs=[a, b], outputs=layer(a, count_weights=b))
        np.testing.assert_array_equal(model.predict([ids, weights]), [[0.5, 3, 0]])


@pytest.mark.parametrize(("factory", "axis"), [("random_width", 2), ("random_height", 1)])
class TestRandomSize:
    def sizes(self, factory, axis, count=40, **options):
        layer = getattr(L, factory)(**options)
        return [layer(IMAGES, training=True).shape[axis] for _ in range(count)]

    def test_sizes_vary_within_the_bounds(self, factory, axis):
        old = IMAGES.shape[axis]
        jtf.set_seed(0)
        sizes = self.sizes(factory, axis, factor=0.3)
        assert len(set(sizes)) > 3
        assert round(old * 0.7) <= min(sizes) < old < max(sizes) <= round(old * 1.3)
        assert min(self.sizes(factory, axis, factor=[0.2, 0.5])) >= round(old * 1.2)
        assert min(self.sizes(factory, axis, factor=[-1, -0.9])) == 1

    def test_a_seed_fixes_the_sequence(self, factory, axis):
        def drawn(seed):
            jtf.set_seed(seed)
            return self.sizes(factory, axis, count=6, factor=0.5, seed=3)

        assert drawn(1) == drawn(2)
        assert getattr(L, factory)(factor=0.5, seed=3).get_config()["seed"] == 3
        assert "seed" not in getattr(L, factory)(factor=0.5).get_config()

    @pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
    def test_images_are_resized(self, factory, axis, interpolation):
        layer = getattr(L, factory)(factor=[0.5, 0.5], interpolation=interpolation)
        size = [8, 10]
        size[axis - 1] = size[axis - 1] * 3 // 2
        resize = F.resize_bilinear if interpolation == "bilinear" else F.resize_nearest_neighbor
        for call in (layer, jax.jit(lambda x, **options: layer(x, training=True))):  # a size that is certain compiles
            np.testing.assert_allclose(call(IMAGES, training=True), resize(IMAGES, size), rtol=1e-6)
        assert layer(IMAGES[0], training=True).shape == (*size, 3)

    def test_only_training_changes_them(self, factory, axis):
        layer = getattr(L, factory)(factor=0.5)
        np.testing.assert_array_equal(jax.jit(layer)(IMAGES), IMAGES)
        expected = [None, 8, 10, 3]
        expected[axis] = None
        assert layer.compute_output_shape((None, 8, 10, 3)) == tuple(expected)

    def test_compiled_training_is_refused(self, factory, axis):
        layer = getattr(L, factory)(factor=0.5, name="wide")
        message = "Layer 'wide' .* compiled code, such as a model's training step, has fixed shapes. Apply the layer to"
        with pytest.raises(ValueError, match=message):
            jax.jit(lambda x: layer(x, training=True))(IMAGES)
        model = jtf.sequential([layer, L.global_average_pooling2d(), L.dense(units=1)])
        model.compile(optimizer="sgd", loss="meanSquaredError")
        with pytest.raises(ValueError, match=message):
            model.fit(IMAGES, np.ones((2, 1)), verbose=0)

    def test_a_dataset_can_do_it(self, factory, axis):
        layer = getattr(L, factory)(factor=0.5)
        examples = jtf.data.array([{"xs": IMAGES[i % 2], "ys": np.ones(1)} for i in range(8)])
        data = examples.batch(2).map(lambda example: {"xs": layer(example["xs"], training=True), "ys": example["ys"]})
        assert len({batch["xs"].shape for batch in data}) > 1
        any_size = [None, None, 3]
        model = jtf.sequential([L.global_average_pooling2d(input_shape=any_size), L.dense(units=1)])
        model.compile(optimizer="sgd", loss="meanSquaredError")
        assert np.isfinite(model.fit_dataset(data, epochs=1, verbose=0).history["loss"]).all()
