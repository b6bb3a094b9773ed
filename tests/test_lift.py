"""`lift` makes functions over Variables pure: what they read is bound, what they assign is returned."""

from __future__ import annotations

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf


def test_reads_yield_what_is_bound():
    v = jtf.variable([1.0, 2.0])
    result, [new] = jtf.lift(lambda x: v * x, [v])([jnp.array([10.0, 20.0])], 2.0)
    np.testing.assert_array_equal(result, [20.0, 40.0])
    np.testing.assert_array_equal(new, [10.0, 20.0])
    np.testing.assert_array_equal(v, [1.0, 2.0])


def test_assignments_are_recorded_and_seen_at_once():
    v = jtf.variable(1.0)

    def f():
        v.assign(v + 1)
        middle = v.read()
        v.assign(v * 10)
        return middle

    middle, [new] = jtf.lift(f, [v])([5.0])
    assert (float(middle), float(new), float(v)) == (6.0, 60.0, 1.0)


@pytest.mark.parametrize(
    "structure",
    [
        lambda a, b: [a, b],
        lambda a, b: (a, b),
        lambda a, b: {"a": a, "b": b},
        lambda a, b: {"deep": [{"a": a}, (b, [])], "none": None},
        lambda a, b: [a, [b, a]],
    ],
    ids=["list", "tuple", "dict", "nested", "twice"],
)
def test_structures_of_variables(structure):
    a, b = jtf.variable([1.0, 2.0]), jtf.variable(3.0)

    def swap(x):
        old = a + 0
        a.assign(a * b)
        b.assign(old[0])
        return x + b

    values = structure(jnp.array([5.0, 6.0]), jnp.float32(2.0))
    result, new = jtf.lift(swap, structure(a, b))(values, 1.0)
    assert float(result) == 6.0
    assert jax.tree.structure(new) == jax.tree.structure(values)
    expected = structure(np.array([10.0, 12.0], np.float32), np.float32(5.0))
    jax.tree.map(np.testing.assert_array_equal, new, expected)


def test_a_single_variable():
    v = jtf.variable(1.0)
    result, new = jtf.lift(lambda: v.assign(v + 1), v)(5.0)
    assert float(result) == float(new) == 6.0


@pytest.mark.parametrize(
    "value", [3.0, 3, np.float32(3), jnp.float32(3), jtf.variable(3.0)], ids="float int numpy jax Variable".split()
)
def test_bound_values_become_arrays(value):
    v = jtf.variable(1.0)
    result, [new] = jtf.lift(lambda: v.reshape(1) * 2, [v])([value])
    np.testing.assert_array_equal(result, [6.0])
    assert isinstance(new, jax.Array)
    assert new.dtype == result.dtype == jnp.float32


def test_the_variables_themselves_may_be_bound():
    v = jtf.variable([1.0, 2.0])
    result, [new] = jtf.lift(lambda: v.assign(v * 2), [v])([v])
    np.testing.assert_array_equal(result, [2.0, 4.0])
    np.testing.assert_array_equal(new, [2.0, 4.0])
    np.testing.assert_array_equal(v, [1.0, 2.0])


def test_variables_in_the_result_become_their_values():
    v, w = jtf.variable(1.0), jtf.variable(7.0)

    def f():
        v.assign(v + 1)
        return {"new": v, "other": [w, None, "text"]}

    result, _ = jtf.lift(f, [v])([5.0])
    assert isinstance(result["new"], jax.Array)
    assert float(result["new"]) == 6.0
    assert float(result["other"][0]) == 7.0
    assert result["other"][1:] == [None, "text"]


def test_unlisted_variables_are_read_and_not_assigned():
    a, b = jtf.variable(1.0), jtf.variable(2.0, name="unlisted")
    assert float(jtf.lift(lambda: a + b, [a])([10.0])[0]) == 12.0
    with pytest.raises(ValueError, match="'unlisted' is assigned inside a lifted function that does not list it"):
        jtf.lift(lambda: b.assign(3.0), [a])([10.0])
    assert float(b) == 2.0


def test_wrong_values_are_refused():
    v = jtf.variable([1.0, 2.0], name="w")
    pure = jtf.lift(lambda: v + 0, [v])
    with pytest.raises(ValueError, match=r"Variable 'w' has shape \(3,\); expected \(2,\)"):
        pure([jnp.ones(3)])
    with pytest.raises(ValueError, match=r"shape \(\); expected \(2,\)"):
        pure([1.0])
    with pytest.raises(ValueError, match=r"[Ll]ist"):
        pure([jnp.ones(2), jnp.ones(2)])
    with pytest.raises(TypeError, match=r"found float: 2\.0"):
        jtf.lift(lambda: v, [v, 2.0])
    with pytest.raises(ValueError, match="cannot be assigned"):
        jtf.lift(lambda: v.assign(jnp.ones(3)), [v])([jnp.ones(2)])


