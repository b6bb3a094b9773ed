"""The losses of TensorFlow.js Core: weights, reductions, label smoothing."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtf.functional import weighted_losses as wl
from jtf.functional.weighted_losses import Reduction
from tests.functional.recorded import recorded

OURS = {
    "absoluteDifference": wl.absolute_difference,
    "cosineDistance": wl.cosine_distance,
    "hingeLoss": wl.hinge_loss,
    "huberLoss": wl.huber_loss,
    "logLoss": wl.log_loss,
    "meanSquaredError": wl.mean_squared_error,
    "sigmoidCrossEntropy": wl.sigmoid_cross_entropy,
    "softmaxCrossEntropy": wl.softmax_cross_entropy,
}
OPTIONS = {
    "cosineDistance": "axis",
    "huberLoss": "delta",
    "logLoss": "epsilon",
    "sigmoidCrossEntropy": "label_smoothing",
    "softmaxCrossEntropy": "label_smoothing",
}


def same(losses_a, losses_b):
    np.testing.assert_allclose(losses_a, losses_b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", OURS)
def test_values_and_gradients_of_tfjs(name):
    found = [case for case in recorded("coreLoss") if case["name"] == name]
    assert {case["reduction"] for case in found} == {0, 1, 2, 3}
    for case in found:
        t, p = case["args"]
        options = {OPTIONS[name]: case["option"]} if name in OPTIONS else {}

        def loss(p, t=t, case=case, options=options):
            return OURS[name](t, p, weights=case["weights"], reduction=case["reduction"], **options)

        result = loss(p)
        assert result.dtype == jnp.float32
        assert result.shape == case["result"].shape
        np.testing.assert_allclose(result, case["result"], rtol=1e-5, atol=1e-6, err_msg=case["id"])
        if case["grad"] is not None:
            grad = jax.grad(loss)(jnp.asarray(p))
            np.testing.assert_allclose(grad, case["grad"], rtol=1e-5, atol=1e-6, err_msg=case["id"])


def test_every_loss_has_recorded_cases():
    assert {case["name"] for case in recorded("coreLoss")} == OURS.keys()


# --- other oracles ----------------------------------------------------------------------------------

RNG = np.random.default_rng(1)
T = (RNG.uniform(size=(6, 3)) > 0.5).astype(np.float32)
X = RNG.normal(size=(6, 3), scale=3).astype(np.float32)


def test_optax_agrees():
    def elementwise(loss, **options):
        return loss(T, X, reduction=Reduction.NONE, **options)

    same(elementwise(wl.huber_loss, delta=0.7), optax.huber_loss(X, T, delta=0.7))
    same(elementwise(wl.mean_squared_error), 2 * optax.l2_loss(X, T))
    same(elementwise(wl.hinge_loss), optax.hinge_loss(X, 2 * T - 1))
    same(elementwise(wl.sigmoid_cross_entropy), optax.sigmoid_binary_cross_entropy(X, T))
    same(elementwise(wl.softmax_cross_entropy), optax.softmax_cross_entropy(X, T))
    same(
        elementwise(wl.softmax_cross_entropy, label_smoothing=0.2),
        optax.softmax_cross_entropy(X, optax.smooth_labels(jnp.asarray(T), 0.2)),
    )


def test_reductions():
    values, weights = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.0, 2.0])
    same(wl.compute_weighted_loss(values, weights, Reduction.NONE), [0.5, 0, 8])
    same(wl.compute_weighted_loss(values, weights, Reduction.SUM), 8.5)
    same(wl.compute_weighted_loss(values, weights, Reduction.MEAN), 8.5 / 2.5)
    same(wl.compute_weighted_loss(values, weights), 8.5 / 2)
    same(wl.compute_weighted_loss(values), 7 / 3)
    same(wl.compute_weighted_loss(values, reduction=Reduction.SUM), 7)
    same(wl.compute_weighted_loss([1, 2, 4], [1, 0, 1], reduction=1), 2.5)
    assert [int(member) for member in Reduction] == [0, 1, 2, 3]


def test_label_smoothing_of_sequences_counts_the_last_axis():
    labels, logits = T.reshape(2, 3, 3), X.reshape(2, 3, 3)
    wide = wl.softmax_cross_entropy(labels[:, :2], logits[:, :2], label_smoothing=0.3, reduction=0)
    smoothed = optax.smooth_labels(jnp.asarray(labels[:, :2]), 0.3)
    same(wide, optax.softmax_cross_entropy(logits[:, :2], smoothed))


def test_weights_broadcast_from_the_right():
    values = np.arange(6.0).reshape(2, 3)
    for weights in (np.array([1.0, 2, 3]), np.array([[2.0], [1.0]]), np.array([[1.0, 2, 3]]), 2.0):
        same(wl.compute_weighted_loss(values, weights, 0), values * weights)
    same(wl.compute_weighted_loss([1.0, 2.0], [[1.0, 0.0], [0.0, 3.0]], 0), [[1, 0], [0, 6]])


@pytest.mark.parametrize("reduction", [Reduction.MEAN, Reduction.SUM_BY_NONZERO_WEIGHTS])
def test_weights_that_are_all_zero_give_zero(reduction):
    def loss(p):
        return wl.mean_squared_error(jnp.ones(3), p, jnp.zeros(3), reduction)

    value, grad = jax.value_and_grad(loss)(jnp.array([1.0, 2.0, 3.0]))
    assert value == 0
    np.testing.assert_array_equal(grad, 0)


@pytest.mark.parametrize(
    "loss", [wl.absolute_difference, wl.huber_loss, wl.sigmoid_cross_entropy, wl.softmax_cross_entropy]
)
def test_large_inputs_give_finite_values_and_gradients(loss):
    x = jnp.array([[1e4, -1e4], [-1e4, 1e4], [0.0, 0.0], [1e30, -1e30]])
    value, grad = jax.value_and_grad(lambda x: loss(jnp.array([[0.0, 1.0]] * 4), x))(x)
    assert np.isfinite(value)
    assert np.isfinite(grad).all()


def test_a_perfect_guess_has_no_gradient():
    t = jnp.array([0.25, -2.0, 0.0])
    for loss in (wl.absolute_difference, wl.huber_loss, wl.mean_squared_error):
        np.testing.assert_array_equal(jax.grad(lambda p, loss=loss: loss(t, p))(t), 0)


def test_log_loss_at_zero_and_one():
    t, p = jnp.array([0.0, 0.0, 1.0, 1.0]), jnp.array([0.0, 1.0, 0.0, 1.0])
    value, grad = jax.value_and_grad(lambda p: wl.log_loss(t, p))(p)
    np.testing.assert_allclose(value, -np.log(1e-7) / 2, rtol=1e-5)
    assert np.isfinite(grad).all()


def test_lists_integers_and_half_precision():
    assert wl.mean_squared_error([1, 2], [1, 4]).dtype == jnp.float32
    same(wl.mean_squared_error([1, 2], [1, 4]), 2)
    half = jnp.array([0.5, 0.25], jnp.bfloat16)
    for name, loss in OURS.items():
        options = {"axis": 0} if name == "cosineDistance" else {}
        result = jax.eval_shape(lambda p, f=loss, o=options: f([True, False], p, weights=[1, 2], **o), half)
        assert result.dtype == jnp.bfloat16, name


def test_jit_and_vmap_change_nothing():
    unit = X / np.linalg.norm(X, axis=-1, keepdims=True)
    arguments = {name: (T, np.abs(unit) if name == "logLoss" else X) for name in OURS}
    weights = jnp.array([0.5, 0.0, 2.0])

    def everything(arguments):
        return {
            name: wl_loss(
                *arguments[name],
                weights=weights[-1:] if name != "huberLoss" else weights,
                **({"axis": -1} if name == "cosineDistance" else {}),
            )
            for name, wl_loss in OURS.items()
        }

    def rows(arguments):
        return jax.vmap(lambda t, x: wl.mean_squared_error(t, x, weights))(*arguments["meanSquaredError"])

    eager, jitted = everything(arguments), jax.jit(everything)(arguments)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), jitted, eager)
    expected = [wl.mean_squared_error(t, x, weights) for t, x in zip(T, X, strict=True)]
    same(rows(arguments), expected)


# --- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OURS)
def test_different_shapes_are_refused(name):
    loss = OURS[name]
    options = {"axis": 0} if name == "cosineDistance" else {}
    with pytest.raises(ValueError, match=rf"{loss.__name__}: .*abels .*shape \(2,\) and .*shape \(2, 1\)"):
        loss([0.0, 1.0], [[0.0], [1.0]], **options)


def test_weights_that_do_not_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"weights of shape \(2,\) for losses of shape \(3,\)"):
        wl.compute_weighted_loss([1.0, 2.0, 3.0], [1.0, 2.0])


@pytest.mark.parametrize("reduction", [4, "mean", None])
def test_unknown_reductions_are_refused(reduction):
    with pytest.raises(ValueError, match=rf"NONE \(0\), MEAN \(1\), SUM \(2\).*received {reduction!r}"):
        wl.compute_weighted_loss([1.0], reduction=reduction)
