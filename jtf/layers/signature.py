"""What the ``call`` of a class of layers takes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jtf.naming import nearest


class Signature(NamedTuple):
    """Of the ``call`` of a class of layers.

    Attributes:
        names: of the arguments beside the inputs.
        needed: those of them that have no default.
        takes_any: whether it takes other names as well.
        takes_object: whether it is TF.js's, ``call(self, inputs, kwargs)``, with all options in one dict.
    """

    names: tuple[str, ...]
    needed: frozenset[str]
    takes_any: bool
    takes_object: bool

    def usual(self, **options: Any) -> dict[str, Any]:
        """Those of the options that the call is given: which it takes, and which are not None or cannot be left out."""
        taken = options if self.takes_any else {name: options[name] for name in self.names if name in options}
        return {name: value for name, value in taken.items() if value is not None or name in self.needed}


def _signature(cls: Any) -> Signature:
    _, *parameters = inspect.signature(cls.call).parameters.values()
    inputs = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    others = parameters[1:] if parameters and parameters[0].kind in inputs else parameters
    others = [p for p in others if p.kind is not p.VAR_POSITIONAL]
    named = [p for p in others if p.kind is not p.VAR_KEYWORD]
    needed = frozenset(p.name for p in named if p.default is p.empty)
    takes_object = needed in ({"kwargs"}, {"options"})
    return Signature(tuple(p.name for p in named), needed, len(named) < len(others) or takes_object, takes_object)


#: What the ``call`` of a class of layers takes.
signature_of: Callable[[type], Signature] = functools.cache(_signature)


def refuse_unknown(options: Mapping[str, Any], layer: Any) -> None:
    """Refuse options of a call that the layer's ``call`` does not take.

    Raises:
        TypeError: names the first, and those that there are.
    """
    signature = signature_of(type(layer))
    for name in options:
        if name not in signature.names and not signature.takes_any:
            raise TypeError(
                f"Layer {layer.name!r} ({layer.class_name}) was called with {name}=..., which its call does not take."
                f"{nearest(name, signature.names)} It takes {', '.join(signature.names) or 'inputs only'}."
            )
