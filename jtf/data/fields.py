"""What the text of one CSV field stands for, and how a column is configured."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from jtf.data.arguments import shortened
from jtf.naming import nearest

_DTYPES = ("float32", "int32", "bool", "string")
_OPTIONS = ("dtype", "required", "default", "is_label")
#: What a default may be, and what it becomes; in a column without a dtype, as all numbers there, a float.
_DEFAULTS: dict[str | None, tuple[Any, Callable[[Any], Any]]] = {
    None: (object, lambda value: float(value) if _is_number(value) else value),
    "float32": (Real | np.bool_, float),
    "int32": (Integral | np.bool_, int),
    "bool": (Integral | np.bool_, bool),
    "string": (str, str),
}
#: The texts that JavaScript reads as a number: Python would also take 1_000, nan and inf. No digit can be matched
#: in two ways, so a long field that is no number is refused in one pass over it.
_DECIMAL = re.compile(r"[+-]?(\d++(\.\d*+)?|\.\d++)([eE][+-]?\d++)?|[+-]?Infinity", re.ASCII)
_WITH_BASE = re.compile(r"0[xX][0-9a-fA-F]{1,200}|0[oO][0-7]{1,200}|0[bB][01]{1,200}")


class Column(NamedTuple):
    """How the fields of one column are read."""

    name: str
    dtype: str | None = None
    required: bool = False
    default: Any = None
    is_label: bool = False


class Place(NamedTuple):
    """Where something stands, for messages."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}"


def configured_column(name: str, config: Any) -> Column:
    """The column that a user's dict describes; ``isLabel`` is accepted for ``is_label``.

    Raises:
        TypeError: it is no dict.
        ValueError: it has an unknown key or type, or a default that is not of its type.
    """
    if not isinstance(config, Mapping):
        raise TypeError(f"column_configs[{name!r}] must be a dict such as {{'is_label': True}}, but it is {config!r}.")
    options = {("is_label" if key == "isLabel" else key): value for key, value in config.items()}
    for key in options:
        if key not in _OPTIONS:
            raise ValueError(
                f"column_configs[{name!r}] has the unknown key {key!r}.{nearest(key, _OPTIONS)} "
                f"Keys: {', '.join(_OPTIONS)}."
            )
    made = Column(name, **options)
    if made.dtype is not None and made.dtype not in _DTYPES:
        raise ValueError(
            f"column_configs[{name!r}] has the unknown dtype {made.dtype!r}.{nearest(made.dtype, _DTYPES)} "
            f"Types: {', '.join(_DTYPES)}."
        )
    if made.default is None:
        return made
    wanted, converted = _DEFAULTS[made.dtype]
    if not isinstance(made.default, wanted):
        raise ValueError(
            f"column_configs[{name!r}] has dtype {made.dtype}, but its default is {made.default!r}, "
            f"a {type(made.default).__name__}. Give a default of that type."
        )
    return made._replace(default=converted(made.default))


def read_field(text: str, column: Column, place: Place) -> Any:
    """The value of a field: a float, int, bool or str.

    Raises:
        ValueError: the field is empty and must not be, or does not read as the column's dtype.
    """
    if not text.strip():
        return _read_empty(column, place)
    if column.dtype == "string":
        return text
    if column.dtype == "bool":
        return text.strip().lower() in ("1", "true")
    number = _number(text.strip())
    if column.dtype is None:
        return text if number is None else number
    if number is None and column.dtype == "float32":
        number = _special(text.strip())
    if number is None:
        raise _unreadable(text, column, place)
    if column.dtype == "float32":
        return number
    if not -(2**31) <= number < 2**31:
        raise _unreadable(text, column, place)
    return math.floor(number)


def _read_empty(column: Column, place: Place) -> Any:
    if column.default is not None:
        return column.default
    if column.required or column.is_label:
        kind = "the label" if column.is_label else "required"
        raise ValueError(
            f"{place}: column {column.name!r} is {kind}, but its field is empty. Fill it in, or give the "
            "column a default."
        )
    if column.dtype == "string":
        return ""
    if column.dtype in ("int32", "bool"):
        raise ValueError(
            f"{place}: column {column.name!r} is {column.dtype}, which has no value for an empty field. Give "
            "the column a default, or make it float32 to have NaN."
        )
    return math.nan


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _number(text: str) -> float | None:
    """The number that JavaScript's ``Number(text)`` gives, or None where that is NaN."""
    if _DECIMAL.fullmatch(text):
        return float(text)
    return float(int(text, 0)) if _WITH_BASE.fullmatch(text) else None


def _special(text: str) -> float | None:
    """Other tools write nan and inf; where a column is said to hold floats they are meant as such."""
    return float(text) if text.lower().lstrip("+-") in ("nan", "inf") else None


def _unreadable(text: str, column: Column, place: Place) -> ValueError:
    return ValueError(
        f"{place}: column {column.name!r} should hold {column.dtype}, but the field is {shortened(text)}. Correct "
        'the file, or give the column another dtype, such as "string".'
    )
