"""Layers that prepare data: Rescaling, Resizing, CenterCrop, CategoryEncoding, RandomHeight, RandomWidth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import jax
import numpy as np

from jtf import functional, naming, random
from jtf.configurable import factory
from jtf.layers.base import Layer, registry
from jtf.options import PositiveInt, Seed
from jtf.types import Array, Shape

_RESIZERS = {"bilinear": functional.resize_bilinear, "nearest": functional.resize_nearest_neighbor}
Interpolation = Literal["bilinear", "nearest"]
Encoding = Literal["oneHot", "multiHot", "count", "one_hot", "multi_hot"]


@registry.add
class Rescaling(Layer):
    """``inputs * scale + offset``, for pixels for instance: ``1 / 255`` takes bytes to numbers from 0 to 1.

    A mask passes through. (TF.js drops it.)

    Args:
        scale: the factor.
        offset: what is added then.

    Shapes:
        input any, integers too; output the same, of floats.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.rescaling(scale=2, offset=-1)(np.array([[0, 1]])).tolist()
        [[-1.0, 1.0]]

    References:
        TF.js: tfjs-layers/src/layers/preprocessing, as of the layers below
    """

    supports_masking = True

    def __init__(self, scale: float, offset: float = 0, **options: Any) -> None:
        super().__init__(**options)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Array) -> Array:
        return functional.rescale(inputs, self.scale, self.offset)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class _Images(Layer):
    """A layer of images, ``[batch, height, width, channels]``, or one image without the batch."""

    def check_images(self, input_shape: Shape) -> None:
        if len(input_shape) not in (3, 4):
            raise ValueError(
                f"Layer {self.name!r} ({self.class_name}) expects images [batch, height, width, channels], or one "
                f"without the batch; received shape {input_shape}."
            )


class _FixedSize(_Images):
    """Images that get a size of one's choice."""

    def __init__(self, height: PositiveInt, width: PositiveInt, **options: Any) -> None:
        super().__init__(**options)
        self.height, self.width = height, width

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self.check_images(input_shape)
        return (*input_shape[:-3], self.height, self.width, input_shape[-1])


