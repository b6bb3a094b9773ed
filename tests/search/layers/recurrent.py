"""Recurrent layers, stacks of cells, both directions, and states from batch to batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import keras
import numpy as np

import jtf
from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import keras_oracle, ours
from tests.search.layers.options import activation, data_format, penalties_and_constraints

#: How many states each has.
KINDS = {"simple_rnn": 1, "gru": 1, "lstm": 2}


def recurrent(draw: Draw) -> Case:
    kind = draw.one(*KINDS)
    units, steps, features = draw.whole(1, 4), draw.whole(1, 5), draw.whole(1, 3)
    options = {"units": units, **cell_options(draw, kind), **sequence_options(draw)}
    options |= penalties_and_constraints(draw, "kernel", "recurrent", "bias")
    return one_layer(draw, kind, options, [steps, features], [[units]] * KINDS[kind])


def conv_lstm(draw: Draw) -> Case:
    chosen, shape = data_format(draw, 2)
    filters, channels, padding = draw.whole(1, 2), draw.whole(1, 2), draw.one("valid", "same")
    size, strides = draw.sizes(2, 1, 3), draw.sizes(2, 1, 2)
    dilation = draw.sizes(2, 1, 2) if max(strides) == 1 else [1, 1]
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    space = [(n if padding == "valid" else 1) + draw.whole(0, 2) for n in reach]
    options = {
        "filters": filters,
        "kernel_size": size,
        "strides": strides,
        "padding": padding,
        "dilation_rate": dilation,
        "data_format": chosen,
        **cell_options(draw, "lstm"),
        **sequence_options(draw),
    }
    left = [-(-(n if padding == "same" else n - r + 1) // s) for n, r, s in zip(space, reach, strides, strict=True)]
    states = [shape(0, left, filters)[1:]] * 2
    return one_layer(draw, "conv_lstm2d", options, [draw.whole(1, 3), *shape(0, space, channels)[1:]], states)


def one_layer(draw: Draw, kind: str, options: dict[str, Any], shape: list[int], states: list[list[int]]) -> Case:
    batch = draw.whole(1, 3)
    call: dict[str, Any] = {"mask": draw.bools(batch, shape[0])} if draw.chance(0.4) else {}
    if kind == "conv_lstm2d" and call:
        return step_by_step(draw, kind, options, draw.normal(batch, *shape), call["mask"])
    if draw.chance(0.25):
        # Further inputs of jtf's layer are the states to begin with.
        given = [draw.normal(batch, *state) for state in states]
        return with_states(draw, kind, options, draw.normal(batch, *shape), given, call)
    if kind != "conv_lstm2d" and draw.chance(0.2):  # Keras's ConvLSTM2D cannot be stateful on JAX
        return keras_oracle.case(draw, kind, options | {"stateful": True}, [batch, *shape], call=call, batches=2)
    return keras_oracle.case(draw, kind, options, [batch, *shape], call=call)


def with_states(
    draw: Draw, kind: str, options: dict[str, Any], x: np.ndarray, states: list[np.ndarray], call: dict[str, Any]
) -> Case:
    """A layer that is given the states to begin with."""
    layer = ours.built(getattr(jtf.layers, kind)(**keras_oracle.in_jtf(options)), x.shape)
    theirs = keras_oracle.make(lambda: keras_oracle.layer(kind, options), x.shape)

    def formula(weights: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        x, *initial = inputs
        activity = options.get("activity_regularizer")
        return keras_oracle.computation(theirs, activity=activity, initial_state=initial, **call)(weights, [x])

    return Case(
        ours.text(kind, options, [x, *states], **call),
        ours.weights_for(draw, layer),
        [x, *states],
        ours.computation(layer, **call),
        formula,
        traced=True,
    )


def step_by_step(draw: Draw, kind: str, options: dict[str, Any], x: np.ndarray, mask: np.ndarray) -> Case:
    """With a mask that Keras's layer cannot take on JAX: it is called for one step at a time."""
    layer = ours.built(getattr(jtf.layers, kind)(**options), x.shape)
    one_step = {"return_state": True, "return_sequences": False, "go_backwards": False}
    theirs = keras_oracle.make(lambda: keras_oracle.layer(kind, options | one_step), x.shape)

    def formula(weights: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        (x,), states, outputs = inputs, None, []
        for t in range(x.shape[1])[:: -1 if options["go_backwards"] else 1]:
            call = {} if states is None else {"initial_state": states}
            _, *new, penalty = keras_oracle.computation(theirs, **call)(weights, [x[:, t : t + 1]])
            states = states or [0 * state for state in new]
            kept = mask[:, t].reshape(-1, 1, 1, 1)
            states = [jnp.where(kept, state, old) for state, old in zip(new, states, strict=True)]
            outputs.append(states[0])
        output = jnp.stack(outputs, 1) if options["return_sequences"] else states[0]
        return [output, *(states if options["return_state"] else []), penalty]

    return Case(
        ours.text(kind, options, [x], mask=mask),
        ours.weights_for(draw, layer),
        [x],
        ours.computation(layer, mask=mask),
        formula,
        traced=True,
    )


def stacked(draw: Draw) -> Case:
    """A stack of cells. jtf has the states of the last cell first, as TF.js; Keras those of the first cell."""
    kinds = [draw.one(*KINDS) for _ in range(draw.whole(1, 3))]
    cells = [(kind, {"units": draw.whole(1, 3), **cell_options(draw, kind)}) for kind in kinds]
    sequence = sequence_options(draw)
    batch, steps, features = draw.whole(1, 2), draw.whole(1, 4), draw.whole(1, 3)
    call = {"mask": draw.bools(batch, steps)} if draw.chance(0.3) else {}
    shape = (batch, steps, features)
    mine = [getattr(jtf.layers, f"{kind}_cell")(**options) for kind, options in cells]
    layer = ours.built(jtf.layers.rnn(cell=mine, **sequence), shape)

    def in_keras() -> Any:
        classes = {"simple_rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}
        theirs = [
            classes[kind](
                **{
                    name: keras_oracle.ACTIVATIONS.get(value, value) if name.endswith("activation") else value
                    for name, value in options.items()
                }
            )
            for kind, options in cells
        ]
        return keras.layers.RNN(theirs if len(theirs) > 1 else theirs[0], **sequence | {"unroll": False})

    theirs = keras_oracle.make(in_keras, shape)
    computed = keras_oracle.computation(theirs, **call)

    def reordered(weights: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        output, *states, penalty = computed(weights, inputs)
        each, states = [], list(states)
        for kind in kinds if sequence["return_state"] else []:
            each.insert(0, [states.pop(0) for _ in range(KINDS[kind])])
        return [output, *(state for own in each for state in own), penalty]

    x = draw.normal(*shape)
    described = ", ".join(
        f"{kind}_cell({', '.join(f'{n}={v!r}' for n, v in options.items())})" for kind, options in cells
    )
    return Case(
        ours.text(f"rnn(cell=[{described}])", sequence, [x], **call),
        ours.weights_for(draw, layer),
        [x],
        ours.computation(layer, **call),
        reordered,
        traced=True,
    )


def bidirectional(draw: Draw) -> Case:
    kind = draw.one(*KINDS)
    inner = {"units": draw.whole(1, 3), **cell_options(draw, kind), **sequence_options(draw)}
    merge_mode = draw.one("concat", "sum", "mul", "ave", None)
    batch, steps, features = draw.whole(1, 2), draw.whole(1, 4), draw.whole(1, 3)
    call = {"mask": draw.bools(batch, steps)} if draw.chance(0.4) else {}
    shape = (batch, steps, features)
    mine = jtf.layers.bidirectional(layer=getattr(jtf.layers, kind)(**inner), merge_mode=merge_mode)
    mine = ours.built(mine, shape)

    theirs = keras_oracle.make(lambda: keras_oracle.bidirectional(kind, inner, merge_mode), shape)
    x = draw.normal(*shape)
    return Case(
        ours.text(f"bidirectional(layer={kind}, merge_mode={merge_mode!r})", inner, [x], **call),
        ours.weights_for(draw, mine),
        [x],
        ours.computation(mine, **call),
        keras_oracle.computation(theirs, **call),
        traced=True,
    )


def cell_options(draw: Draw, kind: str) -> dict[str, Any]:
    options: dict[str, Any] = {"use_bias": draw.chance(0.8), **activation(draw)}
    if kind != "simple_rnn":
        # By name, since the defaults are different: hard_sigmoid in TF.js and sigmoid in Keras.
        options["recurrent_activation"] = draw.one("sigmoid", "hard_sigmoid", "hard_sigmoid_relu6")
    if kind == "gru":
        options["reset_after"] = draw.chance()
    if kind == "lstm":
        options["unit_forget_bias"] = draw.chance()
    return options


def sequence_options(draw: Draw) -> dict[str, Any]:
    names = ("return_sequences", "return_state", "go_backwards", "unroll")
    return {name: draw.chance(0.5 if name != "unroll" else 0.2) for name in names}
