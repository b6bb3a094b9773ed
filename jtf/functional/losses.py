"""The losses that models are compiled with: ``loss(y_true, y_pred)`` gives one number a sample.

All take ``y_true`` and ``y_pred`` of one shape, ``[..., n]``, reduce the last axis and return ``[...]`` in
the dtype of ``y_pred``; a different shape is a ``ValueError``, not a broadcast. ``y_true`` may have any
numeric or boolean dtype. Half precision inputs are computed in float32. Values and gradients are finite at
0, at 1 and for large logits.

References:
    TF.js: tfjs-layers/src/losses.ts
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jtf.functional.kinks import absolute, clip_by_value, largest
from jtf.functional.operands import floating, same_shape
from jtf.options import checked
from jtf.types import Array, ArrayLike

_EPSILON = 1e-7


# --- distances --------------------------------------------------------------------------------------


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Mean squared error, ``mean((y_pred - y_true)**2)``.

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
    [2.5]
    """
    t, p, dtype = same_shape("mean_squared_error", y_true, y_pred)
    return jnp.mean(jnp.square(p - t), axis=-1).astype(dtype)


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Mean absolute error, ``mean(|y_pred - y_true|)``; a perfect prediction has the gradient 0."""
    t, p, dtype = same_shape("mean_absolute_error", y_true, y_pred)
    return jnp.mean(absolute(p - t), axis=-1).astype(dtype)


def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Mean absolute error in percent of the truth.

    Formula: ``100 * mean(|y_true - y_pred| / max(|y_true|, 1e-7))``
    """
    t, p, dtype = same_shape("mean_absolute_percentage_error", y_true, y_pred)
    return (100.0 * jnp.mean(absolute((t - p) / _at_least_epsilon(jnp.abs(t))), axis=-1)).astype(dtype)


def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Mean squared error of ``log(1 + y)``; what is below 1e-7 counts as 1e-7."""
    t, p, dtype = same_shape("mean_squared_logarithmic_error", y_true, y_pred)
    difference = jnp.log1p(_at_least_epsilon(p)) - jnp.log1p(_at_least_epsilon(t))
    return jnp.mean(jnp.square(difference), axis=-1).astype(dtype)


def logcosh(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Mean logarithm of the hyperbolic cosine of the error: quadratic near 0, linear far from it.

    Formula: ``mean(d + softplus(-2 * d) - log(2))`` with ``d = y_pred - y_true``; it does not overflow.
    """
    t, p, dtype = same_shape("logcosh", y_true, y_pred)
    d = p - t
    return jnp.mean(d + jax.nn.softplus(-2.0 * d) - math.log(2.0), axis=-1).astype(dtype)


