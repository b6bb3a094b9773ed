"""A layer of jtf as a function of its weights and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jtf
from jtf.layers.scopes import collect_losses, weights_are_given
from tests.search.case import Computation
from tests.search.draw import Draw

#: More than any of the layers here has.
ENOUGH = 10**6


def built(layer: jtf.layers.Layer, shapes: Any) -> jtf.layers.Layer:
    """The layer with weights, without the time that drawing them takes."""
    with weights_are_given(ENOUGH):
        layer.ensure_built(shapes)
        layer.build_sublayers(shapes)
    return layer


def weights_for(draw: Draw, layer: jtf.layers.Layer) -> list[np.ndarray]:
    """Numbers for its weights; variances are positive."""
    return [
        draw.positive(*w.shape) if "variance" in w.name else draw.normal(*w.shape, scale=0.7) for w in layer.weights
    ]


def computation(layer: jtf.layers.Layer, batches: int = 1, takes_list: bool = False, **call: Any) -> Computation:
    """Call the layer on its inputs, as many times as there are batches.

    The outputs are those of all calls, the penalties of the last, what the layer has moved or remembers, and what the
    constraints make of the weights.
    """
    state = {"weights": layer.weights, "states": layer.state_variables}

    def run(inputs: Sequence[Any]) -> list[Any]:
        results, each = [], len(inputs) // batches
        for n in range(batches):
            batch = list(inputs[n * each : (n + 1) * each])
            with collect_losses() as losses:
                results.append(layer(batch if takes_list or each > 1 else batch[0], **call))
        losses += layer.losses
        moved = [w.read() for w in layer.non_trainable_weights] if layer.trainable else []
        constrained = [w.constraint(w.read()) for w in layer.weights if w.constraint is not None]
        return [*jax.tree.leaves(results), jnp.asarray(sum(losses, 0.0)), *moved, *constrained]

    lifted = jtf.lift(run, state)
    values = jtf.values(layer.state_variables)
    return lambda weights, inputs: lifted({"weights": list(weights), "states": values}, inputs)[0]


def text(factory: str, options: Mapping[str, Any], inputs: Sequence[np.ndarray], **call: Any) -> str:
    """How one would write it."""
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    called = ", ".join(str(list(x.shape)) for x in inputs)
    more = "".join(f", {name}={_shown(value)}" for name, value in call.items() if value is not None)
    return f"jtf.layers.{factory}({given}) on {called}{more}"


def _shown(value: Any) -> str:
    return str(value.astype(int).tolist()) if isinstance(value, np.ndarray) else repr(value)
