"""Embeddings and masks of steps."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtf import functional as F

TABLE = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
PARAMS = {"embeddings": TABLE}


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 1, 3), (0,)])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32"])
def test_embedding(shape, dtype):
    ids = np.random.default_rng(1).integers(0, 5, shape)
    np.testing.assert_array_equal(F.embedding(PARAMS, ids.astype(dtype)), TABLE[ids])


def test_fractions_are_truncated():
    np.testing.assert_array_equal(F.embedding(PARAMS, [1.9, 0.2, -0.9]), TABLE[[1, 0, 0]])


def test_repeated_indices_add_up_in_the_gradient():
    grad = jax.grad(lambda params: jnp.sum(F.embedding(params, [[1, 1, 4]]) * 2))(PARAMS)
    np.testing.assert_array_equal(grad["embeddings"], np.array([0, 4, 0, 0, 2])[:, None] * np.ones((5, 3)))


@pytest.mark.parametrize("wrong", [5, -1, 99, -5])
def test_indices_out_of_range(wrong):
    ids = jnp.array([0, wrong])
    with pytest.raises(ValueError, match="embedding: expected indices from 0 to 4; received indices from"):
        F.embedding(PARAMS, ids)
    for transform in (jax.jit, lambda f: jax.vmap(f)):
        vectors = transform(lambda ids: F.embedding(PARAMS, ids))(ids)
        np.testing.assert_array_equal(vectors[0], TABLE[0])
        assert np.isnan(vectors[1]).all()
    grad = jax.jit(jax.grad(lambda params, ids: jnp.sum(F.embedding(params, ids))))(PARAMS, ids)["embeddings"]
    np.testing.assert_array_equal(grad, [[1] * 3] + [[0] * 3] * 4)


@pytest.mark.parametrize("start", [0, 2])
def test_position_embedding(start):
    expected = np.broadcast_to(TABLE[start : start + 2], (4, 6, 2, 3))
    np.testing.assert_array_equal(F.position_embedding(PARAMS, jnp.ones((4, 6, 2, 3)), start), expected)
    traced = jax.jit(lambda start: F.position_embedding(PARAMS, jnp.ones((4, 6, 2, 3)), start))
    np.testing.assert_array_equal(traced(start), expected)


def test_mask_timesteps():
    x = np.array([[[1, 1], [1, 2]], [[0, 0], [2, 1]]], np.float32)
    y, mask = F.mask_timesteps(x, 1)
    np.testing.assert_array_equal(mask, [[False, True], [True, True]])
    np.testing.assert_array_equal(y, x * np.asarray(mask)[..., None])
    assert F.mask_timesteps(x.astype(np.int32), 1)[0].dtype == jnp.int32
    grad = jax.grad(lambda x: jnp.sum(F.mask_timesteps(x, 1)[0]))(jnp.asarray(x))
    np.testing.assert_array_equal(grad, np.broadcast_to(np.asarray(mask)[..., None], x.shape))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.embedding({"embeddings": jnp.ones(3)}, [0]), r"embedding: expected embeddings of shape \[n, feat"),
        (lambda: F.position_embedding(PARAMS, jnp.ones((2, 6, 3))), "at most 5 steps from position 0 on; received"),
        (lambda: F.position_embedding(PARAMS, jnp.ones((2, 4, 3)), 2), "at most 3 steps from position 2 on"),
        (lambda: F.position_embedding(PARAMS, jnp.ones((2, 4, 3)), -1), "position_embedding: expected"),
        (lambda: F.position_embedding(PARAMS, jnp.ones((2, 4, 2))), r"expected x of shape \[..., time, 3\]"),
        (lambda: F.position_embedding(PARAMS, jnp.ones(3)), r"received shape \(3,\)"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
