"""What follows from the counts at many thresholds: areas under curves, and the best of one rate given another.

The state is two histograms of the predictions, of the positive and of the negative labels; the counts at each threshold
are their cumulative sums.

References:
    Davis and Goadrich, "The relationship between precision-recall and ROC curves", 2006.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtf.functional.metrics.confusion import Counts, labels_like
from jtf.functional.metrics.metric import Metric, fraction, over_all, weights_like
from jtf.types import Array, ArrayLike, Shape

#: So far from 0 and 1 may rounding take a probability.
_SLACK = 1e-3


class Histograms(NamedTuple):
    """The weight of the predictions between each two thresholds, ``[thresholds + 1, columns]``, float32."""

    positives: Array
    negatives: Array

    @classmethod
    def zeros(cls, thresholds: np.ndarray, columns: int) -> Histograms:
        return cls(*[jnp.zeros((len(thresholds) + 1, columns))] * 2)

    def add(self, thresholds: np.ndarray, labels: Array, p: Array, weights: Array) -> Histograms:
        """With further entries; all are ``[entries, columns]``. A prediction that is no probability makes all NaN."""
        is_probability = (p > -_SLACK) & (p < 1 + _SLACK)
        weights = jnp.where(is_probability | (weights == 0), weights, jnp.nan)
        bins = jnp.searchsorted(thresholds, jnp.clip(p, 0.0, 1.0))  # how many thresholds are less
        columns = jnp.arange(p.shape[1])[None]
        return Histograms(
            self.positives.at[bins, columns].add(jnp.where(labels, weights, 0.0)),
            self.negatives.at[bins, columns].add(jnp.where(labels, 0.0, weights)),
        )

    def counts(self) -> Counts:
        """At each threshold, where what is greater counts as positive: ``[thresholds, columns]``."""
        below = [jnp.cumsum(part, axis=0)[:-1] for part in self]
        above = [jnp.cumsum(part[::-1], axis=0)[-2::-1] for part in self]
        return Counts(above[0], above[1], below[1], below[0])


@dataclass(frozen=True, kw_only=True)
class AUC(Metric):
    """The area under the ROC or the precision-recall curve, from the counts at evenly spaced thresholds.

    It is NaN if any prediction is not from 0 to 1: then they are logits, perhaps.

    Attributes:
        num_thresholds: more of them come closer to the area of all possible thresholds.
        curve: ``"ROC"``: the true positive rate over the false positive rate; ``"PR"``: precision over recall.
        summation_method: between thresholds ``"interpolation"`` (for PR that of Davis and Goadrich), or the lesser
            (``"minoring"``) or greater (``"majoring"``) of both ends.
        multi_label: an area for each column of ``[..., n]``, and their mean; without, all entries make one curve.
        from_logits: predictions are logits, of which the sigmoid is taken.
        name: in the logs.

    Shapes:
        Probabilities from 0 to 1, ``[..., n]``, and labels 0 and 1 of the same shape or class numbers ``[...]``.

    Raises:
        ValueError: the shapes of labels and predictions differ.

    Example:
        >>> import jtf
        >>> round(float(jtf.metrics.auc([[0], [0], [1], [1]], [[0.1], [0.4], [0.35], [0.8]])), 3)
        0.75
    """

    num_thresholds: int = 200
    curve: Literal["ROC", "PR"] = "ROC"
    summation_method: Literal["interpolation", "minoring", "majoring"] = "interpolation"
    multi_label: bool = False
    from_logits: bool = False
    name: str = "auc"

    @property
    def thresholds(self) -> np.ndarray:
        return _thresholds(self.num_thresholds, margin=1e-7)

    def init(self, output_shape: Shape) -> Histograms:
        return Histograms.zeros(self.thresholds, (output_shape[-1] or 1) if self.multi_label else 1)

    def update(
        self, state: Histograms, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Histograms:
        labels, p = labels_like(self.name, y_true, y_pred)
        p = jax.nn.sigmoid(p.astype(jnp.float32)) if self.from_logits else p.astype(jnp.float32)
        weights = weights_like(p.shape, sample_weight, self.name)
        columns = p.shape[-1] if self.multi_label else 1
        return state.add(self.thresholds, *(x.reshape(-1, columns) for x in (labels, p, weights)))

    def result(self, state: Histograms) -> Array:
        counts = state.counts()
        tp, fp, tn, fn = counts
        if self.curve == "PR" and self.summation_method == "interpolation":
            return jnp.mean(_area_of_precision(counts))
        recall = fraction(tp, tp + fn)
        x, y = (fraction(fp, fp + tn), recall) if self.curve == "ROC" else (recall, fraction(tp, tp + fp))
        heights = {
            "interpolation": (y[:-1] + y[1:]) / 2,
            "minoring": jnp.minimum(y[:-1], y[1:]),
            "majoring": jnp.maximum(y[:-1], y[1:]),
        }[self.summation_method]
        return jnp.mean(jnp.sum((x[:-1] - x[1:]) * heights, axis=0))


def _area_of_precision(counts: Counts) -> Array:
    """Between two thresholds false positives grow in proportion to true ones, which is no straight line."""
    tp, fp, _, fn = counts
    predicted = tp + fp
    steps, predicted_steps = tp[:-1] - tp[1:], predicted[:-1] - predicted[1:]
    slope = fraction(steps, jnp.maximum(predicted_steps, 0.0))
    intercept = tp[1:] - slope * predicted[1:]
    both = (predicted[:-1] > 0) & (predicted[1:] > 0)
    ratio = jnp.where(both, predicted[:-1] / jnp.where(both, predicted[1:], 1.0), 1.0)
    return jnp.sum(fraction(slope * (steps + intercept * jnp.log(ratio)), tp[1:] + fn[1:]), axis=0)


@dataclass(frozen=True, kw_only=True)
class _BestRate(Metric):
    """The greatest value of one rate among the thresholds at which another is large enough; 0 if it is at none."""

    num_thresholds: int = 200
    name: str = ""

    @property
    def thresholds(self) -> np.ndarray:
        return _thresholds(self.num_thresholds)

    def init(self, output_shape: Shape) -> Histograms:
        return Histograms.zeros(self.thresholds, 1)

    def update(
        self, state: Histograms, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Histograms:
        labels, p = labels_like(self.name, y_true, y_pred)
        weights = weights_like(p.shape, sample_weight, self.name)
        entries = (labels, p.astype(jnp.float32), weights)
        return state.add(self.thresholds, *(x.reshape(-1, 1) for x in entries))

    def result(self, state: Histograms) -> Array:
        sought, given, least = self._rates(state.counts())
        return jnp.max(jnp.where(jnp.isnan(given), jnp.nan, jnp.where(given >= least, sought, 0.0)))

    def _rates(self, counts: Counts) -> tuple[Array, Array, float]:
        """The rate that is sought, the one that is given, and how large that has to be."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class PrecisionAtRecall(_BestRate):
    """The best precision at any threshold where recall is at least ``recall``; 0 if there is none.

    Attributes:
        recall: from 0 to 1.
        num_thresholds: evenly spaced from 0 to 1.
        name: in the logs.
    """

    recall: float = field(kw_only=False)
    name: str = "precision_at_recall"

    def _rates(self, counts: Counts) -> tuple[Array, Array, float]:
        return _precision(counts), _recall(counts), self.recall


