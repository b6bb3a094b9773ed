"""`GraphModel`: a model that is a graph of layers, whichever way the graph was put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jtf.layers.base import Layer
from jtf.layers.spec import InputSpec
from jtf.layers.symbolic import Node, SymbolicTensor
from jtf.models.graph import Graph
from jtf.models.layers_model import LayersModel
from jtf.naming import nearest
from jtf.types import Shape


class GraphModel(LayersModel):
    """What `Sequential` and `Model` have in common."""

    supports_masking = True

    def __init__(self, *, name: str, trainable: bool = True) -> None:
        self._graph: Graph | None = None
        self._version = 0
        self._looked_up: list[list[Layer]] | None = None
        self._inside: list[tuple[GraphModel, int]] = []
        super().__init__(name=name, trainable=trainable)

    def _leads(self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> None:
        """Say that the model now leads from these tensors to those; from none to none, that it is not built."""
        calls = self.inbound_nodes[1:]
        self._version += 1
        self._looked_up = None
        self.built = bool(outputs)
        self.inbound_nodes = [self._own_node(inputs, outputs), *calls] if outputs else []
        self.forget_compiled()

    @property
    def _is_outdated(self) -> bool:
        """Whether a model inside has got or lost layers."""
        return any(model._version != version for model, version in self._inside)

    def _ensure_built_for(self, x: Any) -> None:
        super()._ensure_built_for(x)
        if self._is_outdated:
            raise ValueError(
                f"A model inside of {self.name!r} has got or lost layers since {self.name!r} was made, and its weights "
                "and shapes are those of then. Make it anew: jtf.model(inputs=..., outputs=...)."
            )

    def _own_node(self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> Node:
        """The model's own inputs and outputs; TF.js counts that as its first call."""
        node = Node(self, [], [])
        node.inputs, node.outputs = tuple(inputs), tuple(outputs)
        node.takes_list, node.gives_list = len(node.inputs) > 1, len(node.outputs) > 1
        return node

    @property
    def graph(self) -> Graph:
        """The calls that the model consists of."""
        self._require_built()
        assert self._graph is not None
        return self._graph

    # What goes in and comes out.

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors of the inputs."""
        return self.graph.inputs

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors of the outputs: to build a larger model on."""
        return self.graph.outputs

    @property
    def input(self) -> Any:
        """The symbolic tensor of the input, a list of several."""
        return self.inputs[0] if len(self.inputs) == 1 else self.inputs

    @property
    def output(self) -> Any:
        """The symbolic tensor of the output, a list of several."""
        return self.outputs[0] if len(self.outputs) == 1 else self.outputs

    @property
    def input_names(self) -> list[str]:  # type: ignore[override]
        return [tensor.name for tensor in self.inputs]

    @property
    def input_shapes(self) -> list[Shape]:  # type: ignore[override]
        return [tensor.shape for tensor in self.inputs]

    @property
    def input_dtypes(self) -> list[str]:
        return [tensor.dtype for tensor in self.inputs]

    def looked_up(self) -> list[list[Layer]]:
        if self._looked_up is None:
            self._looked_up = self.graph.lookups()
        return self._looked_up

    @property
    def output_names(self) -> list[str]:  # type: ignore[override]
        return [tensor.name for tensor in self.outputs]

    @property
    def output_shapes(self) -> list[Shape]:  # type: ignore[override]
        return [tensor.shape for tensor in self.outputs]

    @property
    def input_spec(self) -> InputSpec | list[InputSpec] | None:  # type: ignore[override]
        """One for each input, and no more: as in TF.js, a call takes whatever the layers take."""
        if not self.built:
            return None
        return InputSpec() if len(self.inputs) == 1 else [InputSpec()] * len(self.inputs)

    # The model as a layer.

    @property
    def sublayers(self) -> list[Layer]:
        return [] if self._graph is None else list(self._graph.layers)

    def __call__(self, inputs: Any, *others: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        if isinstance(inputs, Mapping):
            missing = [name for name in self.input_names if name not in inputs]
            if missing:
                raise ValueError(
                    f"Model {self.name!r} has the inputs {', '.join(self.input_names)}; received {', '.join(inputs)}."
                )
            if unknown := [name for name in inputs if name not in self.input_names]:
                raise ValueError(
                    f"Model {self.name!r} has no input {unknown[0]!r}.{nearest(unknown[0], self.input_names)} Inputs: "
                    f"{', '.join(self.input_names)}."
                )
            inputs = [inputs[name] for name in self.input_names]
        return super().__call__(inputs, *others, training=training, mask=mask, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return self._run(inputs, mask, training)[0]

    def call_with_mask(self, inputs: Any, mask: Any, training: bool | None, **options: Any) -> tuple[Any, Any]:
        with self._entered(inputs):
            return self._run(inputs, mask, training)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self._run(inputs, mask, False)[1]

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = self.graph.output_shapes(input_shape if isinstance(input_shape, list) else [input_shape])
        return shapes[0] if len(shapes) == 1 else shapes

    def calls_of_layers(self) -> list[tuple[Layer, list[Node]]]:
        calls = self.graph.calls()
        return [(layer, calls[layer]) for layer in self.layers]

    def _run(self, inputs: Any, mask: Any, training: bool | None) -> tuple[Any, Any]:
        several = isinstance(inputs, list | tuple)
        outputs, masks = self.graph.run(inputs if several else [inputs], mask if several else [mask], training)
        return (outputs[0], masks[0]) if len(outputs) == 1 else (outputs, masks)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._graph is not None:
            self.inbound_nodes = [self._own_node(self.inputs, self.outputs)]


def models_in(layers: Iterable[Layer]) -> list[tuple[GraphModel, int]]:
    """The models among some layers and inside of those, each with the version that it has now."""
    every = (each for layer in layers for each in (layer, *layer.layers_inside))
    return [(each, each._version) for each in every if isinstance(each, GraphModel)]
