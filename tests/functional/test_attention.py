"""Attention, and einsum_dense."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jtf import functional as F
from jtf.functional.attention import spread_mask

RNG = np.random.default_rng(0)


def noise(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def one_by_one(query, key, value, mask):
    """Query by query, in float64; all arrays are [batch, steps, heads, features], the mask [batch, heads, T, S]."""
    out = np.zeros((*query.shape[:3], value.shape[-1]))
    for b, t, h in np.ndindex(*query.shape[:3]):
        logits = key[b, :, h].astype(np.float64) @ query[b, t, h] / np.sqrt(query.shape[-1])
        logits = np.where(mask[b, h, t], logits, -np.inf)
        weights = np.exp(logits - logits.max())
        out[b, t, h] = weights / weights.sum() @ value[b, :, h]
    return out


@pytest.mark.parametrize("masked", ["no", "by step", "by head"])
def test_attention(masked):
    query, key, value = noise(2, 3, 2, 4), noise(2, 5, 2, 4), noise(2, 5, 2, 4)
    mask = None
    if masked != "no":
        mask = RNG.random((2, 3, 5) if masked == "by step" else (2, 2, 3, 5)) < 0.6
        mask[..., 0] = True
    full = np.ones((2, 2, 3, 5), bool)
    if mask is not None:
        full &= mask[:, None] if masked == "by step" else mask
    scores = F.attention_scores(query, key, mask)
    np.testing.assert_allclose(scores.sum(-1), 1, rtol=1e-5)
    assert (np.asarray(scores)[~full] == 0).all()
    actual = F.attend(scores, value)
    np.testing.assert_allclose(actual, one_by_one(query, key, value, full), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(actual, jax.nn.dot_product_attention(query, key, value, mask=full), rtol=1e-4, atol=1e-5)

    def both(query, key, value):
        return F.attend(F.attention_scores(query, key, mask), value)

    check_grads(both, (query, key, value), 1, ["rev"], atol=1e-2, rtol=1e-2, eps=1e-3)


@pytest.mark.parametrize("axes", [[1], [2], [1, 2]])
def test_other_axes_of_attention(axes):
    """Attention along some axes is attention along one, with the others made part of the batch."""
    query, key, value = noise(2, 3, 4, 2, 5), noise(2, 3, 4, 2, 5), noise(2, 3, 4, 2, 6)
    others = [axis for axis in (1, 2) if axis not in axes]

    def flat(x):
        x = np.moveaxis(x, others, range(1, 1 + len(others)))
        batch = int(np.prod(x.shape[: 1 + len(others)]))
        return x.reshape(batch, -1, *x.shape[-2:])

    everything = np.ones((*flat(query).shape[::2], *[flat(query).shape[1]] * 2), bool)
    expected = one_by_one(flat(query), flat(key), flat(value), everything)
    actual = F.attend(F.attention_scores(query, key, None, axes), value, axes)
    np.testing.assert_allclose(flat(np.asarray(actual)), expected, rtol=1e-4, atol=1e-5)


def test_where_nothing_may_be_looked_at_everything_is():
    scores = F.attention_scores(noise(1, 2, 1, 3), noise(1, 4, 1, 3), jnp.zeros((1, 2, 4), bool))
    np.testing.assert_allclose(scores, np.full((1, 1, 2, 4), 0.25), rtol=1e-5)
    nothing = jnp.zeros((1, 2, 2, 2, 2), bool)
    scores = F.attention_scores(noise(1, 2, 2, 1, 3), noise(1, 2, 2, 1, 3), nothing, axes=[1, 2])
    np.testing.assert_array_equal(scores, np.ones((1, 1, 2, 2, 2, 2)))  # as in TF.js


def test_nothing_leaks_from_what_is_masked():
    key = jnp.array([1e12, -1e12, 1.0]).reshape(1, 3, 1, 1)
    for mask, expected in (([1, 0, 1], [1, 0, 0]), ([0, 1, 1], [0, 0, 1]), ([0, 1, 0], [0, 1, 0])):
        scores = F.attention_scores(jnp.ones((1, 1, 1, 1)), key, jnp.array(mask, bool).reshape(1, 1, 3))
        np.testing.assert_array_equal(np.ravel(scores), expected)


def test_bfloat16_is_softened_in_float32():
    query, key = jnp.full((1, 1, 1, 1), 16, jnp.bfloat16), jnp.ones((1, 300, 1, 1), jnp.bfloat16)
    scores = F.attention_scores(query, key)
    assert scores.dtype == jnp.bfloat16
    np.testing.assert_allclose(scores.astype(np.float32), 1 / 300, rtol=0.01)


def test_causal_mask():
    np.testing.assert_array_equal(F.causal_mask(3, 4)[0], np.arange(4) <= np.arange(3)[:, None])


@pytest.mark.parametrize(
    ("equation", "x", "kernel", "bias"),
    [
        ("ab,bc->ac", (2, 3), (3, 4), (4,)),
        ("abc,cde->abde", (2, 3, 4), (4, 5, 2), (5, 1)),
        ("abc,bcd->ad", (2, 3, 4), (3, 4, 5), None),
        ("...b,bc->...c", (2, 3, 4, 5), (5, 2), (2,)),
        ("ab...,bc->ac...", (2, 3, 4), (3, 5), (5, 1)),
        ("ab,b->a", (2, 3), (3,), None),
    ],
)
def test_einsum_dense(equation, x, kernel, bias):
    params = {"kernel": noise(*kernel)} | ({} if bias is None else {"bias": noise(*bias)})
    x = noise(*x)
    expected = np.einsum(equation, x, params["kernel"]) + params.get("bias", 0)
    np.testing.assert_allclose(F.einsum_dense(params, x, equation), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(F.einsum_dense(params, x, equation, jnp.tanh), np.tanh(expected), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: F.einsum_dense({"kernel": jnp.ones((4, 2))}, jnp.ones((2, 3)), "ab,bc->ac"),
            r"einsum_dense: expected x and kernel to fit 'ab,bc->ac'; received shapes \(2, 3\) and \(4, 2\)",
        ),
        (
            lambda: F.attention_scores(jnp.ones((1, 2, 1, 3)), jnp.ones((1, 2, 2, 3))),
            r"attention_scores: expected query and key of the same shape but for the axes \[1\]",
        ),
        (lambda: F.attention_scores(jnp.ones((1, 2, 1, 3)), jnp.ones((2, 1, 3))), r"received shapes \(1, 2, 1, 3\)"),
        (
            lambda: F.attention_scores(jnp.ones((1, 2, 1, 3)), jnp.ones((1, 2, 1, 3)), jnp.ones((1, 3, 2))),
            r"a mask that broadcasts to scores of shape \(1, 1, 2, 2\); received shape \(1, 3, 2\)",
        ),
        (lambda: spread_mask(jnp.ones((1,) * 5), 4, [1]), "spread_mask: expected a mask with at most 4 axes"),
        (
            lambda: F.attend(jnp.ones((1, 1, 2, 2)), jnp.ones((1, 3, 1, 2))),
            r"attend: expected scores .* \(1, 3, 1, 2\)",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
