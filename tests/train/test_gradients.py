"""Gradients as TF.js has them, against jax.grad, finite differences and formulas."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

X = jnp.array([0.5, -1.0, 2.0])
M = jnp.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]])
FUNCTIONS = {
    "square": lambda x: x**2,
    "tanh": jnp.tanh,
    "product": lambda x: M @ x,
    "scalar": lambda x: jnp.sum(jnp.sin(x) * x),
    "relu": jtf.relu,
    "softmax": jtf.softmax,
    "two axes": lambda x: x[:, None] * jnp.exp(x)[None, :],
}


def finite_difference(f, x, dy, h=1e-3):
    x = np.asarray(x, np.float32)
    columns = []
    for i in range(x.size):
        step = np.zeros_like(x)
        step.flat[i] = h
        columns.append(
            np.sum((np.asarray(f(x + step), np.float64) - np.asarray(f(x - step), np.float64)) * dy) / (2 * h)
        )
    return np.array(columns).reshape(x.shape)


# --- functions of arrays ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("with_dy", [False, True])
def test_grad(name, with_dy):
    f = FUNCTIONS[name]
    shape = jax.eval_shape(f, X).shape
    dy = np.linspace(0.5, 1.5, max(np.prod(shape, dtype=int), 2), dtype=np.float32)[: np.prod(shape, dtype=int)]
    dy = dy.reshape(shape) if with_dy else np.ones(shape, np.float32)
    given = (jnp.asarray(dy),) if with_dy else ()
    gradient = jtf.grad(f)(X, *given)
    np.testing.assert_allclose(gradient, jax.grad(lambda x: jnp.sum(f(x) * dy))(X), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(gradient, finite_difference(f, X, dy), rtol=1e-2, atol=2e-3)
    value, same_gradient = jtf.value_and_grad(f)(X, *given)
    np.testing.assert_array_equal(same_gradient, gradient)
    np.testing.assert_allclose(value, f(X), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(jtf.grad(f))(X, *given), gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dy", [None, 2.0])
def test_grads(dy):
    f = lambda a, b, c: jnp.sum(a * b**2) * c  # noqa: E731
    a, b, c = X, X + 3, jnp.float32(0.5)
    expected = jax.grad(lambda *args: f(*args) * (1.0 if dy is None else dy), argnums=(0, 1, 2))(a, b, c)
    gradients = jtf.grads(f)([a, b, c], dy)
    assert isinstance(gradients, list)
    for ours, theirs in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    result = jtf.value_and_grads(f)((a, b, c), dy)
    assert float(result.value) == float(f(a, b, c))
    np.testing.assert_array_equal(result.grads[1], gradients[1])


@pytest.mark.parametrize("x", [3, 3.0, np.int64(3), np.float32(3), jnp.int32(3), jtf.variable(3.0), jtf.variable(3)])
def test_numbers_of_any_kind_have_float_gradients(x):
    gradient = jtf.grad(lambda x: x**2)(x)
    assert gradient.dtype == jnp.float32
    assert float(gradient) == 6.0


def test_dtypes_are_kept():
    assert jtf.grad(lambda x: x**2)(jnp.bfloat16(3)).dtype == jnp.bfloat16
    assert jtf.grad(lambda x: x.astype("bfloat16") * 2)(X).dtype == jnp.float32


def test_gradients_of_gradients():
    cube = lambda x: x**3  # noqa: E731
    assert float(jtf.grad(jtf.grad(cube))(2.0)) == 12.0
    assert float(jtf.grad(jtf.grad(jtf.grad(cube)))(2.0)) == 6.0


def test_variables_are_read_inside():
    w = jtf.variable([1.0, 2.0, 3.0])
    f = lambda x: jnp.sum(w * x**2)  # noqa: E731
    np.testing.assert_array_equal(jtf.grad(f)(X), 2 * w.read() * X)
    w.assign([0.0, 1.0, 0.0])
    np.testing.assert_array_equal(jtf.grad(f)(X), [0.0, -2.0, 0.0])
    assert float(jtf.value_and_grad(lambda x: w)(X).value[1]) == 1.0


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"dy must have the shape of f's result, \(3,\); received \(2,\)"):
        jtf.grad(jnp.sin)(X, jnp.ones(2))
    with pytest.raises(TypeError, match=r"The arguments go in one list.*received ArrayImpl.*use jtf\.grad"):
        jtf.grads(lambda a, b: a * b)(X)
    with pytest.raises(TypeError, match="result has dtype int32 and so no gradient"):
        jtf.grad(lambda x: (x > 0).astype("int32"))(X)
    with pytest.raises(TypeError, match="result has dtype bool"):
        jtf.value_and_grads(lambda a: a > 0)([X])


# --- functions of Variables -------------------------------------------------------------------------


def test_variable_grads():
    w, b = jtf.variable([1.0, 2.0], name="vg_w"), jtf.variable(0.5, name="vg_b")
    unread, fixed = jtf.variable(1.0, name="vg_u"), jtf.variable(3.0, trainable=False, name="vg_f")
    loss = lambda: jnp.sum(w**3) * b + fixed  # noqa: E731
    for ask in (jtf.variable_grads, jtf.train.sgd(0.1).compute_gradients):
        value, gradients = ask(loss)
        assert float(value) == 7.5
        assert set(gradients) == {"vg_w", "vg_b"}
        np.testing.assert_array_equal(gradients["vg_w"], [1.5, 6.0])
        assert float(gradients["vg_b"]) == 9.0
        assert set(ask(loss, [b, unread]).grads) == {"vg_b"}
    assert [float(v) for v in (b, unread, fixed)] == [0.5, 1.0, 3.0]


def test_gradients_by_name_need_names_of_their_own():
    a, b = jtf.variable(1.0, name="twin"), jtf.variable(1.0, name="twin")
    for ask in (jtf.variable_grads, jtf.train.sgd(0.1).compute_gradients):
        with pytest.raises(ValueError, match=r"Two Variables are called 'twin'.*or use optimizer.minimize"):
            ask(lambda: a * b)
    with pytest.raises(ValueError, match="2 Variables are called 'twin'; give the Variable itself"):
        jtf.train.sgd(0.1).apply_gradients({"twin": 1.0})
    jtf.train.sgd(0.5).apply_gradients({a: 1.0})
    assert (float(a), float(b)) == (0.5, 1.0)


def test_variable_grads_under_jit():
    w = jtf.variable([1.0, 2.0], name="jit_w")
    gradients = jax.jit(lambda x: jtf.variable_grads(lambda: jnp.sum(w * x)).grads)(X[:2])
    np.testing.assert_array_equal(gradients["jit_w"], X[:2])


def test_gradients_inside_closures():
    # A gradient penalty: the gradient for x is differentiated for w.
    w = jtf.variable(3.0)
    value, gradients = jtf.variable_grads(lambda: jtf.grad(lambda x: w * x**2)(2.0) ** 2, [w])
    assert float(value) == 144.0
    assert float(gradients[w.name]) == 96.0


def test_the_parts_of_minimize():
    w, whole = jtf.variable([1.0, 2.0], name="parts_w"), jtf.variable([1.0, 2.0])
    by_parts, at_once = jtf.train.adam(0.1), jtf.train.adam(0.1)
    for _ in range(5):
        value, gradients = by_parts.compute_gradients(lambda: jnp.sum(w**4))
        by_parts.apply_gradients(gradients)
        assert float(value) == float(at_once.minimize(lambda: jnp.sum(whole**4), return_cost=True))
    np.testing.assert_array_equal(w, whole)
    assert by_parts.iterations == 5


@pytest.mark.parametrize(
    "given",
    [
        lambda v, w: {v: 1.0, w: [1.0, 2.0]},
        lambda v, w: {"apply_v": 1, "apply_w": np.array([1, 2])},
        lambda v, w: [(w, jnp.array([1.0, 2.0])), ("apply_v", 1.0)],
        lambda v, w: iter([(v, 1.0), (w, jtf.variable([1.0, 2.0]))]),
        lambda v, w: {v: 1.0, w: [1.0, 2.0], "absent": None},
    ],
    ids="variables names pairs iterator none".split(),
)
def test_apply_gradients(given):
    v, w = jtf.variable(1.0, name="apply_v"), jtf.variable([1.0, 1.0], name="apply_w")
    optimizer = jtf.train.sgd(0.5)
    optimizer.apply_gradients(given(v, w))
    assert float(v) == 0.5
    np.testing.assert_array_equal(w, [0.5, 0.0])
    assert optimizer.iterations == 1


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            lambda v, w: {v: 1.0, "refuse_x": 1.0},
            ValueError,
            r"no Variable called 'refuse_x'. Did you mean 'refuse_.'\?",
        ),
        (lambda v, w: {v: 1.0, w: jnp.ones(3)}, ValueError, r"Variable 'refuse_w' has shape \(3,\); expected \(2,\)"),
        (lambda v, w: {v: jnp.ones(1)}, ValueError, r"shape \(1,\); expected \(\)"),
        (lambda v, w: [(v, 1.0), ("refuse_v", 1.0)], ValueError, "two gradients for Variable 'refuse_v'; add them up"),
        (lambda v, w: [(1.0, v)], TypeError, "received float in place of the Variable"),
        (lambda v, w: {v: 1.0, jtf.variable(1, name="whole"): 1.0}, TypeError, "'whole' has dtype int32"),
        (lambda v, w: jtf.variable_grads(lambda: v * 2), TypeError, r"pass the gradients alone: apply_gradients\(x"),
    ],
)
def test_refused_gradients_change_nothing(given, error, message):
    v, w = jtf.variable(1.0, name="refuse_v"), jtf.variable([1.0, 1.0], name="refuse_w")
    optimizer = jtf.train.momentum(0.5, 0.9)
    with pytest.raises(error, match=message):
        optimizer.apply_gradients(given(v, w))
    assert (float(v), optimizer.iterations) == (1.0, 0)
    np.testing.assert_array_equal(w, [1.0, 1.0])


# --- gradients of one's own -------------------------------------------------------------------------


def saves(x, save):
    save([x])
    return jnp.sin(x), lambda dy, saved: dy * 10 * saved[0]


def saves_one_array(x, save):
    save(x)
    return jnp.sin(x), lambda dy, saved: dy * 10 * saved[0]


def captures(x, save):
    return jnp.sin(x), lambda dy, saved: [dy * 10 * x]


TRANSFORMS = {
    "plain": lambda g: g,
    "jit": jax.jit,
    "grad of jit": lambda g: g,
    "vmap": jax.vmap,
    "jit of vmap": lambda g: jax.jit(jax.vmap(g)),
}


@pytest.mark.parametrize("f", [saves, saves_one_array, captures], ids=lambda f: f.__name__)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_custom_gradients(f, transform):
    mine = jtf.custom_grad(f)
    np.testing.assert_allclose(mine(X), jnp.sin(X), rtol=1e-6)
    inside = jax.jit(mine) if transform == "grad of jit" else mine
    np.testing.assert_allclose(TRANSFORMS[transform](jtf.grad(inside))(X), 10 * X, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(lambda x: jnp.sum(2 * inside(x)))(X), 20 * X, rtol=1e-6)


def test_custom_gradients_of_several_inputs():
    @jtf.custom_grad
    def product(a, b, save):
        save([a, b])
        return a * b, lambda dy, saved: [dy * saved[1] * 2, dy * saved[0] * 3]

    gradients = jtf.grads(product)([X, X + 1])
    np.testing.assert_allclose(gradients[0], 2 * (X + 1), rtol=1e-6)
    np.testing.assert_allclose(gradients[1], 3 * X, rtol=1e-6)


def test_custom_gradients_reach_variables():
    w = jtf.variable(X)
    clipped = jtf.custom_grad(lambda x, save: (x * 1, lambda dy, saved: jnp.clip(dy, -1.0, 1.0)))
    optimizer = jtf.train.sgd(1.0)
    optimizer.minimize(lambda: jnp.sum(clipped(w) * jnp.array([5.0, -5.0, 0.5])))
    np.testing.assert_allclose(w, X - jnp.array([1.0, -1.0, 0.5]), rtol=1e-6)


def test_custom_gradients_can_be_differentiated():
    mine = jtf.custom_grad(saves)
    assert float(jtf.grad(jtf.grad(mine))(jnp.float32(2.0))) == 10.0


def test_a_custom_gradient_is_not_that_of_the_value():
    straight_through = jtf.custom_grad(lambda x, save: (jnp.round(x), lambda dy, saved: dy))
    np.testing.assert_array_equal(jtf.grad(lambda x: jnp.sum(straight_through(x) * 3))(X), [3.0, 3.0, 3.0])
    np.testing.assert_array_equal(jtf.grad(lambda x: jnp.sum(jnp.round(x) * 3))(X), [0.0, 0.0, 0.0])
