"""Keras, on its JAX backend, as the other computation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
import jax
import jax.numpy as jnp
import keras
import numpy as np

import jtf
from tests.search.case import Case, Computation
from tests.search.draw import Draw
from tests.search.layers import ours

assert keras.backend.backend() == "jax"


@keras.saving.register_keras_serializable()
def hard_sigmoid_of_tfjs(x: Any) -> Any:
    return jnp.clip(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable()
def gelu_new(x: Any) -> Any:
    return keras.activations.gelu(x, approximate=True)


#: Activations that Keras knows under other names. Its hard_sigmoid is another function than TF.js's.
ACTIVATIONS = {"hard_sigmoid": hard_sigmoid_of_tfjs, "hard_sigmoid_relu6": "hard_sigmoid", "gelu_new": gelu_new}
CLASSES = {"rnn": "RNN", "simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU", "conv_lstm2d": "ConvLSTM2D"}


class Zeros(keras.initializers.Initializer):
    """Compiles nothing."""

    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        return jax.device_put(np.zeros(tuple(shape), "float32"))


def layer(factory: str, options: Mapping[str, Any]) -> keras.layers.Layer:
    """Keras's layer for options of jtf's."""
    name = CLASSES.get(factory) or "".join(part.capitalize() for part in factory.split("_")).replace("1d", "1D")
    make = getattr(keras.layers, name.replace("2d", "2D").replace("3d", "3D"))
    # Keras's unrolled loop makes zeros of the outputs of masked steps at the beginning, its other loop does not. Some
    # of its layers ignore activity regularizers, and stateless_call leaves them out.
    given = {name: value for name, value in options.items() if name not in ("unroll", "activity_regularizer")}
    return make(**{name: _translated(name, value) for name, value in given.items()})


def _translated(name: str, value: Any) -> Any:
    if name.endswith("activation"):
        return ACTIVATIONS.get(value, value)
    if name == "data_format":
        return "channels_first" if value == "channelsFirst" else "channels_last"
    if name.endswith(("regularizer", "constraint")) and value is not None:
        return getattr(keras, name.rpartition("_")[2] + "s").get({"class_name": value[0], "config": value[1]})
    return value


def in_jtf(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as jtf takes them: those of regularizers and constraints are drawn as names and options."""
    return {
        name: {"class_name": value[0], "config": value[1]}
        if name.endswith(("regularizer", "constraint")) and value is not None
        else value
        for name, value in options.items()
    }


def computation(
    layer: keras.layers.Layer, batches: int = 1, takes_list: bool = False, activity: Any = None, **call: Any
) -> Computation:
    """As `tests.search.layers.ours.computation`, by Keras; ``activity`` is the regularizer of the output."""

    def run(weights: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        with jax.numpy_rank_promotion("allow"):
            trainable = list(weights[: len(layer.trainable_variables)])
            rest = iter(weights[len(trainable) :])
            weighty = {id(w) for w in layer.weights}
            variables = list({id(v): v for v in (*layer.non_trainable_variables, *states_of(layer))}.values())
            others = [next(rest) if id(v) in weighty else v.value for v in variables]
            values = list(zip([*layer.trainable_variables, *variables], [*trainable, *others], strict=True))
            results, each = [], len(inputs) // batches
            for n in range(batches):
                batch = list(inputs[n * each : (n + 1) * each])
                with keras.StatelessScope(state_mapping=values, collect_losses=True) as scope:
                    results.append(layer(batch if takes_list or each > 1 else batch[0], **call))
                    losses = list(layer.losses)
                if activity:
                    y = jax.tree.leaves(results[-1])[0]
                    penalty = activity[1]["l1"] * jnp.sum(jnp.abs(y)) + activity[1]["l2"] * jnp.sum(y * y)
                    losses.append(penalty / y.shape[0])
                values = [(v, scope.get_current_value(v)) for v, _ in values]
            others = [value for _, value in values[len(trainable) :]]
            moved = [o for v, o in zip(variables, others, strict=True) if id(v) in weighty]
            constrained = [
                v.constraint(w) for v, w in zip(layer.trainable_variables, trainable, strict=True) if v.constraint
            ]
            return [*jax.tree.leaves(results), jnp.asarray(sum(losses, 0.0)), *moved, *constrained]

    return run


def bidirectional(factory: str, options: Mapping[str, Any], merge_mode: str | None) -> keras.layers.Layer:
    """Keras's wrapper, without the zeros that it puts where a step is masked: there TF.js has the output before."""
    back = {"go_backwards": not options.get("go_backwards", False)}
    forward, backward = (layer(factory, {**options, **change}) for change in ({}, back))
    made = keras.layers.Bidirectional(forward, merge_mode=merge_mode, backward_layer=backward)
    made.forward_layer.zero_output_for_mask = made.backward_layer.zero_output_for_mask = False
    return made


def states_of(layer: keras.layers.Layer) -> list[Any]:
    """What a stateful layer remembers, which is not among its variables."""
    return jax.tree.leaves(layer.states) if getattr(layer, "stateful", False) else []


def make(builder: Any, *shapes: Any) -> keras.layers.Layer:
    """A layer of Keras, built for these shapes, with weights that took no time to draw."""
    with jax.numpy_rank_promotion("allow"):
        made = builder()
        for each in made._flatten_layers():
            for name in vars(each):
                if name.endswith("_initializer"):
                    setattr(each, name, Zeros())
        made.build(*shapes)
    return made


def case(
    draw: Draw,
    factory: str,
    options: Mapping[str, Any],
    *shapes: Sequence[int],
    inputs: list[np.ndarray] | None = None,
    call: Mapping[str, Any] | None = None,
    call_of_keras: Mapping[str, Any] | None = None,
    batches: int = 1,
    takes_list: bool = False,
    **more: Any,
) -> Case:
    """The same layer in jtf and in Keras.

    Args:
        draw: where weights and inputs come from.
        factory, options: of the layer, in the words of jtf.
        shapes: of the inputs.
        inputs: in place of normal numbers.
        call: arguments of the call.
        call_of_keras: where they have other names there.
        batches: how many calls there are, one after the other.
        takes_list: whether a single input is given in a list, too.
        more: fields of the case.
    """
    call = dict(call or {})
    inputs = [draw.normal(*shape) for _ in range(batches) for shape in shapes] if inputs is None else inputs
    one = len(shapes) == 1 and not takes_list
    built_for = tuple(shapes[0]) if one else [tuple(shape) for shape in shapes]
    mine = ours.built(getattr(jtf.layers, factory)(**in_jtf(options)), built_for)
    activity = options.get("activity_regularizer")
    theirs = make(lambda: layer(factory, options), built_for)
    weights = ours.weights_for(draw, mine)
    in_keras = [tuple(w.shape) for w in (*theirs.trainable_weights, *theirs.non_trainable_weights)]
    assert [w.shape for w in weights] == in_keras, (factory, options, in_keras)
    return Case(
        ours.text(factory, options, inputs, **call),
        weights,
        inputs,
        ours.computation(mine, batches, takes_list, **call),
        computation(theirs, batches, takes_list, activity, **(call if call_of_keras is None else call_of_keras)),
        traced=True,
        **more,
    )
