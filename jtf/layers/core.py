"""The layers that most models begin with: InputLayer (and `input`), Dense, Activation, Dropout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jtf import activations, constraints, functional, initializers, naming, random, regularizers
from jtf.configurable import factory
from jtf.layers.base import Layer, registry
from jtf.layers.spec import InputSpec
from jtf.layers.symbolic import Node, SymbolicTensor
from jtf.options import Fraction, PositiveInt, Seed, ShapeOfInput, checked
from jtf.types import Array, DTypeLike, Shape, ShapeLike


@registry.add
class InputLayer(Layer):
    """The entry of a model: it says which shape comes in and changes nothing.

    Args:
        input_shape, batch_input_shape, batch_size, dtype: as for every layer.
        sparse: must be False; TF.js has no sparse inputs either.

    Raises:
        ValueError: no shape is given or two are, or ``sparse`` is asked for; (when called) another shape comes in.
    """

    supports_masking = True
    keeps_values = True
    without_effect: ClassVar[Mapping[str, Any]] = {"ragged": False, "optional": False}

    def __init__(self, *, sparse: bool = False, **options: Any) -> None:
        super().__init__(**{**options, "name": options.get("name") or naming.next_uid("input")})
        if sparse:
            raise ValueError("InputLayer takes dense arrays only: leave sparse=False.")
        if self.batch_input_shape is None:
            raise ValueError("InputLayer needs input_shape=[...] (one example) or batch_input_shape=[None, ...].")
        if options.get("batch_input_shape") is not None and any(options.get(n) for n in ("input_shape", "batch_size")):
            raise ValueError("InputLayer's batch_input_shape has the batch and the example's shape: give only that.")
        self.sparse = sparse
        self._place_in_graph()
        fixed = dict(enumerate(self.batch_input_shape[1:], start=1))
        self.input_spec = InputSpec(ndim=len(self.batch_input_shape), axes=fixed)
        self.built = True

    def call(self, inputs: Array) -> Array:
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["trainable"]  # TF.js writes none for this layer
        return config

    def _place_in_graph(self) -> None:
        assert self.batch_input_shape is not None
        self.inbound_nodes = [Node(self, [], self.batch_input_shape, dtypes=self.dtype)]

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._place_in_graph()


@checked
def input(
    shape: ShapeOfInput | None = None,
    batch_shape: ShapeOfInput | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    sparse: bool = False,
) -> SymbolicTensor:
    """The entry of a graph (TF.js ``tf.input``): a symbolic tensor, for layers to be called on.

    Args:
        shape: of one example; None for sizes that vary, such as the length of a sequence.
        batch_shape: the same with the batch's size in front, where that is fixed.
        dtype: what inputs are converted to; float32 by default.
        name: under which dicts of inputs have it; counted (``input1``) when not given.
        sparse: must be False.

    Example:
        >>> import jtf
        >>> jtf.input(shape=[None, 3], name="words").shape
        (None, None, 3)
    """
    if (shape is None) == (batch_shape is None):
        raise ValueError(
            "jtf.input takes shape=[...] (of one example) or batch_shape=[None, ...] (with the batch); "
            f"received {'neither' if shape is None else 'both'}."
        )
    layer = InputLayer(input_shape=shape, batch_input_shape=batch_shape, dtype=dtype, name=name, sparse=sparse)
    return layer.output


@registry.add
class Dense(Layer):
    """A densely connected layer: ``activation(x · kernel + bias)``.

    Args:
        units: the size of the output, a positive integer.
        activation: a name or a function; none by default.
        use_bias: whether there is a bias.
        kernel_initializer: ``glorotNormal`` by default, as in TF.js (Keras: glorot uniform).
        bias_initializer: ``zeros`` by default.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the output, divided by the batch's size. (TF.js refuses to call such a
            layer.)
        kernel_constraint, bias_constraint: conditions on the weights.
        input_dim: short for ``input_shape=[input_dim]``.

    Shapes:
        input ``[batch, ..., n]``, kernel ``[n, units]``, bias ``[units]``, output ``[batch, ..., units]``.

    Raises:
        ValueError: ``units`` is not a positive integer, or an unknown name.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.dense(units=32, activation="relu")(np.ones((2, 784), np.float32)).shape
        (2, 32)
    """

    supports_masking = True
    not_in_config = (*Layer.not_in_config, "input_dim")

    def __init__(
        self,
        units: PositiveInt,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_normal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        input_dim: PositiveInt | None = None,
        **options: Any,
    ) -> None:
        if input_dim is not None and not options.keys() & {"input_shape", "batch_input_shape"}:
            options["input_shape"] = (input_dim,)
        super().__init__(**options)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer or "glorot_normal")
        self.bias_initializer = initializers.get(bias_initializer or "zeros")
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Shape) -> None:
        size = input_shape[-1]
        self.kernel = self.add_weight_by_options("kernel", (size, self.units))
        if self.use_bias:
            self.bias = self.add_weight_by_options("bias", (self.units,))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs: Array) -> Array:
        params = {"kernel": self.kernel.read()}
        if self.use_bias:
            params["bias"] = self.bias.read()
        outputs = functional.dense(params, inputs, activation=self.activation)
        self.penalize_activity(outputs)
        return outputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)


@registry.add
class Activation(Layer):
    """An activation function as a layer of its own.

    Args:
        activation: a name or a function of one array.
    """

    supports_masking = True

    def __init__(self, activation: Any, **options: Any) -> None:
        super().__init__(**options)
        self.activation = activations.get(activation)

    def call(self, inputs: Array) -> Array:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


@registry.add
class Dropout(Layer):
    """While training, sets inputs to zero at random and scales the others up; otherwise changes nothing.

    With a ``seed`` the sequence of masks depends on that seed alone, and still every step has a mask of its own.
    (In TF.js a seeded dropout repeats one mask for ever.)

    Args:
        rate: the fraction to drop, from 0 to 1. As in TF.js, a rate of 1 drops nothing.
        noise_shape: the shape of the mask, None for the input's size there; 1 where the mask is shared.
        seed: fixes the sequence of masks.

    References:
        Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014.
    """

    supports_masking = True

    def __init__(
        self, rate: Fraction, noise_shape: ShapeLike | None = None, seed: Seed | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def looks_at_batch(self, training: bool) -> bool:
        return training and self.noise_shape is not None and any(size is not None for size in self.noise_shape[:1])

    def call(self, inputs: Array, training: bool = False) -> Array:
        if not training or not 0 < self.rate < 1:
            return inputs
        return functional.dropout(random.next_key(self.seed), inputs, self.rate, self.noise_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


input_layer = factory(InputLayer)
dense = factory(Dense)
activation = factory(Activation)
dropout = factory(Dropout)
