"""Names of logged numbers: the one that a monitor stands for, and whether it is better when it rises.

TF.js logs ``acc`` where Keras logs ``accuracy``, and a metric bears the name by which it was compiled,
``binaryAccuracy`` or ``binary_accuracy``, ``mse`` or ``mean_squared_error``.

Example:
    >>> logged_name("val_accuracy", ["loss", "acc", "val_loss", "val_acc"])
    'val_acc'
    >>> rises("val_acc"), rises("val_loss"), rises("val_chess_rating")
    (True, False, None)
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jtf.naming import snake_case

#: Ends of names to the short form that stands for all spellings; the first that fits counts.
_SHORT = {
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_logarithmic_error": "msle",
    "kullback_leibler_divergence": "kld",
    "kl_divergence": "kld",
    "cosine_proximity": "cosine",
    "log_cosh": "logcosh",
    "accuracy": "acc",
    "crossentropy": "ce",
    "r2_score": "r2",
    "r2score": "r2",
    "io_u": "iou",
}
_NUMBER = re.compile(r"_\d++$")
_RISING = re.compile(
    r"(^|_)(acc|precision|recall|sensitivity|specificity|auc|f\d|fbeta|iou|dice|r2|similarity|correlation|top_?(k|\d+)|true)_?\d*(_|$)"
)
_FALLING = re.compile(
    r"(^|_)(loss|error|mse|mae|mape|msle|rmse|ce|kld|divergence|logcosh|hinge|poisson|cosine|perplexity)(_?\d+)?$"
    r"|(^|_)false_(positives|negatives)"
)


def logged_name(monitor: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that ``monitor`` stands for: itself, or the same number as TF.js or Keras spells it."""
    names = list(names)
    if monitor in names:
        return monitor
    wanted = _short(monitor)
    return next((name for name in names if _short(name) == wanted), None)


def rises(monitor: str) -> bool | None:
    """Whether the number is better when it is greater; None where the name does not tell."""
    short = _short(monitor)
    if _FALLING.search(short):
        return False
    return True if _RISING.search(short) else None


def _short(name: str) -> str:
    number = _NUMBER.search(name)  # of a metric that is there several times
    end = number[0] if number else ""
    spelt = re.sub("_+", "_", snake_case(name.removesuffix(end)))
    for long, short in _SHORT.items():
        if spelt.endswith(long):
            return spelt.removesuffix(long) + short + end
    return spelt + end
