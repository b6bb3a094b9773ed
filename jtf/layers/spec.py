"""`InputSpec`: what a layer demands of its input, and the error when it gets something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jtf.types import Shape


@dataclass(frozen=True)
class InputSpec:
    """Demands on the shape of a layer's one input, the batch's dimension included.

    Args:
        ndim: exactly this many dimensions.
        min_ndim: at least this many.
        axes: sizes by axis, negative ones counted from the end.
    """

    ndim: int | None = None
    min_ndim: int | None = None
    axes: Mapping[int, int | None] = field(default_factory=dict)

    def check(self, shape: Any, layer: Any) -> None:
        """Refuse a shape that does not fit.

        Raises:
            ValueError: names the layer, what it expects and what it received.
        """
        if not isinstance(shape, tuple):
            raise ValueError(
                f"Layer {layer.name!r} ({layer.class_name}) takes one input; received {len(shape)}: {shape}."
            )
        expected = self._complaint(shape)
        if expected:
            raise ValueError(
                f"Layer {layer.name!r} ({layer.class_name}) expects an input with {expected}; "
                f"received shape {shape} (the first dimension is the batch)."
            )

    def _complaint(self, shape: Shape) -> str | None:
        if self.ndim is not None and len(shape) != self.ndim:
            return f"{self.ndim} dimensions"
        if self.min_ndim is not None and len(shape) < self.min_ndim:
            return f"at least {self.min_ndim} dimensions"
        for axis, size in self.axes.items():
            if size is not None and shape[axis] is not None and shape[axis] != size:
                return f"size {size} along axis {axis}"
        return None
