"""Optimizers against ten steps of TensorFlow.js, against optax, and against their formulas in float64."""

from __future__ import annotations

import functools
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
        case "adam":
            return [state[0].mu, state[0].nu]
        case "rmsprop":
            if isinstance(state[0], optimizers.ScaleByCenteredRmsState):
                return [state[0].mean_squares, state[2].trace, state[0].mean_grads]
            return [state[0].nu, state[2].trace]
    raise AssertionError(name)


#: Without Adadelta: TensorFlow.js divides by the average before the step, and diverges.
FOLLOWED = [case for case in recorded("optimizer") if case["name"] != "adadelta"]


@pytest.mark.parametrize("case", FOLLOWED, ids=case_id)
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


def averaged(average, value, decay):
    return decay * average + (1 - decay) * value


def momentum(m, g, t, nesterov):
    m = 0.9 * m + g
    return m, 0.1 * (g + 0.9 * m if nesterov else m)


def adagrad(a, g, t):
    a = (0.1 if t == 1 else a) + g**2
    return a, 0.1 * g / np.sqrt(a + 1e-7)


def adadelta(state, g, t):
    a, u = state if t > 1 else (0.0, 0.0)
    a = averaged(a, g**2, 0.8)
    d = np.sqrt(u + 1e-3) / np.sqrt(a + 1e-3) * g
    return (a, averaged(u, d**2, 0.8)), 0.5 * d


def adam(state, g, t):
    m, v = state if t > 1 else (0.0, 0.0)
    m, v = averaged(m, g, 0.8), averaged(v, g**2, 0.9)
    return (m, v), 0.1 * m / (1 - 0.8**t) / (np.sqrt(v / (1 - 0.9**t)) + 1e-2)


def adamax(state, g, t):
    m, u = state if t > 1 else (0.0, 0.0)
    m, u = averaged(m, g, 0.7), np.maximum(0.9 * u, np.abs(g))
    return (m, u), 0.5 / (1 + 0.25 * (t - 1)) / (1 - 0.7**t) * m / (u + 0.1)


def rmsprop(state, g, t, centered):
    s, m, speed = state if t > 1 else (0.0, 0.0, 0.0)
    s, m = averaged(s, g**2, 0.8), averaged(m, g, 0.8)
    speed = 0.5 * speed + 0.1 * g / np.sqrt(s - centered * m**2 + 1e-2)
    return (s, m, speed), speed


@pytest.mark.parametrize(
    ("ours", "papers"),
    [
        (optimizers.momentum(0.1, 0.9), functools.partial(momentum, nesterov=False)),
        (optimizers.momentum(0.1, 0.9, use_nesterov=True), functools.partial(momentum, nesterov=True)),
        (optimizers.adagrad(0.1), adagrad),
        (optimizers.adadelta(0.5, 0.8, 1e-3), adadelta),
        (optimizers.adam(0.1, 0.8, 0.9, 1e-2), adam),
        (optimizers.adamax(0.5, 0.7, 0.9, 0.1, 0.25), adamax),
        (optimizers.rmsprop(0.1, 0.8, 0.5, 1e-2), functools.partial(rmsprop, centered=False)),
        (optimizers.rmsprop(0.1, 0.8, 0.5, 1e-2, centered=True), functools.partial(rmsprop, centered=True)),
    ],
    ids="momentum nesterov adagrad adadelta adam adamax rmsprop centered".split(),
)
def test_thirty_steps_of_the_paper(ours, papers):
    """Its formula in float64, over random gradients."""
    rng = np.random.default_rng(5)
    grads, x, state = rng.normal(size=(30, 4)).astype(np.float32), rng.normal(size=4), 0.0
    history, _ = run(ours, jnp.asarray(x, jnp.float32), [jnp.asarray(g) for g in grads])
    for t, (g, params) in enumerate(zip(grads.astype(np.float64), history, strict=True), start=1):
        state, step = papers(state, g, t)
        x = x - step
        np.testing.assert_allclose(params, x, rtol=1e-5, atol=3e-6)


def test_adadelta_takes_the_steps_of_keras():
    # keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-7) on 2 x^2, from 5; TensorFlow.js: -15, 45, -135, ...
    x, tx = jnp.float32(5.0), optimizers.adadelta(1.0)
    state, seen = tx.init(x), []
    for _ in range(6):
        updates, state = tx.update(4 * x, state)
        x = x + updates
        seen.append(x)
    np.testing.assert_allclose(seen, [4.9985857, 4.9971538, 4.9957099, 4.994257, 4.992797, 4.9913306], rtol=2e-7)


def test_centered_rmsprop_survives_rounding():
    # Step by step, as `minimize` takes them: compiled as a whole, the rounding may be another.
    g, tx = jnp.float32(341.75104), optimizers.scale_by_centered_rms(0.2)
    state, variances = tx.init(g), []
    for _ in range(12):
        update, state = tx.update(g, state)
        variances.append(float(state.mean_squares - jnp.square(state.mean_grads)))
        assert jnp.isfinite(update)
    assert min(variances) < -1e-7


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
    tx = ALL[name](5.0 if name == "adadelta" else 0.05)  # whose steps begin at the root of epsilon
    x, state = jnp.array([2.0, -3.0]), tx.init(jnp.array([2.0, -3.0]))

    def step(carry, _):
        x, state = carry
        updates, state = tx.update(jax.grad(lambda x: jnp.sum(x**2))(x), state, x)
        return (optax.apply_updates(x, updates), state), None

    (x, _), _ = jax.lax.scan(step, (x, state), length=300)
    assert jnp.sum(x**2) < 13 / 4
