"""Turning raw data into what a model takes: rescaling, cropping, and categories as vectors."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp

from jtf.functional.images import resize_bilinear
from jtf.types import Array, ArrayLike


def rescale(x: ArrayLike, scale: float, offset: float = 0.0) -> Array:
    """``x * scale + offset``; integers become float32.

    References:
        TF.js: tfjs-layers/src/layers/preprocessing/image_preprocessing.ts

    >>> rescale(jnp.array([0, 255], jnp.uint8), scale=1 / 255, offset=-0.5).tolist()
    [-0.5, 0.5]
    """
    x = jnp.asarray(x)
    return (x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.float32)) * scale + offset


def center_crop(images: ArrayLike, height: int, width: int) -> Array:
    """The middle of each image; where that is larger than the image, the image is enlarged to this size.

    Of an odd number of rows too many, the last goes; of one column too many, the first goes, as in TF.js (of any
    other odd number, the last).

    Args:
        images: ``[batch, h, w, channels]``, or without the batch.
        height, width: The size of the output.

    Returns:
        ``[batch, height, width, channels]``, of the dtype of ``images``.

    Raises:
        ValueError: If ``images`` has another number of dimensions, or a size is not positive.

    References:
        TF.js: tfjs-layers/src/layers/preprocessing/center_crop.ts

    >>> center_crop(jnp.arange(16).reshape(4, 4, 1), 2, 2).ravel().tolist()
    [5, 6, 9, 10]
    """
    images = jnp.asarray(images)
    if images.ndim not in (3, 4) or height < 1 or width < 1:
        raise ValueError(
            "center_crop: expected images of shape [batch, h, w, channels] and a positive height and width; "
            f"received shape {images.shape}, height {height}, width {width}."
        )
    rows, columns = images.shape[-3] - height, images.shape[-2] - width
    if rows < 0 or columns < 0:
        return resize_bilinear(images, (height, width)).astype(images.dtype)
    top, left = rows // 2, 1 if columns == 1 else columns // 2
    return images[..., top : top + height, left : left + width, :]


def category_encoding(
    ids: ArrayLike,
    num_tokens: int,
    output_mode: Literal["one_hot", "multi_hot", "count"] = "multi_hot",
    count_weights: ArrayLike | None = None,
) -> Array:
    """Categories as vectors with an entry for each category there is.

    Args:
        ids: Categories from 0 to ``num_tokens - 1``; numbers that are no integers are truncated towards zero.
        num_tokens: How many categories there are.
        output_mode: ``"one_hot"`` makes a vector of each category, with a 1 at its entry. ``"multi_hot"`` makes one of
            each row, with a 1 for every category that occurs in it, and ``"count"`` one that says how often each does.
        count_weights: Of the shape of ``ids``, what each occurrence counts for; with ``"count"`` only.

    Returns:
        float32, ``[*ids.shape[:-1], num_tokens]``; for ``"one_hot"`` ``[*ids.shape, num_tokens]``, but the last axis
        of ``ids`` is dropped if its length is 1. In compiled code nobody can refuse a category that is out of range:
        there it counts for nothing.

    Raises:
        ValueError: If a category is out of range, where its value is known (outside of ``jit`` and ``vmap``), or the
            weights do not fit.

    References:
        TF.js: tfjs-layers/src/layers/preprocessing/category_encoding.ts

    >>> category_encoding([[0, 2, 2]], 4, "count").tolist()
    [[1.0, 0.0, 2.0, 0.0]]
    """
    ids = jnp.asarray(ids)
    if not jnp.issubdtype(ids.dtype, jnp.integer):
        ids = ids.astype(jnp.int32)
    if not isinstance(ids, jax.core.Tracer) and ids.size and not 0 <= ids.min() <= ids.max() < num_tokens:
        raise ValueError(
            f"category_encoding: expected categories from 0 to {num_tokens - 1} (num_tokens={num_tokens}); received "
            f"categories from {ids.min()} to {ids.max()}."
        )
    weights = None if count_weights is None else jnp.asarray(count_weights, jnp.float32)
    if weights is not None and (output_mode != "count" or weights.shape != ids.shape):
        raise ValueError(
            "category_encoding: expected count_weights of the shape of ids, with output_mode 'count' only; received "
            f"shape {weights.shape} for ids of shape {ids.shape}, output_mode {output_mode!r}."
        )
    if output_mode == "one_hot":
        rows = ids.reshape(ids.shape[:-1]) if ids.shape[-1:] == (1,) else ids
        return jax.nn.one_hot(rows, num_tokens, dtype=jnp.float32)
    rows = ids.reshape(1) if ids.ndim == 0 else ids
    occurrences = jax.nn.one_hot(rows, num_tokens, dtype=jnp.float32)
    if output_mode == "multi_hot":
        return jnp.max(occurrences, axis=-2, initial=0.0)
    if weights is not None:
        occurrences = occurrences * jnp.broadcast_to(weights.reshape(rows.shape)[..., None], occurrences.shape)
    return jnp.sum(occurrences, axis=-2)
