"""Normalization layers: BatchNormalization, LayerNormalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jtf import constraints, functional, initializers, regularizers
from jtf.configurable import factory
from jtf.layers.base import Layer, registry
from jtf.layers.spec import InputSpec
from jtf.options import Fraction, NotNegative
from jtf.types import Array, Shape
from jtf.variable import Variable


class _Normalization(Layer):
    """What the layers have in common: a learnt scale ``gamma`` and shift ``beta`` of what was normalised."""

    supports_masking = True

    def __init__(
        self,
        *,
        epsilon: NotNegative = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self.beta_initializer = initializers.get(beta_initializer or "zeros")
        self.gamma_initializer = initializers.get(gamma_initializer or "ones")
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def add_scale_and_shift(self, shape: Sequence[int | None]) -> None:
        if self.scale:
            self.gamma = self.add_weight_by_options("gamma", shape)
        if self.center:
            self.beta = self.add_weight_by_options("beta", shape)

    def scale_and_shift(self) -> dict[str, Array]:
        weights = {"gamma": self.gamma, "beta": self.beta}
        return {name: weight.read() for name, weight in weights.items() if weight is not None}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


@registry.add
class BatchNormalization(_Normalization):
    """Gives every feature mean 0 and variance 1 over the batch, then scales and shifts it.

    While training the statistics are those of the batch, and the moving statistics follow them; otherwise these are
    used. A layer with ``trainable=False``, or in a model or layer with that, uses its moving statistics and keeps them
    while training, too, as in Keras; in TF.js they move on. ``scale=False`` and ``center=False`` can be trained (TF.js
    fails), and the input may have any number of dimensions (in TF.js two to four).

    Args:
        axis: the axis of the features, or a list of this one; 1 behind a layer with
            ``data_format="channelsFirst"``.
        momentum: how much of the moving statistics is kept at each step.
        epsilon: added to the variance.
        center, scale: whether there are a ``beta`` to shift and a ``gamma`` to scale by.
        beta_initializer, gamma_initializer: ``zeros`` and ``ones`` by default.
        moving_mean_initializer, moving_variance_initializer: ``zeros`` and ``ones`` by default.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: for ``beta`` and ``gamma``.

    Shapes:
        input ``[batch, ...]``, of length ``n`` along ``axis``; weights ``[n]``; output that of the input.

    Raises:
        ValueError: ``axis`` is no integer; (when built) the input lacks this axis or its length is unknown.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.batch_normalization(momentum=0.5)
        >>> layer(np.array([[1.0], [3.0]]), training=True).round(2).tolist()
        [[-1.0], [1.0]]
        >>> [weight.read().tolist() for weight in layer.non_trainable_weights]
        [[1.0], [1.0]]

    References:
        Ioffe and Szegedy, Batch normalization, ICML 2015.
        TF.js: tfjs-layers/src/layers/normalization.ts
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        momentum: Fraction = 0.99,
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.axis = axis  # a list of one in Keras' files
        axes = [axis] if isinstance(axis, int) else axis
        if len(axes) != 1:
            raise ValueError(f"BatchNormalization's axis is one axis; received {axis!r}.")
        self._of_features = axes[0]
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer or "zeros")
        self.moving_variance_initializer = initializers.get(moving_variance_initializer or "ones")

    moving_mean: Variable
    moving_variance: Variable

    def build(self, input_shape: Shape) -> None:
        ndim, axis = len(input_shape), self._of_features
        size = input_shape[axis] if -ndim <= axis < ndim else None
        if size is None:
            raise ValueError(
                f"Layer {self.name!r} (BatchNormalization) needs an input of known size along axis {axis}; "
                f"received shape {input_shape} (the first dimension is the batch)."
            )
        self.input_spec = InputSpec(ndim=ndim, axes={axis: size})
        self.add_scale_and_shift([size])
        for name in ("moving_mean", "moving_variance"):  # in which a narrow dtype would lose what is added
            begin = getattr(self, f"{name}_initializer")
            setattr(self, name, self.add_weight(name, [size], "float32", begin, trainable=False))

    def looks_at_batch(self, training: bool) -> bool:
        return training and not self.is_frozen

    def call(self, inputs: Array, training: bool = False) -> Array:
        moving = {"moving_mean": self.moving_mean.read(), "moving_variance": self.moving_variance.read()}
        training = training and not self.is_frozen
        outputs, moved = functional.batch_normalization(
            self.scale_and_shift() | moving, inputs, self._of_features, self.momentum, self.epsilon, training
        )
        if training:
            self.moving_mean.assign(moved["moving_mean"])
            self.moving_variance.assign(moved["moving_variance"])
        return outputs


@registry.add
class LayerNormalization(_Normalization):
    """Gives every example mean 0 and variance 1 over some of its axes, then scales and shifts its entries.

    (In TF.js the input has two to four dimensions, here any number.)

    Args:
        axis: the axis or axes to normalise over, the last by default. Once built it is a list of positive axes.
        epsilon: added to the variance.
        center, scale: whether there are a ``beta`` to shift and a ``gamma`` to scale by.
        beta_initializer, gamma_initializer: ``zeros`` and ``ones`` by default.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: for ``beta`` and ``gamma``. (TF.js has
            no constraints here.)

    Shapes:
        input any, weights its sizes along ``axis``, output that of the input.

    Raises:
        ValueError: ``axis`` is no integer or list of such; (when built) the input lacks an axis, or has it twice.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.layer_normalization()(np.array([[1.0, 3.0], [10.0, 30.0]])).round(2).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]

    References:
        Ba et al., Layer normalization, 2016.
        TF.js: tfjs-layers/src/layers/normalization.ts
    """

    def __init__(self, axis: int | Sequence[int] = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis: int | list[int] = axis if isinstance(axis, int) else list(axis)

    def build(self, input_shape: Shape) -> None:
        given, ndim = [self.axis] if isinstance(self.axis, int) else self.axis, len(input_shape)
        axes = [axis % ndim for axis in given if -ndim <= axis < ndim]
        if len(set(axes)) != len(given):
            raise ValueError(
                f"Layer {self.name!r} (LayerNormalization) normalises over axis {self.axis}, each of which the input "
                f"must have, and once; received shape {input_shape} (the first dimension is the batch)."
            )
        self.add_scale_and_shift([input_shape[axis] for axis in axes])
        self.axis = axes
        fixed = {axis: input_shape[axis] for axis in axes} if self.scale or self.center else {}
        self.input_spec = InputSpec(ndim=ndim, axes=fixed)

    def looks_at_batch(self, training: bool) -> bool:
        return isinstance(self.axis, list) and 0 in self.axis

    def call(self, inputs: Array) -> Array:
        return functional.layer_normalization(self.scale_and_shift(), inputs, self.axis, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in ("betaConstraint", "gammaConstraint"):  # TF.js knows none
            if config[name] is None:
                del config[name]
        return config


batch_normalization = factory(BatchNormalization)
layer_normalization = factory(LayerNormalization)
