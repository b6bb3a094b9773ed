"""Optimizers against ten steps of TensorFlow.js, against optax, and against their formulas in float64."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtf.functional import optimizers
from tests.functional.recorded import case_id, recorded

(SHARED,) = recorded("optimizerInputs")
START = tuple(jnp.asarray(value) for value in SHARED["start"])
GRADS = [tuple(jnp.asarray(grad) for grad in grads) for grads in SHARED["grads"]]
SNAKE = {
    "initialAccumulatorValue": "initial_accumulator_value",
    "learningRate": "learning_rate",
    "useNesterov": "use_nesterov",
}
ALL = {
    "adadelta": optimizers.adadelta,
    "adagrad": optimizers.adagrad,
    "adam": optimizers.adam,
    "adamax": optimizers.adamax,
    "momentum": lambda learning_rate, **options: optimizers.momentum(learning_rate, 0.9, **options),
    "rmsprop": optimizers.rmsprop,
    "rmsprop_centered": lambda learning_rate: optimizers.rmsprop(learning_rate, momentum=0.5, centered=True),
    "sgd": optimizers.sgd,
}


def run(tx, start=START, grads=GRADS):
    """Every step's parameters, and the last state; one compilation for all the steps."""

    @jax.jit
    def step(params, state, grads):
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    params, state, history = start, tx.init(start), []
    for step_grads in grads:
        params, state = step(params, state, step_grads)
        history.append(params)
    return history, state


def same(trees_a, trees_b, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), trees_a, trees_b)


# --- TensorFlow.js ----------------------------------------------------------------------------------


def slots(name, state):
    """The state in the order of TensorFlow.js's files."""
    match name:
        case "sgd":
            return []
        case "momentum":
            return [state[0].trace]
        case "adagrad":
            return [state[0].sum_of_squares]
        case "adadelta":
            return [state[0].accumulated_grads, state[0].accumulated_updates]
        case "adam":
            return [state[0].mu, state[0].nu]
        case "rmsprop":
            if isinstance(state[0], optimizers.ScaleByCenteredRmsState):
                return [state[0].mean_squares, state[2].trace, state[0].mean_grads]
            return [state[0].nu, state[2].trace]
    raise AssertionError(name)


@pytest.mark.parametrize("case", recorded("optimizer"), ids=case_id)
def test_ten_steps_of_tfjs(case):
    config = {SNAKE.get(key, key): value for key, value in case["config"].items()}
    history, state = run(getattr(optimizers, case["name"])(**config))
    assert len(history) == len(case["after"]) == 10
    for ours, theirs in zip(history, case["after"], strict=True):
        same(ours, tuple(theirs), rtol=1e-6, atol=2e-6)
    if case["slots"] is not None:
        iterations, *theirs = [slot["value"] for slot in case["slots"]]
        assert iterations == 10
        ours = jax.tree.leaves(slots(case["name"], state))
        assert len(ours) == len(theirs)
        for our_slot, their_slot in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(our_slot, their_slot, rtol=2e-6, atol=1e-6)


def test_every_optimizer_and_every_option_is_recorded():
    for name in ("sgd", "momentum", "adagrad", "adadelta", "adam", "adamax", "rmsprop"):
        configs = [case["config"] for case in recorded("optimizer") if case["name"] == name]
        options = inspect.signature(getattr(optimizers, name)).parameters
        for option in options:
            values = {str({SNAKE.get(key, key): v for key, v in config.items()}[option]) for config in configs}
            assert len(values) > 1 or name == "sgd", (name, option)


def test_defaults_are_those_of_tfjs():
    expected = {
        optimizers.adagrad: {"initial_accumulator_value": 0.1},
        optimizers.adadelta: {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7},
        optimizers.adam: {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
        optimizers.adamax: {
            "learning_rate": 0.002,
            "beta1": 0.9,
            "beta2": 0.999,
            "epsilon": 1e-7,
            "decay": 0.0,
        },
        optimizers.momentum: {"use_nesterov": False},
        optimizers.rmsprop: {"decay": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False},
    }
    for factory, defaults in expected.items():
        parameters = inspect.signature(factory).parameters.values()
        assert {p.name: p.default for p in parameters if p.default is not p.empty} == defaults


# --- optax ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (optimizers.sgd(0.1), optax.sgd(0.1)),
        (optimizers.momentum(0.1, 0.8), optax.sgd(0.1, momentum=0.8)),
        (optimizers.momentum(0.1, 0.8, use_nesterov=True), optax.sgd(0.1, momentum=0.8, nesterov=True)),
        (optimizers.adagrad(0.1), optax.adagrad(0.1, eps=1e-7)),
        (optimizers.adam(0.1, 0.8, 0.9, 1e-3), optax.adam(0.1, 0.8, 0.9, eps=1e-3)),
        (optimizers.adamax(0.1, epsilon=1e-12), optax.adamax(0.1, eps=1e-12)),
        (optimizers.rmsprop(0.1), optax.rmsprop(0.1, decay=0.9, eps=1e-7)),
        (
            optimizers.rmsprop(0.1, momentum=0.7, centered=True),
            optax.rmsprop(0.1, decay=0.9, eps=1e-7, momentum=0.7, centered=True),
        ),
    ],
    ids=["sgd", "momentum", "nesterov", "adagrad", "adam", "adamax", "rmsprop", "centered"],
)
def test_optax_agrees(ours, theirs):
    same(run(ours)[0], run(theirs)[0], rtol=1e-5, atol=1e-6)


