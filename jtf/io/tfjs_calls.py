"""The calls of layers that TF.js makes as it predicts with a model, in its order, and what comes with each.

TF.js keeps one set of options for all calls. A mask that has been put there stays until the next masked tensor comes,
so that it reaches recurrent layers which jtf and Keras give none, and which come later only because TF.js walks through
a graph from the last input to the first. The walk is repeated here, with the masks' identities instead of masks.

References:
    TF.js: tfjs-layers/src/engine/executor.ts (execute), engine/container.ts (call), layers/recurrent.ts (apply)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jtf.layers.activations import ELU, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU
from jtf.layers.base import Layer
from jtf.layers.cells import StackedRNNCells
from jtf.layers.core import Activation, Dropout
from jtf.layers.embedding import Embedding, Masking
from jtf.layers.merge import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply
from jtf.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise, SpatialDropout1D
from jtf.layers.normalization import BatchNormalization, LayerNormalization
from jtf.layers.preprocessing import CategoryEncoding, CenterCrop, Rescaling
from jtf.layers.recurrent import RNN, RecurrentLayer
from jtf.layers.symbolic import Node, SymbolicTensor
from jtf.layers.wrappers import Bidirectional, TimeDistributed
from jtf.types import Shape

#: Which mask it is: a step is masked where any of these sources masks it. None for no mask.
Mask = frozenset[Any] | None

_ACTIVATIONS = (Activation, ReLU, LeakyReLU, PReLU, ELU, ThresholdedReLU, Softmax)
_MERGES = (Add, Average, Maximum, Minimum, Multiply, Concatenate, Dot)
_NOISES = (Dropout, SpatialDropout1D, GaussianNoise, GaussianDropout, AlphaDropout)
#: One that TF.js has thrown away, or given a shape that fits nothing.
UNUSABLE_MASK = frozenset(["unusable"])
#: Those whose output has, in TF.js, the very list that is the shape of their input.
_SHARE_THE_SHAPE = (
    *(*_ACTIVATIONS, *_NOISES, BatchNormalization, LayerNormalization, Rescaling, Masking),
    *(CenterCrop, CategoryEncoding),
)
#: Those that a mask passes through, but not in TF.js.
_LOSE_THE_MASK = (LeakyReLU, ELU, ThresholdedReLU, Softmax, Rescaling)


class Call(NamedTuple):
    """A call of a layer, or one inside of a layer.

    Attributes:
        layer: what is called.
        of_graph: whether it is a layer of a model, and not wrapped or a cell.
        shapes, dtypes: of the inputs; none where they are not known, as those of cells.
        options: what the call was given in the graph.
        mask: the one that jtf gives to the layer.
        mask_in_tfjs: the one that TF.js gives to it.
        input_masks_in_tfjs: those that belong to the inputs there.
        has_left_states: whether the initial states of a layer before are still among TF.js's options.
        runs: how often TF.js runs the layer in place of one call: once for each output that is used.
        shape_is_shared: whether the input's shape is, in TF.js, also that of an entry of the model or of another
            layer's input.
    """

    layer: Any
    of_graph: bool = False
    shapes: Sequence[Shape] = ()
    dtypes: Sequence[str] = ()
    options: Mapping[str, Any] = {}
    mask: Mask = None
    mask_in_tfjs: Mask = None
    input_masks_in_tfjs: Sequence[Mask] = ()
    has_left_states: bool = False
    runs: int = 1
    shape_is_shared: bool = False


def is_model(layer: Layer) -> bool:
    """Whether a layer is a graph of layers itself."""
    return layer.names_are_global


def calls_in_tfjs(model: Any) -> list[Call]:
    """All calls that predicting with a model takes, those of the models and layers inside included."""
    walk = _Walk()
    walk.through(model, [None] * len(model.inputs), _Options())
    return walk.calls


class _Options:
    """TF.js's options for all calls. There are none before the first mask, unless a model around gives its own."""

    def __init__(self, are_there: bool = False, mask: Mask = None, initial_state: bool = False) -> None:
        self.are_there, self.mask, self.initial_state = are_there, mask, initial_state

    def of_inner(self) -> _Options:
        """Those that a layer hands on to what it calls itself: the same, or if there are none, new ones."""
        return self if self.are_there else _Options(are_there=True)


class _Tensor(NamedTuple):
    """What is known of a tensor on the way."""

    mask: Mask = None
    mask_in_tfjs: Mask = None
    shape_is_shared: bool = False


