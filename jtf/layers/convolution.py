"""Convolutions and transposed convolutions: Conv1D, Conv2D, Conv3D, Conv2DTranspose, Conv3DTranspose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jtf import activations, constraints, functional, initializers, regularizers
from jtf.configurable import factory
from jtf.functional.windows import Sizes, transposed_length
from jtf.layers.base import registry
from jtf.layers.spatial import WindowLayer
from jtf.layers.spec import InputSpec
from jtf.options import PositiveInt
from jtf.types import Array, Shape


class Convolution(WindowLayer):
    """What all convolutions have: a window, a bias and an activation.

    Args:
        kernel_size: of the window: a positive integer or one for each axis.
        strides, padding, data_format: as for every `WindowLayer`.
        dilation_rate: from one element of the window to the next: a positive integer or one for each axis.
        activation: a name or a function; none by default.
        use_bias: whether there is a bias.
        bias_initializer: ``zeros`` by default.
        bias_regularizer, bias_constraint: for the bias.
        activity_regularizer: a penalty on the output, divided by the batch's size.
    """

    def __init__(
        self,
        kernel_size: Sizes,
        *,
        dilation_rate: Sizes = 1,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        bias_constraint: Any = None,
        activity_regularizer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.kernel_size = self.per_axis("kernel_size", kernel_size)
        self.dilation_rate = self.per_axis("dilation_rate", dilation_rate)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer or "zeros")
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.activity_regularizer = regularizers.get(activity_regularizer)

    def window(self) -> tuple[list[int], Sizes]:
        return self.kernel_size, self.dilation_rate

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[self.channel_axis]
        self.build_kernels(channels)
        if self.use_bias:
            self.bias = self.add_weight_by_options("bias", (self.output_channels(channels),))
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self.channel_axis: channels})

    def build_kernels(self, channels: Any) -> None:
        """Make the weights but the bias."""
        raise NotImplementedError(f"{self.class_name} must define build_kernels(channels).")

    def convolve(self, params: dict[str, Array], inputs: Array, **options: Any) -> Array:
        """The function of `jtf.functional` that the layer configures."""
        return functional.conv(params, inputs, dilation_rate=self.dilation_rate, **options)

    def call(self, inputs: Array) -> Array:
        params = {weight.name.rpartition("/")[2]: weight.read() for weight in self.weights}
        options = {name: getattr(self, name) for name in ("strides", "padding", "data_format", "activation")}
        outputs = self.convolve(params, inputs, **options)
        self.penalize_activity(outputs)
        return outputs


class _OneKernel(Convolution):
    """A convolution with one kernel that mixes the channels."""

    def __init__(
        self,
        filters: PositiveInt,
        kernel_size: Sizes,
        *,
        kernel_initializer: Any = "glorot_normal",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(kernel_size, **options)
        self.filters = filters
        self.kernel_initializer = initializers.get(kernel_initializer or "glorot_normal")
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def output_channels(self, channels: int | None) -> int | None:
        return self.filters


class _Conv(_OneKernel):
    """
    Args:
        groups: into how many groups of channels input and output fall, each convolved by itself. (A model with
            more than one cannot be opened in TF.js.)
    """

    def __init__(self, filters: PositiveInt, kernel_size: Sizes, *, groups: PositiveInt = 1, **options: Any) -> None:
        super().__init__(filters, kernel_size, **options)
        self.groups = groups
        if self.filters % self.groups:
            raise ValueError(f"{self.class_name}'s filters ({filters}) are a multiple of its groups ({groups}).")

    def build_kernels(self, channels: Any) -> None:
        if channels is not None and channels % self.groups:
            raise ValueError(
                f"Layer {self.name!r} ({self.class_name}) expects a multiple of groups={self.groups} channels; "
                f"received {channels}."
            )
        per_group = channels and channels // self.groups
        self.kernel = self.add_weight_by_options("kernel", (*self.kernel_size, per_group, self.filters))

    def convolve(self, params: dict[str, Array], inputs: Array, **options: Any) -> Array:
        return super().convolve(params, inputs, groups=self.groups, **options)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.groups == 1:
            del config["groups"]  # TF.js has none
        return config


@registry.add
class Conv1D(_Conv):
    """A convolution over time: at each step a weighted sum over a window of steps.

    ``padding="causal"`` looks at the present and the past only. (TF.js refuses it, and gives channels-first input
    back with channels last.)

    Args:
        filters: the channels of the output.
        kernel_size: how many steps the window has.
        groups: into how many groups the channels fall, each convolved by itself; 1 in TF.js.
        kernel_initializer: ``glorotNormal`` by default, as in TF.js (Keras: glorot uniform).
        kernel_regularizer, kernel_constraint: for the kernel.
        strides, dilation_rate: of the window; both may exceed 1. (Not in TF.js.)
        padding: ``"valid"`` for none, ``"same"`` or ``"causal"``.
        data_format, activation, use_bias, bias_initializer, bias_regularizer, bias_constraint,
            activity_regularizer: as for `Conv2D`.

    Shapes:
        input ``[batch, steps, channels]``, kernel ``[kernel_size, channels, filters]``, bias ``[filters]``, output
        ``[batch, positions, filters]``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.conv1d(filters=4, kernel_size=3, padding="causal", dilation_rate=2)
        >>> layer(np.ones((2, 10, 3), np.float32)).shape
        (2, 10, 4)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@registry.add
