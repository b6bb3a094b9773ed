"""The weights in Keras's files, and which weight of a model each of them is.

Keras 3 keeps the weights of a layer by number, in a group that is found by walking through the model's layers as their
attributes are called (``layers/dense_1/vars/0``, ``layers/lstm/cell/vars/2``). Older files, and ``.h5`` files today,
have a group for each layer of the model, with the weights of everything inside of it in one list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jtf.io.errors import ModelFormatError
from jtf.io.keras.hdf5 import Group
from jtf.layers.base import Layer
from jtf.variable import Variable

#: A weight, or what a layer remembers, with what it is to be.
Given = list[tuple[Variable, np.ndarray]]


class Place(NamedTuple):
    """A layer, where Keras keeps it, and its own variables in Keras's order."""

    path: str
    layer: Any
    variables: list[Variable]
    is_trainable: bool


def places(model: Any, config: Any = None) -> list[Place]:
    """The layers of a model in the order and at the places in which Keras 3 has them, each once.

    Args:
        model: of jtf, built.
        config: its configuration in the file; without it, or if its layers are called otherwise, the layers are taken
            in the model's order.
    """
    return list(_walk(model, config, "", True, set()))


def _walk(layer: Any, config: Any, path: str, is_trainable: bool, met: set[Any]) -> Iterator[Place]:
    if layer in met:
        return
    met.add(layer)
    is_trainable = is_trainable and layer.trainable
    own = layer._own_weights
    ordered = [w for w in own if w.trainable] + [w for w in own if not w.trainable] + layer._own_states
    yield Place(path, layer, ordered, is_trainable)
    for name, child, of_child in _children(layer, config):
        yield from _walk(child, of_child, f"{path}/{name}".lstrip("/"), is_trainable, met)


def _children(layer: Any, config: Any) -> Iterator[tuple[str, Any, Any]]:
    if hasattr(layer, "predict"):
        described = config.get("layers") if isinstance(config, Mapping) else None
        known = {inner.name: inner for inner in layer.layers}
        if isinstance(described, list) and known.keys() <= {_name(each) for each in described}:
            # Without the operations on masks, and the entry of a Sequential.
            each = [(known[_name(d)], d["class_name"], d.get("config")) for d in described if _name(d) in known]
        else:
            each = [(inner, _keras_name(inner), None) for inner in layer.layers]
        for name, (inner, _, of_inner) in zip(_numbered([kind for _, kind, _ in each]), each, strict=True):
            yield f"layers/{name}", inner, of_inner
        return
    inside = set(layer.sublayers)
    for attribute, value in vars(layer).items():
        of_value = config.get(attribute) if isinstance(config, Mapping) else None
        if isinstance(value, Layer) and value in inside:
            yield attribute, value, of_value.get("config") if isinstance(of_value, Mapping) else None
        elif isinstance(value, list | tuple) and value and all(isinstance(item, Layer) for item in value):
            configs = of_value if isinstance(of_value, list) else [None] * len(value)
            for name, inner, each in zip(_numbered([_keras_name(v) for v in value]), value, configs, strict=False):
                yield f"{attribute}/{name}", inner, each.get("config") if isinstance(each, Mapping) else None


def _name(described: Any) -> Any:
    return described.get("name", (described.get("config") or {}).get("name"))


def _keras_name(layer: Any) -> str:
    return "Functional" if layer.class_name == "Model" else str(layer.class_name)


def _numbered(class_names: Sequence[str]) -> list[str]:
    """Keras's names of the groups of layers of these classes: ``dense``, ``dense_1``, ``conv2d``."""
    used: dict[str, int] = {}
    names = []
    for name in class_names:
        spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name.rpartition(">")[2]))
        snake = re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()
        names.append(f"{snake}_{used[snake]}" if snake in used else snake)
        used[snake] = used.get(snake, 0) + 1
    return names


def by_path(where: Sequence[Place], root: Group, source: str) -> Given:
    """The weights of a file of Keras 3 (also those in a ``.keras`` file).

    Raises:
        ModelFormatError: a layer's weights are missing, too many, of another shape or under another name.
    """
    given: Given = []
    used: set[str] = set()
    names = _names(where, root)
    go_by_name = any(name == layer_name for name, layer_name in names.values())
    for place in where:
        if not place.path:
            continue
        group, path = _found(root, place.path)
        entry = f"layer {place.layer.name!r} ({place.layer.class_name}), {path}/vars"
        name, own_name = names.get(place.path, (None, None))
        if go_by_name and name != own_name:
            raise ModelFormatError(source, entry, f"the weights of {own_name!r}", f"those of {name!r}")
        members = group.members if group else {}
        ordered = [members.get(str(index)) for index in range(len(members))]
        if len(members) != len(place.variables):
            shapes = ", ".join(f"{variable.name} {variable.shape}" for variable in place.variables)
            raise ModelFormatError(
                source, entry, f"{len(place.variables)} weights: {shapes}", f"{len(members)} weights"
            )
        used |= {f"{path}/vars/{member}" for member in members}
        given += _checked(place.variables, ordered, entry, source)
    ignored = ("optimizer", "metrics", "compile_metrics", "_compile_metrics", "_metrics", "loss")
    for path, _ in root.arrays():
        if path not in used and path.split("/")[0] not in ignored and "seed_generator" not in path:
            raise ModelFormatError(source, path, "weights of the layers only", "one that no layer has")
    return given


