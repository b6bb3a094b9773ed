"""The table that `model.summary()` prints, laid out as TF.js lays it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jtf.types import Shape

_TITLES = ("Layer (type)", "Input Shape", "Output shape", "Param #")


def print_summary(
    model: Any,
    line_length: int | None,
    positions: Sequence[float] | None,
    print_fn: Callable[[str], Any],
) -> None:
    """Print the layers of a built model; see `LayersModel.summary`."""
    length = line_length or 90
    columns = list(positions or (0.32, 0.61, 0.89, 1.0))
    if columns[-1] <= 1:
        columns = [int(length * position) for position in columns]
    ends = [int(column) for column in columns]

    print_fn("_" * length)
    print_fn(_row(_TITLES, ends))
    print_fn("=" * length)
    rows = model.summary_rows()
    for index, (layer, input_shape, output_shape) in enumerate(rows):
        shapes = (f"[{_shown(input_shape)}]", _shown(output_shape))
        print_fn(_row((f"{layer.name} ({layer.class_name})", *shapes, str(layer.count_params())), ends))
        print_fn(("=" if index == len(rows) - 1 else "_") * length)

    trainable = sum(weight.size for weight in model.trainable_weights)
    total = sum(weight.size for weight in model.weights)
    print_fn(f"Total params: {total}")
    print_fn(f"Trainable params: {trainable}")
    print_fn(f"Non-trainable params: {total - trainable}")
    print_fn("_" * length)


def _row(fields: Sequence[str], ends: Sequence[int]) -> str:
    line = ""
    for index, (field, end) in enumerate(zip(fields, ends, strict=True)):
        if index:
            line = line[:-1] + " "  # a field never runs into the next one
        line = (line + field)[:end].ljust(end)
    return line


def _shown(shape: Shape) -> str:
    return f"[{','.join('None' if size is None else str(size) for size in shape)}]"
