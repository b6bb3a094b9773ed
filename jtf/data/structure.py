"""Walking through nested dicts, lists and tuples; dicts keep their own order of keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any


def rebuild(like: Any, children: Iterable[Any]) -> Any:
    """The ``children`` in a container of the kind of ``like``: a dict, a list, a tuple or a named tuple."""
    if isinstance(like, dict):
        return dict(zip(like, children, strict=True))
    if hasattr(like, "_fields"):
        return type(like)(*children)
    return list(children) if isinstance(like, list) else tuple(children)


def keys_of(container: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> list[Hashable]:
    """What one writes in brackets to get at each child."""
    return list(container) if isinstance(container, dict) else list(range(len(container)))


def map_structure(f: Callable[[str, Any], Any], tree: Any, is_container: Callable[[Any], bool], path: str = "") -> Any:
    """``f(path, leaf)`` for every leaf, in containers like those of ``tree``; a path reads ``['xs'][0]``."""
    if not is_container(tree):
        return f(path, tree)
    return rebuild(tree, [map_structure(f, tree[key], is_container, f"{path}[{key!r}]") for key in keys_of(tree)])
