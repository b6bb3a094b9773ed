"""Metrics of whole data sets: whatever the sizes of the batches, they equal the oracles' of all samples."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as sk

from jtf.functional import metrics

SAMPLES = 40
BATCH_SIZES = (1, 7, 32, SAMPLES)


def binary(rng):
    """Labels and probabilities of one column, on a grid that 100 thresholds part as all thresholds do."""
    labels = rng.integers(0, 2, (SAMPLES, 1))
    labels[:2, 0] = 0, 1
    scores = np.clip(labels * 0.2 + rng.uniform(0, 0.8, (SAMPLES, 1)), 0.0, 1.0)
    return labels.astype(np.float32), ((np.floor(scores * 98) + 0.5) / 99).astype(np.float32)


def classes(rng):
    """One-hot labels and probabilities of four classes."""
    labels = rng.integers(0, 4, SAMPLES)
    labels[:4] = range(4)
    scores = rng.normal(size=(SAMPLES, 4)) + 1.5 * np.eye(4)[labels]
    return np.eye(4, dtype=np.float32)[labels], np.array(jax.nn.softmax(jnp.asarray(scores, jnp.float32)))


def real(rng):
    """A truth of two columns that is far from zero, and predictions of it."""
    truth = (rng.normal(size=(SAMPLES, 2)) * [1.0, 5.0] + [2000.0, -300.0]).astype(np.float32)
    return truth, (truth + rng.normal(size=(SAMPLES, 2))).astype(np.float32)


class Case(NamedTuple):
    ours: metrics.Metric
    data: Callable[[Any], tuple[np.ndarray, np.ndarray]]
    keras: str | None = None
    options: dict[str, Any] = {}  # noqa: RUF012
    sklearn: Callable[[Any, Any, Any], Any] | None = None


def cut(t, p, at):
    return t.ravel().astype(int), (p > at).ravel().astype(int)


def scored(score, at=0.5, **options):
    """scikit-learn's score of yes or no."""
    return lambda t, p, w: score(*cut(t, p, at), sample_weight=w, **options)


def best(score, **options):
    """scikit-learn's score of the likeliest classes."""
    return lambda t, p, w: score(t.argmax(1), p.argmax(1), sample_weight=w, **options)


def plain(score, **options):
    return lambda t, p, w: score(t, p, sample_weight=w, **options)


def counted(place):
    """Of true negatives, false positives, false negatives, true positives."""
    return lambda t, p, w: sk.confusion_matrix(*cut(t, p, 0.5), sample_weight=w, labels=[0, 1]).ravel()[place]


def flat(t, p, w):
    return sk.r2_score(t.ravel(), p.ravel(), sample_weight=None if w is None else np.repeat(w, 2))


