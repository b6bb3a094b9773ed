"""The losses of TF.js Core: ``loss(labels, predictions, weights, reduction)``.

Elementwise losses are multiplied by ``weights`` and reduced to one number. Labels and predictions must have
the same shape; integer ones become float32. Half precision is computed in float32, and the result has the
dtype of the predictions. Weights broadcast as in numpy: of lower rank, they are aligned with the last axes.
Where the divisor of a mean is zero (all weights are zero), the result is 0; TF.js gives NaN.

References:
    TF.js: tfjs-core/src/ops/losses/
"""

from __future__ import annotations

import enum

import jax
import jax.numpy as jnp

from jtf.functional.kinks import absolute
from jtf.functional.losses import sigmoid_cross_entropy_with_logits
from jtf.functional.operands import floating, same_shape
from jtf.options import Fraction, NotNegative, Positive, checked
from jtf.types import Array, ArrayLike


class Reduction(enum.IntEnum):
    """How the weighted losses become one number."""

    #: They do not: the weighted losses are returned as they are.
    NONE = 0
    #: Their sum, divided by the sum of the weights.
    MEAN = 1
    #: Their sum.
    SUM = 2
    #: Their sum, divided by how many weights are not zero.
    SUM_BY_NONZERO_WEIGHTS = 3


_DEFAULT = Reduction.SUM_BY_NONZERO_WEIGHTS
_NAMES = ("labels", "predictions")


def compute_weighted_loss(
    losses: ArrayLike, weights: ArrayLike | None = None, reduction: Reduction | int = _DEFAULT
) -> Array:
    """Multiply losses by weights and reduce them.

    Args:
        losses: Of any shape.
        weights: None for ones, or anything that broadcasts with ``losses``.
        reduction: A :class:`Reduction`, or its number.

    Returns:
        A scalar; for ``Reduction.NONE`` the weighted losses.

    Raises:
        ValueError: If ``reduction`` is unknown, or the weights do not broadcast.

    >>> float(compute_weighted_loss([1.0, 2.0, 3.0], [1.0, 0.0, 1.0]))
    2.0
    """
    if reduction not in tuple(Reduction):
        choices = ", ".join(f"{member.name} ({member.value})" for member in Reduction)
        raise ValueError(f"compute_weighted_loss: reduction must be a Reduction: {choices}; received {reduction!r}.")
    losses, dtype = floating(losses)
    return _reduced(losses, weights, reduction).astype(dtype)


def _reduced(losses: Array, weights: ArrayLike | None, reduction: Reduction | int) -> Array:
    if weights is None:
        if reduction == Reduction.NONE:
            return losses
        return jnp.sum(losses) if reduction == Reduction.SUM else jnp.mean(losses)

    given = jnp.asarray(weights).astype(losses.dtype)
    losses, weights = _broadcast(losses, given)
    weighted = losses * weights
    if reduction == Reduction.NONE:
        return weighted
    if reduction == Reduction.SUM:
        return jnp.sum(weighted)
    if reduction == Reduction.MEAN:
        return _divide_or_zero(jnp.sum(weighted), jnp.sum(weights))
    return _divide_or_zero(jnp.sum(weighted), jnp.sum(weights != 0).astype(weighted.dtype))


def absolute_difference(
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None = None,
    reduction: Reduction | int = _DEFAULT,
) -> Array:
    """Absolute error, ``|labels - predictions|``. Args and result as in :func:`compute_weighted_loss`."""
    t, p, dtype = same_shape("absolute_difference", labels, predictions, _NAMES)
    return compute_weighted_loss(absolute(t - p), weights, reduction).astype(dtype)


def mean_squared_error(
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None = None,
    reduction: Reduction | int = _DEFAULT,
) -> Array:
    """Squared error, ``(labels - predictions)**2``. Args and result as in :func:`compute_weighted_loss`.

    >>> float(mean_squared_error([1.0, 2.0], [1.0, 4.0]))
    2.0
    """
    t, p, dtype = same_shape("mean_squared_error", labels, predictions, _NAMES)
    return compute_weighted_loss(jnp.square(t - p), weights, reduction).astype(dtype)


@checked
def cosine_distance(
    labels: ArrayLike,
    predictions: ArrayLike,
    axis: int,
    weights: ArrayLike | None = None,
    reduction: Reduction | int = _DEFAULT,
) -> Array:
    """Cosine distance of unit vectors, ``1 - sum(labels * predictions, axis)``.

    Args:
        labels: Unit vectors along ``axis``.
        predictions: Unit vectors along ``axis``, of the same shape. Neither is normalized here.
        axis: The axis of the vectors; it is kept, with length 1.
        weights: Broadcast with the losses, whose ``axis`` has length 1.
        reduction: See :func:`compute_weighted_loss`.

    Returns:
        A scalar; for ``Reduction.NONE`` the weighted losses.
    """
    t, p, dtype = same_shape("cosine_distance", labels, predictions, _NAMES)
    return compute_weighted_loss(1.0 - jnp.sum(t * p, axis=axis, keepdims=True), weights, reduction).astype(dtype)


def hinge_loss(
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None = None,
    reduction: Reduction | int = _DEFAULT,
) -> Array:
    """Hinge loss, ``max(0, 1 - (2 * labels - 1) * predictions)``, for labels 0 and 1."""
    t, p, dtype = same_shape("hinge_loss", labels, predictions, _NAMES)
    return compute_weighted_loss(jax.nn.relu(1.0 - (2.0 * t - 1.0) * p), weights, reduction).astype(dtype)


