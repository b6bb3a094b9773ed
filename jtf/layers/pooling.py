"""Pooling: the largest or the mean number in windows, or in all of space."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jtf import functional
from jtf.configurable import factory
from jtf.functional.kinks import largest
from jtf.functional.windows import Sizes
from jtf.layers.base import registry
from jtf.layers.spatial import SpatialLayer, WindowLayer
from jtf.types import Array, Shape


class _Pooling(WindowLayer):
    def __init__(self, pool_size: Sizes = 2, strides: Sizes | None = None, **options: Any) -> None:
        self.pool_size = self.per_axis("pool_size", pool_size)
        super().__init__(strides=self.pool_size if strides is None else strides, **options)

    def window(self) -> tuple[list[int], Sizes]:
        return self.pool_size, 1


class _MaxPooling(_Pooling):
    def call(self, inputs: Array) -> Array:
        return functional.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class _AveragePooling(_Pooling):
    def call(self, inputs: Array) -> Array:
        return functional.avg_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


@registry.add
class MaxPooling1D(_MaxPooling):
    """The largest number in each window of steps.

    Args:
        pool_size: how many steps the window has, 2 by default.
        strides, padding, data_format: as for `MaxPooling2D`.

    Shapes:
        input ``[batch, steps, channels]``, output ``[batch, positions, channels]``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.max_pooling1d(pool_size=3)(np.arange(6.0).reshape(1, 6, 1)).ravel().tolist()
        [2.0, 5.0]
    """

    rank = 1


@registry.add
class MaxPooling2D(_MaxPooling):
    """The largest number in each window. Among equals the first gets the gradient.

    Args:
        pool_size: the window's height and width, or one number for both; 2 by default.
        strides: from one window to the next; the window's size by default.
        padding: ``"valid"``: windows inside only; ``"same"``: windows for all, which may stand out.
        data_format: ``"channelsLast"`` by default, or ``"channelsFirst"``.

    Shapes:
        input ``[batch, height, width, channels]``, output ``[batch, rows, columns, channels]``; ``"valid"`` gives
        ``⌊(n - size) / stride⌋ + 1`` windows along an axis, ``"same"`` ``⌈n / stride⌉``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit. (TF.js gives an empty output.)

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.max_pooling2d(pool_size=2)(np.ones((2, 28, 28, 3), np.float32)).shape
        (2, 14, 14, 3)
    """

    rank = 2


@registry.add
class MaxPooling3D(_MaxPooling):
    """The largest number in each window of a volume.

    With ``padding="same"`` windows that are shorter than their stride are centred along the axis, as in TF.js. (In
    Keras, and here with fewer dimensions, the first one begins at the first entry.)

    Args:
        pool_size: the window's depth, height and width, or one number for all; 2 by default.
        strides, padding, data_format: as for `MaxPooling2D`.

    Shapes:
        input ``[batch, depth, height, width, channels]``, output ``[batch, *positions, channels]``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.max_pooling3d(pool_size=[1, 2, 2])(np.ones((2, 5, 8, 8, 3), np.float32)).shape
        (2, 5, 4, 4, 3)
    """

    rank = 3


@registry.add
class AveragePooling1D(_AveragePooling):
    """The mean of each window of steps.

    Args:
        pool_size: how many steps the window has, 2 by default.
        strides, padding, data_format: as for `AveragePooling2D`.

    Shapes:
        input ``[batch, steps, channels]``, output ``[batch, positions, channels]``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.average_pooling1d(pool_size=3)(np.arange(6.0).reshape(1, 6, 1)).ravel().tolist()
        [1.0, 4.0]
    """

    rank = 1


@registry.add
class AveragePooling2D(_AveragePooling):
    """The mean of each window; of what stands out of the input nothing is counted.

    Args:
        pool_size: the window's height and width, or one number for both; 2 by default.
        strides: from one window to the next; the window's size by default.
        padding: ``"valid"``: windows inside only; ``"same"``: windows for all, which may stand out.
        data_format: ``"channelsLast"`` by default, or ``"channelsFirst"``.

    Shapes:
        as for `MaxPooling2D`.

    Raises:
        ValueError: an option is none; (when called) the window does not fit. (TF.js gives an empty output.)

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.average_pooling2d(pool_size=2, padding="same")
        >>> layer(np.arange(9.0).reshape(1, 3, 3, 1))[0, :, :, 0].tolist()
        [[2.0, 3.5], [6.5, 8.0]]
    """

    rank = 2


@registry.add
class AveragePooling3D(_AveragePooling):
    """The mean of each window of a volume.

    With ``padding="same"`` windows that are shorter than their stride are centred along the axis, as in TF.js. (In
    Keras, and here with fewer dimensions, the first one begins at the first entry.)

    Args:
        pool_size: the window's depth, height and width, or one number for all; 2 by default.
        strides, padding, data_format: as for `AveragePooling2D`.

    Shapes:
        input ``[batch, depth, height, width, channels]``, output ``[batch, *positions, channels]``.

    Raises:
        ValueError: an option is none; (when called) the window does not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.average_pooling3d()(np.ones((2, 4, 8, 8, 3), np.float32)).shape
        (2, 2, 4, 4, 3)
    """

    rank = 3


class _GlobalPooling(SpatialLayer):
    def __init__(self, *, keepdims: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.keepdims = keepdims

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.keepdims:
            return self.shape_with(input_shape, (1,) * self.rank)
        return (input_shape[0], input_shape[self.channel_axis])

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.keepdims:
            del config["keepdims"]  # TF.js has none
        return config


class _GlobalMaxPooling(_GlobalPooling):
    def call(self, inputs: Array) -> Array:
        return largest(inputs, self.space_axes, self.keepdims)


class _GlobalAveragePooling(_GlobalPooling):
    def call(self, inputs: Array) -> Array:
        return jnp.mean(inputs, self.space_axes, keepdims=self.keepdims)


@registry.add
class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest number of each channel of a sequence.

    Among equals the first gets the gradient. (In TF.js each gets all of it.)

    Args:
        keepdims: whether the axis of time stays, with size 1. (Not in TF.js.)
        data_format: as for `MaxPooling2D`.

    Shapes:
        input ``[batch, steps, channels]``, output ``[batch, channels]``.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.global_max_pooling1d()(np.arange(6.0).reshape(1, 3, 2)).tolist()
        [[4.0, 5.0]]
    """

    rank = 1


