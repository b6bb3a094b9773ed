"""Which weight of a file belongs to which weight of a model.

By name, as TF.js has it; where names differ, in the ways in which they are known to differ, as long as there is no
doubt: every way must give each weight one of its own, of its shape.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

from jtf.io.errors import ModelFormatError
from jtf.types import Shape

#: A weight's name and shape.
Named = tuple[str, Shape]

#: How many weights a message shows.
_ROWS = 20


def matched(theirs: Sequence[Named], ours: Sequence[Named], source: str, counted: Sequence[bool] = ()) -> list[int]:
    """For each of our weights the index of theirs.

    Args:
        theirs: the weights of the file, in its order.
        ours: those of the model, in its order.
        source: the file, for messages.
        counted: for each of ours whether the name of its layer may be another one; by default none may.

    Raises:
        ModelFormatError: they do not match; shows both lists side by side.
    """
    by_order = functools.partial(_by_order, theirs, ours, counted)
    for way in (_by_name, _without_cell, _by_number, _by_ending, by_order):
        found = way([name for name, _ in theirs], [name for name, _ in ours])
        if found is None:
            continue
        wrong = [(n, i) for n, i in enumerate(found) if ours[n][1] != theirs[i][1]]
        if not wrong:
            return found
        if way is _by_name:
            (name, shape), (_, other) = ours[wrong[0][0]], theirs[wrong[0][1]]
            raise ModelFormatError(source, f"weight {name!r}", f"shape {shape} as its layer has", f"shape {other}")
    raise ModelFormatError(
        source,
        "the weights",
        "to have the names of those of the layers",
        f"otherwise\n{side_by_side(theirs, ours)}\n(strict=False takes over those with the same name and shape)",
    )


def matched_in_part(theirs: Sequence[Named], ours: Sequence[Named]) -> list[int | None]:
    """For each of our weights the index of theirs with the same name and shape, None where there is none."""
    at = {named: index for index, named in enumerate(theirs)}
    return [at.get(named) for named in ours]


def left_out(theirs: Sequence[Named], ours: Sequence[Named], indices: Sequence[int | None]) -> str:
    """What `matched_in_part` has found no counterpart for, on either side; empty if there is nothing."""
    used = set(indices)
    missing = [named for named, index in zip(ours, indices, strict=True) if index is None]
    unused = [named for index, named in enumerate(theirs) if index not in used]
    lists = (("of the model not in the file", missing), ("in the file not used", unused))
    return ". ".join(f"{len(found)} weights {what}: {_listed(found)}" for what, found in lists if found)


def _listed(weights: Sequence[Named]) -> str:
    shown = ", ".join(f"{name} {shape}" for name, shape in weights[:_ROWS])
    return shown + f" and {len(weights) - _ROWS} more" * (len(weights) > _ROWS)


def _by_name(their_names: list[str], our_names: list[str]) -> list[int] | None:
    return _paired(their_names, our_names)


def _without_cell(their_names: list[str], our_names: list[str]) -> list[int] | None:
    """TensorFlow 2.2 and later put a cell's name between that of the layer and that of the weight."""
    known = set(our_names)
    return _paired([name if name in known else _dropping(name, -2) for name in their_names], our_names)


def _by_number(their_names: list[str], our_names: list[str]) -> list[int] | None:
    """Keras 3's weights are called ``dense/0``, ``dense/1``, ...: counted in each layer."""
    counted: dict[str, int] = {}
    numbered = []
    for name in our_names:
        layer = name.rpartition("/")[0]
        numbered.append(f"{layer}/{counted.setdefault(layer, 0)}")
        counted[layer] += 1
    dropped = ("vars", "layer_checkpoint_dependencies")
    cleaned = [
        "/".join(p for part in n.split("/") if (p := part.removeprefix("_")) not in dropped) for n in their_names
    ]
    return _paired(cleaned, numbered)


def _by_ending(their_names: list[str], our_names: list[str]) -> list[int] | None:
    """One side has something before the names of the layers, such as the model's name."""
    found = each_ending(their_names, our_names)
    if found is None and (reverse := each_ending(our_names, their_names)) is not None:
        found = [reverse.index(n) for n in range(len(our_names))]
    return found


def each_ending(longer: list[str], names: list[str]) -> list[int] | None:
    """For each name the index of the one longer name that ends with it."""
    at: dict[str, list[int]] = {}
    for index, name in enumerate(longer):
        parts = name.split("/")
        for start in range(len(parts)):
            at.setdefault("/".join(parts[start:]), []).append(index)
    found = [at.get(name, []) for name in names]
    indices = [each[0] for each in found if len(each) == 1]
    return indices if len(set(indices)) == len(names) == len(longer) else None


def _by_order(
    theirs: Sequence[Named], ours: Sequence[Named], counted: Sequence[bool], *_: list[str]
) -> list[int] | None:
    """Some layers are called otherwise each time, as they are named by counting; order and shapes stay."""
    if len(theirs) != len(ours):
        return None
    may_differ = counted or [False] * len(ours)
    same = [
        their == our or (is_counted and _kind(their) == _kind(our))
        for their, our, is_counted in zip(theirs, ours, may_differ, strict=True)
    ]
    return list(range(len(ours))) if all(same) else None


def _paired(their_names: list[str], our_names: list[str]) -> list[int] | None:
    at = {name: index for index, name in enumerate(their_names)}
    if len(at) == len(their_names) == len(our_names) == len(set(our_names)) and at.keys() == set(our_names):
        return [at[name] for name in our_names]
    return None


def _dropping(name: str, part: int) -> str:
    parts = name.split("/")
    return "/".join(parts[:part] + parts[part + 1 :]) if len(parts) >= -part else name


def _kind(weight: Named) -> Named:
    """What a weight is within its layer, and its shape."""
    name, shape = weight
    return name.rpartition("/")[2], shape


def side_by_side(theirs: Sequence[Named], ours: Sequence[Named]) -> str:
    """Two lists of names and shapes, from where they begin to differ on."""
    pairs = list(itertools.zip_longest(theirs, ours))
    same = next((index for index, (one, other) in enumerate(pairs) if one != other), len(pairs))
    shown = [["-" if each is None else f"{each[0]} {each[1]}" for each in pair] for pair in pairs[same : same + _ROWS]]
    rows = [["In the file:", "In the model:"], *shown]
    width = max(len(left) for left, _ in rows)
    lines = [f"  {left:<{width}}  {right}" for left, right in rows]
    more = len(pairs) - same - _ROWS
    return "\n".join([*lines, *([f"  ... and {more} more"] if more > 0 else [])])
