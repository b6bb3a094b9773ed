"""Shapes of inputs and outputs: how users may write them, and finding them by tracing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import export

from jtf.binding import bind
from jtf.types import Shape

#: What unknown sizes are taken for while tracing. Windows fit into them, strides and factors divide them, and they
#: stay two after any of that.
_STAND_INS = (120, 240)


class Traced(NamedTuple):
    """What comes out of a call: shapes and dtypes, lists of them where there are several outputs."""

    shapes: Any
    dtypes: Any


def is_shape(given: Any) -> bool:
    """Whether it is one shape, and not several: sizes in a tuple or list, None where unknown."""
    return isinstance(given, tuple | list) and all(size is None or is_size(size) for size in given)


def is_size(given: Any) -> bool:
    """Whether it is a size: an integer, or one of jax.export's symbols for any."""
    return (isinstance(given, int | np.integer) and not isinstance(given, bool)) or export.is_symbolic_dim(given)


def as_shape(given: Any) -> Any:
    """One shape as a tuple, several as a list of tuples; they may be written with lists."""
    if is_shape(given):
        return tuple(given)
    return [as_shape(each) for each in given] if isinstance(given, list | tuple) else given


def without_symbols(shape: Any) -> Any:
    """The shape, or list of shapes, with None for jax.export's symbols, which mean nothing after the export."""
    if isinstance(shape, list):
        return [without_symbols(each) for each in shape]
    return tuple(None if export.is_symbolic_dim(size) else size for size in shape) if is_shape(shape) else shape


def takes_lists(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a layer that takes, and perhaps returns, shapes, which may be written with lists (a decorator)."""

    @functools.wraps(method)
    def wrapped(self: Any, input_shape: Any, *args: Any, **options: Any) -> Any:
        return as_shape(method(self, as_shape(input_shape), *args, **options))

    return wrapped


def traced(layer: Any, input_shape: Any, dtypes: Any = None, options: Mapping[str, Any] | None = None) -> Traced:
    """What comes out of a call, from tracing it with two stand-ins for what is unknown in the input's shape.

    The layers inside are built on the way, as in a real call. What the call assigns is dropped.

    Args:
        layer: whose call is traced.
        input_shape: a shape, or a list of shapes.
        dtypes: of the inputs, likewise; the layer's own dtype by default.
        options: further arguments of the call.

    Raises:
        TypeError: the call returns something else than an array or a list of arrays.
    """
    shapes = as_shape(input_shape)
    kinds = dtypes if dtypes is not None else jax.tree.map(lambda _: layer.dtype, shapes, is_leaf=is_shape)

    def call(x: Any) -> Any:
        with bind({}, takes_all=True):
            return layer(x, **(options or {}))

    def trace(stand_in: int) -> Any:
        def argument(shape: Shape, dtype: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct(tuple(stand_in if size is None else size for size in shape), dtype)

        try:
            return jax.eval_shape(call, jax.tree.map(argument, shapes, kinds, is_leaf=is_shape))
        except Exception as error:
            is_open = any(None in shape for shape in (shapes if isinstance(shapes, list) else [shapes]))
            of_unknown = f", with {stand_in} in place of what is unknown" if is_open else ""
            error.add_note(
                f"While finding out what layer {layer.name!r} ({layer.class_name}) makes of shape "
                f"{input_shape}{of_unknown}. A layer may say so itself: define compute_output_shape(self, input_shape)."
            )
            raise

    def merge(a: jax.ShapeDtypeStruct, b: jax.ShapeDtypeStruct) -> Shape:
        return tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True))

    first, second = (trace(stand_in) for stand_in in _STAND_INS)
    if isinstance(first, tuple | list) and all(isinstance(each, jax.ShapeDtypeStruct) for each in first):
        shapes = [merge(a, b) for a, b in zip(first, second, strict=True)]
        return Traced(shapes, [str(each.dtype) for each in first])
    if isinstance(first, jax.ShapeDtypeStruct):
        return Traced(merge(first, second), str(first.dtype))
    raise TypeError(
        f"Layer {layer.name!r} ({layer.class_name}) must return an array or a list of arrays to be part of a model; it "
        f"returned {type(first).__name__}: {first}."
    )