@registry.add
class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest number of each channel of an image.

    Among equals the first gets the gradient. (In TF.js each gets all of it.)

    Args:
        keepdims: whether the axes of space stay, with size 1. (Not in TF.js.)
        data_format: as for `MaxPooling2D`.

    Shapes:
        input ``[batch, height, width, channels]``, output ``[batch, channels]``.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.global_max_pooling2d()(np.ones((2, 7, 7, 64), np.float32)).shape
        (2, 64)
    """

    rank = 2


@registry.add
class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of each channel of a sequence.

    Args:
        keepdims: whether the axis of time stays, with size 1. (Not in TF.js.)
        data_format: as for `MaxPooling2D`.

    Shapes:
        input ``[batch, steps, channels]``, output ``[batch, channels]``.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.global_average_pooling1d()(np.arange(6.0).reshape(1, 3, 2)).tolist()
        [[2.0, 3.0]]
    """

    rank = 1


@registry.add
class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel of an image.

    Args:
        keepdims: whether the axes of space stay, with size 1. (Not in TF.js.)
        data_format: as for `MaxPooling2D`.

    Shapes:
        input ``[batch, height, width, channels]``, output ``[batch, channels]``.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.global_average_pooling2d()(np.ones((2, 7, 7, 64), np.float32)).shape
        (2, 64)
    """

    rank = 2


max_pooling1d = factory(MaxPooling1D)
max_pooling2d = factory(MaxPooling2D)
max_pooling3d = factory(MaxPooling3D)
average_pooling1d = factory(AveragePooling1D)
average_pooling2d = factory(AveragePooling2D)
average_pooling3d = factory(AveragePooling3D)
global_max_pooling1d = factory(GlobalMaxPooling1D)
global_max_pooling2d = factory(GlobalMaxPooling2D)
global_average_pooling1d = factory(GlobalAveragePooling1D)
global_average_pooling2d = factory(GlobalAveragePooling2D)

# TF.js's other names for them.
max_pool1d, max_pool2d = max_pooling1d, max_pooling2d
avg_pool1d = avg_pooling1d = average_pooling1d
avg_pool2d = avg_pooling2d = average_pooling2d
avg_pool3d = avg_pooling3d = average_pooling3d
global_max_pool1d, global_max_pool2d = global_max_pooling1d, global_max_pooling2d
