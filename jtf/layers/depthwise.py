"""Convolutions of each channel by itself: DepthwiseConv2D, SeparableConv2D."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from jtf import constraints, functional, initializers, regularizers
from jtf.configurable import factory
from jtf.functional.windows import Sizes
from jtf.layers.base import registry
from jtf.layers.convolution import Convolution
from jtf.naming import snake_case
from jtf.options import PositiveInt
from jtf.types import Array


class _Depthwise(Convolution):
    without_effect: ClassVar[Mapping[str, Any]] = {"groups": 1}

    def __init__(
        self,
        kernel_size: Sizes,
        *,
        depth_multiplier: PositiveInt = 1,
        depthwise_initializer: Any = None,
        depthwise_regularizer: Any = None,
        depthwise_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(kernel_size, **options)
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = initializers.get(depthwise_initializer or "glorot_normal")
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build_kernels(self, channels: Any) -> None:
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.add_weight_by_options("depthwise_kernel", shape, "depthwise")


@registry.add
class DepthwiseConv2D(_Depthwise):
    """A convolution over images of each channel by itself, with one or several kernels each.

    Args:
        kernel_size: the window's height and width, or one number for both.
        depth_multiplier: how many kernels each channel has.
        depthwise_initializer: ``glorotNormal`` by default, as in TF.js (Keras: glorot uniform).
        depthwise_regularizer, depthwise_constraint: for the kernels.
        dilation_rate: of the window. (TF.js ignores it.)
        strides, padding, data_format, activation, use_bias, bias_initializer, bias_regularizer, bias_constraint,
            activity_regularizer: as for `Conv2D`.

    Shapes:
        input ``[batch, height, width, channels]``, kernel ``[*kernel_size, channels, depth_multiplier]``, bias
        ``[channels · depth_multiplier]``, output ``[batch, rows, columns, channels · depth_multiplier]``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.depthwise_conv2d(kernel_size=3, depth_multiplier=2)
        >>> layer(np.ones((2, 8, 8, 3), np.float32)).shape
        (2, 6, 6, 6)
    """

    rank = 2

    def output_channels(self, channels: int | None) -> int | None:
        return channels and channels * self.depth_multiplier

    def convolve(self, params: dict[str, Array], inputs: Array, **options: Any) -> Array:
        return functional.depthwise_conv(params, inputs, dilation_rate=self.dilation_rate, **options)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        given = {snake_case(name): value for name, value in config.items()}
        if given.get("depthwise_constraint") == given.get("depthwise_regularizer"):
            given["depthwise_constraint"] = None  # TF.js writes the regularizer in the constraint's place
        return super().from_config(given)


@registry.add
class SeparableConv2D(_Depthwise):
    """A convolution over images of each channel by itself, then a mixture of the channels at each position.

    Args:
        filters: the channels of the output.
        kernel_size: the window's height and width, or one number for both.
        depth_multiplier: how many kernels each channel has. (TF.js does not write it into files.)
        depthwise_initializer, pointwise_initializer: ``glorotUniform`` by default. (TF.js takes the first for both.)
        depthwise_regularizer, pointwise_regularizer, depthwise_constraint, pointwise_constraint: for the kernels.
        dilation_rate, strides, padding, data_format, activation, use_bias, bias_initializer, bias_regularizer,
            bias_constraint, activity_regularizer: as for `Conv2D`. (TF.js cannot add a bias with channels first.)

    Shapes:
        input ``[batch, height, width, channels]``, depthwise kernel ``[*kernel_size, channels, depth_multiplier]``,
        pointwise kernel ``[1, 1, channels · depth_multiplier, filters]``, bias ``[filters]``, output ``[batch, rows,
        columns, filters]``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    References:
        Chollet, Xception: deep learning with depthwise separable convolutions, CVPR 2017.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.separable_conv2d(filters=16, kernel_size=3)(np.ones((2, 8, 8, 3), np.float32)).shape
        (2, 6, 6, 16)
    """

    rank = 2

    def __init__(
        self,
        filters: PositiveInt,
        kernel_size: Sizes,
        *,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        pointwise_regularizer: Any = None,
        pointwise_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(kernel_size, depthwise_initializer=depthwise_initializer or "glorot_uniform", **options)
        self.filters = filters
        self.pointwise_initializer = initializers.get(pointwise_initializer or "glorot_uniform")
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def output_channels(self, channels: int | None) -> int | None:
        return self.filters

    def build_kernels(self, channels: Any) -> None:
        super().build_kernels(channels)
        shape = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = self.add_weight_by_options("pointwise_kernel", shape, "pointwise")

    def convolve(self, params: dict[str, Array], inputs: Array, **options: Any) -> Array:
        return functional.separable_conv(params, inputs, dilation_rate=self.dilation_rate, **options)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.depth_multiplier == 1:
            del config["depthMultiplier"]  # TF.js writes none
        return config


depthwise_conv2d = factory(DepthwiseConv2D)
separable_conv2d = factory(SeparableConv2D)
