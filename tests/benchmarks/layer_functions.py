"""How long functions of layers take, as ratios to what one would write by hand.

Run: python tests/benchmarks/layer_functions.py
"""

from __future__ import annotations

import itertools
import statistics
import time

import jax
import jax.numpy as jnp

from jtf import functional as F

KEY = jax.random.key(0)


def by_hand_batch_norm(params, x):
    mean, variance = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
    y = (x - mean) / jnp.sqrt(variance + 1e-3) * params["gamma"] + params["beta"]
    moved = [0.99 * old + 0.01 * new for old, new in zip(params["moving"], (mean, variance), strict=True)]
    return y, moved


def batch_norm(params, x):
    moving = dict(zip(("moving_mean", "moving_variance"), params["moving"], strict=True))
    return F.batch_normalization({**moving, "gamma": params["gamma"], "beta": params["beta"]}, x, training=True)


def by_hand_layer_norm(params, x):
    mean, variance = jnp.mean(x, -1, keepdims=True), jnp.var(x, -1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-3) * params["gamma"] + params["beta"]


def attention(params, q, k, v, mask):
    del params
    return F.attend(F.attention_scores(q, k, mask), v)


def by_hand_attention(params, q, k, v, mask):
    del params
    return jax.nn.dot_product_attention(q, k, v, mask=mask[:, None])


def cases():
    """name, ours, by hand, the parameters, the other arguments."""
    x = jax.random.normal(KEY, (32, 28, 28, 32))
    features = {"gamma": jnp.ones(32), "beta": jnp.zeros(32), "moving": [jnp.zeros(32), jnp.ones(32)]}
    yield "batch normalization, training", batch_norm, by_hand_batch_norm, features, (x,)
    tokens = jax.random.normal(KEY, (32, 128, 256))
    scale = {"gamma": jnp.ones(256), "beta": jnp.zeros(256)}
    yield "layer normalization", F.layer_normalization, by_hand_layer_norm, scale, (tokens,)
    table = {"embeddings": jax.random.normal(KEY, (10_000, 128))}
    ids = jax.random.randint(KEY, (64, 100), 0, 10_000)
    yield "embedding", F.embedding, lambda p, ids: p["embeddings"][ids], table, (ids,)
    q, k, v = (jax.random.normal(key, (16, 64, 4, 32)) for key in jax.random.split(KEY, 3))
    mask = jax.random.bernoulli(KEY, 0.8, (16, 64, 64))
    yield "attention", attention, by_hand_attention, {"none": jnp.zeros(1)}, (q, k, v, mask)
    pair = [jax.random.normal(key, (512, 2048)) for key in jax.random.split(KEY)]
    yield (
        "maximum",
        lambda p, a, b: F.maximum([a, b + p["s"]]),
        lambda p, a, b: jnp.maximum(a, b + p["s"]),
        {"s": jnp.zeros((1, 2048))},
        pair,
    )


def timed(function, arguments):
    jax.block_until_ready(function(*arguments))
    times = []
    for _ in range(15):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - start)
    return times


def main() -> None:
    for name, ours, by_hand, params, arguments in cases():
        jitted = []
        for function in (ours, by_hand):

            def loss(params, *arguments, function=function):
                return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(function(params, *arguments)))

            floating = [i for i, a in enumerate((params, *arguments)) if jax.tree.leaves(a)[0].dtype == jnp.float32]
            jitted.append((jax.jit(function), jax.jit(jax.grad(loss, argnums=tuple(floating)))))
        for what, (mine, theirs) in zip(("forward", "gradient"), zip(*jitted, strict=True), strict=True):
            for function in (mine, theirs):
                timed(function, (params, *arguments))
            rounds = [(timed(mine, (params, *arguments)), timed(theirs, (params, *arguments))) for _ in range(3)]
            a, b = (statistics.median(itertools.chain(*times)) for times in zip(*rounds, strict=True))
            print(f"{name:32s} {what:9s} {a * 1e3:8.2f} ms, by hand {b * 1e3:8.2f} ms: {a / b:5.2f}")


if __name__ == "__main__":
    main()
