"""Merging arrays."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jtf import functional as F

ELEMENTWISE = {
    "add": lambda a, b, c: a + b + c,
    "multiply": lambda a, b, c: a * b * c,
    "average": lambda a, b, c: (a + b + c) / 3,
    "maximum": lambda a, b, c: np.maximum(np.maximum(a, b), c),
    "minimum": lambda a, b, c: np.minimum(np.minimum(a, b), c),
}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shapes", [((2, 3),) * 3, ((2, 4, 3), (2, 3), (2, 1)), ((2, 3), (2, 1, 3), (2, 4, 2, 1))])
def test_elementwise(name, shapes):
    xs = [noise(*shape, seed=i) for i, shape in enumerate(shapes)]
    ndim = max(len(shape) for shape in shapes)
    behind_the_batch = [x.reshape(2, *(1,) * (ndim - x.ndim), *x.shape[1:]) for x in xs]
    expected = ELEMENTWISE[name](*behind_the_batch)
    np.testing.assert_allclose(getattr(F, name)(xs), expected, rtol=1e-6)
    check_grads(lambda *xs: getattr(F, name)(xs), tuple(xs), order=1, modes=["rev"], atol=1e-2, rtol=1e-2, eps=1e-3)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_dtypes_and_nan(name):
    function = getattr(F, name)
    ints = jnp.ones((1, 2), jnp.int32)
    assert function([ints, ints]).dtype == (jnp.float32 if name == "average" else jnp.int32)
    assert function([ints, jnp.ones((1, 2))]).dtype == jnp.float32
    assert function([jnp.ones((1, 2), jnp.bfloat16)] * 2).dtype == jnp.bfloat16
    for pair in itertools.permutations([jnp.array([[jnp.nan]]), jnp.array([[1.0]])]):
        assert np.isnan(function(pair)).all()


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_of_equals_the_first_gets_the_gradient(name):
    x = jnp.ones((1, 2))
    grads = jax.grad(lambda xs: jnp.sum(getattr(F, name)(xs)))([x, x, x])
    np.testing.assert_array_equal(grads, [x, 0 * x, 0 * x])


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_concatenate(axis):
    shapes = [[2, 3, 4], [2, 3, 4]]
    shapes[1][axis] = 5
    xs = [noise(*shape) for shape in shapes]
    np.testing.assert_array_equal(F.concatenate(xs, axis), np.concatenate(xs, axis))


@pytest.mark.parametrize(
    ("a", "b", "axes"),
    [
        ((2, 3), (2, 3), 1),
        ((2, 3), (2, 4, 3), -1),
        ((2, 3, 5), (2, 3), 1),
        ((2, 3, 5), (2, 5, 4), (2, 1)),
        ((2, 3, 4, 5), (2, 6, 4), (2, -1)),
        ((2, 3, 4, 5), (2, 6, 4, 3), (1, 3)),
    ],
)
@pytest.mark.parametrize("normalize", [False, True])
def test_dot(a, b, axes, normalize):
    x, y = noise(*a), noise(*b, seed=1)
    pair = (axes, axes) if isinstance(axes, int) else axes

    def unit(v, axis):
        return v / np.linalg.norm(v, axis=axis, keepdims=True) if normalize else v

    one_by_one = [
        np.tensordot(p, q, axes=([pair[0] % x.ndim - 1], [pair[1] % y.ndim - 1]))
        for p, q in zip(unit(x, pair[0]), unit(y, pair[1]), strict=True)
    ]
    expected = np.stack(one_by_one)
    actual = F.dot(x, y, axes, normalize)
    np.testing.assert_allclose(actual, expected[:, None] if expected.ndim == 1 else expected, rtol=1e-5, atol=1e-6)
    check_grads(lambda x, y: F.dot(x, y, axes, normalize), (x, y), 1, ["rev"], atol=1e-2, rtol=1e-2, eps=1e-3)


def test_the_norm_of_nothing():
    zero = jnp.zeros((1, 3))
    assert F.dot(zero, zero, normalize=True).item() == 0
    assert np.isfinite(jax.grad(lambda x: F.dot(x, zero, normalize=True).sum())(zero)).all()
    np.testing.assert_allclose(F.dot([[1, 2]], [[2, 4]], normalize=True), [[1.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.add([jnp.ones((2, 3))]), "add: expected a list of at least two arrays; received 1"),
        (lambda: F.maximum([]), "maximum: expected a list of at least two arrays; received 0"),
        (lambda: F.multiply([jnp.ones((2, 3)), jnp.ones((2, 4))]), r"multiply: expected .* received shapes \(2, 3\)"),
        (lambda: F.average([jnp.ones((2, 3)), jnp.ones((1, 3))]), "average: expected arrays with the same batch"),
        (lambda: F.minimum([jnp.ones(()), jnp.ones((1, 3))]), "minimum: expected arrays with the same batch"),
        (lambda: F.concatenate([jnp.ones((2, 3))]), "concatenate: expected a list of at least two"),
        (lambda: F.concatenate([jnp.ones((2, 3)), jnp.ones((3, 3))]), "equal shapes but for axis -1; received"),
        (lambda: F.concatenate([jnp.ones((2, 3)), jnp.ones((2, 3, 1))]), "equal shapes but for axis -1; received"),
        (lambda: F.concatenate([jnp.ones((2, 3))] * 2, axis=2), "equal shapes but for axis 2; received"),
        (lambda: F.dot(jnp.ones((2, 3)), jnp.ones((2, 4))), "dot: expected two arrays with the same batch and axes of"),
        (lambda: F.dot(jnp.ones((2, 3)), jnp.ones((1, 3))), r"received shapes \(2, 3\) and \(1, 3\), axes -1"),
        (lambda: F.dot(jnp.ones((2, 3)), jnp.ones((2, 3)), axes=0), "none of which is the batch; .* axes 0"),
        (lambda: F.dot(jnp.ones((2, 3)), jnp.ones((2, 3)), axes=2), "axes of one length"),
        (lambda: F.dot(jnp.ones(()), jnp.ones((2, 3))), "axes of one length"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_average_of_integers_does_not_overflow():
    for dtype in (np.uint8, np.int8, np.int32):
        largest = np.iinfo(dtype).max
        x = np.array([[largest]], dtype)
        np.testing.assert_allclose(F.average([x, x]), [[largest]], rtol=1e-6)
        assert F.average([x, x]).dtype == jnp.float32
