"""Objects that are described by a configuration: layers, initializers, regularizers, constraints, optimizers.

The configuration is what the constructor takes, under TF.js's names, so an object writes itself down and is
made again without any code of its own: the constructor keeps each argument under the argument's name.

Example:
    >>> class Scale(Configurable):
    ...     def __init__(self, by_factor=2.0):
    ...         self.by_factor = by_factor
    >>> Scale(3.0).get_config()
    {'byFactor': 3.0}
    >>> Scale.from_config({"byFactor": 4.0}).by_factor
    4.0
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

import numpy as np

from jtf.naming import camel_case, nearest, snake_case

C = TypeVar("C", bound="type[Configurable]")
P = ParamSpec("P")
T = TypeVar("T")


class Configurable:
    """An object whose constructor arguments are its configuration.

    A subclass whose ``__init__`` takes ``**kwargs`` passes them on to its base class, whose arguments are then
    part of the configuration too.
    """

    #: Arguments of the constructor that are no part of what is written down.
    not_in_config: ClassVar[tuple[str, ...]] = ()
    #: Options that Keras or TF.js write and the class lacks, each with the one value that changes nothing.
    without_effect: ClassVar[Mapping[str, Any]] = {}

    @property
    def class_name(self) -> str:
        """The name under which the class is written into files."""
        return type(self).__name__

    def get_config(self) -> dict[str, Any]:
        """The configuration with TF.js's names: numbers, strings, lists and nested ``{className, config}``.

        Raises:
            NotImplementedError: an argument of the constructor is not kept under its own name.
        """
        config = {}
        for name in option_names(type(self)):
            if name in self.not_in_config:
                continue
            if not hasattr(self, name):
                raise NotImplementedError(
                    f"{self.class_name}.__init__ takes {name!r}, but there is no attribute self.{name} to write "
                    f"down. Add `self.{name} = {name}` to __init__, or define get_config()."
                )
            config[camel_case(name)] = to_config(getattr(self, name))
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The object that a configuration describes, with names in camelCase or snake_case.

        Raises:
            ValueError: an option that the class does not have.
        """
        return cls(**checked_options(cls, _with_effect(cls, config)))

    def __repr__(self) -> str:
        given = ", ".join(f"{snake_case(k)}={v!r}" for k, v in self.get_config().items() if v is not None)
        return f"{self.class_name}({given})"


class Registry:
    """The classes of one kind, by name; a configuration names its class and nothing is imported for it.

    Args:
        kind: what they are, for messages.
        own_classes: what a message about an unknown name says of classes of one's own.
    """

    def __init__(self, kind: str, own_classes: str = "") -> None:
        self.kind, self.own_classes = kind, own_classes
        self.classes: dict[str, type[Configurable]] = {}

    def add(self, cls: C) -> C:
        """Register a class (a decorator)."""
        self.classes[cls.__name__] = cls
        return cls

    def find(self, name: str) -> type[Configurable]:
        """The class of this name: ``"GlorotNormal"``, ``"glorotNormal"`` or ``"glorot_normal"``."""
        folded = name.replace("_", "").lower()
        for class_name, cls in self.classes.items():
            if name == class_name or folded == class_name.lower():
                return cls
        raise ValueError(
            f"Unknown {self.kind} {name!r}.{nearest(name, self.classes)} Choices: {', '.join(sorted(self.classes))}."
            f"{self.own_classes}"
        )

    def get(self, identifier: Any) -> Any:
        """The object that an identifier stands for.

        Args:
            identifier: a name, ``{"className" or "class_name": ..., "config": ...}``, or an object (anything
                callable), which is returned as it is. None stays None.

        Raises:
            ValueError: unknown name or option.
            TypeError: none of these.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            return self.find(identifier)()
        if isinstance(identifier, Mapping):
            return self.deserialize(identifier)
        if callable(identifier) and not isinstance(identifier, type):
            return identifier
        raise TypeError(
            f"Expected a {self.kind}: a name, {{'className': ..., 'config': {{...}}}} or an object made by "
            f"jtf; received {identifier!r}."
        )

    def deserialize(self, described: Mapping[str, Any]) -> Any:
        """The object described by ``{"className" or "class_name": ..., "config": {...}}``."""
        name = described.get("className", described.get("class_name"))
        if not isinstance(name, str):
            raise ValueError(f"A {self.kind} is described by 'className' and 'config'; received {described!r}.")
        return self.find(name).from_config(described.get("config") or {})


def to_config(value: Any) -> Any:
    """What stands for a value in a configuration."""
    if isinstance(value, Configurable):
        return {"className": value.class_name, "config": value.get_config()}
    if isinstance(value, tuple | list):
        return [to_config(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if callable(value):
        return camel_case(getattr(value, "__name__", type(value).__name__))
    return value


def option_names(cls: type) -> tuple[str, ...]:
    """The names of the constructor's arguments, the class's own first, then its bases'."""
    names: list[str] = []
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        names += [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return tuple(dict.fromkeys(names))


def checked_options(cls: type[Configurable], options: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` with Python's names, each of which the constructor takes.

    Raises:
        ValueError: an option that the class does not have, with the nearest one that it has.
    """
    known = option_names(cls)
    checked = {}
    for name, value in options.items():
        python_name = name if name in known else snake_case(name)
        if python_name not in known:
            raise unknown_option(cls, name)
        checked[python_name] = value
    return checked


def _with_effect(cls: type[Configurable], config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what changes nothing."""
    idle: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        idle |= vars(base).get("without_effect", {})
    for name in option_names(cls):
        idle.pop(name, None)
    for name, value in config.items():
        if snake_case(name) in idle and value != idle[snake_case(name)]:
            raise ValueError(
                f"{cls.__name__} was saved with {name}={value!r}, which jtf does not have; only "
                f"{name}={idle[snake_case(name)]!r} means the same here."
            )
    return {name: value for name, value in config.items() if snake_case(name) not in idle}


def unknown_option(cls: type[Configurable], name: str) -> ValueError:
    """The error for an option that a class does not have."""
    known = option_names(cls)
    return ValueError(f"{cls.__name__} has no option {name!r}.{nearest(name, known)} Options: {', '.join(known)}.")


def factory(cls: Callable[P, T]) -> Callable[P, T]:
    """The snake_case function that makes objects of a class, with the class's own signature and docstring.

    Options may be given in TF.js's spelling as well (``useBias``); an unknown one is refused with the nearest.
    """

    @functools.wraps(cls, updated=())
    def make(*args: P.args, **options: P.kwargs) -> T:
        return cls(*args, **checked_options(cls, options))  # type: ignore[arg-type]

    make.__signature__ = inspect.signature(cls)  # type: ignore[attr-defined]
    return make