@dataclass(frozen=True, kw_only=True)
class RecallAtPrecision(_BestRate):
    """The best recall at any threshold where precision is at least ``precision``; 0 if there is none.

    Attributes:
        precision: from 0 to 1.
        num_thresholds: evenly spaced from 0 to 1.
        name: in the logs.
    """

    precision: float = field(kw_only=False)
    name: str = "recall_at_precision"

    def _rates(self, counts: Counts) -> tuple[Array, Array, float]:
        return _recall(counts), _precision(counts), self.precision


@dataclass(frozen=True, kw_only=True)
class SensitivityAtSpecificity(_BestRate):
    """The best sensitivity (recall) at any threshold where specificity is at least ``specificity``; 0 if there is none.

    Attributes:
        specificity: the fraction of negatives that are found, from 0 to 1.
        num_thresholds: evenly spaced from 0 to 1.
        name: in the logs.
    """

    specificity: float = field(kw_only=False)
    name: str = "sensitivity_at_specificity"

    def _rates(self, counts: Counts) -> tuple[Array, Array, float]:
        return _recall(counts), _specificity(counts), self.specificity


@dataclass(frozen=True, kw_only=True)
class SpecificityAtSensitivity(_BestRate):
    """The best specificity at any threshold where sensitivity (recall) is at least ``sensitivity``; 0 if there is none.

    Attributes:
        sensitivity: the fraction of positives that are found, from 0 to 1.
        num_thresholds: evenly spaced from 0 to 1.
        name: in the logs.
    """

    sensitivity: float = field(kw_only=False)
    name: str = "specificity_at_sensitivity"

    def _rates(self, counts: Counts) -> tuple[Array, Array, float]:
        return _specificity(counts), _recall(counts), self.sensitivity


auc = over_all(AUC)
precision_at_recall = over_all(PrecisionAtRecall)
recall_at_precision = over_all(RecallAtPrecision)
sensitivity_at_specificity = over_all(SensitivityAtSpecificity)
specificity_at_sensitivity = over_all(SpecificityAtSensitivity)


def _thresholds(count: int, margin: float = 0.0) -> np.ndarray:
    """From 0 to 1, the ends a little outside if there is a margin."""
    between = np.arange(1, count - 1) / (count - 1)
    return np.array([0.0 - margin, *between, 1.0 + margin], np.float32)


def _precision(counts: Counts) -> Array:
    return fraction(counts.true_positives, counts.true_positives + counts.false_positives)


def _recall(counts: Counts) -> Array:
    return fraction(counts.true_positives, counts.true_positives + counts.false_negatives)


def _specificity(counts: Counts) -> Array:
    return fraction(counts.true_negatives, counts.true_negatives + counts.false_positives)
