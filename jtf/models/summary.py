"""The table that `model.summary()` prints, laid out as TF.js lays it out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from jtf.layers.base import Layer
from jtf.layers.symbolic import Node
from jtf.types import Shape

_TITLES = ("Layer (type)", "Input Shape", "Output shape", "Param #", "Receives inputs")
#: Characters a line, and where the columns end: for layers in a row, and for graphs with the column of connections.
_IN_A_ROW = (90, (0.32, 0.61, 0.89, 1.0))
_CONNECTED = (115, (0.24, 0.48, 0.70, 0.80, 1.0))


def print_summary(
    model: Any,
    line_length: int | None,
    positions: Sequence[float] | None,
    print_fn: Callable[[str], Any],
) -> None:
    """Print the layers of a built model; see `LayersModel.summary`."""
    calls: list[tuple[Layer, list[Node]]] = model.calls_of_layers()
    usual_length, usual_positions = _IN_A_ROW if _is_chain([n for _, nodes in calls for n in nodes]) else _CONNECTED
    length = line_length or usual_length
    columns = list(positions or usual_positions)
    if columns[-1] <= 1:
        columns = [int(length * position) for position in columns]
    ends = [int(column) for column in columns]

    print_fn("_" * length)
    print_fn(_row(_TITLES, ends))
    print_fn("=" * length)
    for index, (layer, nodes) in enumerate(calls):
        for fields in _fields(layer, nodes):
            print_fn(_row(fields, ends))
        print_fn(("=" if index == len(calls) - 1 else "_") * length)

    trainable = sum(weight.size for weight in model.trainable_weights)
    total = sum(weight.size for weight in model.weights)
    print_fn(f"Total params: {total}")
    print_fn(f"Trainable params: {trainable}")
    print_fn(f"Non-trainable params: {total - trainable}")
    print_fn("_" * length)


def _is_chain(nodes: Sequence[Node]) -> bool:
    """Whether every call takes just what the one before gave, so that there is nothing to say of connections."""
    follow = all([tensor.node for tensor in node.inputs] == [before] for before, node in itertools.pairwise(nodes))
    return follow and len({node.layer for node in nodes}) == len(nodes)


def _fields(layer: Layer, nodes: Sequence[Node]) -> list[tuple[str, ...]]:
    """A layer's lines: one, and one more for each further tensor that it receives."""
    inputs = ",".join(_shown([t.shape for t in (node.inputs or node.outputs)]) for node in nodes)
    outputs = {_shown([t.shape for t in node.outputs] if node.gives_list else node.outputs[0].shape) for node in nodes}
    output = outputs.pop() if len(outputs) == 1 else "multiple" if outputs else ""
    received = [f"{t.name}[{t.node.index}][{t.index}]" for node in nodes for t in node.inputs] or [""]
    first = (f"{layer.name} ({layer.class_name})", inputs, output, str(layer.count_params()), received[0])
    return [first, *(("", "", "", "", each) for each in received[1:])]


def _row(fields: Sequence[str], ends: Sequence[int]) -> str:
    line = ""
    for index, (field, end) in enumerate(zip(fields, ends, strict=False)):
        if index:
            line = line[:-1] + " "  # a field never runs into the next one
        line = (line + field)[:end].ljust(end)
    return line


def _shown(shape: Shape | Sequence[Shape]) -> str:
    sizes = (_shown(size) if isinstance(size, tuple) else "None" if size is None else str(size) for size in shape)
    return f"[{','.join(sizes)}]"
