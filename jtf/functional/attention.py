"""Attention, and the dense transformation along axes of one's choice that it is built from."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping, Sequence

import jax.numpy as jnp

from jtf.functional.activations import softmax
from jtf.types import Array, ArrayLike


def einsum_dense(
    params: Mapping[str, ArrayLike],
    x: ArrayLike,
    equation: str,
    activation: Callable[[Array], Array] | None = None,
) -> Array:
    """``activation(einsum(equation, x, kernel) + bias)``.

    Args:
        params: ``kernel`` and, if there is one, ``bias``, which broadcasts from the right.
        x: Input, as in the equation.
        equation: ``"ab,bc->ac"``, for instance; ``x`` and the output may have an ellipsis on either side.
        activation: Applied to the result; None for none.

    Returns:
        An array as in the equation.

    Raises:
        ValueError: If the shapes do not fit the equation.

    References:
        TF.js: tfjs-layers/src/layers/nlp/einsum_dense.ts

    >>> einsum_dense({"kernel": [[1.0], [2.0]], "bias": [0.5]}, [[3.0, 4.0]], "ab,bc->ac").tolist()
    [[11.5]]
    """
    x, kernel = jnp.asarray(x), jnp.asarray(params["kernel"])
    try:
        y = jnp.einsum(equation, x, kernel)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"einsum_dense: expected x and kernel to fit {equation!r}; received shapes {x.shape} and {kernel.shape}."
        ) from error
    if "bias" in params:
        bias = jnp.asarray(params["bias"])
        y = y + bias.reshape((1,) * (y.ndim - bias.ndim) + bias.shape)
    return y if activation is None else activation(y)


def attention_scores(
    query: ArrayLike, key: ArrayLike, mask: ArrayLike | None = None, axes: Sequence[int] | None = None
) -> Array:
    """How much each query attends to each key: ``softmax(query · key / sqrt(features))`` over the keys.

    Args:
        query: ``[batch, ..., heads, features]``.
        key: ``[batch, ..., heads, features]``; the sizes along the axes of attention may differ from the query's.
        mask: Bools, True where a query may attend to a key: ``[batch, <queries>, <keys>]``, or with an axis of heads
            before these, or without leading axes. What a query may not attend to gets nothing, however large its
            score (TF.js lowers scores by 1e9). Where a query may attend to nothing it attends to everything; see
            `softmax` for the scores then.
        axes: The axes that hold the queries and keys; all but the batch, the heads and the features by default.

    Returns:
        The scores, ``[batch, <other axes>, heads, <queries>, <keys>]``; those of a query sum to 1.

    Raises:
        ValueError: If the shapes do not fit.

    References:
        Vaswani et al., "Attention is all you need", 2017.
        TF.js: tfjs-layers/src/layers/nlp/multihead_attention.ts

    >>> attention_scores(jnp.ones((1, 2, 1, 4)), jnp.ones((1, 2, 1, 4)), causal_mask(2, 2)).tolist()
    [[[[1.0, 0.0], [0.5, 0.5]]]]
    """
    query, key = jnp.asarray(query), jnp.asarray(key)
    axes = _attention_axes(query.ndim, axes)
    queries, keys, scores = _letters(query.ndim, axes)
    shared = [i for i in range(query.ndim) if i not in axes]
    if query.ndim != key.ndim or any(query.shape[i] != key.shape[i] for i in shared):
        raise ValueError(
            f"attention_scores: expected query and key of the same shape but for the axes {list(axes)}; "
            f"received shapes {query.shape} and {key.shape}."
        )
    query = query * (1 / math.sqrt(query.shape[-1]))
    dtype = jnp.result_type(query, key)
    summed = jnp.promote_types(dtype, jnp.float32)
    logits = jnp.einsum(f"{keys},{queries}->{scores}", key, query, preferred_element_type=summed)
    if mask is not None:
        mask = jnp.asarray(mask)
        spread = spread_mask(mask, logits.ndim, axes)
        if any(m not in (1, n) for m, n in zip(spread.shape, logits.shape, strict=True)):
            raise ValueError(
                f"attention_scores: expected a mask that broadcasts to scores of shape {logits.shape}; received shape "
                f"{mask.shape}."
            )
        mask = spread
    return softmax(logits, tuple(range(logits.ndim - len(axes), logits.ndim)), mask).astype(dtype)


def spread_mask(mask: ArrayLike, ndim: int, axes: Sequence[int]) -> Array:
    """A mask with as many axes as the scores: those that it lacks are put in before the queries.

    Args:
        mask: ``[..., <queries>, <keys>]``.
        ndim: The number of axes of the scores.
        axes: The axes of attention; there are as many of queries, and of keys.

    Raises:
        ValueError: If the mask has more axes than the scores.

    >>> spread_mask(jnp.ones((2, 4, 5), bool), 4, axes=[1]).shape
    (2, 1, 4, 5)
    """
    mask = jnp.asarray(mask)
    if mask.ndim > ndim:
        raise ValueError(f"spread_mask: expected a mask with at most {ndim} axes; received shape {mask.shape}.")
    lead = max(mask.ndim - 2 * len(axes), 0)
    return mask.reshape(mask.shape[:lead] + (1,) * (ndim - mask.ndim) + mask.shape[lead:])


def attend(scores: ArrayLike, value: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """The mean of the values, weighted by the scores of each query.

    Args:
        scores: ``[batch, <other axes>, heads, <queries>, <keys>]``, from `attention_scores`.
        value: ``[batch, ..., heads, features]``, the keys along ``axes``.
        axes: As for `attention_scores`.

    Returns:
        ``[batch, ..., heads, features]``, the queries along ``axes``.

    >>> attend(jnp.full((1, 1, 2, 4), 0.25), jnp.arange(4.0).reshape(1, 4, 1, 1)).ravel().tolist()
    [1.5, 1.5]
    """
    scores, value = jnp.asarray(scores), jnp.asarray(value)
    queries, keys, letters = _letters(value.ndim, _attention_axes(value.ndim, axes))
    try:
        return jnp.einsum(f"{letters},{keys}->{queries}", scores, value)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"attend: expected scores [batch, ..., heads, <queries>, <keys>] for value [batch, ..., heads, features]; "
            f"received shapes {scores.shape} and {value.shape}."
        ) from error


def causal_mask(queries: int, keys: int) -> Array:
    """The mask under which a query attends to keys no later than itself, ``[1, queries, keys]``.

    >>> causal_mask(2, 3).tolist()
    [[[True, False, False], [True, True, False]]]
    """
    return jnp.tril(jnp.ones((1, queries, keys), bool))


def _attention_axes(ndim: int, axes: Sequence[int] | None) -> tuple[int, ...]:
    return tuple(range(1, ndim - 2)) if axes is None else tuple(axes)


def _letters(ndim: int, axes: Sequence[int]) -> tuple[str, str, str]:
    """The axes of queries, keys and scores, a letter each."""
    of_queries = string.ascii_lowercase[:ndim]
    of_keys = "".join(string.ascii_lowercase[ndim + i] if i in axes else of_queries[i] for i in range(ndim))
    batch = "".join(of_queries[i] for i in range(ndim - 1) if i not in axes)
    return of_queries, of_keys, batch + "".join(s[i] for s in (of_queries, of_keys) for i in axes)
