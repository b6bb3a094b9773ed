"""Building a layer: what belongs to it whoever calls ``build``, and how it is taken back when something is refused."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax

from jtf.layers.scopes import name_scope
from jtf.layers.shapes import as_shape, without_symbols


@contextlib.contextmanager
def unchanged_if_refused(*layers: Any) -> Iterator[None]:
    """Within this context, an exception leaves the layers, and those inside, as they were before.

    That is their attributes, and what is in the lists, dicts and sets among them, to any depth.
    """
    before: dict[int, tuple[Any, Any]] = {}
    for layer in layers:
        for each in (layer, *layer.layers_inside):
            _remember(vars(each), before)
    try:
        yield
    except BaseException:
        for container, contents in before.values():
            container.clear()
            (container.extend if isinstance(container, list) else container.update)(contents)
        raise


def _remember(value: Any, before: dict[int, tuple[Any, Any]]) -> None:
    """Note what is in a container, and in those that it holds."""
    if isinstance(value, list | dict | set):
        if id(value) in before:
            return
        before[id(value)] = (value, value.copy())
    if isinstance(value, list | tuple | set | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _remember(item, before)


def building(build: Callable[..., None]) -> Callable[..., None]:
    """A class's ``build`` with what belongs to building any layer, wherever it is called from (a decorator)."""

    @functools.wraps(build)
    def wrapped(self: Any, input_shape: Any) -> None:
        if self.is_building:  # called by the build of a class derived from this one
            build(self, input_shape)
            return
        # What is made here is concrete, even while jax is tracing a call.
        with unchanged_if_refused(self), name_scope(self), jax.core.eval_context():
            self.is_building = True
            build(self, without_symbols(as_shape(input_shape)))
            self.is_building, self.built = False, True
            self.take_initial_weights()

    return wrapped
