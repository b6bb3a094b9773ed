"""Layers that move numbers around without changing them: Flatten, Reshape, RepeatVector, Permute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from jtf.configurable import factory
from jtf.layers.base import Layer, registry
from jtf.layers.spec import InputSpec
from jtf.options import DataFormat, PositiveInt
from jtf.types import Array, Shape, ShapeLike


@registry.add
class Flatten(Layer):
    """Everything but the batch becomes one axis: ``[batch, a, b, ...]`` to ``[batch, a·b·...]``.

    Args:
        data_format: ``"channelsFirst"`` moves the channels (axis 1) last before flattening, so that the order
            is that of channels-last data.

    Raises:
        ValueError: ``data_format`` is none.
    """

    input_spec = InputSpec(min_ndim=3)
    keeps_values = True

    def __init__(self, data_format: DataFormat | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.data_format = data_format

    def call(self, inputs: Array) -> Array:
        if self.data_format == "channelsFirst":
            inputs = jnp.moveaxis(inputs, 1, -1)
        return jnp.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if None in input_shape[1:]:
            raise ValueError(
                f"Flatten layer {self.name!r} needs every dimension but the batch; received {input_shape}. "
                "Give the model's first layer a complete input_shape."
            )
        return (input_shape[0], math.prod(size for size in input_shape[1:] if size is not None))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.data_format is None:
            del config["dataFormat"]
        return config


@registry.add
class Reshape(Layer):
    """Another shape for each example.

    Args:
        target_shape: without the batch; one entry may be -1 or None, for what is left.

    Raises:
        ValueError: (when called) the sizes do not match.
    """

    keeps_values = True

    def __init__(self, target_shape: ShapeLike, **options: Any) -> None:
        super().__init__(**options)
        self.target_shape = [None if size is None or size < 0 else size for size in target_shape]
        if self.target_shape.count(None) > 1:
            raise ValueError(f"Reshape's target_shape may leave one size open; received {target_shape!r}.")

    def call(self, inputs: Array) -> Array:
        return jnp.reshape(inputs, (inputs.shape[0], *self._resolved(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if None in input_shape[1:]:
            return (input_shape[0], *self.target_shape)
        return (input_shape[0], *self._resolved(input_shape[1:]))

    def _resolved(self, shape: Sequence[Any]) -> tuple[int, ...]:
        total, known = math.prod(shape), math.prod(size for size in self.target_shape if size is not None)
        fits = total % known == 0 if None in self.target_shape and known else total == known
        if not fits:
            raise ValueError(
                f"Reshape layer {self.name!r} cannot turn examples of shape {tuple(shape)} ({total} numbers) "
                f"into {self.target_shape} ({known} numbers{' times an integer' * (None in self.target_shape)})."
            )
        return tuple(total // known if size is None else size for size in self.target_shape)


@registry.add
class RepeatVector(Layer):
    """Repeats each example's vector: ``[batch, features]`` to ``[batch, n, features]``.

    Args:
        n: how often, a positive integer.
    """

    input_spec = InputSpec(ndim=2)
    keeps_values = True

    def __init__(self, n: PositiveInt, **options: Any) -> None:
        super().__init__(**options)
        self.n = n

    def call(self, inputs: Array) -> Array:
        return jnp.repeat(inputs[:, None, :], self.n, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])


@registry.add
class Permute(Layer):
    """Another order of the axes, the batch's excepted.

    Args:
        dims: a permutation of 1, 2, ...: ``(2, 1)`` exchanges the first two axes behind the batch.

    Raises:
        ValueError: ``dims`` is no such permutation.
    """

    keeps_values = True

    def __init__(self, dims: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        if not isinstance(dims, list | tuple) or sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(f"Permute's dims are a permutation of 1, 2, ..., such as (2, 1); received {dims!r}.")
        self.dims = list(dims)
        self.input_spec = InputSpec(ndim=len(dims) + 1)

    def call(self, inputs: Array) -> Array:
        return jnp.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


flatten = factory(Flatten)
reshape = factory(Reshape)
repeat_vector = factory(RepeatVector)
permute = factory(Permute)
