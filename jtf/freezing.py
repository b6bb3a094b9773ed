"""Which Variables are frozen by the layers that they belong to: closures leave them alone, as `fit` does.

``Variable.trainable`` is whoever made the Variable's own choice, which stays; a layer's ``trainable`` comes on top.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Protocol

from jtf.variable import Variable


class Owner(Protocol):
    """A layer, seen from below."""

    @property
    def trainable(self) -> bool:
        """Whether training changes its Variables."""

    @property
    def own_weights(self) -> Iterable[Variable]:
        """Its Variables, without those of other owners inside."""


_owners: weakref.WeakSet[Owner] = weakref.WeakSet()
_lock = threading.Lock()


def register(owner: Owner) -> None:
    """Make an owner known for as long as it lives."""
    with _lock:
        _owners.add(owner)


def frozen_variables() -> set[Variable]:
    """The Variables of all owners that have ``trainable = False`` now; one with two owners is frozen by either."""
    with _lock:
        owners = list(_owners)
    return {variable for owner in owners if not owner.trainable for variable in owner.own_weights}
