"""Bindings: the values that Variables have inside a lifted function, on this thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class Scope:
    """One level of bindings: what reads yield, and what has been read and written.

    Attributes:
        values: the bindings.
        takes_all: whether everything that is assigned (and read) is recorded, bound or not.
        read, written: what has been recorded.
        passed_over: what was read within `uncounted_reads`.
    """

    def __init__(self, values: dict[Any, Any], takes_all: bool) -> None:
        self.values = values
        self.takes_all = takes_all
        self.read: set[Any] = set()
        self.written: set[Any] = set()
        self.passed_over: set[Any] = set()


@contextlib.contextmanager
def bind(values: dict[Any, Any], takes_all: bool = False) -> Iterator[Scope]:
    """Bind values to Variables on this thread for the length of the context.

    Args:
        values: what reads yield; assignments replace its entries.
        takes_all: whether assignments to Variables that are not bound are recorded as well.
    """
    scope = Scope(values, takes_all)
    _local.scopes.append(scope)
    try:
        yield scope
    finally:
        _local.scopes.pop()


def scopes() -> list[Scope]:
    """The scopes that are open on this thread, the innermost last."""
    return _local.scopes


@contextlib.contextmanager
def uncounted_reads() -> Iterator[None]:
    """Within this context, reads are recorded apart: what is read here only, does not learn."""
    before = [(scope, scope.read) for scope in _local.scopes]
    for scope, _ in before:
        scope.read = set()
    try:
        yield
    finally:
        for scope, read in before:
            scope.passed_over |= scope.read
            scope.read = read


def is_inside() -> bool:
    """Whether a lifted function, or one that is being differentiated, is running on this thread."""
    return bool(_local.scopes)


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """Within this context no scope is open: for jitted functions, which outlive the one that is running."""
    hidden, _local.scopes = _local.scopes, []
    try:
        yield
    finally:
        _local.scopes = hidden


class _Local(threading.local):
    def __init__(self) -> None:
        self.scopes: list[Scope] = []


_local = _Local()