class _Walk:
    def __init__(self) -> None:
        self.calls: list[Call] = []

    def through(self, model: Any, masks: Sequence[Mask], options: _Options) -> list[_Tensor]:
        """Walk through a model as TF.js does.

        Args:
            model: built.
            masks: of its inputs, in jtf; TF.js hands none over.
            options: TF.js's for all calls.
        """
        known = {t: _Tensor(mask, None, True) for t, mask in zip(model.inputs, masks, strict=True)}
        needed = _in_order_of_tfjs(model.inputs, model.outputs)
        runs = Counter(tensor.node for tensor in needed)
        users = Counter(tensor for node in runs for tensor in set(node.inputs))
        for tensor in needed:
            node, layer = tensor.node, tensor.node.layer
            inputs = [known[each] for each in node.inputs]
            in_tfjs = [each.mask_in_tfjs for each in inputs]
            if any(mask is not None for mask in in_tfjs):
                options.are_there, options.mask = True, in_tfjs[0]
            self.calls.append(
                Call(
                    layer,
                    True,
                    [each.shape for each in node.inputs],
                    [each.dtype for each in node.inputs],
                    node.options,
                    inputs[0].mask,
                    options.mask,
                    in_tfjs,
                    options.initial_state,
                    runs[node],
                    inputs[0].shape_is_shared,
                )
            )
            if model.class_name == "Sequential" and is_model(layer) and node.inputs[0] in model.inputs:
                outputs = self.through(layer, [inputs[0].mask], options)  # its layers become those of the model
            else:
                outputs = self._outputs(node, [each.mask for each in inputs], in_tfjs, options)
            if isinstance(layer, RecurrentLayer | Bidirectional) and len(inputs) > 1 and options.are_there:
                options.initial_state = True
            for each, output in zip(node.outputs, outputs, strict=True):
                through_it = output.shape_is_shared or isinstance(layer, _SHARE_THE_SHAPE)
                shared = users[each] > 1 or (through_it and inputs[0].shape_is_shared)
                known.setdefault(each, output._replace(shape_is_shared=shared))
        return [known[tensor] for tensor in model.outputs]

    def _outputs(self, node: Node, masks: list[Mask], in_tfjs: list[Mask], options: _Options) -> list[_Tensor]:
        """What comes out of a call; on the way the calls inside of it are met."""
        layer = node.layer
        if is_model(layer):
            before = options.mask
            inner = self.through(layer, masks, options.of_inner())
            if options.mask is not before:  # those made inside are gone
                options.mask = UNUSABLE_MASK
            return [each._replace(mask_in_tfjs=None) for each in inner]
        self._inside(layer, options)
        if _makes_masks(layer):
            return [_Tensor(made := _new_mask(), made)]
        if isinstance(layer, _MERGES):
            return [_Tensor(_merged(node, masks), _merged_in_tfjs(node, in_tfjs))]
        if isinstance(layer, TimeDistributed) and any(_makes_masks(each) for each in layer.layers_inside):
            return [_Tensor(_new_mask(), in_tfjs[0])] * len(node.outputs)
        own = layer.layer if isinstance(layer, Bidirectional) else layer
        passes = layer.supports_masking and getattr(own, "return_sequences", True)
        mask = masks[0] if passes else None
        mask_in_tfjs = in_tfjs[0] if passes and not isinstance(layer, _LOSE_THE_MASK) else None
        of_sequences = 2 if isinstance(layer, Bidirectional) and layer.merge_mode is None else 1
        return [_Tensor(mask if i < of_sequences else None, mask_in_tfjs) for i in range(len(node.outputs))]

    def _inside(self, layer: Layer, options: _Options) -> None:
        """The calls of what a layer wraps, which has TF.js's options, too."""
        if isinstance(layer, TimeDistributed):
            inner, of_inner = layer.layer, self.calls[-1]
            if is_model(inner):
                self.through(inner, [None] * len(inner.inputs), options.of_inner())
                return
            of_steps = of_inner.mask and _new_mask()  # of what it says of each step
            steps = [(shape[0], *shape[2:]) for shape in of_inner.shapes]
            self.calls.append(
                of_inner._replace(layer=inner, of_graph=False, shapes=steps, mask=of_steps, options={}, runs=1)
            )
            self._inside(inner, options)
        elif isinstance(layer, Bidirectional):
            self.calls.append(Call(layer.layer, dtypes=self.calls[-1].dtypes))
            self._inside(layer.layer, options)
        elif isinstance(layer, RNN | StackedRNNCells):
            cells = layer.cells if isinstance(layer, StackedRNNCells) else [layer.cell]
            for cell in cells:
                self.calls.append(Call(cell))
                self._inside(cell, options)


def _in_order_of_tfjs(inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> list[SymbolicTensor]:
    """The tensors in the order in which TF.js computes them: of several inputs of a layer the last one first."""
    done = dict.fromkeys(inputs)
    for output in outputs:
        waiting = [output]
        while waiting:
            missing = [] if waiting[-1] in done else [t for t in waiting[-1].node.inputs if t not in done]
            if missing:
                waiting += missing
            else:
                done.setdefault(waiting.pop())
    return list(done)[len(inputs) :]


def _merged(node: Node, masks: Sequence[Mask]) -> Mask:
    """The mask of several tensors' merger in jtf."""
    layer = node.layer
    if isinstance(layer, Dot) or all(mask is None for mask in masks):
        return None
    if isinstance(layer, Concatenate) and layer.axis not in (-1, node.outputs[0].ndim - 1):
        return frozenset([("one behind the other", *masks)])
    return frozenset().union(*(mask or () for mask in masks))


def _merged_in_tfjs(node: Node, masks: Sequence[Mask]) -> Mask:
    """In TF.js: that of elementwise mergers has a shape that nothing can use, or is none where the first has none."""
    if isinstance(node.layer, Concatenate | Dot):
        return _merged(node, masks)
    return None if masks[0] is None else UNUSABLE_MASK


def _new_mask() -> Mask:
    return frozenset([object()])


def _makes_masks(layer: Layer) -> bool:
    return isinstance(layer, Masking) or (isinstance(layer, Embedding) and layer.mask_zero)
