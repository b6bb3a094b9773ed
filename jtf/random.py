"""Random numbers: one global generator, key streams inside pure functions, and TF.js's random tensors.

Everything random in jtf (initial weights, dropout, shuffling) draws from here. Outside a pure function the
draws come from the global generator, which `set_seed` fixes; inside one they come from the key that the
function was given (`key_stream`), so that the result depends on nothing but its arguments.

Example:
    >>> import jtf
    >>> jtf.set_seed(7)
    >>> a = jtf.random_normal([2, 3])
    >>> jtf.set_seed(7)
    >>> bool((a == jtf.random_normal([2, 3])).all())
    True
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtf.options import Count, Range, Seed, checked, is_open
from jtf.types import Array, ArrayLike, DTypeLike

#: A number, or an array of them that broadcasts with the shape.
Numbers = float | Array
NotNegativeNumbers = Annotated[Numbers, Range(0, with_high=False)]
PositiveNumbers = Annotated[Numbers, Range(0, with_low=False, with_high=False)]


class _Global:
    """The state behind `set_seed`: a seed, and how many draws there have been."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset(int.from_bytes(os.urandom(4), "little"))

    def reset(self, seed: int) -> None:
        with self.lock:
            self.seed, self.draws = seed, 0

    def draw(self) -> tuple[int, int]:
        with self.lock:
            self.draws += 1
            return self.seed, self.draws


class _Place(NamedTuple):
    """What every draw at one place begins with: a key, the path folded into it, and the loops that it is inside."""

    key: Array | None
    path: tuple[ArrayLike, ...]
    passes: tuple[ArrayLike, ...] = ()


class _Stream:
    """A place to draw at; each draw folds in one more number."""

    def __init__(self, place: _Place) -> None:
        self.place, self.draws = place, 0

    def draw(self, seed: int | None) -> Array:
        key, path, passes = self.place
        if key is None:
            raise ValueError(
                "A random number was drawn inside a pure function that was given no key. Pass one: "
                "`apply(variables, x, training=True, rng=jax.random.key(0))`, "
                "or `lifted(values, ..., rng=key)` for a function made by jtf.lift."
            )
        if seed is not None:
            # The numbers in the path tell one step from the next; without any, only the key given does.
            key = jax.random.key(seed) if path else jax.random.fold_in(key, seed)
        self.draws += 1
        for number in (*path, *passes, self.draws):
            key = jax.random.fold_in(key, number)
        return key

    def loop(self) -> _Place:
        """The place of a loop, which counts as one draw."""
        self.draws += 1
        return self.place._replace(passes=(*self.place.passes, self.draws))


class _Pass:
    """The stream of one pass of a loop, begun when something is drawn."""

    def __init__(self, loop: Passes, number: ArrayLike) -> None:
        self._loop, self._number = loop, number

    @functools.cached_property
    def _stream(self) -> _Stream:
        place = self._loop._place
        return _Stream(place._replace(passes=(*place.passes, self._number)))

    def draw(self, seed: int | None) -> Array:
        return self._stream.draw(seed)

    def loop(self) -> _Place:
        return self._stream.loop()


class _Local(threading.local):
    def __init__(self) -> None:
        self.streams: list[_Stream | _Pass] = []


_global = _Global()
_local = _Local()


@checked
def set_seed(seed: Seed) -> None:
    """Fix every random choice made after this call: initial weights, dropout, shuffling.

    Two runs of one program with one seed are equal to the last bit on one kind of device.

    Args:
        seed: an integer from 0 to 2**32 - 1.

    Raises:
        ValueError: ``seed`` is no such integer.
    """
    _global.reset(seed)


@contextlib.contextmanager
def key_stream(key: Array | None, *path: ArrayLike) -> Iterator[None]:
    """Within this context, on this thread, every draw is derived from ``key``.

    Args:
        key: a PRNG key; None makes a draw an error that says so.
        path: numbers folded into the key before each draw's own number (a training step's count, for one).
    """
    with _drawing_from(_Stream(_Place(key, path))):
        yield


@contextlib.contextmanager
def _drawing_from(stream: _Stream | _Pass) -> Iterator[None]:
    _local.streams.append(stream)
    try:
        yield
    finally:
        _local.streams.pop()


class Passes:
    """Key streams for the passes of a loop that is traced once for all of them, such as the body of a scan.

    They follow from the innermost stream where this is made, or else from the global generator, and count there as
    one draw; as none when nothing is drawn in the loop.

    Example:
        >>> passes = Passes()
        >>> def body(carry, step):
        ...     with passes.at(step):
        ...         return carry, random_normal([])
        >>> len(set(jax.lax.scan(body, 0, jnp.arange(3))[1].tolist()))
        3
    """

    def __init__(self) -> None:
        self._outer = _local.streams[-1] if _local.streams else None

    @contextlib.contextmanager
    def at(self, number: ArrayLike) -> Iterator[None]:
        """Within this context, on this thread, draws belong to the pass of this number."""
        with _drawing_from(_Pass(self, number)):
            yield

    @functools.cached_property
    def _place(self) -> _Place:
        if self._outer is not None:
            return self._outer.loop()
        seed, draws = _global.draw()
        with jax.core.eval_context():
            return _Place(jax.random.key(seed), (draws,))


