"""What a layer knows of its surroundings while it is built and called: on this thread, and restored at the end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from jtf.types import Array

#: The most numbers that a layer of a file may remember between batches: a quarter of a gigabyte.
_MOST_STATE = 2**26
#: So many numbers may be made for any file.
_FEW_WEIGHTS = 2**22


class _Local(threading.local):
    def __init__(self) -> None:
        self.entered: list[tuple[Any, str]] = []
        self.losses: list[Array] | None = None
        self.frozen: frozenset[Any] | None = None
        self.weights_left: int | None = None


_local = _Local()


@contextlib.contextmanager
def name_scope(layer: Any, name: str | None = None) -> Iterator[None]:
    """Within this context weights are made inside a layer, and their names begin with those around it.

    Args:
        layer: what the weights belong to.
        name: what stands for it in their names: the layer's own name by default, nothing when empty. So a wrapper
            gives its own name to the weights of what it wraps.
    """
    entered = not (_local.entered and _local.entered[-1][0] is layer)
    if entered:
        own = "" if layer.names_are_global else layer.name
        _local.entered.append((layer, own if name is None else name))
    try:
        yield
    finally:
        if entered:
            _local.entered.pop()


def scoped(name: str) -> str:
    """The full name of a weight that is made now."""
    return "/".join([*(own for _, own in _local.entered if own), name])


def layers_around() -> list[Any]:
    """The layers that are being called or built, the outermost first."""
    return [layer for layer, _ in _local.entered]


@contextlib.contextmanager
def collect_losses() -> Iterator[list[Array]]:
    """Within this context, the terms given to `Layer.add_loss` on this thread go into the list."""
    outer, _local.losses = _local.losses, []
    try:
        yield _local.losses
    finally:
        _local.losses = outer


def collect(loss: Array) -> None:
    """Put a term into the list of the innermost `collect_losses`, if there is one."""
    if _local.losses is not None:
        _local.losses.append(loss)


@contextlib.contextmanager
def settled(frozen: frozenset[Any]) -> Iterator[None]:
    """Within this context just these layers count as frozen, whatever their ``trainable`` says by now."""
    outer, _local.frozen = _local.frozen, frozen
    try:
        yield
    finally:
        _local.frozen = outer


def is_frozen(layer: Any) -> bool:
    """Whether a layer's own ``trainable`` is False, or was when that was settled."""
    return not layer.trainable if _local.frozen is None else layer in _local.frozen


@contextlib.contextmanager
def weights_are_given(count: int) -> Iterator[None]:
    """Within this context weights are made without being drawn, since a file's are assigned to them afterwards.

    Args:
        count: how many numbers the file has for them. Layers that ask for far more are refused before memory is
            taken; those that ask for somewhat more are made, so that it can be said which weights do not match.
    """
    outer, _local.weights_left = _local.weights_left, max(2 * count, _FEW_WEIGHTS)
    try:
        yield
    finally:
        _local.weights_left = outer


def is_given(name: str, size: int) -> bool:
    """Whether a weight of this size is to be made without being drawn; it is counted.

    Raises:
        ValueError: there are not so many numbers.
    """
    if _local.weights_left is None:
        return False
    if size > _local.weights_left:
        raise ValueError(f"weight {name!r} has {size:,} numbers, and the file has far fewer for the whole model")
    _local.weights_left -= size
    return True


def refuse_large_state(name: str, size: int) -> None:
    """Refuse a file's layer that would remember too much.

    Raises:
        ValueError: its state is larger than a model from a file may have.
    """
    if _local.weights_left is not None and size > _MOST_STATE:
        raise ValueError(f"state {name!r} has {size:,} numbers; a model from a file may remember {_MOST_STATE:,}")
