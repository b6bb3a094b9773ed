"""What jax's errors about traced values mean in the words of jtf: which closure or layer it was, and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import jax

#: Raised where a value is needed that is not known while jax traces, by `float`, an ``if``, numpy or a format.
_NOT_KNOWN = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
_NOTE = (
    "This happened in {where}{at}. It is being traced by jax, so float(), int(), bool(), .tolist(), format strings and "
    "numpy's functions cannot have its values there. Compute with jax.numpy instead of numpy; print with "
    'jax.debug.print("{{}}", x); look at results outside: minimize(f, return_cost=True) returns the loss.'
)
#: Whose frames are not the user's.
_OTHERS = frozenset({"contextlib", "functools", "jax", "jaxlib", "jaxtyping", "jtf", "numpy", "optax"})


@contextlib.contextmanager
def explained(where: Callable[[], str]) -> Iterator[None]:
    """Within this context, errors about values that are not known while jax traces get a note.

    Args:
        where: says what is being run, for the note. The innermost context has the say.
    """
    try:
        yield
    except (TypeError, IndexError) as error:
        explain(error, where)
        raise


def explain(error: Exception, where: Callable[[], str]) -> None:
    """Add the note of `explained` to an error, if it is of that kind and has none yet."""
    is_meant = isinstance(error, _NOT_KNOWN) or "Tracer.__format__" in str(error)
    if is_meant and not any(note.startswith(_NOTE[:16]) for note in getattr(error, "__notes__", ())):
        error.add_note(_NOTE.format(where=where(), at=_place(error.__traceback__)))


def described(f: Callable[..., Any]) -> str:
    """A function by its name, for messages."""
    if (getattr(f, "__module__", None) or "").startswith("jtf."):
        return "model's compiled step"
    name = getattr(f, "__qualname__", None) or type(f).__qualname__
    return f"function {name.rpartition('<locals>.')[2]!r}"


def require_function(f: Any, where: str, example: str) -> None:
    """Refuse what cannot be called.

    Raises:
        TypeError: says what it is, and how to write it.
    """
    if not callable(f):
        raise TypeError(f"{where} takes a function; received {type(f).__name__}: {f!r:.80}. Write {example}.")


def _place(traceback: TracebackType | None) -> str:
    """The innermost line that is neither jtf's nor a library's."""
    place = ""
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _OTHERS:
            place = f" ({frame.f_code.co_filename}, line {traceback.tb_lineno}, in {frame.f_code.co_name})"
        traceback = traceback.tb_next
    return place
