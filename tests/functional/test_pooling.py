"""Pooling against loops in numpy and against `lax.reduce_window`."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.test_util import check_grads

from jtf import functional as F
from jtf.functional import pooling

#: Numbers near kinks depend on what XLA fuses.
optimized = True


def numbers(*shape):
    """All different, in no order."""
    return np.random.default_rng(0).permutation(math.prod(shape)).reshape(shape).astype(np.float32)


def looped(x, window, strides, padding):
    """For each window of channels-last data its numbers, and their places, in order."""
    space = x.shape[1:-1]
    before, counts = [], []
    for n, k, s in zip(space, window, strides, strict=True):
        count = (n - k) // s + 1 if padding == "valid" else math.ceil(n / s)
        missing = 0 if padding == "valid" else (count - 1) * s + k - n
        before.append((missing if len(space) == 3 else max(missing, 0)) // 2)
        counts.append(count)
    for position in np.ndindex(*counts):
        starts = [p * s - b for p, s, b in zip(position, strides, before, strict=True)]
        at = [range(max(a, 0), min(a + k, n)) for a, k, n in zip(starts, window, space, strict=True)]
        places = [tuple(place) for place in np.stack(np.meshgrid(*at, indexing="ij"), -1).reshape(-1, len(space))]
        yield position, counts, places


def pooled(x, window, strides, padding, function):
    y = None
    for position, counts, places in looped(x, window, strides, padding):
        y = np.zeros((x.shape[0], *counts, x.shape[-1])) if y is None else y
        y[(slice(None), *position)] = function(np.stack([x[(slice(None), *place)] for place in places]), axis=0)
    return y


POOLS = [
    ((6,), (2,), (2,)),
    ((7,), (3,), (1,)),
    ((20,), (17,), (2,)),
    ((5, 6), (2, 2), (2, 2)),
    ((5, 6), (3, 2), (2, 3)),
    ((6, 5), (4, 3), (1, 2)),
    ((4, 5), (1, 4), (3, 1)),
    ((5, 4, 4), (1, 2, 2), (3, 2, 1)),
    ((4, 4, 3), (3, 3, 2), (2, 1, 1)),
]
every_pool = pytest.mark.parametrize(("space", "window", "strides"), POOLS)
paddings = pytest.mark.parametrize("padding", ["valid", "same"])


@every_pool
@paddings
@pytest.mark.parametrize(("function", "oracle"), [(F.max_pool, np.max), (F.avg_pool, np.mean)], ids=["max", "avg"])
def test_values(space, window, strides, padding, function, oracle):
    x = numbers(2, *space, 2)
    expected = pooled(x, window, strides, padding, oracle)
    y = function(x, window, strides, padding)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    first = function(np.moveaxis(x, -1, 1), window, strides, padding, "channelsFirst")
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), expected, rtol=1e-6)


@every_pool
@paddings
def test_the_first_of_equals_gets_the_gradient(space, window, strides, padding):
    x = np.random.default_rng(1).integers(0, 3, (1, *space, 1)).astype(np.float32)
    expected = np.zeros_like(x)
    dy = iter(np.arange(1.0, 1000.0))
    for _, _, places in looped(x, window, strides, padding):
        values = [x[(0, *place, 0)] for place in places]
        expected[(0, *places[int(np.argmax(values))], 0)] += next(dy)
    y, pullback = jax.vjp(lambda x: F.max_pool(x, window, strides, padding), jnp.asarray(x))
    (gradient,) = pullback(jnp.arange(1.0, y.size + 1).reshape(y.shape))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


@every_pool
@paddings
def test_the_gradient_of_a_mean(space, window, strides, padding):
    x = numbers(1, *space, 1)
    expected = np.zeros_like(x)
    dy = iter(np.arange(1.0, 1000.0))
    for _, _, places in looped(x, window, strides, padding):
        share = next(dy) / len(places)
        for place in places:
            expected[(0, *place, 0)] += share
    y, pullback = jax.vjp(lambda x: F.avg_pool(x, window, strides, padding), jnp.asarray(x))
    (gradient,) = pullback(jnp.arange(1.0, y.size + 1).reshape(y.shape))
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)


def test_all_ways_to_go_through_windows_agree(monkeypatch):
    x = jnp.asarray(numbers(2, 8, 9, 3))
    results = {}
    for way, at_once, folded in [("at once", 99, 99), ("by axis", 0, 99), ("reduce_window", 0, 0)]:
        monkeypatch.setattr(pooling, "_MOST_AT_ONCE", at_once)
        monkeypatch.setattr(pooling, "_LONGEST_FOLDED", folded)
        pooling._fold.clear_cache()

        def both(x):
            return F.max_pool(x, (3, 4), (2, 1), "same"), F.avg_pool(x, (3, 4), (2, 1), "same")

        y, pullback = jax.vjp(both, x)
        results[way] = (y, pullback(jax.tree.map(jnp.cos, y)))
        program = str(jax.make_jaxpr(both)(x))
        assert program.count(" slice[") == {"at once": 24, "by axis": 14, "reduce_window": 0}[way]
        assert ("reduce_window" in program) == (way == "reduce_window")
    largest = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 4, 1), (1, 2, 1, 1), "SAME")
    np.testing.assert_array_equal(results["at once"][0][0], largest)
    for way in ("by axis", "reduce_window"):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), results["at once"], results[way]
        )


def test_long_windows_do_not_become_long_programs():
    x = jnp.asarray(numbers(1, 1000, 1))
    for function in (F.max_pool, F.avg_pool):
        assert str(jax.make_jaxpr(lambda x, f=function: f(x, 500))(x)).count("\n") < 40


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("function", [F.max_pool, F.avg_pool])
def test_what_is_no_number_shows(function, place):
    x = jnp.array([1.0, 5.0, 2.0, 3.0]).at[place].set(jnp.nan).reshape(1, 2, 2, 1)
    assert np.isnan(function(x, 2)).all()


def test_infinities():
    x = jnp.full((1, 3, 1), -jnp.inf)
    assert F.max_pool(x, 2, 1, "same").ravel().tolist() == [-np.inf] * 3


@pytest.mark.parametrize("function", [F.max_pool, F.avg_pool])
def test_gradients_dtype_jit_and_vmap(function):
    x = jnp.asarray(numbers(2, 4, 5, 2)) / 10

    def call(x):
        return function(x, (2, 3), 2, "same")

    check_grads(call, (x,), order=2, modes=["fwd", "rev"], atol=1e-2, rtol=1e-2, eps=1e-2)
    assert call(x).dtype == jnp.float32
    assert call(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16
    np.testing.assert_allclose(jax.jit(call)(x), call(x), rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(lambda x: call(x[None])[0])(x), call(x), rtol=1e-6)


def test_integers():
    x = np.array([[[-5], [-3], [-4]]])
    assert F.max_pool(x, 2, 1, "same").dtype == jnp.int32
    assert F.max_pool(x, 2, 1, "same").ravel().tolist() == [-3, -3, -4]
    assert F.avg_pool(x, 2, 1).ravel().tolist() == [-4.0, -3.5]


@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 3), {"window": 1}, "expected a batch, one to three axes of space and channels; received 2 axes"),
        ((1, 2, 2, 1), {"window": [2]}, r"window must be a positive integer or a list of 2; received \[2\]"),
        ((1, 2, 2, 1), {"window": 2, "strides": 0}, "strides must be a positive integer or a list of 2; received 0"),
        ((1, 2, 2, 1), {"window": 2, "padding": "causal"}, "padding must be 'valid' or 'same'; received 'causal'"),
        ((1, 2, 2, 1), {"window": 2, "data_format": None}, "data_format must be 'channelsLast' or 'channelsFirst'"),
        ((1, 2, 5, 1), {"window": 3}, r"the window of \(3, 3\) does not fit into a space of \(2, 5\)"),
    ],
)
def test_errors(name, shape, options, message):
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        getattr(F, name)(np.ones(shape), **options)
