"""Optimizers: the steps of the pure rules, with state that follows the Variables and rates that can change."""

from __future__ import annotations

import logging

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtf
from jtf.functional import optimizers as pure_rules
from tests.train.problem import X, close, formula, pure_run, variables

# --- every optimizer against the pure function ------------------------------------------------------

CONFIGURATIONS = [
    ("sgd", (0.1,), {}),
    ("sgd", (1.0,), {}),
    ("momentum", (0.1, 0.9), {}),
    ("momentum", (0.1, 0.5), {"use_nesterov": True}),
    ("adagrad", (0.1,), {}),
    ("adagrad", (0.1,), {"initial_accumulator_value": 1.0}),
    ("adadelta", (), {}),
    ("adadelta", (1.0,), {"rho": 0.8, "epsilon": 1e-3}),
    ("adam", (), {}),
    ("adam", (0.1,), {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3}),
    ("adamax", (), {}),
    ("adamax", (0.1,), {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3, "decay": 0.5}),
    ("rmsprop", (0.01,), {}),
    ("rmsprop", (0.01,), {"decay": 0.8, "momentum": 0.5, "epsilon": 1e-3}),
    ("rmsprop", (0.01,), {"momentum": 0.5, "centered": True}),
]


@pytest.mark.parametrize(("name", "args", "options"), CONFIGURATIONS)
def test_ten_steps_are_those_of_the_pure_rule(name, args, options):
    expected, losses = pure_run(getattr(pure_rules, name)(*args, **options))
    v, optimizer = variables(), getattr(jtf.train, name)(*args, **options)
    ours = [float(optimizer.minimize(lambda: formula(v), return_cost=True)) for _ in range(10)]
    close(v, expected)
    np.testing.assert_allclose(ours, losses, rtol=1e-5)
    assert optimizer.iterations == 10


def test_every_optimizer_is_configured():
    assert {name for name, _, _ in CONFIGURATIONS} == {name.lower() for name in jtf.train.registry.classes}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: jtf.train.sgd(0.1), optax.sgd(0.1)),
        (lambda: jtf.train.momentum(0.1, 0.9), optax.sgd(0.1, momentum=0.9)),
        (lambda: jtf.train.adam(0.01), optax.adam(0.01, eps=1e-7)),
        (lambda: jtf.train.rmsprop(0.01), optax.rmsprop(0.01, decay=0.9, eps=1e-7)),
        (lambda: jtf.train.adagrad(0.1), optax.adagrad(0.1, eps=1e-7)),
        *(
            (lambda tx=tx: jtf.train.get(tx), tx)
            for tx in [
                optax.adamw(0.01, weight_decay=0.1),
                optax.chain(optax.clip_by_global_norm(0.1), optax.adam(0.01)),
                optax.chain(optax.clip(0.01), optax.trace(0.9), optax.scale(-0.5)),
                optax.lion(0.01),
                optax.sgd(optax.cosine_decay_schedule(0.1, 10)),
                optax.MultiSteps(optax.adam(0.1), every_k_schedule=3).gradient_transformation(),
                optax.inject_hyperparams(optax.adam)(learning_rate=0.01),
                optax.chain(optax.add_noise(0.01, 0.5, jax.random.key(3)), optax.sgd(0.1)),
            ]
        ),
    ],
    ids="sgd momentum adam rmsprop adagrad adamw clip chain lion schedule multisteps inject noise".split(),
)
def test_ten_steps_are_those_of_optax(ours, theirs):
    expected, _ = pure_run(theirs)
    v, optimizer = variables(), ours()
    for _ in range(10):
        optimizer.minimize(lambda: formula(v))
    close(v, expected)


def test_multi_steps_as_optax_makes_it():
    expected, _ = pure_run(optax.MultiSteps(optax.sgd(0.1), 2).gradient_transformation(), 5)
    v, optimizer = variables(), jtf.train.get(optax.MultiSteps(optax.sgd(0.1), 2))
    for _ in range(5):
        optimizer.minimize(lambda: formula(v))
    close(v, expected)


def test_half_precision_stays_half_precision():
    w = jtf.variable([1.0, 2.0], dtype="bfloat16")
    for optimizer in (jtf.train.adam(0.1), jtf.train.rmsprop(0.1, momentum=0.5), jtf.train.sgd(0.1)):
        for _ in range(2):
            optimizer.minimize(lambda: (w.astype("float32") ** 2).sum())
        assert w.read().dtype == jnp.bfloat16


# --- state follows the Variable ---------------------------------------------------------------------