m = metrics
CASES = [
    Case(m.precision(), binary, "Precision", {}, scored(sk.precision_score)),
    Case(m.precision(threshold=0.3), binary, "Precision", {"thresholds": 0.3}, scored(sk.precision_score, 0.3)),
    Case(m.precision(class_id=2, threshold=0.4), classes, "Precision", {"class_id": 2, "thresholds": 0.4}),
    Case(m.precision(top_k=2), classes, "Precision", {"top_k": 2}),
    Case(m.recall(), binary, "Recall", {}, scored(sk.recall_score)),
    Case(m.recall(top_k=2, class_id=1), classes, "Recall", {"top_k": 2, "class_id": 1}),
    Case(m.true_positives(), binary, "TruePositives", {}, counted(3)),
    Case(m.false_positives(), binary, "FalsePositives", {}, counted(1)),
    Case(m.true_negatives(), binary, "TrueNegatives", {}, counted(0)),
    Case(m.false_negatives(), binary, "FalseNegatives", {}, counted(2)),
    Case(m.f1_score(), classes, "F1Score", {"average": "macro"}, best(sk.f1_score, average="macro")),
    Case(m.f1_score(average="weighted"), classes, "F1Score", {"average": "weighted"}),
    Case(m.f1_score(), binary, "F1Score", {"average": "macro", "threshold": 0.5}, scored(sk.f1_score)),
    Case(
        m.fbeta_score(beta=2.0, average="micro", threshold=0.3),
        classes,
        "FBetaScore",
        {"beta": 2.0, "average": "micro", "threshold": 0.3},
        lambda t, p, w: sk.fbeta_score(t, p > 0.3, beta=2.0, average="micro", sample_weight=w),
    ),
    Case(m.auc(num_thresholds=100), binary, "AUC", {"num_thresholds": 100}, plain(sk.roc_auc_score)),
    Case(m.auc(summation_method="minoring"), binary, "AUC", {"summation_method": "minoring"}),
    Case(m.auc(multi_label=True), classes, "AUC", {"multi_label": True, "num_labels": 4}),
    Case(m.auc(), classes, "AUC"),
    Case(m.auc(from_logits=True), classes, "AUC", {"from_logits": True}),
    Case(m.auc(curve="PR"), binary, "AUC", {"curve": "PR"}),
    Case(
        m.auc(curve="PR", summation_method="majoring"), binary, "AUC", {"curve": "PR", "summation_method": "majoring"}
    ),
    Case(m.precision_at_recall(0.6), binary, "PrecisionAtRecall", {"recall": 0.6}),
    Case(m.recall_at_precision(0.6), binary, "RecallAtPrecision", {"precision": 0.6}),
    Case(m.sensitivity_at_specificity(0.6), binary, "SensitivityAtSpecificity", {"specificity": 0.6}),
    Case(m.specificity_at_sensitivity(0.6), binary, "SpecificityAtSensitivity", {"sensitivity": 0.6}),
    Case(
        m.root_mean_squared_error(),
        real,
        "RootMeanSquaredError",
        {},
        lambda t, p, w: sk.root_mean_squared_error(
            t.ravel(), p.ravel(), sample_weight=None if w is None else w.repeat(2)
        ),
    ),
    Case(m.r2_score(), real, sklearn=flat),
    Case(m.r2_score(multioutput="uniform_average"), real, sklearn=plain(sk.r2_score)),
    Case(
        m.r2_score(multioutput="variance_weighted"), real, sklearn=plain(sk.r2_score, multioutput="variance_weighted")
    ),
    Case(m.mean_iou(), classes, "OneHotMeanIoU", {"num_classes": 4}, best(sk.jaccard_score, average="macro")),
    Case(
        m.iou(target_class_ids=[0, 3]),
        classes,
        "OneHotIoU",
        {"num_classes": 4, "target_class_ids": [0, 3]},
        best(sk.jaccard_score, labels=[0, 3], average="macro"),
    ),
    Case(m.binary_iou(threshold=0.4), binary, "BinaryIoU", {"threshold": 0.4}),
    Case(
        m.binary_accuracy(threshold=0.4), binary, "BinaryAccuracy", {"threshold": 0.4}, scored(sk.accuracy_score, 0.4)
    ),
    Case(m.categorical_accuracy(), classes, "CategoricalAccuracy", {}, best(sk.accuracy_score)),
    Case(
        m.top_k_categorical_accuracy(k=2),
        classes,
        "TopKCategoricalAccuracy",
        {"k": 2},
        lambda t, p, w: sk.top_k_accuracy_score(t.argmax(1), p, k=2, sample_weight=w),
    ),
    Case(m.mean_absolute_error(), real, "MeanAbsoluteError", {}, plain(sk.mean_absolute_error)),
    Case(m.categorical_crossentropy(), classes, "CategoricalCrossentropy", {}, plain(sk.log_loss)),
]


def case_id(case):
    options = ",".join(f"{name}={value}" for name, value in case.options.items())
    return f"{case.ours.name}({options})-{case.data.__name__}"


def drawn(case, seed):
    """Labels, predictions, and weights for every second seed."""
    rng = np.random.default_rng(seed)
    t, p = case.data(rng)
    return t, p, rng.integers(0, 4, SAMPLES).astype(np.float32) if seed % 2 else None


def in_batches(metric, update, t, p, w, size):
    state = metric.init((None, *p.shape[1:]))
    for start in range(0, len(t), size):
        chosen = slice(start, start + size)
        state = update(state, t[chosen], p[chosen], None if w is None else w[chosen])
    return float(metric.result(state))


def compare(case, seeds, oracle, batch_sizes=(7, SAMPLES)):
    update = jax.jit(case.ours.update)
    for seed in seeds:
        t, p, w = drawn(case, seed)
        expected = float(oracle(t, p, w))
        for size in batch_sizes:
            assert in_batches(case.ours, update, t, p, w, size) == pytest.approx(expected, rel=1e-5, abs=1e-6), (
                seed,
                size,
            )


def by_keras(case):
    import keras

    def oracle(t, p, w):
        # Keras broadcasts, and asks for 64 bits.
        with jax.numpy_rank_promotion("allow"), warnings.catch_warnings(action="ignore"):
            metric = getattr(keras.metrics, case.keras)(**case.options)
            metric.update_state(t, p, sample_weight=w)
            return np.asarray(metric.result())

    return oracle


