"""Sequences of updates: `minimize`, `compute_gradients` with `apply_gradients`, and optimizers of two models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

import jtf
from tests.search import optimizers
from tests.search.draw import Draw

STEPS = 30
TOLERANCE = 1e-4

#: name: the loss of two arrays of one shape, and its gradient, in numpy or jax.numpy.
LOSSES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "squares": (lambda np, w, a: ((w - a) ** 2).sum(), lambda w, a: 2 * (w - a)),
    "quartic": (lambda np, w, a: (w**4).sum() / 4 - (a * w).sum(), lambda w, a: w**3 - a),
    "waves": (lambda np, w, a: np.sin(w + a).sum(), lambda w, a: np.cos(w + a)),
    "softplus": (lambda np, w, a: np.log1p(np.exp(a * w)).sum(), lambda w, a: a / (1 + np.exp(-a * w))),
}


def schedule(draw: Draw) -> tuple[Any, str]:
    """One of optax's, and its name."""
    rate = draw.number(0.01, 0.1)
    name = draw.one("exponential_decay", "cosine_decay", "linear", "piecewise")
    made = {
        "exponential_decay": lambda: optax.exponential_decay(rate, 5, 0.7),
        "cosine_decay": lambda: optax.cosine_decay_schedule(rate, 20),
        "linear": lambda: optax.linear_schedule(rate, rate / 10, 15),
        "piecewise": lambda: optax.piecewise_constant_schedule(rate, {7: 0.5, 15: 0.1}),
    }[name]()
    return made, f"{name} from {rate}"


#: Adadelta is tested apart: TF.js's diverges, and jtf's is the one of the paper.
OTHERS = tuple(name for name in optimizers.RULES if name != "adadelta")


def run(number: int) -> list[str]:
    """Thirty updates in both ways; what differs, in words."""
    return updates(Draw("optimizers", number), number, *OTHERS)


def adadelta(number: int) -> list[str]:
    return updates(Draw("adadelta", number), number, "adadelta")


def updates(draw: Draw, number: int, *names: str) -> list[str]:
    name, options = optimizers.drawn(draw, *names)
    said = f"{name}({options})"
    if draw.chance(0.3):
        options["learning_rate"], described = schedule(draw)
        said = f"{name}({options}), {described}"
    ours = getattr(jtf.train, name)(**options)
    theirs = optimizers.Optimizer(name, options)
    shapes = [draw.sizes(draw.whole(0, 3), 1, 3) for _ in range(draw.whole(1, 3))]
    begin = [draw.normal(*shape) for shape in shapes]
    variables = [jtf.variable(value, name=f"search{number}_{n}") for n, value in enumerate(begin)]
    params: dict[Any, np.ndarray] = {n: value.astype(np.float64) for n, value in enumerate(begin)}
    new_rates = {draw.whole(1, STEPS - 1): draw.number(0.001, 0.1)} if draw.chance(0.4) else {}
    way = draw.one("minimize", "apply_gradients", "compute_gradients", "mixed")
    several = len(variables) > 1 and draw.chance(0.3)  # each time some of the Variables only
    said += f" by {way} on {shapes}, rates {new_rates}{', some of them at a time' * several}"
    for step in range(STEPS):
        if step in new_rates:
            ours.learning_rate = theirs.learning_rate = new_rates[step]
        chosen = [n for n in params if not several or draw.chance()] or [0]
        kind, targets = draw.one(*LOSSES), [draw.normal(*shape) for shape in shapes]
        loss, gradient = LOSSES[kind]
        gradients = {n: gradient(params[n], targets[n]) for n in chosen}
        now = draw.one("minimize", "apply_gradients", "compute_gradients") if way == "mixed" else way
        some = [variables[n] for n in chosen]

        def closure(loss: Any = loss, chosen: Any = chosen, targets: Any = targets) -> Any:
            return sum(loss(jnp, variables[n].read(), targets[n]) for n in chosen)

        if now == "minimize":
            cost = ours.minimize(closure, return_cost=True, var_list=draw.one(some, None))
            expected = sum(loss(np, params[n], targets[n]) for n in chosen)
            if abs(float(cost) - expected) > TOLERANCE * (1 + abs(expected)):
                return [f"{said}: step {step}: cost {float(cost)} instead of {expected}"]
        elif now == "compute_gradients":
            ours.apply_gradients(ours.compute_gradients(closure, var_list=some).grads)
        else:
            keys = draw.one(variables, [variable.name for variable in variables])
            ours.apply_gradients({keys[n]: g.astype(np.float32) for n, g in gradients.items()})
        theirs.step(params, gradients)
        for n, variable in enumerate(variables):
            wrong = np.abs(variable.read() - params[n]) > TOLERANCE * (1 + np.abs(params[n]).max())
            if wrong.any():
                return [f"{said}: step {step}: {np.asarray(variable)} instead of {params[n]}"]
    found = [] if ours.iterations == STEPS else [f"{ours.iterations} iterations"]
    return [said, *found] if found else []


def shared(number: int) -> list[str]:
    """Two models that are trained in turns by one optimizer; the updates of both are counted together."""
    draw = Draw("shared", number)
    name, options = optimizers.drawn(draw, *OTHERS)
    ours, theirs = getattr(jtf.train, name)(**options), optimizers.Optimizer(name, options)
    models, params = [], {}
    for n, size in enumerate(draw.sizes(2, 1, 3)):
        model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[size])])
        model.compile(optimizer=ours, loss="meanSquaredError")
        kernel, bias = draw.normal(size, 1), draw.normal(1)
        model.set_weights([kernel, bias])
        params |= {(n, "kernel"): kernel.astype(np.float64), (n, "bias"): bias.astype(np.float64)}
        models.append(model)
    for _ in range(6):
        n, steps = draw.whole(0, 1), draw.whole(1, 4)
        x = draw.normal(2 * steps, len(params[n, "kernel"]))
        y = draw.normal(2 * steps, 1)
        models[n].fit(x, y, batch_size=2, shuffle=False, verbose=0)
        for a, b in zip(np.split(x, steps), np.split(y, steps), strict=True):
            error = a @ params[n, "kernel"] + params[n, "bias"] - b
            theirs.step(params, {(n, "kernel"): a.T @ (2 * error / 2), (n, "bias"): (2 * error / 2).sum(0)})
    for n, model in enumerate(models):
        for weight, which in zip(model.get_weights(), ("kernel", "bias"), strict=True):
            expected = params[n, which]
            if (np.abs(weight - expected) > TOLERANCE * (1 + np.abs(expected).max())).any():
                return [f"{name}({options}), model {n}: {which} {np.asarray(weight)} instead of {expected}"]
    return []
