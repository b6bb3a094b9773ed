"""Regularizers and constraints as objects, against formulas in float64."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

W = np.array([[3.0, 0.0, -0.2], [4.0, 0.0, 0.1]], np.float32)


@pytest.mark.parametrize(
    ("regularizer", "l1", "l2"),
    [
        (jtf.regularizers.l1(), 0.01, 0.0),
        (jtf.regularizers.l1(l1=0.5), 0.5, 0.0),
        (jtf.regularizers.l2(), 0.0, 0.01),
        (jtf.regularizers.l2(l2=0.25), 0.0, 0.25),
        (jtf.regularizers.l1_l2(), 0.01, 0.01),
        (jtf.regularizers.l1_l2(l1=0.5, l2=0.0), 0.5, 0.0),
        (jtf.regularizers.get("l1l2"), 0.01, 0.01),
    ],
)
def test_penalties(regularizer, l1, l2):
    w = W.astype(np.float64)
    expected = l1 * np.abs(w).sum() + l2 * (w**2).sum()
    for x in (W, jnp.asarray(W), jtf.variable(W)):
        penalty = regularizer(x)
        assert penalty.shape == ()
        np.testing.assert_allclose(penalty, expected, rtol=1e-6)
    gradient = jax.grad(regularizer)(jnp.asarray(W))
    np.testing.assert_allclose(gradient, l1 * np.sign(w) + 2 * l2 * w, rtol=1e-6, atol=1e-7)


def norms(w, axis):
    return np.sqrt((w.astype(np.float64) ** 2).sum(axis, keepdims=True))


@pytest.mark.parametrize("axis", [0, 1])
def test_max_norm(axis):
    n = norms(W, axis)
    expected = W * np.clip(n, 0, 1.5) / (n + 1e-7)
    np.testing.assert_allclose(jtf.constraints.max_norm(max_value=1.5, axis=axis)(W), expected, rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_unit_norm(axis):
    expected = W / (norms(W, axis) + 1e-7)
    np.testing.assert_allclose(jtf.constraints.unit_norm(axis=axis)(jtf.variable(W)), expected, rtol=1e-5)


def test_non_neg():
    np.testing.assert_array_equal(jtf.constraints.non_neg()(W), np.maximum(W, 0))


@pytest.mark.parametrize("rate", [1.0, 0.25])
def test_min_max_norm(rate):
    n = norms(W, 0)
    expected = W * (rate * np.clip(n, 0.5, 2.0) + (1 - rate) * n) / (n + 1e-7)
    constraint = jtf.constraints.min_max_norm(min_value=0.5, max_value=2.0, rate=rate)
    np.testing.assert_allclose(constraint(W), expected, rtol=1e-5)


def test_defaults():
    assert float(norms(np.asarray(jtf.constraints.max_norm()(W)), 0).max()) == pytest.approx(2.0)
    np.testing.assert_allclose(jtf.constraints.min_max_norm()(W), W / np.maximum(norms(W, 0), 1), rtol=1e-5)


def test_minimize_applies_constraints():
    w = jtf.Variable([0.5, 0.5], constraint=jtf.constraints.non_neg())
    jtf.train.sgd(1.0).minimize(lambda: (w * jnp.array([1.0, -1.0])).sum())
    np.testing.assert_array_equal(w, [0.0, 1.5])


def division_by_zero(x):
    raise ArithmeticError("no constraint")


@pytest.mark.parametrize(
    ("constraint", "error", "message"),
    [
        (division_by_zero, ArithmeticError, "no constraint"),
        (lambda x: jnp.stack([x, x]), ValueError, r"cannot be assigned shape \(2,\)"),
        (lambda x: x.astype("int32"), ValueError, "dtype int32"),
    ],
)
def test_a_constraint_that_fails_changes_nothing(constraint, error, message):
    v, w = jtf.variable(1.0), jtf.Variable(1.0, constraint=constraint)
    optimizer = jtf.train.momentum(0.1, 0.9)
    with pytest.raises(error, match=message):
        optimizer.minimize(lambda: v * 2 + w)
    assert (float(v), float(w), optimizer.iterations) == (1.0, 1.0, 0)
    w.constraint = None
    optimizer.minimize(lambda: v * 2 + w)
    assert (float(v), float(w)) == pytest.approx((0.8, 0.9))
