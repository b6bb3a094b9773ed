"""The per-sample losses against TensorFlow.js, against formulas in float64, and where logarithms break."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import special

from jtf.functional import losses
from tests.functional.recorded import case_id, recorded

#: Numbers near kinks depend on what XLA fuses.
optimized = True

OURS = {
    "binaryCrossentropy": losses.binary_crossentropy,
    "categoricalCrossentropy": losses.categorical_crossentropy,
    "categoricalHinge": losses.categorical_hinge,
    "cosineProximity": losses.cosine_proximity,
    "hinge": losses.hinge,
    "kullbackLeiblerDivergence": losses.kullback_leibler_divergence,
    "logcosh": losses.logcosh,
    "meanAbsoluteError": losses.mean_absolute_error,
    "meanAbsolutePercentageError": losses.mean_absolute_percentage_error,
    "meanSquaredError": losses.mean_squared_error,
    "meanSquaredLogarithmicError": losses.mean_squared_logarithmic_error,
    "poisson": losses.poisson,
    "sparseCategoricalCrossentropy": losses.sparse_categorical_crossentropy,
    "squaredHinge": losses.squared_hinge,
}
DENSE = [loss for name, loss in OURS.items() if name != "sparseCategoricalCrossentropy"]


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def normalized(p):
    return p / p.sum(axis=-1, keepdims=True)


#: Independent formulas, for inputs that no clip touches.
FORMULAS = {
    losses.binary_crossentropy: lambda t, p: -np.mean(special.xlogy(t, p) + special.xlog1py(1 - t, -p), -1),
    losses.categorical_crossentropy: lambda t, p: -np.sum(special.xlogy(t, normalized(p)), -1),
    losses.categorical_hinge: lambda t, p: np.maximum(0, 1 + np.max((1 - t) * p, -1) - np.sum(t * p, -1)),
    losses.cosine_proximity: lambda t, p: -np.sum(unit(t) * unit(p), -1),
    losses.hinge: lambda t, p: np.mean(np.maximum(0, 1 - t * p), -1),
    losses.kullback_leibler_divergence: lambda t, p: np.sum(special.rel_entr(t, p), -1),
    losses.logcosh: lambda t, p: np.mean(np.log(np.cosh(p - t)), -1),
    losses.mean_absolute_error: lambda t, p: np.mean(np.abs(p - t), -1),
    losses.mean_absolute_percentage_error: lambda t, p: 100 * np.mean(np.abs((p - t) / t), -1),
    losses.mean_squared_error: lambda t, p: np.mean((p - t) ** 2, -1),
    losses.mean_squared_logarithmic_error: lambda t, p: np.mean((np.log1p(p) - np.log1p(t)) ** 2, -1),
    losses.poisson: lambda t, p: np.mean(p - t * np.log(p), -1),
    losses.squared_hinge: lambda t, p: np.mean(np.maximum(0, 1 - t * p) ** 2, -1),
}

RNG = np.random.default_rng(3)
TRUTH = RNG.uniform(0.1, 0.9, (5, 4))
GUESS = RNG.uniform(0.1, 0.9, (5, 4))
TRUTH32, GUESS32 = TRUTH.astype(np.float32), GUESS.astype(np.float32)


def name_of(loss):
    return loss.__name__


def total(loss, **options):
    """Sum of the losses with a weight each, so that the parts of the gradient can be told apart."""

    def weighted_sum(t, p):
        per_sample = loss(t, p, **options)
        return jnp.sum(per_sample * jnp.linspace(0.5, 1.5, per_sample.size).reshape(per_sample.shape))

    return weighted_sum


def test_every_loss_is_tested():
    assert {case["name"] for case in recorded("loss")} == OURS.keys()
    assert FORMULAS.keys() == set(DENSE)


@cache
def compiled(loss, **options):
    """The losses and the gradient of their weighted sum, compiled once for all cases of a loss."""
    gradient = jax.grad(total(loss, **options), argnums=1)
    return jax.jit(lambda t, p: (loss(t, p, **options), gradient(t, p)))


@pytest.mark.parametrize("case", recorded("loss"), ids=case_id)
def test_values_and_gradients_of_tfjs(case):
    loss, (t, p, *rest) = OURS[case["name"]], case["args"]
    options = {"from_logits": rest[0]} if rest else {}
    result, grad = compiled(loss, **options)(t, p)
    np.testing.assert_allclose(result, case["result"], rtol=1e-5, atol=1e-6, strict=True)
    np.testing.assert_allclose(grad, case["grad"], rtol=1e-5, atol=1e-6, strict=True)


@pytest.mark.parametrize("loss", DENSE, ids=name_of)
def test_values_and_gradients_of_the_formula(loss):
    formula, step = FORMULAS[loss], 1e-6
    result, grad = compiled(loss)(TRUTH32, GUESS32)
    np.testing.assert_allclose(result, formula(TRUTH, GUESS), rtol=1e-5, atol=1e-7)
    expected = np.zeros_like(GUESS)
    for index in np.ndindex(GUESS.shape):
        up, down = GUESS.copy(), GUESS.copy()
        up[index] += step
        down[index] -= step
        expected[index] = np.sum(np.linspace(0.5, 1.5, 5) * (formula(TRUTH, up) - formula(TRUTH, down)))
    np.testing.assert_allclose(grad, expected / (2 * step), rtol=1e-4, atol=1e-5)


# --- where it could break ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", DENSE, ids=name_of)
def test_zeros_and_ones_give_finite_values_and_gradients(loss):
    # Every pair of 0 and 1, in float32 and in a precision where 1 - 1e-7 is 1.
    t = jnp.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    p = jnp.array([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    for dtype in (jnp.float32, jnp.bfloat16):
        values, grads = jax.jit(jax.vmap(jax.value_and_grad(loss, argnums=1)))(t.astype(dtype), p.astype(dtype))
        assert values.dtype == dtype
        assert np.isfinite(values).all(), dtype
        assert np.isfinite(grads).all(), dtype


@pytest.mark.parametrize("loss", [losses.logcosh, losses.mean_absolute_error, losses.hinge], ids=name_of)
def test_losses_that_are_linear_far_away(loss):
    t = jnp.array([[1.0, -1.0]])
    for far in (1e4, 1e30):
        value, grad = jax.value_and_grad(lambda p: loss(t, p)[0])(jnp.array([[-far, far]]))
        assert 0.9 * far < value < 2.1 * far
        np.testing.assert_allclose(np.abs(grad), np.abs(grad).max(), rtol=1e-6)
        assert 0.4 < np.abs(grad).max() < 1.1


def test_perfect_guesses_have_no_gradient():
    t = jnp.array([[0.25, -2.0, 0.0]])
    for loss in (
        losses.mean_absolute_error,
        losses.mean_absolute_percentage_error,
        losses.mean_squared_error,
    ):
        np.testing.assert_array_equal(jax.grad(lambda p, loss=loss: loss(t, p)[0])(t), 0)


def test_logcosh_of_a_perfect_guess_is_zero():
    value, grad = jax.value_and_grad(lambda p: losses.logcosh([0.5], p))(jnp.array([0.5]))
    np.testing.assert_allclose([value, grad[0]], 0, atol=1e-7)


LOGITS = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [0, 0, 0], [30, -30, 0.5]], np.float32)


def test_categorical_crossentropy_from_large_logits():
    t = np.eye(3, dtype=np.float32)[[1, 0, 2, 1]]
    values = losses.categorical_crossentropy(t, LOGITS, from_logits=True)
    expected = -np.sum(t * special.log_softmax(LOGITS.astype(np.float64), axis=-1), -1)
    np.testing.assert_allclose(values, expected, rtol=1e-6)  # 20,000, where TensorFlow.js says 16.1
    np.testing.assert_allclose(values, optax.softmax_cross_entropy(LOGITS, t), rtol=1e-6)
    grad = jax.grad(lambda x: jnp.sum(losses.categorical_crossentropy(t, x, True)))(jnp.asarray(LOGITS))
    np.testing.assert_allclose(grad, special.softmax(LOGITS.astype(np.float64), -1) - t, atol=1e-6)


def test_sparse_categorical_crossentropy_from_logits_is_the_dense_one():
    labels = np.array([1, 0, 2, 1])
    t = np.eye(3, dtype=np.float32)[labels]
    dense, dense_grad = jax.value_and_grad(total(losses.categorical_crossentropy, from_logits=True), argnums=1)(
        t, jnp.asarray(LOGITS)
    )
    sparse = total(losses.sparse_categorical_crossentropy, from_logits=True)
    for given in (labels, labels[:, None], labels.astype(np.float32), labels.astype(np.uint8)):
        value, grad = jax.value_and_grad(sparse, argnums=1)(given, jnp.asarray(LOGITS))
        np.testing.assert_allclose(value, dense, rtol=1e-6)
        np.testing.assert_allclose(grad, dense_grad, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(
        losses.sparse_categorical_crossentropy(labels, LOGITS, True),
        optax.softmax_cross_entropy_with_integer_labels(LOGITS, labels),
        rtol=1e-6,
    )


def test_sparse_labels_that_are_no_class_cost_nothing():
    p = jnp.full((3, 4), 0.25)
    value, grad = jax.value_and_grad(lambda p: jnp.sum(losses.sparse_categorical_crossentropy([-1, 4, 0], p)))(p)
    np.testing.assert_allclose(value, np.log(4), rtol=1e-6)
    np.testing.assert_array_equal(np.any(np.asarray(grad) != 0, axis=1), [False, False, True])


def test_sparse_labels_of_sequences():
    labels = np.array([[0, 1, 2], [2, 1, 0]])
    p = RNG.uniform(0.1, 1, (2, 3, 3)).astype(np.float32)
    expected = losses.categorical_crossentropy(np.eye(3)[labels], p)
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy(labels, p), expected, rtol=1e-6)
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy(labels[..., None], p), expected, rtol=1e-6)


def test_sigmoid_cross_entropy_with_logits():
    x = np.array([-1e4, -30, -1, 0, 1, 30, 1e4], np.float32)
    for label in (0.0, 0.3, 1.0):
        t = np.full_like(x, label)
        values = losses.sigmoid_cross_entropy_with_logits(t, x)
        expected = -t * special.log_expit(x.astype(np.float64)) - (1 - t) * special.log_expit(-x.astype(np.float64))
        np.testing.assert_allclose(values, expected, rtol=1e-6)
        np.testing.assert_allclose(values, optax.sigmoid_binary_cross_entropy(x, t), rtol=1e-6)
        grad = jax.grad(lambda x, t=t: jnp.sum(losses.sigmoid_cross_entropy_with_logits(t, x)))(jnp.asarray(x))
        np.testing.assert_allclose(grad, special.expit(x) - t, rtol=1e-5, atol=1e-7)


def test_binary_crossentropy_from_logits():
    t = np.array([[0.0, 1.0, 1.0, 0.0]], np.float32)
    x = np.array([[-3.0, 0.5, 1e4, 1e4]], np.float32)
    np.testing.assert_allclose(
        losses.binary_crossentropy(t, x, from_logits=True),
        optax.sigmoid_binary_cross_entropy(x, t).mean(-1),
        rtol=1e-6,
    )
    moderate = np.array([[-3.0, 0.5, 2.0, 1.0]], np.float32)
    np.testing.assert_allclose(
        losses.binary_crossentropy(t, moderate, from_logits=True),
        losses.binary_crossentropy(t, special.expit(moderate)),
        rtol=1e-5,
    )


def test_probabilities_are_clipped_as_in_float32():
    # 1 - 1e-7 is 0.99999988 there.
    largest, smallest = -np.log(1e-7), -np.log(np.float64(np.float32(1 - 1e-7)))
    np.testing.assert_allclose(losses.categorical_crossentropy([[0, 1]], [[1.0, 0.0]]), [largest], rtol=1e-6)
    np.testing.assert_allclose(losses.categorical_crossentropy([[0, 1]], [[0.0, 1.0]]), [smallest], rtol=1e-3)
    np.testing.assert_allclose(losses.categorical_crossentropy([[0, 1]], [[0.0, 0.0]]), [largest], rtol=1e-6)
    np.testing.assert_allclose(losses.binary_crossentropy([[1]], [[0.0]]), [largest], rtol=1e-6)
    np.testing.assert_allclose(
        losses.binary_crossentropy([[0]], [[1.0]]), [-np.log(1 - np.float64(np.float32(1 - 1e-7)))], rtol=1e-6
    )


# --- dtypes, shapes, transformations ----------------------------------------------------------------


def test_labels_of_any_dtype():
    everything = jax.jit(lambda t, p: [loss(t, p) for loss in DENSE])
    t = TRUTH > 0.5
    expected = everything(t.astype(np.float32), GUESS32)
    for dtype in (bool, np.int32, np.uint8, np.float16):
        for result, value in zip(everything(t.astype(dtype), GUESS32), expected, strict=True):
            assert result.dtype == jnp.float32
            np.testing.assert_allclose(result, value, rtol=1e-6)
    assert losses.mean_squared_error([[1, 2]], [[3, 4]]).dtype == jnp.float32


def test_half_precision_is_computed_in_float32():
    t, p = TRUTH32 > 0.5, jnp.asarray(GUESS32, jnp.bfloat16)
    everything = jax.jit(lambda t, p: [loss(t, p) for loss in DENSE])
    for result, precise in zip(everything(t, p), everything(t, p.astype(jnp.float32)), strict=True):
        np.testing.assert_array_equal(result, precise.astype(jnp.bfloat16))
    assert losses.sparse_categorical_crossentropy([0] * 5, p).dtype == jnp.bfloat16
    assert losses.sigmoid_cross_entropy_with_logits(t, p).dtype == jnp.bfloat16


@pytest.mark.parametrize("loss", DENSE, ids=name_of)
def test_different_shapes_are_refused(loss):
    # They would broadcast to [3, 3].
    with pytest.raises(ValueError, match=rf"{loss.__name__}: y_true and y_pred .*\(3,\).*\(3, 1\)"):
        loss(jnp.ones(3), jnp.ones((3, 1)))


def test_different_shapes_of_labels_and_logits_are_refused():
    with pytest.raises(ValueError, match=r"labels and logits .*labels of shape \(2,\) and logits of shape \(3,\)"):
        losses.sigmoid_cross_entropy_with_logits([0, 1], [1.0, 2.0, 3.0])


def test_one_hot_labels_for_the_sparse_loss_are_refused():
    message = r"one class number a sample, of shape \(2,\) or \(2, 1\).*received shape \(2, 3\).*categorical"
    with pytest.raises(ValueError, match=message):
        losses.sparse_categorical_crossentropy([[0, 1, 0], [1, 0, 0]], [[0.1, 0.2, 0.7]] * 2)


def test_jit_and_vmap_change_nothing():
    def everything(t, p):
        labels = jnp.argmax(t, axis=-1)
        return {loss.__name__: loss(t, p) for loss in DENSE} | {
            "sparse": losses.sparse_categorical_crossentropy(labels, p),
            "logits": losses.categorical_crossentropy(t, p, from_logits=True),
        }

    t, p = jnp.asarray(TRUTH32), jnp.asarray(GUESS32)
    eager = everything(t, p)
    assert all(value.shape == (5,) for value in eager.values())
    for transformed in (jax.jit(everything)(t, p), jax.jit(jax.vmap(everything))(t, p)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), transformed, eager)
