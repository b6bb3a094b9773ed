"""What TF.js 4.22 cannot open, or computes otherwise than jtf as it predicts.

Each line of the tables is something that the real TF.js was seen to fail on; the tests have it fail on each again.
What it merely ignores while training, as the penalties of recurrent layers, is not here.

References:
    TF.js: tfjs-layers/src/layers/, tfjs-layers/src/engine/container.ts (loadWeights), tfjs-core/src/ops/
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from jtf import activations, constraints, initializers, layers, regularizers
from jtf.configurable import Configurable, kept_options
from jtf.io.tfjs_calls import UNUSABLE_MASK, Call, Mask, calls_in_tfjs, is_model
from jtf.io.topology import model_from_json, topology
from jtf.layers.base import Layer, registry
from jtf.layers.recurrent import RecurrentLayer
from jtf.layers.scopes import weights_are_given
from jtf.variable import Variable


class Limit(NamedTuple):
    """Something that TF.js cannot do.

    Attributes:
        classes: of the layers that it may be about.
        concerns: whether it is about this call of such a layer.
        lacks: what TF.js does instead, or does not.
        mend: what would work there, too.
    """

    classes: tuple[type[Layer], ...]
    concerns: Callable[[Call], bool]
    lacks: str
    mend: str = ""


_CONV1D_3D = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_DEPTHWISE = (layers.DepthwiseConv2D, layers.SeparableConv2D)
_CONVOLUTIONS = (*_CONV1D_3D, layers.Conv2DTranspose, layers.Conv3DTranspose, *_DEPTHWISE)
_POOLING1D = (layers.MaxPooling1D, layers.AveragePooling1D)
_AVERAGE = (layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D)
_GLOBAL1D = (layers.GlobalMaxPooling1D, layers.GlobalAveragePooling1D)
_GLOBAL = (*_GLOBAL1D, layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D)
_NORMALIZATION = (layers.BatchNormalization, layers.LayerNormalization)
_RECURRENT = (RecurrentLayer, layers.Bidirectional)
_CELLS = (layers.SimpleRNNCell, layers.GRUCell, layers.LSTMCell, layers.ConvLSTM2DCell, layers.StackedRNNCells)
_MERGES = (layers.Add, layers.Average, layers.Maximum, layers.Minimum, layers.Multiply)
_FLOAT_ACTIVATIONS = ("elu", "mish", "selu", "sigmoid", "softmax", "softplus", "tanh")

_NO_SUCH_LAYER = "there is no such layer"
_CHANNELS_LAST = "Use channelsLast, with a permute layer in front."
_RESHAPE_FIRST = "Put a reshape layer in front of it, to the shape that is there."
_AS_FLOATS = "Give the input dtype='float32', or put jtf.layers.rescaling(scale=1) in front."
_OUTSIDE = "Do it to the data, before the model."


def _channels_first(call: Call) -> bool:
    return bool(call.layer.data_format == "channelsFirst")


def _rank(call: Call) -> int:
    return len(call.shapes[0]) if call.shapes else 0


def _is_last(axis: Any, call: Call) -> bool:
    return not call.shapes or axis in (-1, _rank(call) - 1)


def _strides_and_dilation(call: Call) -> bool:
    return max(np.ravel(call.layer.strides)) > 1 and max(np.ravel(call.layer.dilation_rate)) > 1


def _changes_a_shared_shape(call: Call) -> bool:
    shape = call.shapes[0]
    return call.of_graph and call.shape_is_shared and call.layer.compute_output_shape(shape) != shape


def _enlarges(call: Call) -> bool:
    sizes = zip(call.shapes[0][-3:-1], (call.layer.height, call.layer.width), strict=True)
    return call.of_graph and any(given is not None and wanted > given for given, wanted in sizes)


def _one_axis(call: Call) -> int | None:
    axis = call.layer.axis
    return axis if isinstance(axis, int) else axis[0] if len(axis) == 1 else None


def _mixed_signs(call: Call) -> bool:
    axes = call.layer.axes
    return not isinstance(axes, int) and (axes[0] < 0) != (axes[1] < 0)


def _gives_a_list(call: Call) -> bool:
    inner = call.layer.layer
    if is_model(inner):
        return len(inner.outputs) > 1
    own = getattr(inner, "layer", inner)
    return getattr(own, "return_state", False) or getattr(inner, "merge_mode", "") is None


def _lacks_masks(call: Call, masks: Sequence[Mask]) -> bool:
    return None in masks and any(mask is not None for mask in call.input_masks_in_tfjs)


def _is_stateful(layer: Layer) -> bool:
    return any(each.stateful for each in (layer, *layer.layers_inside))


def _takes_integers(call: Call) -> bool:
    return any(dtype != "float32" for dtype in call.dtypes)


#: For layers of jtf; a class of the user's is the user's own in TF.js, too.
LIMITS = [
    # Layers that are not there.
    Limit(
        (layers.EinsumDense, layers.MultiHeadAttention, layers.PositionEmbedding, layers.RandomHeight),
        lambda call: True,
        _NO_SUCH_LAYER,
    ),
    Limit(
        _CELLS,
        lambda call: call.of_graph,
        "a cell is no layer of a model",
        "Put it into a layer: jtf.layers.rnn(cell=...).",
    ),
    Limit((layers.RandomWidth,), lambda call: True, "it fails, or draws widths while predicting", _OUTSIDE),
    Limit((layers.Resizing,), lambda call: call.of_graph, "it fails in a model", _OUTSIDE),
    # Convolutions.
    Limit((layers.Conv1D,), lambda call: call.layer.padding == "causal", "padding='causal' fails"),
    Limit((layers.Conv1D,), _channels_first, "the output of channelsFirst has the channels last", _CHANNELS_LAST),
    Limit(_CONV1D_3D, lambda call: call.layer.groups > 1, "groups is unknown", "Use groups=1."),
    Limit(
        (*_CONV1D_3D, layers.SeparableConv2D, layers.ConvLSTM2D),
        _strides_and_dilation,
        "strides or dilation_rate must be 1",
    ),
    Limit(
        (layers.DepthwiseConv2D,),
        lambda call: max(np.ravel(call.layer.dilation_rate)) > 1,
        "dilation_rate is ignored",
        "Use dilation_rate=1.",
    ),
    Limit(
        (layers.SeparableConv2D,),
        lambda call: _channels_first(call) and call.layer.use_bias,
        "a bias cannot be added with channelsFirst",
        "Use use_bias=False, or channelsLast.",
    ),
    # Pooling.
    Limit(_POOLING1D + _GLOBAL1D, _channels_first, "data_format is unknown", _CHANNELS_LAST),
    Limit(_GLOBAL, lambda call: call.layer.keepdims, "keepdims is unknown", "Use a reshape layer behind it."),
    # Normalisation and activations.
    Limit(
        _NORMALIZATION,
        lambda call: _rank(call) > 4,
        "inputs have at most four dimensions",
        "Use reshape layers around it.",
    ),
    Limit(
        (layers.BatchNormalization,),
        lambda call: not _is_last(call.layer.axis, call),
        "only axis=-1 is right",
        "Use permute layers around it.",
    ),
    Limit(
        (layers.Softmax,),
        lambda call: _one_axis(call) is not None and not _is_last(_one_axis(call), call),
        "only the last axis is supported",
        "Use axis=-1 with permute layers around it.",
    ),
    Limit(
        (layers.Softmax,),
        lambda call: call.mask_in_tfjs is not None,
        "it fails where a mask has gone before",
        "Use jtf.layers.activation(activation='softmax').",
    ),
    Limit((layers.ELU,), lambda call: call.layer.alpha != 1, "alpha must be 1", "Use alpha=1."),
    # Merging.
    Limit(
        (layers.Concatenate,),
        lambda call: call.layer.axis < -1,
        "a negative axis is taken for the last",
        "Count the axis from the front.",
    ),
    Limit((layers.Dot,), lambda call: max(map(len, call.shapes)) > 3, "inputs have two or three dimensions"),
    Limit((layers.Dot,), _mixed_signs, "it fails on a negative and a positive axis", "Count both axes from the front."),
    Limit(
        _MERGES,
        lambda call: len(call.shapes) > 2 and _lacks_masks(call, call.input_masks_in_tfjs[:-1]),
        "it fails where only some of the inputs have a mask",
    ),
    Limit(
        (layers.Concatenate,),
        lambda call: not _is_last(call.layer.axis, call) and _lacks_masks(call, call.input_masks_in_tfjs),
        "it fails where only some of the inputs have a mask",
    ),
    Limit(
        (layers.Concatenate,),
        lambda call: UNUSABLE_MASK in call.input_masks_in_tfjs,
        "it fails on what an add, or another merger, made of inputs with masks",
    ),
    # Recurrent layers.
    Limit(
        (layers.GRU, layers.GRUCell),
        lambda call: call.layer.reset_after,
        "reset_after is refused",
        "Use reset_after=False.",
    ),
    Limit((layers.ConvLSTM2D,), lambda call: call.layer.unroll, "unroll is refused", "Use unroll=False."),
    Limit((layers.ConvLSTM2D,), lambda call: len(call.shapes) > 1, "it cannot take initial states"),
    Limit(
        (layers.RNN,),
        lambda call: isinstance(call.layer.cell, layers.ConvLSTM2DCell),
        "it cannot take images",
        "Use jtf.layers.conv_lstm2d.",
    ),
    Limit(
        (layers.Bidirectional,),
        lambda call: isinstance(call.layer.layer, layers.RNN),
        "it cannot hold an RNN of cells",
        "Use lstm, gru or simple_rnn inside.",
    ),
    Limit((layers.TimeDistributed,), _gives_a_list, "the layer inside must have one output", "Use return_state=False."),
    Limit(
        (Layer,),
        lambda call: call.runs > 1 and _is_stateful(call.layer),
        "a stateful layer is run once for each output that is used, and its states move on each time",
        "Use one of its outputs.",
    ),
    Limit(
        _RECURRENT,
        lambda call: call.mask != call.mask_in_tfjs,
        "it gets another mask, since a mask stays until another one comes, and those of merged tensors are broken",
        "Leave mask_zero and masking out, or keep what has a mask behind what has none.",
    ),
    Limit(
        _RECURRENT,
        lambda call: call.has_left_states,
        "it fails behind a recurrent layer that was given states, where there are masks, or in a model inside",
        "Leave mask_zero and masking out, and use one model.",
    ),
    # Preprocessing.
    Limit((layers.CenterCrop,), _enlarges, "images smaller than the crop fail", _OUTSIDE),
    Limit(
        (layers.CenterCrop, layers.CategoryEncoding),
        _changes_a_shared_shape,
        "it changes the shape of its input, which the model's entry or another layer has, too",
        _RESHAPE_FIRST,
    ),
    Limit((layers.CategoryEncoding,), lambda call: _rank(call) > 2, "inputs have at most two dimensions"),
    Limit(
        (layers.CategoryEncoding,),
        lambda call: call.layer.output_mode == "oneHot" and _rank(call) == 2 and call.shapes[0][-1] != 1,
        "oneHot takes one number an example",
        "Use multiHot, or inputs of shape [1].",
    ),
    # Integers, and other dtypes.
    Limit(
        (*_CONV1D_3D, *_DEPTHWISE, *_AVERAGE, *_NORMALIZATION, layers.ConvLSTM2D, layers.ELU),
        _takes_integers,
        "it cannot take integers",
        _AS_FLOATS,
    ),
    Limit(
        (layers.Softmax,),
        lambda call: _takes_integers(call) and _one_axis(call) is not None,
        "it cannot take integers",
        _AS_FLOATS,
    ),
    Limit(
        (layers.Activation,),
        lambda call: _takes_integers(call) and activations.name_of(call.layer.activation) in _FLOAT_ACTIVATIONS,
        "it cannot take integers",
        _AS_FLOATS,
    ),
    Limit(
        (layers.Concatenate,),
        lambda call: len(set(call.dtypes)) > 1,
        "the dtype of the first input is that of the output",
        "Give all of the inputs one dtype.",
    ),
    Limit(
        (layers.Embedding,),
        lambda call: call.layer.dtype != "float32",
        "its dtype is also that of its weights",
        "Leave its dtype out.",
    ),
    # Any layer.
    Limit(
        (layers.Layer,),
        lambda call: call.layer.float_dtype != "float32",
        "it computes in float32",
        "Make it with dtype='float32'.",
    ),
    Limit(
        (*_CONVOLUTIONS, layers.Dense, layers.Embedding),
        lambda call: call.of_graph and call.layer.activity_regularizer is not None,
        "a layer with an activity_regularizer cannot be called",
        "Set it to None to save: layer.activity_regularizer = None.",
    ),
    Limit(
        (Layer,),
        lambda call: any(value for value in call.options.values()),
        "the options of a call in a graph, as training=True, are ignored",
        "Leave them out.",
    ),
]

_UNKNOWN_ACTIVATIONS = ("gelu_new", "hard_sigmoid_relu6")
_DTYPES = ("float32", "int32", "bool")
_VALID_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._/]*")
#: Of every object in JavaScript.
_TAKEN_NAMES = (
    *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
    "valueOf",
)
_REGISTRIES = (initializers.registry, regularizers.registry, constraints.registry, registry)


def names_in_tfjs(model: Any) -> list[str]:
    """What TF.js calls a model's weights, as it goes by names; a model that it cannot open is refused.

    Args:
        model: built.

    Raises:
        ValueError: TF.js would fail, or predict something else; names each of the layers, what TF.js lacks, and the
            way out.
    """
    calls = calls_in_tfjs(model)
    models = [model, *(call.layer for call in calls if is_model(call.layer))]
    found = [line for call in calls for line in _about_call(call)]
    found += [line for each in models for line in _about_names(each)]
    names = [] if found else _names_when_opened(model)
    found = found or list(_about_weights(model, names))
    if found:
        raise ValueError(
            f"TF.js cannot open model {model.name!r}, or would predict something else with it:\n- "
            + "\n- ".join(dict.fromkeys(found))
            + "\nMend that, or save the model with target='jtf', which only jtf can open then."
        )
    return names


def _line(layer: Layer, lacks: str, mend: str = "") -> str:
    return f"Layer {layer.name!r} ({layer.class_name}): {lacks}. {mend}".rstrip()


def _about_call(call: Call) -> Iterator[str]:
    layer = call.layer
    if not _is_known(layer):
        name = type(layer).__name__
        yield _line(
            layer,
            f"the class {name} has no name in files",
            f"Make it known by jtf.register_class({name}), and its namesake in JavaScript by "
            "tf.serialization.registerClass.",
        )
    if not _is_of_jtf(layer):
        return
    for part in kept_options(layer).values():
        if isinstance(part, Configurable) and not _is_known(part):
            yield _line(layer, f"the class {type(part).__name__} has no name in files", "Use one of jtf's own.")
    for limit in LIMITS:
        if isinstance(layer, limit.classes) and limit.concerns(call):
            yield _line(layer, limit.lacks, limit.mend)
    for option in ("activation", "recurrent_activation"):
        activation = activations.name_of(getattr(layer, option, None))
        if activation in _UNKNOWN_ACTIVATIONS:
            yield _line(layer, f"the activation {activation!r} is unknown", "Use another one.")


def _is_known(configurable: Configurable) -> bool:
    return any(type(configurable) in known.classes.values() for known in _REGISTRIES)


def _is_of_jtf(layer: Configurable) -> bool:
    return type(layer).__module__.startswith("jtf.")


def _about_names(model: Any) -> Iterator[str]:
    entries = [tensor.node.layer for tensor in model.inputs]
    for layer in dict.fromkeys((*entries, *model.layers)):
        if not all(map(_VALID_NAME.fullmatch, (layer.name, *(weight.name for weight in layer.weights)))):
            yield _line(
                layer, "a name has letters, digits and -._/ only, and begins with one of the former", "Rename it."
            )
        elif layer.name in _TAKEN_NAMES and model.class_name != "Sequential":
            yield _line(layer, "the name is taken in JavaScript", "Rename it.")
    for tensor in model.inputs:
        if len(tensor.shape) < 2:
            yield _line(
                tensor.node.layer, "an input has at least two dimensions, the batch's included", "Use shape=[1]."
            )
        if tensor.dtype not in _DTYPES:
            yield _line(tensor.node.layer, f"an input's dtype is {', '.join(_DTYPES)}; not {tensor.dtype}")


def _names_when_opened(model: Any) -> list[str]:
    """The names of the weights in a model that is made of this one's configuration.

    Weights keep the names that they were made with, so those of a layer that was wrapped later on are called otherwise.
    """
    names = [weight.name for weight in model.weights]
    if all(map(_has_its_own_names, _layers_of_graph(model))):
        return names
    if not all(map(_is_of_jtf, model.layers_inside)):  # a class of the user's may name what is inside of it by counting
        return names
    with weights_are_given(sum(weight.size for weight in model.weights)):
        return [weight.name for weight in model_from_json(topology(model)).weights]


def _layers_of_graph(model: Any) -> Iterator[Layer]:
    for layer in model.layers:
        if is_model(layer):
            yield from _layers_of_graph(layer)
        else:
            yield layer


def _has_its_own_names(layer: Layer) -> bool:
    return all(weight.name == f"{layer.name}/{weight.name.rpartition('/')[2]}" for weight in layer.weights)


def _about_weights(model: Any, names: Sequence[str]) -> Iterator[str]:
    """What is wrong with the weights of a model that can be opened else."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        yield f"Several weights are called {twice[0]!r}, and TF.js goes by names. Give the layers different names."
    for weight in model.weights:
        if weight.constraint is not None and not _is_kept(weight):
            yield (
                f"The weight {weight.name!r} does not keep its constraint {weight.constraint!r}, which TF.js applies "
                "as it opens a model. Apply it before: weight.assign(weight.constraint(weight.read()))."
            )


def _is_kept(weight: Variable) -> bool:
    assert weight.constraint is not None
    return np.allclose(np.asarray(weight), np.asarray(weight.constraint(weight.read())), rtol=1e-5, atol=1e-6)