@checked
def huber_loss(
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None = None,
    delta: Positive = 1.0,
    reduction: Reduction | int = _DEFAULT,
) -> Array:
    """Huber loss: ``e**2 / 2`` for errors ``e`` up to ``delta``, ``delta * (e - delta / 2)`` beyond.

    Args:
        labels: The truth.
        predictions: Of the same shape.
        weights: See :func:`compute_weighted_loss`.
        delta: Where the loss turns from quadratic to linear.
        reduction: See :func:`compute_weighted_loss`.

    Returns:
        A scalar; for ``Reduction.NONE`` the weighted losses.
    """
    t, p, dtype = same_shape("huber_loss", labels, predictions, _NAMES)
    error = jnp.abs(p - t)
    # Both branches meet with slope delta, so the choice at the border does not show in the gradient.
    losses = jnp.where(error <= delta, 0.5 * jnp.square(error), delta * (error - 0.5 * delta))
    return compute_weighted_loss(losses, weights, reduction).astype(dtype)


@checked
def log_loss(
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None = None,
    epsilon: NotNegative = 1e-7,
    reduction: Reduction | int = _DEFAULT,
) -> Array:
    """Log loss of probabilities, ``-labels * log(p + epsilon) - (1 - labels) * log(1 - p + epsilon)``.

    Args:
        labels: 0, 1 or probabilities.
        predictions: Probabilities, of the same shape.
        weights: See :func:`compute_weighted_loss`.
        epsilon: Keeps the logarithms finite at 0 and 1.
        reduction: See :func:`compute_weighted_loss`.

    Returns:
        A scalar; for ``Reduction.NONE`` the weighted losses.
    """
    t, p, dtype = same_shape("log_loss", labels, predictions, _NAMES)
    losses = -t * jnp.log(p + epsilon) - (1.0 - t) * jnp.log(1.0 - p + epsilon)
    return compute_weighted_loss(losses, weights, reduction).astype(dtype)


@checked
def sigmoid_cross_entropy(
    multi_class_labels: ArrayLike,
    logits: ArrayLike,
    weights: ArrayLike | None = None,
    label_smoothing: Fraction = 0.0,
    reduction: Reduction | int = _DEFAULT,
) -> Array:
    """Cross-entropy of independent yes-or-no classes, from logits.

    Args:
        multi_class_labels: 0, 1 or probabilities.
        logits: Of the same shape.
        weights: See :func:`compute_weighted_loss`.
        label_smoothing: Above 0, labels become ``labels * (1 - smoothing) + smoothing / 2``.
        reduction: See :func:`compute_weighted_loss`.

    Returns:
        A scalar; for ``Reduction.NONE`` the weighted losses.
    """
    t, x, dtype = same_shape("sigmoid_cross_entropy", multi_class_labels, logits, ("multi_class_labels", "logits"))
    t = t * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return compute_weighted_loss(sigmoid_cross_entropy_with_logits(t, x), weights, reduction).astype(dtype)


@checked
def softmax_cross_entropy(
    onehot_labels: ArrayLike,
    logits: ArrayLike,
    weights: ArrayLike | None = None,
    label_smoothing: Fraction = 0.0,
    reduction: Reduction | int = _DEFAULT,
) -> Array:
    """Cross-entropy of exclusive classes, ``-sum(labels * log_softmax(logits))`` over the last axis.

    Args:
        onehot_labels: One-hot labels or probabilities, ``[..., classes]``.
        logits: Of the same shape.
        weights: Broadcast with the losses, which have shape ``[...]``.
        label_smoothing: Above 0, labels become ``labels * (1 - smoothing) + smoothing / classes``. The number
            of classes is the length of the last axis; TF.js takes that of the second.
        reduction: See :func:`compute_weighted_loss`.

    Returns:
        A scalar; for ``Reduction.NONE`` the weighted losses.

    >>> round(float(softmax_cross_entropy([[0, 1]], [[0.0, 0.0]])), 6)
    0.693147
    """
    t, x, dtype = same_shape("softmax_cross_entropy", onehot_labels, logits, ("onehot_labels", "logits"))
    t = t * (1.0 - label_smoothing) + label_smoothing / t.shape[-1]
    losses = -jnp.sum(t * jax.nn.log_softmax(x, axis=-1), axis=-1)
    return compute_weighted_loss(losses, weights, reduction).astype(dtype)


# --- operands ---------------------------------------------------------------------------------------


def _broadcast(losses: Array, weights: Array) -> tuple[Array, Array]:
    try:
        shape = jnp.broadcast_shapes(losses.shape, weights.shape)
    except ValueError:
        raise ValueError(
            "compute_weighted_loss: weights must broadcast with the losses; "
            f"received weights of shape {weights.shape} for losses of shape {losses.shape}."
        ) from None
    return jnp.broadcast_to(losses, shape), jnp.broadcast_to(weights, shape)


def _divide_or_zero(total: Array, divisor: Array) -> Array:
    is_zero = divisor == 0
    return jnp.where(is_zero, jnp.zeros_like(total), total / jnp.where(is_zero, jnp.ones_like(divisor), divisor))
