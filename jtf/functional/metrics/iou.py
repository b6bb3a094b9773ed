"""Intersection over union, for segmentation: from a matrix of how often each class is taken for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp

from jtf.functional.losses import class_labels
from jtf.functional.metrics.accuracies import same_shape
from jtf.functional.metrics.metric import Metric, fraction, over_all, weights_like
from jtf.types import Array, ArrayLike, Shape


@dataclass(frozen=True, kw_only=True)
class IoU(Metric):
    """Intersection over union, ``tp / (tp + fp + fn)`` of a class; of several classes the mean.

    Classes that are neither in the labels nor predicted do not count.

    Attributes:
        target_class_ids: the classes to look at; all by default.
        ignore_class: entries with this label are left out.
        name: in the logs.

    Shapes:
        Predictions are ``[..., classes]``, of which the greatest counts. Labels are one-hot, in the same shape, or
        class numbers, ``[...]`` or ``[..., 1]``.

    Raises:
        ValueError: the labels have another shape, or the output has one column only: then use `BinaryIoU`.

    Example:
        >>> import jtf
        >>> round(float(jtf.metrics.mean_iou([0, 0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])), 3)
        0.333
    """

    target_class_ids: Sequence[int] | None = None
    ignore_class: int | None = None
    name: str = "iou"

    def init(self, output_shape: Shape) -> Array:
        classes = output_shape[-1] if output_shape else None
        if classes is None or classes < 2:
            raise ValueError(
                f"{self.name!r} needs an output with one column for each class; received shape {tuple(output_shape)}. "
                "For one column of probabilities use jtf.metrics.binary_iou."
            )
        return jnp.zeros((classes, classes))

    def update(
        self, state: Array, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Array:
        t, p = jnp.asarray(y_true), jnp.asarray(y_pred)
        labels = jnp.argmax(t, axis=-1) if t.shape == p.shape else class_labels(self.name, t, p.shape)
        weights = weights_like(labels.shape, sample_weight, self.name)
        is_class = (labels >= 0) & (labels < p.shape[-1])
        if self.ignore_class is not None:
            is_class &= labels != self.ignore_class
        return state.at[jnp.where(is_class, labels, 0), jnp.argmax(p, axis=-1)].add(jnp.where(is_class, weights, 0.0))

    def result(self, state: Array) -> Array:
        return _mean_of_classes(state, self.target_class_ids)


@dataclass(frozen=True, kw_only=True)
class MeanIoU(IoU):
    """The mean over all classes of the intersection over union: `IoU` of all classes."""

    name: str = "mean_iou"


@dataclass(frozen=True, kw_only=True)
class BinaryIoU(Metric):
    """Intersection over union of two classes that one probability tells apart.

    Attributes:
        target_class_ids: 0, 1 or both, of which the mean is taken.
        threshold: what is at least this is class 1.
        name: in the logs.

    Shapes:
        Labels 0 and 1, and probabilities, of one shape; all entries count.

    Raises:
        ValueError: the shapes of labels and predictions differ.
    """

    target_class_ids: Sequence[int] = (0, 1)
    threshold: float = 0.5
    name: str = "binary_iou"

    def init(self, output_shape: Shape) -> Array:
        return jnp.zeros((2, 2))

    def update(
        self, state: Array, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Array:
        t, p = same_shape(self.name, y_true, y_pred)
        weights = weights_like(p.shape, sample_weight, self.name)
        return state.at[(t > 0.5).astype(int), (p >= self.threshold).astype(int)].add(weights)

    def result(self, state: Array) -> Array:
        return _mean_of_classes(state, self.target_class_ids)


iou = over_all(IoU)
mean_iou = over_all(MeanIoU)
binary_iou = over_all(BinaryIoU)


def _mean_of_classes(confusion: Array, classes: Sequence[int] | None) -> Array:
    both = jnp.diagonal(confusion)
    either = jnp.sum(confusion, axis=0) + jnp.sum(confusion, axis=1) - both
    if classes is not None:
        both, either = both[jnp.asarray(classes)], either[jnp.asarray(classes)]
    return fraction(jnp.sum(fraction(both, either)), jnp.sum(either > 0).astype(jnp.float32))