class Conv2D(_Conv):
    """A convolution over images: at each position a weighted sum over a window.

    Args:
        filters: the channels of the output.
        kernel_size: the window's height and width, or one number for both.
        groups: into how many groups the channels fall, each convolved by itself; 1 in TF.js.
        kernel_initializer: ``glorotNormal`` by default, as in TF.js (Keras: glorot uniform).
        kernel_regularizer, kernel_constraint: for the kernel.
        strides, dilation_rate: of the window; both may exceed 1. (Not in TF.js.)
        padding: ``"valid"`` for none; ``"same"`` for zeros around, the odd one below and on the right.
        data_format: ``"channelsLast"`` by default, or ``"channelsFirst"``.
        activation: a name or a function; none by default.
        use_bias: whether there is a bias.
        bias_initializer: ``zeros`` by default.
        bias_regularizer, bias_constraint: for the bias.
        activity_regularizer: a penalty on the output, divided by the batch's size.

    Shapes:
        input ``[batch, height, width, channels]``, kernel ``[*kernel_size, channels, filters]``, bias ``[filters]``,
        output ``[batch, rows, columns, filters]``; ``"valid"`` gives ``⌊(n - size) / stride⌋ + 1`` positions along
        an axis, ``"same"`` ``⌈n / stride⌉``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.conv2d(filters=8, kernel_size=3, strides=2, padding="same", activation="relu")
        >>> layer(np.ones((2, 28, 28, 1), np.float32)).shape
        (2, 14, 14, 8)
    """

    rank = 2


@registry.add
class Conv3D(_Conv):
    """A convolution over volumes: at each position a weighted sum over a window.

    With ``padding="same"`` windows that are shorter than their stride are centred along the axis, as in TF.js. (In
    Keras, and here with fewer dimensions, the first one begins at the first entry.)

    Args:
        filters: the channels of the output.
        kernel_size: the window's depth, height and width, or one number for all.
        groups: into how many groups the channels fall, each convolved by itself; 1 in TF.js.
        kernel_initializer, kernel_regularizer, kernel_constraint, strides, dilation_rate, padding, data_format,
            activation, use_bias, bias_initializer, bias_regularizer, bias_constraint, activity_regularizer: as for
            `Conv2D`.

    Shapes:
        input ``[batch, depth, height, width, channels]``, kernel ``[*kernel_size, channels, filters]``, bias
        ``[filters]``, output ``[batch, *positions, filters]``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.conv3d(filters=4, kernel_size=[1, 3, 3])(np.ones((2, 3, 8, 8, 1), np.float32)).shape
        (2, 3, 6, 6, 4)
    """

    rank = 3


