"""From what users pass to `fit` and its kin to checked batches of numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jtf.engine.objective import Objective
from jtf.engine.step import Batch
from jtf.layers.symbolic import SymbolicTensor
from jtf.naming import nearest
from jtf.types import Shape


class Slots(NamedTuple):
    """The inputs or outputs of a model: what each is called and what one batch of it looks like."""

    kind: str  # "input" or "target", for messages
    names: Sequence[str]
    shapes: Sequence[Shape | None]  # None: any


def targets_of(objective: Objective) -> Slots:
    """What the targets of an objective look like; those of your own loss functions may have any shape.

    An output with neither loss nor metrics has no target.
    """
    shapes: list[Shape | None] = []
    for output in objective.used:
        shape = objective.output_shapes[output]
        if objective.losses[output] is not None and not objective.is_known(output):
            shapes.append(None)
        else:
            shapes.append((None, *shape[1:-1], 1) if objective.is_sparse(output) else (None, *shape[1:]))
    return Slots("target", [objective.output_names[output] for output in objective.used], shapes)


def arrays_for(data: Any, slots: Slots, traceable: bool = False) -> list[np.ndarray]:
    """One array for each slot, in order.

    Args:
        data: an array; or a list of arrays in the slots' order, or a dict by name. Anything that numpy can
            convert is an array: jax arrays, nested lists of numbers, torch tensors, data frames.
        slots: what is wanted.
        traceable: whether arrays that jax is tracing are taken, too, as they are.

    Raises:
        ValueError, TypeError: something is missing or too much, or has a wrong shape or kind; names the slot,
            expected and received.
    """
    given = _by_slot(data, slots)
    arrays = [
        _checked(_as_taken(array, f"{slots.kind} {name!r}", traceable), name, shape, slots.kind)
        for array, name, shape in zip(given, slots.names, slots.shapes, strict=True)
    ]
    counts = {array.shape[0] for array in arrays}
    if len(counts) > 1:
        listed = ", ".join(f"{n!r} has {a.shape[0]}" for n, a in zip(slots.names, arrays, strict=True))
        raise ValueError(f"All {slots.kind}s need the same number of samples; {listed}.")
    return arrays


def _as_taken(data: Any, what: str, traceable: bool) -> Any:
    return data if traceable and isinstance(data, jax.core.Tracer) else as_array(data, what)


def as_array(data: Any, what: str) -> np.ndarray:
    """A numpy array of numbers or bools; float64 and int64 become float32 and int32.

    Raises:
        TypeError: it holds something else (text, objects, ragged lists).
    """
    try:
        array = np.asarray(data)
    except Exception as error:  # whatever the type's own conversion raises
        if isinstance(data, SymbolicTensor):
            raise TypeError(
                f"The {what} is a symbolic tensor, which has no numbers: fit, evaluate and predict work on data. To "
                "connect a model in a graph, call it: model(x)."
            ) from None
        if isinstance(data, jax.core.Tracer):
            raise TypeError(
                f"The {what} is being traced by jax (jit, grad or vmap); fit, evaluate and predict work on data. "
                "Inside of jax's transformations call the model itself, model(x), or model.functional()."
            ) from None
        raise TypeError(f"The {what} cannot be made one array of numbers: {error}") from error
    if array.dtype == np.float64:
        return array.astype(np.float32)
    if array.dtype in (np.int64, np.uint32, np.uint64):
        narrow = array.astype(np.int32)
        if not (narrow == array).all():
            raise ValueError(
                f"The {what} has integers beyond 32 bits ({array.min()} to {array.max()}), which would be changed. "
                "Convert it first: x.astype('float32') for numbers, or smaller class numbers."
            )
        return narrow
    if array.dtype.kind in "fiub" or array.dtype.name == "bfloat16":
        return array
    raise TypeError(
        f"The {what} must hold numbers; received dtype {array.dtype}. Convert it first (x.astype('float32')); "
        "a list of unequal rows has no dtype that would fit."
    )


def batch_of(x: Any, y: Any, weights: Any, inputs: Slots, objective: Objective) -> Batch:
    """Checked inputs, targets and sample weights; also used for a whole data set, as one big batch.

    Raises:
        ValueError, TypeError: as `arrays_for`; or the numbers of samples differ.
    """
    xs = arrays_for(x, inputs)
    if isinstance(y, list | tuple) and 1 < len(y) == len(objective.output_names) != len(objective.used):
        y = [y[output] for output in objective.used]
    given = arrays_for(y, targets_of(objective))
    if xs[0].shape[0] != given[0].shape[0]:
        raise ValueError(
            f"Inputs and targets need the same number of samples; received {xs[0].shape[0]} inputs and "
            f"{given[0].shape[0]} targets."
        )
    ys: list[Any] = [None] * len(objective.output_names)
    for output, labels in zip(objective.used, given, strict=True):
        ys[output], name = labels, objective.output_names[output]
        if objective.is_sparse(output):
            _check_labels(labels, name, objective.output_shapes[output][-1])
    by_output = _per_output(weights, objective.output_names, "sample_weight", lambda w: not isinstance(w, Mapping))
    names = zip(by_output, ys, objective.output_names, strict=True)
    weighted = [None if w is None or y is None else _sample_weight(w, y, name) for w, y, name in names]
    return Batch(xs, ys, weighted)


def with_class_weight(batch: Batch, class_weight: Any, objective: Objective) -> Batch:
    """The batch with its samples weighted by their classes, too.

    Args:
        batch: as from `batch_of`.
        class_weight: a factor for each class number; for several outputs a list or a dict by output of these.
        objective: has the outputs.

    Raises:
        ValueError: a class in the targets has no weight, or the targets are no classes.
    """
    if class_weight is None:
        return batch
    names = objective.output_names
    weights = list(batch.weights)
    for output, by_class in enumerate(_per_output(class_weight, names, "class_weight", _is_class_weight)):
        if by_class is not None and batch.ys[output] is not None:
            factor = _from_classes(by_class, batch.ys[output], names[output])
            given = weights[output]
            if given is not None:
                factor = given * factor.reshape(-1, *[1] * (given.ndim - 1))
            weights[output] = factor
    return batch._replace(weights=weights)


def batches(data: Batch, batch_size: int, order: np.ndarray | None = None) -> Iterator[Batch]:
    """The samples in batches, the last one possibly smaller, in the given order."""
    for start in range(0, data.size, batch_size):
        stop = start + batch_size
        if order is None:
            yield part(data, slice(start, stop))
        else:
            chosen = order[start:stop]
            yield Batch(
                [x.take(chosen, axis=0) for x in data.xs],  # faster than x[chosen]
                [None if y is None else y.take(chosen, axis=0) for y in data.ys],
                [None if w is None else w.take(chosen, axis=0) for w in data.weights],
            )


def copied(data: Batch) -> Batch:
    """The batch in memory of its own: jax reads numpy's memory after the call that it was passed to has returned."""
    return Batch(*([None if a is None else np.array(a) for a in arrays] for arrays in data))