# --- formulas ---------------------------------------------------------------------------------------


def test_adadelta_divides_by_the_old_accumulator():
    rho, epsilon = 0.8, 1e-3
    x, a, u = np.float64(START[1]), 0.0, 0.0
    for grads, params in zip(GRADS, run(optimizers.adadelta(0.5, rho, epsilon))[0], strict=True):
        g = np.float64(grads[1])
        d = np.sqrt(u + epsilon) / np.sqrt(a + epsilon) * g
        a, u = rho * a + (1 - rho) * g**2, rho * u + (1 - rho) * d**2
        x = x - 0.5 * d
        np.testing.assert_allclose(params[1], x, rtol=1e-5, atol=1e-6)


def test_adamax_with_decay():
    beta1, beta2, epsilon, decay = 0.7, 0.9, 0.1, 0.25
    x, m, u = np.float64(START[1]), 0.0, 0.0
    tx = optimizers.adamax(0.5, beta1, beta2, epsilon, decay)
    for step, (grads, params) in enumerate(zip(GRADS, run(tx)[0], strict=True)):
        g = np.float64(grads[1])
        m, u = beta1 * m + (1 - beta1) * g, np.maximum(beta2 * u, np.abs(g))
        x = x - 0.5 / (1 + decay * step) / (1 - beta1 ** (step + 1)) * m / (u + epsilon)
        np.testing.assert_allclose(params[1], x, rtol=1e-5, atol=1e-6)


def test_centered_rmsprop_survives_steady_gradients():
    # The variance tends to 0; TensorFlow.js takes the root of minus epsilon and gets NaN.
    for size in (1.0, 1e-2, 0.0):
        steady = [(jnp.full(3, size),)] * 300
        history, state = run(optimizers.rmsprop(1e-3, centered=True), (jnp.zeros(3),), steady)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((history, state)))
        if size == 1e-2:
            step = history[-2][0] - history[-1][0]
            np.testing.assert_allclose(step, 1e-3 * size / np.sqrt(1e-7), rtol=1e-3)


def test_rmsprop_keeps_a_momentum_slot_without_momentum():
    _, state = run(optimizers.rmsprop(0.1, momentum=0.0))
    assert jax.tree.structure(state[2].trace) == jax.tree.structure(START)
    assert np.any(state[2].trace[0] != 0)


# --- rates, dtypes, transformations -----------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_rates_may_be_arrays_tracers_and_schedules(name):
    expected = run(ALL[name](0.05))[0]
    same(run(ALL[name](jnp.float32(0.05)))[0], expected, rtol=1e-6, atol=1e-7)
    same(run(ALL[name](optax.constant_schedule(0.05)))[0], expected, rtol=1e-6, atol=1e-7)

    @jax.jit
    def traced(rate):
        tx = ALL[name](rate)
        updates, _ = tx.update(GRADS[0], tx.init(START), START)
        return optax.apply_updates(START, updates)

    same(traced(0.05), expected[0], rtol=1e-6, atol=1e-7)


def test_schedules_count_steps_from_zero():
    history, _ = run(optimizers.sgd(lambda step: 0.1 * (step == 2)))
    same(history[1], START, rtol=0)
    same(history[2], jax.tree.map(lambda x, g: x - 0.1 * g, START, GRADS[2]), rtol=1e-6)
    same(history[9], history[2], rtol=0)


@pytest.mark.parametrize(
    "rate", [0.1, jnp.float32(0.1), optax.constant_schedule(0.1)], ids=["float", "array", "schedule"]
)
def test_half_precision_stays_half_precision(rate):
    start, grads = jax.tree.map(lambda x: x.astype(jnp.bfloat16), (START, tuple(GRADS[0])))
    for name, factory in ALL.items():
        tx = factory(rate)
        state = tx.init(start)
        updates, after = jax.eval_shape(tx.update, grads, state, start)
        dtypes = jax.tree.map(lambda x: x.dtype, (updates, after))
        assert dtypes == jax.tree.map(lambda x: x.dtype, (start, state)), name


def test_state_is_what_the_formula_needs():
    sizes = {name: len(jax.tree.leaves(factory(0.1).init(START))) / len(START) for name, factory in ALL.items()}
    assert sizes == {
        "adadelta": 2,
        "adagrad": 1,
        "adam": 2.5,  # and the step
        "adamax": 2.5,
        "momentum": 1,
        "rmsprop": 2,
        "rmsprop_centered": 3,
        "sgd": 0,
    }


def test_vmap_over_the_learning_rate():
    def final(rate):
        tx = optimizers.adam(rate)
        state, params = tx.init(START), START
        for grads in GRADS[:3]:
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
        return params

    rates = jnp.array([0.01, 0.1])
    same(
        jax.jit(jax.vmap(final))(rates),
        jax.tree.map(lambda *x: jnp.stack(x), final(0.01), final(0.1)),
        rtol=1e-5,
    )


@pytest.mark.parametrize("name", ALL)
def test_a_bowl_is_descended(name):
    tx = ALL[name](0.05)
    x, state = jnp.array([2.0, -3.0]), tx.init(jnp.array([2.0, -3.0]))

    def step(carry, _):
        x, state = carry
        updates, state = tx.update(jax.grad(lambda x: jnp.sum(x**2))(x), state, x)
        return (optax.apply_updates(x, updates), state), None

    (x, _), _ = jax.lax.scan(step, (x, state), length=300)
    assert jnp.sum(x**2) < 13 / 4
