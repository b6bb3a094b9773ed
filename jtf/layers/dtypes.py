"""The dtype of a layer: that of its input, and what it computes in where that is a floating one."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jtf.types import DTypeLike

#: What layers compute in.
COMPUTED = ("float32", "bfloat16", "float16")


def checked_dtype(given: DTypeLike, layer: Any) -> str:
    """The name of a dtype that a layer may have.

    Raises:
        ValueError: a floating one in which layers do not compute.
    """
    name = str(jnp.dtype(given))
    if jnp.issubdtype(name, jnp.inexact) and name not in COMPUTED:
        raise ValueError(
            f"{layer.class_name}'s dtype is {', '.join(COMPUTED)}, or one of integers or bools for its input; received "
            f"{name}."
        )
    return name


def in_dtype(dtype: str, arrays: Any) -> Any:
    """The arrays, those of them that hold floating numbers converted, unless the dtype is float32."""
    if dtype == "float32":
        return arrays
    return jax.tree.map(lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x, arrays)


def compute_as(layer: Any, inside: list[Any], *, is_given: bool) -> None:
    """Give a layer the floating dtype of the layers inside, in which it computes.

    Args:
        layer: around the others.
        inside: the others.
        is_given: whether the layer has been given a dtype of its own.

    Raises:
        ValueError: they differ, or it has been given another one.
    """
    dtypes = list(dict.fromkeys(each.float_dtype for each in inside))
    if is_given and jnp.issubdtype(layer.dtype, jnp.floating):
        dtypes = list(dict.fromkeys([layer.dtype, *dtypes]))
    if len(dtypes) > 1:
        raise ValueError(
            f"{layer.class_name} computes in what the layers inside compute in; received {' and '.join(dtypes)}. Give "
            "each of them the same dtype."
        )
    if not is_given and dtypes != ["float32"]:
        layer.dtype = dtypes[0]