#: Rules whose state is all of it per Variable; Adam and Adamax count their steps in common, as TF.js does.
PER_VARIABLE = [
    lambda: jtf.train.momentum(0.1, 0.9),
    lambda: jtf.train.adagrad(0.1),
    lambda: jtf.train.adadelta(1.0),
    lambda: jtf.train.rmsprop(0.01, momentum=0.5),
    lambda: jtf.train.rmsprop(0.01, centered=True),
]


@pytest.mark.parametrize("make", PER_VARIABLE, ids="momentum adagrad adadelta rmsprop centered".split())
def test_changing_lists_are_separate_runs(make):
    def separate(value, steps):
        v, optimizer = jtf.variable(value, name="v"), make()
        for _ in range(steps):
            optimizer.minimize(lambda: jnp.sum(jnp.sin(v) * v))
        return v.read()

    a, b = jtf.variable([1.0, 2.0]), jtf.variable(-1.0)
    optimizer = make()
    both = lambda: jnp.sum(jnp.sin(a) * a) + jnp.sin(b) * b  # noqa: E731
    for var_list in ([a], [b, a], [b], [a, b], None, [a]):
        optimizer.minimize(both, var_list=var_list)
    np.testing.assert_allclose(a, separate([1.0, 2.0], 5), rtol=1e-6)
    np.testing.assert_allclose(b, separate(-1.0, 4), rtol=1e-6)


def test_adam_counts_updates_in_common():
    # mu and nu follow the Variable, the bias correction goes by the number of updates of the optimizer.
    a, b = jtf.variable(1.0), jtf.variable(1.0)
    optimizer = jtf.train.adam(0.1)
    optimizer.minimize(lambda: a**2)
    optimizer.minimize(lambda: b**2)
    m, v = 0.1 * 2.0 / (1 - 0.9**2), 0.001 * 4.0 / (1 - 0.999**2)
    assert float(b) == pytest.approx(1 - 0.1 * m / v**0.5, rel=1e-5)


def test_the_order_of_reading_does_not_matter():
    def run(order):
        a, b = jtf.variable(1.0, name="a"), jtf.variable(-2.0, name="b")
        optimizer = jtf.train.adam(0.1)
        for first in order:
            f = (lambda: a**2 + b**4) if first == "a" else (lambda: b**4 + a**2)
            optimizer.minimize(f, var_list=[a, b] if first == "a" else [b, a])
        return float(a), float(b)

    assert run("aaaa") == pytest.approx(run("abba"), rel=1e-6)


def test_two_variables_of_one_name():
    a, b = jtf.variable(1.0, name="same"), jtf.variable([2.0, 3.0], name="same")
    optimizer = jtf.train.momentum(0.1, 0.9)
    for _ in range(5):
        optimizer.minimize(lambda: a**2 + jnp.sum(b**2))
    expected, _ = pure_run(
        optax.sgd(0.1, momentum=0.9),
        5,
        lambda p: p["a"] ** 2 + jnp.sum(p["b"] ** 2),
        {"a": 1.0, "b": jnp.array([2.0, 3.0])},
    )
    close({"a": a, "b": b}, expected)


def test_an_optimizer_serves_many_variables_of_one_name():
    optimizer = jtf.train.momentum(0.5, 0.9)
    for _ in range(4):
        w = jtf.variable(1.0, name="w")  # a notebook's cell, run again
        optimizer.minimize(lambda w=w: w * 1)
        assert float(w) == 0.5  # no speed of another's


# --- learning rate and hyper-parameters -------------------------------------------------------------


def test_the_learning_rate_can_be_read_and_set():
    w, optimizer = jtf.variable(1.0), jtf.train.sgd(0.5)
    assert optimizer.learning_rate == 0.5
    optimizer.minimize(lambda: w * 1)
    optimizer.learning_rate = 0.25
    assert optimizer.learning_rate == 0.25
    optimizer.minimize(lambda: w * 1)
    assert float(w) == 0.25
    optimizer.learning_rate = jnp.float32(0.125)
    optimizer.minimize(lambda: w * 1)
    assert float(w) == 0.125
    optimizer.learning_rate = 0
    optimizer.minimize(lambda: w * 1)
    assert float(w) == 0.125


@pytest.mark.parametrize(
    "schedule", [optax.linear_schedule(1.0, 0.0, 4), lambda step: 1.0 - step / 4], ids=["optax", "own"]
)
def test_schedules_go_by_the_iteration(schedule):
    w, optimizer = jtf.variable(0.0), jtf.train.sgd(schedule)
    for expected in (1.0, 0.75, 0.5, 0.25):
        before = float(w)
        assert optimizer.learning_rate == expected
        optimizer.minimize(lambda: w * -1)
        assert float(w) - before == expected
    assert optimizer.iterations == 4


