"""Accuracies, as functions of ``(y_true, y_pred)``: one number for each sample, in the shape ``[...]`` of ``[..., n]``.

References:
    TF.js: tfjs-layers/src/metrics.ts
"""

from __future__ import annotations

import jax.numpy as jnp

from jtf.functional.losses import class_labels
from jtf.types import Array, ArrayLike


def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5) -> Array:
    """Fraction of yes-or-no answers that are right.

    Args:
        y_true: Labels 0 and 1, ``[..., n]``.
        y_pred: Probabilities, ``[..., n]``; yes is what is greater than the threshold.
        threshold: Between no and yes.

    Returns:
        A float32 array of shape ``[...]``.

    Raises:
        ValueError: If the shapes differ.

    >>> binary_accuracy([[0, 1, 1, 0]], [[0.1, 0.9, 0.4, 0.2]]).tolist()
    [0.75]
    """
    t, p = same_shape("binary_accuracy", y_true, y_pred)
    return jnp.mean(t == (p > threshold).astype(t.dtype), axis=-1, dtype=jnp.float32)


def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """1 where the greatest prediction is at the label's place, else 0.

    Args:
        y_true: One-hot labels, ``[..., classes]``.
        y_pred: Probabilities or logits, ``[..., classes]``.

    Returns:
        A float32 array of shape ``[...]``.

    Raises:
        ValueError: If the shapes differ.
    """
    t, p = same_shape("categorical_accuracy", y_true, y_pred)
    return (jnp.argmax(t, axis=-1) == jnp.argmax(p, axis=-1)).astype(jnp.float32)


def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """1 where the greatest prediction is at the labelled class, else 0.

    Args:
        y_true: Class numbers, ``[...]`` or ``[..., 1]``.
        y_pred: Probabilities or logits, ``[..., classes]``.

    Returns:
        A float32 array of shape ``[...]``.

    Raises:
        ValueError: If there is not one label per sample.
    """
    p = jnp.asarray(y_pred)
    labels = class_labels("sparse_categorical_accuracy", y_true, p.shape)
    return (labels == jnp.argmax(p, axis=-1)).astype(jnp.float32)


def top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> Array:
    """1 where the label's class is among the ``k`` greatest predictions, else 0.

    A class that ties with the ``k``-th counts. TF.js names this metric but does not implement it.

    Args:
        y_true: One-hot labels, ``[..., classes]``.
        y_pred: Probabilities or logits, ``[..., classes]``.
        k: How many guesses a sample has.

    Returns:
        A float32 array of shape ``[...]``.

    Raises:
        ValueError: If the shapes differ.
    """
    t, p = same_shape("top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(jnp.argmax(t, axis=-1), p, k)


def sparse_top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> Array:
    """1 where the labelled class is among the ``k`` greatest predictions, else 0.

    As :func:`top_k_categorical_accuracy`, for class numbers ``y_true`` of shape ``[...]`` or ``[..., 1]``.
    """
    p = jnp.asarray(y_pred)
    return _in_top_k(class_labels("sparse_top_k_categorical_accuracy", y_true, p.shape), p, k)


def _in_top_k(labels: Array, p: Array, k: int) -> Array:
    is_class = (labels >= 0) & (labels < p.shape[-1])
    chosen = jnp.take_along_axis(p, jnp.where(is_class, labels, 0)[..., None], axis=-1)
    # Written so that NaN predictions are never among the best.
    not_better = jnp.sum(p <= chosen, axis=-1)
    return (is_class & (p.shape[-1] - not_better < k) & (not_better > 0)).astype(jnp.float32)


def same_shape(function: str, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
    """Both as arrays, which have one shape.

    Raises:
        ValueError: they do not.
    """
    t, p = jnp.asarray(y_true), jnp.asarray(y_pred)
    if t.shape != p.shape:
        raise ValueError(
            f"{function}: y_true and y_pred must have the same shape; "
            f"received y_true of shape {t.shape} and y_pred of shape {p.shape}."
        )
    return t, p
