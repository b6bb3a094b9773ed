"""How weights begin: TF.js's initializers as objects with a configuration.

An initializer is called with a shape and gives an array; its random numbers come from its ``seed`` if it has one
and else from `jtf.set_seed`'s generator. The numbers themselves are made by `jtf.functional.initializers`.

Example:
    >>> import jtf
    >>> kernel = jtf.initializers.glorot_normal(seed=1)((784, 32))
    >>> kernel.shape, jtf.initializers.glorot_normal(seed=1).class_name
    ((784, 32), 'VarianceScaling')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax

from jtf import random
from jtf.configurable import Configurable, Registry, factory
from jtf.functional import initializers as functional
from jtf.functional.initializers import Distribution, Mode
from jtf.options import NotNegative, Seed
from jtf.types import Array, DTypeLike

registry = Registry("initializer")
get = registry.get
deserialize = registry.deserialize


class Initializer(Configurable):
    """The base class; a subclass defines `make`."""

    without_effect: ClassVar[Mapping[str, Any]] = {"dtype": "float32"}
    seed: int | None = None

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        """An array of this shape and dtype; with a ``seed``, the same array every time."""
        key = jax.random.key(self.seed) if self.seed is not None else random.next_key()
        return self.make(key, tuple(shape), dtype)

    def make(self, key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """The pure part: the array that belongs to a key."""
        raise NotImplementedError(f"{self.class_name} must define make(self, key, shape, dtype).")


class Fixed(Initializer):
    """The base class of those that draw nothing."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32") -> Array:
        return self.make(None, tuple(shape), dtype)

    def make(self, key: Array | None, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        raise NotImplementedError(f"{self.class_name} must define make(self, key, shape, dtype).")


@registry.add
class Zeros(Fixed):
    """All zeros."""

    def make(self, key: Array | None, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.zeros(key, shape, dtype)


@registry.add
class Ones(Fixed):
    """All ones."""

    def make(self, key: Array | None, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.ones(key, shape, dtype)


@registry.add
class Constant(Fixed):
    """One value everywhere, or the values of an array."""

    def __init__(self, value: float | Array | Sequence[float] | Sequence[Sequence[float]]) -> None:
        self.value = value

    def make(self, key: Array | None, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.constant(key, shape, dtype, value=self.value)


@registry.add
class Identity(Fixed):
    """``gain`` times the identity matrix; for square matrices."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def make(self, key: Array | None, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.identity(key, shape, dtype, gain=self.gain)


@registry.add
class RandomUniform(Initializer):
    """Uniform over ``[minval, maxval)``. (TF.js reads a bound of 0 as "not given"; here 0 is 0.)"""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed | None = None) -> None:
        if minval > maxval:
            raise ValueError(f"RandomUniform's minval is at most its maxval; received {minval!r} and {maxval!r}.")
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def make(self, key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.random_uniform(key, shape, dtype, minval=self.minval, maxval=self.maxval)


@registry.add
class RandomNormal(Initializer):
    """Normal with this mean and standard deviation. (TF.js reads a stddev of 0 as 0.05; here 0 is 0.)"""

    def __init__(self, mean: float = 0.0, stddev: NotNegative = 0.05, seed: Seed | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def make(self, key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.random_normal(key, shape, dtype, mean=self.mean, stddev=self.stddev)


@registry.add
class TruncatedNormal(Initializer):
    """Normal, drawn again beyond two standard deviations."""

    def __init__(self, mean: float = 0.0, stddev: NotNegative = 0.05, seed: Seed | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def make(self, key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.truncated_normal(key, shape, dtype, mean=self.mean, stddev=self.stddev)


@registry.add
class Orthogonal(Initializer):
    """``gain`` times a random matrix with orthonormal rows or columns."""

    def __init__(self, gain: float = 1.0, seed: Seed | None = None) -> None:
        self.gain, self.seed = gain, seed

    def make(self, key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.orthogonal(key, shape, dtype, gain=self.gain)


@registry.add
class VarianceScaling(Initializer):
    """A spread that follows the number of inputs and outputs: variance ``scale / n``.

    Args:
        scale: a factor, not negative.
        mode: what ``n`` is: ``"fanIn"``, ``"fanOut"`` or ``"fanAvg"``.
        distribution: ``"normal"`` (truncated) or ``"uniform"``.
        seed: makes every array of one shape the same.

    Raises:
        ValueError: a negative scale, or an unknown mode or distribution.
    """

    def __init__(
        self,
        scale: NotNegative = 1.0,
        mode: Mode = "fanIn",
        distribution: Distribution = "normal",
        seed: Seed | None = None,
    ) -> None:
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    @property
    def class_name(self) -> str:
        return "VarianceScaling"  # Glorot's, He's and LeCun's are written down as what they are

    def make(self, key: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return functional.variance_scaling(
            key, shape, dtype, scale=self.scale, mode=self.mode, distribution=self.distribution
        )

    def get_config(self) -> dict[str, object]:
        names = ("scale", "mode", "distribution", "seed")
        return {name: getattr(self, name) for name in names}


@registry.add
class GlorotUniform(VarianceScaling):
    """Uniform with variance ``2 / (inputs + outputs)`` (Glorot and Bengio, 2010)."""

    def __init__(self, seed: Seed | None = None) -> None:
        super().__init__(1.0, "fanAvg", "uniform", seed)


@registry.add
class GlorotNormal(VarianceScaling):
    """Truncated normal with standard deviation ``sqrt(2 / (inputs + outputs))`` before truncation."""

    def __init__(self, seed: Seed | None = None) -> None:
        super().__init__(1.0, "fanAvg", "normal", seed)


@registry.add
class HeUniform(VarianceScaling):
    """Uniform with variance ``2 / inputs`` (He et al., 2015)."""

    def __init__(self, seed: Seed | None = None) -> None:
        super().__init__(2.0, "fanIn", "uniform", seed)


@registry.add
class HeNormal(VarianceScaling):
    """Truncated normal with standard deviation ``sqrt(2 / inputs)`` before truncation."""

    def __init__(self, seed: Seed | None = None) -> None:
        super().__init__(2.0, "fanIn", "normal", seed)


@registry.add
class LeCunUniform(VarianceScaling):
    """Uniform with variance ``1 / inputs`` (LeCun et al., 1998)."""

    def __init__(self, seed: Seed | None = None) -> None:
        super().__init__(1.0, "fanIn", "uniform", seed)


@registry.add
class LeCunNormal(VarianceScaling):
    """Truncated normal with standard deviation ``sqrt(1 / inputs)`` before truncation."""

    def __init__(self, seed: Seed | None = None) -> None:
        super().__init__(1.0, "fanIn", "normal", seed)


zeros = factory(Zeros)
ones = factory(Ones)
constant = factory(Constant)
identity = factory(Identity)
random_uniform = factory(RandomUniform)
random_normal = factory(RandomNormal)
truncated_normal = factory(TruncatedNormal)
orthogonal = factory(Orthogonal)
variance_scaling = factory(VarianceScaling)
glorot_uniform = factory(GlorotUniform)
glorot_normal = factory(GlorotNormal)
he_uniform = factory(HeUniform)
he_normal = factory(HeNormal)
lecun_uniform = factory(LeCunUniform)
lecun_normal = factory(LeCunNormal)
