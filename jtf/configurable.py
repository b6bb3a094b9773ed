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

import jax
import numpy as np

from jtf import activations
from jtf.missing import Answering
from jtf.naming import camel_case, folded, nearest, snake_case, words_in_snake_case
from jtf.options import allows_none, check_constructor, refuse_options_object

C = TypeVar("C", bound="type[Configurable]")
P = ParamSpec("P")
T = TypeVar("T")


class Configurable(Answering):
    """An object whose constructor arguments are its configuration.

    The constructors of this package's classes take only what their annotations allow (`jtf.options`). A subclass whose
    ``__init__`` takes ``**kwargs`` passes them on to its base class, whose arguments are then part of the configuration
    too.
    """

    #: Arguments of the constructor that are no part of what is written down.
    not_in_config: ClassVar[tuple[str, ...]] = ()
    #: Options that Keras or TF.js write and the class lacks, each with the one value that changes nothing.
    without_effect: ClassVar[Mapping[str, Any]] = {}
    #: The classes of which a configuration may hold objects, as ``{className, config}``; None where there are none.
    registry_of_parts: ClassVar[Registry | None] = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_constructor(cls)

    @property
    def class_name(self) -> str:
        """The name under which the class is written into files."""
        return type(self).__name__

    def get_config(self) -> dict[str, Any]:
        """The configuration with TF.js's names: numbers, strings, lists and nested ``{className, config}``.

        Raises:
            NotImplementedError: an argument of the constructor is not kept under its own name.
            ValueError: an option cannot be written down: a function that no name stands for, for example.
        """
        return {
            camel_case(name): to_config(value, f"{_called(self)}: {name}") for name, value in kept_options(self).items()
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The object that a configuration describes, with names in camelCase or snake_case.

        Raises:
            ValueError: an option that the class does not have, a value that it cannot have, or one that it needs is
                missing.
        """
        if not isinstance(config, Mapping) or not all(isinstance(name, str) for name in config):
            raise ValueError(
                f"{cls.__name__}'s configuration has its options by name, such as {{'name': ...}}; "
                f"received {config!r:.80}."
            )
        options = checked_options(cls, _with_effect(cls, config))
        if missing := [name for name in needed_names(cls) if name not in options]:
            raise ValueError(f"{cls.__name__}'s configuration lacks {', '.join(map(repr, missing))}.")
        # As TF.js reads null.
        given = {name: v for name, v in options.items() if v is not None or allows_none(cls, name)}
        return cls(**{name: _with_parts(cls, name, value) for name, value in given.items()})

    def __repr__(self) -> str:
        try:
            config = self.get_config()
        except (NotImplementedError, ValueError):  # what cannot be written down can still be shown
            return f"<{_called(self)}>"
        given = ", ".join(f"{snake_case(k)}={v!r}" for k, v in config.items() if v is not None)
        return f"{self.class_name}({given})"


class Registry:
    """The classes of one kind, by name; a configuration names its class and nothing is imported for it.

    Args:
        kind: what they are, for messages.
        own_classes: what a message about an unknown name says of classes of one's own.
    """

    def __init__(self, kind: str, own_classes: str = "") -> None:
        self.kind, self.own_classes = kind, own_classes
        #: What the classes are derived from.
        self.base: type[Configurable] = Configurable
        self.classes: dict[str, type[Configurable]] = {}
        self._folded: dict[str, type[Configurable]] = {}

    def add(self, cls: C) -> C:
        """Register a class (a decorator); the same class made anew, as by a notebook's cell, replaces the old one.

        Raises:
            TypeError: not a class, or not one of this kind.
            ValueError: another class has the name, up to case and underscores.
        """
        if not isinstance(cls, type) or not issubclass(cls, self.base):
            raise TypeError(
                f"{_a(self.kind)} class to be registered must be derived from "
                f"{self.base.__module__}.{self.base.__qualname__}; received {cls!r}."
            )
        other = self._among(cls.__name__)
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(
                f"There is a {self.kind} class {other.__name__!r} already ({other.__module__}.{other.__qualname__}); "
                "configurations and files know classes by their names. Give yours "
                f"({cls.__module__}.{cls.__qualname__}) another one."
            )
        self.know_as(cls.__name__, cls)
        return cls

    def know_as(self, name: str, cls: type[Configurable]) -> None:
        """Let a name stand for a class, such as the one that it has in Keras's files."""
        self.classes[name] = self._folded[folded(name)] = cls

    def knows(self, name: str) -> bool:
        """Whether there is a class of this name."""
        return self._among(name) is not None

    def _among(self, name: str) -> type[Configurable] | None:
        return self._folded.get(folded(name))

    def find(self, name: str) -> type[Configurable]:
        """The class of this name: ``"GlorotNormal"``, ``"glorotNormal"`` or ``"glorot_normal"``."""
        if (cls := self._among(name)) is not None:
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
            f"Expected {_a(self.kind).lower()}: a name, {{'className': ..., 'config': {{...}}}} or an object made by "
            f"jtf; received {identifier!r}."
        )

    def deserialize(self, described: Mapping[str, Any]) -> Any:
        """The object described by ``{"className" or "class_name": ..., "config": {...}}``.

        Raises:
            ValueError: it is not described in this way, or an unknown class or option.
        """
        is_object = isinstance(described, Mapping)
        name = described.get("className", described.get("class_name")) if is_object else None
        if not isinstance(name, str):
            raise ValueError(f"{_a(self.kind)} is described by 'className' and 'config'; received {described!r:.80}.")
        return self.find(name).from_config(described.get("config") or {})


