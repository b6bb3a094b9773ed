"""`Sequential`: layers one behind the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from jtf import naming
from jtf.configurable import option_names
from jtf.engine.arrays import as_array
from jtf.layers.base import Layer, registry
from jtf.layers.building import unchanged_if_refused
from jtf.layers.core import InputLayer, input
from jtf.layers.symbolic import SymbolicTensor
from jtf.models.graph import Graph
from jtf.models.graph_model import GraphModel, models_in
from jtf.options import refuse_options_object
from jtf.types import Shape


@registry.add
class Sequential(GraphModel):
    """A model in which each layer takes the output of the one before.

    With an ``input_shape`` on the first layer the model is built at once; without, when it sees its first data.

    Args:
        layers: the layers, in order; more can be added by `add`.
        name: counted (``sequential_1``) when not given.
    """

    def __init__(self, layers: Iterable[Layer] | None = None, name: str | None = None) -> None:
        #: What goes into each of the layers, and behind the last: one more than layers, once the model is built.
        self._tensors: list[SymbolicTensor] = []
        self._layers: list[Layer] = []
        super().__init__(name=name or naming.next_uid("sequential_"))
        if isinstance(layers, Layer):
            raise TypeError("Sequential takes a list of layers; put the layer into brackets: [layer].")
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Put a layer behind the last one. A compiled model stays compiled.

        Raises:
            TypeError: not a layer (a class that was not called, perhaps).
            ValueError: the model has a layer of this name, or the layer does not fit the shape before it, or says of
                its input what does not; the model stays as it was.
        """
        if not isinstance(layer, Layer):
            mend = f" Call it: {layer.__name__}(...)." if isinstance(layer, type) else ""
            if isinstance(layer, SymbolicTensor):
                mend = " Say the input's shape in the first layer, input_shape=[...], or by jtf.layers.input_layer."
            raise TypeError(f"Sequential.add takes a layer; received {layer!r}.{mend}")
        before = [*(tensor.node.layer for tensor in self._tensors[:1]), *self._layers]
        if layer.name in [other._name for other in before]:
            raise ValueError(
                f"Model {self.name!r} has a layer called {layer.name!r} already. Give the layer another name; to "
                "use one layer twice, connect it in a graph: jtf.model(inputs=..., outputs=...)."
            )
        if self in (layer, *layer.layers_inside):
            raise ValueError(f"Model {self.name!r} cannot be put into itself.")
        if self._tensors:
            tensors = [*self._tensors, _connected(layer, self._tensors[-1])]
        elif not self._layers and (shape := _own_input_shape(layer)) is not None:
            tensors = self._chain([layer], shape)
        else:
            tensors = []
        self._take(tensors, [*self._layers, layer], [*self._inside, *models_in([layer])])

    def pop(self) -> Layer:
        """Take the last layer off, and return it.

        Raises:
            IndexError: there is none.
        """
        if not self._layers:
            raise IndexError(f"Model {self.name!r} has no layers to pop.")
        *layers, last = self._layers
        for tensor in self._tensors[-1:]:
            _forget(last, tensor)
        self._take(self._tensors[:-1] if layers else [], layers, models_in(layers))
        return last

    def build(self, input_shape: Shape) -> None:
        """Make the weights of all layers.

        Args:
            input_shape: of the input, None for the batch: ``(None, 784)``.

        Raises:
            ValueError: the model has no layers, or a shape does not fit; the model stays as it was.
        """
        if not self._layers:
            raise ValueError(f"Model {self.name!r} has no layers. Add some first.")
        tensors = self._chain(self._layers, tuple(input_shape))
        for layer, tensor in zip(self._layers, self._tensors[1:], strict=False):
            _forget(layer, tensor)
        self._take(tensors, self._layers, models_in(self._layers))

    def _chain(self, layers: list[Layer], shape: Shape) -> list[SymbolicTensor]:
        """The layers connected one behind the other; if one of them cannot be, all stay as they were."""
        first = layers[0]
        if isinstance(first, InputLayer):
            tensors = [first.output, first.output]
        else:
            tensors = [input(batch_shape=shape, dtype=_input_dtype(first), name=f"{first.name}_input")]
        with unchanged_if_refused(*layers):
            for layer in layers[len(tensors) - 1 :]:
                tensors.append(_connected(layer, tensors[-1]))
        return tensors

    def _take(self, tensors: list[SymbolicTensor], layers: list[Layer], inside: list[tuple[GraphModel, int]]) -> None:
        self._tensors, self._layers, self._inside = tensors, layers, inside
        self._graph = None
        self._leads(tensors[:1], tensors[-1:])

    @property
    def graph(self) -> Graph:
        """The calls that the model consists of; put together when asked for, and not at every layer that is added."""
        self._require_built()
        if self._graph is None:
            self._graph = Graph(self._tensors[:1], self._tensors[-1:], self.name)
        return self._graph

    @property
    def inputs(self) -> list[SymbolicTensor]:
        self._require_built()
        return self._tensors[:1]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        self._require_built()
        return self._tensors[-1:]

    @property
    def layers(self) -> list[Layer]:
        return list(self._layers)

    @property
    def sublayers(self) -> list[Layer]:
        return list(self._layers)

    @property
    def output_names(self) -> list[str]:  # type: ignore[override]
        return [self._layers[-1].name if self._layers else self.name]

    @property
    def output_shapes(self) -> list[Shape]:  # type: ignore[override]
        return [tensor.shape for tensor in self._tensors[-1:]] or [(None, None)]

    def get_config(self) -> dict[str, Any]:
        layers: list[dict[str, Any]] = [
            {"className": layer.class_name, "config": layer.get_config()} for layer in self._layers
        ]
        if self._tensors and not isinstance(first := self._layers[0], InputLayer | GraphModel):
            config = layers[0]["config"]
            if "batch_input_shape" not in option_names(type(first)):  # a class of the user's, with options of its own
                entry = self._tensors[0].node.layer
                layers.insert(0, {"className": entry.class_name, "config": entry.get_config()})
            elif config.get("batchInputShape") is None:  # the data said it
                layers[0]["config"] = config | {"batchInputShape": list(self._tensors[0].shape), "dtype": first.dtype}
        return {"name": self.name, "layers": layers}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        if isinstance(config, list):  # as old versions of Keras wrote it
            config = {"layers": config}
        described = config.get("layers") if isinstance(config, Mapping) else None
        if not isinstance(described, list | tuple):
            raise ValueError(f"A Sequential's configuration has its 'layers' in a list; received {config!r:.80}.")
        layers = [registry.deserialize(layer) for layer in described]
        for layer in layers[1:]:  # TF.js and Keras do not look at what these say of their input
            layer.insists_on_input_shape = False
        return cls(layers, name=config.get("name"))

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_tensors": [], "_graph": self.graph if self.built else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if (graph := state["_graph"]) is not None:
            skipped = graph.inputs if isinstance(state["_layers"][0], InputLayer) else []
            state["_tensors"] = [*graph.inputs, *skipped, *graph.tensors[1:]]
        super().__setstate__(state)

    def _ensure_built_for(self, x: Any) -> None:
        if self.built:
            if self._is_outdated:
                self.build(self._tensors[0].shape)
            return
        if x is None or not self._layers:
            self._require_built()
        if isinstance(x, Mapping):
            x = next(iter(x.values()))
        if isinstance(x, list | tuple) and len(x) == 1 and hasattr(x[0], "shape"):
            x = x[0]
        shape = as_array(x, "input").shape
        self.ensure_built((None, *shape[1:]) if len(shape) > 1 else (None, 1))


