"""Long short-term memory for sequences of images: ConvLSTM2D and its cell."""

from __future__ import annotations

from typing import Any, Literal

from jtf.configurable import factory
from jtf.functional.conv_lstm import ConvLSTM2DStep
from jtf.functional.windows import Sizes, per_axis
from jtf.layers.base import registry
from jtf.layers.cells import PureCell, cell_of
from jtf.layers.lstm import MemoryOptions
from jtf.layers.recurrent import RecurrentLayer
from jtf.layers.spec import InputSpec
from jtf.options import DataFormat, PositiveInt
from jtf.types import Shape


class ConvLSTM2DOptions(MemoryOptions):
    """The options of ConvLSTM2D and its cell besides."""

    def __init__(
        self,
        filters: PositiveInt,
        kernel_size: Sizes,
        *,
        strides: Sizes = 1,
        padding: Literal["valid", "same"] = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: Sizes = 1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.filters = filters
        self.kernel_size = list(per_axis(self.class_name, "kernel_size", kernel_size, 2))
        self.strides = list(per_axis(self.class_name, "strides", strides, 2))
        self.padding = padding
        self.data_format = data_format or "channelsLast"
        self.dilation_rate = list(per_axis(self.class_name, "dilation_rate", dilation_rate, 2))

    @property
    def channel_axis(self) -> int:
        """The axis of the channels of one step."""
        return 3 if self.data_format == "channelsLast" else 1


@registry.add
class ConvLSTM2DCell(ConvLSTM2DOptions, PureCell):
    """One step of `ConvLSTM2D`, for `RNN`: ``[x, h, c]`` to ``[output, h, c]``.

    Args:
        filters: the channels of the output and of the two states.
        kernel_size: of the window.
        options: as for `ConvLSTM2D`, without those of a sequence.
    """

    def __init__(self, filters: PositiveInt, kernel_size: Sizes, **options: Any) -> None:
        super().__init__(filters, kernel_size, **options)
        self.state_size = [self.filters, self.filters]
        self.input_spec = InputSpec(ndim=4)

    def step(self) -> ConvLSTM2DStep:
        return ConvLSTM2DStep(
            self.activation,
            self.recurrent_activation,
            tuple(self.strides),
            self.padding,
            tuple(self.dilation_rate),
            self.data_format == "channelsLast",
        )

    def build(self, input_shape: Shape) -> None:
        channels, width = input_shape[self.channel_axis], 4 * self.filters
        self.add_weights(
            (*self.kernel_size, channels, width),
            (*self.kernel_size, self.filters, width),
            (width,),
            self.memory_bias_initializer(),
        )
        self.input_spec = InputSpec(ndim=4, axes={self.channel_axis: channels})

    def state_shapes(self, step_shape: Shape) -> list[Shape]:
        return [self.step().output_shape(step_shape, tuple(self.kernel_size), self.filters)[1:]] * 2

    def noise_shapes(self, step_shape: Any) -> list[Any]:
        # One for each gate, as in TF.js.
        return [
            tuple(4 * n if axis == self.channel_axis else n for axis, n in enumerate(shape))
            for shape in super().noise_shapes(step_shape)
        ]


@registry.add
class ConvLSTM2D(ConvLSTM2DOptions, RecurrentLayer):
    """Long short-term memory over a sequence of images: `LSTM` with convolutions for products.

    The convolution of the last output has stride 1, no dilation and padding ``"same"``. On the CPU a loop with
    convolutions in it is slow, and ``unroll=True`` is several times faster for short sequences. (TF.js refuses it.)

    Args:
        filters: the channels of the output and of the two states.
        kernel_size: the window's height and width, or one number for both.
        strides: from one position of the window to the next.
        padding: ``"valid"`` for none, ``"same"`` for zeros around.
        data_format: ``"channelsLast"`` by default, or ``"channelsFirst"``.
        dilation_rate: from one element of the window to the next. (In TF.js strides or dilation must be 1.)
        dropout, recurrent_dropout: as for `LSTM`, but for each gate anew.
        options: those of `LSTM` and of `RNN`.

    Shapes:
        input ``[batch, time, height, width, in]`` or ``[batch, time, in, height, width]``, kernel ``[*kernel_size, in,
        4 · filters]``, recurrent_kernel ``[*kernel_size, filters, 4 · filters]``, bias ``[4 · filters]``; output
        ``[batch, rows, columns, filters]`` or ``[batch, time, rows, columns, filters]``, or channels first.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.conv_lstm2d(filters=2, kernel_size=3)(np.ones((1, 4, 8, 8, 3), np.float32)).shape
        (1, 6, 6, 2)

    References:
        Shi et al., Convolutional LSTM network, NeurIPS 2015.
        TF.js: tfjs-layers/src/layers/convolutional_recurrent.ts
    """

    def __init__(self, filters: PositiveInt, kernel_size: Sizes, **options: Any) -> None:
        super().__init__(filters, kernel_size, **options)
        self.cell = cell_of(self, ConvLSTM2DCell)
        self.input_spec = InputSpec(ndim=5)

    def fixed_sizes(self, input_shape: Shape) -> dict[int, int | None]:
        return {self.channel_axis + 1: input_shape[self.channel_axis + 1]}


conv_lstm2d_cell = factory(ConvLSTM2DCell)
conv_lstm2d = factory(ConvLSTM2D)
