"""A small problem that the tests of optimizers share, and its solution by pure functions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jtf

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.normal(size=(16, 3)), jnp.float32)
Y = jnp.asarray(RNG.normal(size=(16, 2)), jnp.float32)
START = {
    "w": jnp.asarray(RNG.normal(size=(3, 2)), jnp.float32),
    "b": jnp.asarray([0.5, -0.5], jnp.float32),
    "s": jnp.float32(1.5),
}


def formula(params, x=X):
    return jnp.mean((jnp.tanh(x @ params["w"] + params["b"][None]) * params["s"] - Y) ** 2)


def variables():
    return {name: jtf.variable(value, name=name) for name, value in START.items()}


def close(ours, theirs, **tolerance):
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, err_msg=name, **(tolerance or {"rtol": 1e-5, "atol": 1e-6}))


_value_and_grad = jax.jit(jax.value_and_grad(formula))


def pure_run(tx, steps=10, loss=formula, params=None):
    """A whole training run without Variables: ``(params, losses)``."""
    value_and_grad = _value_and_grad if loss is formula else jax.value_and_grad(loss)

    @jax.jit
    def step(grads, params, state):
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    params = jax.tree.map(jnp.asarray, START if params is None else params)
    state, losses = tx.init(params), []
    for _ in range(steps):
        value, grads = value_and_grad(params)
        params, state = step(grads, params, state)
        losses.append(float(value))
    return params, losses
