"""Activations against TensorFlow.js, against scipy's formulas in float64, and at the extremes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from jtf import functional as F
from jtf.functional import activations
from tests.functional.recorded import case_id, recorded

#: What TensorFlow.js calls them, but for those that it does not have.
NOT_OF_TFJS = {"hardSigmoidRelu6": F.hard_sigmoid_relu6}
OURS = {
    **NOT_OF_TFJS,
    "elu": F.elu,
    "gelu": F.gelu,
    "gelu_new": F.gelu_new,
    "hardSigmoid": F.hard_sigmoid,
    "leakyRelu": F.leaky_relu,
    "linear": F.linear,
    "logSoftmax": F.log_softmax,
    "mish": F.mish,
    "prelu": F.prelu,
    "relu": F.relu,
    "relu6": F.relu6,
    "selu": F.selu,
    "sigmoid": F.sigmoid,
    "softmax": F.softmax,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "swish": F.swish,
    "tanh": F.tanh,
    "thresholdedRelu": F.thresholded_relu,
}

#: Independent formulas, evaluated in float64.
FORMULAS = {
    F.elu: lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    F.gelu: lambda x: x * special.ndtr(x),
    F.gelu_new: lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    F.hard_sigmoid: lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    F.hard_sigmoid_relu6: lambda x: np.clip(x + 3, 0, 6) / 6,
    F.leaky_relu: lambda x: np.where(x > 0, x, 0.2 * x),
    F.linear: lambda x: x,
    F.log_softmax: lambda x: special.log_softmax(x, axis=-1),
    F.mish: lambda x: x * np.tanh(np.logaddexp(0, x)),
    F.relu: lambda x: np.maximum(x, 0),
    F.relu6: lambda x: np.clip(x, 0, 6),
    F.selu: lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    F.sigmoid: special.expit,
    F.softmax: lambda x: special.softmax(x, axis=-1),
    F.softplus: lambda x: np.logaddexp(0, x),
    F.softsign: lambda x: x / (1 + np.abs(x)),
    F.swish: lambda x: x * special.expit(x),
    F.tanh: np.tanh,
    F.thresholded_relu: lambda x: np.where(x > 1, x, 0),
}
ALL = list(FORMULAS)

# Away from the kinks, where a difference quotient is not a derivative.
SMOOTH = np.array([[-7.3, -2.9, -1.3, -0.4], [-0.05, 0.3, 0.8, 1.7], [2.2, 3.1, 5.2, 8.4]])
LARGE = np.array([-1e38, -1e30, -1e13, -1e4, -100.0, 0.0, 100.0, 1e4, 1e13, 1e30, 1e38], np.float32)


def name_of(function):
    return function.__name__


def test_every_activation_is_tested():
    public = {
        name for name in vars(activations) if getattr(getattr(F, name, None), "__module__", "") == activations.__name__
    }
    assert public == {function.__name__ for function in OURS.values()}
    assert {*OURS.values()} - FORMULAS.keys() == {F.prelu}
    assert {case["name"] for case in recorded("activation")} == OURS.keys() - NOT_OF_TFJS.keys()


def ramp(shape):
    size = int(np.prod(shape))
    return jnp.linspace(0.5, 1.5, size).reshape(shape)


@pytest.mark.parametrize("case", recorded("activation"), ids=case_id)
def test_values_and_gradients_of_tfjs(case):
    function, (x, *rest) = OURS[case["name"]], case["args"]
    # TensorFlow.js approximates the error function to 1.5e-7, and 1 + tanh cancels; both are multiplied by x.
    tolerance = {"rtol": 1e-5, "atol": 3e-6 if case["name"] in ("gelu", "gelu_new") else 1e-6}

    @jax.jit
    def value_and_gradients(*args):
        result, pull = jax.vjp(function, *args)
        return result, pull(ramp(result.shape))

    result, (grad, *grads) = value_and_gradients(x, *(np.float32(arg) for arg in rest))
    np.testing.assert_allclose(result, case["result"], strict=True, **tolerance)
    if case["grad"] is None:
        return
    known = ~np.isnan(case["grad"])
    if case["name"] == "hardSigmoid":
        # Compiled, 0.2 * x + 0.5 is rounded once: on which side of the kink 2.5 falls is up to the compiler.
        known &= np.abs(x) != 2.5
    assert known.mean() > 0.75
    np.testing.assert_allclose(grad[known], case["grad"][known], **tolerance)
    assert np.isfinite(grad).all()
    if "gradAlpha" in case:
        np.testing.assert_allclose(grads[0], case["gradAlpha"], strict=True, **tolerance)


@pytest.mark.parametrize("function", ALL, ids=name_of)
def test_values_of_the_formula(function):
    np.testing.assert_allclose(function(SMOOTH.astype(np.float32)), FORMULAS[function](SMOOTH), rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("function", ALL, ids=name_of)
def test_gradient_is_the_difference_quotient(function):
    formula, step = FORMULAS[function], 1e-6
    weights = np.linspace(0.5, 1.5, SMOOTH.size).reshape(SMOOTH.shape)
    expected = np.zeros_like(SMOOTH)
    for index in np.ndindex(SMOOTH.shape):
        up, down = SMOOTH.copy(), SMOOTH.copy()
        up[index] += step
        down[index] -= step
        expected[index] = np.sum(weights * (formula(up) - formula(down))) / (2 * step)
    grad = jax.jit(jax.grad(lambda x: jnp.sum(weights.astype(np.float32) * function(x))))(SMOOTH.astype(np.float32))
    np.testing.assert_allclose(grad, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("function", ALL, ids=name_of)
def test_large_inputs_give_finite_values_and_gradients(function):
    def total(x):
        # Scaled, so that the sum itself does not overflow.
        return jnp.sum(1e-3 * function(x))

    assert np.isfinite(function(LARGE)).all()
    assert np.isfinite(jax.jit(jax.grad(total))(LARGE)).all()


def test_gradients_at_the_kinks_are_those_of_tfjs():
    def slopes(function, *points):
        return [float(jax.grad(function)(point)) for point in points]

    assert slopes(F.relu, 0.0) == [0]
    assert slopes(F.relu6, 0.0, 6.0) == [0, 0]
    assert slopes(F.hard_sigmoid, -2.5, 2.5) == [pytest.approx(0.2), pytest.approx(0.2)]
    assert slopes(F.leaky_relu, 0.0) == [pytest.approx(0.2)]
    assert slopes(lambda x: F.prelu(x, 0.3), 0.0) == [pytest.approx(0.3)]
    assert slopes(F.thresholded_relu, 1.0) == [0]


def test_options():
    x = np.array([-2.0, -0.5, 1.5], np.float32)
    np.testing.assert_allclose(F.elu(x, 3.0), np.where(x > 0, x, 3 * np.expm1(x)), rtol=1e-6)
    np.testing.assert_allclose(F.swish(x, 2.0), x * special.expit(2 * x), rtol=1e-6)
    np.testing.assert_allclose(F.leaky_relu(x, alpha=0.5), [-1, -0.25, 1.5])
    np.testing.assert_allclose(F.thresholded_relu(x, theta=1.5), [0, 0, 0])


@pytest.mark.parametrize("axis", [0, 1, -2, (0, 2), (1, 2), (0, 1, 2)])
def test_softmax_axes(axis):
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    np.testing.assert_allclose(F.softmax(x, axis), special.softmax(x, axis=axis), rtol=1e-5)
    np.testing.assert_allclose(F.log_softmax(x, axis), special.log_softmax(x, axis=axis), rtol=1e-5, atol=1e-6)


def test_prelu_aligns_slopes_with_the_last_axes():
    x = -np.ones((2, 3, 4), np.float32)
    slopes = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(F.prelu(x, slopes), -np.broadcast_to(slopes, (2, 3, 4)))
    np.testing.assert_array_equal(F.prelu(x, slopes[:, :1]), -np.broadcast_to(slopes[:, :1], (2, 3, 4)))


def test_dtypes():
    half = jnp.asarray(SMOOTH, jnp.bfloat16)
    results = jax.jit(lambda x: [function(x) for function in ALL])(half)
    for function, result in zip(ALL, results, strict=True):
        assert result.dtype == jnp.bfloat16, function
        expected = FORMULAS[function](np.asarray(half, np.float64))
        np.testing.assert_allclose(result.astype(np.float32), expected, rtol=0.05, atol=0.02)
        if function is not F.linear:
            assert jax.eval_shape(function, jnp.array([[1, 2, 3]])).dtype == jnp.float32, function
    assert F.relu([1, 2]).dtype == jnp.float32
    assert F.prelu(jnp.ones(3, jnp.bfloat16), jnp.ones(3, jnp.bfloat16)).dtype == jnp.bfloat16


def test_jit_and_vmap_change_nothing():
    def everything(x):
        return {function.__name__: function(x) for function in ALL}

    x = jnp.asarray(SMOOTH, jnp.float32)
    eager = everything(x)
    for transformed in (jax.jit(everything)(x), jax.jit(jax.vmap(everything))(x)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), transformed, eager)


@pytest.mark.parametrize("axis", [-1, (1,), (1, 2)])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float16, jnp.bfloat16])
def test_softmax_leaves_out_what_is_masked(axis, dtype):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 4)), dtype).at[0, 0, 0].set(-3e4)
    mask = np.random.default_rng(1).random((2, 3, 4)) < 0.5
    mask[:, 0, 0] = mask[:, :, 1] = mask[:, 1] = True
    expected = special.softmax(np.where(mask, np.asarray(x, np.float64), -np.inf), axis=axis)
    actual = F.softmax(x, axis, mask)
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual.astype(np.float32), expected, rtol=2e-5 if dtype == jnp.float32 else 1e-2)
    assert np.isfinite(jax.grad(lambda x: F.softmax(x, axis, mask)[..., 0].sum())(x)).all()


def test_softmax_of_what_is_masked_altogether():
    """The numbers are TensorFlow.js's: along several axes they do not sum to 1."""
    x = jnp.array([[[1.0, 2.0], [3.0, 4.0]]])
    nothing = np.zeros((1, 2, 2), bool)
    np.testing.assert_array_equal(F.softmax(x, -1, nothing), np.full((1, 2, 2), 0.5))
    np.testing.assert_array_equal(F.softmax(x, (1, 2), nothing), np.ones((1, 2, 2)))
    np.testing.assert_array_equal(F.softmax(jnp.full((1, 2, 2), -1e9), (1, 2)), np.ones((1, 2, 2)))
    mask = np.array([[[False, True], [True, False]]])
    np.testing.assert_allclose(F.softmax(x, (1, 2), mask), [[[0, 0.2689414], [0.7310585, 0]]], rtol=1e-6)
