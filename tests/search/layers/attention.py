"""Attention with several heads, and layers at the entry of sequence models."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import numpy_oracle


def attention(draw: Draw) -> Case:
    """By its definition, since Keras gives zeros where a query may look at nothing, and fails with some options."""
    batch, queries, keys = draw.whole(1, 2), draw.whole(1, 4), draw.whole(1, 4)
    more = draw.one([], [], [draw.whole(1, 2)])  # another axis, along which nothing looks at anything
    options: dict[str, Any] = {
        "num_heads": draw.whole(1, 3),
        "key_dim": draw.whole(1, 3),
        "value_dim": draw.one(None, draw.whole(1, 3)),
        "use_bias": draw.chance(),
        "output_shape": draw.one(None, draw.whole(1, 3), draw.sizes(2, 1, 2)),
    }
    if more:
        options["attention_axes"] = [2]
    inputs = [draw.normal(batch, *more, n, draw.whole(1, 3)) for n in (queries, keys, keys)]
    call: dict[str, Any] = {"use_causal_mask": draw.chance(0.3), "return_attention_scores": draw.chance()}
    allowed = np.ones((batch, queries, keys), bool)
    if draw.chance(0.4):
        call["attention_mask"] = allowed = draw.bools(batch, queries, keys)
    if call["use_causal_mask"]:
        allowed = allowed & np.tril(np.ones((queries, keys), bool))
    masks = [draw.bools(batch, n) if not more and draw.chance(0.3) else None for n in (queries, keys, keys)]
    for mask, axes in zip(masks, ((slice(None), slice(None), None), *[(slice(None), None)] * 2), strict=True):
        allowed = allowed if mask is None else allowed & mask[axes]
    if any(mask is not None for mask in masks):
        call["mask"] = masks
    formula = functools.partial(by_definition, allowed, options["use_bias"], call["return_attention_scores"])
    return numpy_oracle.case(draw, "multi_head_attention", options, inputs, formula, call, takes_list=True)


def by_definition(
    allowed: np.ndarray,
    use_bias: bool,
    with_scores: bool,
    weights: Sequence[np.ndarray],
    inputs: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Sequence for sequence and head for head."""
    each = iter(weights)
    (q, k, v, out), biases = zip(*((next(each), next(each) if use_bias else 0.0) for _ in range(4)), strict=True)
    query, value, key = inputs
    heads, lead = q.shape[1], query.shape[:-2]
    queries, keys, values = (
        np.einsum("...n,nhd->...hd", x, w) + bias
        for x, w, bias in zip((query, key, value), (q, k, v), biases[:3], strict=True)
    )
    output, scores = [], np.zeros((*lead, heads, query.shape[-2], key.shape[-2]))
    output = np.zeros((*query.shape[:-1], *out.shape[2:])) + biases[3]
    for at in np.ndindex(*lead):
        for head in range(heads):
            logits = queries[at][:, head] @ keys[at][:, head].T / np.sqrt(q.shape[2])
            may = allowed[at[0]].copy()
            # A query that may look at nothing looks at everything alike.
            logits, may = np.where(may.any(-1, keepdims=True), logits, 0.0), may | ~may.any(-1, keepdims=True)
            exponentials = np.exp(logits - logits.max()) * may
            scores[at][head] = exponentials / exponentials.sum(-1, keepdims=True)
            output[at] += np.tensordot(scores[at][head] @ values[at][:, head], out[head], 1)
    return [output, scores] if with_scores else [output]


def entry(draw: Draw) -> Case:
    """Embeddings, of words and of positions, and masking."""
    kind = draw.one("embedding", "embedding", "position_embedding", "masking")
    if kind == "embedding":
        words, size = draw.whole(1, 6), draw.whole(1, 4)
        ids = draw.integers(words, *draw.sizes(draw.whole(1, 3), 1, 4))
        ids = draw.one(ids, ids.astype(np.uint8))
        options = {"input_dim": words, "output_dim": size, "mask_zero": draw.chance()}
        return numpy_oracle.case(draw, kind, options, [ids], lambda w, x: w[0][x[0]])
    shape = [*draw.sizes(draw.whole(1, 2), 1, 3), draw.whole(1, 4), draw.whole(1, 3)]
    if kind == "position_embedding":
        start = draw.whole(0, 2)
        options = {"sequence_length": shape[-2] + start + draw.whole(0, 2)}
        formula = lambda w, x: np.broadcast_to(w[0][start : start + shape[-2]], x[0].shape)  # noqa: E731
        return numpy_oracle.case(draw, kind, options, [draw.normal(*shape)], formula, call={"start_index": start})
    value = draw.one(0.0, -1.0, 0.5)
    x = draw.normal(*shape)
    x[draw.rng.random(shape[:-1]) < 0.3] = value
    x[..., 0][draw.rng.random(shape[:-1]) < 0.2] = value
    hidden = (x == value).all(-1, keepdims=True)
    return numpy_oracle.case(draw, kind, {"mask_value": value}, [x], lambda _, x: np.where(hidden, 0, x[0]))
