"""Activation functions by name.

Example:
    >>> from jtf import activations
    >>> activations.get("hardSigmoid") is activations.get("hard_sigmoid")
    True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from jtf.functional import activations as functional
from jtf.naming import look_up
from jtf.types import Array

Activation: TypeAlias = Callable[[Array], Array]

#: The activations that a name may stand for, as TF.js has them.
NAMED: dict[str, Activation] = {
    name: getattr(functional, name)
    for name in (
        "elu gelu gelu_new hard_sigmoid linear log_softmax mish relu relu6 selu sigmoid softmax softplus "
        "softsign swish tanh"
    ).split()
}


def get(identifier: str | Activation | None) -> Activation:
    """The function for a name in either spelling; a function is returned as it is, None is linear.

    Raises:
        ValueError: an unknown name; the message has the nearest one.
        TypeError: neither a name nor a function.
    """
    if identifier is None:
        return functional.linear
    if isinstance(identifier, str):
        return look_up(identifier, NAMED, "activation")
    if callable(identifier):
        return identifier
    raise TypeError(f"An activation is a name or a function of one array; received {identifier!r}.")
