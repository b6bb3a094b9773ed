"""Layers at the entry of sequence models: Embedding, PositionEmbedding, Masking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jtf import constraints, functional, initializers, regularizers
from jtf.configurable import factory
from jtf.layers.base import Layer, registry
from jtf.layers.spec import InputSpec
from jtf.options import PositiveInt
from jtf.types import Array, ArrayLike, Shape


@registry.add
class Embedding(Layer):
    """A learnt vector for each index: integers in, vectors out.

    An index that is out of range is refused where its value can be seen: in a call, and in the data given to ``fit``
    and ``predict``. In compiled code that computes its indices itself the vector is NaN, so that the loss shows the
    mistake.

    Args:
        input_dim: how many indices there are, 0 to ``input_dim - 1``.
        output_dim: the size of the vectors.
        embeddings_initializer: ``randomUniform`` by default.
        embeddings_regularizer, embeddings_constraint: for the table of vectors.
        activity_regularizer: a penalty on the output, divided by the batch's size.
        mask_zero: whether index 0 stands for a step to leave out; the layers behind get a mask.
        input_length: the length of the sequences, if it is fixed; a list where there are several axes.

    Shapes:
        input ``[batch, ...]`` (a call truncates numbers that are not integers, as TF.js does; ``fit`` and ``predict``
        refuse them), embeddings ``[input_dim, output_dim]``,
        output ``[batch, ..., output_dim]``.

    Raises:
        ValueError: a size is not a positive integer; (when called) the input is not ``input_length`` long, or an
            index is out of range.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.embedding(input_dim=1000, output_dim=64)(np.array([[4, 20, 7]])).shape
        (1, 3, 64)

    References:
        TF.js: tfjs-layers/src/layers/embeddings.ts
    """

    def __init__(
        self,
        input_dim: PositiveInt,
        output_dim: PositiveInt,
        embeddings_initializer: Any = "random_uniform",
        embeddings_regularizer: Any = None,
        activity_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: PositiveInt | Sequence[PositiveInt | None] | None = None,
        **options: Any,
    ) -> None:
        lengths: list[int | None] = list(input_length) if isinstance(input_length, Sequence) else [input_length]
        if not options.keys() & {"input_shape", "batch_input_shape"}:
            options["batch_input_shape"] = (options.pop("batch_size", None), *lengths)
        super().__init__(**options)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer or "random_uniform")
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.input_length = input_length
        if input_length is not None:
            fixed = {axis: length for axis, length in enumerate(lengths, start=1) if length is not None}
            self.input_spec = InputSpec(ndim=len(lengths) + 1, axes=fixed)

    @property
    def input_dtype(self) -> str:
        """What a model that begins with this layer takes: integers, of which float32 has no more than 2^24.

        Files say ``dtype: "float32"``, as those of TF.js.
        """
        return "int32"

    @property
    def index_range(self) -> int:  # type: ignore[override]
        return self.input_dim

    def build(self, input_shape: Shape) -> None:
        self.embeddings = self.add_weight_by_options("embeddings", (self.input_dim, self.output_dim))

    def call(self, inputs: Array) -> Array:
        outputs = functional.embedding({"embeddings": self.embeddings.read()}, inputs)
        self.penalize_activity(outputs)
        return outputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array | None:
        """True where an index is not 0; None without ``mask_zero``."""
        return inputs != 0 if self.mask_zero else None


@registry.add
class PositionEmbedding(Layer):
    """A learnt vector for each position of a sequence, to be added to the vectors of the tokens.

    A mask passes through. (TF.js drops it.)

    Args:
        sequence_length: the length of the longest sequence.
        initializer: of the vectors, ``glorotUniform`` by default.

    Shapes:
        input ``[batch, ..., time, features]``, only the shape of which matters, embeddings
        ``[sequence_length, features]``, output that of the input. The call takes a ``start_index`` besides, the
        position of the first step.

    Raises:
        ValueError: ``sequence_length`` is not a positive integer; (when called) a sequence is longer than that.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.position_embedding(sequence_length=10)(np.zeros((8, 10, 16))).shape
        (8, 10, 16)

    References:
        Devlin et al., BERT: Pre-training of deep bidirectional transformers, NAACL 2019.
        TF.js: tfjs-layers/src/layers/nlp/modeling/position_embedding.ts
    """

    supports_masking = True

    def __init__(self, sequence_length: PositiveInt, initializer: Any = "glorot_uniform", **options: Any) -> None:
        super().__init__(**options)
        self.sequence_length = sequence_length
        self.initializer = initializers.get(initializer or "glorot_uniform")
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Shape) -> None:
        size = input_shape[-1]
        self.embeddings = self.add_weight("embeddings", (self.sequence_length, size), initializer=self.initializer)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs: Array, start_index: ArrayLike = 0) -> Array:
        return functional.position_embedding({"embeddings": self.embeddings.read()}, inputs, start_index)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if input_shape[-2] is not None and input_shape[-2] > self.sequence_length:
            raise ValueError(
                f"Layer {self.name!r} (PositionEmbedding) has vectors for {self.sequence_length} positions; received "
                f"shape {input_shape}. Make it with a greater sequence_length."
            )
        return input_shape


@registry.add
class Masking(Layer):
    """Marks steps to leave out: those whose features all equal a value. They become zeros.

    Args:
        mask_value: that value, 0 by default.

    Shapes:
        input and output ``[batch, time, features]`` (or any with features last); the mask lacks the features.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.masking(mask_value=-1)(np.array([[[-1.0, -1.0], [-1.0, 2.0]]])).tolist()
        [[[0.0, 0.0], [-1.0, 2.0]]]

    References:
        TF.js: tfjs-layers/src/layers/core.ts
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.mask_value = mask_value

    def call(self, inputs: Array) -> Array:
        return functional.mask_timesteps(inputs, self.mask_value)[0]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array:
        """False at the steps to leave out. A mask that the input has already is replaced, as in TF.js."""
        return functional.mask_timesteps(inputs, self.mask_value)[1]


embedding = factory(Embedding)
position_embedding = factory(PositionEmbedding)
masking = factory(Masking)
