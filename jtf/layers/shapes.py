"""Shapes of inputs and outputs: how users may write them, and finding them by tracing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jtf.types import Shape
from jtf.variable import bind


def is_shape(given: Any) -> bool:
    """Whether it is one shape, and not several: sizes in a tuple or list, None where unknown."""
    return isinstance(given, tuple | list) and all(
        size is None or (isinstance(size, int | np.integer) and not isinstance(size, bool)) for size in given
    )


def as_shape(given: Any) -> Any:
    """One shape as a tuple, several as a list of tuples; they may be written with lists."""
    if is_shape(given):
        return tuple(given)
    return [as_shape(each) for each in given] if isinstance(given, list | tuple) else given


def takes_lists(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a layer that takes an input's shape, which may be written with lists as well (a decorator)."""

    @functools.wraps(method)
    def wrapped(self: Any, input_shape: Any, *args: Any, **options: Any) -> Any:
        return method(self, as_shape(input_shape), *args, **options)

    return wrapped


def traced_output_shape(layer: Any, input_shape: Any) -> Any:
    """The output's shape, from tracing the call with two stand-ins for what is unknown in the input's.

    The layers inside are built on the way, as in a real call. What the call assigns is dropped.
    """

    def trace(stand_in: int) -> Any:
        def argument(shape: Shape) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct(tuple(stand_in if size is None else size for size in shape), layer.dtype)

        def call(x: Any) -> Any:
            with bind({}, takes_all=True):
                return layer(x)

        return jax.eval_shape(call, jax.tree.map(argument, input_shape, is_leaf=is_shape))

    def merge(a: jax.ShapeDtypeStruct, b: jax.ShapeDtypeStruct) -> Shape:
        return tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True))

    # Windows fit into these sizes, strides and factors divide them, and they stay two after any of that.
    return jax.tree.map(merge, trace(120), trace(240))
