"""Errors for names that are not there: how the name is spelt here, where it is, or what to write instead.

The table is in `jtf.hints`, which the first error imports.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from jtf.naming import folded, nearest, snake_case, spelling

P = ParamSpec("P")
T = TypeVar("T")

#: Modules whose names others import for their own use.
_TOOLS = ("jtf.configurable", "jtf.missing", "jtf.naming", "jtf.options", "jtf.types")


def teach(namespaces: Mapping[str, ModuleType]) -> None:
    """Let modules answer for the names that they lack.

    Args:
        namespaces: modules by what users call them, such as ``"jtf.layers"``. They point to one another, in this order
            where several have a name.
    """
    for called, module in namespaces.items():
        vars(module).setdefault("__getattr__", functools.partial(_refuse, called, namespaces))


def public_names(module: ModuleType) -> set[str]:
    """The functions and classes that a module has for its users; no modules."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and (origin := getattr(value, "__module__", None) or "").startswith("jtf")
        and origin not in _TOOLS
    }


def _refuse(called: str, namespaces: Mapping[str, ModuleType], name: str) -> NoReturn:
    if name.startswith("_"):
        raise _error(f"{called} has no {name!r}.")
    from jtf.hints import hint

    own = public_names(namespaces[called])
    if instead := hint(called.partition(".")[2], name):
        raise _error(f"{called} has no {name!r}: {instead}")
    elsewhere = {
        other: there
        for other, module in namespaces.items()
        if other != called and (there := spelling(name, public_names(module)))
    }
    exact = [f"{other}.{name}" for other, there in elsewhere.items() if there == name]
    here = spelling(name, own)
    if here and not exact:
        raise _error(f"{called} has no {name!r}; it is called {here!r} here.")
    if places := exact or [f"{other}.{there}" for other, there in elsewhere.items()]:
        raise _error(f"{called} has no {name!r}: use {' or '.join(places[:2])}.")
    modules = [other.split(".")[1] for other in namespaces if other.count(".") == 1] if called == "jtf" else []
    raise _error(f"{called} has no {name!r}.{_near(name, [*own, *modules])}")


class Answering:
    """An object that says of an attribute that it lacks what to write instead.

    What it has cannot be set under TF.js's spelling (``model.stopTraining = True``), nor be defined so in a derived
    class (``def computeMask``): it would have no effect.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, value in vars(cls).items():
            if (called := _out_of_camel_case(name)) and any(hasattr(base, called) for base in cls.__bases__):
                what = "be called: name the method" if inspect.isfunction(value) else "be read: name it"
                raise TypeError(f"{cls.__name__}.{name} would never {what} {called}.")

    if not TYPE_CHECKING:  # for type checkers, what is not declared is not there

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # a property that raised AttributeError: once more, for its own message
                return object.__getattribute__(self, name)
            raise no_attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if (called := _out_of_camel_case(name)) and (called in vars(self) or hasattr(type(self), called)):
            raise _error(f"{type(self).__name__} has no {name!r}; it is called {called!r} here.")
        super().__setattr__(name, value)


def _out_of_camel_case(name: str) -> str | None:
    """Python's spelling of a name in camelCase; None for any other, such as ``W``."""
    if name.islower() or not name[:1].islower():
        return None
    return python_name if (python_name := snake_case(name)) != name else None


def no_attribute(owner: object, name: str) -> AttributeError:
    """The error for an attribute that an object lacks; the hints go by the names of its class and that one's bases."""
    what = f"{type(owner).__name__} has no {name!r}"
    if name.startswith("_"):
        return _error(f"{what}.")
    from jtf.hints import hint

    for cls in type(owner).__mro__:
        if instead := hint(cls.__name__, name):
            return _error(f"{what}: {instead}")
    names = {known for known in dir(owner) if not known.startswith("_")}
    if called := spelling(name, names):
        return _error(f"{what}; it is called {called!r} here.")
    return _error(f"{what}.{_near(name, names)}")


def no_argument(called: str, name: str, known: Sequence[str]) -> TypeError:
    """The error for an argument that a function does not take.

    Args:
        called: the function.
        name: the argument.
        known: the arguments that it takes.
    """
    from jtf.hints import hint

    what = f"{called} has no argument {name!r}"
    if spelling(name, known) is None and (instead := hint(f"{called.removesuffix('_async')}()", name)):
        return TypeError(f"{what}: {instead}")
    return TypeError(f"{what}.{nearest(name, known)} Arguments: {', '.join(known)}.")


def knows_arguments(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function say of an argument that it does not take what to write instead (a decorator)."""

    @functools.wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> T:
        try:
            return function(*args, **options)
        except TypeError:
            parameters = inspect.signature(function).parameters.values()
            known = [each.name for each in parameters if each.name != "self"]
            wrong = [name for name in options if name not in known]
            if not wrong or any(each.kind is each.VAR_KEYWORD for each in parameters):
                raise
            called = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
            raise no_argument(called, wrong[0], known) from None

    return call


def _near(name: str, names: Iterable[str]) -> str:
    known = {folded(each): each for each in sorted(names)}  # a function before its class
    match = difflib.get_close_matches(folded(name), known, n=1, cutoff=0.8)
    return f" Did you mean {known[match[0]]!r}?" if match else ""


def _error(message: str) -> AttributeError:
    return AttributeError(message, name=None, obj=None)  # without a name, Python appends no guess of its own
