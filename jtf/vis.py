"""Pictures of a training run: learning curves, digits with what the model takes them for, confusion matrices.

Every function returns a matplotlib Figure, which a notebook shows when it is the last value of a cell, and writes
it to a file if it is given a path. Nothing here touches pyplot, so there is no "current figure", nothing has to be
closed, and threads do not disturb each other. matplotlib comes with ``pip install 'jtf[plot]'``.

Example:
    >>> from jtf import vis
    >>> figure = vis.curves({"loss": [0.9, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.6], "acc": [0.7, 0.8, 0.9]})
    >>> [axes.get_title() for axes in figure.axes]
    ['loss', 'acc']
"""

from __future__ import annotations

import functools
import io
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jtf.callbacks import History

    Path = str | os.PathLike[str]

_TRAINING, _VALIDATION = "#1a5fb4", "#e66100"
_RIGHT, _WRONG = "#1a5fb4", "#c01c28"
_FRAME, _TEXT, _FAINT = "#b0b0b0", "#303030", "#e4e4e4"
_SIDE = 28
#: More digits than this in one picture cannot be told apart any more.
_MOST_DIGITS = 400
#: With more classes than this, counts do not fit into the cells of a confusion matrix.
_MOST_COUNTED = 25


def curves(history: History | Mapping[str, Sequence[float]], path: Path | None = None) -> Figure:
    """Learning curves: one panel for the loss and one for each metric, training and validation together.

    Args:
        history: what `fit` returned, or a mapping from names (``loss``, ``acc``, ``val_loss``, ...) to a number an
            epoch.
        path: a file to write as well; its ending decides the format (``.png``, ``.svg``, ``.pdf``).

    Returns:
        The Figure.

    Raises:
        TypeError: ``history`` is neither.
        ValueError: there is nothing to draw, or a name has another number of values than the others.
        ImportError: matplotlib is not installed.
    """
    values = history if isinstance(history, Mapping) else getattr(history, "history", None)
    if not isinstance(values, Mapping) or any(np.ndim(numbers) != 1 for numbers in values.values()):
        raise TypeError(
            "curves draws what fit has returned, or a dict of names and a list of numbers each, such as "
            f"{{'loss': [0.9, 0.5]}}; received {history!r}."
        )
    if not any(len(numbers) for numbers in values.values()):
        raise ValueError("There are no curves to draw: the history is empty. Fit for at least one epoch first.")
    lengths = {name: len(numbers) for name, numbers in values.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"Expected as many values under each name, one an epoch; received {lengths}.")
    counted = getattr(history, "epoch", range(next(iter(lengths.values()))))
    epochs = [epoch + 1 for epoch in counted]

    panels = list(dict.fromkeys(name.removeprefix("val_") for name in values))
    panels.sort(key=lambda name: name != "loss")  # stable: the others stay in the order of the logs
    columns = 2 if len(panels) == 4 else min(len(panels), 3)
    rows = math.ceil(len(panels) / columns)
    figure = _new_figure(4.6 * columns, 3.3 * rows)
    for index, name in enumerate(panels):
        axes = figure.add_subplot(rows, columns, index + 1)
        _curve(axes, epochs, values.get(name), "training", _TRAINING)
        _curve(axes, epochs, values.get(f"val_{name}"), "validation", _VALIDATION)
        axes.set_title(name, color=_TEXT)
        axes.set_xlabel("epoch", color=_TEXT)
        axes.legend(frameon=False, labelcolor=_TEXT)
        _tidy(axes)
    return _finished(figure, path)


