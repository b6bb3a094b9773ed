"""Recurrence: a step of time as pure functions, steps that are stacked, and the loop that runs them.

What a step needs of its input alone is computed for all steps at once before the loop, where that is faster.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from jtf.functional import activations
from jtf.types import Array, ArrayLike, PyTree

Activation = Callable[[Array], Array]
States = tuple[Array, ...]


class Step(Protocol):
    """A cell as two pure functions, which are equal for equal options: so jax compiles them once."""

    @property
    def projects_ahead(self) -> bool:
        """Whether it is faster to project all inputs before the loop."""

    def project(self, params: Any, x: Array) -> Array:
        """What the steps need of their inputs, ``[..., batch, ...]``, for any number of them at once."""

    def __call__(self, params: Any, projected: Array, states: States) -> States:
        """The new states; the first is the output."""

    def activations(self) -> tuple[Activation, ...]:
        """The functions that the user chose."""


@dataclass(frozen=True)
class StackedStep:
    """Steps one behind the other, each with its own parameters in a list.

    The states are those of the last step first, so that the first of them all is the output.
    """

    steps: tuple[Step, ...]
    #: How many states each step has.
    sizes: tuple[int, ...]

    @property
    def projects_ahead(self) -> bool:
        return self.steps[0].projects_ahead

    def project(self, params: Any, x: Array) -> Array:
        return self.steps[0].project(params[0], x)

    def __call__(self, params: Any, projected: Array, states: States) -> States:
        new: States = ()
        for index, (step, own) in enumerate(zip(self.steps, split_states(states, self.sizes), strict=True)):
            z = step.project(params[index], new[0]) if index else projected
            new = (*step(params[index], z, own), *new)
        return new

    def activations(self) -> tuple[Activation, ...]:
        return tuple(activation for step in self.steps for activation in step.activations())


def split_states(states: States, sizes: tuple[int, ...]) -> list[States]:
    """The states of each step of a stack, the first step's first, of all of them, the last step's first."""
    each, end = [], len(states)
    for size in sizes:
        each.append(states[end - size : end])
        end -= size
    return each


def run(
    step: Step,
    params: Any,
    x: Array,
    initial_states: States,
    mask: Array | None = None,
    *,
    return_sequences: bool = False,
    go_backwards: bool = False,
    unroll: bool = False,
) -> tuple[Array, States]:
    """Run a step over a sequence.

    Args:
        step: What to run.
        params: Its parameters.
        x: Input, ``[batch, time, ...]``.
        initial_states: Before the first step.
        mask: Bools, ``[batch, time]``: where False, the step leaves output and states as they were.
        return_sequences: Whether to return the outputs of all steps, in the order of the steps.
        go_backwards: Whether to begin at the end of the sequence.
        unroll: Whether to write the loop out, which takes longer to compile. On the CPU that is several times faster
            where there are convolutions in the loop, and with gradients slower where there are none.

    Returns:
        The last output, ``[batch, ...]``, or all outputs, ``[batch, time, ...]``; and the last states.
    """
    # A function of the user's may look at more than its argument, and then must not be kept compiled.
    known = all(id(activation) in _LIBRARY for activation in step.activations())
    return (_compiled if known else _run)(step, params, x, initial_states, mask, return_sequences, go_backwards, unroll)


def _run(
    step: Step,
    params: Any,
    x: Array,
    initial_states: States,
    mask: Array | None,
    return_sequences: bool,
    go_backwards: bool,
    unroll: bool,
) -> tuple[Array, States]:
    xs, ahead = jnp.swapaxes(x, 0, 1), step.projects_ahead
    if ahead:
        xs = step.project(params, xs)
    dtype = jnp.result_type(xs, *initial_states, *jax.tree.leaves(params))
    output, states, _ = over_time(
        lambda x, states, _: (step(params, x if ahead else step.project(params, x), states), None),
        xs.astype(dtype),
        tuple(state.astype(dtype) for state in initial_states),
        None if mask is None else jnp.swapaxes(mask, 0, 1),
        return_sequences=return_sequences,
        go_backwards=go_backwards,
        unroll=unroll,
    )
    return (jnp.swapaxes(output, 0, 1) if return_sequences else output), states


_compiled = jax.jit(_run, static_argnames=("step", "return_sequences", "go_backwards", "unroll"), inline=True)
_LIBRARY = frozenset(id(value) for name, value in vars(activations).items() if callable(value) and name[0] != "_")


def over_time(
    step: Callable[[Any, States, Any], tuple[States, Any]],
    xs: PyTree,
    states: States,
    mask: Array | None = None,
    rest: PyTree = None,
    *,
    return_sequences: bool = False,
    go_backwards: bool = False,
    unroll: bool = False,
) -> tuple[Array, States, Any]:
    """The loop over time itself.

    Outside of any trace a step that cannot be compiled once and for all is run as it stands, time for time.

    Args:
        step: ``(x, states, rest) -> (states, rest)``; the first state is the output.
        xs: Arrays ``[time, ...]``.
        states: Before the first step, of the dtypes that the step returns.
        mask: Bools, ``[time, batch]``: where False, the states stay as they were.
        rest: What else is handed on from step to step, whatever the mask.
        return_sequences, go_backwards, unroll: As for `run`.

    Returns:
        The last output or, ``[time, batch, ...]``, all outputs in the order of the steps; the last states and rest.
    """

    def body(carry: Any, inputs: Any) -> Any:
        states, rest = carry
        x, keep = inputs
        new, rest = step(x, states, rest)
        if keep is not None:
            new = tuple(
                jnp.where(keep.reshape(keep.shape + (1,) * (n.ndim - 1)), n, old)
                for n, old in zip(new, states, strict=True)
            )
        return (new, rest), (new[0] if return_sequences else None)

    leaves = jax.tree.leaves((xs, states, mask, rest))
    length = leaves[0].shape[0]
    if length == 0 or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        carry, outputs = jax.lax.scan(body, (states, rest), (xs, mask), reverse=go_backwards, unroll=unroll)
        if return_sequences and go_backwards:
            outputs = outputs[::-1]
    else:
        carry, each = (states, rest), []
        for time in range(length)[:: -1 if go_backwards else 1]:
            at = functools.partial(jax.lax.dynamic_index_in_dim, index=time, keepdims=False)
            carry, output = body(carry, jax.tree.map(at, (xs, mask)))
            each.append(output)
        outputs = jnp.stack(each) if return_sequences else None
    (states, rest) = carry
    return (outputs if return_sequences else states[0]), states, rest


def checked_mask(name: str, mask: ArrayLike | None, x: Array) -> Array | None:
    """A mask as bools, ``[batch, time]``.

    Raises:
        ValueError: If it has another shape.
    """
    if mask is None:
        return None
    mask = jnp.asarray(mask)
    if mask.shape not in (x.shape[:2], (*x.shape[:2], 1)):
        raise ValueError(
            f"{name}: expected a mask of shape [batch, time], which is {x.shape[:2]}; received {mask.shape}."
        )
    return mask.reshape(x.shape[:2]).astype(bool)


def with_noise(x: Array, noise: ArrayLike | None) -> Array:
    """``x`` times what is to disturb it, if anything: ``noise`` is aligned with the last axes."""
    if noise is None:
        return x
    noise = jnp.asarray(noise, x.dtype)
    return x * noise.reshape((1,) * (x.ndim - noise.ndim) + noise.shape)
