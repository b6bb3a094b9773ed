"""Counts of right and wrong answers at a threshold, and what follows from them: precision, recall, F-scores.

References:
    Powers, "Evaluation: from precision, recall and F-measure to ROC, informedness, markedness and correlation", 2011.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from jtf.functional.losses import class_labels
from jtf.functional.metrics.accuracies import same_shape
from jtf.functional.metrics.metric import Metric, fraction, over_all, weights_like
from jtf.types import Array, ArrayLike, Shape


def labels_like(metric: str, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
    """Labels as bools in the shape of the predictions, and the predictions.

    Args:
        metric: its name, for the message.
        y_true: 0 and 1 in the shape of ``y_pred``; or class numbers ``[...]`` or ``[..., 1]``.
        y_pred: ``[..., classes]``.

    Raises:
        ValueError: labels of another shape.
    """
    t, p = jnp.asarray(y_true), jnp.asarray(y_pred)
    if t.shape != p.shape and p.ndim and p.shape[-1] > 1 and t.shape in (p.shape[:-1], (*p.shape[:-1], 1)):
        return jax.nn.one_hot(class_labels(metric, t, p.shape), p.shape[-1], dtype=bool), p
    t, p = same_shape(metric, t, p)
    return t > 0.5, p


class Counts(NamedTuple):
    """Weighted counts of answers, float32."""

    true_positives: Array
    false_positives: Array
    true_negatives: Array
    false_negatives: Array

    @classmethod
    def of(cls, labels: Array, positive: Array, weights: Array, axes: tuple[int, ...] | None = None) -> Counts:
        """Counted over some axes, all by default."""
        cases = (labels & positive, ~labels & positive, ~labels & ~positive, labels & ~positive)
        return cls(*(jnp.sum(jnp.where(case, weights, 0.0), axis=axes) for case in cases))

    def __add__(self, other: Counts) -> Counts:  # type: ignore[override]
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True, kw_only=True)
class _Counted(Metric):
    """What follows from the counts at one threshold, over all entries of all samples."""

    threshold: float | None = None
    class_id: int | None = None
    top_k: int | None = None
    name: str = ""

    def init(self, output_shape: Shape) -> Counts:
        return Counts(*[jnp.zeros(())] * 4)

    def update(
        self, state: Counts, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Counts:
        labels, p = labels_like(self.name, y_true, y_pred)
        weights = weights_like(p.shape, sample_weight, self.name)
        positive = jnp.ones(p.shape, bool) if self.top_k is None else _is_among_best(p, self.top_k)
        if self.top_k is None or self.threshold is not None:
            positive &= p > (0.5 if self.threshold is None else self.threshold)
        if self.class_id is not None:
            labels, positive, weights = (x[..., self.class_id] for x in (labels, positive, weights))
        return state + Counts.of(labels, positive, weights)


@dataclass(frozen=True, kw_only=True)
class Precision(_Counted):
    """The fraction of the positive predictions that are right, ``tp / (tp + fp)``; 0 if there are none.

    Attributes:
        threshold: what is greater is positive; 0.5 by default, and none with ``top_k``. TF.js counts only predictions
            of exactly 1; the two agree on predictions of 0 and 1.
        class_id: look at this class of ``[..., classes]`` only.
        top_k: only the ``k`` greatest predictions of a sample can be positive.
        name: in the logs.

    Shapes:
        Probabilities ``[..., n]``, and labels 0 and 1 of the same shape or class numbers ``[...]``; all entries count.

    Raises:
        ValueError: the shapes of labels and predictions differ.

    Example:
        >>> import jtf
        >>> round(float(jtf.metrics.precision([[1, 0, 1, 0]], [[0.9, 0.8, 0.7, 0.1]])), 3)
        0.667
    """

    name: str = "precision"

    def result(self, state: Counts) -> Array:
        return fraction(state.true_positives, state.true_positives + state.false_positives)


@dataclass(frozen=True, kw_only=True)
class Recall(_Counted):
    """The fraction of the positive labels that are found, ``tp / (tp + fn)``; 0 if there are none.

    Attributes, shapes and errors are those of `Precision`.
    """

    name: str = "recall"

    def result(self, state: Counts) -> Array:
        return fraction(state.true_positives, state.true_positives + state.false_negatives)


@dataclass(frozen=True, kw_only=True)
class TruePositives(_Counted):
    """How many positive labels are predicted positive (with weights, their sum); options as for `Precision`."""

    name: str = "true_positives"

    def result(self, state: Counts) -> Array:
        return state.true_positives


@dataclass(frozen=True, kw_only=True)
class FalsePositives(_Counted):
    """How many negative labels are predicted positive (with weights, their sum); options as for `Precision`."""

    name: str = "false_positives"

    def result(self, state: Counts) -> Array:
        return state.false_positives


@dataclass(frozen=True, kw_only=True)
class TrueNegatives(_Counted):
    """How many negative labels are predicted negative (with weights, their sum); options as for `Precision`."""

    name: str = "true_negatives"

    def result(self, state: Counts) -> Array:
        return state.true_negatives


@dataclass(frozen=True, kw_only=True)
class FalseNegatives(_Counted):
    """How many positive labels are predicted negative (with weights, their sum); options as for `Precision`."""

    name: str = "false_negatives"

    def result(self, state: Counts) -> Array:
        return state.false_negatives


@dataclass(frozen=True, kw_only=True)
class FBetaScore(Metric):
    """The weighted harmonic mean of precision and recall, ``(1 + b²) p r / (b² p + r)``; 0 if both are.

    Attributes:
        beta: recall counts so many times as much as precision.
        average: of several classes: ``"macro"``, the mean of their scores; ``"weighted"``, that mean weighted by how
            many labels a class has; ``"micro"``, one score of all entries together.
        threshold: what is greater is positive. By default 0.5 for an output of one column, and of several columns
            the greatest entry is the positive one.
        name: in the logs.

    Shapes:
        Probabilities ``[..., classes]``, and labels 0 and 1 of the same shape or class numbers ``[...]``.

    Raises:
        ValueError: the shapes of labels and predictions differ.

    Example:
        >>> import jtf
        >>> round(float(jtf.metrics.f1_score([[1], [0], [1]], [[0.9], [0.8], [0.7]])), 3)
        0.8
    """

    beta: float = 1.0
    average: Literal["macro", "weighted", "micro"] = "macro"
    threshold: float | None = None
    name: str = "fbeta_score"

    def init(self, output_shape: Shape) -> Counts:
        return Counts(*[jnp.zeros(output_shape[-1:])] * 4)

    def update(
        self, state: Counts, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Counts:
        labels, p = labels_like(self.name, y_true, y_pred)
        if self.threshold is None and p.shape[-1] > 1:
            positive = jax.nn.one_hot(jnp.argmax(p, axis=-1), p.shape[-1], dtype=bool)
        else:
            positive = p > (0.5 if self.threshold is None else self.threshold)
        weights = weights_like(p.shape, sample_weight, self.name)
        return state + Counts.of(labels, positive, weights, tuple(range(p.ndim - 1)))

    def result(self, state: Counts) -> Array:
        counts = Counts(*map(jnp.sum, state)) if self.average == "micro" else state
        factor = self.beta**2
        hits = (1 + factor) * counts.true_positives
        scores = fraction(hits, hits + factor * counts.false_negatives + counts.false_positives)
        if self.average == "weighted":
            support = state.true_positives + state.false_negatives
            return fraction(jnp.sum(scores * support), jnp.sum(support))
        return jnp.mean(scores)


@dataclass(frozen=True, kw_only=True)
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: `FBetaScore` with ``beta=1``."""

    name: str = "f1_score"


precision = over_all(Precision)
recall = over_all(Recall)
true_positives = over_all(TruePositives)
false_positives = over_all(FalsePositives)
true_negatives = over_all(TrueNegatives)
false_negatives = over_all(FalseNegatives)
fbeta_score = over_all(FBetaScore)
f1_score = over_all(F1Score)


def _is_among_best(p: Array, k: int) -> Array:
    """Where the ``k`` greatest entries of the last axis are."""
    return jnp.any(jax.nn.one_hot(jax.lax.top_k(p, k)[1], p.shape[-1], dtype=bool), axis=-2)
