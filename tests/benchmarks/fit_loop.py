"""`model.fit` beside a hand-written jitted loop: one epoch of the 784-32-10 model, batch 32, in-memory arrays.

Run: python tests/benchmarks/fit_loop.py [--samples 30000] [--rounds 7]

Both do the same work: shuffle, gather batches on the host, one jitted step with donated state a batch, loss and
accuracy. Rounds alternate, so that a busy machine slows both; the ratio is that of the medians, and the spread of
the ratios of neighbouring rounds is printed with it.
"""

from __future__ import annotations

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jtf


def hand_written(x: np.ndarray, y: np.ndarray, batch_size: int):
    """The loop that somebody who knows JAX writes: returns a function that runs one epoch."""
    tx = optax.sgd(0.01)

    def init(key):
        a, b = jax.random.split(key)
        params = {
            "w1": jax.random.normal(a, (784, 32)) * 0.05,
            "b1": jnp.zeros(32),
            "w2": jax.random.normal(b, (32, 10)) * 0.05,
            "b2": jnp.zeros(10),
        }
        return params, tx.init(params)

    @jax.jit
    def accuracy(logits, y):
        return jnp.mean(logits.argmax(-1) == y.argmax(-1))

    def loss_fn(params, x, y):
        hidden = jax.nn.relu(x @ params["w1"] + params["b1"])
        logits = hidden @ params["w2"] + params["b2"]
        return optax.softmax_cross_entropy(logits, y).mean(), accuracy(logits, y)

    def step(params, state, x, y):
        (loss, acc), grads = jax.value_and_grad(loss_fn, has_aux=True)(params, x, y)
        updates, state = tx.update(grads, state)
        return optax.apply_updates(params, updates), state, loss, acc

    step = jax.jit(step, donate_argnums=(0, 1))
    params, state = init(jax.random.key(0))
    rng = np.random.default_rng(0)

    def epoch():
        nonlocal params, state
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            chosen = order[start : start + batch_size]
            params, state, loss, acc = step(params, state, x[chosen], y[chosen])
        jax.block_until_ready((params, loss, acc))

    return epoch


def with_fit(x: np.ndarray, y: np.ndarray, batch_size: int):
    model = jtf.sequential(
        [
            jtf.layers.dense(units=32, input_shape=[784], activation="relu"),
            jtf.layers.dense(units=10, activation="softmax"),
        ]
    )
    model.compile(optimizer="sgd", loss="categoricalCrossentropy", metrics=["accuracy"])
    return lambda: model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=30000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(options.samples, 784)).astype(np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, options.samples)]

    contestants = {
        "hand-written": hand_written(x, y, options.batch_size),
        "model.fit": with_fit(x, y, options.batch_size),
    }
    for epoch in contestants.values():
        epoch()  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, epoch in contestants.items():
            started = time.perf_counter()
            epoch()
            seconds[name].append(time.perf_counter() - started)

    steps = -(-options.samples // options.batch_size)
    for name, times in seconds.items():
        print(f"{name:13s} {np.median(times) / steps * 1e6:7.1f} us a step (median of {options.rounds} epochs)")
    ratios = np.array(seconds["model.fit"]) / np.array(seconds["hand-written"])
    median = np.median(seconds["model.fit"]) / np.median(seconds["hand-written"])
    print(f"ratio {median:.2f} (rounds: {ratios.min():.2f} to {ratios.max():.2f})")


if __name__ == "__main__":
    main()
