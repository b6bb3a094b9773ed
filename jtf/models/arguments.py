"""Hints for arguments that a method does not have: TF.js's spelling, and options objects."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from jtf.missing import no_argument
from jtf.options import refuse_options_object

P = ParamSpec("P")
T = TypeVar("T")


def with_hints(method: Callable[P, T]) -> Callable[P, T]:
    """A method or function that says of wrong arguments how they are meant to be (a decorator)."""
    signature = inspect.signature(method)
    own = int("self" in signature.parameters)

    @functools.wraps(method)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            refuse_unknown(method, method.__name__, kwargs)
            if args:
                refuse_options_object(method.__name__, args[-1], "..., " * (len(args) > own + 1))
            if "too many positional" in str(error):
                places = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][own:]
                raise TypeError(
                    f"{method.__name__} takes {', '.join(places)} by position, and everything else by keyword; "
                    f"received {len(args) - own} arguments by position."
                ) from None
            hint = f" For a dataset of batches use {method.__name__}_dataset." if "'y'" in str(error) else ""
            raise TypeError(f"{method.__name__}: {error}.{hint}") from None
        return method(*args, **kwargs)

    return checked


def refuse_unknown(method: Callable[..., Any], name: str, given: Iterable[str]) -> None:
    """Refuse the first argument that ``method`` does not have; ``name`` is what the user has called.

    Raises:
        TypeError: with what to write instead, or the nearest argument and all of them.
    """
    known = [parameter for parameter in inspect.signature(method).parameters if parameter != "self"]
    for argument in given:
        if argument not in known:
            raise no_argument(name, argument, known)
