"""``jtf demo`` trains a model to read digits, and shows in the terminal what it reads."""

from __future__ import annotations

import argparse
import importlib.util
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import optax

import jtf
from jtf.datasets import Digits, Mnist
from jtf.io.atomic import replacing
from jtf.io.handlers import save_handler
from jtf.train import Optimizer
from jtf.types import Array

_PLOT = "jtf-demo.png"
_FORMATS = (".png", ".svg", ".pdf")
_GET_MATPLOTLIB = "pip install 'jtf[plot]'"
#: The last training digits are held back, to validate with.
_HELD_BACK = 1 / 15
#: Falls to zero along a cosine, which is worth half a per cent of accuracy.
_LEARNING_RATE = 0.005
#: A closure costs more a step than `fit` does, so it takes fewer, larger ones.
_BATCH, _CORE_BATCH = 32, 64
_REFRESH_SECONDS = 0.1
#: Of the digits shown in the terminal: characters between them, for what is written below one, and the most of them.
_GAP, _CAPTION, _MOST_SHOWN = 3, 18, 6


def add_to(commands: Any) -> None:
    """Make the command known to the parser."""
    demo = commands.add_parser(
        "demo",
        help="train a model to read handwritten digits, and watch it",
        description="Train the two-layer model of the training guide on MNIST digits that come with jtf, measure "
        "it on digits that it has not seen, and show some of them. Takes a few seconds (with --core, up to a minute).",
    )
    demo.add_argument("--epochs", type=_epochs, default=5, metavar="N", help="passes over the digits (5)")
    demo.add_argument("--seed", type=_seed, default=0, metavar="N", help="fixes every random choice (0)")
    way = demo.add_mutually_exclusive_group()
    way.add_argument(
        "--core",
        action="store_true",
        help="use the Core API: variables, a dataset and optimizer.minimize in place of model.fit",
    )
    way.add_argument("--save", type=_target, metavar="DIR", help="keep the model, for TF.js or `jtf export-page DIR`")
    demo.add_argument("--plot", type=_plot, metavar="PATH", help=f"where to write the learning curves ({_PLOT})")
    demo.set_defaults(run=_demo)