def cosine_proximity(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Minus the cosine of the angle between the two vectors: -1 for equal directions.

    Each is divided by its norm, or by ``sqrt(1e-7)`` if that is greater.
    """
    t, p, dtype = same_shape("cosine_proximity", y_true, y_pred)
    return -jnp.sum(_unit_vectors(t) * _unit_vectors(p), axis=-1).astype(dtype)


# --- margins ----------------------------------------------------------------------------------------


def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Hinge loss, ``mean(max(0, 1 - y_true * y_pred))``, for labels -1 and 1."""
    t, p, dtype = same_shape("hinge", y_true, y_pred)
    return jnp.mean(jax.nn.relu(1.0 - t * p), axis=-1).astype(dtype)


def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Squared hinge loss, ``mean(max(0, 1 - y_true * y_pred)**2)``, for labels -1 and 1."""
    t, p, dtype = same_shape("squared_hinge", y_true, y_pred)
    return jnp.mean(jnp.square(jax.nn.relu(1.0 - t * p)), axis=-1).astype(dtype)


def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Categorical hinge loss, for one-hot labels.

    Formula: ``max(0, 1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred))``
    """
    t, p, dtype = same_shape("categorical_hinge", y_true, y_pred)
    positive = jnp.sum(t * p, axis=-1)
    negative = largest((1.0 - t) * p, [-1])
    return jax.nn.relu(1.0 + negative - positive).astype(dtype)


# --- likelihoods ------------------------------------------------------------------------------------


@checked
def categorical_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> Array:
    """Cross-entropy of class probabilities, ``-sum(y_true * log(p))``.

    Args:
        y_true: One-hot labels or probabilities, ``[..., classes]``.
        y_pred: Probabilities, ``[..., classes]``, which are scaled to sum to one and clipped to
            ``[1e-7, 1 - 1e-7]``; a sample of zeros counts as wrong about every class.
        from_logits: ``y_pred`` holds logits instead, and the logarithm is that of their softmax. It is not
            clipped: TF.js stops at 16.1, without a gradient beyond.

    Returns:
        An array of shape ``[...]``.

    Raises:
        ValueError: If the shapes differ.

    >>> categorical_crossentropy([[0, 1]], [[0.0, 0.0]], from_logits=True).tolist()
    [0.6931471824645996]
    """
    t, p, dtype = same_shape("categorical_crossentropy", y_true, y_pred)
    return -jnp.sum(t * _log_probabilities(p, from_logits), axis=-1).astype(dtype)


@checked
def sparse_categorical_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> Array:
    """Cross-entropy of class probabilities, ``-log(p[y_true])``, for integer labels.

    Args:
        y_true: Class numbers, ``[...]`` or ``[..., 1]``, of an integer or floating dtype. A number outside
            ``[0, classes)`` matches no class: its loss is 0.
        y_pred: Probabilities, ``[..., classes]``, clipped to ``[1e-7, 1 - 1e-7]``.
        from_logits: ``y_pred`` holds logits instead. TF.js clips them as if they were probabilities, which
            makes the loss useless there; here they are not.

    Returns:
        An array of shape ``[...]``.

    Raises:
        ValueError: If the labels are not one a sample.

    >>> sparse_categorical_crossentropy([1], [[0.0, 0.0]], from_logits=True).tolist()
    [0.6931471824645996]
    """
    p, dtype = floating(y_pred)
    labels = class_labels("sparse_categorical_crossentropy", y_true, p.shape)
    if not from_logits:
        p = clip_by_value(p, _EPSILON, 1.0 - _EPSILON)
    is_class = (labels >= 0) & (labels < p.shape[-1])
    index = jnp.where(is_class, labels, 0)[..., None]
    log_p = jnp.take_along_axis(_log_probabilities(p, from_logits), index, axis=-1)[..., 0]
    return jnp.where(is_class, -log_p, 0.0).astype(dtype)


@checked
def binary_crossentropy(y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False) -> Array:
    """Mean cross-entropy of independent yes-or-no probabilities.

    Formula: ``-mean(y_true * log(p) + (1 - y_true) * log(1 - p))``

    Args:
        y_true: Labels 0 and 1, or probabilities, ``[..., n]``.
        y_pred: Probabilities, ``[..., n]``, clipped to ``[1e-7, 1 - 1e-7]``.
        from_logits: ``y_pred`` holds logits instead, of which the sigmoid is taken, without clipping. TF.js
            has no such option.

    Returns:
        An array of shape ``[...]``.

    Raises:
        ValueError: If the shapes differ.
    """
    t, p, dtype = same_shape("binary_crossentropy", y_true, y_pred)
    if from_logits:
        losses = sigmoid_cross_entropy_with_logits(t, p)
    else:
        p = clip_by_value(p, _EPSILON, 1.0 - _EPSILON)
        losses = -t * jnp.log(p) - (1.0 - t) * jnp.log1p(-p)
    return jnp.mean(losses, axis=-1).astype(dtype)


def sigmoid_cross_entropy_with_logits(labels: ArrayLike, logits: ArrayLike) -> Array:
    """Cross-entropy of ``sigmoid(logits)``, elementwise.

    Formula: ``labels * softplus(-logits) + (1 - labels) * softplus(logits)``, which neither overflows nor
    cancels.

    Args:
        labels: 0, 1 or probabilities.
        logits: Of the same shape.

    Returns:
        An array of that shape: nothing is reduced.

    Raises:
        ValueError: If the shapes differ.
    """
    z, x, dtype = same_shape("sigmoid_cross_entropy_with_logits", labels, logits, ("labels", "logits"))
    return (z * jax.nn.softplus(-x) + (1.0 - z) * jax.nn.softplus(x)).astype(dtype)


def kullback_leibler_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Kullback-Leibler divergence, ``sum(y_true * log(y_true / y_pred))``.

    Within the logarithm both are clipped to ``[1e-7, 1]``.
    """
    t, p, dtype = same_shape("kullback_leibler_divergence", y_true, y_pred)
    ratio = clip_by_value(t, _EPSILON, 1.0) / clip_by_value(p, _EPSILON, 1.0)
    return jnp.sum(t * jnp.log(ratio), axis=-1).astype(dtype)


def poisson(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Poisson loss, ``mean(y_pred - y_true * log(y_pred + 1e-7))``, for rates ``y_pred`` of at least 0."""
    t, p, dtype = same_shape("poisson", y_true, y_pred)
    return jnp.mean(p - t * jnp.log(_EPSILON + p), axis=-1).astype(dtype)


# --- labels and operands ----------------------------------------------------------------------------


def class_labels(function: str, labels: ArrayLike, predictions_shape: tuple[int, ...]) -> Array:
    """Class numbers as int32 of shape ``[...]``, for predictions of shape ``[..., classes]``.

    Args:
        function: Name of the caller, for the message.
        labels: ``[...]`` or ``[..., 1]``; fractions are rounded down.
        predictions_shape: Shape of the predictions.

    Returns:
        An int32 array of shape ``predictions_shape[:-1]``.

    Raises:
        ValueError: If the labels have another shape.
    """
    labels = jnp.asarray(labels)
    samples = predictions_shape[:-1]
    if labels.shape not in (samples, (*samples, 1)):
        raise ValueError(
            f"{function}: expected one class number a sample, of shape {samples} or {(*samples, 1)} for "
            f"predictions of shape {predictions_shape}; received shape {labels.shape}. "
            "For one-hot labels, use the categorical function of this name."
        )
    if jnp.issubdtype(labels.dtype, jnp.floating):
        labels = jnp.floor(labels)
    return labels.reshape(samples).astype(jnp.int32)


def _at_least_epsilon(x: Array) -> Array:
    return clip_by_value(x, _EPSILON, math.inf)


def _unit_vectors(x: Array) -> Array:
    return x / jnp.sqrt(_at_least_epsilon(jnp.sum(jnp.square(x), axis=-1, keepdims=True)))


def _log_probabilities(p: Array, from_logits: bool) -> Array:
    if from_logits:
        return jax.nn.log_softmax(p, axis=-1)
    total = jnp.sum(p, axis=-1, keepdims=True)
    p = p / jnp.where(total == 0, jnp.ones_like(total), total)
    return jnp.log(clip_by_value(p, _EPSILON, 1.0 - _EPSILON))
