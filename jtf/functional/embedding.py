"""Vectors in place of indices and positions, and masks."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from jtf.types import Array, ArrayLike


def embedding(params: Mapping[str, ArrayLike], ids: ArrayLike) -> Array:
    """Look up a vector for each index.

    Args:
        params: ``embeddings``, of shape ``[n, features]``.
        ids: Indices from 0 to ``n - 1``, of any shape; numbers that are no integers are truncated towards zero.

    Returns:
        An array of shape ``[*ids.shape, features]``. In compiled code nobody can refuse an index that is out of range:
        its vector is NaN there, so that the mistake shows.

    Raises:
        ValueError: If an index is out of range, where its value is known (outside of ``jit`` and ``vmap``).

    References:
        TF.js: tfjs-layers/src/layers/embeddings.ts

    >>> embedding({"embeddings": [[0.0, 1.0], [2.0, 3.0]]}, [1, 1, 0]).tolist()
    [[2.0, 3.0], [2.0, 3.0], [0.0, 1.0]]
    """
    table, ids = jnp.asarray(params["embeddings"]), jnp.asarray(ids)
    if table.ndim != 2:
        raise ValueError(f"embedding: expected embeddings of shape [n, features]; received shape {table.shape}.")
    if not jnp.issubdtype(ids.dtype, jnp.integer):
        ids = ids.astype(jnp.int32)
    if not isinstance(ids, jax.core.Tracer) and ids.size and not 0 <= ids.min() <= ids.max() < table.shape[0]:
        raise ValueError(
            f"embedding: expected indices from 0 to {table.shape[0] - 1}; received indices from {ids.min()} to "
            f"{ids.max()}."
        )
    return table.at[ids].get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)


def position_embedding(params: Mapping[str, ArrayLike], x: ArrayLike, start_index: ArrayLike = 0) -> Array:
    """The vector of each position of a sequence.

    Args:
        params: ``embeddings``, of shape ``[n, features]``.
        x: Only its shape matters: ``[..., time, features]``, with ``time`` at most ``n - start_index``.
        start_index: The position of the first step; it may be traced.

    Returns:
        An array of the shape of ``x``, equal for all examples.

    Raises:
        ValueError: If there are no vectors for so many features or steps.

    References:
        TF.js: tfjs-layers/src/layers/nlp/modeling/position_embedding.ts

    >>> position_embedding({"embeddings": [[1.0], [2.0], [3.0]]}, jnp.zeros((1, 2, 1)), start_index=1).tolist()
    [[[2.0], [3.0]]]
    """
    table, shape = jnp.asarray(params["embeddings"]), jnp.asarray(x).shape
    known = not isinstance(start_index, jax.core.Tracer)
    first = int(start_index) if known else 0  # type: ignore[arg-type]
    fits = len(shape) >= 2 and shape[-1] == table.shape[1] and 0 <= first <= table.shape[0] - shape[-2]
    if not fits:
        raise ValueError(
            f"position_embedding: expected x of shape [..., time, {table.shape[1]}] with at most "
            f"{table.shape[0] - first} steps from position {first} on; received shape {shape}."
        )
    steps = jax.lax.dynamic_slice_in_dim(table, start_index, shape[-2])
    return jnp.broadcast_to(steps.reshape((1,) * (len(shape) - 2) + steps.shape), shape)


def mask_timesteps(x: ArrayLike, mask_value: float = 0.0) -> tuple[Array, Array]:
    """Find the steps to leave out, those whose features all equal ``mask_value``, and set them to zero.

    Args:
        x: Input, ``[..., features]``.
        mask_value: What marks a feature of a step to leave out.

    Returns:
        An array of the shape of ``x``, and the mask, ``[...]``, False where a step is left out.

    References:
        TF.js: tfjs-layers/src/layers/core.ts, Masking

    >>> y, mask = mask_timesteps(jnp.array([[5.0, 5.0], [5.0, 1.0]]), mask_value=5.0)
    >>> y.tolist(), mask.tolist()
    ([[0.0, 0.0], [5.0, 1.0]], [False, True])
    """
    x = jnp.asarray(x)
    mask = jnp.any(x != mask_value, axis=-1)
    return jnp.where(mask[..., None], x, jnp.zeros_like(x)), mask