@pytest.mark.parametrize("case", [case for case in CASES if case.sklearn], ids=case_id)
def test_equals_scikit_learn(case):
    compare(case, range(2), case.sklearn)


@pytest.mark.parametrize("case", [case for case in CASES if case.keras and not case.sklearn], ids=case_id)
def test_equals_keras(case):
    compare(case, range(2), by_keras(case))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_equals_both_over_twenty_data_sets(case):
    if case.sklearn:
        compare(case, range(20), case.sklearn, BATCH_SIZES)
    if case.keras:
        compare(case, range(20), by_keras(case), BATCH_SIZES)


@pytest.mark.parametrize("metric", [m.precision, m.recall, m.f1_score, m.auc, m.mean_iou], ids=lambda f: f.__name__)
def test_class_numbers_are_as_good_as_one_hot_labels(metric):
    t, p = classes(np.random.default_rng(0))
    for labels in (t.argmax(1), t.argmax(1)[:, None], t.argmax(1).astype(np.float32)):
        assert float(metric(labels, p)) == float(metric(t, p))


def test_weights_of_sequences():
    rng = np.random.default_rng(3)
    t, p = rng.integers(0, 2, (4, 5, 2)).astype(np.float32), rng.uniform(size=(4, 5, 2)).astype(np.float32)
    valid = rng.integers(0, 2, (4, 5))
    kept = valid.astype(bool)
    p[~kept] = np.nan  # what is left out may be anything
    for metric in (m.precision, m.auc, m.root_mean_squared_error, m.r2_score, m.mean_absolute_error, m.f1_score):
        assert float(metric()(t, p, valid)) == pytest.approx(float(metric()(t[kept], p[kept])), rel=1e-5), metric
    with pytest.raises(ValueError, match=r"'auc' has entries of shape \(4, 5, 2\), which weights .* \(3,\) do not fit"):
        m.auc()(t, p, np.ones(3))


def test_the_spread_of_a_truth_far_from_zero():
    # Sums of squares would lose it: 1e5 entries around 1e4, which vary by 1.
    rng = np.random.default_rng(0)
    t = (rng.normal(size=(100_000, 1)) + 1e4).astype(np.float32)
    p = (t + rng.normal(size=t.shape) / 2).astype(np.float32)
    ours = in_batches(m.r2_score(), jax.jit(m.r2_score().update), t, p, None, 10_000)
    assert ours == pytest.approx(sk.r2_score(t.astype(float), p.astype(float)), rel=1e-5)


def test_what_equals_a_threshold_is_below_it():
    # Above 0.5 is one of three positive labels and no negative one: the curve goes by (0, 1/3) to (1, 1).
    score = m.auc(np.array([[1.0], [1.0], [0.0], [1.0]]), np.array([[0.5], [0.5], [0.2], [0.8]]), num_thresholds=3)
    assert float(score) == pytest.approx(2 / 3)


def test_nothing_gives_zero():
    t, p = np.zeros((3, 1)), np.zeros((3, 1))
    for metric in (m.precision(), m.recall(), m.f1_score(), m.precision_at_recall(0.5), m.auc()):
        assert float(metric(t, p)) == 0


@pytest.mark.parametrize("score", [-1.0, 1.5, np.nan])
def test_scores_that_are_no_probabilities_give_nan(score):
    t, p = np.array([[0.0], [1.0], [1.0]]), np.array([[0.2], [0.5], [score]])
    for metric in (m.auc(), m.auc(curve="PR"), m.precision_at_recall(0.5)):
        assert np.isnan(metric(t, p))
        assert float(metric(t, p, [1.0, 1.0, 0.0])) == 1.0
    assert float(m.auc(t[:2], np.array([[0.0], [1.000001]]))) == 1.0


def test_they_can_be_written_down_and_compared():
    metric = m.auc(num_thresholds=50)
    assert pickle.loads(pickle.dumps(metric)) == metric != m.auc()
    assert pickle.loads(pickle.dumps(m.auc)) is m.auc
    mean = m.top_k_categorical_accuracy(k=3)
    assert (mean.name, pickle.loads(pickle.dumps(mean)).name) == ("top_k_categorical_accuracy",) * 2
    assert m.precision(name="p").name == "p"
    assert repr(m.recall) == "jtf.metrics.recall"


def test_a_metric_that_lacks_a_method():
    class Half(m.Metric):
        name = "half"

    with pytest.raises(NotImplementedError, match=r"Half must define init\(self, output_shape\)"):
        Half()(np.ones((2, 1)), np.ones((2, 1)))
