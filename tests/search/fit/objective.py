"""Losses and metrics by their formulas, complex numbers allowed among the predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.search.draw import Draw
from tests.search.fit.network import absolute

EPSILON = 1e-7


def clipped(p: Any, low: float = EPSILON, high: float = 1 - EPSILON) -> Any:
    return np.where(p.real < low, low, np.where(p.real > high, high, p))


def probabilities(p: Any) -> Any:
    return clipped(p / p.sum(-1, keepdims=True))


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mean_squared_error": lambda t, p: ((p - t) ** 2).mean(-1),
    "mean_absolute_error": lambda t, p: absolute(p - t).mean(-1),
    "logcosh": lambda t, p: np.log(np.cosh(p - t)).mean(-1),
    "hinge": lambda t, p: ((1 - t * p) * ((1 - t * p).real > 0)).mean(-1),
    "squared_hinge": lambda t, p: (((1 - t * p) * ((1 - t * p).real > 0)) ** 2).mean(-1),
    "poisson": lambda t, p: (p - t * np.log(p + EPSILON)).mean(-1),
    "binary_crossentropy": lambda t, p: (-t * np.log(clipped(p)) - (1 - t) * np.log(1 - clipped(p))).mean(-1),
    "categorical_crossentropy": lambda t, p: -(t * np.log(probabilities(p))).sum(-1),
    "kullback_leibler_divergence": lambda t, p: (t * np.log(clipped(t, high=1.0) / clipped(p, high=1.0))).sum(-1),
    "sparse_categorical_crossentropy": lambda t, p: (
        -np.take_along_axis(np.log(probabilities(clipped(p))), t.astype(int), -1)[..., 0]
    ),
}

METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "binary_accuracy": lambda t, p: (t == (p > 0.5)).mean(-1),
    "categorical_accuracy": lambda t, p: t.argmax(-1) == p.argmax(-1),
    "sparse_categorical_accuracy": lambda t, p: t[..., 0] == p.argmax(-1),
    **LOSSES,
}
EXTRA = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}

#: kind of target: the losses that suit it, and the activation of the output.
KINDS = {
    "numbers": (("mean_squared_error", "mean_absolute_error", "logcosh"), "linear"),
    "signs": (("hinge", "squared_hinge"), "tanh"),
    "counts": (("poisson",), "softplus"),
    "answers": (("binary_crossentropy",), "sigmoid"),
    "classes": (("categorical_crossentropy", "kullback_leibler_divergence"), "softmax"),
    "class_numbers": (("sparse_categorical_crossentropy",), "softmax"),
}


class Output:
    """What one output is trained for.

    Attributes:
        kind: of the targets.
        units, activation: of the head.
        loss: its name.
        metrics: names for compile.
        accuracy: the metric that ``accuracy`` stands for.
    """

    def __init__(self, draw: Draw) -> None:
        self.kind = draw.one(*KINDS)
        losses, self.activation = KINDS[self.kind]
        self.units = draw.whole(2, 3) if self.kind in ("classes", "class_numbers") else draw.whole(1, 2)
        self.loss = draw.one(*losses)
        choices = ["mse", "mae"] if self.kind != "class_numbers" else []
        choices += ["accuracy"] if self.kind in ("answers", "classes", "class_numbers") else []
        self.metrics = draw.some(*choices)

    def targets(self, draw: Draw, count: int) -> np.ndarray:
        classes = draw.integers(self.units, count)
        return {
            "numbers": lambda: draw.normal(count, self.units),
            "signs": lambda: np.sign(draw.normal(count, self.units)),
            "counts": lambda: draw.integers(4, count, self.units).astype(np.float32),
            "answers": lambda: draw.integers(2, count, self.units).astype(np.float32),
            "classes": lambda: np.eye(self.units, dtype=np.float32)[classes],
            "class_numbers": lambda: classes[:, None],
        }[self.kind]()

    def classes(self, targets: np.ndarray) -> np.ndarray | None:
        """The class of each sample, for class weights."""
        if self.kind == "classes":
            return targets.argmax(-1)
        if self.kind == "class_numbers" or (self.kind == "answers" and self.units == 1):
            return targets[:, 0].astype(int)
        return None

    def metric(self, name: str) -> tuple[str, Callable[[Any, Any], Any]]:
        """The name in the logs and the formula."""
        if name != "accuracy":
            return name, METRICS[EXTRA[name]]
        kinds = {"answers": "binary", "classes": "categorical", "class_numbers": "sparse_categorical"}
        return "acc", METRICS[f"{kinds[self.kind]}_accuracy"]


def measured(
    outputs: list[Output],
    loss_weights: list[float],
    names: list[str],
    targets: list[np.ndarray],
    predictions: list[Any],
    weights: list[np.ndarray | None],
    penalty: Any,
) -> tuple[Any, dict[str, float]]:
    """The loss to minimize, and the logs of the batch."""
    parts = []
    for output, t, p, w in zip(outputs, targets, predictions, weights, strict=True):
        each = LOSSES[output.loss](t, p)
        parts.append((each if w is None else each * w).mean())
    total = penalty + sum(w * part for w, part in zip(loss_weights, parts, strict=True))
    logs = {"loss": total}
    if len(outputs) > 1:
        logs |= {f"{name}_loss": part for name, part in zip(names, parts, strict=True)}
    for output, name, t, p in zip(outputs, names, targets, predictions, strict=True):
        for given in output.metrics:
            known, function = output.metric(given)
            logs[f"{name}_{known}" if len(outputs) > 1 else known] = function(t, p.real).mean()
    return total, {name: float(np.real(value)) for name, value in logs.items()}
