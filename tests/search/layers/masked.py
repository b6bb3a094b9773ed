"""Models in which masks go from layer to layer, and layers that are applied to each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

import jtf
from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import keras_oracle, ours
from tests.search.layers.options import activation
from tests.search.layers.recurrent import KINDS, cell_options

ELEMENTWISE = {
    "add": keras.ops.add,
    "multiply": keras.ops.multiply,
    "average": lambda a, b: (a + b) / 2,
    "maximum": keras.ops.maximum,
    "minimum": keras.ops.minimum,
}


class Pair:
    """A layer in jtf, and in Keras a function ``(values, x, mask) -> (y, mask)``."""

    def __init__(self, factory: str, options: dict[str, Any], shape: Sequence[int], around: str | None = None) -> None:
        self.text = f"{factory}({', '.join(f'{n}={v!r}' for n, v in options.items())})"
        self.jtf = getattr(jtf.layers, factory)(**options)
        self.keeps_steps = True
        self.is_recurrent = factory in KINDS

        def in_keras() -> Any:
            if around == "Bidirectional":
                return keras_oracle.bidirectional(factory, options, "concat")
            layer = keras_oracle.layer(factory, options)
            return keras.layers.TimeDistributed(layer) if around else layer

        if around:
            self.text = f"{around}({self.text})"
            wrapper = {"Bidirectional": jtf.layers.bidirectional, "TimeDistributed": jtf.layers.time_distributed}[
                around
            ]
            self.jtf = wrapper(layer=self.jtf)
        if self.is_recurrent:
            self.keeps_steps = options["return_sequences"]
        self.keras = keras_oracle.make(in_keras, tuple(shape))
        ours.built(self.jtf, tuple(shape))
        self.shape = self.jtf.compute_output_shape(tuple(shape))

    def __call__(self, values: Sequence[Any], x: Any, mask: Any) -> tuple[Any, Any]:
        call = {"mask": mask} if self.is_recurrent and mask is not None else {}
        y = keras_oracle.computation(self.keras, **call)(values, [x])[0]
        return y, mask if self.keeps_steps else None


def masked(draw: Draw) -> Case:
    """One or two sequences with steps to leave out, which are merged, and a recurrent layer at the end."""
    batch, steps = draw.whole(1, 3), draw.whole(1, 5)
    several = draw.chance()
    inputs, tensors, chains = [], [], []
    for _ in range(1 + several):
        entry, x, words = _entry(draw, batch, steps)
        inputs.append(x)
        dtype = "int32" if words else "float32"
        tensor = jtf.input(shape=x.shape[1:], dtype=dtype)
        tensors.append((tensor, entry(tensor) if entry else tensor))
        shape = (*x.shape, entry.output_dim) if words else x.shape
        layers = []
        for _ in range(draw.whole(0, 2)):
            layers.append(_middle(draw, shape))
            shape = layers[-1].shape
        if several:
            layers.append(Pair("dense", {"units": 2}, shape))
            shape = layers[-1].shape
        chains.append((entry, layers))
    outputs = []
    for (_, y), (_, layers) in zip(tensors, chains, strict=True):
        for layer in layers:
            y = layer.jtf(y)
        outputs.append(y)
    merge, y = None, outputs[0]
    if several:
        merge = draw.one(draw.one(*ELEMENTWISE), "steps", "features")
        axis = {"steps": 1, "features": -1}.get(merge)
        made = jtf.layers.concatenate(axis=axis) if axis else getattr(jtf.layers, merge)()
        y = made(outputs)
        shape = made.compute_output_shape([tuple(t.shape) for t in outputs])
    shape = (batch, *shape[1:])
    last = [_recurrent(draw, shape, draw.chance())] if draw.chance(0.9) else []
    for layer in last:
        y = layer.jtf(y)
    model = jtf.model(inputs=[tensor for tensor, _ in tensors], outputs=y)

    every: list[Any] = [layer.jtf for _, layers in chains for layer in layers] + [layer.jtf for layer in last]
    embeddings = [entry for entry, _ in chains if hasattr(entry, "embeddings")]
    variables = [w for layer in [*embeddings, *every] for w in layer.weights]
    lifted = jtf.lift(lambda x: model(x if several else x[0]), variables)

    def theirs(weights: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        left = list(weights)

        def take(count: int) -> list[Any]:
            taken, left[:] = left[:count], left[count:]
            return taken

        entered = [_enter(entry, x, take) for (entry, _), x in zip(chains, inputs, strict=True)]
        results = []
        for (x, mask), (_, layers) in zip(entered, chains, strict=True):
            for layer in layers:
                x, mask = layer(take(len(layer.jtf.weights)), x, mask)
            results.append((x, mask))
        y, mask = _merged(merge, results) if several else results[0]
        for layer in last:
            y, mask = layer(take(len(layer.jtf.weights)), y, mask)
        return [y]

    described = "; ".join(" -> ".join([repr(entry), *(layer.text for layer in layers)]) for entry, layers in chains)
    return Case(
        f"{described}; {merge}; {''.join(layer.text for layer in last)} on {[x.tolist() for x in inputs]}",
        [draw.normal(*w.shape, scale=0.7) for w in variables],
        inputs,
        lambda weights, inputs: jax.tree.leaves(lifted(list(weights), list(inputs))[0]),
        theirs,
        traced=True,
    )


def _entry(draw: Draw, batch: int, steps: int) -> tuple[Any, np.ndarray, bool]:
    """A layer that makes a mask, or none, and an input for it."""
    if draw.chance():
        layer = jtf.layers.embedding(input_dim=4, output_dim=draw.whole(1, 3), mask_zero=draw.chance(0.8))
        x = draw.integers(4, batch, steps)
        ours.built(layer, x.shape)
        return layer, x, True
    x = draw.normal(batch, steps, draw.whole(1, 3))
    x[~draw.bools(batch, steps)] = 0.0
    return jtf.layers.masking() if draw.chance(0.8) else None, x, False


def _enter(entry: Any, x: Any, take: Any) -> tuple[Any, Any]:
    if hasattr(entry, "embeddings"):
        return take(1)[0][x], (x != 0) if entry.mask_zero else None
    return x, jnp.any(x != 0, -1) if entry else None


def _middle(draw: Draw, shape: Sequence[int]) -> Pair:
    kind = draw.one("dense", "activation", "layer_normalization", "time_distributed", "recurrent", "bidirectional")
    if kind == "dense":
        return Pair("dense", {"units": draw.whole(1, 3), **activation(draw)}, shape)
    if kind == "activation":
        return Pair("activation", {"activation": draw.one("tanh", "softsign", "hard_sigmoid")}, shape)
    if kind == "layer_normalization":
        return Pair(kind, {"epsilon": 0.1}, shape)
    if kind == "time_distributed":
        return Pair("dense", {"units": draw.whole(1, 3)}, shape, "TimeDistributed")
    return _recurrent(draw, shape, True, "Bidirectional" if kind == "bidirectional" else None)


def _recurrent(draw: Draw, shape: Sequence[int], sequences: bool, around: str | None = None) -> Pair:
    kind = draw.one(*KINDS)
    options = {"units": draw.whole(1, 3), **cell_options(draw, kind), "return_sequences": sequences}
    return Pair(kind, options, shape, around)


def _merged(merge: str | None, results: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """As TF.js merges masks: a step counts where it does in all inputs. (Keras: in any.)"""
    (a, of_a), (b, of_b) = results
    if of_a is None and of_b is None:
        mask = None
    elif merge == "steps":
        mask = jnp.concatenate([jnp.ones(x.shape[:2], bool) if m is None else m for x, m in results], 1)
    else:
        mask = of_a if of_b is None else of_b if of_a is None else of_a & of_b
    if merge in ELEMENTWISE:
        return ELEMENTWISE[merge](a, b), mask
    return jnp.concatenate([a, b], 1 if merge == "steps" else -1), mask


def time_distributed(draw: Draw) -> Case:
    kind = draw.one("dense", "conv2d", "max_pooling1d", "lstm", "flatten", "batch_normalization", "gru")
    space = {"conv2d": 3, "dense": 1, "batch_normalization": draw.whole(1, 2)}.get(kind, 2)
    shape = (draw.whole(1, 2), draw.whole(1, 4), *draw.sizes(space, 2, 3))
    options = {
        "dense": {"units": draw.whole(1, 3), **activation(draw)},
        "conv2d": {"filters": draw.whole(1, 2), "kernel_size": draw.whole(1, 2), "padding": draw.one("valid", "same")},
        "max_pooling1d": {"pool_size": 2, "padding": draw.one("valid", "same")},
        "batch_normalization": {"epsilon": 0.1, "center": draw.chance()},
        "flatten": {},
    }.get(kind)
    if options is None:
        options = {"units": 2, "return_sequences": draw.chance(), **cell_options(draw, kind)}
    pair = Pair(kind, options, shape, "TimeDistributed")
    x = draw.normal(*shape)
    return Case(
        f"{pair.text} on {list(shape)}",
        ours.weights_for(draw, pair.jtf),
        [x],
        ours.computation(pair.jtf),
        keras_oracle.computation(pair.keras),
        traced=True,
    )
