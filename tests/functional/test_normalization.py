"""Batch and layer normalization."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jtf import functional as F

RNG = np.random.default_rng(0)


def noise(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def parameters(n):
    return {
        "gamma": noise(n),
        "beta": noise(n),
        "moving_mean": noise(n),
        "moving_variance": np.abs(noise(n)) + 0.5,
    }


def expected_batch_norm(params, x, axis, epsilon, mean, variance):
    """Feature by feature, in float64."""
    out = np.zeros(x.shape)
    for i in range(x.shape[axis]):
        at = tuple(i if a == axis % x.ndim else slice(None) for a in range(x.ndim))
        y = (x[at].astype(np.float64) - mean[i]) / np.sqrt(variance[i] + epsilon)
        out[at] = y * params.get("gamma", np.ones(99))[i] + params.get("beta", np.zeros(99))[i]
    return out


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((5, 3), -1), ((5, 4, 3), 1), ((2, 3, 4, 5), 1), ((2, 3, 4, 5), 2), ((2, 2, 2, 2, 3), -1), ((3, 4), 0)],
)
@pytest.mark.parametrize("without", [(), ("gamma",), ("beta", "gamma")])
def test_batch_normalization(shape, axis, without):
    x, n = noise(*shape), shape[axis]
    params = {name: value for name, value in parameters(n).items() if name not in without}
    y, moving = F.batch_normalization(params, x, axis, epsilon=0.01)
    mean, variance = params["moving_mean"], params["moving_variance"]
    np.testing.assert_allclose(y, expected_batch_norm(params, x, axis, 0.01, mean, variance), rtol=1e-4, atol=1e-5)
    for name in moving:
        np.testing.assert_array_equal(moving[name], params[name])

    y, moving = F.batch_normalization(params, x, axis, momentum=0.9, epsilon=0.01, training=True)
    features = np.moveaxis(x, axis, 0).reshape(n, -1).astype(np.float64)
    mean, variance = features.mean(1), features.var(1)
    np.testing.assert_allclose(y, expected_batch_norm(params, x, axis, 0.01, mean, variance), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(moving["moving_mean"], 0.9 * params["moving_mean"] + 0.1 * mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(moving["moving_variance"], 0.9 * params["moving_variance"] + 0.1 * variance, rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "axes"), [((4, 3), -1), ((2, 3, 4), [1]), ((2, 3, 4), [-1, 1]), ((2, 3, 4, 5), [3, 1])]
)
def test_layer_normalization(shape, axes):
    x, several = noise(*shape), [axes] if isinstance(axes, int) else axes
    sizes = [shape[axis] for axis in several]
    params = {"gamma": noise(*sizes), "beta": noise(*sizes)}
    wide, over = x.astype(np.float64), tuple(several)
    y = (wide - wide.mean(over, keepdims=True)) / np.sqrt(wide.var(over, keepdims=True) + 1e-3)
    # In TF.js the parameters are reshaped, not transposed, to the order of the input's axes.
    aligned = [size if axis in [a % x.ndim for a in several] else 1 for axis, size in enumerate(shape)]
    y = y * params["gamma"].reshape(aligned) + params["beta"].reshape(aligned)
    np.testing.assert_allclose(F.layer_normalization(params, x, axes), y, rtol=1e-4, atol=1e-5)
    check_grads(
        lambda params, x: F.layer_normalization(params, x, axes),
        (params, x),
        1,
        ["rev"],
        atol=2e-2,
        rtol=2e-2,
        eps=1e-3,
    )


@pytest.mark.parametrize("training", [False, True])
def test_gradients(training):
    params, x = parameters(3), noise(4, 2, 3)
    check_grads(
        lambda params, x: F.batch_normalization(params, x, training=training),
        (params, x),
        order=1,
        modes=["rev"],
        atol=2e-2,
        rtol=2e-2,
        eps=1e-3,
    )


@pytest.mark.parametrize("offset", [1e3, 1e4])
def test_a_large_mean_leaves_the_variance_exact(offset):
    """The mean of squares minus the square of the mean would be off by more than the variance itself."""
    x = np.float32(offset) + noise(256, 4)
    _, variance = F.moments(x, [0])
    np.testing.assert_allclose(variance, x.astype(np.float64).var(0), rtol=1e-4)


def test_statistics_of_bfloat16_are_float32():
    x = jnp.asarray(100 + noise(4096, 1), jnp.bfloat16)
    mean, variance = F.moments(x, [0])
    assert mean.dtype == variance.dtype == jnp.float32
    np.testing.assert_allclose(mean, np.asarray(x, np.float64).mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance, np.asarray(x, np.float64).var(0), rtol=1e-4)
    assert F.layer_normalization({}, x.reshape(1, -1)).dtype == jnp.bfloat16
    moving = {"moving_mean": jnp.zeros(1), "moving_variance": jnp.ones(1)}
    y, moved = F.batch_normalization(moving, x, training=True)
    assert y.dtype == moved["moving_mean"].dtype == jnp.float32
    narrow = jax.tree.map(lambda v: v.astype(jnp.bfloat16), moving)
    y, moved = F.batch_normalization(narrow, x, training=True)
    assert y.dtype == moved["moving_mean"].dtype == jnp.bfloat16


def test_integers_become_floats():
    assert F.layer_normalization({}, jnp.arange(4).reshape(2, 2)).dtype == jnp.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: F.batch_normalization(parameters(3), jnp.ones((2, 4))),
            r"batch_normalization: expected x to be 3 long along axis -1; received shape \(2, 4\)",
        ),
        (lambda: F.batch_normalization(parameters(3), jnp.ones((3, 2)), axis=2), "3 long along axis 2"),
        (lambda: F.layer_normalization({}, jnp.ones((3, 2)), axis=[1, -1]), "layer_normalization: expected different"),
        (lambda: F.layer_normalization({}, jnp.ones((3, 2)), axis=2), r"received axis 2, x of shape \(3, 2\)\."),
        (
            lambda: F.layer_normalization({"gamma": jnp.ones(3)}, jnp.ones((3, 2))),
            r"parameters as long as these; .* gamma of shape \(3,\)",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("value", [16.999996, 1e6 / 3, -0.1])
@pytest.mark.parametrize("size", [10, 1000, 4097])
def test_equal_entries_deviate_by_nothing(value, size):
    x = np.full((1, size), value, np.float32)
    mean, variance = jax.jit(F.moments, static_argnums=1)(x, (1,))
    assert (mean, variance) == (np.float32(value), 0)
    beta = np.full(size, 0.02, np.float32)
    np.testing.assert_allclose(F.layer_normalization({"beta": beta}, x), beta[None], rtol=1e-6)
