"""`minimize`: closures are ordinary functions, and what is refused changes nothing."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtf
from jtf.variable import lend_all
from tests.train.problem import START, close, formula, pure_run, variables

# --- closures ---------------------------------------------------------------------------------------


class Holder:
    def __init__(self, target):
        self.target = target


TARGET = 1.0


def test_nothing_captured_is_stale():
    w = jtf.variable(0.0)
    optimizer = jtf.train.sgd(0.5)  # one step goes exactly to the target
    cell, holder, items, named = 1.0, Holder(1.0), [1.0], {"target": 1.0}

    def with_default(target=1.0):
        return (w - target) ** 2

    def step_to(f, expected):
        optimizer.minimize(f)
        assert float(w) == expected

    def closure():
        return (w - cell) ** 2

    for cell in (1.0, 2.0, 3.0):
        step_to(closure, cell)

    def uses_global():
        return (w - TARGET) ** 2

    for target in (5.0, 6.0):
        globals()["TARGET"] = target
        step_to(uses_global, target)
    for target in (7.0, 8.0):
        holder.target = items[0] = named["target"] = target
        step_to(lambda: (w - holder.target) ** 2, target)
        step_to(lambda: (w - items[0] - 1) ** 2, target + 1)
        step_to(lambda: (w - named["target"]) ** 2, target)
        with_default.__defaults__ = (target + 2,)
        step_to(with_default, target + 2)
        step_to(lambda t=target: (w - t) ** 2, target)
    for batch in ([1.0], [2.0, 4.0], [[6.0, 6.0]]):  # new shapes, too
        array = np.array(batch, np.float32)
        step_to(lambda array=array: jnp.mean((w - array) ** 2), array.mean())


def test_a_closure_runs_exactly_once():
    w, calls, numbers = jtf.variable(1.0), [], itertools.count()
    optimizer = jtf.train.adam()

    def f():
        calls.append(next(numbers))
        return w * 2

    for turn in range(1, 6):
        optimizer.minimize(f, var_list=[w] if turn % 2 else None, return_cost=turn % 3 == 0)
        assert calls == list(range(turn))
    optimizer.compute_gradients(f)
    jtf.variable_grads(f)
    assert calls == list(range(7))


def test_a_captured_iterator_advances_by_one():
    w, optimizer = jtf.variable(0.0), jtf.train.sgd(0.5)
    batches = iter([1.0, 2.0, 3.0])
    for expected in (1.0, 2.0, 3.0):
        optimizer.minimize(lambda: (w - next(batches)) ** 2)
        assert float(w) == expected
    with pytest.raises(StopIteration):
        optimizer.minimize(lambda: (w - next(batches)) ** 2)
    assert optimizer.iterations == 3
    w.assign(1.0)  # the scope has been left


def test_assignments_in_a_closure_are_performed():
    w, mean, count = jtf.variable(2.0), jtf.variable(0.0, trainable=False), jtf.variable(0, trainable=False)

    def f():
        mean.assign(0.5 * mean + 0.5 * w)
        count.assign(count + 1)
        return w**2

    optimizer = jtf.train.sgd(0.25)
    assert float(optimizer.minimize(f, return_cost=True)) == 4.0
    assert (float(w), float(mean), int(count)) == (1.0, 1.0, 1)
    optimizer.minimize(f)
    assert (float(w), float(mean), int(count)) == (0.5, 1.0, 2)
    assert not isinstance(mean.read(), jax.core.Tracer)
    # Asking for gradients performs them, too.
    optimizer.compute_gradients(f)
    jtf.variable_grads(f)
    assert (float(w), float(mean), int(count)) == (0.5, 0.625, 4)


def test_an_assignment_to_the_minimized_variable_comes_first():
    w = jtf.variable(8.0)

    def f():
        loss = w**2
        w.assign(1.0)
        return loss

    jtf.train.sgd(0.25).minimize(f)
    assert float(w) == 1.0 - 0.25 * 16.0


def test_control_flow_on_values():
    w, optimizer = jtf.variable(4.0), jtf.train.sgd(0.25)
    for expected in (2.0, 1.0, 0.75):
        optimizer.minimize(lambda: w**2 if w > 1 else w * 1)
        assert float(w) == expected


def test_variables_created_in_a_closure():
    w = jtf.variable(3.0)

    def f():
        scale = jtf.variable(2.0)
        scale.assign(4.0)
        return w * scale

    jtf.train.sgd(0.25).minimize(f)
    assert float(w) == 2.0


def test_var_list():
    v = variables()
    expected, _ = pure_run(optax.sgd(0.1), 3, lambda p: formula({**START, **p}), {"b": START["b"]})
    optimizer = jtf.train.sgd(0.1)
    for _ in range(3):
        optimizer.minimize(lambda: formula(v), var_list=[v["b"], v["b"]])
    close(v, {**START, **expected})
    # A Variable that the function does not read stays as it is; so does one that is not trainable.
    unread, fixed = jtf.variable(1.0), jtf.variable(1.0, trainable=False)
    optimizer.minimize(lambda: v["s"] * fixed, var_list=[v["s"], unread, fixed])
    assert float(v["s"]) == pytest.approx(1.4)
    assert (float(unread), float(fixed)) == (1.0, 1.0)


def test_without_a_list_what_is_read_and_trainable_moves():
    read, unread, fixed = jtf.variable(1.0), jtf.variable(1.0), jtf.variable(1.0, trainable=False)
    integers = jtf.variable(2)
    optimizer = jtf.train.adam(0.5)
    optimizer.minimize(lambda: read * fixed * integers)
    assert [float(v) for v in (unread, fixed, integers)] == [1.0, 1.0, 2.0]
    assert float(read) == pytest.approx(0.5, rel=1e-4)
    fixed.trainable, read.trainable, before = True, False, float(read)
    optimizer.minimize(lambda: read * fixed)
    assert [float(v) for v in (read, unread)] == [before, 1.0]
    assert float(fixed) < 1.0


# --- what is refused --------------------------------------------------------------------------------


def refused(f, error, message, **options):
    w, extra = jtf.variable([1.0, 2.0], name="refused_w"), jtf.variable(0.0, trainable=False)
    optimizer = jtf.train.momentum(0.1, 0.9)
    with pytest.raises(error, match=message):
        optimizer.minimize(lambda: f(w, extra), **options)
    np.testing.assert_array_equal(w, [1.0, 2.0])
    assert float(extra) == 0.0
    assert optimizer.iterations == 0
    # And nothing is left behind: the next call is a first one.
    optimizer.minimize(lambda: w.sum())
    np.testing.assert_allclose(w, [0.9, 1.9])


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (lambda w: w * 1, ValueError, r"must return a scalar loss; received shape \(2,\). Reduce it"),
        (lambda w: w, ValueError, r"received shape \(2,\)"),
        (lambda w: w[0] + 0 * w[None, 0], ValueError, r"received shape \(1,\)"),
        (lambda w: None, ValueError, r"received None. Did it forget to return\?"),
        (lambda w: (w.sum(), w), TypeError, "a scalar loss and nothing else; received tuple"),
        (lambda w: {"loss": w.sum()}, TypeError, "received dict"),
        (lambda w: "0.5", TypeError, "received str"),
        (lambda w: (w > 0).sum(), TypeError, "a real number, which has a gradient; received dtype int32"),
        (lambda w: (w > 0).all(), TypeError, "received dtype bool"),
        (lambda w: w.sum() * 1j, TypeError, "received dtype complex64"),
        (lambda w: 1 / 0, ZeroDivisionError, "division"),
    ],
)
def test_wrong_results_change_nothing(result, error, message):
    def f(w, extra):
        extra.assign(extra + 1)
        w.assign(w * 5)
        w.assign(w / 5)
        return result(w)

    refused(f, error, message)


def test_a_wrong_assignment_changes_nothing():
    def f(w, extra):
        extra.assign(1.0)
        w.assign(jnp.ones(3))
        return w.sum()

    refused(f, ValueError, "Variable 'refused_w' holds shape")


@pytest.mark.parametrize("f", [lambda w: w * 0 == 0, jnp.round, jax.lax.stop_gradient], ids=["==", "round", "stop"])
def test_a_loss_that_depends_on_no_variable(f):
    w, optimizer = jtf.variable(2.0), jtf.train.sgd(0.1)
    with pytest.raises(ValueError, match="The loss depends on none of the trainable weights"):
        optimizer.minimize(lambda: jnp.asarray(f(w.read()), jnp.float32) + 1)
    assert (float(w), optimizer.iterations) == (2.0, 0)


def test_nothing_to_minimize():
    w, other = jtf.variable(1.0, name="to_be_read"), jtf.variable(1.0)
    outside = w.read()
    optimizer = jtf.train.sgd(0.1)
    with pytest.raises(ValueError, match=r"reads no trainable Variable(.|\n)*not their \.read\(\) from outside"):
        optimizer.minimize(lambda: outside * 2)
    with pytest.raises(ValueError, match=r"considered: 'to_be_read'\."):
        optimizer.minimize(lambda: other * 2, var_list=[w])
    assert optimizer.iterations == 0


@pytest.mark.parametrize(
    ("var_list", "error", "message"),
    [
        (lambda w, fixed: [fixed], ValueError, "None of the 1 Variables in var_list is trainable"),
        (lambda w, fixed: [], ValueError, "None of the 0 Variables"),
        (lambda w, fixed: [jtf.variable(1)], ValueError, "trainable and of a floating dtype"),
        (lambda w, fixed: w, TypeError, r"received one Variable. Write \[w\]"),
        (lambda w, fixed: ["w"], TypeError, "var_list holds Variables.*received str"),
        (lambda w, fixed: [jnp.ones(2)], TypeError, "received ArrayImpl"),
    ],
)
def test_wrong_lists(var_list, error, message):
    w, fixed = jtf.variable([1.0, 2.0], name="w"), jtf.variable(1.0, trainable=False)
    for minimize in (jtf.train.sgd(0.1).minimize, jtf.train.sgd(0.1).compute_gradients, jtf.variable_grads):
        with pytest.raises(error, match=message):
            minimize(lambda: w.sum() * fixed, var_list=var_list(w, fixed))
    np.testing.assert_array_equal(w, [1.0, 2.0])


@pytest.mark.parametrize("wrong", [jnp.float32(1.0), 3.0, None, "f"])
def test_a_loss_instead_of_a_function(wrong):
    with pytest.raises(TypeError, match=r"Write minimize\(lambda: loss\(\.\.\.\)\)"):
        jtf.train.sgd(0.1).minimize(wrong)


def test_inside_jit_the_variable_is_named():
    w = jtf.variable(1.0)
    optimizer = jtf.train.sgd(0.1)
    with pytest.raises(ValueError, match="is assigned a value that is being traced"):
        jax.jit(lambda x: optimizer.minimize(lambda: w * x))(2.0)
    assert (float(w), optimizer.iterations) == (1.0, 0)


def test_a_jitted_function_over_variables_is_explained():
    w = jtf.variable(1.0)
    model = jax.jit(lambda x: w * x)
    optimizer = jtf.train.sgd(0.1)
    optimizer.minimize(lambda: model(3.0))
    with pytest.raises(jax.errors.UnexpectedTracerError) as caught:
        optimizer.minimize(lambda: model(3.0))
    assert any("Leave out the jax.jit" in note for note in caught.value.__notes__)


def test_values_lost_elsewhere_do_not_matter():
    class Failed:
        lost = True

        def give_back(self):
            raise RuntimeError("lost")

    gone, w = jtf.variable(1.0), jtf.variable(1.0)
    assert lend_all([gone], [gone.read()], Failed())
    assert gone.lost
    optimizer = jtf.train.sgd(0.5)
    optimizer.minimize(lambda: w * 1)
    assert float(w) == 0.5
    with pytest.raises(RuntimeError, match="lost"):
        optimizer.minimize(lambda: w * gone)
    gone.assign(2.0)
    assert not gone.lost
    optimizer.minimize(lambda: w * gone)
    assert float(w) == -0.5