def part(data: Batch, chosen: slice) -> Batch:
    """A range of the samples, without a copy."""
    return Batch(
        [x[chosen] for x in data.xs],
        [None if y is None else y[chosen] for y in data.ys],
        [None if w is None else w[chosen] for w in data.weights],
    )


def unpack(element: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and sample weights out of what a dataset yields.

    Args:
        element: ``{"xs": ..., "ys": ...}`` (optionally ``"weights"``), or a tuple or list ``(xs, ys)`` or
            ``(xs, ys, weights)``.

    Raises:
        ValueError: neither of these.
    """
    if isinstance(element, Mapping) and "xs" in element and "ys" in element:
        return element["xs"], element["ys"], element.get("weights")
    if isinstance(element, tuple | list) and len(element) in (2, 3):
        return element[0], element[1], element[2] if len(element) == 3 else None
    found = f"a dict with the keys {list(element)}" if isinstance(element, Mapping) else type(element).__name__
    raise ValueError(
        "A dataset for training yields batches {'xs': ..., 'ys': ...} or tuples (xs, ys) or (xs, ys, weights); "
        f"received {found}. jtf.data.zip({{'xs': xs, 'ys': ys}}).batch(32) makes such a dataset."
    )


def fresh_iterator(dataset: Any) -> Iterator[Any]:
    """A new pass over a dataset: an iterable, or a function that returns one.

    Raises:
        TypeError: it is neither.
    """
    check_dataset(dataset)
    return iter(dataset if isinstance(dataset, Iterable) else dataset())


def check_dataset(dataset: Any) -> None:
    """Refuse what is no dataset, without starting a pass.

    Raises:
        TypeError: it is neither an iterable nor a function.
    """
    if not isinstance(dataset, Iterable) and not callable(dataset):
        raise TypeError(
            "A dataset is an iterable of batches (jtf.data, torch DataLoader, grain, a list) or a function that "
            f"returns one; received {type(dataset).__name__}."
        )


def positive(value: Any, name: str) -> int:
    """``value`` if it is a positive integer.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is a positive integer; received {value!r}.")
    return int(value)


def _by_slot(data: Any, slots: Slots) -> list[Any]:
    names = slots.names
    if isinstance(data, Mapping):
        if len(set(names)) < len(names):
            raise ValueError(
                f"Several {slots.kind}s of the model have one name ({', '.join(names)}), so that a dict cannot tell "
                "them apart. Pass a list in this order."
            )
        for name in names:
            if name not in data:
                raise ValueError(
                    f"The {slots.kind}s lack {name!r}.{nearest(name, map(str, data))} Expected the keys "
                    f"{', '.join(map(repr, names))}; received {', '.join(map(repr, data))}."
                )
        return [data[name] for name in names]
    if len(names) == 1:
        return [data[0]] if _is_list_of_one(data, slots.shapes[0]) else [data]
    if isinstance(data, list | tuple):
        if len(data) != len(names):
            raise ValueError(
                f"The model has {len(names)} {slots.kind}s ({', '.join(names)}); received a list of {len(data)}."
            )
        return list(data)
    raise ValueError(
        f"The model has {len(names)} {slots.kind}s ({', '.join(names)}): pass a list of arrays in this order, or "
        f"a dict by name; received one {type(data).__name__}."
    )


def _is_list_of_one(data: Any, expected: Shape | None) -> bool:
    """Whether it is a list with the one input in it, and not a list of samples."""
    if not isinstance(data, list | tuple) or len(data) != 1:
        return False
    if expected is None:
        return hasattr(data[0], "shape") and np.ndim(data[0]) > 0
    return np.ndim(data[0]) == len(expected) or (np.ndim(data[0]) == 1 and tuple(expected[1:]) == (1,))


def _checked(array: np.ndarray, name: str, expected: Shape | None, kind: str) -> np.ndarray:
    if array.ndim == 0:
        raise ValueError(f"The {kind} {name!r} is a single number; its first dimension must be the samples.")
    if array.shape[0] == 0:
        raise ValueError(f"The {kind} {name!r} has no samples: its shape is {array.shape}.")
    column = array[..., None]  # one number a sample, where the model counts it as one feature
    if expected is None:
        return column if array.ndim == 1 else array
    if _fits(array.shape, expected):
        return array
    if (array.ndim == 1 or (kind == "target" and expected[-1] == 1)) and _fits(column.shape, expected):
        return column
    hint = ""
    if _fits(array.shape, expected[1:]):
        hint = " This looks like one sample; the first dimension must be the batch: x[None]."
    elif kind == "target" and (array.ndim == 1 or array.shape[1:] == (1,)):
        hint = " For class numbers use the loss 'sparseCategoricalCrossentropy'."
    elif kind == "target" and expected[-1] == 1:
        hint = " For one-hot targets use the loss 'categoricalCrossentropy'."
    raise ValueError(f"The {kind} {name!r} must have shape {_shown(expected)}; received {array.shape}.{hint}")


def _fits(shape: Shape, expected: Shape) -> bool:
    return len(shape) == len(expected) and all(e is None or s == e for s, e in zip(shape, expected, strict=True))


def _shown(shape: Shape) -> str:
    return f"({', '.join('None' if size is None else str(size) for size in shape)}{',' * (len(shape) == 1)})"


def _check_labels(labels: np.ndarray, name: str, classes: int | None) -> None:
    low, high = labels.min(), labels.max()
    if classes is not None and (low < 0 or high >= classes):
        raise ValueError(
            f"The targets of {name!r} are class numbers from 0 to {classes - 1}, because the output has {classes} "
            f"classes; received numbers from {low} to {high}."
        )


def _sample_weight(weight: Any, y: np.ndarray, name: str) -> np.ndarray:
    given = as_array(weight, f"sample_weight of {name!r}").astype(np.float32)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]  # a column, as data frames have them
    if given.ndim == 0 or given.shape[0] != y.shape[0]:
        raise ValueError(
            f"sample_weight of {name!r} needs one number a sample, {y.shape[0]}; received shape {given.shape}."
        )
    return given


def _per_output(given: Any, names: Sequence[str], option: str, is_one: Callable[[Any], bool]) -> list[Any]:
    if given is None:
        return [None] * len(names)
    if isinstance(given, Mapping) and not is_one(given):
        unknown = [key for key in given if key not in names]
        if unknown:
            raise ValueError(f"{option} names {unknown[0]!r}, which is no output of the model: {', '.join(names)}.")
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


def _is_class_weight(given: Any) -> bool:
    return isinstance(given, Mapping) and all(isinstance(key, int | np.integer) for key in given)


def _from_classes(by_class: Mapping[int, float], y: np.ndarray, name: str) -> np.ndarray:
    if y.ndim > 2:
        raise ValueError(
            f"class_weight needs one class a sample; the targets of {name!r} have shape {y.shape}. "
            "Use sample_weight instead."
        )
    classes = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0].astype(np.int64)
    present, place = np.unique(classes, return_inverse=True)
    missing = [int(c) for c in present if int(c) not in by_class]
    if missing:
        raise ValueError(
            f"class_weight must have every class in the targets of {name!r}; it lacks {missing} and has "
            f"{sorted(by_class)}."
        )
    return np.asarray([by_class[int(c)] for c in present], np.float32)[place]