def digits(images: Any, labels: Any, predictions: Any = None, path: Path | None = None) -> Figure:
    """A grid of digits, each with its label; with predictions, what it was taken for, and the wrong ones framed.

    Args:
        images: ``[n, 28, 28]``, ``[n, 28, 28, 1]`` or ``[n, 784]``, 0 (paper) to 1 (ink); at most 400.
        labels: class numbers ``[n]``, or one-hot ``[n, classes]``.
        predictions: the same, or the probabilities that `predict` returns.
        path: a file to write as well.

    Returns:
        The Figure.

    Raises:
        ValueError: a shape does not fit, or there are none or too many.
        ImportError: matplotlib is not installed.

    Example:
        >>> import jtf
        >>> from jtf import vis
        >>> test = jtf.datasets.mnist().test
        >>> figure = vis.digits(test.images[:20], test.labels[:20])
    """
    pictures = np.asarray(images, np.float32)
    if pictures.shape[1:] not in ((_SIDE, _SIDE), (_SIDE, _SIDE, 1), (_SIDE * _SIDE,)):
        raise ValueError(
            f"digits expects images of shape [n, 28, 28], [n, 28, 28, 1] or [n, 784]; received {pictures.shape}."
        )
    count = len(pictures)
    if not 0 < count <= _MOST_DIGITS:
        raise ValueError(
            f"digits draws 1 to {_MOST_DIGITS} images; received {count}. Choose some, such as images[:50]."
        )
    truth = _classes(labels, "labels", count)
    guesses = truth if predictions is None else _classes(predictions, "predictions", count)

    columns = min(count, max(10, math.ceil(math.sqrt(2 * count))))
    rows = math.ceil(count / columns)
    width, height = _SIDE + 4, _SIDE + (9 if predictions is None else 10)
    figure = _new_figure(0.72 * columns, 0.72 * rows * height / width)
    axes = figure.add_subplot()
    mosaic = np.zeros((rows * height, columns * width), np.float32)
    for index, picture in enumerate(pictures.reshape(count, _SIDE, _SIDE)):
        top, left = index // columns * height + 1, index % columns * width + 2
        mosaic[top : top + _SIDE, left : left + _SIDE] = picture
        wrong = bool(guesses[index] != truth[index])
        _frame(axes, left, top, wrong)
        axes.text(
            left + _SIDE / 2,
            top + _SIDE + 4,
            f"{guesses[index]}, not {truth[index]}" if wrong else str(truth[index]),
            ha="center",
            va="center",
            fontsize=8,
            color=_WRONG if wrong else _TEXT,
            fontweight="bold" if wrong else "normal",
        )
    axes.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    return _finished(figure, path)


def confusion_matrix(
    y_true: Any, y_pred: Any, class_names: Sequence[Any] | None = None, path: Path | None = None
) -> Figure:
    """How often each class was taken for which: a row for each label, a column for each prediction.

    The diagonal is blue, the darker the greater the part of its row; mistakes are red, the darker the more
    frequent among the mistakes, so that a model that is nearly always right still shows where it is wrong.

    Args:
        y_true: class numbers ``[n]``, or one-hot ``[n, classes]``.
        y_pred: the same, or the probabilities that `predict` returns.
        class_names: a name for each class, in order; the class numbers by default.
        path: a file to write as well.

    Returns:
        The Figure.

    Raises:
        ValueError: the lengths differ, there are no samples, or the names do not suffice.
        ImportError: matplotlib is not installed.

    Example:
        >>> from jtf import vis
        >>> vis.confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"]).axes[0].get_title()
        '3 of 4 right (75.0%)'
    """
    truth = _classes(y_true, "y_true")
    guesses = _classes(y_pred, "y_pred", len(truth))
    if not len(truth):
        raise ValueError("confusion_matrix needs at least one sample; received none.")
    size = int(max(truth.max(), guesses.max(), *(_width(y) - 1 for y in (y_true, y_pred)))) + 1
    names = [str(number) for number in range(size)] if class_names is None else [str(n) for n in class_names]
    if len(names) < size:
        raise ValueError(f"Expected a name for each of {size} classes; received {len(names)}: {names}.")
    size = len(names)
    counts = np.zeros((size, size), int)
    np.add.at(counts, (truth, guesses), 1)

    right = np.eye(size, dtype=bool)
    part = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mistakes = counts / max(counts[~right].max(initial=0), 1)  # on a scale of their own
    side = min(2.6 + 0.42 * size, 12.0)
    figure = _new_figure(side + 0.4, side)
    axes = figure.add_subplot()
    axes.imshow(np.ma.masked_where(~right | (counts == 0), part), cmap="Blues", vmin=0, vmax=1.4)
    axes.imshow(np.ma.masked_where(right | (counts == 0), mistakes), cmap="Reds", vmin=0, vmax=1.4)
    if size <= _MOST_COUNTED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            dark = part[row, column] > 0.7 if row == column else mistakes[row, column] > 0.7
            color = "white" if dark else _TEXT
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    long = max(map(len, names)) > 3
    axes.set_xticks(range(size), names, rotation=90 if long else 0)
    axes.set_yticks(range(size), names)
    axes.set_xlabel("prediction", color=_TEXT)
    axes.set_ylabel("label", color=_TEXT)
    correct = int(counts.trace())
    axes.set_title(f"{correct:,} of {len(truth):,} right ({correct / len(truth):.1%})", color=_TEXT)
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=_FAINT, linewidth=0.8)
    axes.tick_params(which="both", length=0, labelcolor=_TEXT)
    axes.spines[:].set_visible(False)
    return _finished(figure, path)


