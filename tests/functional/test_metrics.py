"""Metrics against TensorFlow.js and against counting by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtf.functional import losses, metrics
from tests.functional.recorded import case_id, recorded

OURS = {
    "binaryAccuracy": metrics.binary_accuracy,
    "categoricalAccuracy": metrics.categorical_accuracy,
    "precision": metrics.precision,
    "r2Score": metrics.r2_score,
    "recall": metrics.recall,
    "sparseCategoricalAccuracy": metrics.sparse_categorical_accuracy,
}


@pytest.mark.parametrize("case", recorded("metric"), ids=case_id)
def test_values_of_tfjs(case):
    result = OURS[case["name"]](*case["args"])
    assert result.dtype == jnp.float32
    np.testing.assert_allclose(result, case["result"], rtol=1e-5, strict=True)


def test_every_metric_of_tfjs_has_recorded_cases():
    assert {case["name"] for case in recorded("metric")} == OURS.keys()


def test_every_loss_is_a_metric():
    names = {
        name
        for name, value in vars(losses).items()
        if getattr(value, "__module__", "") == losses.__name__ and not name.startswith("_")
    } - {"class_labels", "sigmoid_cross_entropy_with_logits"}
    assert len(names) == 14
    for name in names:
        metric = getattr(metrics, name)
        assert metric.__name__ == name
        assert metric.__doc__ == getattr(losses, name).__doc__


T = np.array([[0, 1, 1, 0], [1, 1, 0, 0]])
P = np.array([[0.1, 0.6, 0.4, 0.9], [0.8, 0.3, 0.2, 0.5]], np.float32)


def test_thresholds():
    np.testing.assert_allclose(metrics.binary_accuracy(T, P), [0.5, 0.75])
    np.testing.assert_allclose(metrics.binary_accuracy(T, P, threshold=0.25), [0.75, 0.75])
    np.testing.assert_allclose(metrics.binary_accuracy(T.astype(bool), P), [0.5, 0.75])
    # Positive at 0.5: 0.6 (right), 0.9 (wrong), 0.8 (right); missed: 0.4 and 0.3.
    np.testing.assert_allclose(metrics.precision(T, P), 2 / 3)
    np.testing.assert_allclose(metrics.recall(T, P), 2 / 4)
    np.testing.assert_allclose(metrics.precision(T, P, threshold=0.35), 3 / 5)
    np.testing.assert_allclose(metrics.recall(T, P, threshold=0.35), 3 / 4)


def test_nothing_positive_gives_zero():
    assert metrics.precision(T, np.zeros_like(P)) == 0
    assert metrics.recall(np.zeros_like(T), P) == 0


def test_r2_score():
    t = np.array([1.0, 2.0, 4.0], np.float32)
    np.testing.assert_allclose(metrics.r2_score(t, t), 1)
    np.testing.assert_allclose(metrics.r2_score(t, np.full(3, t.mean())), 0, atol=1e-6)
    p = np.array([1.5, 2.0, 3.0])
    np.testing.assert_allclose(metrics.r2_score(t, p), 1 - 1.25 / ((t - t.mean()) ** 2).sum(), rtol=1e-6)


SCORES = np.random.default_rng(5).permutation(60).reshape(2, 3, 10).astype(np.float32)
CLASSES = np.array([[0, 9, 4], [3, 3, 7]])


@pytest.mark.parametrize("k", [1, 2, 5, 10])
def test_top_k(k):
    best = np.argsort(-SCORES, axis=-1)[..., :k]
    expected = (best == CLASSES[..., None]).any(-1).astype(np.float32)
    one_hot = np.eye(10)[CLASSES]
    np.testing.assert_array_equal(metrics.top_k_categorical_accuracy(one_hot, SCORES, k=k), expected)
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy(CLASSES, SCORES, k=k), expected)
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy(CLASSES[..., None], SCORES, k=k), expected)
    if k == 1:
        np.testing.assert_array_equal(metrics.categorical_accuracy(one_hot, SCORES), expected)
    if k == 5:
        np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy(CLASSES, SCORES), expected)
        np.testing.assert_array_equal(metrics.top_k_categorical_accuracy(one_hot, SCORES), expected)


def test_top_k_ties_count_and_nan_does_not():
    sparse_top_k = metrics.sparse_top_k_categorical_accuracy
    np.testing.assert_array_equal(sparse_top_k([2], [[1.0, 1.0, 1.0]], k=1), [1])
    np.testing.assert_array_equal(sparse_top_k([1], [[1.0, np.nan, 0.0]], k=4), [0])
    np.testing.assert_array_equal(sparse_top_k([-1, 3], [[1.0, 2.0, 3.0]] * 2, k=3), [0, 0])


def test_jit_and_vmap_change_nothing():
    def everything(t, p):
        found = {name: f(t, p) for name, f in OURS.items() if name != "sparseCategoricalAccuracy"}
        labels = jnp.argmax(t, axis=-1)
        found["sparse"] = metrics.sparse_categorical_accuracy(labels, p)
        found["top"] = metrics.sparse_top_k_categorical_accuracy(labels, p, k=2)
        return found

    eager = everything(T, jnp.asarray(P))
    jitted = jax.jit(everything)(T, jnp.asarray(P))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), jitted, eager)
    rows = jax.vmap(metrics.binary_accuracy)(jnp.asarray(T), jnp.asarray(P))
    np.testing.assert_allclose(rows, eager["binaryAccuracy"])


@pytest.mark.parametrize(
    "metric",
    [
        metrics.binary_accuracy,
        metrics.categorical_accuracy,
        metrics.precision,
        metrics.r2_score,
        metrics.recall,
        metrics.top_k_categorical_accuracy,
    ],
)
def test_different_shapes_are_refused(metric):
    message = rf"{metric.__name__}: .*y_true of shape \(3,\) and y_pred of shape \(3, 1\)"
    with pytest.raises(ValueError, match=message):
        metric(np.ones(3), np.ones((3, 1)))


@pytest.mark.parametrize("metric", [metrics.sparse_categorical_accuracy, metrics.sparse_top_k_categorical_accuracy])
def test_one_hot_labels_for_sparse_metrics_are_refused(metric):
    with pytest.raises(ValueError, match=rf"{metric.__name__}: expected one class number a sample"):
        metric(np.eye(3), np.eye(3))
