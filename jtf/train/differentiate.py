"""The one place where a closure over Variables is differentiated.

The closure runs exactly once, as ordinary Python, with the trainable Variables bound to traced values: whatever
it captures has its present value, its side effects happen once, and what it assigns is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtf.train.connection import Connection
from jtf.types import Array
from jtf.variable import Variable, bind, live_variables


class Differentiated(NamedTuple):
    """What `differentiate` found: the closure's value, its gradients, and what the closure assigned."""

    value: Array
    gradients: dict[Variable, Array]
    assigned: dict[Variable, Array]


def differentiate(f: Callable[[], Any], var_list: Sequence[Variable] | None = None) -> Differentiated:
    """The value of ``f()`` and its gradients with respect to the Variables that it reads.

    Args:
        f: a function without arguments that returns a scalar.
        var_list: differentiate with respect to these only; by default, to all trainable Variables that ``f``
            reads. (TF.js takes every trainable variable that exists.)

    Returns:
        The value, a gradient for each Variable that was read, and the values that ``f`` assigned, which have
        not been performed.

    Raises:
        ValueError: ``f`` does not return a scalar, its value depends on none of the Variables, or none is trainable.
        TypeError: ``f`` is no function or its result no real number, or ``var_list`` is no list of Variables.
    """
    candidates = _candidates(f, var_list)
    connection = Connection()
    read: list[Variable] = []
    assigned: list[Variable] = []

    def run(values: list[Array]) -> tuple[Any, list[Any]]:
        with bind(dict(zip(candidates, values, strict=True)), takes_all=True) as scope:
            cost = f()
            cost = _checked_scalar(cost.read() if isinstance(cost, Variable) else cost)
            read.extend(v for v in candidates if v in scope.read)
            assigned.extend(scope.written)
            return connection.watched(cost), [scope.values[v] for v in assigned]

    try:
        value, pull_back, new_values = jax.vjp(run, [v.read() for v in candidates], has_aux=True)
    except jax.errors.UnexpectedTracerError as error:
        error.add_note(
            "Does the function call one that you jitted and that reads or assigns Variables? jax keeps the Variables' "
            "values of its first call. Leave out that jax.jit, or give the Variables to it as arguments."
        )
        raise
    if not read:
        names = ", ".join(repr(v.name) for v in candidates[:8]) or "none exists"
        raise ValueError(
            "The function reads no trainable Variable, so there is nothing to minimize. Read the Variables "
            f"inside it (not their .read() from outside). Trainable Variables considered: {names}."
        )
    connection.check()
    with jax.transfer_guard_host_to_device("allow"):
        (gradients,) = pull_back(jnp.ones_like(value))
    by_variable = dict(zip(candidates, gradients, strict=True))
    return Differentiated(value, {v: by_variable[v] for v in read}, dict(zip(assigned, new_values, strict=True)))


def _candidates(f: Callable[[], Any], var_list: Sequence[Variable] | None) -> list[Variable]:
    if not callable(f):
        raise TypeError(
            f"Expected a function without arguments that returns the loss; received {type(f).__name__}. "
            "Write minimize(lambda: loss(...)), not minimize(loss(...))."
        )
    if var_list is None:
        # A lost Variable is an error for whoever reads it, not for everybody who minimizes something else.
        return [v for v in live_variables() if v.trainable and _differentiable(v) and not v.lost]
    if isinstance(var_list, Variable):
        raise TypeError(f"var_list is a list of Variables; received one Variable. Write [{var_list.name}].")
    wanted = list(var_list)
    for v in wanted:
        if not isinstance(v, Variable):
            raise TypeError(f"var_list holds Variables (made by jtf.variable); received {type(v).__name__}.")
    trainable = [v for v in dict.fromkeys(wanted) if v.trainable and _differentiable(v)]
    if not trainable:
        raise ValueError(
            f"None of the {len(wanted)} Variables in var_list is trainable and of a floating dtype; "
            "create them with jtf.variable(..., trainable=True)."
        )
    return trainable


def _differentiable(variable: Variable) -> bool:
    return jnp.issubdtype(variable.dtype, jnp.inexact)


def _checked_scalar(cost: Any) -> Array:
    if cost is None:
        raise ValueError("The function must return a scalar loss; received None. Did it forget to return?")
    if not isinstance(cost, jax.Array | np.ndarray | np.generic | float | int):
        raise TypeError(f"The function must return a scalar loss and nothing else; received {type(cost).__name__}.")
    array = jnp.asarray(cost)
    if array.shape != ():
        raise ValueError(
            f"The function must return a scalar loss; received shape {array.shape}. "
            "Reduce it, with jnp.mean for example."
        )
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise TypeError(
            f"The function must return a real number, which has a gradient; received dtype {array.dtype}. "
            "Comparisons and conversions to integers have none; of a complex number take the real part or jnp.abs."
        )
    return array
