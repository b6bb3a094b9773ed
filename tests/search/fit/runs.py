"""Runs of `fit`, `fit_dataset` and `train_on_batch`, drawn, done by jtf and by the loops in numpy, and compared."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import numpy as np

import jtf
from tests.search import optimizers
from tests.search.case import ONCE
from tests.search.draw import Draw
from tests.search.fit import loop
from tests.search.fit.network import Network
from tests.search.fit.objective import Output

#: Of float32 after some dozens of updates, relative to the largest number of an array.
TOLERANCE = 2e-4


def run(number: int) -> list[str]:
    """Do a run in both ways; what differs, in words."""
    with mock.patch.object(jax, "jit", functools.partial(jax.jit, compiler_options=ONCE)):
        return Run(Draw("fit", number)).differences()


class Run:
    """A model, its data, and options of training."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.outputs = [Output(draw) for _ in range(draw.one(1, 1, 2))]
        self.network = Network(draw, [(output.units, output.activation) for output in self.outputs])
        self.model = self.network.model
        self.names = list(self.model.output_names)
        # The updates of these do not depend on the size of gradients that are nothing but rounding.
        name, options = optimizers.drawn(draw, "sgd", "momentum", "adagrad", "adam", "rmsprop")
        if name == "adam":
            options["epsilon"] = 1e-3
        loss_weights = [draw.number(0.2, 2.0) for _ in self.outputs] if draw.chance(0.3) else None
        self.trainer = loop.Trainer(
            self.network,
            self.outputs,
            self.names,
            loss_weights or [1.0] * len(self.outputs),
            optimizers.Optimizer(name, options),
        )
        losses, metrics = ([getattr(output, what) for output in self.outputs] for what in ("loss", "metrics"))
        self.model.compile(
            optimizer=getattr(jtf.train, name)(**options),
            loss=draw.one(losses, dict(zip(self.names, losses, strict=True))),
            metrics=dict(zip(self.names, metrics, strict=True)),
            loss_weights=loss_weights,
        )
        self.size = draw.whole(2, 4)
        self.data = self.some_data(
            self.size * draw.whole(1, 3) + (draw.whole(1, self.size - 1) if draw.chance(0.3) else 0)
        )
        self.found: list[str] = []
        self.said = [f"{self.network.text()}; {name}({options}), loss {losses}, metrics {metrics}, {loss_weights}"]

    def some_data(self, count: int, weighted: bool = False) -> loop.Batch:
        draw = self.draw
        x = draw.normal(count, *self.network.input_shape)
        weights = [draw.positive(count) if weighted else None for _ in self.outputs]
        return x, [output.targets(draw, count) for output in self.outputs], weights

    def differences(self) -> list[str]:
        for _ in range(self.draw.one(1, 1, 2)):
            self.draw.one(self.fit, self.fit, self.fit, self.fit_dataset, self.train_on_batches)()
            if self.draw.chance(0.2):
                rate = self.draw.number(0.001, 0.1)
                self.model.optimizer.learning_rate = self.trainer.optimizer.learning_rate = rate
        self.compare("evaluate", self.evaluated(), list(self.trainer.evaluate(loop.batches(self.data, 3)).values()))
        predicted = self.model.predict(self.data[0], batch_size=len(self.data[0]))
        for ours, theirs in zip(_listed(predicted), self.trainer.predict(self.data[0]), strict=True):
            self.compare("predictions", ours, theirs)
        mine = [weight.read() for piece in self.network.pieces for weight in piece.layer.weights]
        for n, (ours, theirs) in enumerate(zip(mine, self.trainer.weights(), strict=True)):
            self.compare(f"weight {n}", ours, theirs)
        return [*self.said, *(f"    {line}" for line in self.found)] if self.found else []

    def evaluated(self) -> Any:
        x, targets, _ = self.data
        return _listed(self.model.evaluate(x, self.given(targets), batch_size=3))

    # The three ways to train.

    def fit(self) -> None:
        draw, (x, targets, _), size = self.draw, self.data, self.size
        count = len(x)
        options: dict[str, Any] = {"batch_size": size, "epochs": draw.whole(1, 3), "shuffle": draw.chance(0.3)}
        if draw.chance(0.15):
            options["initial_epoch"] = draw.whole(0, options["epochs"] - 1)
        epochs = range(options.get("initial_epoch", 0), options["epochs"])
        weights = self.sample_weights(count, options)
        training, validation = (x, targets, weights), None
        kind = draw.one(None, "split", "data", "weighted")
        if kind == "split" and count >= 4:
            options["validation_split"] = 0.5
            at = int(np.floor(count * 0.5))
            training, held = (loop.chosen(training, rows) for rows in np.split(np.arange(count), [at]))
            validation = loop.batches(held, size)
        elif kind in ("data", "weighted"):
            held = self.some_data(size, kind == "weighted")
            options["validation_data"] = (held[0], self.given(held[1]))
            options["validation_data"] += (list(held[2]),) if kind == "weighted" else ()
            validation = loop.batches(held, size)
        training = self.class_weighted(training, options)
        callbacks, seen, early, stop_at = self.callbacks(epochs, validation is not None)
        orders = [np.random.default_rng(number).permutation(len(training[0])) for number in range(len(epochs))]
        generators = [np.random.default_rng(number) for number in range(len(epochs))]
        with mock.patch.object(jtf.random, "host_rng", side_effect=generators):
            history = self.model.fit(x, self.given(targets), verbose=0, callbacks=callbacks, **options)

        def of_epoch(epoch: int) -> list[loop.Batch]:
            return loop.batches(training, size, orders[epoch - epochs.start] if options["shuffle"] else None)

        self.said.append(f"fit({_briefly(options)}), {stop_at}, {early and vars(early)}")
        self.compare_runs(history, seen, *loop.fit(self.trainer, of_epoch, validation, epochs, early, stop_at), epochs)

    def fit_dataset(self) -> None:
        draw = self.draw
        weighted = draw.chance(0.3)
        elements = [self.some_data(self.size, weighted) for _ in range(draw.whole(1, 4))]
        options: dict[str, Any] = {"epochs": draw.whole(1, 3)}
        passes: Iterator[int] | None = None
        steps = len(elements)
        if draw.chance():
            steps = options["batches_per_epoch"] = draw.whole(1, 4)
            numbers = [
                n % len(elements) for n in range(steps * options["epochs"])
            ]  # one pass goes on from epoch to epoch
            passes = iter(numbers)
        epochs = range(options["epochs"])
        validation = None
        if draw.chance(0.4):
            validation = [self.some_data(self.size) for _ in range(draw.whole(1, 2))]
            options["validation_data"] = [self.element(batch, False) for batch in validation]
        training = [self.class_weighted(batch, options) for batch in elements] if draw.chance(0.3) else elements
        if "class_weight" in options:
            training = [self.weighted_by(batch, options["class_weight"]) for batch in elements]
        callbacks, seen, early, stop_at = self.callbacks(epochs, validation is not None)
        given = [self.element(batch, weighted) for batch in elements]
        dataset = [given[n] for n in numbers] if passes else given
        history = self.model.fit_dataset(dataset, verbose=0, callbacks=callbacks, **options)
        each = lambda epoch: [training[next(passes)] for _ in range(steps)] if passes else training  # noqa: E731
        self.said.append(f"fit_dataset({_briefly(options)}), {stop_at}, {early and vars(early)}")
        self.compare_runs(history, seen, *loop.fit(self.trainer, each, validation, epochs, early, stop_at), epochs)

    def train_on_batches(self) -> None:
        self.said.append("train_on_batch")
        for _ in range(self.draw.whole(1, 4)):
            options: dict[str, Any] = {}
            x, targets, _ = self.some_data(self.size)
            batch = self.class_weighted((x, targets, self.sample_weights(self.size, options)), options)
            ours = self.model.train_on_batch(x, self.given(targets), **options)
            self.compare("train_on_batch", _listed(ours), list(self.trainer.train(batch).values()))

    # What goes into them.

    def given(self, targets: list[np.ndarray]) -> Any:
        if len(targets) == 1:
            return targets[0]
        return self.draw.one(targets, dict(zip(self.names, targets, strict=True)))

    def element(self, batch: loop.Batch, weighted: bool) -> Any:
        x, targets, weights = batch
        if weighted:
            return x, self.given(targets), list(weights) if len(weights) > 1 else weights[0]
        return self.draw.one({"xs": x, "ys": self.given(targets)}, (x, self.given(targets)))

    def sample_weights(self, count: int, options: dict[str, Any]) -> list[np.ndarray | None]:
        if not self.draw.chance(0.25):
            return [None] * len(self.outputs)
        weights = [self.draw.positive(count) for _ in self.outputs]
        options["sample_weight"] = weights if len(weights) > 1 else weights[0]
        return list(weights)

    def class_weighted(self, batch: loop.Batch, options: dict[str, Any]) -> loop.Batch:
        """With class weights for the outputs that have classes, or for none."""
        if "class_weight" not in options:
            able = [output.classes(t) is not None for output, t in zip(self.outputs, batch[1], strict=True)]
            if not any(able) or not self.draw.chance(0.3):
                return batch
            by_class = [{c: self.draw.number(0.3, 2.0) for c in range(3)} if can else None for can in able]
            named = {name: each for name, each in zip(self.names, by_class, strict=True) if each is not None}
            options["class_weight"] = by_class[0] if len(by_class) == 1 else named
        return self.weighted_by(batch, options["class_weight"])

    def weighted_by(self, batch: loop.Batch, class_weight: Any) -> loop.Batch:
        x, targets, weights = batch
        result = []
        for name, output, t, w in zip(self.names, self.outputs, targets, weights, strict=True):
            by_class = class_weight if len(self.names) == 1 else class_weight.get(name)
            factor = None if by_class is None else np.array([by_class[int(c)] for c in output.classes(t)])
            result.append(w if factor is None else factor if w is None else w * factor)
        return x, targets, result

    def callbacks(self, epochs: range, validated: bool) -> tuple[list[Any], list[Any], Any, Any]:
        """Callbacks that record the batches, stop early, or stop at a batch."""
        draw, seen = self.draw, []
        stop_at = (draw.whole(epochs.start, epochs.stop - 1), draw.whole(0, 2)) if draw.chance(0.15) else None
        epoch_now = []

        def on_batch_end(index: int, logs: Any) -> None:
            seen.append({name: value for name, value in dict(logs).items() if name not in ("batch", "size")})
            if stop_at == (epoch_now[-1], index):
                self.model.stop_training = True

        callbacks: list[Any] = [
            {"on_epoch_begin": lambda epoch, logs: epoch_now.append(epoch), "on_batch_end": on_batch_end}
        ]
        early = None
        if draw.chance(0.25) and stop_at is None:
            options = {
                "monitor": "val_loss" if validated else "loss",
                "patience": draw.whole(0, 2),
                "min_delta": draw.one(0.0, 0.05),
            }
            restore = draw.chance()
            callbacks.append(jtf.callbacks.early_stopping(**options, restore_best_weights=restore))
            early = loop.EarlyStopping(**options, restore=restore)
        return callbacks, seen, early, stop_at

    # Comparing.

    def compare_runs(self, history: Any, seen: list[Any], expected: Any, batches: Any, epochs: range) -> None:
        if list(history.history) != list(expected):
            self.found.append(f"history has {list(history.history)} instead of {list(expected)}")
        for name, values in expected.items():
            self.compare(f"history of {name}", history.history.get(name, []), values)
        if history.epoch != list(epochs)[: len(history.epoch)]:
            self.found.append(f"epochs {history.epoch}")
        self.compare("batch logs", [list(b.values()) for b in seen], [list(b.values()) for b in batches])

    def compare(self, what: str, ours: Any, theirs: Any) -> None:
        a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if a.shape != b.shape:
            self.found.append(f"{what}: shape {a.shape} instead of {b.shape}")
        elif not np.all(np.abs(a - b) <= TOLERANCE * (np.abs(b) + np.max(np.abs(b), initial=0.1))):
            self.found.append(f"{what}: {np.round(a, 6).tolist()} instead of {np.round(b, 6).tolist()}")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _briefly(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" if np.isscalar(value) else name for name, value in options.items())
