"""Sample weights and class weights: a factor for the loss of each sample."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jtf.engine.arrays import as_array
from jtf.engine.objective import Objective
from jtf.engine.step import Batch


def sample_weights(given: Any, ys: Sequence[np.ndarray | None], names: Sequence[str]) -> list[np.ndarray | None]:
    """The sample weights of each output, None where there are none.

    Args:
        given: a factor for each sample; for several outputs a list or a dict by output of these.
        ys: the targets of each output, None for an output without.
        names: of the outputs.

    Raises:
        ValueError, TypeError: another number of samples or outputs, or a weight that is negative, NaN or infinite.
    """
    by_output = _per_output(given, names, "sample_weight", lambda w: not isinstance(w, Mapping))
    each = zip(by_output, ys, names, strict=True)
    return [None if w is None or y is None else _sample_weight(w, y, name) for w, y, name in each]


def with_class_weight(batch: Batch, class_weight: Any, objective: Objective) -> Batch:
    """The batch with its samples weighted by their classes, too.

    Args:
        batch: checked.
        class_weight: a factor for each class number; for several outputs a list or a dict by output of these.
        objective: has the outputs.

    Raises:
        ValueError, TypeError: a class in the targets has no weight, a weight is negative, NaN or infinite, or the
            targets are not classes.
    """
    if class_weight is None:
        return batch
    names = objective.output_names
    weights = list(batch.weights)
    for output, by_class in enumerate(_per_output(class_weight, names, "class_weight", _is_by_class)):
        if by_class is not None and batch.ys[output] is not None:
            factor = _from_classes(_class_weights(by_class, names[output]), batch.ys[output], names[output])
            given = weights[output]
            if given is not None:
                factor = given * factor.reshape(-1, *[1] * (given.ndim - 1))
            weights[output] = factor
    return batch._replace(weights=weights)


def _sample_weight(weight: Any, y: np.ndarray, name: str) -> np.ndarray:
    given = as_array(weight, f"sample_weight of {name!r}").astype(np.float32)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]  # a column, as data frames have them
    if given.ndim == 0 or given.shape[0] != y.shape[0]:
        raise ValueError(
            f"sample_weight of {name!r} needs one number per sample, {y.shape[0]}; received shape {given.shape}."
        )
    low, high = given.min(), given.max()
    if not 0 <= low <= high < np.inf:
        bad = int(np.argmax(~((given >= 0) & (given < np.inf)).reshape(len(given), -1).all(axis=1)))
        raise ValueError(
            f"sample_weight of {name!r} has numbers from 0 on; that of sample {bad} (counted from 0) is {given[bad]}."
        )
    return given


def _per_output(given: Any, names: Sequence[str], option: str, is_one: Callable[[Any], bool]) -> list[Any]:
    if given is None:
        return [None] * len(names)
    if isinstance(given, Mapping) and not is_one(given):
        unknown = [key for key in given if key not in names]
        if unknown:
            number = str(unknown[0]).strip().lstrip("-")
            hint = " Class numbers are integers: {int(c): w for c, w in class_weight.items()}." * number.isdigit()
            raise ValueError(
                f"{option} names {unknown[0]!r}, which is no output of the model: {', '.join(names)}.{hint}"
            )
        return [given.get(name) for name in names]
    if len(names) == 1:
        single = isinstance(given, list | tuple) and len(given) == 1 and not np.isscalar(given[0])
        return [given[0]] if single else [given]
    if isinstance(given, list | tuple) and len(given) == len(names):
        return list(given)
    raise ValueError(
        f"The model has {len(names)} outputs ({', '.join(names)}): {option} must be a list with one for each, or "
        f"a dict by output name; received {type(given).__name__}."
    )


def _is_by_class(given: Any) -> bool:
    return isinstance(given, Mapping) and all(isinstance(key, numbers.Real | np.bool_) for key in given)


def _class_weights(given: Any, name: str) -> dict[int, float]:
    if not _is_by_class(given):
        hint = "" if isinstance(given, str | Mapping) else " With the factors in order: dict(enumerate(factors))."
        raise TypeError(
            f"class_weight of {name!r} is a dict with a factor for each class number, {{0: 1.0, 1: 5.0}}; received "
            f"{given!r}.{hint}"
        )
    for number, factor in given.items():
        if not float(number).is_integer():
            raise ValueError(f"class_weight of {name!r} has class numbers as keys; received {number!r}.")
        if isinstance(factor, str) or np.ndim(factor) != 0 or not 0 <= float(factor) < math.inf:
            raise ValueError(
                f"class_weight of {name!r} has factors from 0 on; received {factor!r} for class {int(number)}."
            )
    return {int(number): float(factor) for number, factor in given.items()}


def _from_classes(by_class: Mapping[int, float], y: np.ndarray, name: str) -> np.ndarray:
    if y.ndim > 2:
        raise ValueError(
            f"class_weight needs one class per sample; the targets of {name!r} have shape {y.shape}. "
            "Use sample_weight instead."
        )
    present, place = np.unique(_classes(y, name), return_inverse=True)
    missing = [int(c) for c in present if int(c) not in by_class]
    if missing:
        raise ValueError(
            f"class_weight must have every class in the targets of {name!r}; it lacks {missing} and has "
            f"{sorted(by_class)}."
        )
    return np.asarray([by_class[int(c)] for c in present], np.float32)[place]


def _classes(y: np.ndarray, name: str) -> np.ndarray:
    """The class of each sample."""
    if y.shape[1] == 1:
        classes = y[:, 0].astype(np.float64)
        if not (wrong := ~(np.isfinite(classes) & (classes == np.trunc(classes)))).any():
            return classes.astype(np.int64)
        expected = "integers"
    else:
        rows = y.astype(np.float64)
        if not (wrong := ~((rows >= 0).all(axis=1) & (np.abs(rows.sum(axis=1) - 1) < 0.01))).any():
            return y.argmax(axis=1)
        expected = "one-hot, or probabilities that add up to 1"
    sample = int(wrong.argmax())
    raise ValueError(
        f"class_weight needs one class per sample: the targets of {name!r} must be {expected}; that of sample {sample} "
        f"(counted from 0) is {y[sample].tolist()}. Use sample_weight instead."
    )
