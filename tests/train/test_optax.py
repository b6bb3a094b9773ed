"""Which optax transformations train, and which are refused before anything changes."""

from __future__ import annotations

import numpy as np
import optax
import optax.contrib
import pytest

import jtf
from tests.models.doubles import line_data, linear

X, Y = line_data()

REFUSED = {
    "lbfgs": (optax.lbfgs(), "It evaluates the loss itself .a line search, say."),
    "line search": (
        optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(5)),
        "It evaluates the loss itself",
    ),
    "opaque sam": (optax.contrib.sam(optax.sgd(0.1), optax.sgd(0.1), opaque_mode=True), "It evaluates the loss itself"),
    "sophia": (optax.contrib.sophia(0.1), "It evaluates the loss itself"),
    "lookahead": (optax.lookahead(optax.sgd(0.1), 5, 0.5), "keeps two sets of weights .LookaheadParams."),
    "mask for others": (optax.masked(optax.sgd(0.1), {"other": True}), "It fails"),
}


@pytest.mark.parametrize(("transformation", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_by_compile_and_minimize(transformation, reason):
    model = linear()
    optimizer = model.optimizer
    message = f"The update rule cannot be used here. .*{reason}.* Use another rule, such as optax.adamw"
    with pytest.raises(TypeError, match=message):
        model.compile(optimizer=transformation, loss="mse")
    assert model.optimizer is optimizer
    v, optimizer = jtf.variable([3.0, 4.0]), jtf.train.Optax(transformation)
    with pytest.raises(TypeError, match=message):
        optimizer.minimize(lambda: (v * v).sum())
    assert (v.read().tolist(), optimizer.iterations) == ([3.0, 4.0], 0)


def test_schedule_free_rules_are_for_minimizing_only():
    with pytest.raises(TypeError, match=r"predicts with other weights than it trains .* model\.functional"):
        linear().compile(optimizer=optax.contrib.schedule_free_adamw(0.1), loss="mse")
    v = jtf.variable(3.0)
    jtf.train.Optax(optax.contrib.schedule_free_adamw(0.1)).minimize(lambda: v * v)
    assert float(v) < 3


def test_a_model_that_sees_its_shape_in_the_data_is_checked_then():
    model = jtf.sequential([jtf.layers.dense(units=1)])
    model.compile(optimizer=optax.lbfgs(), loss="mse")
    with pytest.raises(TypeError, match="It evaluates the loss itself"):
        model.fit(X, Y, verbose=0)


def test_rules_that_ask_for_the_loss():
    v, optimizer = jtf.variable(3.0), jtf.train.Optax(optax.polyak_sgd(f_min=0.0))
    optimizer.minimize(lambda: v * v)
    assert float(v) == pytest.approx(3 - 9 / 36 * 6)  # Polyak's step: (f - f_min) / |g|² along g
    with pytest.raises(TypeError, match="It needs the loss, which fit and minimize have but apply_gradients does not"):
        optimizer.apply_gradients({v: 1.0})
    assert float(v) == pytest.approx(1.5)


def test_sam_climbs_and_descends_in_turns():
    """Foret et al., 2021, on w²: up by rho along the gradient, then down from the start by the gradient there."""
    model = jtf.sequential([jtf.layers.dense(units=1, use_bias=False, input_shape=[1], kernel_initializer="ones")])
    rho, rate = 0.05, 0.1
    sam = optax.contrib.sam(optax.sgd(rate), optax.chain(optax.contrib.normalize(), optax.sgd(rho)))
    model.compile(optimizer=sam, loss="mse")
    w, seen = 1.0, []
    look = {"on_batch_end": lambda *_: seen.append(float(model.get_weights()[0][0, 0]))}
    model.fit(np.ones((2, 1)), np.zeros((2, 1)), batch_size=2, epochs=4, verbose=0, callbacks=look)
    expected = []
    for _ in range(2):
        up = w + rho * np.sign(2 * w)
        w = w - rate * 2 * up
        expected += [up, w]
    assert seen == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (lambda step: 0.1 if step < 10 else 0.01, "cannot be compiled: .* by jnp.where instead of if. TracerBool"),
        (lambda step: [0.1, 0.2] * step, "cannot be compiled|must return a number"),
        (lambda step: np.ones(2), r"must return a number; it returned shape \(2,\)"),
    ],
)
def test_schedules_that_cannot_be_compiled(schedule, message):
    with pytest.raises(TypeError, match=message):
        linear().compile(optimizer=jtf.train.sgd(schedule), loss="mse")