# --- under jax's transformations --------------------------------------------------------------------


def counter():
    w, count = jtf.variable([1.0, 2.0], name="w"), jtf.variable(0, name="count")

    def f(x):
        count.assign(count + 1)
        return (w**2).sum() * x

    return w, count, jtf.lift(f, {"w": w, "count": count})


def test_jit():
    _, count, pure = counter()
    state = {"w": jnp.array([1.0, 2.0]), "count": jnp.int32(0)}
    compiled = jax.jit(pure)
    for turn in range(1, 4):
        result, state = compiled(state, float(turn))
        assert float(result) == 5.0 * turn
        assert int(state["count"]) == turn
    assert compiled._cache_size() == 1
    assert int(count) == 0


def test_grad():
    _, _, pure = counter()
    gradients, new = jax.grad(lambda w: pure({"w": w, "count": 3}, 2.0), has_aux=True)(jnp.array([1.0, -3.0]))
    np.testing.assert_array_equal(gradients, [4.0, -12.0])
    assert int(new["count"]) == 4


def test_vmap():
    _, _, pure = counter()
    values = {"w": jnp.array([[1.0, 2.0], [3.0, 4.0]]), "count": jnp.array([0, 10])}
    result, new = jax.vmap(pure, in_axes=(0, None))(values, 1.0)
    np.testing.assert_array_equal(result, [5.0, 25.0])
    np.testing.assert_array_equal(new["count"], [1, 11])


def test_scan():
    _, _, pure = counter()

    def step(state, x):
        result, state = pure(state, x)
        return state, result

    start = {"w": jnp.array([1.0, 2.0]), "count": jnp.array(0)}
    state, results = jax.lax.scan(step, start, jnp.arange(4.0))
    assert int(state["count"]) == 4
    np.testing.assert_array_equal(results, [0.0, 5.0, 10.0, 15.0])


def test_the_result_is_that_of_the_pure_formula():
    w, b = jtf.variable(np.ones((3, 2), np.float32)), jtf.variable([0.5, -0.5])
    x = jnp.arange(6.0).reshape(2, 3)
    values = [jnp.arange(6.0).reshape(3, 2) / 7, jnp.array([1.0, 2.0])]

    def formula(values):
        return jnp.tanh(x @ values[0] + values[1][None]).sum()

    lifted = jtf.lift(lambda: jnp.tanh(x @ w + b[None]).sum(), [w, b])
    mine, theirs = jax.grad(lambda v: lifted(v)[0])(values), jax.grad(formula)(values)
    jax.tree.map(np.testing.assert_array_equal, mine, theirs)


# --- nesting ----------------------------------------------------------------------------------------


def test_the_innermost_binding_counts():
    v = jtf.variable(1.0)

    def inner():
        v.assign(v + 0.5)
        return v + 0

    def outer():
        v.assign(v + 1)
        inside, [new] = jtf.lift(inner, [v])([100.0])
        return inside, new, v + 0

    (inside, inner_new, after), [outer_new] = jtf.lift(outer, [v])([10.0])
    assert [float(x) for x in (inside, inner_new, after, outer_new, v)] == [100.5, 100.5, 11.0, 11.0, 1.0]


def test_an_inner_function_reads_the_outer_binding_and_cannot_assign_it():
    a, b = jtf.variable(1.0), jtf.variable(2.0, name="outer")
    reading = jtf.lift(lambda: a + b, [a])
    result, _ = jtf.lift(lambda: reading([10.0])[0], [b])([20.0])
    assert float(result) == 30.0
    writing = jtf.lift(lambda: b.assign(b + 1), [a])
    for inner in (writing, jax.jit(writing)):
        with pytest.raises(ValueError, match="'outer' is assigned inside a lifted function that does not list it"):
            jtf.lift(lambda inner=inner: inner([10.0])[0], [b])([20.0])


def test_minimizing_inside_a_lifted_function():
    w = jtf.variable(1.0)
    optimizer = jtf.train.sgd(0.25)

    def step():
        optimizer.minimize(lambda: (w - 3) ** 2)
        return w + 0

    result, [new, iterations] = jtf.lift(step, [w, optimizer.iterations_variable])([5.0, 7])
    assert float(result) == float(new) == 4.0
    assert int(iterations) == 8
    assert float(w) == 1.0
    assert optimizer.iterations == 0


