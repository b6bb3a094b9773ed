"""What the layers over sequences, images and volumes share: which axes are space, and windows that slide over them."""

from __future__ import annotations

from typing import Any, ClassVar

from jtf.functional.windows import Sizes, per_axis, positions, space_axes
from jtf.layers.base import Layer
from jtf.layers.spec import InputSpec, check
from jtf.naming import camel_case, nearest, snake_case
from jtf.options import DataFormat
from jtf.types import Shape


class SpatialLayer(Layer):
    """A layer over one, two or three axes of space.

    Args:
        data_format: ``"channelsLast"`` (``[batch, *space, channels]``) or ``"channelsFirst"``.
    """

    #: How many axes of space there are.
    rank: ClassVar[int]

    def __init__(self, *, data_format: DataFormat | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.data_format = data_format or "channelsLast"
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def space_axes(self) -> tuple[int, ...]:
        """The axes of space."""
        return space_axes(self.class_name, self.rank, self.data_format)

    @property
    def channel_axis(self) -> int:
        """The axis of the channels."""
        return self.rank + 1 if self.data_format == "channelsLast" else 1

    def shape_with(self, input_shape: Shape, space: Shape, channels: int | None = None) -> Shape:
        """The input's shape with other sizes in space and, if given, another number of channels."""
        shape = list(input_shape)
        for axis, size in zip(self.space_axes, space, strict=True):
            shape[axis] = size
        if channels is not None:
            shape[self.channel_axis] = channels
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.rank == 1 and self.data_format == "channelsLast":
            del config["dataFormat"]  # TF.js writes none for sequences
        return config


class WindowLayer(SpatialLayer):
    """A layer with a window that slides over space.

    Args:
        strides: from one position of the window to the next: a positive integer or one for each axis.
        padding: ``"valid"`` for none, or ``"same"``.
        data_format: as for every `SpatialLayer`.
    """

    #: The paddings that the layer knows.
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(self, *, strides: Sizes = 1, padding: str = "valid", **options: Any) -> None:
        super().__init__(**options)
        self.strides = self.per_axis("strides", strides)
        self.padding = one_of(padding, "padding", self.paddings, self)

    def per_axis(self, option: str, value: Sizes) -> list[int]:
        """A positive integer for each axis, out of as many or of one for all."""
        return list(per_axis(self.class_name, option, value, self.rank))

    def window(self) -> tuple[list[int], Sizes]:
        """The window's size and dilation."""
        raise NotImplementedError(f"{self.class_name} must define window().")

    def output_space(self, space: Shape) -> Shape:
        """The sizes in space of the output.

        Raises:
            ValueError: the window does not fit; names the layer.
        """
        size, dilation = self.window()
        return positions(f"Layer {self.name!r} ({self.class_name})", space, size, self.strides, self.padding, dilation)

    def output_channels(self, channels: int | None) -> int | None:
        """How many channels come out: as many as go in, unless a layer defines it."""
        return channels

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        space = self.output_space(tuple(input_shape[axis] for axis in self.space_axes))
        return self.shape_with(input_shape, space, self.output_channels(input_shape[self.channel_axis]))

    def ensure_built(self, input_shape: Any) -> None:
        check(self.input_spec, input_shape, self)
        self.compute_output_shape(input_shape)  # refuses a window that does not fit before weights are made
        super().ensure_built(input_shape)


def one_of(value: Any, option: str, choices: tuple[str, ...], layer: Layer) -> str:
    """The choice that ``value`` stands for, in TF.js's spelling or in snake_case.

    Raises:
        ValueError: it is none of the choices.
    """
    spelled = camel_case(snake_case(value)) if isinstance(value, str) else value
    if spelled not in choices:
        names = " or ".join(map(repr, choices))
        raise ValueError(f"{layer.class_name}'s {option} is {names}; received {value!r}.{nearest(str(value), choices)}")
    return str(spelled)
