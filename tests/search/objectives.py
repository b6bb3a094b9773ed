"""Losses and metrics over ragged batches, with weights and masks, against formulas over all samples at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sklearn.metrics as sk

from jtf.engine.objective import Objective
from jtf.functional import metrics
from tests.search.draw import Draw
from tests.search.fit.objective import KINDS, LOSSES

SAMPLES = 24
STEPS = 4
TOLERANCE = 2e-5

#: How the samples come in batches.
BATCHES = ([24], [7, 7, 7, 3], [1, 16, 7], [5] * 4 + [4])

#: What scores one number per entry of ``[..., n]``, reduced to ``[...]``.
MEANS: dict[str, Callable[[Any, Any], Any]] = {
    "mean_squared_error": LOSSES["mean_squared_error"],
    "mae": LOSSES["mean_absolute_error"],
    "binary_accuracy": lambda t, p: (t == (p > 0.5)).mean(-1),
    "categorical_accuracy": lambda t, p: t.argmax(-1) == p.argmax(-1),
    "sparse_categorical_accuracy": lambda t, p: t[..., 0] == p.argmax(-1),
    "top_k": lambda t, p: (np.argsort(-p, -1)[..., :2] == t.argmax(-1)[..., None]).any(-1),
}


def flat(t: Any, p: Any, w: Any) -> tuple[Any, Any, Any]:
    """Every entry of ``[..., n]`` by itself."""
    return t.reshape(-1), p.reshape(-1), np.repeat(w.reshape(-1), p.shape[-1])


def rows(t: Any, p: Any, w: Any) -> tuple[Any, Any, Any]:
    return t.reshape(-1, t.shape[-1]), p.reshape(-1, p.shape[-1]), w.reshape(-1)


def of_entries(score: Any, threshold: float | None = None, **options: Any) -> Callable[[Any, Any, Any], Any]:
    def scored(t: Any, p: Any, w: Any) -> Any:
        t, p, w = flat(t, p, w)
        return score(t, p if threshold is None else p > threshold, sample_weight=w, **options)

    return scored


def of_classes(score: Any, **options: Any) -> Callable[[Any, Any, Any], Any]:
    def scored(t: Any, p: Any, w: Any) -> Any:
        t, p, w = rows(t, p, w)
        t = t.argmax(1) if t.shape == p.shape else t[:, 0]
        return score(t, p.argmax(1), labels=range(p.shape[1]), sample_weight=w, **options)

    return scored


def area(t: Any, p: Any, w: Any) -> Any:
    """Of predictions between the same two thresholds none is the greater one."""
    t, p, w = flat(t, p, w)
    return sk.roc_auc_score(t, np.searchsorted(AUC.thresholds, p.astype(np.float32)), sample_weight=w)


AUC = metrics.AUC(num_thresholds=1000)
#: name: the metric, and its value for all samples.
WHOLE: dict[str, tuple[Any, Callable[[Any, Any, Any], Any]]] = {
    "precision": (metrics.precision(threshold=0.4), of_entries(sk.precision_score, 0.4, zero_division=0)),
    "recall": (metrics.recall(), of_entries(sk.recall_score, 0.5, zero_division=0)),
    "auc": (AUC, area),
    "rmse": (metrics.root_mean_squared_error(), of_entries(sk.root_mean_squared_error)),
    "r2": (metrics.r2_score(), of_entries(sk.r2_score)),
    "f1": (metrics.f1_score(average="weighted"), of_classes(sk.f1_score, average="weighted", zero_division=0)),
    "micro": (metrics.f1_score(average="micro", threshold=0.5), of_entries(sk.f1_score, 0.5, zero_division=0)),
}
#: kind of target: the metrics that suit it.
SUITING = {
    "numbers": ("mean_squared_error", "mae", "rmse", "r2"),
    "signs": ("mae", "rmse"),
    "counts": ("mean_squared_error", "rmse", "r2"),
    "answers": ("binary_accuracy", "precision", "recall", "auc", "micro", "mae"),
    "classes": ("categorical_accuracy", "top_k", "f1", "precision", "micro", "auc"),
    "class_numbers": ("sparse_categorical_accuracy", "f1"),
}


class Output:
    """One output with its data.

    Attributes:
        shape: of the predictions, ``[SAMPLES, ..., n]``.
        weight: ``[SAMPLES]`` or of all but the last axis, or None; likewise mask.
    """

    def __init__(self, draw: Draw) -> None:
        self.kind = draw.one(*KINDS)
        losses, activation = KINDS[self.kind]
        units = 3 if self.kind in ("classes", "class_numbers") else draw.one(1, 3)
        self.loss = draw.one(*losses)
        entries = draw.one((SAMPLES,), (SAMPLES, STEPS), (SAMPLES, STEPS))
        classes = draw.integers(units, *entries)
        raw = draw.normal(*entries, units)
        self.p = {
            "linear": lambda: raw,
            "tanh": lambda: np.tanh(raw),
            "softplus": lambda: np.log1p(np.exp(raw)),
            "sigmoid": lambda: 1 / (1 + np.exp(-raw)),
            "softmax": lambda: np.exp(raw) / np.exp(raw).sum(-1, keepdims=True),
        }[activation]().astype(np.float32)
        self.t = {
            "numbers": lambda: draw.normal(*entries, units) + 3,
            "signs": lambda: np.sign(draw.normal(*entries, units)),
            "counts": lambda: draw.integers(4, *entries, units).astype(np.float32),
            "answers": lambda: draw.integers(2, *entries, units).astype(np.float32),
            "classes": lambda: np.eye(units, dtype=np.float32)[classes],
            "class_numbers": lambda: classes[..., None],
        }[self.kind]()
        self.weight = draw.one(None, draw.positive(SAMPLES), draw.positive(*entries))
        self.mask = draw.bools(*entries) if len(entries) > 1 and draw.chance(0.6) else None
        names = draw.some(*SUITING[self.kind])
        self.names = {True: names, False: draw.some(*SUITING[self.kind])}  # weighted or not

    def entry_weights(self, masked: bool, weighted: bool) -> np.ndarray:
        """A weight for each entry, in float64."""
        weights = np.ones(self.p.shape[:-1])
        if weighted and self.weight is not None:
            weights = weights * self.weight.reshape(self.weight.shape + (1,) * (weights.ndim - self.weight.ndim))
        return weights * self.mask if masked and self.mask is not None else weights

    def expected_loss(self, masked: bool) -> float:
        """A weighted sum over the number of entries that count."""
        each = LOSSES[self.loss](self.t.astype(float), self.p.astype(float))
        return float((each * self.entry_weights(masked, True)).sum() / self.entry_weights(masked, False).sum())

    def expected(self, name: str, masked: bool, weighted: bool) -> float:
        t, p, weights = self.t.astype(float), self.p.astype(float), self.entry_weights(masked, weighted)
        if name in MEANS:
            return float(np.average(MEANS[name](t, p), weights=weights))
        return float(WHOLE[name][1](t, p, weights))


def metric(name: str) -> Any:
    if name == "top_k":
        return metrics.top_k_categorical_accuracy(k=2)
    return WHOLE[name][0] if name in WHOLE else name


def run(number: int) -> list[str]:
    """The loss and all metrics over ragged batches; what differs, in words."""
    draw = Draw("objectives", number)
    outputs = [Output(draw) for _ in range(draw.whole(1, 2))]
    names = ["a", "b"][: len(outputs)]
    masked, penalty = draw.chance(), draw.number(0, 1)
    loss_weights = [draw.number(0.1, 2) for _ in outputs]
    objective = Objective(
        names,
        [(None, *output.p.shape[1:]) for output in outputs],
        [output.loss for output in outputs],
        [[metric(name) for name in output.names[False]] for output in outputs],
        loss_weights,
        [[metric(name) for name in output.names[True]] for output in outputs],
        masked,
    )
    sums, start, losses = objective.init(), 0, []
    sizes = draw.one(*BATCHES)
    for size in sizes:
        chosen = slice(start, start + size)
        columns = [
            [None if x is None else jnp.asarray(x[chosen]) for x in of_outputs]
            for of_outputs in zip(*[(o.t, o.p, o.weight, o.mask) for o in outputs], strict=True)
        ]
        loss, (values, sums) = objective(sums, *columns, jnp.float32(penalty))
        losses.append((float(loss), float(values[0])))
        start += size
    parts = [output.expected_loss(masked) for output in outputs]
    expected = [penalty + float(np.dot(loss_weights, parts)), *(parts if len(outputs) > 1 else [])]
    for weighted in (False, True):
        expected += [o.expected(name, masked, weighted) for o in outputs for name in o.names[weighted]]
    found = np.asarray(jax.device_get(objective.values(sums)))
    differing = [
        f"{name}: {ours}, expected {right}"
        for name, ours, right in zip(objective.names, found, expected, strict=True)
        if not abs(ours - right) <= TOLERANCE * max(1.0, abs(right))
    ]
    differing += [f"the loss of a batch: {a}, in its logs {b}" for a, b in losses if abs(a - b) > 1e-6 * max(1, abs(b))]
    if not differing:
        return []
    described = [(o.kind, o.loss, o.p.shape, o.weight is not None, o.mask is not None, o.names) for o in outputs]
    return [f"{described}, masked={masked}, batches {sizes}", *differing]
