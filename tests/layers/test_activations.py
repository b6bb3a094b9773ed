"""What the activation layers do at their bounds and with masks, and which other layers let masks pass."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers


def test_the_gradient_of_relu_at_its_bounds_is_that_of_tfjs():
    layer = L.relu(max_value=2)
    slopes = jax.grad(lambda x: layer(x).sum())(jnp.array([[-1.0, 0.0, 1.0, 2.0, 3.0]]))
    assert slopes.tolist() == [[0, 0, 1, 1, 0]]
    assert np.isnan(layer(jnp.array([jnp.nan]))).all()


@pytest.mark.parametrize("axis", [-1, [1], [1, 2]])
def test_softmax_with_a_mask(axis):
    layer, x = L.softmax(axis=axis), jnp.array([[[1.0, 2.0], [3.0, 4.0]]])
    mask = jnp.array([[[False, True], [True, True]]])
    outputs, passed = layer.call_with_mask(x, mask, False)
    assert passed is mask
    weights = np.where(mask, np.exp(x), 0)
    total = weights.sum(tuple(axis) if isinstance(axis, list) else axis, keepdims=True)
    np.testing.assert_allclose(outputs, weights / total, rtol=1e-6)
    narrow = layer(x.astype(jnp.float16), mask=mask)
    assert narrow.dtype == jnp.float16
    np.testing.assert_allclose(narrow.astype(np.float32), weights / total, rtol=2e-3)


def test_softmax_passes_a_mask_of_steps_on():
    x, steps = jnp.ones((2, 3, 4)), jnp.array([[True, True, False], [True, False, False]])
    layer = L.softmax(axis=-1)
    outputs, passed = layer.call_with_mask(x, steps, False)
    np.testing.assert_array_equal(outputs, layer(x))
    assert passed is steps


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.relu(max_value=1),
        lambda: L.leaky_relu(),
        lambda: L.prelu(),
        lambda: L.elu(),
        lambda: L.thresholded_relu(theta=0.1),
        lambda: L.softmax(axis=-1),
        lambda: L.rescaling(scale=3.0, offset=1.0),
        lambda: L.einsum_dense(equation="abc,cd->abd", output_shape=[None, 3]),
        lambda: L.einsum_dense(equation="...c,cd->...d", output_shape=3),
        lambda: L.position_embedding(sequence_length=4),
    ],
)
def test_masked_steps_are_left_out_behind(make):
    jtf.set_seed(0)
    between, last = make(), L.lstm(units=2)
    words = L.embedding(
        input_dim=5, output_dim=3, mask_zero=True, input_length=4, embeddings_initializer="randomNormal"
    )
    model = jtf.sequential([words, between, last])
    ids = np.array([[3, 1, 4, 2], [2, 1, 0, 0]])
    shorter = last(between(words(ids))[1:, :2])
    np.testing.assert_allclose(model.predict(ids)[1:], shorter, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("equation", "shape", "ndim", "passes"),
    [
        ("ab,bc->ac", (2, 3), 1, True),
        ("ab,bc->ac", (2, 3), 2, False),
        ("abc,cd->abd", (2, 3, 4), 2, True),
        ("abc,cd->abd", (2, 3, 4), 3, False),
        ("abc,bd->adc", (2, 3, 4), 2, False),
        ("abc,cd->bad", (2, 3, 4), 2, False),
        ("...x,xy->...y", (2, 3, 4, 5), 3, True),
        ("ab...,bc->ac...", (2, 3, 4), 2, False),
        ("ab...,cd->ab...", (2, 3, 4), 3, True),
    ],
)
def test_einsum_dense_passes_masks_of_axes_that_stay(equation, shape, ndim, passes):
    layer = L.einsum_dense(equation=equation, output_shape=[2])
    mask = jnp.ones(shape[:ndim], bool)
    assert layer.compute_mask(jnp.ones(shape), mask) is (mask if passes else None)
    assert layer.compute_mask(jnp.ones(shape), None) is None
