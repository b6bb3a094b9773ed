"""`Model`: a graph of layers, with any number of inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from jtf import naming
from jtf.layers.base import Layer, registry
from jtf.layers.core import InputLayer
from jtf.layers.symbolic import Node, SymbolicTensor
from jtf.models.arguments import with_hints
from jtf.models.graph import Graph
from jtf.models.graph_model import GraphModel, models_in

Tensors = SymbolicTensor | Sequence[SymbolicTensor]


@registry.add
class Model(GraphModel):
    """The layers between some symbolic tensors and others, as one model.

    Args:
        inputs: a tensor made by `jtf.input`, or a list of such.
        outputs: a tensor that came out of layers, or a list of such.
        name: counted (``model1``) when not given.

    Raises:
        TypeError: something else than symbolic tensors; an input does not come from `jtf.input`.
        ValueError: an output depends on an input that is not listed, two layers have one name, or something is
            listed twice; names the layers.
    """

    not_in_config = (*GraphModel.not_in_config, "inputs", "outputs")

    def __init__(self, inputs: Tensors, outputs: Tensors, name: str | None = None) -> None:
        super().__init__(name=name or naming.next_uid("model"))
        self._graph = Graph(_listed(inputs), _listed(outputs), self.name)
        self._inside = models_in(self._graph.layers)
        self._leads(self._graph.inputs, self._graph.outputs)

    def get_config(self) -> dict[str, Any]:
        graph = self.graph
        calls = graph.calls()
        index = {
            node: position
            for layer, nodes in calls.items()
            for position, node in enumerate(nodes, start=_calls_of_its_own(layer, nodes))
        }
        return {
            "name": self.name,
            "layers": [
                {
                    "name": layer.name,
                    "className": layer.class_name,
                    "config": layer.get_config(),
                    "inboundNodes": [
                        [[*_address(tensor, index), _written(node)] for tensor in node.inputs]
                        for node in nodes
                        if node.inputs
                    ],
                }
                for layer, nodes in calls.items()
            ],
            "inputLayers": [_address(tensor, index) for tensor in graph.inputs],
            "outputLayers": [_address(tensor, index) for tensor in graph.outputs],
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        described = {_name_of(each): each for each in _listed_in(config, "layers")}
        layers: dict[str, Layer] = {name: registry.deserialize(each) for name, each in described.items()}
        calls = {name: _listed_in(each, "inboundNodes", "inbound_nodes") for name, each in described.items()}
        _connect_all(layers, {name: [_addresses(call) for call in of_layer] for name, of_layer in calls.items()})
        inputs, outputs = (
            [_tensor_at(layers, *address[:3]) for address in _addresses(_listed_in(config, *names))]
            for names in (("inputLayers", "input_layers"), ("outputLayers", "output_layers"))
        )
        return cls(inputs, outputs, config.get("name"))


# Keras's name for it, in files.
registry.know_as("Functional", Model)


@with_hints
def model(inputs: Tensors, outputs: Tensors, name: str | None = None) -> Model:
    """A model of the layers between symbolic tensors (TF.js ``tf.model``).

    Args:
        inputs: a tensor made by `jtf.input`, or a list of such.
        outputs: a tensor that came out of layers, or a list of such.
        name: counted (``model1``) when not given.

    Example:
        >>> import jtf, numpy as np
        >>> left, right = jtf.input(shape=[2], name="left"), jtf.input(shape=[3], name="right")
        >>> both = jtf.layers.concatenate()([left, right])
        >>> net = jtf.model(inputs=[left, right], outputs=jtf.layers.dense(units=1)(both))
        >>> net.predict({"left": np.ones((4, 2)), "right": np.ones((4, 3))}).shape
        (4, 1)
    """
    return Model(inputs, outputs, name)


def _calls_of_its_own(layer: Layer, in_graph: Sequence[Node]) -> int:
    """How many calls TF.js counts before those in the graph: a model's own, and where an input layer begins a graph."""
    begins = isinstance(layer, GraphModel | InputLayer)
    return int(begins and layer.inbound_nodes[0] not in in_graph)


def _listed(tensors: Tensors) -> list[SymbolicTensor]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]  # type: ignore[list-item]


