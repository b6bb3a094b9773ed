"""Activations with parameters, as layers: ReLU, LeakyReLU, PReLU, ELU, ThresholdedReLU, Softmax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from jtf import constraints, functional, initializers, regularizers
from jtf.configurable import factory
from jtf.functional.kinks import clip_by_value
from jtf.layers.base import Layer, registry
from jtf.layers.spec import InputSpec
from jtf.options import Bound
from jtf.types import Array, Shape


class _Elementwise(Layer):
    """A layer that computes each entry, or each step, for itself: a mask of steps passes through."""

    supports_masking = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


@registry.add
class ReLU(_Elementwise):
    """``min(max(x, 0), max_value)``.

    Args:
        max_value: an upper bound; none by default.
    """

    without_effect: ClassVar[Mapping[str, Any]] = {"negative_slope": 0.0, "threshold": 0.0}

    def __init__(self, max_value: Bound | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.max_value = max_value

    def call(self, inputs: Array) -> Array:
        outputs = functional.relu(inputs)
        return outputs if self.max_value is None else clip_by_value(outputs, 0.0, self.max_value)


@registry.add
class LeakyReLU(_Elementwise):
    """``x`` where positive, ``alpha · x`` elsewhere. (A mask passes through; TF.js drops it.)

    Args:
        alpha: the slope for negative inputs, 0.3 by default.
    """

    def __init__(self, alpha: float = 0.3, **options: Any) -> None:
        super().__init__(**options)
        self.alpha = alpha

    def call(self, inputs: Array) -> Array:
        return functional.leaky_relu(inputs, self.alpha)


@registry.add
class PReLU(_Elementwise):
    """``x`` where positive, ``alpha · x`` elsewhere, where ``alpha`` is learnt, one for each input of an example.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: for the slopes.
        shared_axes: axes (1, 2, ...) along which one slope serves all.

    References:
        He et al., Delving deep into rectifiers, ICCV 2015.
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.alpha_initializer = initializers.get(alpha_initializer or "zeros")
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes

    def build(self, input_shape: Shape) -> None:
        shared = self.shared_axes or ()
        self.alpha = self.add_weight_by_options(
            "alpha", [1 if axis in shared else size for axis, size in enumerate(input_shape)][1:]
        )
        fixed = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=fixed)

    def call(self, inputs: Array) -> Array:
        return functional.prelu(inputs, self.alpha.read()[None])


@registry.add
class ELU(_Elementwise):
    """``x`` where positive, ``alpha · (exp(x) - 1)`` elsewhere. (TF.js allows no alpha but 1, and drops a mask.)

    Args:
        alpha: the limit for negative inputs is ``-alpha``.
    """

    def __init__(self, alpha: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.alpha = alpha

    def call(self, inputs: Array) -> Array:
        return functional.elu(inputs, self.alpha)


@registry.add
class ThresholdedReLU(_Elementwise):
    """``x`` where it exceeds ``theta``, 0 elsewhere.

    In TF.js it cannot be trained through and drops a mask; here it has a gradient, and a mask passes through.

    Args:
        theta: the threshold, 1 by default.
    """

    def __init__(self, theta: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.theta = theta

    def call(self, inputs: Array) -> Array:
        return functional.thresholded_relu(inputs, self.theta)


@registry.add
class Softmax(_Elementwise):
    """``exp(x) / Σ exp(x)`` along an axis.

    A mask of the input's rank says which entries count: the others become 0. (Where no entry counts, see
    `jtf.functional.softmax`.) Any mask passes through; one of steps, ``[batch, time]``, does nothing else to
    ``[batch, time, features]``, with which TF.js fails.

    Args:
        axis: the axis or axes to normalise over; 1 by default, as in TF.js (Keras: the last). An empty list is
            the last.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.softmax()(np.zeros((1, 3)), mask=np.array([[True, True, False]])).tolist()
        [[0.5, 0.5, 0.0]]
    """

    def __init__(self, axis: int | Sequence[int] = 1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def looks_at_batch(self, training: bool) -> bool:
        return self.axis not in (1, -1)  # others may be that of the batch

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        axis = self.axis if isinstance(self.axis, int) else tuple(self.axis) or -1
        return functional.softmax(inputs, axis, mask if mask is not None and jnp.ndim(mask) == inputs.ndim else None)


relu = factory(ReLU)
leaky_relu = factory(LeakyReLU)
prelu = factory(PReLU)
elu = factory(ELU)
thresholded_relu = factory(ThresholdedReLU)
softmax = factory(Softmax)