def _curve(axes: Axes, epochs: list[int], values: Sequence[float] | None, label: str, color: str) -> None:
    if values is None:
        return
    marker = "o" if len(epochs) <= 30 else None  # a single epoch must be visible, too
    axes.plot(epochs, values, marker=marker, ms=4, lw=1.8, color=color, label=f"{label} {values[-1]:.4g}")


def _tidy(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.grid(color=_FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FRAME)
    axes.tick_params(color=_FRAME, labelcolor=_TEXT)


def _frame(axes: Axes, left: int, top: int, wrong: bool) -> None:
    from matplotlib.patches import Rectangle

    corner = (left - 0.5, top - 0.5)
    color, width = (_WRONG, 2.0) if wrong else (_FAINT, 0.8)
    axes.add_patch(Rectangle(corner, _SIDE, _SIDE, fill=False, edgecolor=color, linewidth=width))


def _classes(given: Any, name: str, count: int | None = None) -> np.ndarray:
    """Class numbers, from class numbers or from a row of scores for each sample."""
    array = np.asarray(given)
    if array.ndim == 2 and array.shape[1] > 1:
        array = array.argmax(axis=1)
    whole = array.size == 0 or (np.issubdtype(array.dtype, np.number) and (array == np.floor(array)).all())
    if array.ndim != 1 or not whole or (array.size and array.min() < 0):
        raise ValueError(
            f"{name} must be class numbers from 0 on, of shape [n], or scores of shape [n, classes]; received shape "
            f"{np.shape(given)} and dtype {np.asarray(given).dtype}. For the single probability of a sigmoid give "
            "(p > 0.5).astype(int).ravel()."
        )
    if count is not None and len(array) != count:
        raise ValueError(f"{name} must have one entry for each of {count} samples; received {len(array)}.")
    return array.astype(int)


def _width(given: Any) -> int:
    shape = np.shape(given)
    return shape[1] if len(shape) == 2 else 0


def _new_figure(width: float, height: float) -> Figure:
    """An empty Figure on an Agg canvas. Sizes in inches."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"jtf.vis draws with matplotlib, which cannot be imported ({error}). Install it: pip install 'jtf[plot]'"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    FigureCanvasAgg(figure)
    return figure


def _finished(figure: Figure, path: Path | None) -> Figure:
    if path is not None:
        figure.savefig(os.fspath(path), dpi=150)
    # IPython asks an object for this; matplotlib teaches it about Figures only once pyplot is imported.
    figure._repr_png_ = functools.partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