def sequential(layers: Iterable[Layer] | None = None, name: str | None = None) -> Sequential:
    """A model of layers one behind the other (TF.js ``tf.sequential``).

    Example:
        >>> import jtf
        >>> model = jtf.sequential([
        ...     jtf.layers.dense(units=32, input_shape=[784], activation="relu"),
        ...     jtf.layers.dense(units=10, activation="softmax"),
        ... ])
        >>> model.count_params()
        25450
    """
    refuse_options_object("sequential", layers)
    return Sequential(layers, name)


def _own_input_shape(layer: Layer) -> Shape | None:
    if isinstance(layer, GraphModel):
        return layer.input_shapes[0] if layer.built else None
    return layer.batch_input_shape


def _input_dtype(layer: Layer) -> str:
    if isinstance(layer, GraphModel) and layer.built:
        return layer.input_dtypes[0]
    return getattr(layer, "input_dtype", layer.dtype)


def _connected(layer: Layer, tensor: SymbolicTensor) -> SymbolicTensor:
    _refuse_other_than_said(layer, tensor.shape)
    output = layer(tensor)
    if isinstance(output, list):
        layer.inbound_nodes.pop()
        raise ValueError(
            f"A layer of a Sequential model has one output; layer {layer.name!r} ({layer.class_name}) has the shapes "
            f"{[each.shape for each in output]}. Connect it in a graph: jtf.model(inputs=..., outputs=...)."
        )
    return output


def _forget(layer: Layer, output: SymbolicTensor) -> None:
    """Take a call of a layer back."""
    if output.node in layer.inbound_nodes and not isinstance(layer, InputLayer):
        layer.inbound_nodes.remove(output.node)


def _refuse_other_than_said(layer: Layer, shape: Shape) -> None:
    """Refuse an input of other sizes than a new layer has been given; of one that is reused, that was another input.

    Raises:
        ValueError: names both shapes.
    """
    said = layer.batch_input_shape
    if said is None or layer.built or not layer.insists_on_input_shape:
        return
    sizes = zip(reversed(said[1:]), reversed(shape[1:]), strict=False)  # of how many dimensions, the layer says itself
    if any(m != n and None not in (m, n) for m, n in sizes):
        raise ValueError(
            f"Layer {layer.name!r} ({layer.class_name}) was made for an input of shape {said}; what comes before it "
            f"gives {shape}. Leave its input_shape out, or correct the sizes."
        )
