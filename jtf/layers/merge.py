"""Layers that make one array of several: Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp

from jtf import functional
from jtf.configurable import factory
from jtf.layers.base import Layer, registry
from jtf.types import Array, Shape


class _Merge(Layer):
    """A layer of at least two inputs, given as a list, all with one batch."""

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output, from a list with the mask (or None) of each input.

        Raises:
            ValueError: ``mask`` is no such list.
        """
        if mask is None:
            return None
        if not isinstance(mask, list | tuple) or len(mask) != len(inputs):
            given = f"{len(mask)} masks" if isinstance(mask, list | tuple) else "one mask"
            raise ValueError(
                f"Layer {self.name!r} ({self.class_name}) takes a list of masks, one or None for each of its "
                f"{len(inputs)} inputs; received {given}."
            )
        return None if all(m is None for m in mask) else self._merged_mask(list(inputs), list(mask))

    def _merged_mask(self, inputs: list[Array], masks: list[Array | None]) -> Array | None:
        raise NotImplementedError

    def _check(self, inputs: Any) -> None:
        """Refuse inputs that do not fit, by this layer's name."""
        self.compute_output_shape(jax.tree.map(lambda x: x.shape, inputs))

    def _several(self, input_shape: Any) -> list[Shape]:
        if isinstance(input_shape, tuple) and all(isinstance(shape, tuple) for shape in input_shape):
            input_shape = list(input_shape)  # called as layer((a, b))
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            received = input_shape if isinstance(input_shape, tuple) else ", ".join(map(str, input_shape))
            raise ValueError(
                f"Layer {self.name!r} ({self.class_name}) takes a list of at least two inputs; received {received}. "
                "Call it as layer([a, b])."
            )
        return input_shape

    def _refusal(self, shapes: Sequence[Shape], expected: str) -> ValueError:
        return ValueError(
            f"Layer {self.name!r} ({self.class_name}) expects inputs {expected}; received shapes "
            f"{', '.join(map(str, shapes))} (the first dimension is the batch)."
        )


class _ElementwiseMerge(_Merge):
    supports_masking = True
    function: ClassVar[Callable[..., Array]]

    def call(self, inputs: list[Array]) -> Array:
        self._check(inputs)
        return type(self).function(inputs)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        shapes = self._several(input_shape)
        ndim = max(len(shape) for shape in shapes)
        batch, *others = zip(*(_with_ndim(shape, ndim) for shape in shapes), strict=True)
        sizes = [_common(across) for across in others]
        if -1 in sizes or len(set(batch) - {None}) > 1:
            raise self._refusal(shapes, "with one batch and sizes that are equal, or 1, everywhere else")
        return (next((size for size in batch if size is not None), None), *sizes)

    def _merged_mask(self, inputs: list[Array], masks: list[Array | None]) -> Array:
        given = [mask for mask in masks if mask is not None]
        ndim = max(mask.ndim for mask in given)
        return functools.reduce(jnp.logical_and, [mask.reshape(_with_ndim(mask.shape, ndim)) for mask in given])


@registry.add
class Add(_ElementwiseMerge):
    """The sum of its inputs.

    The inputs broadcast; one with fewer dimensions gets axes of length 1 behind the batch. A step is masked where any
    input masks it. (TF.js leaves the last input's mask out.)

    Shapes:
        inputs ``[batch, ...]``, output the shape that they broadcast to.

    Raises:
        ValueError: (when called) fewer than two inputs, or shapes that do not broadcast.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.add()([np.ones((1, 2)), np.full((1, 2), 3.0)]).tolist()
        [[4.0, 4.0]]

    References:
        TF.js: tfjs-layers/src/layers/merge.ts, as of the layers below
    """

    function = staticmethod(functional.add)


@registry.add
class Average(_ElementwiseMerge):
    """The mean of its inputs; see `Add` for their shapes and masks."""

    function = staticmethod(functional.average)


@registry.add
class Maximum(_ElementwiseMerge):
    """The greatest of its inputs, entry by entry; see `Add` for their shapes and masks."""

    function = staticmethod(functional.maximum)


@registry.add
class Minimum(_ElementwiseMerge):
    """The least of its inputs, entry by entry; see `Add` for their shapes and masks."""

    function = staticmethod(functional.minimum)


@registry.add
class Multiply(_ElementwiseMerge):
    """The product of its inputs; see `Add` for their shapes and masks."""

    function = staticmethod(functional.multiply)


