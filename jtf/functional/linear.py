"""The dense (fully connected) transformation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp

from jtf.types import Array, ArrayLike


def dense(params: Mapping[str, ArrayLike], x: ArrayLike, activation: Callable[[Array], Array] | None = None) -> Array:
    """``activation(x @ kernel + bias)`` over the last axis of ``x``.

    Args:
        params: ``kernel`` of shape ``[in, out]`` and, if there is one, ``bias`` of shape ``[out]``.
        x: Input, ``[..., in]``.
        activation: Applied to the result; None for none.

    Returns:
        An array of shape ``[..., out]``.

    Raises:
        ValueError: If the last axis of ``x`` is not as long as the kernel's first.

    References:
        TF.js: tfjs-layers/src/layers/core.ts, Dense

    >>> dense({"kernel": [[1.0], [2.0]], "bias": [0.5]}, [[3.0, 4.0]]).tolist()
    [[11.5]]
    """
    x = jnp.asarray(x)
    kernel = jnp.asarray(params["kernel"])
    if kernel.ndim != 2 or x.ndim == 0 or x.shape[-1] != kernel.shape[0]:
        raise ValueError(
            "dense: expected x of shape [..., in] and a kernel of shape [in, out]; "
            f"received x of shape {x.shape} and kernel of shape {kernel.shape}."
        )
    y = jnp.dot(x, kernel)
    if "bias" in params:
        bias = jnp.asarray(params["bias"])
        y = y + bias.reshape((1,) * (y.ndim - 1) + bias.shape)
    return y if activation is None else activation(y)
