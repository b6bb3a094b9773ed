"""Keras's graphs of layers as jtf has them: the calls of each layer, and the masks that go with them.

Keras 3 writes every call with its arguments, masks included: the operations that make a mask are layers of the graph.
Here masks go along by themselves. So those operations are left out, provided that each mask that is written down is the
one that arrives here anyway; a file in which it is another one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jtf.io.keras.config import MODELS, Dialect, converted
from jtf.io.keras.masks import check_masks

#: Layers that take their inputs as several arguments, in this order.
_ARGUMENTS = {
    "MultiHeadAttention": ("query", "value", "key", "attention_mask"),
    "CategoryEncoding": ("inputs", "count_weights"),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM2D"), ("sequences", "initial_state")),
    "Bidirectional": ("sequences", "initial_state"),
}
#: Other names of the first one.
_FIRST = ("inputs", "x", "sequence", "sequences")
_MASKS = ("mask", "query_mask", "value_mask", "key_mask")


class Address(NamedTuple):
    """An output of a call of a layer."""

    layer: str
    call: int
    output: int


class Call(NamedTuple):
    """What a layer is called on, in order, with which options, and the masks that are written down, by argument."""

    inputs: list[Address]
    options: dict[str, Any]
    masks: dict[str, list[Address]]


def converted_graph(config: dict[str, Any], dialect: Dialect, entry: str) -> dict[str, Any]:
    """A model's configuration in jtf's words.

    Raises:
        ModelFormatError: a layer or a call that jtf does not have, or a mask that would be another one here.
    """
    described = config.get("layers")
    if not isinstance(described, list) or not all(isinstance(each, Mapping) for each in described):
        dialect.refuse(entry, "a list of layers", repr(described)[:80])
    named = {_name(each, dialect, entry): _as_layer(each) for each in described}
    if len(named) != len(described):
        dialect.refuse(entry, "different names of its layers", "the same name twice")
    operations = {name: each for name, each in named.items() if is_operation(each)}
    for name, each in named.items():
        if name not in operations and ".ops" in str(each.get("module")):
            converted(each, dialect, f"layer {name!r}")  # refuses it by its name
    reader = _Reader(dialect, {name: each.get("class_name") for name, each in named.items()})
    calls = {name: reader.calls(each, name) for name, each in named.items()}
    needed = _needed_operations(calls, operations)
    inputs, outputs = (reader.ends(config.get(key), f"{entry}, {key}") for key in ("input_layers", "output_layers"))
    for address in (*inputs, *outputs, *needed):
        if address.layer in operations:
            converted(operations[address.layer], dialect)  # refuses it by its name
            dialect.refuse(entry, "layers", f"the operation {address.layer!r}")
    layers = {name: converted(each, dialect) for name, each in named.items() if name not in operations}
    check_masks(named, calls, dialect)
    return {
        "name": config.get("name"),
        "layers": [
            {
                **layer,
                "name": name,
                "inbound_nodes": [[[*address, call.options] for address in call.inputs] for call in calls[name]],
            }
            for name, layer in layers.items()
        ],
        "input_layers": [list(each) for each in inputs],
        "output_layers": [list(each) for each in outputs],
    }


def _as_layer(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """An operation on two tensors of one shape, such as ``x + y``, as the layer that does the same."""
    name, nodes = described.get("class_name"), described.get("inbound_nodes")
    if name not in ("Add", "Multiply", "Maximum", "Minimum") or ".ops" not in str(described.get("module")):
        return described
    if not isinstance(nodes, list) or not all(_has_two_of_one_shape(node) for node in nodes):
        return described
    merged = [{"args": [node["args"]], "kwargs": {}} for node in nodes]
    return {**described, "module": "keras.layers", "registered_name": None, "inbound_nodes": merged}


def _has_two_of_one_shape(node: Any) -> bool:
    args = node.get("args") if isinstance(node, Mapping) else None
    if not isinstance(args, list) or len(args) != 2 or node.get("kwargs"):
        return False
    configs = [arg.get("config") if isinstance(arg, Mapping) else None for arg in args]
    shapes = [config.get("shape") if isinstance(config, Mapping) else None for config in configs]
    return isinstance(shapes[0], list) and shapes[0] == shapes[1]


def check_chain(layers: list[Any], dialect: Dialect) -> None:
    """Refuse layers one behind the other among which a mask would do something else.

    Keras 3 writes no masks down here, and they go along as in Keras 2.
    """
    described = {str(n): each for n, each in enumerate(layers) if isinstance(each, Mapping)}
    calls = {name: [Call([Address(str(int(name) - 1), _own_call(described, name), 0)], {}, {})] for name in described}
    if "0" in described:
        begins = described["0"].get("class_name") == "InputLayer"
        calls["0"] = [] if begins else [Call([Address("input", 0, 0)], {}, {})]
    check_masks({"input": {}, **described}, {"input": [], **calls}, dialect, is_written=False)


def is_operation(described: Mapping[str, Any]) -> bool:
    """Whether it is one of the operations that make masks."""
    return described.get("class_name") in ("NotEqual", "Any", "LogicalOr", "LogicalAnd")


def _own_call(described: Mapping[str, Any], name: str) -> int:
    before = described.get(str(int(name) - 1), {})
    return int(before.get("class_name") in MODELS)


def _name(described: Mapping[str, Any], dialect: Dialect, entry: str) -> str:
    config = described.get("config")
    name = described.get("name", config.get("name") if isinstance(config, Mapping) else None)
    if not isinstance(name, str):
        dialect.refuse(entry, "a name for each layer", repr(name)[:80])
    return name


def _needed_operations(calls: Mapping[str, list[Call]], operations: Mapping[str, Any]) -> list[Address]:
    """What layers are called on that comes from operations: then these are more than masks."""
    return [
        address
        for name, of_layer in calls.items()
        if name not in operations
        for call in of_layer
        for address in call.inputs
        if address.layer in operations
    ]


class _Reader(NamedTuple):
    """Reads the calls of one graph."""

    dialect: Dialect
    classes: Mapping[str, Any]

    def calls(self, described: Mapping[str, Any], name: str) -> list[Call]:
        """The calls of a layer or an operation."""
        nodes = described.get("inbound_nodes")
        if not isinstance(nodes, list):
            self.dialect.refuse(f"layer {name!r}", "a list of inbound_nodes", repr(nodes)[:80])
        return [self.call(node, described, name) for node in nodes]

    def call(self, node: Any, described: Mapping[str, Any], name: str) -> Call:
        entry, kind = f"layer {name!r}", str(described.get("class_name"))
        read = self._of_keras_3 if isinstance(node, Mapping) else self._of_keras_2
        given, options = read(node, kind, entry)
        masks = {key: list(self.tensors(options.pop(key))) for key in _MASKS if key in options}
        if self.dialect.major == 3 or options.get("training") is None:
            options.pop("training", None)  # Keras 3 says it anew in each call of the model
        places = _ARGUMENTS.get(kind, ("inputs",))
        for key in list(options):
            if key in places:
                given.append((key, options.pop(key)))
            elif key in _FIRST and not given:
                given.append((places[0], options.pop(key)))
        if is_operation(described):
            return Call([a for _, value in given for a in self.tensors(value)], {"given": [v for _, v in given]}, masks)
        order = {place: index for index, place in enumerate(places)}
        given = [(key, value) for key, value in given if value is not None]
        if len({key for key, _ in given}) != len(given) and kind not in _ARGUMENTS:
            self.dialect.refuse(entry, "one argument, a tensor or a list of them", f"{len(given)} arguments")
        keys = [key for key, _ in given]
        if "attention_mask" in keys and "key" not in keys:  # places count
            given.append(("key", next(value for key, value in given if key == "value")))
        given.sort(key=lambda each: order[each[0]])
        for key, value in options.items():
            if not isinstance(value, bool | int | float | str | None):
                self.dialect.refuse(entry, f"a number or a name for {key}", repr(value)[:80])
        return Call([address for _, value in given for address in self.listed(value, entry)], options, masks)

    def _of_keras_3(self, node: Any, kind: str, entry: str) -> tuple[list[tuple[str, Any]], dict[str, Any]]:
        args, kwargs = node.get("args"), node.get("kwargs")
        if not isinstance(args, list) or not isinstance(kwargs, Mapping):
            self.dialect.refuse(entry, "calls with 'args' and 'kwargs'", repr(node)[:80])
        places = _ARGUMENTS.get(kind, ("inputs",))
        if is_operation({"class_name": kind}):
            places = ("inputs",) * len(args)
        if kind in ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM2D", "Bidirectional"):
            places = ("sequences", "initial_state", "mask")
        if len(args) > len(places):
            self.dialect.refuse(entry, f"{len(places)} arguments by position", f"{len(args)}")
        given = [(place, value) for place, value in zip(places, args, strict=False) if place != "mask"]
        return given, dict(kwargs)

    def _of_keras_2(self, node: Any, kind: str, entry: str) -> tuple[list[tuple[str, Any]], dict[str, Any]]:
        if not isinstance(node, list) or not node or not all(isinstance(each, list) for each in node):
            self.dialect.refuse(entry, "calls as lists of [layer, call, output, options]", repr(node)[:80])
        options: dict[str, Any] = {}
        for each in node:
            if len(each) > 3 and isinstance(each[3], Mapping):
                options |= each[3]
        first = _ARGUMENTS.get(kind, ("inputs",))[0]
        return [(first, [each[:3] for each in node])], options

    def listed(self, value: Any, entry: str) -> list[Address]:
        """The tensors in an argument, which has nothing else in it."""
        found = list(self.tensors(value))
        if not found or len(found) != _leaves(value):
            self.dialect.refuse(entry, "outputs of other layers as its inputs", repr(value)[:80])
        return found

    def tensors(self, value: Any) -> Iterator[Address]:
        """The tensors in an argument of a call."""
        if isinstance(value, Mapping):
            config = value.get("config")
            history = config.get("keras_history") if isinstance(config, Mapping) else None
            if value.get("class_name") == "__keras_tensor__" and _is_address(history):
                yield self._address(history, MODELS)
            else:
                for each in value.values():
                    yield from self.tensors(each)
        elif _is_address(value):
            yield self._address(value, ("Sequential",))
        elif isinstance(value, list):
            for each in value:
                yield from self.tensors(each)

    def ends(self, value: Any, entry: str) -> list[Address]:
        """The inputs or outputs of a model."""
        if isinstance(value, Mapping):
            if any(not _is_address(each) for each in value.values()):
                self.dialect.refuse(entry, "tensors by name", repr(value)[:80])
            value = list(value.values())
        return self.listed(value, entry)

    def _address(self, value: Any, begin_later: Sequence[str]) -> Address:
        """An address as jtf counts calls, where a model's own is the first one.

        Keras 2 counts them like that, and so does Keras 3 where it says which outputs of a Functional are those of the
        model around it.
        """
        name, call, output = value
        return Address(name, call + (self.dialect.major == 3 and self.classes.get(name) in begin_later), output)


def _is_address(value: Any) -> bool:
    is_three = isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)
    return is_three and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value[1:])


def _leaves(value: Any) -> int:
    """How many things there are in an argument, if it consists of tensors."""
    if _is_address(value) or not isinstance(value, list):
        return 1
    return sum(_leaves(each) for each in value)