@registry.add
class Concatenate(_Merge):
    """Its inputs one behind the other along an axis.

    The masks are joined likewise: along the steps one behind the other, along the features a step is masked where any
    input masks it; an input without a mask has no masked step. (TF.js fails where only some inputs have one.)

    Args:
        axis: the axis to join them along, the last by default.

    Shapes:
        inputs of equal shapes but for the axis.

    Raises:
        ValueError: (when called) fewer than two inputs, or shapes that do not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.concatenate()([np.ones((2, 3)), np.ones((2, 4))]).shape
        (2, 7)
    """

    supports_masking = True
    keeps_values = True

    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def call(self, inputs: list[Array]) -> Array:
        self._check(inputs)
        return functional.concatenate(inputs, self.axis)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        shapes = self._several(input_shape)
        ndim = len(shapes[0])
        if {len(shape) for shape in shapes} != {ndim} or not -ndim <= self.axis < ndim:
            raise self._refusal(shapes, f"with equally many dimensions, axis {self.axis} among them")
        sizes: list[int | None] = []
        for axis, across in enumerate(zip(*shapes, strict=True)):
            known = [size for size in across if size is not None]
            if axis == self.axis % ndim:
                sizes.append(sum(known) if len(known) == len(across) else None)
            elif len(set(known)) > 1:
                raise self._refusal(shapes, f"of equal shapes but for axis {self.axis}")
            else:
                sizes.append(known[0] if known else None)
        return tuple(sizes)

    def _merged_mask(self, inputs: list[Array], masks: list[Array | None]) -> Array:
        def everywhere(x: Array, mask: Array | None) -> Array:
            if mask is None:
                return jnp.ones(x.shape, bool)
            return jnp.broadcast_to(mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim)), x.shape)

        return jnp.all(jnp.concatenate(list(map(everywhere, inputs, masks)), self.axis), axis=-1)


_AXES = "an axis or a list of two, not the batch (0)"
Axes = Annotated[int | Sequence[int], _AXES]


@registry.add
class Dot(_Merge):
    """The inner product of each example of one input with the same example of the other.

    (TF.js takes inputs of two or three dimensions only.)

    Args:
        axes: the axis to sum over, or a list of the first input's and the second's; not the batch.
        normalize: whether to divide by the norms along these axes first: the cosine of the angle.

    Shapes:
        inputs ``[batch, ..., n, ...]``, output ``[batch, <other axes>, <other axes>]``, ``[batch, 1]`` if there are
        none.

    Raises:
        ValueError: ``axes`` is something else; (when called) not two inputs, or shapes that do not fit.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.dot(axes=-1)([np.ones((2, 3)), np.ones((2, 4, 3))]).shape
        (2, 4)
    """

    def __init__(self, axes: Axes, normalize: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.axes = list(axes) if isinstance(axes, Sequence) else axes
        self.normalize = normalize
        pair = self._pair()
        if len(pair) != 2 or 0 in pair:
            raise ValueError(f"Dot's axes is {_AXES}; received {axes!r}.")

    def call(self, inputs: list[Array]) -> Array:
        self._check(inputs)
        return functional.dot(inputs[0], inputs[1], self._pair(), self.normalize)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        shapes = self._several(input_shape)
        if len(shapes) != 2:
            raise self._refusal(shapes, "in a list of two")
        axes = self._pair()
        if any(not -len(shape) < axis < len(shape) for shape, axis in zip(shapes, axes, strict=True)):
            raise self._refusal(shapes, f"that have the axes {self.axes}")
        a, b = (list(shape) for shape in shapes)
        summed = {a.pop(axes[0]), b.pop(axes[1])} - {None}
        batch = {a.pop(0), b.pop(0)} - {None}
        if len(summed) > 1 or len(batch) > 1:
            raise self._refusal(shapes, f"with one batch and equal sizes along the axes {self.axes}")
        return (next(iter(batch), None), *(a + b or [1]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: there is no step left that a mask could belong to."""

    def _pair(self) -> list[int]:
        return self.axes if isinstance(self.axes, list) else [self.axes, self.axes]


def _with_ndim(shape: Shape, ndim: int) -> Any:
    return (*shape[:1], *(1,) * (ndim - len(shape)), *shape[1:])


def _common(sizes: Sequence[int | None]) -> int | None:
    """The size that these broadcast to, None where unknown and -1 where there is none."""
    known = {size for size in sizes if size not in (None, 1)}
    if len(known) > 1:
        return -1
    return known.pop() if known else None if None in sizes else 1


add = factory(Add)
average = factory(Average)
concatenate = factory(Concatenate)
dot = factory(Dot)
maximum = factory(Maximum)
minimum = factory(Minimum)
multiply = factory(Multiply)
