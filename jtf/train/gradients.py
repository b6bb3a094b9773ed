"""Gradients as TF.js has them: ``grad``, ``grads``, ``value_and_grad(s)``, ``variable_grads``, ``custom_grad``.

They differ from `jax.grad` in two ways: a function with a result that is not a scalar is allowed (the gradient is
that of its sum, or of its product with ``dy``), and Variables may be read and assigned inside: what layers assign
while training, such as moving averages, is performed, as in TF.js.

Example:
    >>> import jtf, jax.numpy as jnp
    >>> jtf.grad(lambda x: x**2)(jnp.array([1.0, 2.0])).tolist()
    [2.0, 4.0]
    >>> [float(g) for g in jtf.grads(lambda a, b: a * b)([2.0, 5.0])]
    [5.0, 2.0]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jtf.binding import bind, scopes
from jtf.tracing import require_function
from jtf.train.differentiate import differentiate, perform, with_pull_back
from jtf.types import Array, ArrayLike
from jtf.variable import Variable


class ValueAndGrad(NamedTuple):
    """The value of a function and the gradient for its argument."""

    value: Array
    grad: Array


class ValueAndGrads(NamedTuple):
    """The value of a function and the gradients: a list by argument, or a dict by Variable name."""

    value: Array
    grads: Any


def grad(f: Callable[[Array], ArrayLike]) -> Callable[..., Array]:
    """``g(x, dy=None)``: the gradient of ``f(x)`` (TF.js ``tf.grad``).

    Args:
        f: a function of one array.

    Returns:
        A function of ``x`` and, optionally, of ``dy``, the gradient with respect to ``f(x)``; ones by default.
    """
    with_value = value_and_grad(f)
    return lambda x, dy=None: with_value(x, dy).grad


def grads(f: Callable[..., ArrayLike]) -> Callable[..., list[Array]]:
    """``g([x1, x2, ...], dy=None)``: the gradients of ``f(x1, x2, ...)`` (TF.js ``tf.grads``)."""
    with_value = value_and_grads(f)
    return lambda args, dy=None: with_value(args, dy).grads


def value_and_grad(f: Callable[[Array], ArrayLike]) -> Callable[..., ValueAndGrad]:
    """Like `grad`, with the value of ``f(x)`` too."""
    of_list = value_and_grads(f)

    def run(x: ArrayLike, dy: ArrayLike | None = None) -> ValueAndGrad:
        value, (gradient,) = of_list([x], dy)
        return ValueAndGrad(value, gradient)

    return run


def value_and_grads(f: Callable[..., ArrayLike]) -> Callable[..., ValueAndGrads]:
    """Like `grads`, with the value of ``f(x1, x2, ...)`` too."""
    require_function(f, "A gradient", "jtf.grad(lambda x: x**2)(x), not jtf.grad(x**2)")

    def run(args: Sequence[ArrayLike], dy: ArrayLike | None = None) -> ValueAndGrads:
        if not isinstance(args, list | tuple):
            raise TypeError(
                f"The arguments go in one list, g([x1, x2, ...]); received {type(args).__name__}. "
                "For a function of one array use jtf.grad."
            )
        value, pull_back, assigned = with_pull_back(f, [_floating(x) for x in args])
        gradients = list(pull_back(_cotangent(value, dy)))
        perform(assigned)
        return ValueAndGrads(value, gradients)

    return run


def variable_grads(f: Callable[[], Any], var_list: Sequence[Variable] | None = None) -> ValueAndGrads:
    """The value of ``f()`` and its gradients by the names of the Variables (TF.js ``tf.variableGrads``).

    Args:
        f: a function without arguments that returns a scalar. What it assigns is performed.
        var_list: by default, the trainable Variables that ``f`` reads. Those of frozen layers (``trainable=False``)
            are left out in either case.

    Raises:
        ValueError: two of the Variables have one name, or none is trainable; nothing is changed.

    Example:
        >>> import jtf
        >>> w = jtf.variable([3.0], name="w3")
        >>> value, gradients = jtf.variable_grads(lambda: (w**2).sum())
        >>> gradients["w3"].tolist()
        [6.0]
    """
    value, gradients, assigned = differentiate(f, var_list)
    named = by_name(gradients)
    perform(assigned)
    return ValueAndGrads(value, named)


def by_name(gradients: dict[Variable, Array]) -> dict[str, Array]:
    """Gradients by the names of their Variables; two of one name are refused."""
    named: dict[str, Array] = {}
    for variable, gradient in gradients.items():
        if variable.name in named:
            raise ValueError(
                f"Two Variables are called {variable.name!r}, so their gradients cannot be told apart by name. "
                "Create them with different names, or use optimizer.minimize, which does not need names."
            )
        named[variable.name] = gradient
    return named


def custom_grad(f: Callable[..., tuple[ArrayLike, Callable[..., Any]]]) -> Callable[..., Array]:
    """A function with a gradient of your own (TF.js ``tf.customGrad``).

    Args:
        f: ``f(*inputs, save) -> (value, grad_func)``, where ``save([...])`` keeps arrays for the way back and
            ``grad_func(dy, saved)`` gives the gradient, or a list of one for each input. Variables that ``f`` reads
            are constants to it: only inputs have gradients.

    Raises:
        TypeError: ``f`` is no function.

    Example:
        >>> import jtf, jax.numpy as jnp
        >>> @jtf.custom_grad
        ... def clipped(x, save):
        ...     save([x])
        ...     return x**2, lambda dy, saved: dy * jnp.clip(2 * saved[0], -1.0, 1.0)
        >>> jtf.grad(clipped)(jnp.array([0.25, 3.0])).tolist()
        [0.5, 1.0]
    """

    require_function(f, "jtf.custom_grad", "jtf.custom_grad(lambda x, save: (x**2, lambda dy, saved: ...))")

    def call(*inputs: ArrayLike) -> Array:
        constants = {v: jax.lax.stop_gradient(value) for scope in scopes() for v, value in scope.values.items()}
        assigned: list[Variable] = []

        def forward(*inputs: Array) -> tuple[tuple[Array, list[Array]], tuple[Any, list[Array], list[Array]]]:
            saved: list[Array] = []

            def save(arrays: Array | Sequence[Array]) -> None:
                saved.extend([arrays] if isinstance(arrays, jax.Array) else arrays)

            captured: list[Array] = []
            with bind(dict(constants), takes_all=True) as scope:
                value, grad_func = f(*inputs, save)
                value = jnp.asarray(value)
                if any(isinstance(x, jax.core.Tracer) for x in inputs):
                    # What grad_func captures without saving it may have to travel from one trace to another.
                    grad_func, captured = jax.closure_convert(grad_func, value, saved)
            assigned[:] = scope.written
            new_values = [scope.values[v] for v in assigned]
            return (value, new_values), (jax.tree_util.Partial(grad_func), saved, captured)

        def backward(residuals: tuple[Any, list[Array], list[Array]], dy: tuple[Array, list[Array]]) -> tuple[Any, ...]:
            grad_func, saved, captured = residuals
            result = grad_func(dy[0], saved, *captured)
            return tuple(result) if isinstance(result, list | tuple) else (result,)

        @jax.custom_vjp
        def run(*inputs: Array) -> tuple[Array, list[Array]]:
            return forward(*inputs)[0]

        run.defvjp(forward, backward)
        value, new_values = run(*map(jnp.asarray, inputs))
        perform(dict(zip(assigned, new_values, strict=True)))
        return value

    return call


def _floating(x: ArrayLike) -> Array:
    array = jnp.asarray(x)
    return array if jnp.issubdtype(array.dtype, jnp.inexact) else array.astype(jnp.float32)


def _cotangent(value: Array, dy: ArrayLike | None) -> Array:
    if not jnp.issubdtype(value.dtype, jnp.inexact):
        raise TypeError(
            f"The function's result has dtype {value.dtype} and so no gradient; expected a floating dtype. "
            "Comparisons and conversions to integers have none."
        )
    if dy is None:
        return jnp.ones_like(value)
    if jnp.shape(dy) != value.shape:
        raise ValueError(f"dy must have the shape of f's result, {value.shape}; received {jnp.shape(dy)}.")
    return jnp.asarray(dy, value.dtype)
