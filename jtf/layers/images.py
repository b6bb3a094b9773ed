"""Layers that cut, pad and enlarge images: Cropping2D, ZeroPadding2D, UpSampling2D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import jax.numpy as jnp

from jtf import functional
from jtf.configurable import factory
from jtf.functional.windows import Sizes, per_axis
from jtf.layers.base import registry
from jtf.layers.spatial import SpatialLayer
from jtf.options import Count
from jtf.types import Array, Shape

Margins = Annotated[
    Count | Sequence[Count] | Sequence[Sequence[Count]],
    "a number of pixels, [height, width] or [[top, bottom], [left, right]]",
]


class _ImageLayer(SpatialLayer):
    rank = 2

    def margins(self, option: str, given: Any) -> list[list[int]]:
        """``[[top, bottom], [left, right]]``, whichever way it is given."""
        pairs = [_pair(each) for each in _pair(given)]
        if [len(pair) for pair in pairs] != [2, 2]:
            raise ValueError(
                f"{self.class_name}'s {option} is a number of pixels, [height, width] or [[top, bottom], "
                f"[left, right]]; received {given!r}."
            )
        return pairs


def _pair(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given, given]


@registry.add
class Cropping2D(_ImageLayer):
    """Cuts pixels off the edges of images.

    Args:
        cropping: how many pixels: a number for all edges, ``[height, width]`` or ``[[top, bottom], [left, right]]``.
        data_format: ``"channelsLast"`` by default, or ``"channelsFirst"``.

    Shapes:
        input ``[batch, height, width, channels]``, output ``[batch, height - top - bottom, width - left - right,
        channels]``.

    Raises:
        ValueError: ``cropping`` is none of these; (when called) nothing would be left.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.cropping2d(cropping=[[2, 0], [1, 1]])(np.ones((2, 28, 28, 3), np.float32)).shape
        (2, 26, 26, 3)
    """

    def __init__(self, cropping: Margins, **options: Any) -> None:
        super().__init__(**options)
        self.cropping = self.margins("cropping", cropping)

    def call(self, inputs: Array) -> Array:
        self.compute_output_shape(inputs.shape)
        kept = [slice(None)] * 4
        for axis, (before, behind) in zip(self.space_axes, self.cropping, strict=True):
            kept[axis] = slice(before, inputs.shape[axis] - behind)
        return inputs[tuple(kept)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        space = []
        for axis, margins in zip(self.space_axes, self.cropping, strict=True):
            size = input_shape[axis]
            if size is not None and size <= sum(margins):
                raise ValueError(
                    f"Layer {self.name!r} (Cropping2D) would leave nothing of an input of shape {input_shape} with "
                    f"cropping={self.cropping}."
                )
            space.append(None if size is None else size - sum(margins))
        return self.shape_with(input_shape, tuple(space))


@registry.add
class ZeroPadding2D(_ImageLayer):
    """Puts zeros around images.

    Args:
        padding: how many: a number for all edges, ``[height, width]`` or ``[[top, bottom], [left, right]]``; 1 by
            default.
        data_format: ``"channelsLast"`` by default, or ``"channelsFirst"``.

    Shapes:
        input ``[batch, height, width, channels]``, output ``[batch, top + height + bottom, left + width + right,
        channels]``.

    Raises:
        ValueError: ``padding`` is none of these.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.zero_padding2d(padding=[2, 1])(np.ones((2, 28, 28, 3), np.float32)).shape
        (2, 32, 30, 3)
    """

    def __init__(self, padding: Margins = 1, **options: Any) -> None:
        super().__init__(**options)
        self.padding = self.margins("padding", padding)

    def call(self, inputs: Array) -> Array:
        widths = [(0, 0)] * 4
        for axis, (before, behind) in zip(self.space_axes, self.padding, strict=True):
            widths[axis] = (before, behind)
        return jnp.pad(inputs, widths)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = [input_shape[axis] for axis in self.space_axes]
        space = [None if n is None else n + sum(margins) for n, margins in zip(sizes, self.padding, strict=True)]
        return self.shape_with(input_shape, tuple(space))


@registry.add
class UpSampling2D(_ImageLayer):
    """Makes images larger by whole factors.

    Args:
        size: the factors for height and width, or one for both; 2 by default.
        data_format: ``"channelsLast"`` by default, or ``"channelsFirst"``.
        interpolation: ``"nearest"`` repeats pixels; ``"bilinear"`` interpolates between them, the first at its place
            (as TF.js does; Keras 2 puts them at the pixels' centres).

    Shapes:
        input ``[batch, height, width, channels]``, output ``[batch, size[0] · height, size[1] · width, channels]``.

    Raises:
        ValueError: an option is none.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.up_sampling2d(size=[1, 2], interpolation="bilinear")
        >>> layer(np.array([0.0, 4.0]).reshape(1, 1, 2, 1)).ravel().tolist()
        [0.0, 2.0, 4.0, 4.0]
    """

    def __init__(
        self, size: Sizes = 2, *, interpolation: Literal["nearest", "bilinear"] = "nearest", **options: Any
    ) -> None:
        super().__init__(**options)
        self.size = list(per_axis(self.class_name, "size", size, self.rank))
        self.interpolation = interpolation

    def call(self, inputs: Array) -> Array:
        last = self.data_format == "channelsLast"
        images = inputs if last else jnp.moveaxis(inputs, 1, -1)
        size = [n * factor for n, factor in zip(images.shape[1:3], self.size, strict=True)]
        resize = functional.resize_nearest_neighbor if self.interpolation == "nearest" else functional.resize_bilinear
        images = resize(images, size)
        return images if last else jnp.moveaxis(images, -1, 1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = [input_shape[axis] for axis in self.space_axes]
        space = [None if n is None else n * factor for n, factor in zip(sizes, self.size, strict=True)]
        return self.shape_with(input_shape, tuple(space))


cropping2d = factory(Cropping2D)
zero_padding2d = factory(ZeroPadding2D)
up_sampling2d = factory(UpSampling2D)
