"""Layers that disturb their input while training: GaussianNoise, GaussianDropout, AlphaDropout, SpatialDropout1D."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jtf import functional, random
from jtf.configurable import factory
from jtf.layers.base import Layer, registry
from jtf.layers.spec import InputSpec
from jtf.options import Fraction, NotNegative, Seed
from jtf.types import Array, Shape, ShapeLike


class _Noise(Layer):
    """A layer that changes nothing unless it is trained."""

    supports_masking = True

    def __init__(self, *, seed: Seed | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = seed

    def disturbed(self, key: Array, inputs: Array) -> Array:
        raise NotImplementedError

    def call(self, inputs: Array, training: bool = False) -> Array:
        return self.disturbed(random.next_key(self.seed), inputs) if training else inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.seed is None:
            del config["seed"]
        return config


class _RateNoise(_Noise):
    """Noise that is given by a rate, as dropout is."""

    def __init__(self, rate: Fraction, **options: Any) -> None:
        super().__init__(**options)
        self.rate = rate

    def call(self, inputs: Array, training: bool = False) -> Array:
        return super().call(inputs, training=training and 0 < self.rate < 1)


@registry.add
class GaussianNoise(_Noise):
    """While training, adds normal noise with mean 0; otherwise changes nothing.

    Args:
        stddev: the standard deviation of the noise.
        seed: fixes the sequence of noises.

    Raises:
        ValueError: ``stddev`` is negative.

    References:
        TF.js: tfjs-layers/src/layers/noise.ts, as of the two layers below
    """

    def __init__(self, stddev: NotNegative, **options: Any) -> None:
        super().__init__(**options)
        self.stddev = stddev

    def disturbed(self, key: Array, inputs: Array) -> Array:
        return functional.gaussian_noise(key, inputs, self.stddev)


@registry.add
class GaussianDropout(_RateNoise):
    """While training, multiplies by normal noise with mean 1; otherwise changes nothing.

    Args:
        rate: as of dropout, from 0 to 1: the noise has the standard deviation ``sqrt(rate / (1 - rate))``. As in
            TF.js, a rate of 1 changes nothing.
        seed: fixes the sequence of noises.

    Raises:
        ValueError: ``rate`` is no fraction.

    References:
        Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014.
    """

    def disturbed(self, key: Array, inputs: Array) -> Array:
        return functional.gaussian_dropout(key, inputs, self.rate)


@registry.add
class AlphaDropout(_RateNoise):
    """While training, sets inputs to selu's negative limit at random, keeping mean and variance; otherwise nothing.

    Made for networks of ``selu`` activations, whose normalising itself it does not disturb.

    Args:
        rate: the fraction to drop, from 0 to 1. As in TF.js, a rate of 1 drops nothing.
        noise_shape: the shape of the mask, None for the input's size there; 1 where the mask is shared. (TF.js loses it
            when the layer is saved.)
        seed: fixes the sequence of masks.

    Raises:
        ValueError: ``rate`` is no fraction.

    References:
        Klambauer et al., Self-normalizing neural networks, NeurIPS 2017.
    """

    def __init__(self, rate: Fraction, noise_shape: ShapeLike | None = None, **options: Any) -> None:
        super().__init__(rate, **options)
        self.noise_shape = noise_shape

    def looks_at_batch(self, training: bool) -> bool:
        return training and self.noise_shape is not None and any(size is not None for size in self.noise_shape[:1])

    def disturbed(self, key: Array, inputs: Array) -> Array:
        return functional.alpha_dropout(key, inputs, self.rate, self.noise_shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.noise_shape is None:
            del config["noiseShape"]
        return config


@registry.add
class SpatialDropout1D(_RateNoise):
    """While training, sets whole features of a sequence to zero and scales the others up; otherwise nothing.

    A feature is dropped at all steps or at none: neighbouring steps are too alike for one to be missed.

    Args:
        rate: the fraction of the features to drop, from 0 to 1. As in TF.js, a rate of 1 drops nothing.
        seed: fixes the sequence of masks.

    Shapes:
        input and output ``[batch, time, features]``.

    Raises:
        ValueError: ``rate`` is no fraction.

    References:
        Tompson et al., Efficient object localization using convolutional networks, CVPR 2015.
        TF.js: tfjs-layers/src/layers/core.ts
    """

    input_spec = InputSpec(ndim=3)
    without_effect: ClassVar[Mapping[str, Any]] = {"noise_shape": None}

    def disturbed(self, key: Array, inputs: Array) -> Array:
        return functional.dropout(key, inputs, self.rate, (None, 1, None))

    def get_config(self) -> dict[str, Any]:
        """The configuration; TF.js writes a dropout's there."""
        return super().get_config() | {"noiseShape": None}


gaussian_noise = factory(GaussianNoise)
gaussian_dropout = factory(GaussianDropout)
alpha_dropout = factory(AlphaDropout)
spatial_dropout1d = factory(SpatialDropout1D)
