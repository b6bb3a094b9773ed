"""An optimizer's state as weights of a file, under TF.js's names and in its order, and back.

First comes ``iter``, how many updates have been made; then the first slot of every trained weight, then the second:
``dense/kernel/m``, ``dense/bias/m``, ``dense/kernel/v``, ``dense/bias/v``.

References:
    TF.js: tfjs-core/src/optimizers/ (getWeights, setWeights)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jtf.io.errors import ModelFormatError
from jtf.io.manifest import StoredWeight, stored
from jtf.train.optimizer import Optimizer
from jtf.variable import Variable, is_variable, values

GROUP = "optimizer"

#: What slots are called in files, in the order of the state that optax keeps.
SLOTS = {
    "SGD": (),
    "Momentum": ("momentum",),
    "Adagrad": ("accumulator",),
    "Adadelta": ("accum_grad", "accum_var"),  # with which TF.js goes on by another rule
    "Adam": ("m", "v"),
    "Adamax": ("m", "v"),
    "RMSProp": ("rms", "momentum"),
}
_CENTERED = ("rms", "mg", "momentum")
_ORDER_IN_FILES = ("rms", "momentum", "mg")


def optimizer_weights(optimizer: Optimizer, trainable: Mapping[Variable, str]) -> list[StoredWeight]:
    """The state of an optimizer as a file has it.

    Args:
        optimizer: one of jtf.train's own.
        trainable: the weights that it trains, in the model's order, with their names in the file.
    """
    count = stored("iter", np.asarray(optimizer.iterations, np.int32), GROUP)
    if optimizer.iterations == 0 and _is_new(optimizer, list(trainable)):
        return [count]
    slots = _slots(optimizer, list(trainable))
    names = sorted(slots, key=lambda name: _ORDER_IN_FILES.index(name) if name in _ORDER_IN_FILES else 0)
    return [count] + [
        stored(f"{weight.name}/{name}", np.asarray(slots[name][weight]), GROUP)
        for name in names
        for weight in trainable
    ]


def restore(optimizer: Optimizer, trainable: Sequence[Variable], saved: Sequence[tuple[str, Any]], source: str) -> None:
    """Give an optimizer the state that a file has.

    As in TF.js slots belong to the trained weights by their order; where a file has fewer, by their names.

    Args:
        optimizer: as it has just been made.
        trainable: the weights that it trains, in the model's order.
        saved: names and arrays, in the file's order.
        source: the file, for messages.

    Raises:
        ModelFormatError: the state is not that of this optimizer, or of other weights; nothing is changed.
    """
    if not saved:
        return
    (first, count), rest = saved[0], saved[1:]
    if first != "iter" or count.dtype != np.int32 or count.size != 1 or count.item() < 0:
        raise ModelFormatError(
            source, f"optimizer weight {first!r}", "'iter', a count of updates, first", repr(count)[:80]
        )
    iterations = count.item()
    by_slot: dict[str, list[tuple[str, np.ndarray]]] = {}
    for name, array in rest:
        weight, _, slot = name.rpartition("/")
        by_slot.setdefault(slot, []).append((weight, array))
    slots = _slots(optimizer, trainable)
    if by_slot and by_slot.keys() != slots.keys():
        raise ModelFormatError(
            source,
            f"the state of {optimizer.class_name}",
            f"slots {', '.join(slots) or 'none'}",
            ", ".join(by_slot),
        )
    given = {
        slots[slot][weight]: array
        for slot, of_slot in by_slot.items()
        for weight, array in zip(trainable, _for_each(trainable, of_slot, slot, source), strict=True)
        if array is not None
    }
    for variable, array in given.items():
        variable.assign(np.array(array, variable.dtype))
    optimizer.iterations_variable.assign(np.int32(iterations))
    for counter in _counters(optimizer, trainable):
        counter.assign(np.asarray(iterations, counter.dtype))


def _for_each(
    trainable: Sequence[Variable], saved: Sequence[tuple[str, np.ndarray]], slot: str, source: str
) -> list[np.ndarray | None]:
    """The slot of each trained weight."""
    if len(saved) == len(trainable):
        chosen: list[np.ndarray | None] = [array for _, array in saved]
    else:  # TF.js has none for weights on which the loss does not depend
        by_name = dict(saved)
        chosen = [by_name.pop(weight.name, None) for weight in trainable]
        if by_name or len(saved) > len({name for name, _ in saved}):
            raise ModelFormatError(
                source,
                f"optimizer weights '.../{slot}'",
                f"slots of the trained weights {', '.join(weight.name for weight in trainable)}",
                f"slots of {', '.join(name for name, _ in saved)}",
            )
    for weight, array in zip(trainable, chosen, strict=True):
        if array is not None and array.shape != weight.shape:
            raise ModelFormatError(
                source, f"optimizer weight '{weight.name}/{slot}'", f"shape {weight.shape}", f"shape {array.shape}"
            )
    return chosen


def _slots(optimizer: Optimizer, trainable: Sequence[Variable]) -> dict[str, dict[Variable, Variable]]:
    """The Variables that hold the state, by the slot's name in files and by the weight that they belong to."""
    names = _CENTERED if getattr(optimizer, "centered", False) else SLOTS[optimizer.class_name]
    keyed = optimizer.keyed(trainable)
    parts = [part for part in _parts(optimizer.slots(keyed), set(keyed)) if not is_variable(part)]
    return {name: {weight: part[key] for key, weight in keyed.items()} for name, part in zip(names, parts, strict=True)}


def _is_new(optimizer: Optimizer, trainable: Sequence[Variable]) -> bool:
    """Whether the state is that of a new optimizer; some files of Keras have a state and no count of updates."""
    keyed = optimizer.keyed(trainable)
    begin = optimizer.rule().at(0).init({key: weight.read() for key, weight in keyed.items()})
    pairs = zip(jax.tree.leaves(begin), jax.tree.leaves(values(optimizer.slots(keyed))), strict=True)
    return all(np.array_equal(first, now) for first, now in pairs)


def _counters(optimizer: Optimizer, trainable: Sequence[Variable]) -> list[Variable]:
    """Those that count updates in the state itself."""
    keyed = optimizer.keyed(trainable)
    return [part for part in _parts(optimizer.slots(keyed), set(keyed)) if is_variable(part)]


def _parts(state: Any, keys: set[str]) -> list[Any]:
    """A state's Variables, those of one slot together."""

    def is_part(node: Any) -> bool:
        return is_variable(node) or (isinstance(node, Mapping) and set(node) == keys)

    return jax.tree.leaves(state, is_leaf=is_part)
