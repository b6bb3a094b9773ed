"""What losses, norms and means are computed from: operands of one shape, in float32 at least.

Half precision counts to 2048 (float16) or 256 (bfloat16), and float16 ends at 65504, which is too little for sums.
"""

from __future__ import annotations

import jax.numpy as jnp

from jtf.types import Array, ArrayLike, DTypeLike


def wide(x: Array) -> Array:
    """The array in a dtype that can be summed: float32, or its own if that is wider.

    >>> wide(jnp.ones(2, jnp.bfloat16)).dtype.name, wide(jnp.ones(2, int)).dtype.name
    ('float32', 'float32')
    """
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def floating_dtype(x: Array) -> DTypeLike:
    """The dtype of what is computed from an array: its own, or float32 for whole numbers."""
    return x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32


def floating(x: ArrayLike) -> tuple[Array, DTypeLike]:
    """An operand, wide, and the dtype of the result."""
    array = jnp.asarray(x)
    return wide(array), floating_dtype(array)


def same_shape(
    function: str, y_true: ArrayLike, y_pred: ArrayLike, names: tuple[str, str] = ("y_true", "y_pred")
) -> tuple[Array, Array, DTypeLike]:
    """Two operands of one shape in a common wide dtype, and the dtype of the result, that of the second.

    Raises:
        ValueError: If the shapes differ.
    """
    p, dtype = floating(y_pred)
    t = jnp.asarray(y_true)
    if t.shape != p.shape:
        raise ValueError(
            f"{function}: {names[0]} and {names[1]} must have the same shape; "
            f"received {names[0]} of shape {t.shape} and {names[1]} of shape {p.shape}."
        )
    return t.astype(p.dtype), p, dtype