def _address(tensor: SymbolicTensor, index: Mapping[Node, int]) -> list[Any]:
    return [tensor.name, index[tensor.node], tensor.index]


def _written(node: Node) -> dict[str, Any]:
    """A call's options as files hold them."""
    for name, value in node.options.items():
        if not isinstance(value, bool | int | float | str | None):
            raise ValueError(
                f"Layer {node.layer.name!r} ({node.layer.class_name}) was called with {name}=..., a "
                f"{type(value).__name__}, which a configuration cannot hold. Give it to the layer's constructor, or as "
                "an input of the model."
            )
    return {naming.camel_case(name): value for name, value in node.options.items()}


def _listed_in(config: Any, *names: str) -> list[Any]:
    """The list under TF.js's or Keras's spelling of its name."""
    for name in names if isinstance(config, Mapping) else ():
        if isinstance(config.get(name), list | tuple):
            return list(config[name])
    has = ", ".join(map(repr, config)) or "nothing" if isinstance(config, Mapping) else repr(config)
    raise ValueError(f"A model's configuration has a list {names[-1]!r}; this one has {has}.")


def _name_of(described: Any) -> str:
    """The name that a layer has in a graph's configuration."""
    name = described.get("name") if isinstance(described, Mapping) else None
    if not isinstance(name, str):
        raise ValueError(f"Each layer in a model's configuration has a 'name'; this one is {described!r:.80}.")
    return name


def _addresses(given: Any) -> list[Sequence[Any]]:
    """Where tensors are found: for each the layer's name, which of its calls, and which output of that."""
    addresses = given if isinstance(given, list | tuple) else [given]
    for address in addresses:
        of_options = address[3:] if isinstance(address, list | tuple) else ()
        match address:
            case [str(), int(call), int(tensor), *_] if call >= 0 and tensor >= 0:
                if len(of_options) <= 1 and all(o is None or isinstance(o, Mapping) for o in of_options):
                    continue
        raise ValueError(
            "A tensor in a model's configuration is [layer, call, output] or [layer, call, output, options]; received "
            f"{address!r}."
        )
    return list(addresses)


def _connect_all(layers: Mapping[str, Layer], calls: Mapping[str, Sequence[Any]]) -> None:
    """Call the layers as described, each call as soon as what it depends on is there."""
    waiting = {name: list(of_layer) for name, of_layer in calls.items() if of_layer}
    progress = True
    while waiting and progress:
        progress = False
        for name in list(waiting):
            while waiting[name] and all(_is_there(layers, address) for address in waiting[name][0]):
                _call(layers, layers[name], waiting[name].pop(0))
                progress = True
            if not waiting[name]:
                del waiting[name]
    if waiting:
        wants = {name: sorted({address[0] for address in of_layer[0]}) for name, of_layer in waiting.items()}
        raise ValueError(
            "The graph has a cycle, or calls that are not there: "
            + "; ".join(f"{name!r} waits for {', '.join(map(repr, on))}" for name, on in wants.items())
            + "."
        )


def _is_there(layers: Mapping[str, Layer], address: Sequence[Any]) -> bool:
    name, node = address[0], address[1]
    if name not in layers:
        raise ValueError(f"The graph has no layer {name!r}.{naming.nearest(name, layers)} Layers: {', '.join(layers)}.")
    return node < len(layers[name].inbound_nodes)


def _call(layers: Mapping[str, Layer], layer: Layer, addresses: Sequence[Sequence[Any]]) -> None:
    tensors = [_tensor_at(layers, *address[:3]) for address in addresses]
    given = [dict(address[3] or {}) for address in addresses if len(address) > 3]
    options = {naming.snake_case(name): value for each in given for name, value in each.items() if value is not None}
    layer(tensors[0] if len(tensors) == 1 else tensors, **options)


def _tensor_at(layers: Mapping[str, Layer], name: str, node: int, tensor: int) -> SymbolicTensor:
    if not _is_there(layers, (name, node)) or tensor >= len(layers[name].inbound_nodes[node].outputs):
        raise ValueError(f"The graph has no tensor {tensor} of call {node} of layer {name!r}.")
    return layers[name].inbound_nodes[node].outputs[tensor]