@pytest.mark.parametrize("name", ["momentum", "adamax", "rmsprop"])
def test_a_schedule_is_that_of_the_pure_rule(name):
    schedule = optax.exponential_decay(0.1, 3, 0.5)
    args = (0.9,) if name == "momentum" else ()
    expected, _ = pure_run(getattr(pure_rules, name)(schedule, *args), 8)
    v, optimizer = variables(), getattr(jtf.train, name)(schedule, *args)
    for _ in range(8):
        optimizer.minimize(lambda: formula(v))
    close(v, expected)


def test_a_schedule_may_replace_a_number_and_be_replaced():
    w, optimizer = jtf.variable(0.0), jtf.train.sgd(1.0)
    optimizer.minimize(lambda: w * -1)
    optimizer.learning_rate = lambda step: 10.0 * step
    assert optimizer.learning_rate == 10.0
    optimizer.minimize(lambda: w * -1)
    optimizer.learning_rate = 100.0
    optimizer.minimize(lambda: w * -1)
    assert float(w) == 111.0


def test_hyper_parameters_take_effect_when_they_are_changed():
    w, optimizer = jtf.variable(0.0), jtf.train.momentum(1.0, 0.0)
    optimizer.minimize(lambda: w * -1)
    assert float(w) == 1.0
    optimizer.momentum = 0.5
    optimizer.minimize(lambda: w * -1)  # speed 0.5 * 1 + 1
    assert float(w) == 2.5
    optimizer.momentum = 0.0
    optimizer.use_nesterov = True
    optimizer.minimize(lambda: w * -1)
    assert float(w) == 3.5
    rmsprop = jtf.train.rmsprop(0.1)
    rmsprop.minimize(lambda: w * -1)
    rmsprop.centered = True  # one more slot
    rmsprop.minimize(lambda: w * -1)
    assert np.isfinite(float(w))
    assert rmsprop.get_config()["centered"] is True


@pytest.mark.parametrize(
    ("rate", "error"),
    [
        (-0.1, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        ("0.1", TypeError),
        (None, TypeError),
        (True, TypeError),
        (1j, TypeError),
        ([0.1], TypeError),
        (jnp.ones(1), TypeError),
    ],
)
def test_wrong_rates_are_refused(rate, error):
    optimizer = jtf.train.sgd(0.5)
    with pytest.raises(error, match=r"A learning rate is a number.*received"):
        optimizer.learning_rate = rate
    assert optimizer.learning_rate == 0.5
    with pytest.raises(error, match="A learning rate is a number"):
        jtf.train.adam(rate)


def test_the_rate_of_a_transformation_is_its_own():
    optimizer = jtf.train.get(optax.sgd(0.5))
    with pytest.raises(AttributeError, match=r"is inside it\. Use one of jtf\.train's optimizers"):
        _ = optimizer.learning_rate
    with pytest.raises(AttributeError, match="cannot be set"):
        optimizer.learning_rate = 0.1
    assert repr(optimizer).startswith("Optax(")


# --- compilation ------------------------------------------------------------------------------------


class Compilations(logging.Handler):
    """Counts what jax compiles within a ``with``."""

    def __enter__(self):
        self.names = []
        self._logging = jax.log_compiles()
        self._logging.__enter__()
        logging.getLogger("jax").addHandler(self)
        return self

    def emit(self, record):
        if "Finished XLA compilation" in record.getMessage():
            self.names.append(record.getMessage())

    def __exit__(self, *exception):
        logging.getLogger("jax").removeHandler(self)
        self._logging.__exit__(*exception)


def test_compilations_are_counted():
    with Compilations() as compiled:
        jax.jit(lambda x: x * 12345.0)(jnp.ones(7))
    assert compiled.names


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "momentum", "schedule", "optax"])
def test_no_compilation_after_the_second_step(name):
    optimizer = {
        "momentum": lambda: jtf.train.momentum(0.1, 0.9),
        "schedule": lambda: jtf.train.adam(optax.exponential_decay(0.1, 3, 0.5)),
        "optax": lambda: jtf.train.get(optax.adamw(0.1)),
    }.get(name, lambda: getattr(jtf.train, name)(0.1))()
    v = variables()
    step = lambda scale: optimizer.minimize(lambda: formula(v, X * scale), return_cost=True)  # noqa: E731
    for turn in range(2):
        step(float(turn))
    with Compilations() as compiled:
        for turn in range(5):
            if name not in ("schedule", "optax"):
                optimizer.learning_rate = 0.1 / (turn + 1)
            step(float(turn))
    assert compiled.names == []


def test_optimizers_alike_share_their_step():
    def two_steps(rate):
        v, optimizer = variables(), jtf.train.adam(rate)
        for _ in range(2):
            optimizer.minimize(lambda: formula(v))

    two_steps(0.1)
    with Compilations() as compiled:
        two_steps(0.2)
    assert compiled.names == []
