"""A row of the catalogue: a layer configuration with what it is applied to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

import jtf

Shape = tuple[int, ...]
OpenShape = tuple[int | None, ...]


@dataclass(frozen=True)
class Row:
    """A layer with what it is applied to.

    Attributes:
        id: of the test cases.
        factory: its name in jtf.layers.
        options: for the factory; a function that makes them where they hold layers, which belong to one layer each.
        shape: of one example; a list of shapes where there are several inputs.
        weights: the names of the weights within the layer, in order, trainable ones first.
        open_shapes: shapes of one example (or lists of such) with unknown sizes that it must accept too.
        random: whether it draws random numbers while training.
        training_differs: whether training changes its output otherwise (batch statistics).
        integers: the inputs are integers below this number.
        positive: the inputs are positive.
        differentiable: whether there are gradients with respect to its inputs (and weights).
        own_mask: what becomes of a mask is tested with the layer's family.
        resists_bfloat16: why bfloat16 inputs are not what comes out, although there are no weights.
        batch: of the inputs.
        fixed_batch: whether the batch must be known when the layer is built, as for a stateful one.
    """

    id: str
    factory: str
    options: dict[str, Any] | Callable[[], dict[str, Any]]
    shape: Shape | list[Shape]
    weights: tuple[str, ...] = ()
    open_shapes: tuple[Any, ...] = ()
    random: bool = False
    training_differs: bool = False
    integers: int | None = None
    positive: bool = False
    differentiable: bool = True
    own_mask: bool = False
    resists_bfloat16: str = ""
    batch: int = 2
    fixed_batch: bool = False

    def given(self) -> dict[str, Any]:
        return self.options() if callable(self.options) else self.options

    def make(self, **more: Any) -> jtf.layers.Layer:
        return getattr(jtf.layers, self.factory)(**{**self.given(), **more})

    def inputs(self, batch: int | None = None, dtype: Any = jnp.float32) -> Any:
        """Numbers from -1.5 to 1.5, none of them near 0 or at a kink of any row; a list where there are several."""
        rng = np.random.default_rng(len(self.id))

        def one(shape: Shape) -> jnp.ndarray:
            size = (self.batch if batch is None else batch, *shape)
            if self.integers is not None:
                return jnp.asarray(rng.integers(0, self.integers, size), jnp.int32)
            sign = 1 if self.positive else rng.choice([-1, 1], size)
            return jnp.asarray(rng.uniform(0.1, 1.4, size) * sign, dtype)

        return [one(shape) for shape in self.shape] if isinstance(self.shape, list) else one(self.shape)

    @property
    def built_batch(self) -> int | None:
        return self.batch if self.fixed_batch else None

    @property
    def batched_shape(self) -> Any:
        """The shape of the input with an unknown batch (unless it must be known), or the list of them."""
        return with_batch(self.shape, self.built_batch)


def with_batch(shape: Any, batch: int | None = None) -> Any:
    return [(batch, *each) for each in shape] if isinstance(shape, list) else (batch, *shape)