class _ConvTranspose(_OneKernel):
    without_effect: ClassVar[Mapping[str, Any]] = {"groups": 1, "output_padding": None}

    def __init__(self, filters: PositiveInt, kernel_size: Sizes, **options: Any) -> None:
        super().__init__(filters, kernel_size, **options)
        if set(self.dilation_rate) != {1}:
            raise ValueError(f"{self.class_name} has no dilation_rate but 1; received {self.dilation_rate}.")

    def build_kernels(self, channels: Any) -> None:
        self.kernel = self.add_weight_by_options("kernel", (*self.kernel_size, self.filters, channels))

    def convolve(self, params: dict[str, Array], inputs: Array, **options: Any) -> Array:
        return functional.conv_transpose(params, inputs, **options)

    def output_space(self, space: Shape) -> Shape:
        return tuple(
            None if n is None else transposed_length(n, size, stride, self.padding)
            for n, size, stride in zip(space, self.kernel_size, self.strides, strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dilationRate"]  # TF.js writes none for these layers
        return config


@registry.add
class Conv2DTranspose(_ConvTranspose):
    """The transpose of a convolution, to make images larger: each pixel paints a copy of the kernel.

    Args:
        filters: the channels of the output.
        kernel_size: the height and width of the copies, or one number for both.
        strides: from one copy to the next.
        padding: ``"valid"``: the output holds all copies; ``"same"``: it is ``strides`` times the input.
        kernel_initializer, kernel_regularizer, kernel_constraint, data_format, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, activity_regularizer: as for `Conv2D`.

    Shapes:
        input ``[batch, height, width, channels]``, kernel ``[*kernel_size, filters, channels]``, bias
        ``[filters]``, output ``[batch, rows, columns, filters]``; ``"valid"`` makes ``n · stride +
        max(size - stride, 0)`` of ``n``, ``"same"`` ``n · stride``.

    Raises:
        ValueError: an option is none, or ``dilation_rate`` is not 1. (TF.js ignores it.)

    References:
        Zeiler et al., Deconvolutional networks, CVPR 2010.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.conv2d_transpose(filters=3, kernel_size=4, strides=2, padding="same")
        >>> layer(np.ones((2, 14, 14, 8), np.float32)).shape
        (2, 28, 28, 3)
    """

    rank = 2


@registry.add
class Conv3DTranspose(_ConvTranspose):
    """The transpose of a convolution, to make volumes larger: each number paints a copy of the kernel.

    With ``padding="same"`` a kernel that is shorter than its stride is painted in the middle of the stride, as in
    TF.js. (With fewer dimensions it is painted at the beginning.)

    Args:
        filters: the channels of the output.
        kernel_size: the depth, height and width of the copies, or one number for all.
        strides, padding, kernel_initializer, kernel_regularizer, kernel_constraint, data_format, activation,
            use_bias, bias_initializer, bias_regularizer, bias_constraint, activity_regularizer: as for
            `Conv2DTranspose`.

    Shapes:
        input ``[batch, depth, height, width, channels]``, kernel ``[*kernel_size, filters, channels]``, bias
        ``[filters]``, output ``[batch, *positions, filters]``.

    Raises:
        ValueError: an option is none, or ``dilation_rate`` is not 1. (TF.js ignores it.)

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.conv3d_transpose(filters=3, kernel_size=2, strides=2)(np.ones((1, 2, 3, 4, 1))).shape
        (1, 4, 6, 8, 3)
    """

    rank = 3


conv1d = factory(Conv1D)
conv2d = factory(Conv2D)
conv3d = factory(Conv3D)
conv2d_transpose = factory(Conv2DTranspose)
conv3d_transpose = factory(Conv3DTranspose)
