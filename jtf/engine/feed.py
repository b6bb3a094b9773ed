"""From what users pass to `fit` and its kin to checked batches of numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtf.engine.arrays import as_array
from jtf.engine.objective import Objective
from jtf.engine.step import Batch
from jtf.engine.weighting import sample_weights
from jtf.layers.base import Layer
from jtf.naming import nearest
from jtf.types import Shape


class Lookup(NamedTuple):
    """A layer that looks up its inputs, which come to it as they are: integers from 0 to ``size - 1``.

    Attributes:
        layer: its name and class, for messages.
        size: how many indices there are.
        dtype: what they are converted to on the way.
    """

    layer: str
    size: int
    dtype: str


def lookup(layer: Layer, dtype: str) -> Lookup:
    """What is known of a layer that looks up an input."""
    return Lookup(f"{layer.name!r} ({layer.class_name})", layer.index_range or 0, dtype)


class Slots(NamedTuple):
    """The inputs or outputs of a model: what each is called and what one batch of it looks like."""

    kind: str  # "input" or "target", for messages
    names: Sequence[str]
    shapes: Sequence[Shape | None]  # None: any
    optional: Sequence[str] = ()  # what a dict may have besides
    lookups: Sequence[Lookup | None] = ()  # what the numbers of each input are indices for
    batch_size: int | None = None  # if the model takes no other


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
    names = [objective.output_names[output] for output in objective.used]
    return Slots("target", names, shapes, [name for name in objective.output_names if name not in names])


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
    for name, array, lookup in zip(slots.names, arrays, slots.lookups, strict=False):
        if lookup is not None:
            _check_indices(array, name, lookup)
    return arrays


def _as_taken(data: Any, what: str, traceable: bool) -> Any:
    return data if traceable and isinstance(data, jax.core.Tracer) else as_array(data, what)


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
    return Batch(xs, ys, sample_weights(weights, ys, objective.output_names))


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


def check_batch_size(samples: int, batch_size: int, inputs: Slots) -> None:
    """Refuse batches that a model cannot take which remembers each example of its batches.

    Raises:
        ValueError: the model needs another size of batch, or the last batch would be smaller.
    """
    needed = inputs.batch_size
    if needed is None or (min(batch_size, samples) == needed and samples % min(batch_size, samples) == 0):
        return
    if samples == batch_size:
        received = f"a batch of {samples}."
    elif batch_size != needed:
        received = f"{samples} samples in batches of {batch_size}. Pass batch_size={needed}."
    else:
        received = f"{samples} samples, which leaves a last batch of {samples % needed}. Leave those out."
    raise ValueError(
        f"The model is stateful, remembering each example of a batch for the next: its batches have {needed} samples; "
        f"received {received}"
    )


def positive(value: Any, name: str) -> int:
    """``value`` if it is a positive integer.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} is a positive integer; received {value!r}.")
    return int(value)


def boolean(value: Any, name: str) -> bool:
    """``value`` if it is True or False (or 1 or 0).

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, int | np.integer | np.bool_) or value not in (0, 1):
        raise ValueError(f"{name} is True or False; received {value!r}.")
    return bool(value)


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
        for key in data:
            if key not in names and key not in slots.optional:
                raise ValueError(
                    f"The model has no {slots.kind} {key!r}.{nearest(key, names)} Expected the keys "
                    f"{', '.join(map(repr, names))} and no others."
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
    if (problem := _not_indices(labels, classes)) is not None:
        which = "0 on" if classes is None else f"0 to {classes - 1}, because the output has {classes} classes"
        raise ValueError(f"The targets of {name!r} are class numbers from {which}; received {problem}.")


def _check_indices(array: np.ndarray, name: str, lookup: Lookup) -> None:
    if (problem := _not_indices(array, lookup.size)) is not None:
        raise ValueError(
            f"The input {name!r} goes into layer {lookup.layer}, which takes integers from 0 to {lookup.size - 1}; "
            f"received {problem}."
        )
    exact = min(_exact_up_to(array.dtype), _exact_up_to(np.dtype(lookup.dtype)))
    if array.max() > exact:
        raise ValueError(
            f"The input {name!r} has indices for layer {lookup.layer} above {exact}, where its numbers are rounded. "
            "Pass integers, and make the model's input with dtype='int32'."
        )


def _exact_up_to(dtype: np.dtype) -> int:
    """The last integer of a dtype that nothing else is rounded to."""
    if jnp.issubdtype(dtype, jnp.floating):
        return 2 ** (jnp.finfo(dtype).nmant + 1) - 1
    return 1 if dtype.kind == "b" else int(jnp.iinfo(dtype).max)


def _not_indices(array: np.ndarray, size: int | None) -> str | None:
    """What is wrong with numbers that should be integers from 0 to below ``size``; None if nothing is."""
    low, high = array.min(), array.max()
    if low != low:
        return "NaN"
    if low < 0 or high == np.inf or (size is not None and high >= size):
        return f"numbers from {low} to {high}"
    if jnp.issubdtype(array.dtype, jnp.floating) and (fractions := array[array != np.trunc(array)]).size:
        return f"{fractions[0]}, which is not an integer"
    return None
