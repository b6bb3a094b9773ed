"""What an option may be: its annotation says so, with the range of a number, and `checked` keeps to it.

Editors and type checkers see ``float``, ``int`` and ``bool``.

Example:
    >>> @checked
    ... def shrink(x, by: Fraction = 0.5, axis: int | None = None):
    ...     return x * by
    >>> shrink(3.0, by=1.5)
    Traceback (most recent call last):
        ...
    ValueError: shrink's by is a fraction from 0 to 1; received 1.5.
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import math
import operator
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union

import jax
import jax.numpy as jnp
import numpy as np

from jtf.naming import camel_case, nearest, snake_case

F = TypeVar("F", bound=Callable[..., Any])


class Range(NamedTuple):
    """The numbers from ``low`` to ``high``, and whether these two are among them."""

    low: float
    high: float = math.inf
    with_low: bool = True
    with_high: bool = True

    def has(self, value: Any) -> bool:
        """Whether a number, or every number in an array, lies in the range; what is traced is taken to do so."""
        if is_open(value):
            return True
        above = value >= self.low if self.with_low else value > self.low
        below = value <= self.high if self.with_high else value < self.high
        return above and below if isinstance(above, bool) else bool(np.all(above) and np.all(below))


Fraction = Annotated[float, Range(0, 1)]
ProperFraction = Annotated[float, Range(0, 1, with_high=False)]
NotNegative = Annotated[float, Range(0, with_high=False)]
Positive = Annotated[float, Range(0, with_low=False, with_high=False)]
#: An upper bound; infinity is none.
Bound = Annotated[float, Range(0)]
Count = Annotated[int, Range(0)]
PositiveInt = Annotated[int, Range(1)]
Seed = Annotated[int, Range(0, 2**32 - 1), "an integer from 0 to 2**32 - 1"]
#: Sizes of which some may vary.
ShapeOfInput = Annotated[Sequence[PositiveInt | None], "a list of sizes, such as [784]"]
DataFormat = Literal["channelsLast", "channelsFirst", "channels_last", "channels_first"]


def checked(function: F) -> F:
    """Let a function take only what its annotations say (a decorator).

    It goes by annotations made of numbers, bools, strings, `Literal`, arrays, lists of these and None; in `Annotated` a
    `Range` narrows them and a string describes them in messages. Any other, or one that cannot be resolved, allows
    everything. None is allowed where it is the default. Numbers and bools are passed on as Python's own, choices in
    TF.js's spelling; traced numbers and Variables stay as they are.

    Raises:
        ValueError: (when called) an argument is something else; says what was expected and received.
        TypeError: (when called) it is TF.js's options object; says how to write it.
    """

    @functools.wraps(function)
    def with_checks(*args: Any, **options: Any) -> Any:
        positional, readers = _plan(function)
        owner = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
        read = [
            _read(owner, name, readers[name], value) if name in readers else value
            for name, value in zip(positional, args, strict=False)
        ]
        for name, value in options.items():
            if name in readers:
                options[name] = _read(owner, name, readers[name], value)
        return function(*read, *args[len(read) :], **options)

    return typing.cast(F, with_checks)


def check_constructor(cls: type) -> None:
    """Let the constructor of a class take only what its annotations say, if the class is one of this package.

    The annotations of other people's classes are their own affair.
    """
    if "__init__" in vars(cls) and cls.__module__.partition(".")[0] == __name__.partition(".")[0]:
        cls.__init__ = checked(vars(cls)["__init__"])  # type: ignore[misc]


def checked_option(owner: object, name: str, value: Any) -> Any:
    """A value for an attribute that keeps an option of the owner's constructor, as the constructor would take it.

    Raises:
        ValueError: it would not.
    """
    cls: Any = type(owner)
    reader = _reader_of_option(cls, name)
    return _read(cls.__name__, name, reader, value) if reader else value


def allows_none(cls: type, name: str) -> bool:
    """Whether None may be given for an option of a constructor."""
    reader = _reader_of_option(cls, name)
    return reader is None or reader.read(None) is not _REFUSED


def refuse_options_object(called: str, given: Any, before: str = "") -> None:
    """Refuse options that come as one mapping, as in TF.js; a description of an object is none.

    Args:
        called: the name of the function.
        given: its last argument by position.
        before: what stands before that in the call.

    Raises:
        TypeError: says how the options are written here.
    """
    if isinstance(given, Mapping) and not given.keys() & {"className", "class_name"}:
        keywords = ", ".join(f"{snake_case(str(key))}={_shown(value)}" for key, value in given.items())
        raise TypeError(f"TF.js's options object becomes keyword arguments here: {called}({before}{keywords}).")


def _shown(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, bool | int | float | str) else "..."


# --- a function's annotations -----------------------------------------------------------------------


class Reader(NamedTuple):
    """What an annotation allows: in words, for one and for several, and a function that gives what is passed on."""

    one: str
    several: str
    read: Callable[[Any], Any]


#: What a `Reader` gives for a value that is not allowed.
_REFUSED = object()


@functools.cache
def _plan(function: Callable[..., Any]) -> tuple[list[str], dict[str, Reader]]:
    """The names of a function's positional parameters, and how those are read that are checked."""
    parameters = inspect.signature(function).parameters.values()
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    readers = {}
    for parameter in parameters:
        reader = _reader(_resolved(function, parameter.annotation))
        if reader is not None and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            if parameter.default is None:  # of which messages need not speak
                reader = Reader(reader.one.removesuffix(" or None"), reader.several, _either([reader, _NONE]).read)
            readers[parameter.name] = reader
    return positional, readers


