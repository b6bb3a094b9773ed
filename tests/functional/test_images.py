"""Resizing images, against loops in numpy; recordings of TensorFlow.js are in tests/layers/test_convolution.py."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jtf import functional as F

MODES = {"plain": {}, "corners": {"align_corners": True}, "centers": {"half_pixel_centers": True}}
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
SIZES = [(1, 1), (3, 5), (6, 10), (7, 4), (4, 9), (12, 5)]


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def position(i, old, new, align_corners=False, half_pixel_centers=False):
    if half_pixel_centers:
        return (i + 0.5) * (old / new) - 0.5
    if align_corners and new > 1:
        return i * ((old - 1) / (new - 1))
    return i * (old / new)


@every_mode
@pytest.mark.parametrize("size", SIZES)
def test_bilinear(mode, size):
    x = normal(2, 3, 5, 2)
    y = F.resize_bilinear(x, size, **mode)
    assert y.shape == (2, *size, 2)
    for r, c in np.ndindex(*size):
        row = np.clip(position(r, 3, size[0], **mode), 0, 2)
        column = np.clip(position(c, 5, size[1], **mode), 0, 4)
        expected = sum(
            x[:, i, j].astype(np.float64) * max(0, 1 - abs(row - i)) * max(0, 1 - abs(column - j))
            for i, j in np.ndindex(3, 5)
        )
        np.testing.assert_allclose(y[:, r, c], expected, rtol=1e-5, atol=1e-6)


@every_mode
@pytest.mark.parametrize("size", SIZES)
def test_nearest_neighbor(mode, size):
    x = normal(2, 3, 5, 2)
    y = F.resize_nearest_neighbor(x, size, **mode)
    for r, c in np.ndindex(*size):
        half = 0.5 if mode else 0
        row = min(math.floor(position(r, 3, size[0], **mode) + half), 2)
        column = min(math.floor(position(c, 5, size[1], **mode) + half), 4)
        np.testing.assert_array_equal(y[:, r, c], x[:, row, column])


@pytest.mark.parametrize("resize", [F.resize_bilinear, F.resize_nearest_neighbor])
def test_gradients_dtype_jit_and_vmap(resize):
    x = jnp.asarray(normal(2, 3, 4, 1))
    for size in [(6, 8), (2, 5)]:
        check_grads(lambda x, size=size: resize(x, size), (x,), order=1, modes=["fwd", "rev"], atol=1e-2, rtol=1e-2)
        np.testing.assert_allclose(jax.jit(lambda x, size=size: resize(x, size))(x), resize(x, size), rtol=1e-6)
        np.testing.assert_allclose(jax.vmap(lambda x, size=size: resize(x, size))(x), resize(x, size), rtol=1e-6)
    assert resize(x.astype(jnp.bfloat16), (2, 2)).dtype == jnp.bfloat16


def test_integers():
    x = np.arange(4).reshape(2, 2, 1)
    assert F.resize_nearest_neighbor(x, (4, 2)).dtype == jnp.int32
    assert F.resize_bilinear(x, (2, 4))[..., 0].tolist() == [[0.0, 0.5, 1.0, 1.0], [2.0, 2.5, 3.0, 3.0]]


def test_whole_factors_need_no_gather():
    x = jnp.ones((1, 3, 4, 2))
    assert "gather" not in str(jax.make_jaxpr(lambda x: F.resize_nearest_neighbor(x, (6, 12)))(x))


@pytest.mark.parametrize("name", ["resize_bilinear", "resize_nearest_neighbor"])
@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((2, 3), ((2, 2),), r"expected images of shape \[batch, h, w, channels\]; received shape \(2, 3\)"),
        ((1, 2, 3, 1), ((2,),), r"size must be two positive integers, \(height, width\); received \(2,\)"),
        ((1, 2, 3, 1), ((2, 0),), r"received \(2, 0\)"),
        ((1, 2, 3, 1), ((2, 1.5),), r"received \(2, 1.5\)"),
        ((1, 2, 3, 1), ((2, 2), True, True), "align_corners or half_pixel_centers or neither; received both"),
    ],
)
def test_errors(name, shape, arguments, message):
    with pytest.raises(ValueError, match=f"^{name}: .*{message}"):
        getattr(F, name)(np.ones(shape), *arguments)