def test_scopes_are_restored_after_exceptions():
    v = jtf.variable(1.0)

    def fails():
        v.assign(99.0)
        raise KeyError("stop")

    for wrapped in (jtf.lift(fails, [v]), jax.jit(jtf.lift(fails, [v]))):
        with pytest.raises(KeyError, match="stop"):
            wrapped([5.0])
        assert float(v) == 1.0
        v.assign(2.0)
        assert float(v) == 2.0
        v.assign(1.0)
    jtf.random_normal([1])  # the key stream has been left as well


def test_a_leaked_tracer_never_stays():
    v = jtf.variable(1.0)
    jax.jit(jtf.lift(lambda x: v.assign(v + x), [v]))([5.0], 1.0)
    jax.grad(lambda x: jtf.lift(lambda: v.assign(v * x), [v])([5.0])[0])(2.0)
    assert float(v) == 1.0
    assert not isinstance(v.read(), jax.core.Tracer)


# --- random numbers ---------------------------------------------------------------------------------


def test_draws_need_a_key():
    v = jtf.variable(1.0)
    pure = jtf.lift(lambda: v + jtf.random_normal([]), [v])
    with pytest.raises(ValueError, match=r"given no key. Pass one(.|\n)*rng=key"):
        pure([1.0])
    with pytest.raises(ValueError, match="given no key"):
        jax.jit(pure)([1.0])
    # What draws nothing needs none.
    assert (
        float(jtf.lift(lambda: jtf.initializers.zeros()([]) + jtf.random_uniform([], 0, 1, seed=3) * 0, [v])([1.0])[0])
        == 0
    )


def test_draws_follow_the_key():
    v = jtf.variable(1.0)
    pure = jtf.lift(lambda: [jtf.random_normal([3]) + 0 * v for _ in range(3)], [v])

    def draws(seed):
        return np.stack(pure([1.0], rng=jax.random.key(seed))[0])

    jtf.set_seed(1)
    first = draws(0)
    jtf.set_seed(2)
    jtf.random_normal([5])
    np.testing.assert_array_equal(draws(0), first)
    assert len(np.unique(np.concatenate([first, draws(1)]))) == 18
    jitted = jax.jit(pure)([1.0], rng=jax.random.key(0))[0]
    np.testing.assert_allclose(np.stack(jitted), first, rtol=1e-6)


def test_draws_inside_leave_the_global_generator_alone():
    v = jtf.variable(1.0)
    jtf.set_seed(5)
    expected = [jtf.random_normal([2]), jtf.random_normal([2])]
    jtf.set_seed(5)
    first = jtf.random_normal([2])
    jtf.lift(lambda: jtf.random_normal([4]) * v, [v])([1.0], rng=jax.random.key(0))
    np.testing.assert_array_equal(first, expected[0])
    np.testing.assert_array_equal(jtf.random_normal([2]), expected[1])


def test_keys_may_be_batched_and_nested():
    v = jtf.variable(1.0)
    pure = jtf.lift(lambda: jtf.random_uniform([]) + 0 * v, [v])
    keys = jax.random.split(jax.random.key(0), 5)
    batched, _ = jax.vmap(lambda key: pure([1.0], rng=key))(keys)
    assert len(np.unique(batched)) == 5
    np.testing.assert_array_equal(batched[2], pure([1.0], rng=keys[2])[0])

    def outer():
        before = jtf.random_uniform([])
        inside = pure([1.0], rng=keys[2])[0]
        return before, inside, jtf.random_uniform([])

    before, inside, after = jtf.lift(outer, [])([], rng=keys[0])[0]
    np.testing.assert_array_equal(inside, batched[2])
    np.testing.assert_array_equal(
        [before, after], jtf.lift(lambda: [jtf.random_uniform([]) for _ in "ab"], [])([], rng=keys[0])[0]
    )


# --- threads ----------------------------------------------------------------------------------------


def test_threads_have_scopes_of_their_own():
    v, w = jtf.variable(0.0), jtf.variable(0.0)
    barrier, failures = threading.Barrier(4), []

    def work(number):
        def f():
            barrier.wait(10)
            read = v.read()
            v.assign(read + 1)
            barrier.wait(10)
            return v + 0

        try:
            for turn in range(5):
                start = float(10 * number + turn)
                result, [new] = jtf.lift(f, [v])([start])
                assert float(result) == float(new) == start + 1
        except BaseException as error:
            failures.append(error)

    def outside():
        try:
            for turn in range(10):
                barrier.wait(10)
                w.assign(float(turn))
                assert float(w) == turn
                assert float(v) == 0.0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[n]) for n in range(3)] + [threading.Thread(target=outside)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert float(v) == 0.0
