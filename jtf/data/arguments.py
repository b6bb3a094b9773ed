"""The checks that the methods of a dataset share, and the note that an exception of the user's code gets."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any


def whole_number(value: Any, name: str, *, least: int, hint: str) -> int:
    """``value`` as an int that is at least ``least``.

    Raises:
        TypeError: it is no integer (a float, a bool, None).
        ValueError: it is too small.
    """
    kind = "a positive integer" if least == 1 else "an integer, 0 or more"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be {kind}, but it is {value!r}. {hint}")
    number = operator.index(value)
    if number < least:
        raise ValueError(f"{name} must be {kind}, but it is {number}. {hint}")
    return number


def function(value: Any, method: str, example: str) -> Callable[..., Any]:
    """``value``, if it can be called and gives its result at once.

    Raises:
        TypeError: it cannot, or is a coroutine function.
    """
    if not callable(value):
        raise TypeError(f"{method} expects a function, such as {example}, but received {value!r}.")
    if inspect.iscoroutinefunction(value):
        raise TypeError(
            f"{method} does not await, but {value!r} is a coroutine function. Pass a plain function; "
            "dataset.prefetch(2) makes elements ahead on a thread."
        )
    return value


def shortened(value: Any) -> str:
    """``repr(value)``, or its beginning."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def add_note(error: Exception, where: str, index: int) -> None:
    """Write on ``error`` at which element it happened; elements are counted from 0 in every pass."""
    error.add_note(f"This happened in {where}, at element {index} of the pass.")
