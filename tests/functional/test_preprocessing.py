"""Rescaling, cropping and encoding."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtf import functional as F


def test_rescale():
    x = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_allclose(F.rescale(x, 1 / 255, -0.5), x.astype(np.float64) / 255 - 0.5, rtol=1e-6, atol=1e-7)
    assert F.rescale(x, 2).dtype == jnp.float32
    assert F.rescale(jnp.ones(2, jnp.bfloat16), 2.5, 1).dtype == jnp.bfloat16


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (5, 6), (3, 5), (4, 4)])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_center_crop(height, width, batch):
    images = np.random.default_rng(0).integers(0, 99, (*batch, 5, 6, 2))
    top = (5 - height) // 2
    left = {6: 0, 5: 1, 4: 1, 3: 1, 1: 2}[width]
    expected = images[..., top : top + height, left : left + width, :]
    actual = F.center_crop(images, height, width)
    np.testing.assert_array_equal(actual, expected)
    assert actual.dtype == jnp.int32


@pytest.mark.parametrize(("height", "width"), [(7, 3), (3, 7), (8, 8)])
def test_small_images_are_enlarged(height, width):
    images = np.random.default_rng(0).normal(size=(1, 5, 6, 2)).astype(np.float32)
    expected = F.resize_bilinear(images, (height, width))
    np.testing.assert_array_equal(F.center_crop(images, height, width), expected)


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("shape", [(), (4,), (2, 1), (2, 3), (2, 3, 4)])
def test_category_encoding(mode, shape):
    ids = np.random.default_rng(1).integers(0, 5, shape)
    if mode == "one_hot":
        expected = np.eye(5)[ids[..., 0] if shape[-1:] == (1,) else ids]
    else:
        rows = ids.reshape(-1, shape[-1] if shape else 1)
        counts = np.stack([np.bincount(row, minlength=5) for row in rows]).reshape(*shape[:-1], 5)
        expected = np.minimum(counts, 1) if mode == "multi_hot" else counts
    actual = F.category_encoding(ids, 5, mode)
    np.testing.assert_array_equal(actual, expected)
    assert actual.dtype == jnp.float32
    np.testing.assert_array_equal(jax.jit(lambda ids: F.category_encoding(ids, 5, mode))(ids), expected)


def test_weights_of_counts():
    encoded = F.category_encoding([[1, 1, 0], [2, 2, 2]], 3, "count", [[0.5, 1, 2], [1, 1, -1]])
    np.testing.assert_array_equal(encoded, [[2, 1.5, 0], [0, 0, 1]])
    np.testing.assert_array_equal(F.category_encoding(1, 3, "count", 4), [0, 4, 0])
    grad = jax.grad(lambda w: F.category_encoding([[1, 0]], 3, "count", w)[0, 1])(jnp.ones((1, 2)))
    np.testing.assert_array_equal(grad, [[1, 0]])


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_compiled_code_counts_what_is_out_of_range_for_nothing(mode):
    ids = jnp.array([[3], [-1]])
    np.testing.assert_array_equal(jax.jit(lambda ids: F.category_encoding(ids, 3, mode))(ids), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.center_crop(jnp.ones((2, 2)), 1, 1), "center_crop: expected images of shape"),
        (lambda: F.center_crop(jnp.ones((2, 2, 1)), 0, 1), "a positive height and width; .* height 0, width 1"),
        (
            lambda: F.category_encoding([0, 3], 3),
            r"category_encoding: expected categories from 0 to 2 \(num_tokens=3\); received categories from 0 to 3",
        ),
        (lambda: F.category_encoding([-1], 3), "received categories from -1 to -1"),
        (lambda: F.category_encoding([[0, 1]], 3, "count", [1.0]), "count_weights of the shape of ids"),
        (lambda: F.category_encoding([0], 3, "one_hot", [1.0]), "with output_mode 'count' only; .* 'one_hot'"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
