"""`Layer`: configuration, weights, shapes and calling, for built-in and for your own layers.

A layer of your own defines `call`, and `build` when it has weights; everything else follows from these:

Example:
    >>> import jax.numpy as jnp, jtf
    >>> class Scale(jtf.layers.Layer):
    ...     def __init__(self, factor=1.0, **options):
    ...         super().__init__(**options)
    ...         self.factor = factor
    ...     def build(self, input_shape):
    ...         self.gain = self.add_weight("gain", input_shape[-1:], initializer="ones")
    ...     def call(self, x):
    ...         return x * jnp.broadcast_to(self.gain, x.shape) * self.factor
    >>> layer = Scale(3.0, name="scale")
    >>> layer(jnp.ones((2, 4)))[0, 0].item(), layer.weights[0].name
    (3.0, 'scale/gain')
"""

from __future__ import annotations

import contextlib
import math
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from jtf import activations, constraints, freezing, initializers, naming, regularizers
from jtf.binding import uncounted_reads
from jtf.configurable import Configurable, Registry, option_names
from jtf.functional.operands import wide
from jtf.layers.building import building, unchanged_if_refused
from jtf.layers.dtypes import checked_dtype, in_dtype
from jtf.layers.inputs import as_arrays, without_list_of_one
from jtf.layers.scopes import (
    collect,
    is_frozen,
    is_given,
    layers_around,
    name_scope,
    refuse_large_state,
    scoped,
)
from jtf.layers.shapes import Traced, as_shape, is_shape, takes_lists, traced
from jtf.layers.signature import signature_of
from jtf.layers.spec import InputSpec, check
from jtf.layers.symbolic import Node, connect, is_symbolic, only_node
from jtf.options import PositiveInt, ShapeOfInput, checked
from jtf.tracing import explain
from jtf.types import Array, ArrayLike, DTypeLike, Shape, ShapeLike
from jtf.variable import Variable, assign_all, read_all

registry = Registry("layer", " A class of your own is made known by jtf.register_class(YourLayer).")
deserialize = registry.deserialize
#: Makes a layer class of your own known, so that saved models with it can be opened (also as a decorator).
register_class = registry.add

Regularizer = Callable[[Array], Array]

_short = reprlib.Repr()
_short.maxlist, _short.maxother, _short.maxstring = 4, 80, 80


