"""Training, evaluating and predicting, written out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tests.search.fit.network import Network
from tests.search.fit.objective import Output, measured
from tests.search.optimizers import Optimizer

#: Inputs, one target for each output, one array of weights or None for each output.
Batch = tuple[np.ndarray, list[np.ndarray], list[np.ndarray | None]]
Logs = dict[str, float]

STEP = 1e-30


class Trainer:
    """A network with an objective and an optimizer."""

    def __init__(
        self, network: Network, outputs: list[Output], names: list[str], loss_weights: list[float], optimizer: Optimizer
    ) -> None:
        self.network, self.outputs, self.names = network, outputs, names
        self.loss_weights, self.optimizer = loss_weights, optimizer

    def loss(self, batch: Batch, training: bool) -> tuple[Any, Logs, Any]:
        x, targets, weights = batch
        predictions, penalty, moved = self.network.forward(x.astype(np.float64), training)
        return *measured(self.outputs, self.loss_weights, self.names, targets, predictions, weights, penalty), moved

    def train(self, batch: Batch) -> Logs:
        """One update; the logs are of before."""
        pieces = self.network.pieces
        gradients = {}
        for index, name in self.network.trained():
            value = pieces[index].params[name]
            perturbed = value.astype(np.complex128)
            gradient = np.zeros_like(value)
            pieces[index].params[name] = perturbed
            for at in np.ndindex(value.shape):
                perturbed[at] += 1j * STEP
                gradient[at] = np.imag(self.loss(batch, True)[0]) / STEP
                perturbed[at] = value[at]
            pieces[index].params[name] = value
            gradients[index, name] = gradient
        _, logs, moved = self.loss(batch, True)
        params = {(index, name): pieces[index].params[name] for index, name in gradients}
        self.optimizer.step(params, gradients)
        for (index, name), value in params.items():
            pieces[index].params[name] = value
        for piece, statistics in zip(pieces, moved, strict=True):
            piece.params.update(statistics)
            piece.constrain(piece.params)
        return logs

    def evaluate(self, batches: Iterable[Batch]) -> Logs:
        return mean([(self.loss(batch, False)[1], len(batch[0])) for batch in batches])

    def predict(self, x: np.ndarray) -> list[np.ndarray]:
        return self.network.forward(x.astype(np.float64), False)[0]

    def weights(self) -> list[np.ndarray]:
        return [np.array(value) for piece in self.network.pieces for value in piece.params.values()]

    def restore(self, weights: Sequence[np.ndarray]) -> None:
        left = iter(weights)
        for piece in self.network.pieces:
            piece.params = {name: np.array(next(left)) for name in piece.params}


def mean(logs: list[tuple[Logs, int]]) -> Logs:
    """The mean over batches, each counted as often as it has samples."""
    samples = sum(size for _, size in logs)
    return {name: sum(each[name] * size for each, size in logs) / samples for name in logs[0][0]}


def batches(data: Batch, size: int, order: np.ndarray | None = None) -> list[Batch]:
    order = np.arange(len(data[0])) if order is None else order
    return [chosen(data, order[start : start + size]) for start in range(0, len(order), size)]


def chosen(data: Batch, rows: np.ndarray) -> Batch:
    x, targets, weights = data
    return x[rows], [t[rows] for t in targets], [None if w is None else w[rows] for w in weights]


class EarlyStopping:
    """Stops after ``patience`` epochs that are no better than the best so far by more than ``min_delta``."""

    def __init__(self, monitor: str, patience: int, min_delta: float, restore: bool) -> None:
        self.monitor, self.patience, self.min_delta, self.restore = monitor, patience, min_delta, restore
        self.best, self.waited, self.weights = math.inf, 0, None

    def ends(self, logs: Logs, trainer: Trainer) -> bool:
        if self.best - logs[self.monitor] > self.min_delta:
            self.best, self.waited, self.weights = logs[self.monitor], 0, trainer.weights()
            return False
        self.waited += 1
        return self.waited >= self.patience


def fit(
    trainer: Trainer,
    of_epoch: Callable[[int], list[Batch]],
    validation: list[Batch] | None,
    epochs: range,
    early: EarlyStopping | None = None,
    stop_at: tuple[int, int] | None = None,
) -> tuple[dict[str, list[float]], list[Logs]]:
    """The history and the logs of all batches.

    Args:
        trainer: what to train.
        of_epoch: the batches of an epoch.
        validation: what to evaluate after each.
        epochs: their numbers.
        early: when to stop.
        stop_at: an epoch and a batch after which somebody stops the training.
    """
    history: dict[str, list[float]] = {}
    seen = []
    for epoch in epochs:
        logs, stopped = [], False
        for index, batch in enumerate(of_epoch(epoch)):
            logs.append((trainer.train(batch), len(batch[0])))
            stopped = stop_at == (epoch, index)
            if stopped:
                break
        seen += [each for each, _ in logs]
        # A run that was stopped in the middle of an epoch is not validated any more.
        validated = trainer.evaluate(validation) if validation and not stopped else {}
        of_this = {f"val_{name}": value for name, value in validated.items()} | mean(logs)
        for name, value in of_this.items():
            history.setdefault(name, []).append(value)
        if early is not None and early.monitor in of_this:
            stopped |= early.ends(of_this, trainer)
        if stopped:
            break
    if early is not None and early.restore and early.weights is not None:
        trainer.restore(early.weights)
    return history, seen
