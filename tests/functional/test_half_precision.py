"""Sums over half precision: they neither overflow nor stop counting, and the result is in half precision again."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf import functional as F
from jtf.layers.scopes import collect_losses

MANY = 70_000  # float16 ends at 65504
PIXELS = np.random.default_rng(2).integers(0, 300, (1, 40, 40, 1)).astype(np.float64)
QUERIES = np.eye(4).reshape(1, 4, 1, 4) * 600.0  # whose products are 360,000, over 2
ONE_HOT = np.eye(1, MANY)
SIGNS = np.tile([-1.0, 1.0], (1, MANY))


def full(value, *shape):
    return np.full(shape or (MANY,), value)


#: A function of arrays, the arrays, and what comes out in exact arithmetic.
CASES = {
    "absolute difference": (lambda *xs: jtf.losses.absolute_difference(*xs), [full(0), full(2), full(1)], 2.0),
    "mean by weights": (lambda *xs: jtf.losses.compute_weighted_loss(*xs, reduction=1), [full(2), full(0.5)], 2.0),
    "sum": (lambda *xs: jtf.losses.compute_weighted_loss(*xs, reduction=2), [full(2), full(0.125)], 17500.0),
    "squared error": (lambda *xs: jtf.losses.mean_squared_error(*xs), [full(0), full(150), full(1)], 22500.0),
    "cosine": (lambda *xs: jtf.losses.cosine_distance(*xs, 0), [full(0.5), full(0.25)], 1.0 - MANY / 8),
    "hinge": (lambda *xs: jtf.losses.hinge_loss(*xs), [full(1), full(-1), full(1)], 2.0),
    "huber": (lambda *xs: jtf.losses.huber_loss(*xs), [full(0), full(3), full(1)], 2.5),
    "log loss": (lambda *xs: jtf.losses.log_loss(*xs), [full(1), full(0.25), full(1)], np.log(4)),
    "sigmoid": (lambda *xs: jtf.losses.sigmoid_cross_entropy(*xs), [full(1), full(0), full(1)], np.log(2)),
    "softmax loss": (lambda *xs: jtf.losses.softmax_cross_entropy(*xs), [ONE_HOT, full(0, 1, MANY)], np.log(MANY)),
    "softmax": (F.softmax, [full(0)], full(1 / MANY)),
    "log softmax": (F.log_softmax, [full(0)], full(-np.log(MANY))),
    "l1": (lambda x: F.regularizers.l1(x, 1e-3), [full(2)], 140.0),
    "l2": (lambda x: F.regularizers.l2(x, 1e-4), [full(30)], 6300.0),
    "l1 and l2": (lambda x: F.regularizers.l1_l2(x, 1e-3, 1e-4), [full(2)], 168.0),
    "max norm": (F.constraints.max_norm, [full(300, 4)], full(1, 4)),
    "unit norm": (F.constraints.unit_norm, [full(300, 4)], full(0.5, 4)),
    "min max norm": (F.constraints.min_max_norm, [full(300, 4)], full(0.5, 4)),
    "mean of windows": (lambda x: F.avg_pool(x, 2), [full(30_000, 1, 4, 1)], full(30_000, 1, 2, 1)),
    "mean of a large window": (lambda x: F.avg_pool(x, 40), [PIXELS], PIXELS.mean((1, 2), keepdims=True)),
    "mean of all": (jtf.layers.global_average_pooling1d().call, [full(300, 1, MANY, 1)], full(300, 1, 1)),
    "average": (lambda *xs: F.average(xs), [full(40_000, 1, 1), full(50_000, 1, 1)], full(45_000, 1, 1)),
    "cosine of vectors": (lambda *xs: F.dot(*xs, 1, True), [full(300, 1, 4), full(300, 1, 4)], full(1, 1, 1)),
    "attention": (F.attention_scores, [QUERIES, QUERIES], np.eye(4).reshape(1, 1, 4, 4)),
    "layer normalization": (lambda x: F.layer_normalization({}, x), [600 * SIGNS + 600], SIGNS),
    "mean of samples": (F.losses.mean_squared_error, [full(0, 1, MANY), full(150, 1, MANY)], full(22500, 1)),
}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, jnp.float16) for name in CASES]
    + [(name, jnp.bfloat16) for name in ("absolute difference", "softmax", "mean of a large window", "attention")],
)
def test_sums(name, dtype):
    function, arrays, expected = CASES[name]
    result = function(*(jnp.asarray(x, dtype) for x in arrays))
    assert result.dtype == dtype
    eps, smallest = float(jnp.finfo(dtype).eps), float(jnp.finfo(dtype).smallest_subnormal)
    if name == "mean of a large window":
        expected = np.asarray(jnp.asarray(arrays[0], dtype), np.float64).mean((1, 2), keepdims=True)
    np.testing.assert_allclose(np.asarray(result, np.float64), expected, rtol=eps, atol=smallest)


def test_the_gradient_of_a_mean_is_small_but_there():
    x = jnp.zeros(MANY, jnp.float16)
    gradient = jax.grad(lambda p: jtf.losses.absolute_difference(x, p, weights=x + 1))(x + 2)
    np.testing.assert_allclose(gradient, 1 / MANY, rtol=1e-2)


def test_penalties_on_activity_are_divided_before_they_are_rounded():
    layer = jtf.layers.dense(units=1, activity_regularizer=jtf.regularizers.l2(0.01))
    with collect_losses() as losses:
        layer.penalize_activity(jnp.full((MANY, 1), 30.0, jnp.float16))
    np.testing.assert_allclose(losses[0], 9.0, rtol=1e-6)