class Layer(Configurable):
    """The base class of all layers.

    Args:
        name: unique within a model; counted per class when not given (``dense_Dense1``).
        trainable: whether training changes the layer's weights.
        input_shape: the shape of one example, for the first layer of a model.
        batch_input_shape: the same with the batch's dimension (None where it may vary).
        batch_size: a fixed batch size to go with ``input_shape``.
        dtype: the dtype of the layer's input, float32 by default (``input_dtype`` is the same). With ``bfloat16`` or
            ``float16`` the layer has its weights and computes in that, as in Keras; in TF.js in float32 all the same.
        weights: initial values, as for `set_weights`.
    """

    not_in_config: ClassVar[tuple[str, ...]] = ("input_shape", "batch_size", "input_dtype", "weights")
    registry_of_parts: ClassVar[Registry | None] = registry
    #: What the input must look like, or each of several inputs; checked at every call.
    input_spec: InputSpec | Sequence[InputSpec] | None = None
    #: Whether a mask passes through the layer.
    supports_masking: bool = False
    #: How many indices there are, if the layer's (first) input is indices: integers from 0 to below this.
    index_range: int | None = None
    #: Whether all numbers that go in come out as they are, wherever.
    keeps_values: bool = False
    #: Whether a Sequential refuses it behind a layer whose output has other sizes than its ``input_shape``.
    insists_on_input_shape: bool = True
    #: Whether weights made inside carry no prefix: so with models, whose layers' names are known by themselves.
    names_are_global: bool = False
    _name: str
    _trainable: bool = True
    #: Whether ``build`` is running.
    is_building: bool = False
    #: Whether the layer remembers something from one batch to the next, so that the batch's size is fixed.
    stateful: bool = False

    def __new__(cls, *args: Any, **options: Any) -> Self:
        layer = super().__new__(cls)
        freezing.register(layer)  # here, since copies come without __init__
        return layer

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: ShapeOfInput | None = None,
        batch_input_shape: ShapeOfInput | None = None,
        batch_size: PositiveInt | None = None,
        dtype: DTypeLike | None = None,
        input_dtype: DTypeLike | None = None,
        weights: Sequence[ArrayLike] | None = None,
    ) -> None:
        #: The calls on symbolic tensors.
        self.inbound_nodes: list[Node] = []
        self._own_weights: list[Variable] = []
        self._own_states: list[Variable] = []
        self._penalties: list[tuple[Variable, Regularizer]] = []
        self._initial_weights = None if weights is None else [np.asarray(w) for w in weights]
        self.built = False
        self.name = name or naming.unique_name(self.class_name)
        naming.note(self.name)
        self.trainable = trainable
        self.batch_input_shape: Shape | None = None
        if batch_input_shape is not None:
            self.batch_input_shape = tuple(batch_input_shape)
        elif input_shape is not None:
            self.batch_input_shape = (batch_size, *input_shape)
        self.dtype = checked_dtype(dtype or input_dtype or "float32", self)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "build" in vars(cls):
            cls.build = building(cls.build)  # type: ignore[method-assign]
        for name in {"compute_output_shape", "ensure_built"} & vars(cls).keys():
            setattr(cls, name, takes_lists(vars(cls)[name]))

    # What a layer defines.

    @building
    def build(self, input_shape: Any) -> None:
        """Make the weights, once the shape of the input is known."""

    def call(self, inputs: Any) -> Any:
        """The layer's computation. It may also take ``training`` and ``mask``.

        TF.js's signature, ``call(self, inputs, kwargs)``, is understood as well: ``kwargs`` is then a dict of both,
        None where not given, and of what else the layer was called with.
        """
        raise NotImplementedError(f"{self.class_name} must define call(self, inputs).")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output (None where unknown), found by tracing `call` unless a layer defines it."""
        return traced(self, input_shape).shapes

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output: the input's, where the layer supports masking.

        Raises:
            TypeError: a mask was given to a layer that does not support masking.
        """
        if not self.supports_masking:
            if any(m is not None for m in (mask if isinstance(mask, list | tuple) else [mask])):
                raise TypeError(
                    f"Layer {self.name!r} ({self.class_name}) does not support masking, but received a mask."
                )
            return None
        return mask

    def looks_at_batch(self, training: bool) -> bool:
        """Whether a call does more than to compute, from each example alone, the output for that example.

        So with statistics of the batch, with what is remembered or added to the loss, and with random numbers that
        examples share. `TimeDistributed` calls such a layer step by step, and others, which is faster, once. A ``call``
        of your own may do all that, and so counts as one that does; a layer whose call does not can say so here.

        Args:
            training: whether the call is part of training.
        """
        activation = getattr(self, "activation", None)
        return (
            not self._is_of_jtf
            or self.stateful
            or getattr(self, "activity_regularizer", None) is not None
            or (callable(activation) and activations.name_of(activation) is None)
            or any(layer.looks_at_batch(training) for layer in self.sublayers)
        )

    @property
    def _is_of_jtf(self) -> bool:
        """Whether the call is one of this package."""
        return str(getattr(type(self).call, "__module__", "")).startswith("jtf.")

    # Calling.

    def __call__(self, inputs: Any, *others: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        """Apply the layer to an array or a list of arrays; the first call builds it.

        Applied to symbolic tensors (`jtf.input`) it gives symbolic tensors, of which `jtf.model` makes a model.

        Args:
            inputs: an array or a symbolic tensor, or a list of several.
            training: whether the call is part of training, for layers that care; in a graph None leaves that to
                the model's call.
            mask: which entries to leave out, for layers that care: bools, ``[batch, time]``, or a list of such for
                a list of inputs.
            kwargs: what else the layer's ``call`` takes.

        Raises:
            ValueError: an input that the layer cannot take; names the layer, expected and received.
        """
        if others:
            raise TypeError(
                f"Layer {self.name!r} ({self.class_name}) takes its inputs as one argument, several of them as a list, "
                f"layer([a, b]), and everything else by keyword; received {1 + len(others)} arguments."
            )
        inputs = without_list_of_one(inputs)
        if is_symbolic(inputs):
            return connect(self, inputs, {"training": training, "mask": mask}, kwargs)
        inputs = in_dtype(self.float_dtype, as_arrays(inputs, self))
        with self._entered(inputs):
            try:
                signature = signature_of(type(self))
                if signature.takes_object:
                    return self.call(inputs, {"training": training, "mask": mask} | kwargs)  # type: ignore[call-arg]
                outputs = self.call(inputs, **signature.usual(training=training, mask=mask), **kwargs)
            except (TypeError, IndexError) as error:
                explain(error, lambda: f"the call of layer {self.name!r} ({self.class_name})")
                raise
            return in_dtype(self.float_dtype, outputs) if self._is_of_jtf else outputs

    def apply(self, inputs: Any, **options: Any) -> Any:
        """The same as calling the layer."""
        return self(inputs, **options)

    def call_with_mask(self, inputs: Any, mask: Any, training: bool | None, **options: Any) -> tuple[Any, Any]:
        """The outputs and their masks, as a graph passes them on; a layer without masking drops the mask."""
        outputs = self(inputs, training=training, mask=mask, **options)
        return outputs, self.compute_mask(inputs, mask) if self.supports_masking else None

    @contextlib.contextmanager
    def _entered(self, inputs: Any) -> Iterator[None]:
        """Within a call on these arrays: the layer is built, and those called inside know that they are inside.

        What a frozen layer reads does not learn, whatever the layers inside say.
        """
        with name_scope(self), contextlib.nullcontext() if self.trainable else uncounted_reads():
            self.ensure_built(jax.tree.map(lambda x: x.shape, inputs))
            yield

    def ensure_built(self, input_shape: Any) -> None:
        """Build the layer for an input shape unless that has been done.

        Raises:
            ValueError: an input of this shape cannot be taken, or not by a layer built for another shape; the layer
                stays as it was.
        """
        input_shape = as_shape(input_shape)
        check(self.input_spec, input_shape, self)
        if not self.built:
            self.build(input_shape)

    def inferred(self, input_shape: Any, dtypes: Any = None, options: Mapping[str, Any] | None = None) -> Traced:
        """Build the layer and those inside for an input, and say what comes out of a call.

        Args:
            input_shape: a shape, or a list of shapes.
            dtypes: of the inputs, likewise.
            options: further arguments of the call.

        Returns:
            Shapes and dtypes. A layer that computes its own output shape gives its `float_dtype`, float32 in TF.js.

        Raises:
            ValueError: it cannot take such an input, or nothing would be left of it; the layer stays as it was.
        """
        with unchanged_if_refused(self):
            self.ensure_built(input_shape)
            if type(self).compute_output_shape is Layer.compute_output_shape:
                shapes, dtypes = traced(self, input_shape, dtypes, options)
            else:
                shapes = _checked_output(self.compute_output_shape(input_shape), self)
                self.build_sublayers(input_shape, dtypes, options)
                dtypes = [self.float_dtype] * len(shapes) if isinstance(shapes, list) else self.float_dtype
            for shape in shapes if isinstance(shapes, list) else [shapes]:
                if any(size is not None and size < 1 for size in shape[1:]):
                    raise ValueError(
                        f"Layer {self.name!r} ({self.class_name}) would turn shape {input_shape} into {shape}, which "
                        "has nothing left in it."
                    )
        return Traced(shapes, dtypes)

    def take_initial_weights(self) -> None:
        """Assign the ``weights`` that the layer was made with, now that there are some."""
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def build_sublayers(self, input_shape: Any, dtypes: Any = None, options: Mapping[str, Any] | None = None) -> None:
        """Build the layers inside that would else see the shape of their input in the first call only."""
        if not all(layer.built for layer in self.sublayers):
            traced(self, input_shape, dtypes, options)

    # Weights.

    def add_weight(
        self,
        name: str,
        shape: ShapeLike,
        dtype: DTypeLike | None = None,
        initializer: Any = "glorot_normal",
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
    ) -> Variable:
        """A new weight; for use in `build`.

        Args:
            name: unique within the layer; the weight is called ``<layer>/<name>``.
            shape: without unknown dimensions.
            dtype: of the weight; the layer's `float_dtype` by default.
            initializer, regularizer, constraint: names, configurations or objects.
            trainable: whether training changes it by gradients.

        Raises:
            ValueError: the name is taken, or a dimension is unknown.
        """
        sizes = tuple(size for size in shape if size is not None)
        if len(sizes) < len(shape):
            raise ValueError(
                f"Weight {name!r} of layer {self.name!r} has an unknown dimension: {tuple(shape)}. Give the "
                "model's first layer an input_shape with all dimensions but the batch."
            )
        with name_scope(self):  # a weight may also be made in __init__
            full_name = scoped(name)
        if any(w.name == full_name for w in self._own_weights):
            raise ValueError(f"Layer {self.name!r} has a weight called {name!r} already; choose another name.")
        initializer, dtype = initializers.get(initializer), dtype or self.float_dtype
        # Weights are made concrete even while jax is tracing a call.
        with jax.core.eval_context(), jax.transfer_guard_host_to_device("allow"):
            given = is_given(full_name, math.prod(sizes))
            value = jax.device_put(np.zeros(sizes, jnp.dtype(dtype))) if given else initializer(sizes, dtype)
        weight = Variable(value, trainable, full_name, dtype, constraints.get(constraint))
        weight.initializer = initializer
        self._own_weights.append(weight)
        if regularizer is not None:
            self._penalties.append((weight, regularizers.get(regularizer)))
        return weight

    def add_weight_by_options(
        self, name: str, shape: ShapeLike, options: str | None = None, **changes: Any
    ) -> Variable:
        """`add_weight` with what the layer's own options say.

        Args:
            name, shape: as for `add_weight`.
            options: how those options begin: ``kernel`` for ``kernel_initializer``, ``kernel_regularizer`` and
                ``kernel_constraint``; by default they are called after the weight.
            changes: arguments of `add_weight` in their place.
        """
        kinds = ("initializer", "regularizer", "constraint")
        return self.add_weight(
            name, shape, **{kind: getattr(self, f"{options or name}_{kind}") for kind in kinds} | changes
        )

    def add_state(self, name: str, shape: ShapeLike, dtype: DTypeLike | None = None) -> Variable:
        """What the layer remembers from one batch to the next, zeros at first; for use in `build`.

        It is no weight: not in `weights`, not in files. Unlike weights it also changes while predicting and
        evaluating, when `call` assigns it.

        Args:
            name, shape, dtype: as for `add_weight`.
        """
        with name_scope(self):
            full_name = scoped(name)
        refuse_large_state(full_name, math.prod(size or 1 for size in shape))
        with jax.core.eval_context():
            state = Variable(jnp.zeros(tuple(shape), dtype or self.float_dtype), False, full_name)
        state.initializer = initializers.get("zeros")
        self._own_states.append(state)
        return state

    @property
    def state_variables(self) -> list[Variable]:
        """What was made by `add_state`, in this layer and those inside."""
        return _unique(self._own_states + [s for layer in self.sublayers for s in layer.state_variables])

    def reset_states(self) -> None:
        """Set everything that the layer, and those inside, remember back to zeros."""
        for state in self.state_variables:
            state.assign(jnp.zeros(state.shape, state.dtype))

    @property
    def sublayers(self) -> list[Layer]:
        """The layers kept in the layer's attributes, directly or in lists, tuples and dicts."""
        return list(dict.fromkeys(item for item in _attributes(self) if isinstance(item, Layer)))

    @property
    def layers_inside(self) -> list[Layer]:
        """The sublayers, theirs, and so on."""
        return [each for layer in self.sublayers for each in (layer, *layer.layers_inside)]

    @property
    def input(self) -> Any:
        """The symbolic tensor (or list of them) that the layer has been connected to.

        Raises:
            AttributeError: it has been connected never, or more than once (then see ``inbound_nodes``).
        """
        node = only_node(self, "input")
        return list(node.inputs) if node.takes_list else node.inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic tensor (or list of them) that came out when the layer was connected: to build on it.

        Raises:
            AttributeError: it has been connected never, or more than once (then see ``inbound_nodes``).
        """
        node = only_node(self, "output")
        return list(node.outputs) if node.gives_list else node.outputs[0]

    @property
    def name(self) -> str:
        """What the layer is called in models, in weights' names and in messages."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        if self.built and not self.names_are_global and self.weights:
            raise AttributeError(
                f"Layer {self._name!r} ({self.class_name}) has weights that are called after it, such as "
                f"{self.weights[0].name!r}: its name stays. Give the name before the layer is built."
            )
        self._name = str(name)

    @property
    def float_dtype(self) -> str:
        """What the layer computes in and has its weights in: its ``dtype``, float32 where that is one of integers."""
        return self.dtype if jnp.issubdtype(self.dtype, jnp.floating) else "float32"

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. Changing it sets it for the layers inside, too.

        It counts for `fit` (as of the last ``compile``) and, at once, for closures that call the layer or a model with
        it in it: ``optimizer.minimize``, ``jtf.variable_grads``. A Variable made with ``trainable=False`` stays so.

        Setting what it is already changes nothing: as in TF.js, a layer frozen by itself stays so when the model around
        it is said to be trainable, as it was all along.
        """
        return self._trainable

    @trainable.setter
    @checked
    def trainable(self, value: bool) -> None:
        unchanged = vars(self).get("_trainable") == value
        self._trainable = value
        for layer in () if unchanged else self.sublayers:
            layer.trainable = value

    @property
    def is_frozen(self) -> bool:
        """Whether the layer, or one that it is being called in, has ``trainable = False``.

        In a compiled model it is what it was when the model was compiled.
        """
        return any(is_frozen(layer) for layer in (self, *layers_around()))

    @property
    def trainable_weights(self) -> list[Variable]:
        """What training changes; empty when ``trainable`` is False."""
        if not self.trainable:
            return []
        own = [w for w in self.own_weights if w.trainable]
        return _unique(own + [w for layer in self.sublayers for w in layer.trainable_weights])

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone, or changes other than by gradients."""
        learning = set(self.trainable_weights)
        return [w for w in self.weights if w not in learning]

    @property
    def weights(self) -> list[Variable]:
        """All weights, in TF.js's order: those made to be trained first, each kind in the order of the layers.

        What is frozen keeps its place. (In TF.js it goes to the end, so that lists of weights depend on it.)
        """
        layers = dict.fromkeys((self, *self.layers_inside))
        every = [w for layer in layers for w in layer.own_weights]
        return _unique([w for w in every if w.trainable] + [w for w in every if not w.trainable])

    @property
    def own_weights(self) -> list[Variable]:
        """The weights of the layer itself, without those of the layers inside."""
        states = set(self._own_states)
        return _unique([item for item in _attributes(self) if isinstance(item, Variable) and item not in states])

    def get_weights(self) -> list[Array]:
        """The present values of `weights`."""
        return read_all(self.weights)

    def set_weights(self, values: Sequence[ArrayLike]) -> None:
        """Assign all of `weights`.

        Raises:
            ValueError: another number of values, or a wrong shape or dtype; then nothing is changed.
        """
        if isinstance(values, Mapping):
            raise TypeError("set_weights takes a list, in the order of .weights; by name: model.variables = ...")
        weights = self.weights
        if len(values) != len(weights):
            raise ValueError(
                f"{self.name!r} has {len(weights)} weights; received {len(values)} values. Expected, in "
                f"order: {', '.join(f'{w.name} {w.shape}' for w in weights) or 'none (is it built?)'}."
            )
        assign_all(dict(zip(weights, values, strict=True)))

    def count_params(self) -> int:
        """How many numbers the weights hold.

        Raises:
            ValueError: the layer is not built yet.
        """
        if not self.built:
            raise ValueError(
                f"Layer {self.name!r} is not built yet, so it has no weights to count. Call it, build it "
                "with .build(input_shape), or give the first layer of the model an input_shape."
            )
        return sum(w.size for w in self.weights)

    # Losses that belong to a layer.

    @property
    def losses(self) -> list[Array]:
        """The present values of the penalties on the layer's weights."""
        return self._losses_without(set())

    def _losses_without(self, met: set[Layer]) -> list[Array]:
        """The penalties of the layer and of those inside that have not been met; what is frozen does not learn."""
        if self in met:
            return []
        met.add(self)
        with contextlib.nullcontext() if self.trainable else uncounted_reads():
            own = [penalty(weight.read()) for weight, penalty in self._penalties]
            return own + [loss for layer in self.sublayers for loss in layer._losses_without(met)]

    def add_loss(self, loss: ArrayLike) -> None:
        """Add a term to the model's loss, from within `call`; outside of training it goes nowhere."""
        collect(jnp.mean(jnp.asarray(loss)))

    def penalize_activity(self, outputs: Array) -> None:
        """Add the penalty of the layer's ``activity_regularizer``, if it has one, divided by the batch's size."""
        regularizer = getattr(self, "activity_regularizer", None)
        if regularizer is not None:
            self.add_loss(regularizer(wide(outputs)) / outputs.shape[0])

    # Configuration.

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        shape = config.pop("batchInputShape", None)
        dtype = config.pop("dtype", None)
        if shape is not None:
            config["batchInputShape"] = shape
        if shape is not None or self.float_dtype != "float32":
            config["dtype"] = dtype
        return config

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"inbound_nodes": []}  # a copy stands alone; that of a model connects its layers anew

    def __repr__(self) -> str:
        own = {n: getattr(self, n, None) for n in option_names(type(self)) if n not in option_names(Layer)}
        shown = ", ".join(f"{n}={_short.repr(v)}" for n, v in own.items() if v is not None and not callable(v))
        return f"<{self.class_name} {self.name!r}{': ' + shown if shown else ''}>"


registry.base = Layer


def _attributes(layer: Layer) -> Iterator[Any]:
    """The objects in a layer's attributes, those in lists, tuples and dicts (to any depth) included."""
    return _contents(vars(layer).values())


def _contents(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, list | tuple):
            yield from _contents(item)
        elif isinstance(item, dict):
            yield from _contents(item.values())
        else:
            yield item


def _checked_output(shapes: Any, layer: Layer) -> Any:
    if not all(is_shape(shape) for shape in (shapes if isinstance(shapes, list) else [shapes])):
        raise TypeError(
            f"Layer {layer.name!r} ({layer.class_name}): compute_output_shape returns a shape, such as "
            f"(input_shape[0], 2), or a list of shapes; it returned {shapes!r}."
        )
    return shapes


def _unique(items: list[Variable]) -> list[Variable]:
    return list(dict.fromkeys(items))
