"""Activation functions by name.

Example:
    >>> from jtf import activations
    >>> activations.get("hardSigmoid") is activations.get("hard_sigmoid")
    True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp

from jtf.functional import activations as functional
from jtf.naming import look_up
from jtf.types import Array

Activation: TypeAlias = Callable[[Array], Array]

#: The activations that a name may stand for, as TF.js has them, and Keras 3's hard sigmoid.
NAMED: dict[str, Activation] = {
    name: getattr(functional, name)
    for name in (
        "elu gelu gelu_new hard_sigmoid hard_sigmoid_relu6 linear log_softmax mish relu relu6 selu sigmoid softmax "
        "softplus softsign swish tanh"
    ).split()
}

#: jax's own functions that compute the same. (Its gelu is the approximate one.)
_OF_JAX: list[tuple[Activation, Activation]] = [
    (jax.nn.relu, functional.relu),
    (jax.nn.relu6, functional.relu6),
    (jax.nn.elu, functional.elu),
    (jax.nn.selu, functional.selu),
    (jax.nn.gelu, functional.gelu_new),
    (jax.nn.silu, functional.swish),
    (jax.nn.mish, functional.mish),
    (jax.nn.sigmoid, functional.sigmoid),
    (jax.nn.hard_sigmoid, functional.hard_sigmoid_relu6),
    (jax.nn.soft_sign, functional.softsign),
    (jax.nn.softplus, functional.softplus),
    (jax.nn.softmax, functional.softmax),
    (jax.nn.log_softmax, functional.log_softmax),
    (jnp.tanh, functional.tanh),
]


def get(identifier: str | Activation | None) -> Activation:
    """The function for a name in either spelling; a function is returned as it is, None is linear.

    For jax's functions that compute the same as one with a name (``jax.nn.relu``) that one is returned, so that they
    can be written into configurations.

    Raises:
        ValueError: an unknown name; the message has the nearest one.
        TypeError: neither a name nor a function.
    """
    if identifier is None:
        return functional.linear
    if isinstance(identifier, str):
        return look_up(identifier, NAMED, "activation")
    if callable(identifier):
        return next((ours for of_jax, ours in _OF_JAX if of_jax is identifier), identifier)
    raise TypeError(f"An activation is a name or a function of one array; received {identifier!r}.")


def name_of(function: object) -> str | None:
    """The name that stands for this very function, if there is one."""
    return next((name for name, named in NAMED.items() if named is function), None)