def _epochs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, such as 5; received {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 2**32 - 1; received {text!r}")
    return int(text)


def _plot(text: str) -> Path:
    path = Path(text)
    if path.suffix not in _FORMATS:
        endings = " or ".join(_FORMATS)
        raise argparse.ArgumentTypeError(f"expected a file name that ends in {endings}; received {text!r}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {str(path.parent)!r}; make it first")
    if not _has_matplotlib():
        raise argparse.ArgumentTypeError(f"learning curves need matplotlib: {_GET_MATPLOTLIB}")
    return path


def _target(text: str) -> str:
    try:
        handler: Any = save_handler(text, None, overwrite=False)
        handler.check()
    except FileExistsError:
        raise argparse.ArgumentTypeError(f"{text!r} is there and is no saved model; choose another path") from None
    except (OSError, ValueError, ImportError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


# The demo.


class Trained(NamedTuple):
    """What either way of training has come to.

    Attributes:
        history: a number an epoch, by name.
        predict: from images as rows to the probabilities of the ten digits.
        model: what can be saved; None where there is none.
    """

    history: dict[str, list[float]]
    predict: Callable[[np.ndarray], Array]
    model: Any = None


def _demo(options: argparse.Namespace) -> int:
    data = jtf.datasets.mnist()
    learnt, held_back = _split(data.train)
    batch = _CORE_BATCH if options.core else _BATCH
    how = "optimizer.minimize" if options.core else "model.fit"
    print(
        f"A model learns to read handwritten digits: 784 pixels, 32 hidden units (relu),\n"
        f"10 classes (softmax). {how} trains it on {len(learnt.labels):,} MNIST digits and\n"
        f"validates it on {len(held_back.labels):,} others: adam, batches of {batch}, "
        f"{options.epochs} epoch{'s' * (options.epochs > 1)}, seed {options.seed}.\n",
        flush=True,
    )
    jtf.set_seed(options.seed)
    train = _train_with_variables if options.core else _train_with_layers
    trained = train(Mnist(learnt, held_back), options.epochs)

    probabilities = np.asarray(trained.predict(data.test.flat))
    right = probabilities.argmax(axis=1) == data.test.labels
    print(
        f"\nTest accuracy: {right.mean():.4f}. "
        f"Of {len(right):,} digits it has never seen, it reads {right.sum():,} right:\n"
    )
    for line in _gallery(data.test, probabilities):
        print(line)
    print()
    if options.save:
        trained.model.save(options.save)
        print(f"The model: {options.save}. To draw digits for it in the browser: jtf export-page {options.save}")
    return _draw_curves(trained.history, options.plot)


def _split(digits: Digits) -> tuple[Digits, Digits]:
    at = len(digits.labels) - round(len(digits.labels) * _HELD_BACK)
    return Digits(digits.images[:at], digits.labels[:at]), Digits(digits.images[at:], digits.labels[at:])


def _train_with_layers(data: Mnist, epochs: int) -> Trained:
    """The Layers API: compile and fit."""
    model = jtf.sequential(
        [
            jtf.layers.dense(units=32, input_shape=[784], activation="relu"),
            jtf.layers.dense(units=10, activation="softmax"),
        ],
        name="digits",
    )
    optimizer = _adam(epochs, len(data.train.labels), _BATCH)
    model.compile(optimizer=optimizer, loss="categoricalCrossentropy", metrics=["accuracy"])
    info = model.fit(
        data.train.flat,
        data.train.one_hot,
        batch_size=_BATCH,
        epochs=epochs,
        validation_data=(data.test.flat, data.test.one_hot),
    )
    return Trained(info.history, lambda images: model.predict(images, batch_size=1000), model)


def _train_with_variables(data: Mnist, epochs: int) -> Trained:
    """The Core API: four Variables, a dataset, and an optimizer that minimizes a closure."""
    begin = jtf.initializers.glorot_normal()
    w1, b1 = jtf.variable(begin([784, 32])), jtf.variable(jnp.zeros(32))
    w2, b2 = jtf.variable(begin([32, 10])), jtf.variable(jnp.zeros(10))

    def model(x: Any) -> Array:
        hidden: Any = jtf.relu(x @ w1 + b1[None])
        return hidden @ w2 + b2[None]

    xs, ys = jtf.data.array(data.train.flat), jtf.data.array(data.train.one_hot)
    dataset = jtf.data.zip({"xs": xs, "ys": ys}).shuffle(len(xs)).batch(_CORE_BATCH)
    optimizer = _adam(epochs, len(xs), _CORE_BATCH)
    progress = _Progress(epochs, len(dataset))
    history: dict[str, list[float]] = {"loss": [], "val_loss": [], "val_acc": []}
    for epoch in range(epochs):
        losses: list[Any] = []
        for batch in progress.epoch(epoch, dataset):

            def loss(batch: dict[str, np.ndarray] = batch) -> Array:
                return jtf.losses.softmax_cross_entropy(batch["ys"], model(batch["xs"]))

            losses.append(optimizer.minimize(loss, return_cost=True))

        scores = model(data.test.flat)
        history["loss"].append(float(np.mean(losses)))
        history["val_loss"].append(float(jtf.losses.softmax_cross_entropy(data.test.one_hot, scores)))
        history["val_acc"].append(float(np.mean(np.asarray(scores).argmax(axis=1) == data.test.labels)))
        progress.done({name: values[-1] for name, values in history.items()})
    return Trained(history, lambda images: jtf.softmax(model(images)))


def _adam(epochs: int, samples: int, batch: int) -> Optimizer:
    return jtf.train.adam(optax.cosine_decay_schedule(_LEARNING_RATE, decay_steps=epochs * math.ceil(samples / batch)))


class _Progress:
    """A line for each epoch and, where somebody watches, a line that counts the batches meanwhile."""

    def __init__(self, epochs: int, steps: int) -> None:
        self._epochs, self._steps = epochs, steps
        self._watched = sys.stderr.isatty()

    def epoch(self, epoch: int, dataset: jtf.data.Dataset) -> Iterator[dict[str, np.ndarray]]:
        self._title, self._started = f"Epoch {epoch + 1}/{self._epochs}", time.perf_counter()
        shown = self._started
        for step, batch in enumerate(dataset):
            yield batch
            if self._watched and time.perf_counter() - shown >= _REFRESH_SECONDS:
                shown = time.perf_counter()
                self._write(f"{self._title} - batch {step + 1}/{self._steps}")
        if self._watched:
            self._write("")

    def done(self, numbers: dict[str, float]) -> None:
        seconds = time.perf_counter() - self._started
        shown = "".join(f" - {name}: {value:.4f}" for name, value in numbers.items())
        print(f"{self._title} - {seconds:.1f} s{shown}", flush=True)

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(f"\r{text:<40}\r{text}")
        sys.stderr.flush()


def _draw_curves(history: dict[str, list[float]], wanted: Path | None) -> int:
    if not _has_matplotlib():
        print(f"To have learning curves drawn as well: {_GET_MATPLOTLIB}")
        return 0
    from jtf import vis

    path = wanted or Path(_PLOT)
    try:
        with replacing(path) as file:
            vis.curves(history).savefig(file, format=path.suffix[1:], dpi=150)
    except OSError as error:
        print(f"The learning curves could not be written: {error}. Choose another file with --plot.", file=sys.stderr)
        return 1 if wanted else 0
    print(f"Learning curves: {path}")
    return 0


def _has_matplotlib() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


# Digits in the terminal.


def _gallery(digits: Digits, probabilities: np.ndarray) -> Iterator[str]:
    """Lines of text: as many digits as fit side by side, the last of them misread, with what they were taken for."""
    guesses = probabilities.argmax(axis=1)
    is_right = guesses == digits.labels
    right, wrong = np.flatnonzero(is_right)[:_MOST_SHOWN], np.flatnonzero(~is_right)[:_MOST_SHOWN]
    draw = _blocks if _can_show_blocks() else _letters
    drawn = {int(i): draw(digits.images[i, :, :, 0]) for i in (*right, *wrong)}
    used = [any(line[x] != " " for lines in drawn.values() for line in lines) for x in range(28)]
    left, width = used.index(True), max(28 - used.index(True) - used[::-1].index(True), _CAPTION)

    fitting = (shutil.get_terminal_size().columns + _GAP) // (width + _GAP)
    count = min(max(fitting, 2), _MOST_SHOWN)
    misread = wrong[: max(1, count // 3)]
    chosen = [*right[: count - len(misread)], *misread]
    for lines in zip(*(drawn[int(i)] for i in chosen), strict=True):
        if any(line.strip() for line in lines):
            yield _side_by_side([line[left : left + width] for line in lines], width)
    yield ""
    yield _side_by_side([f"read as {guesses[i]} ({probabilities[i].max():.1%})" for i in chosen], width)
    yield _side_by_side([f"label   {digits.labels[i]}{'' if is_right[i] else '  WRONG'}" for i in chosen], width)


def _side_by_side(parts: Sequence[str], width: int) -> str:
    return (" " * _GAP).join(f"{part:<{width}}" for part in parts).rstrip()


def _blocks(image: np.ndarray) -> list[str]:
    """14 lines of 28 block characters, each of which shows two pixels, one above the other."""
    ink = image > 0.4
    return ["".join(" ▄▀█"[cell] for cell in row) for row in 2 * ink[0::2] + ink[1::2]]


def _letters(image: np.ndarray) -> list[str]:
    """The same in ASCII: the darker the two pixels, the denser the character."""
    shades = " .:-=+*#%@"
    grey = (image[0::2] + image[1::2]) / 2 * (len(shades) - 1)
    return ["".join(shades[cell] for cell in row) for row in grey.round().astype(int)]


def _can_show_blocks() -> bool:
    try:
        "▄▀█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