def next_key(seed: int | None = None) -> Array:
    """A fresh PRNG key, from the innermost `key_stream` or else from the global generator.

    Args:
        seed: use this in place of the run's own seed: keys still differ from draw to draw and from step to step,
            but the sequence depends on ``seed`` alone. In a function that was given a key, on both.
    """
    if _local.streams:
        return _local.streams[-1].draw(seed)
    run_seed, draws = _global.draw()
    with jax.core.eval_context(), jax.transfer_guard_host_to_device("allow"):
        return jax.random.fold_in(jax.random.key(run_seed if seed is None else seed), draws)


def host_rng() -> np.random.Generator:
    """A fresh numpy generator derived from the global seed, for work on the host such as shuffling."""
    return np.random.default_rng(_global.draw())


class Position(NamedTuple):
    """Where the global generator stands: enough to go on from there in another process."""

    seed: int
    draws: int


def position() -> Position:
    """Where the global generator stands now."""
    with _global.lock:
        return Position(_global.seed, _global.draws)


@checked
def random_normal(
    shape: Sequence[Count],
    mean: Numbers = 0.0,
    stddev: NotNegativeNumbers = 1.0,
    dtype: DTypeLike = "float32",
    seed: Seed | None = None,
) -> Array:
    """Numbers from the normal distribution (TF.js ``tf.randomNormal``).

    Args:
        shape: the result's shape.
        mean, stddev: of the distribution.
        dtype: a floating type, or an integer type (the numbers are then truncated towards zero).
        seed: fixes these very numbers; without it the global generator goes on.
    """
    return _cast(mean + stddev * jax.random.normal(_key(seed), _shape(shape), _float(dtype)), dtype)


@checked
def random_standard_normal(shape: Sequence[Count], dtype: DTypeLike = "float32", seed: Seed | None = None) -> Array:
    """Numbers from the normal distribution with mean 0 and standard deviation 1."""
    return random_normal(shape, 0.0, 1.0, dtype, seed)


@checked
def truncated_normal(
    shape: Sequence[Count],
    mean: Numbers = 0.0,
    stddev: NotNegativeNumbers = 1.0,
    dtype: DTypeLike = "float32",
    seed: Seed | None = None,
) -> Array:
    """Normal numbers, drawn again where they lie more than two ``stddev`` from the mean."""
    draw = jax.random.truncated_normal(_key(seed), -2.0, 2.0, _shape(shape), _float(dtype))
    return _cast(mean + stddev * draw, dtype)


@checked
def random_uniform(
    shape: Sequence[Count],
    minval: Numbers = 0.0,
    maxval: Numbers = 1.0,
    dtype: DTypeLike = "float32",
    seed: Seed | None = None,
) -> Array:
    """Numbers spread evenly over ``[minval, maxval)`` (TF.js ``tf.randomUniform``).

    Raises:
        ValueError: ``minval`` exceeds ``maxval``.
    """
    _refuse_disorder("random_uniform", "at most", minval, maxval)
    draw = jax.random.uniform(_key(seed), _shape(shape), _float(dtype), minval, maxval)
    return _cast(draw, dtype)


@checked
def random_uniform_int(
    shape: Sequence[Count], minval: int | Array, maxval: int | Array, seed: Seed | None = None
) -> Array:
    """Integers (int32) spread evenly over ``minval, ..., maxval - 1``.

    Raises:
        ValueError: ``minval`` is not below ``maxval``.
    """
    _refuse_disorder("random_uniform_int", "below", minval, maxval)
    return jax.random.randint(_key(seed), _shape(shape), minval, maxval, jnp.int32)


@checked
def random_gamma(
    shape: Sequence[Count],
    alpha: PositiveNumbers,
    beta: PositiveNumbers = 1.0,
    dtype: DTypeLike = "float32",
    seed: Seed | None = None,
) -> Array:
    """Numbers from the gamma distribution of shape ``alpha`` and rate ``beta``: mean ``alpha / beta``."""
    return _cast(jax.random.gamma(_key(seed), alpha, _shape(shape), _float(dtype)) / beta, dtype)


@checked
def multinomial(logits: ArrayLike, num_samples: Count, seed: Seed | None = None, normalized: bool = False) -> Array:
    """Classes drawn from a categorical distribution (TF.js ``tf.multinomial``).

    Args:
        logits: unnormalised log probabilities, ``[classes]`` or ``[batch, classes]``; probabilities if
            ``normalized``.
        num_samples: how many to draw for each row.
        seed: fixes these very draws.
        normalized: whether ``logits`` holds probabilities.

    Returns:
        int32, ``[num_samples]`` or ``[batch, num_samples]``.
    """
    scores = jnp.log(jnp.asarray(logits)) if normalized else jnp.asarray(logits)
    shape = (*scores.shape[:-1], num_samples)
    draws = jax.random.categorical(_key(seed), scores[..., None, :], axis=-1, shape=shape)
    return draws.astype(jnp.int32)


def _refuse_disorder(function: str, relation: str, low: ArrayLike, high: ArrayLike) -> None:
    if is_open(low) or is_open(high):
        return
    difference = np.asarray(high) - np.asarray(low)
    if not np.all(difference >= 0 if relation == "at most" else difference > 0):
        raise ValueError(f"{function}'s minval is {relation} its maxval; received {low!r} and {high!r}.")


def _key(seed: int | None) -> Array:
    return next_key() if seed is None else jax.random.key(seed)


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(shape)


def _float(dtype: DTypeLike) -> DTypeLike:
    return dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32


def _cast(values: Array, dtype: DTypeLike) -> Array:
    return values if values.dtype == jnp.dtype(dtype) else values.astype(dtype)
