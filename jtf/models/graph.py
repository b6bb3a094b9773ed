"""`Graph`: the calls between some symbolic tensors and others, in an order in which they can be made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jtf.layers.base import Layer
from jtf.layers.core import InputLayer
from jtf.layers.symbolic import Node, SymbolicTensor
from jtf.layers.wrappers import TimeDistributed
from jtf.types import Array, Shape


class Step(NamedTuple):
    """One call of a layer; arrays are referred to by their places."""

    layer: Layer
    inputs: tuple[int, ...]
    takes_list: bool
    options: Mapping[str, Any]
    outputs: tuple[int, ...]
    gives_list: bool


class Graph:
    """From ``inputs`` to ``outputs``.

    It is flat: running it walks over a list, and it can be copied and pickled however deep it is.

    Args:
        inputs, outputs: symbolic tensors.
        name: of the model, for messages.

    Raises:
        TypeError: something else than symbolic tensors; an input does not come from `jtf.input`.
        ValueError: an output depends on an input that is not listed, two layers have one name, or something is
            listed twice; names the layers.
    """

    def __init__(self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], name: str) -> None:
        _check_tensors(inputs, outputs, name)
        nodes = _needed_nodes(outputs)
        _check_connected(nodes, inputs, outputs, name)
        #: All layers, those of the inputs included, in TF.js's order, which is that of the weights in files.
        self.layers = _in_tfjs_order(nodes, outputs)
        _check_names([layer.name for layer in self.layers], name)
        self.tensors = [*inputs, *(t for node in nodes if node.inputs for t in node.outputs)]
        place = {tensor: index for index, tensor in enumerate(self.tensors)}
        self.steps = [
            Step(
                node.layer,
                tuple(place[t] for t in node.inputs),
                node.takes_list,
                node.options,
                tuple(place[t] for t in node.outputs),
                node.gives_list,
            )
            for node in nodes
            if node.inputs
        ]
        self.input_layers: list[Any] = [tensor.node.layer for tensor in inputs]
        self._outputs = [place[t] for t in outputs]

    @property
    def inputs(self) -> list[SymbolicTensor]:
        return self.tensors[: len(self.input_layers)]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        return [self.tensors[place] for place in self._outputs]

    @property
    def nodes(self) -> list[Node]:
        """The calls, those of the input layers first."""
        return list(dict.fromkeys(tensor.node for tensor in self.tensors))

    def calls(self) -> dict[Layer, list[Node]]:
        """The calls of each layer that are part of the graph."""
        of_layers: dict[Layer, list[Node]] = {layer: [] for layer in self.layers}
        for node in self.nodes:
            of_layers[node.layer].append(node)
        return of_layers

    def run(
        self, inputs: Sequence[Array], masks: Sequence[Array | None] | None = None, training: bool | None = None
    ) -> tuple[list[Array], list[Array | None]]:
        """The outputs for arrays, and their masks.

        Args:
            inputs: one array an input.
            masks: one an input, None where there is none.
            training: handed on to every layer, unless its call in the graph has settled it.
        """
        given = list(masks or [None] * len(inputs))

        def call(step: Step, arguments: list[Any]) -> list[Any]:
            arrays, of_arrays = (list(each) for each in zip(*arguments, strict=True))
            if step.takes_list:
                mask: Any = of_arrays if any(m is not None for m in of_arrays) else None
            else:
                arrays, mask = arrays[0], of_arrays[0]
            options = {"training": training, **step.options}
            outputs, out_masks = step.layer.call_with_mask(arrays, mask, **options)
            if not step.gives_list:
                return [(outputs, out_masks)]
            of_outputs = out_masks if isinstance(out_masks, list | tuple) else [out_masks] + [None] * (len(outputs) - 1)
            return list(zip(outputs, of_outputs, strict=True))

        results = self._walk(list(zip(inputs, given, strict=True)), call)
        return [array for array, _ in results], [mask for _, mask in results]

    def output_shapes(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        """The shapes of the outputs for these of the inputs.

        Raises:
            ValueError: a layer cannot take what reaches it.
        """

        def infer(step: Step, shapes: list[Shape]) -> list[Shape]:
            given = shapes if step.takes_list else shapes[0]
            step.layer.ensure_built(given)
            inferred = step.layer.compute_output_shape(given)
            return list(inferred) if step.gives_list else [inferred]

        return self._walk(list(input_shapes), infer)

    def lookups(self) -> list[list[Layer]]:
        """For each input the layers that take its numbers, as they are, for indices."""
        found: list[list[Layer]] = [[] for _ in self.input_layers]
        self._follow([{index} for index in range(len(found))], found)
        return found

    def _follow(self, sources: Sequence[set[int]], found: Sequence[list[Layer]]) -> list[set[int]]:
        """Which inputs' numbers there are in the outputs as they are, given which there are in the inputs."""

        def follow(step: Step, given: list[set[int]]) -> list[set[int]]:
            layer = step.layer.layer if isinstance(step.layer, TimeDistributed) else step.layer
            if isinstance(inner := getattr(layer, "_graph", None), Graph):
                return inner._follow(given, found)
            if layer.index_range is not None:
                for index in given[0]:
                    found[index].append(layer)
            kept = set().union(*given) if layer.keeps_values else set()
            return [kept for _ in step.outputs]

        return self._walk(list(sources), follow)

    def _walk(self, inputs: list[Any], call: Callable[[Step, list[Any]], list[Any]]) -> list[Any]:
        known = dict(enumerate(inputs))
        for step in self.steps:
            known.update(zip(step.outputs, call(step, [known[place] for place in step.inputs]), strict=True))
        return [known[place] for place in self._outputs]

    def __getstate__(self) -> dict[str, Any]:
        shapes = [tensor.shape for tensor in self.tensors]
        return {name: value for name, value in vars(self).items() if name != "tensors"} | {"shapes": shapes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Connect the layers of a copy as those of the original were."""
        shapes = state.pop("shapes")
        vars(self).update(state)
        self.tensors = [layer.output for layer in self.input_layers]
        for step in self.steps:
            of_outputs = [shapes[place] for place in step.outputs]
            node = Node(
                step.layer,
                [self.tensors[place] for place in step.inputs],
                of_outputs if step.gives_list else of_outputs[0],
                takes_list=step.takes_list,
                options=step.options,
            )
            step.layer.inbound_nodes.append(node)
            self.tensors += node.outputs


def _needed_nodes(outputs: Iterable[SymbolicTensor]) -> list[Node]:
    """The calls that the outputs depend on, each behind those that it depends on itself."""
    ordered: dict[Node, None] = {}
    entered: set[Node] = set()
    stack: list[tuple[Node, Iterator[SymbolicTensor]]] = []

    def enter(node: Node) -> None:
        if node not in entered:
            entered.add(node)
            stack.append((node, iter(node.inputs)))

    for output in outputs:
        enter(output.node)
        while stack:
            node, inputs = stack[-1]
            tensor = next(inputs, None)
            if tensor is not None:
                enter(tensor.node)
            else:
                ordered[node] = None
                stack.pop()
    return list(ordered)


def _in_tfjs_order(nodes: Sequence[Node], outputs: Iterable[SymbolicTensor]) -> list[Layer]:
    """The layers, those farthest from the outputs first; equally far ones as met on the way back from the outputs."""
    met: dict[Layer, None] = {}
    stack = [iter([output.node for output in outputs])]
    seen: set[Node] = set()
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
        elif node not in seen:
            seen.add(node)
            met.setdefault(node.layer)
            stack.append(iter([tensor.node for tensor in node.inputs]))
    depth: dict[Layer, int] = {}
    of_node: dict[Node, int] = {}
    for node in reversed(nodes):
        depth[node.layer] = of_node[node] = max(of_node.get(node, 0), depth.get(node.layer, 0))
        for tensor in node.inputs:
            of_node[tensor.node] = max(of_node.get(tensor.node, 0), of_node[node] + 1)
    return sorted(met, key=lambda layer: -depth[layer])


def _check_tensors(inputs: Sequence[Any], outputs: Sequence[Any], name: str) -> None:
    for what, given in (("inputs", inputs), ("outputs", outputs)):
        for tensor in given:
            if not isinstance(tensor, SymbolicTensor):
                raise TypeError(
                    f"Model {name!r}: {what} are symbolic tensors, which begin with jtf.input(shape=[...]) and come "
                    f"out of layers called on them; received {type(tensor).__name__}."
                )
        if not given:
            raise ValueError(f"Model {name!r} has no {what}.")
        if len(set(given)) != len(given):
            twice = next(t.name for t in given if list(given).count(t) > 1)
            raise ValueError(f"Model {name!r}: a tensor of {twice!r} is listed twice among the {what}.")
    for tensor in inputs:
        if not isinstance(tensor.node.layer, InputLayer):
            raise TypeError(
                f"Model {name!r}: inputs come from jtf.input; this one is the output of layer {tensor.name!r} "
                f"({tensor.node.layer.class_name}). For the part of a model behind some layer, call its layers anew "
                "on a jtf.input of that shape."
            )


def _check_connected(
    nodes: Iterable[Node], inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], name: str
) -> None:
    reached: list[str] = []
    for node in nodes:
        if not node.inputs and node.outputs[0] not in inputs:
            raise ValueError(
                f"Model {name!r} is disconnected: its outputs depend on {node.layer.name!r}, which is not among the "
                f"inputs ({', '.join(t.name for t in inputs)}). Add that input to inputs=[...], or use outputs that "
                f"do not need it. Layers reached without it: {', '.join(reached) or 'none'}."
            )
        reached.append(node.layer.name)
    for tensor in inputs:
        if tensor.node not in nodes and tensor not in outputs:
            raise ValueError(
                f"Model {name!r} is disconnected: no output depends on the input {tensor.name!r}. Leave it out of "
                f"inputs=[...]; the outputs depend on {', '.join(n.layer.name for n in nodes if not n.inputs)}."
            )


def _check_names(names: list[str], model_name: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(
                f"Model {model_name!r} has {count} layers called {name!r}, and weights go by the layers' "
                "names. Give the layers different names; to use one layer twice, call the same layer again."
            )
