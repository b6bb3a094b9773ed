"""Pooling and depthwise convolution beside what XLA has for them: forward, and backward with the forward pass.

Run: python tests/benchmarks/pooling.py [--rounds 15]

Each line compares one function of jtf with XLA's own kernel (`lax.reduce_window`, a grouped convolution) on the same
input, both jitted. Rounds alternate, so that a busy machine slows both; a ratio is that of the medians, and above 1
where jtf is faster.
"""

from __future__ import annotations

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jtf import functional as F

#: The input's shape, the window and the stride.
POOLS = [
    ((128, 26, 26, 8), 2, 2, "valid"),
    ((32, 32, 32, 64), 2, 2, "valid"),
    ((32, 32, 32, 64), 3, 2, "same"),
    ((32, 32, 32, 64), 3, 1, "same"),
    ((32, 28, 28, 32), 7, 7, "valid"),
    ((32, 28, 28, 32), 5, 1, "valid"),
]
DEPTHWISE = [
    ((32, 32, 32, 32), 3, 1, "same"),
    ((32, 32, 32, 32), 3, 2, "same"),
    ((16, 28, 28, 16), 5, 1, "same"),
]


def contestants(shape, window, stride, padding):
    """Pairs of functions of the input: jtf's, XLA's."""
    sizes, strides = (1, window, window, 1), (1, stride, stride, 1)
    counts = lax.reduce_window(jnp.ones(shape), 0.0, lax.add, sizes, strides, padding.upper())
    yield (
        "max_pool",
        lambda x: F.max_pool(x, window, stride, padding),
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, sizes, strides, padding.upper()),
    )
    yield (
        "avg_pool",
        lambda x: F.avg_pool(x, window, stride, padding),
        lambda x: lax.reduce_window(x, 0.0, lax.add, sizes, strides, padding.upper()) / counts,
    )


def depthwise(shape, window, stride, padding):
    channels = shape[-1]
    kernel = jnp.asarray(np.random.default_rng(1).normal(size=(window, window, channels, 1)), jnp.float32)

    def grouped(x, kernel):
        return lax.conv_general_dilated(
            x,
            kernel.reshape(window, window, 1, channels),
            (stride, stride),
            padding.upper(),
            feature_group_count=channels,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    def ours(x, kernel):
        return F.depthwise_conv({"depthwise_kernel": kernel}, x, stride, padding)

    return ours, grouped, kernel


def passes(function, *arguments):
    """The forward pass, and the forward and backward passes, compiled."""
    dy = jnp.asarray(np.random.default_rng(2).normal(size=jax.eval_shape(function, *arguments).shape), jnp.float32)
    forward = jax.jit(function)
    backward = jax.jit(lambda dy, *arguments: jax.vjp(function, *arguments)[1](dy))
    runs = [lambda: jax.block_until_ready(forward(*arguments)), lambda: jax.block_until_ready(backward(dy, *arguments))]
    for run in runs:
        run()
    return runs


def compare(name, ours, theirs, arguments, rounds):
    pairs = list(zip(passes(ours, *arguments), passes(theirs, *arguments), strict=True))
    medians = []
    for pair in pairs:
        times = [[], []]
        for _ in range(rounds):
            for run, taken in zip(pair, times, strict=True):
                started = time.perf_counter()
                run()
                taken.append(time.perf_counter() - started)
        medians += [np.median(taken) * 1e3 for taken in times]
    forward, xla_forward, backward, xla_backward = medians
    print(
        f"{name}: forward {forward:6.2f} ms, XLA's {xla_forward:6.2f}, ratio {xla_forward / forward:5.1f};  "
        f"backward {backward:6.2f} ms, XLA's {xla_backward:6.2f}, ratio {xla_backward / backward:5.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for case in POOLS:
        x = jnp.asarray(np.random.default_rng(0).normal(size=case[0]), jnp.float32)
        for name, ours, theirs in contestants(*case):
            compare(f"{name} {case}", ours, theirs, (x,), rounds)
    for case in DEPTHWISE:
        x = jnp.asarray(np.random.default_rng(0).normal(size=case[0]), jnp.float32)
        ours, theirs, kernel = depthwise(*case)
        compare(f"depthwise_conv {case}", ours, theirs, (x, kernel), rounds)


if __name__ == "__main__":
    main()