@functools.cache
def _reader_of_option(cls: type, name: str) -> Reader | None:
    constructors = (getattr(vars(base).get("__init__"), "__wrapped__", None) for base in cls.__mro__)
    readers = (_plan(function)[1].get(name) for function in constructors if function is not None)
    return next((reader for reader in readers if reader), None)


def _resolved(function: Callable[..., Any], annotation: Any) -> Any:
    """What an annotation stands for; Any where that cannot be told."""
    alone = types.SimpleNamespace(__annotations__={"it": annotation})
    names = getattr(inspect.unwrap(function), "__globals__", {})
    try:
        return typing.get_type_hints(alone, names, include_extras=True)["it"]
    except Exception:  # of all that an annotation may be
        return Any


def _read(owner: str, name: str, reader: Reader, value: Any) -> Any:
    read = reader.read(value)
    if read is not _REFUSED:
        return read
    refuse_options_object(owner, value)
    hint = ""
    if isinstance(value, str):
        hint = nearest(value, re.findall("'(.*?)'", reader.one))
    elif reader.one.startswith("a list") and _integer(value) is not _REFUSED:
        hint = f" Write {name}=[{value!r}]."
    raise ValueError(f"{owner}'s {name} is {reader.one}; received {value!r}.{hint}")


# --- what they allow --------------------------------------------------------------------------------


def _reader(hint: Any) -> Reader | None:
    """How a value with this annotation is read; None where anything goes."""
    if isinstance(hint, type):
        return _PLAIN.get(hint)
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated and (reader := _reader(inside[0])):
        for more in inside[1:]:
            reader = _within(reader, more) if isinstance(more, Range) else reader
            reader = Reader(more, more, reader.read) if isinstance(more, str) else reader
        return reader
    if origin is Literal and all(isinstance(choice, str) for choice in inside):
        return _choice(tuple(dict.fromkeys(map(_spelled, inside))))
    if origin in (Union, types.UnionType):
        readers = [reader for each in inside if (reader := _reader(each))]
        return _either(readers) if len(readers) == len(inside) else None
    if origin is collections.abc.Sequence and (reader := _reader(inside[0])):
        return _list(reader)
    return None


def _number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return _scalar(value, jnp.floating, jnp.integer)


def _integer(value: Any) -> Any:
    try:
        return _REFUSED if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return _REFUSED


def _bool(value: Any) -> Any:
    if isinstance(value, int) and value in (0, 1):  # files of TF.js may have numbers
        return bool(value)
    return _REFUSED if is_open(value) else _scalar(value, jnp.bool_)


def _string(value: Any) -> Any:
    return value if isinstance(value, str) else _REFUSED


def _array(value: Any) -> Any:
    return value if isinstance(value, np.ndarray | jax.Array) or is_open(value) else _REFUSED


def _scalar(value: Any, *kinds: Any) -> Any:
    """The number in an array without axes."""
    if not isinstance(value, np.generic | np.ndarray | jax.Array) and not is_open(value):
        return _REFUSED
    if value.ndim or not any(jnp.issubdtype(value.dtype, kind) for kind in kinds):
        return _REFUSED
    return value if is_open(value) else value.item()


def is_open(value: Any) -> bool:
    """Whether a value is traced, or a Variable, so that the number to be is not known yet."""
    return isinstance(value, jax.core.Tracer) or hasattr(value, "__jax_array__")


def _within(reader: Reader, numbers: Range) -> Reader:
    def read(value: Any) -> Any:
        number = reader.read(value)
        return number if number is not _REFUSED and numbers.has(number) else _REFUSED

    low, high, with_low, with_high = numbers
    one, several = (words.partition(" or ")[0] for words in (reader.one, reader.several))  # of arrays it is understood
    if high == math.inf and (not with_low or (low == 1 and several == "integers")):
        return Reader(f"a positive {one.split()[-1]}", f"positive {several}", read)
    if (low, high) == (0, 1):
        one, several = one.replace("number", "fraction"), several.replace("number", "fraction")
    end = f"from {low} to {'' if with_high else 'below '}{high}" if high < math.inf else f"of at least {low}"
    return Reader(f"{one} {end}", f"{several} {end}", read)


def _choice(choices: tuple[str, ...]) -> Reader:
    def read(value: Any) -> Any:
        return spelled if isinstance(value, str) and (spelled := _spelled(value)) in choices else _REFUSED

    words = _or(map(repr, choices))
    return Reader(words, words, read)


def _spelled(name: str) -> str:
    return camel_case(snake_case(name))


def _list(item: Reader) -> Reader:
    def read(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.ndim:
            value = list(value)
        if isinstance(value, str | bytes) or not isinstance(value, collections.abc.Sequence):
            return _REFUSED
        items = [item.read(each) for each in value]
        if any(each is _REFUSED for each in items):
            return _REFUSED
        return tuple(items) if isinstance(value, tuple) else items

    return Reader(f"a list of {item.several}", f"lists of {item.several}", read)


def _either(readers: list[Reader]) -> Reader:
    def read(value: Any) -> Any:
        results = (reader.read(value) for reader in readers)
        return next((result for result in results if result is not _REFUSED), _REFUSED)

    one, several = (dict.fromkeys(words) for words in zip(*((r.one, r.several) for r in readers), strict=True))
    return Reader(_or(one), _or(several), read)


def _or(words: Iterable[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} or {last}" if before else last


_NONE = Reader("None", "None", lambda value: None if value is None else _REFUSED)
_PLAIN: dict[type, Reader] = {
    float: Reader("a number", "numbers", _number),
    int: Reader("an integer", "integers", _integer),
    bool: Reader("True or False", "True or False", _bool),
    str: Reader("a string", "strings", _string),
    jax.Array: Reader("an array", "arrays", _array),
    type(None): _NONE,
}