@registry.add
class Resizing(_FixedSize):
    """Images of another size.

    Args:
        height, width: the new size.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        crop_to_aspect_ratio: nothing is cropped; as in TF.js it says that the corner pixels need not stay where they
            are (``align_corners=False``; see `jtf.functional.resize_bilinear`).

    Shapes:
        input ``[batch, h, w, channels]``, or without the batch, output ``[batch, height, width, channels]``.

    Raises:
        ValueError: a size is not a positive integer, or ``interpolation`` is unknown; (when called) no images.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.resizing(height=8, width=4)(np.ones((2, 28, 28, 1))).shape
        (2, 8, 4, 1)
    """

    def __init__(
        self,
        height: PositiveInt,
        width: PositiveInt,
        interpolation: Interpolation = "bilinear",
        crop_to_aspect_ratio: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(height, width, **options)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio

    def call(self, inputs: Array) -> Array:
        self.check_images(inputs.shape)
        resize = _RESIZERS[self.interpolation]
        return resize(inputs, (self.height, self.width), align_corners=not self.crop_to_aspect_ratio)


@registry.add
class CenterCrop(_FixedSize):
    """The middle of images; those that are smaller are enlarged to the size.

    Args:
        height, width: the size of the output. See `jtf.functional.center_crop` for which row and column go when their
            number is odd.

    Shapes:
        input ``[batch, h, w, channels]``, or without the batch, output ``[batch, height, width, channels]``.

    Raises:
        ValueError: a size is not a positive integer; (when called) no images.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.center_crop(height=1, width=2)(np.arange(12).reshape(1, 3, 4, 1)).ravel().tolist()
        [5, 6]
    """

    def call(self, inputs: Array) -> Array:
        self.check_images(inputs.shape)
        return functional.center_crop(inputs, self.height, self.width)


@registry.add
class CategoryEncoding(Layer):
    """Categories, given as integers, as vectors with an entry for each category there is.

    A category that is out of range is refused where its value can be seen: in a call, and in the data given to ``fit``
    and ``predict``. In compiled code that computes its categories itself it counts for nothing. (TF.js takes inputs of
    at most two dimensions.)

    Args:
        num_tokens: how many categories there are.
        output_mode: ``"oneHot"`` makes a vector of each category, ``"multiHot"`` one of each row, with a 1 for every
            category in it, ``"count"`` one that says how often each occurs. The call takes ``count_weights`` then, of
            the shape of the input: what each occurrence counts for.

    Shapes:
        input ``[..., n]``, output ``[..., num_tokens]``; with ``"oneHot"`` ``[..., n, num_tokens]``, but without the
        axis of ``n`` if ``n`` is 1.

    Raises:
        ValueError: ``num_tokens`` is not a positive integer, or ``output_mode`` is unknown; (when called) a category is
            out of range, or the weights do not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.category_encoding(num_tokens=4)(np.array([[0, 1], [3, 3]])).tolist()
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    def __init__(self, num_tokens: PositiveInt, output_mode: Encoding = "multiHot", **options: Any) -> None:
        super().__init__(**options)
        self.num_tokens = num_tokens
        self.output_mode = output_mode

    @property
    def index_range(self) -> int:  # type: ignore[override]
        return self.num_tokens

    def __call__(  # type: ignore[override]
        self, inputs: Any, count_weights: Any = None, **options: Any
    ) -> Any:
        """Encode; see the class for ``count_weights``, which may also come as ``layer([inputs, count_weights])``."""
        if count_weights is not None:
            weights = count_weights if hasattr(count_weights, "shape") else np.asarray(count_weights, np.float32)
            inputs = [inputs, weights]
        return super().__call__(inputs, **options)

    def call(self, inputs: Any) -> Array:
        ids, weights = inputs if isinstance(inputs, list | tuple) else (inputs, None)
        mode: Any = naming.snake_case(self.output_mode)
        return functional.category_encoding(ids, self.num_tokens, mode, weights)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shape: Shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        if self.output_mode == "oneHot" and shape[-1:] != (1,):
            return (*shape, self.num_tokens)
        return (*shape[:-1], self.num_tokens)


class _RandomSize(_Images):
    """Another size along one axis of the images."""

    axis: ClassVar[int]

    def __init__(
        self,
        factor: float | Sequence[float],
        interpolation: Interpolation = "bilinear",
        seed: Seed | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.factor = list(factor) if isinstance(factor, Sequence) else factor
        bounds = self.factor if isinstance(self.factor, list) else [-self.factor, self.factor]
        if len(bounds) != 2 or not -1 <= bounds[0] <= bounds[1]:
            raise ValueError(
                f"{self.class_name}'s factor is a number, or a lower and an upper bound, none below -1; received "
                f"{factor!r}."
            )
        self.bounds = 1 + bounds[0], 1 + bounds[1]
        self.interpolation = interpolation
        self.seed = seed

    def call(self, inputs: Array, training: bool = False) -> Array:
        self.check_images(inputs.shape)
        if not training:
            return inputs
        size = list(inputs.shape[-3:-1])
        size[self.axis + 1] = self._new_length(inputs.shape[self.axis])
        return _RESIZERS[self.interpolation](inputs, size)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self.check_images(input_shape)
        shape = list(input_shape)
        shape[self.axis] = shape[self.axis] if self.bounds == (1, 1) else None
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.seed is None:
            del config["seed"]
        return config

    def _new_length(self, old: int) -> int:
        """The length that the axis gets, another one at each call."""
        least, most = (max(_rounded(bound * old), 1) for bound in self.bounds)
        if least == most:
            return least
        drawn = jax.random.uniform(random.next_key(self.seed), (), minval=self.bounds[0], maxval=self.bounds[1])
        if isinstance(drawn, jax.core.Tracer):
            raise ValueError(
                f"Layer {self.name!r} ({self.class_name}) changes the images' size at every call, and compiled code, "
                "such as a model's training step, has fixed shapes. Apply the layer to the data instead: "
                "dataset.map(lambda example: {'xs': layer(example['xs'], training=True), 'ys': example['ys']})."
            )
        return max(_rounded(float(drawn) * old), 1)


@registry.add
class RandomWidth(_RandomSize):
    """While training, gives images another width, drawn anew at every call; otherwise changes nothing.

    (In TF.js the width changes while predicting, too.) Compiled code has fixed shapes, and a model's training step is
    compiled: there the layer is refused. Apply it to the data, with ``training=True``, for instance in ``Dataset.map``;
    the model must take images of any width then: ``input_shape=[28, None, 3]``.

    Args:
        factor: the width is multiplied by a number from ``1 - factor`` to ``1 + factor``; a list of two numbers gives
            the lower and the upper bound, ``[-0.2, 0.3]`` for 80 to 130 percent.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: fixes the sequence of widths.

    Shapes:
        input ``[batch, h, w, channels]``, or without the batch, output ``[batch, h, <varies>, channels]``.

    Raises:
        ValueError: ``factor`` or ``interpolation`` is something else; (when called) no images, or compiled training.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.random_width(factor=0.5)
        >>> 5 <= layer(np.ones((2, 8, 10, 3)), training=True).shape[2] <= 15
        True
    """

    axis = -2


@registry.add
class RandomHeight(_RandomSize):
    """While training, gives images another height, drawn anew at every call; see `RandomWidth`, its sibling."""

    axis = -3


def _rounded(x: float) -> int:
    return math.floor(x + 0.5)


rescaling = factory(Rescaling)
resizing = factory(Resizing)
center_crop = factory(CenterCrop)
category_encoding = factory(CategoryEncoding)
random_width = factory(RandomWidth)
random_height = factory(RandomHeight)
