"""The window of a shuffle, and where its random numbers come from.

A shuffle without a seed draws on `jtf.set_seed`. On the thread of a prefetch it must not do so directly:
how far that thread has come, when the main thread draws, depends on the weather, and two runs with one seed
would differ. So a prefetch draws one generator when its pass starts, and its thread draws from that one.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from typing import Any

import numpy as np

from jtf.random import host_rng

_own_source: contextvars.ContextVar[np.random.Generator | None] = contextvars.ContextVar(
    "jtf_data_random_source", default=None
)


def fresh_rng() -> np.random.Generator:
    """A generator that has not been used yet, from this context's own source or from `jtf.set_seed`."""
    source = _own_source.get()
    return host_rng() if source is None else source.spawn(1)[0]


def context_with_own_source() -> contextvars.Context:
    """A copy of this context in which `fresh_rng` draws from a source of its own."""
    context = contextvars.copy_context()
    context.run(_own_source.set, fresh_rng())
    return context


def shuffled(elements: Iterator[Any], buffer_size: int, rng: np.random.Generator) -> Iterator[Any]:
    """The elements in an order that looks ahead over a window of ``buffer_size``.

    One element of the window, drawn with equal chances, goes out; the next one of ``elements`` comes in. No
    more than ``buffer_size`` are held at any time: none is kept here once it has been handed out.
    """
    window: list[Any] = []
    upstream_done = False
    while True:
        while not upstream_done and len(window) < buffer_size:
            try:
                window.append(next(elements))
            except StopIteration:
                upstream_done = True
        if not window:
            return
        chosen = int(rng.integers(len(window)))
        window[chosen], window[-1] = window[-1], window[chosen]
        yield window.pop()
