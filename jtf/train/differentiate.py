"""The one place where a closure over Variables is differentiated.

The closure runs exactly once, as ordinary Python, with the trainable Variables bound to traced values: whatever
it captures has its present value, its side effects happen once, and what it assigns is reported.

What is trainable is what `fit` would train: a Variable with ``trainable=True`` that no frozen layer owns, and that is
read elsewhere than in a call of a frozen layer or model.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtf.binding import bind, uncounted_reads
from jtf.freezing import frozen_variables
from jtf.tracing import described, explained
from jtf.train.connection import Connection
from jtf.types import Array
from jtf.variable import Variable, assign_all, live_variables


class Differentiated(NamedTuple):
    """What `differentiate` found: the closure's value, its gradients, and what the closure assigned."""

    value: Array
    gradients: dict[Variable, Array]
    assigned: dict[Variable, Array]


def differentiate(f: Callable[[], Any], var_list: Sequence[Variable] | None = None) -> Differentiated:
    """The value of ``f()`` and its gradients with respect to the Variables that it reads.

    Args:
        f: a function without arguments that returns a scalar.
        var_list: differentiate with respect to these only, as far as they are trainable; by default, to all
            trainable Variables that ``f`` reads. (TF.js takes every trainable variable that exists.)

    Returns:
        The value, a gradient for each Variable that was read, and the values that ``f`` assigned, which have
        not been performed.

    Raises:
        ValueError: ``f`` does not return a scalar, its value depends on none of the Variables, or none is trainable.
        TypeError: ``f`` is no function or its result no real number, or ``var_list`` is no list of Variables.
    """
    frozen = frozen_variables()
    candidates = _candidates(f, var_list, frozen)
    with uncounted_reads():  # for a closure around this one only what this one reads counts
        values = [v.read() for v in candidates]
    connection = Connection()
    read: list[Variable] = []
    left_alone: set[Variable] = set()

    def run(values: list[Array]) -> tuple[Array, dict[Variable, Array]]:
        with bind(dict(zip(candidates, values, strict=True)), takes_all=True) as scope:
            cost = f()
            cost = _checked_scalar(cost.read() if isinstance(cost, Variable) else cost)
        read.extend(v for v in candidates if v in scope.read)
        left_alone.update(v for v in scope.read & frozen | scope.passed_over if v.trainable)
        return connection.watched(cost), {v: scope.values[v] for v in scope.written}

    with explained(lambda: f"the {described(f)}, which is being differentiated"):
        (value, assigned), pull_back = _pulled_back(run, values)
    if not read:
        raise ValueError(_nothing_to_minimize(candidates, left_alone))
    connection.check()
    with jax.transfer_guard_host_to_device("allow"):
        (gradients,) = pull_back(jnp.ones_like(value))
    by_variable = dict(zip(candidates, gradients, strict=True))
    for v in read:
        v.read()
    return Differentiated(value, {v: by_variable[v] for v in read}, assigned)


def with_pull_back(
    f: Callable[..., Any], args: Sequence[Array]
) -> tuple[Array, Callable[[Array], tuple[Array, ...]], dict[Variable, Array]]:
    """``f(*args)``, the function from its gradient to those of the arguments, and what ``f`` assigned."""

    def run(*xs: Array) -> tuple[Array, dict[Variable, Array]]:
        with bind({}, takes_all=True) as scope:
            value = jnp.asarray(f(*xs))
        return value, {v: scope.values[v] for v in scope.written}

    with explained(lambda: f"the {described(f)}, which is being differentiated"):
        (value, assigned), pull_back = _pulled_back(run, *args)
    return value, pull_back, assigned


def perform(assigned: Mapping[Variable, Array]) -> None:
    """Assign what a function has assigned; inside of another lifted function, for that to record."""
    with _leaks_explained():
        assign_all(assigned)


@contextlib.contextmanager
def _leaks_explained() -> Iterator[None]:
    try:
        yield
    except jax.errors.UnexpectedTracerError as error:
        error.add_note(
            "Does the function call one of jax's transformations (jit, grad, vmap, scan) on a function that reads or "
            "assigns Variables? jit keeps the Variables' values of its first call, and what is assigned in there does "
            "not come out. Leave out the jax.jit, use jtf.grad for jax.grad, or make the function pure: jtf.lift."
        )
        raise


def _pulled_back(run: Callable[..., tuple[Array, dict[Variable, Array]]], *args: Any) -> tuple[Any, Any]:
    """`jax.vjp` of a function that also gives the values of some Variables, which jax would take for pytrees."""
    assigned: list[Variable] = []

    def listed(*args: Any) -> tuple[Array, list[Array]]:
        value, values = run(*args)
        assigned.extend(values)
        return value, list(values.values())

    with _leaks_explained():
        value, pull_back, values = jax.vjp(listed, *args, has_aux=True)
    return (value, dict(zip(assigned, values, strict=True))), pull_back


def _nothing_to_minimize(candidates: Sequence[Variable], left_alone: set[Variable]) -> str:
    if left_alone:
        names = ", ".join(sorted(repr(v.name) for v in left_alone)[:8])
        return (
            f"The function reads no trainable Variable: {names} belong to a layer or model that is frozen "
            "(trainable=False). Set layer.trainable = True for what is to learn, and for the models that it is called "
            "in, or read other Variables."
        )
    names = ", ".join(repr(v.name) for v in candidates[:8]) or "none exists"
    return (
        "The function reads no trainable Variable, so there is nothing to minimize. Read the Variables "
        f"inside it (not their .read() from outside). Trainable Variables considered: {names}."
    )


def _candidates(f: Callable[[], Any], var_list: Sequence[Variable] | None, frozen: set[Variable]) -> list[Variable]:
    if not callable(f):
        raise TypeError(
            f"Expected a function without arguments that returns the loss; received {type(f).__name__}. "
            "Write minimize(lambda: loss(...)), not minimize(loss(...))."
        )
    if var_list is None:
        # A lost Variable is an error for whoever reads it, not for everybody who minimizes something else.
        return [v for v in live_variables() if _can_learn(v) and v not in frozen and not v.lost]
    if isinstance(var_list, Variable):
        raise TypeError(f"var_list is a list of Variables; received one Variable. Write [{var_list.name}].")
    wanted = list(var_list)
    for v in wanted:
        if not isinstance(v, Variable):
            raise TypeError(f"var_list holds Variables (made by jtf.variable); received {type(v).__name__}.")
    able = [v for v in dict.fromkeys(wanted) if _can_learn(v)]
    trainable = [v for v in able if v not in frozen]
    if able and not trainable:
        raise ValueError(
            f"None of the {len(wanted)} Variables in var_list is trainable: "
            f"{', '.join(repr(v.name) for v in able[:8])} belong to layers that are frozen. Set "
            "layer.trainable = True for what is to learn."
        )
    if not trainable:
        raise ValueError(
            f"None of the {len(wanted)} Variables in var_list is trainable and of a floating dtype; "
            "create them with jtf.variable(..., trainable=True)."
        )
    return trainable


def _can_learn(variable: Variable) -> bool:
    return variable.trainable and jnp.issubdtype(variable.dtype, jnp.inexact)


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
