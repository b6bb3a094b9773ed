"""Symbolic tensors: the places of arrays in a graph of layers, before there are any arrays.

`jtf.input` makes the first one; a layer called on symbolic tensors gives further ones and remembers, in a `Node`,
what it was connected to. `jtf.model` collects the nodes between its inputs and outputs.

Example:
    >>> import jtf
    >>> x = jtf.input(shape=[3])
    >>> y = jtf.layers.dense(units=2, name="two")(x)
    >>> y
    <SymbolicTensor 'two': shape (None, 2), float32>
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jtf.layers.signature import refuse_unknown
from jtf.types import Shape


class Node:
    """One call of a layer on symbolic tensors.

    Attributes:
        layer: what was called.
        inputs: what it was called on.
        takes_list: whether it was given a list (also of one).
        options: further arguments of the call, such as ``training``.
        outputs: what came out.
        gives_list: whether the layer returns a list.
    """

    def __init__(
        self,
        layer: Any,
        inputs: Sequence[SymbolicTensor],
        output_shapes: Any,
        *,
        takes_list: bool = False,
        options: Mapping[str, Any] | None = None,
        dtypes: Any = "float32",
    ) -> None:
        self.layer, self.inputs, self.takes_list = layer, tuple(inputs), takes_list
        self.options = dict(options or {})
        self.gives_list = isinstance(output_shapes, list)
        shapes = output_shapes if self.gives_list else [output_shapes]
        kinds = dtypes if isinstance(dtypes, list) else [dtypes] * len(shapes)
        each = zip(shapes, kinds, strict=True)
        self.outputs = tuple(SymbolicTensor(self, index, *of_one) for index, of_one in enumerate(each))

    @property
    def index(self) -> int:
        """The how-manieth call of the layer it is."""
        return self.layer.inbound_nodes.index(self)


class SymbolicTensor:
    """The place of an array in a graph: its shape and dtype, and the call that it comes from.

    Attributes:
        node: the call.
        index: which of the call's outputs it is.
        shape: with None for unknown sizes.
        dtype: float32 behind the layers of this package, as in TF.js.
    """

    def __init__(self, node: Node, index: int, shape: Shape, dtype: str) -> None:
        self.node, self.index, self.shape, self.dtype = node, index, tuple(shape), dtype

    @property
    def name(self) -> str:
        """The name of the layer that it comes from."""
        return self.node.layer.name

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.name!r}: shape {self.shape}, {self.dtype}>"

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{self!r} has no numbers to compute with: it stands for an array in a graph. Join tensors with layers "
            "(jtf.layers.add()([a, b]), jtf.layers.multiply(), jtf.layers.concatenate()), write a layer of your own "
            "for anything else (subclass jtf.layers.Layer), or make a model of it and call that on arrays."
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __neg__ = __abs__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __getitem__ = __iter__ = __len__ = __float__ = __int__ = __bool__ = __array__ = __jax_array__ = _refuse


# jax's functions look at their arguments as pytrees: so it refuses in all of them.
jax.tree_util.register_pytree_node(SymbolicTensor, SymbolicTensor._refuse, lambda _, children: children[0])


def is_symbolic(inputs: Any) -> bool:
    """Whether a tensor, or any in a list or dict, is symbolic."""
    if isinstance(inputs, list | tuple):
        return any(is_symbolic(each) for each in inputs)
    if isinstance(inputs, Mapping):
        return is_symbolic(list(inputs.values()))
    return isinstance(inputs, SymbolicTensor)


def only_node(layer: Any, what: str) -> Node:
    """The one call of a layer that there is.

    Raises:
        AttributeError: there is none, or more than one.
    """
    if len(layer.inbound_nodes) != 1:
        often = f"{len(layer.inbound_nodes)} calls; choose one of layer.inbound_nodes[i].{what}s"
        raise AttributeError(
            f"Layer {layer.name!r} ({layer.class_name}) has no one {what}: it has been connected in "
            f"{often if layer.inbound_nodes else 'no model yet'}."
        )
    return layer.inbound_nodes[0]


def connect(layer: Any, inputs: Any, usual: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Call a layer on symbolic tensors: builds it, infers the shapes and remembers the call.

    Args:
        layer: what is called.
        inputs: a symbolic tensor, or a list of several.
        usual: ``training`` and ``mask``, None where not given.
        options: the other arguments of the call.

    Returns:
        The output, or a list of outputs.

    Raises:
        ValueError: the layer cannot take such inputs; it is then as it was before.
        TypeError: some of the inputs are arrays, a mask is given, or an option that the layer's call does not take.
    """
    takes_list = isinstance(inputs, list)
    tensors: list[Any] = inputs if takes_list else [inputs]
    if not all(isinstance(tensor, SymbolicTensor) for tensor in tensors):
        others = ", ".join(type(t).__name__ for t in tensors if not isinstance(t, SymbolicTensor))
        raise TypeError(
            f"Layer {layer.name!r} ({layer.class_name}) was called on symbolic tensors and something else ({others}). "
            "In a graph every input is a symbolic tensor: give constants to the layer's constructor, or make them a "
            "jtf.input of their own."
        )
    given = {name: value for name, value in usual.items() if value is not None} | dict(options)
    wrong = [name for name, value in given.items() if name == "mask" or is_symbolic(value)]
    if wrong:
        raise TypeError(
            f"Layer {layer.name!r} ({layer.class_name}) was given {wrong[0]!r} in a graph. Masks find their way "
            "through a graph by themselves (from Masking and Embedding layers); tensors are inputs: layer([a, b])."
        )
    refuse_unknown(options, layer)
    shapes, dtypes = (
        [getattr(tensor, what) for tensor in tensors] if takes_list else getattr(tensors[0], what)
        for what in ("shape", "dtype")
    )
    output = layer.inferred(shapes, dtypes, given)
    node = Node(layer, tensors, output.shapes, takes_list=takes_list, options=given, dtypes=output.dtypes)
    layer.inbound_nodes.append(node)
    return list(node.outputs) if node.gives_list else node.outputs[0]
