"""EinsumDense: a dense layer along axes of one's choice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from jtf import activations, constraints, functional, initializers, regularizers
from jtf.configurable import factory
from jtf.layers.base import Layer, registry
from jtf.layers.spec import InputSpec
from jtf.options import PositiveInt
from jtf.types import Array, Shape

_EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


@registry.add
class EinsumDense(Layer):
    """``activation(einsum(equation, inputs, kernel) + bias)``: a dense layer along axes of one's choice.

    A mask passes through where its axes, ``[batch, time]``, are the first ones of the output, too. (TF.js drops it.)

    Args:
        equation: ``"ab,bc->ac"`` is `Dense` on vectors and ``"abc,cd->abd"`` on sequences: the axes of the input, of
            the kernel and of the output. With ``"...b,bc->...c"`` there may be any axes before, with
            ``"ab...,bc->ac..."`` behind. (TF.js cannot compute these two.)
        output_shape: the sizes of the output's axes but the batch and those in an ellipsis, None where the input has
            them.
        activation: a name or a function; none by default.
        bias_axes: the axes of the output that the bias has, ``"c"`` for instance; without it there is no bias.
        kernel_initializer, bias_initializer: ``glorotUniform`` and ``zeros`` by default.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the output, divided by the batch's size. (TF.js ignores it.)
        kernel_constraint, bias_constraint: conditions on the weights.

    Raises:
        ValueError: ``equation`` has another form; (when built) it does not fit ``output_shape``, ``bias_axes`` or the
            input.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.einsum_dense(equation="abc,cd->abd", output_shape=[None, 64], bias_axes="d")
        >>> layer(np.ones((2, 32, 128), np.float32)).shape
        (2, 32, 64)

    References:
        TF.js: tfjs-layers/src/layers/nlp/einsum_dense.ts
    """

    supports_masking = True

    def __init__(
        self,
        equation: str,
        output_shape: PositiveInt | Sequence[PositiveInt | None],
        activation: Any = None,
        bias_axes: str | None = None,
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
        _letters(equation)
        self.equation, self.bias_axes = equation, bias_axes
        self.output_shape: list[int | None] = (
            list(output_shape) if isinstance(output_shape, Sequence) else [output_shape]
        )
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer or "glorot_uniform")
        self.bias_initializer = initializers.get(bias_initializer or "zeros")
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        shapes = _analyse(self, input_shape)
        self.kernel = self.add_weight_by_options("kernel", shapes.kernel)
        if shapes.bias is not None:
            self.bias = self.add_weight_by_options("bias", shapes.bias)
        letters = _letters(self.equation)
        first = -len(letters.inputs) if letters.before else 0
        fixed = {
            first + i: shapes.kernel[letters.kernel.index(letter)]
            for i, letter in enumerate(letters.inputs)
            if letter in letters.kernel
        }
        self.input_spec = InputSpec(
            ndim=None if letters.before or letters.behind else len(letters.inputs),
            min_ndim=len(letters.inputs),
            axes=fixed,
        )

    def call(self, inputs: Array) -> Array:
        params = {"kernel": self.kernel.read()}
        if self.bias_axes is not None:
            params["bias"] = self.bias.read()
        outputs = functional.einsum_dense(params, inputs, self.equation, activation=self.activation)
        self.penalize_activity(outputs)
        return outputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return _analyse(self, input_shape).outputs

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array | None:
        """The input's, if the axes that it is about stay where they are."""
        letters = _letters(self.equation)
        elided = ["..."] * (inputs.ndim - len(letters.inputs))
        before, behind = (elided if there else [] for there in (letters.before, letters.behind))
        axes = zip([*before, *letters.inputs, *behind], [*before, *letters.outputs, *behind], strict=False)
        kept = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], axes)))
        return mask if mask is not None and mask.ndim <= kept else None

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.activity_regularizer is None:  # TF.js writes none
            del config["activityRegularizer"]
        return config


class _Letters(NamedTuple):
    """The parts of an equation: a letter for each axis, and whether there is an ellipsis before or behind."""

    inputs: str
    kernel: str
    outputs: str
    before: bool
    behind: bool


class _Shapes(NamedTuple):
    kernel: Shape
    bias: Shape | None
    outputs: Shape


def _letters(equation: str) -> _Letters:
    match = _EQUATION.fullmatch(equation)
    if match:
        before, inputs, behind, kernel, before_too, outputs, behind_too = match.groups()
        if (before, behind) == (before_too, behind_too) and not (before and behind):
            return _Letters(inputs, kernel, outputs, bool(before), bool(behind))
    raise ValueError(
        "EinsumDense's equation is of the form 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...'; received "
        f"{equation!r}."
    )


def _analyse(layer: EinsumDense, input_shape: Shape) -> _Shapes:
    """The shapes of kernel, bias and output for an input."""

    def refusal(why: str) -> ValueError:
        return ValueError(
            f"Layer {layer.name!r} (EinsumDense) with equation {layer.equation!r} and output_shape "
            f"{layer.output_shape} {why} (input shape {input_shape})."
        )

    letters = _letters(layer.equation)
    more = len(input_shape) - len(letters.inputs)
    if more < 0 or (more and not (letters.before or letters.behind)):
        raise refusal(f"expects an input with {len(letters.inputs)} dimensions; received {len(input_shape)}")
    elided_before = input_shape[:more] if letters.before else ()
    elided_behind = input_shape[len(letters.inputs) :] if letters.behind else ()
    sizes = dict(zip(letters.inputs, input_shape[len(elided_before) :], strict=False))
    # The batch is the output's first axis, unless it is in the ellipsis.
    named = letters.outputs if elided_before else letters.outputs[1:]
    if len(named) != len(layer.output_shape):
        raise refusal(f"expects an output_shape with {len(named)} sizes")
    for letter, size in zip(named, layer.output_shape, strict=True):
        if sizes.get(letter) is None:
            sizes[letter] = size
        elif size not in (None, sizes[letter]):
            raise refusal(f"expects equal sizes of {letter!r}; received {size} for the output")
    for part, used in (("kernel", letters.kernel), ("output", letters.outputs), ("bias", layer.bias_axes or "")):
        known = letters.outputs if part == "bias" else sizes
        for letter in used:
            if letter not in known:
                raise refusal(f"has an axis {letter!r} of the {part} that it has nowhere else")
    outputs = tuple(sizes[letter] for letter in letters.outputs)
    bias: Shape | None = None
    if layer.bias_axes:
        first = min(letters.outputs.index(letter) for letter in layer.bias_axes)
        behind_first = letters.outputs[first:]
        bias = tuple(sizes[letter] if letter in layer.bias_axes else 1 for letter in behind_first)
        bias += (1,) * len(elided_behind)
    kernel = tuple(sizes[letter] for letter in letters.kernel)
    return _Shapes(kernel, bias, (*elided_before, *outputs, *elided_behind))


einsum_dense = factory(EinsumDense)
