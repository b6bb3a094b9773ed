"""`InputSpec`: what a layer demands of its input, and the error when it gets something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jtf.types import Shape


@dataclass(frozen=True)
class InputSpec:
    """Demands on the shape of one input of a layer, the batch's dimension included.

    Args:
        ndim: exactly this many dimensions.
        min_ndim: at least this many.
        axes: sizes by axis, negative ones counted from the end.
    """

    ndim: int | None = None
    min_ndim: int | None = None
    axes: Mapping[int, int | None] = field(default_factory=dict)

    def _complaint(self, shape: Shape) -> str | None:
        if self.ndim is not None and len(shape) != self.ndim:
            return f"{self.ndim} dimensions"
        if self.min_ndim is not None and len(shape) < self.min_ndim:
            return f"at least {self.min_ndim} dimensions"
        for axis, size in self.axes.items():
            if size is not None and shape[axis] is not None and shape[axis] != size:
                return f"size {size} along axis {axis}"
        return None


def check(spec: InputSpec | Sequence[InputSpec] | None, shapes: Any, layer: Any) -> None:
    """Refuse a shape, or a list of shapes, that a layer cannot take.

    Args:
        spec: the demands: one for a layer of one input, a list for a layer of several, None for none.
        shapes: of the input, or of each input in a list.
        layer: for the message.

    Raises:
        ValueError: names the layer, what it expects and what it received.
    """
    if spec is None:
        return
    several = not isinstance(spec, InputSpec)
    specs = list(spec) if isinstance(spec, Sequence) else [spec]
    given = [shapes] if isinstance(shapes, tuple) else list(shapes)
    if len(given) != len(specs) or (several and isinstance(shapes, tuple)):
        wanted = f"a list of {len(specs)} inputs" if several else "one input"
        raise ValueError(
            f"Layer {layer.name!r} ({layer.class_name}) takes {wanted}; received {len(given)}: "
            f"{', '.join(map(str, given))}."
        )
    for index, (one, shape) in enumerate(zip(specs, given, strict=True)):
        expected = one._complaint(shape)
        if expected:
            which = f"input {index}" if several else "an input"
            raise ValueError(
                f"Layer {layer.name!r} ({layer.class_name}) expects {which} with {expected}; "
                f"received shape {shape} (the first dimension is the batch)."
            )