def to_config(value: Any, what: str = "This") -> Any:
    """What stands for a value in a configuration, which JSON can hold.

    Args:
        value: None, a number, a string, an array or a dtype, a `Configurable`, an activation that has a name, or a
            list or mapping of such.
        what: what it is, for messages.

    Raises:
        ValueError: it is none of these.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Configurable):
        return {"className": value.class_name, "config": value.get_config()}
    if isinstance(value, tuple | list):
        return [to_config(item, what) for item in value]
    if isinstance(value, Mapping):
        return {name: to_config(item, what) for name, item in value.items()}
    if isinstance(value, np.generic | np.ndarray | jax.Array):
        return np.asarray(value).tolist()
    if isinstance(value, np.dtype) or (isinstance(value, type) and hasattr(value, "dtype")):  # as np.float32
        return np.dtype(value).name
    if (name := activations.name_of(value)) is not None:
        return camel_case(name)
    if not callable(value):
        raise ValueError(
            f"{what} is an object of class {type(value).__qualname__}, which a configuration cannot hold. Keep what "
            "describes it (numbers, strings, lists), or define get_config() and from_config()."
        )
    name = getattr(value, "__qualname__", type(value).__qualname__)
    module = getattr(value, "__module__", None) or type(value).__module__
    but = f"; the name {name!r} stands for another one" if name in activations.NAMED else ""
    raise ValueError(
        f"{what} is the function {module}.{name}, which a configuration cannot hold: no name stands for it{but}. Use "
        "an activation by its name ('relu', 'gelu', ...), or make the function a class: a layer of your own made known "
        "by jtf.register_class, or an initializer, regularizer or constraint."
    )


def _with_parts(cls: type[Configurable], option: str, value: Any) -> Any:
    """A value in a configuration with the objects that it describes."""
    if isinstance(value, list):
        return [_with_parts(cls, option, item) for item in value]
    if not isinstance(value, Mapping) or cls.registry_of_parts is None or option.endswith(_MADE_BY_CONSTRUCTOR):
        return value
    name = value.get("className", value.get("class_name"))
    if isinstance(name, str) and "config" in value and cls.registry_of_parts.knows(name):
        return cls.registry_of_parts.deserialize(value)
    return {key: _with_parts(cls, option, item) for key, item in value.items()}


#: How options end whose values are described, too, but are of other kinds; constructors take the descriptions.
_MADE_BY_CONSTRUCTOR = ("initializer", "regularizer", "constraint")


def _called(described: Configurable) -> str:
    """An object in messages: its class, and its name if it has one."""
    name = getattr(described, "name", None)
    return f"{described.class_name} {name!r}" if isinstance(name, str) else described.class_name


def _a(kind: str) -> str:
    return f"{'An' if kind[0] in 'aeiou' else 'A'} {kind}"


def kept_options(configurable: Configurable) -> dict[str, Any]:
    """The arguments of an object's constructor that are part of its configuration, as it has kept them.

    Raises:
        NotImplementedError: one of them is not kept under its own name.
    """
    names = [name for name in option_names(type(configurable)) if name not in configurable.not_in_config]
    for name in names:
        if not hasattr(configurable, name):
            raise NotImplementedError(
                f"{configurable.class_name}.__init__ takes {name!r}, but there is no attribute self.{name} to write "
                f"down. Add `self.{name} = {name}` to __init__, or define get_config()."
            )
    return {name: getattr(configurable, name) for name in names}


def _option_names(cls: type) -> tuple[str, ...]:
    names: list[str] = []
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        names += [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return tuple(dict.fromkeys(names))


#: The names of a constructor's arguments, the class's own first, then its bases'.
option_names: Callable[[type], tuple[str, ...]] = functools.cache(_option_names)


def _needed_names(cls: type) -> tuple[str, ...]:
    parameters = list(inspect.signature(cls).parameters.values())
    return tuple(p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))


#: The names of the arguments that a constructor cannot do without.
needed_names: Callable[[type], tuple[str, ...]] = functools.cache(_needed_names)


def checked_options(cls: type[Configurable], options: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` with Python's names, each of which the constructor takes.

    Raises:
        ValueError: an option that the class does not have, with the nearest one that it has.
    """
    known = option_names(cls)
    in_files = {words_in_snake_case(camel_case(name)): name for name in known}  # dim_1 is written as dim1
    checked = {}
    for name, value in options.items():
        spellings = (name, snake_case(name), in_files.get(words_in_snake_case(name)))
        python_name = next((spelling for spelling in spellings if spelling in known), None)
        if python_name is None:
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

    Options may be given in TF.js's spelling as well (``useBias``); an unknown one is refused with the nearest, and an
    options object with the keywords that it becomes.
    """

    @functools.wraps(cls, updated=())  # which also makes the class's signature that of the function
    def make(*args: P.args, **options: P.kwargs) -> T:
        if args:
            refuse_options_object(cls.__name__, args[-1])
        return cls(*args, **checked_options(cls, options))  # type: ignore[arg-type]

    return make
