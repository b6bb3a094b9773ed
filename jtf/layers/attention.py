"""MultiHeadAttention: each step of one sequence looks at the steps of another."""

from __future__ import annotations

import functools
import itertools
import string
from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax.numpy as jnp

from jtf import constraints, functional, initializers, naming, random, regularizers
from jtf.configurable import factory
from jtf.functional.attention import spread_mask
from jtf.layers.base import Layer, registry
from jtf.layers.einsum_dense import EinsumDense
from jtf.layers.symbolic import is_symbolic
from jtf.options import PositiveInt, ProperFraction
from jtf.types import Array, Shape

_SIGNATURE = ("query_shape", "key_shape", "value_shape")


@registry.add
class MultiHeadAttention(Layer):
    """Attention with several heads: for each query the mean of the values, weighted by how well their keys match it.

    Each head projects queries and keys to ``key_dim`` features and values to ``value_dim``, and weights the values by
    ``softmax(query · key / sqrt(key_dim))``; what the heads find is projected to the output together.

    Called as ``layer(query, value)``, or with the same as a list, ``layer([query, value])``, and further arguments:

    - ``key``: the keys, if they are not the values.
    - ``attention_mask``: bools, ``[batch, queries, keys]`` (or with an axis of heads behind the batch), True where a
      query may look at a key.
    - ``use_causal_mask``: whether a query may look at keys no later than itself only.
    - ``return_attention_scores``: whether to return ``[output, scores]``, the scores being
      ``[batch, heads, queries, keys]``; on arrays, not in a graph.
    - ``mask``: the masks of query, value and key, a list parallel to them; all must allow a key for a query to see it.
      (TF.js ignores the key's.) Where a query may look at nothing, it looks at everything alike.

    In TF.js the projections' weights are not among the layer's, so that they are neither trained nor saved; here they
    are.

    Args:
        num_heads: how many heads.
        key_dim: the size of a head's queries and keys.
        value_dim: the size of a head's values, ``key_dim`` by default.
        dropout: the fraction of the weights to drop while training.
        use_bias: whether the projections have biases.
        output_shape: the size, or sizes, of the output's features; the query's by default.
        attention_axes: the axes of the steps; all but the batch and the features by default.
        kernel_initializer, bias_initializer: ``glorotUniform`` and ``zeros`` by default.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: for each projection's weights.
        activity_regularizer: a penalty on each projection's output, divided by the batch's size.

    Shapes:
        query ``[batch, queries, n]``, value ``[batch, keys, m]``, key ``[batch, keys, l]``, output
        ``[batch, queries, *output_shape]``; with several axes of steps, or with others between batch and features,
        likewise.

    Raises:
        ValueError: a size is not a positive integer, or ``dropout`` no fraction; (when called) there is no value, or
            shapes do not fit.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.multi_head_attention(num_heads=2, key_dim=3)
        >>> target, source = np.ones((1, 8, 16), np.float32), np.ones((1, 4, 16), np.float32)
        >>> output, scores = layer(target, source, return_attention_scores=True)
        >>> output.shape, scores.shape
        ((1, 8, 16), (1, 2, 8, 4))

    References:
        Vaswani et al., Attention is all you need, NeurIPS 2017.
        TF.js: tfjs-layers/src/layers/nlp/multihead_attention.ts
    """

    supports_masking = True

    def __init__(
        self,
        num_heads: PositiveInt,
        key_dim: PositiveInt,
        value_dim: PositiveInt | None = None,
        dropout: ProperFraction = 0.0,
        use_bias: bool = True,
        output_shape: PositiveInt | Sequence[PositiveInt] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.num_heads, self.key_dim = num_heads, key_dim
        self.value_dim = key_dim if value_dim is None else value_dim
        self.dropout, self.use_bias = dropout, use_bias
        self.output_shape = output_shape
        self.attention_axes = [attention_axes] if isinstance(attention_axes, int) else attention_axes
        self.kernel_initializer = initializers.get(kernel_initializer or "glorot_uniform")
        self.bias_initializer = initializers.get(bias_initializer or "zeros")
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.query_shape: Shape | None = None
        self.key_shape: Shape | None = None
        self.value_shape: Shape | None = None

    def __call__(  # type: ignore[override]
        self,
        query: Any,
        value: Any = None,
        key: Any = None,
        attention_mask: Any = None,
        *,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
        training: bool | None = None,
        mask: Any = None,
    ) -> Any:
        """Attend; see the class for the arguments."""
        if isinstance(query, list | tuple):
            query, *others = [*query, None, None, None][:4]
            apart = (value, key, attention_mask)
            value, key, attention_mask = (a if b is None else b for a, b in zip(apart, others, strict=True))
        if value is None:
            raise ValueError(
                f"Layer {self.name!r} (MultiHeadAttention) takes a query and a value: layer(query, value), for "
                "self-attention layer(x, x)."
            )
        inputs = [query, value, value if key is None else key]
        inputs += [] if attention_mask is None else [attention_mask]
        options: dict[str, Any] = {"use_causal_mask": True} if use_causal_mask else {}
        if return_attention_scores:
            if is_symbolic(inputs):
                raise ValueError(
                    f"Layer {self.name!r} (MultiHeadAttention) returns its scores for arrays, not in a graph: call it "
                    "on arrays, or write a layer that calls it."
                )
            options["return_attention_scores"] = True
        return super().__call__(inputs, training=training, mask=mask, **options)

    def build(self, input_shape: list[Shape]) -> None:
        query, value, key = self._signature(input_shape)
        self.query_shape, self.key_shape, self.value_shape = query, key, value
        ndim = len(query)
        self.attention_axes = self._resolved_axes(ndim)
        heads = [self.num_heads, self.key_dim]
        self.query_dense = self._projection("query", ndim - 1, 1, heads)
        self.key_dense = self._projection("key", ndim - 1, 1, heads)
        self.value_dense = self._projection("value", ndim - 1, 1, [self.num_heads, self.value_dim])
        self.output_dense = self._projection("attentionOutput", ndim - 1, 2, self._output_features(query))
        self.query_dense.ensure_built(query)
        self.key_dense.ensure_built(key)
        self.value_dense.ensure_built(value)
        self.output_dense.ensure_built((*query[:-1], self.num_heads, self.value_dim))

    def call(
        self,
        inputs: list[Array],
        training: bool = False,
        mask: Any = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
    ) -> Any:
        self._signature([x.shape for x in inputs])
        query, value, key = (*inputs, inputs[1])[:3]
        axes = self._resolved_axes(query.ndim)
        allowed = self._allowed(inputs, mask, use_causal_mask)
        scores = functional.attention_scores(self.query_dense(query), self.key_dense(key), allowed, axes)
        weights = scores
        if training and self.dropout:
            weights = functional.dropout(random.next_key(), scores, self.dropout)
        outputs = self.output_dense(functional.attend(weights, self.value_dense(value), axes))
        return [outputs, scores] if return_attention_scores else outputs

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        query, _, _ = self._signature(input_shape)
        return (*query[:-1], *self._output_features(query))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The query's mask."""
        return mask[0] if isinstance(mask, list | tuple) else mask

    def get_config(self) -> dict[str, Any]:
        """The configuration, with the shapes that the layer is built for."""
        shapes = {naming.camel_case(name): getattr(self, name) for name in _SIGNATURE}
        return super().get_config() | {name: shape and list(shape) for name, shape in shapes.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The layer that a configuration describes, built if it says for which shapes."""
        options = {naming.snake_case(name): value for name, value in config.items()}
        query, key, value = (options.pop(name, None) for name in _SIGNATURE)
        layer = super().from_config(options)
        if query is not None and value is not None:
            layer.ensure_built([tuple(query), tuple(value), tuple(value if key is None else key)])
        return layer

    def _allowed(self, inputs: list[Array], mask: Any, use_causal_mask: bool) -> Array | None:
        """What a query may look at, with axes as the scores have them; None for everything."""
        ndim, axes = inputs[0].ndim, self._resolved_axes(inputs[0].ndim)
        of_query, of_value, of_key = [*(mask if isinstance(mask, list | tuple) else [mask]), None, None, None][:3]
        masks = [] if of_query is None else [_mask_of_steps(of_query, ndim, axes, keys=False)]
        masks += [_mask_of_steps(m, ndim, axes, keys=True) for m in (of_value, of_key) if m is not None]
        if use_causal_mask:
            if len(axes) != 1:
                raise ValueError(
                    f"Layer {self.name!r} (MultiHeadAttention) has a causal mask along one axis of steps; here there "
                    f"are {len(axes)}: {axes}. Give an attention_mask."
                )
            causal = functional.causal_mask(inputs[0].shape[axes[0]], inputs[1].shape[axes[0]])
            masks.append(spread_mask(causal, ndim + len(axes), axes))
        if len(inputs) > 3:
            masks.append(spread_mask(inputs[3], ndim + len(axes), axes))
        if len(masks) < 2:
            return masks[0] if masks else None
        return functools.reduce(jnp.logical_and, masks)

    def _signature(self, shapes: Any) -> tuple[Shape, Shape, Shape]:
        """The shapes of query, value and key.

        Raises:
            ValueError: they do not fit.
        """
        if not isinstance(shapes, list) or not 2 <= len(shapes) <= 4:
            raise ValueError(
                f"Layer {self.name!r} (MultiHeadAttention) takes a query and a value, or [query, value, key, "
                f"attention_mask]; received shapes {shapes}."
            )
        query, value, key = (*shapes, None)[:3]
        key = value if key is None else key
        ndim = len(query)
        fits = ndim >= 3 and len(value) == ndim and len(key) == ndim
        if fits:
            axes = self._resolved_axes(ndim)
            fits = all(_equal(value[i], key[i]) and (i in axes or _equal(query[i], value[i])) for i in range(ndim - 1))
        if not fits:
            raise ValueError(
                f"Layer {self.name!r} (MultiHeadAttention) expects query, value and key [batch, steps, features], the "
                "value and the key with equally many steps, and equal sizes but for steps and features; received "
                f"shapes {query}, {value} and {key}."
            )
        return query, value, key

    def _resolved_axes(self, ndim: int) -> list[int]:
        if self.attention_axes is None:
            return list(range(1, ndim - 1))
        axes = [axis % ndim for axis in self.attention_axes if -ndim <= axis < ndim]
        if len(set(axes)) != len(self.attention_axes) or not set(axes) <= set(range(1, ndim - 1)):
            raise ValueError(
                f"Layer {self.name!r} (MultiHeadAttention) attends along attention_axes {list(self.attention_axes)}: "
                f"different ones between the batch (0) and the features ({ndim - 1}) of {ndim} dimensions."
            )
        return axes

    def _output_features(self, query: Shape) -> list[Any]:
        if self.output_shape is None:
            return [query[-1]]
        return [self.output_shape] if isinstance(self.output_shape, int) else list(self.output_shape)

    def _projection(self, name: str, kept: int, summed: int, sizes: list[Any]) -> EinsumDense:
        """A dense layer that keeps some axes, sums over the next ones and puts others in their place."""
        letters = iter(string.ascii_lowercase)
        first, middle, last = ("".join(itertools.islice(letters, n)) for n in (kept, summed, len(sizes)))
        return EinsumDense(
            f"{first}{middle},{middle}{last}->{first}{last}",
            [None] * (kept - 1) + sizes,
            name=name,
            bias_axes=last if self.use_bias else None,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self.activity_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.float_dtype,
        )


def _equal(a: int | None, b: int | None) -> bool:
    return a is None or b is None or a == b


def _mask_of_steps(mask: Array, ndim: int, axes: Sequence[int], *, keys: bool) -> Array:
    """A mask over the steps of the queries, or of the keys, with axes as the scores have them."""
    mask = jnp.asarray(mask, bool)
    mask = mask.reshape(mask.shape + (1,) * (ndim - 1 - mask.ndim))
    others = ndim - 1 - len(axes)
    mask = jnp.moveaxis(mask, axes, range(others, ndim - 1))
    ones = (1,) * len(axes)
    steps = ones + mask.shape[others:] if keys else mask.shape[others:] + ones
    return mask.reshape((*mask.shape[:others], 1, *steps))


multi_head_attention = factory(MultiHeadAttention)