def _names(where: Sequence[Place], root: Group) -> dict[str, tuple[Any, str]]:
    """What the layers of models are called in the file, as far as it says that, and here."""
    groups = ((place, root.at(f"{place.path}/vars")) for place in where if re.search("(^|/)layers/[^/]+$", place.path))
    return {
        place.path: (group.attributes["name"], place.layer.name)
        for place, group in groups
        if isinstance(group, Group) and "name" in group.attributes
    }


def _found(root: Group, path: str) -> tuple[Group | None, str]:
    """A layer's group of weights; some parts of layers had a private name in Keras 2."""
    head, _, last = path.rpartition("/")
    for each in (path, f"{head}/_{last}"):
        if isinstance(group := root.at(f"{each}/vars"), Group):
            return group, each
    return None, path


def by_layer(where: Sequence[Place], root: Group, source: str) -> Given:
    """The weights of a file that has a list of them for each layer of the model.

    Raises:
        ModelFormatError: as for `by_path`.
    """
    given: Given = []
    for name, theirs, ours in _lists(where, root, source):
        entry = f"layer {name!r}"
        group = root.members.get(name)
        if [_last(each) for each in theirs] != [_last(v.name) for v in ours]:
            expected = f"weights {', '.join(v.name for v in ours) or 'none'}"
            raise ModelFormatError(source, entry, expected, ", ".join(theirs) or "none")
        arrays = [group.at(each) if isinstance(group, Group) else None for each in theirs]
        given += _checked(ours, arrays, entry, source)
    return given


def names_by_layer(where: Sequence[Place], root: Group, source: str) -> dict[Variable, str]:
    """What the weights are called in such a file, if it is one."""
    group = root.members.get("model_weights")
    if not isinstance(group, Group):
        return {}
    lists = [(theirs, ours) for _, theirs, ours in _lists(where, group, source) if len(theirs) == len(ours)]
    return {v: name.partition(":")[0] for theirs, ours in lists for name, v in zip(theirs, ours, strict=True)}


def _lists(where: Sequence[Place], root: Group, source: str) -> Iterator[tuple[str, list[str], list[Variable]]]:
    """For each layer of the model its name, the names of its weights in the file, and ours in the same order."""
    names = strings(root, "layer_names", source)
    of_layer: dict[str, list[Place]] = {}
    top = [place for place in where if place.path.count("/") == 1]
    for place in where:
        for outer in top:
            if place.path == outer.path or place.path.startswith(outer.path + "/"):
                of_layer.setdefault(outer.layer.name, []).append(place)
    for name in [*names, *(name for name in of_layer if name not in names)]:
        group = root.members.get(name)
        theirs = strings(group, "weight_names", source) if isinstance(group, Group) else []
        weights = [(v, p) for p in of_layer.get(name, []) for v in p.variables]
        ours = [v for v, p in weights if v.trainable and p.is_trainable]
        ours += [v for v, p in weights if not (v.trainable and p.is_trainable)]
        yield name, [each for each in theirs if "seed_generator" not in each], ours


def _last(name: str) -> str:
    """What a weight is within its layer."""
    last = name.rpartition("/")[2].partition(":")[0]
    if re.fullmatch(r"(rnn_)?state(_\d+)?|variable(_\d+)?", last):
        return "state"
    return {"depthwise_kernel": "kernel"}.get(last, last)


def strings(group: Group, name: str, source: str) -> list[str]:
    """A list of strings in a group's attributes, which is cut into several where it is long."""
    parts = [group.attributes.get(name)]
    if parts == [None]:
        parts = []
        while (part := group.attributes.get(f"{name}{len(parts)}")) is not None:
            parts.append(part)
    items: list[Any] = [item for part in parts for item in (part if isinstance(part, list) else [None])]
    if not all(isinstance(item, str) for item in items):
        raise ModelFormatError(source, f"attribute {name!r}", "a list of names", repr(items)[:80])
    return items


def _checked(variables: Sequence[Variable], arrays: Sequence[Any], entry: str, source: str) -> Given:
    for variable, array in zip(variables, arrays, strict=True):
        if not isinstance(array, np.ndarray) or array.shape != variable.shape or array.dtype.kind not in "fiu":
            found = f"shape {array.shape} of {array.dtype}" if isinstance(array, np.ndarray) else "no array"
            raise ModelFormatError(source, entry, f"{variable.name} of shape {variable.shape}", found)
    return list(zip(variables, arrays, strict=True))


def assign(given: Given) -> None:
    """Give the weights their values, all of which have been checked."""
    for variable, array in given:
        variable.assign(array.astype(variable.dtype))
