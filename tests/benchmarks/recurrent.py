"""An LSTM's training step three ways, and a convolutional one's loop unrolled or not.

Run: python tests/benchmarks/recurrent.py [--rounds 9]

LSTM(128), 40 steps, batch 128: as jtf's layer; written by hand with `jax.lax.scan` and the product of the inputs in
the loop; the same with that product before the loop. ConvLSTM2D(8), 8 steps of 16×16: the loop compiled once against
written out. Each is one jitted evaluation of loss and gradients. Rounds alternate, so that a busy machine slows all;
the ratio is that of the medians, and the spread of the ratios of single rounds is printed with it.
"""

from __future__ import annotations

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np

import jtf

BATCH, TIME, FEATURES, UNITS = 128, 40, 128, 128


def loss_and_gradients(output):
    """A jitted function of weights and inputs."""
    return jax.jit(jax.value_and_grad(lambda weights, x: jnp.mean(output(weights, x) ** 2)))


def of_layer(layer, x):
    """The layer as a function of its weights, and their values."""
    layer.ensure_built(x.shape)
    lifted = jtf.lift(layer, layer.weights)
    return loss_and_gradients(lambda weights, x: lifted(weights, x)[0]), jtf.values(layer.weights)


def by_hand(hoisted: bool):
    """The LSTM that somebody who knows JAX writes."""

    def output(weights, x):
        kernel, recurrent_kernel, bias = weights

        def project(x):
            return x @ kernel + jnp.broadcast_to(bias, (*x.shape[:-1], bias.size))

        def step(carry, x):
            h, c = carry
            z = (x if hoisted else project(x)) + h @ recurrent_kernel
            i, f, g, o = jnp.split(z, 4, axis=-1)
            i, f, o = (jnp.clip(0.2 * gate + 0.5, 0, 1) for gate in (i, f, o))
            c = f * c + i * jnp.tanh(g)
            return (o * jnp.tanh(c), c), None

        x = jnp.swapaxes(x, 0, 1)
        zeros = jnp.zeros((x.shape[1], UNITS))
        (h, _), _ = jax.lax.scan(step, (zeros, zeros), project(x) if hoisted else x)
        return h

    return loss_and_gradients(output)


def compare(runs, rounds):
    """Print the medians and, against the first, the ratios."""
    times = {name: [] for name in runs}
    for run in runs.values():
        jax.block_until_ready(run())
    for number in range(rounds):
        for name, run in list(runs.items())[:: 1 if number % 2 else -1]:
            jax.block_until_ready(run())
            begin = time.perf_counter()
            for _ in range(5):
                jax.block_until_ready(run())
            times[name].append((time.perf_counter() - begin) / 5)
    base = np.array(next(iter(times.values())))
    for name, measured in times.items():
        each = np.array(measured) / base
        print(
            f"  {name:28} {1e3 * np.median(measured):8.2f} ms  × {np.median(measured) / np.median(base):.2f}"
            f"  (rounds {each.min():.2f} to {each.max():.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    x = jax.random.normal(jax.random.key(0), (BATCH, TIME, FEATURES))
    layer, weights = of_layer(jtf.layers.lstm(units=UNITS), x)
    hoisted, plain = by_hand(True), by_hand(False)
    np.testing.assert_allclose(layer(weights, x)[0], plain(weights, x)[0], rtol=1e-4)
    print(f"LSTM({UNITS}), {TIME} steps of {FEATURES}, batch {BATCH}")
    compare(
        {
            "jtf": lambda: layer(weights, x),
            "by hand, product in the loop": lambda: plain(weights, x),
            "by hand, product before it": lambda: hoisted(weights, x),
        },
        rounds,
    )
    video = jax.random.normal(jax.random.key(1), (8, 8, 16, 16, 3))
    options = {"filters": 8, "kernel_size": 3, "padding": "same"}
    loop, weights_of_loop = of_layer(jtf.layers.conv_lstm2d(**options), video)
    unrolled, _ = of_layer(jtf.layers.conv_lstm2d(**options, unroll=True), video)
    print("ConvLSTM2D(8), 8 steps of 16×16×3, batch 8")
    compare(
        {
            "unroll=True": lambda: unrolled(weights_of_loop, video),
            "unroll=False": lambda: loop(weights_of_loop, video),
        },
        rounds,
    )


if __name__ == "__main__":
    main()
