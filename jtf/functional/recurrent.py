"""Recurrent networks: one step of time, and sequences.

The states of a cell are a tuple of arrays, and its output is the first of them.

References:
    TF.js: tfjs-layers/src/layers/recurrent.ts
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jtf.functional.activations import hard_sigmoid, tanh
from jtf.functional.linear import dense
from jtf.functional.recurrence import States, checked_mask, run, with_noise
from jtf.types import Array, ArrayLike

Params = Mapping[str, ArrayLike]
Arrays = Mapping[str, Array]
Activation = Callable[[Array], Array]

# --- one step of time -------------------------------------------------------------------------------


def simple_rnn_cell(params: Params, x: ArrayLike, states: States, activation: Activation = tanh) -> States:
    """One step of a fully connected recurrent network.

    Formula: ``h' = activation(x · kernel + bias + h · recurrent_kernel)``.

    Args:
        params: ``kernel`` ``[in, units]``, ``recurrent_kernel`` ``[units, units]`` and, if there is one, ``bias``
            ``[units]``. Where given, ``input_noise`` ``[batch, in]`` multiplies the input and ``state_noise``
            ``[batch, units]`` the state before their products with the kernels: dropout.
        x: Input, ``[batch, in]``.
        states: ``(h,)``, the last output, ``[batch, units]``.
        activation: Of the output.

    Returns:
        The new states; the first is the output.

    Raises:
        ValueError: If the shapes do not go together.

    >>> params = {"kernel": [[1.0]], "recurrent_kernel": [[10.0]]}
    >>> simple_rnn_cell(params, [[1.0]], (jnp.array([[2.0]]),), activation=abs)[0].tolist()
    [[21.0]]
    """
    return _one_step("simple_rnn_cell", SimpleRNNStep(activation), params, x, states)


def gru_cell(
    params: Params,
    x: ArrayLike,
    states: States,
    activation: Activation = tanh,
    recurrent_activation: Activation = hard_sigmoid,
    reset_after: bool = False,
) -> States:
    """One step of a network of gated recurrent units.

    Formula: ``h' = z · h + (1 - z) · activation(candidate)``, where the kernels hold, side by side, those of the
    update gate ``z``, of the reset gate ``r`` (both with ``recurrent_activation``) and of the candidate, which is
    ``x · W + b + (r · h) · U``, or with ``reset_after`` ``x · W + b + r · (h · U + c)``.

    Args:
        params: as for `simple_rnn_cell`, with kernels ``[in, 3 · units]`` and ``[units, 3 · units]`` and bias
            ``[3 · units]``; with ``reset_after`` bias ``[2, 3 · units]``, one row for either kernel.
        x: Input, ``[batch, in]``.
        states: ``(h,)``, the last output, ``[batch, units]``.
        activation: Of the candidate.
        recurrent_activation: Of the gates.
        reset_after: Whether the reset gate comes after the product with the recurrent kernel.

    Returns:
        The new states; the first is the output.

    Raises:
        ValueError: If the shapes do not go together.

    References:
        Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014 (``reset_after=False``: version
        1 of the paper; True: version 3, which is cuDNN's).
    """
    return _one_step("gru_cell", GRUStep(activation, recurrent_activation, reset_after), params, x, states)


def lstm_cell(
    params: Params,
    x: ArrayLike,
    states: States,
    activation: Activation = tanh,
    recurrent_activation: Activation = hard_sigmoid,
) -> States:
    """One step of a network with long short-term memory.

    Formula: ``c' = f · c + i · activation(g)``, ``h' = o · activation(c')``, where the input, forget and output gates
    ``i, f, o`` are ``recurrent_activation`` and ``g`` nothing of ``x · kernel + bias + h · recurrent_kernel``, which
    holds ``i, f, g, o`` side by side.

    Args:
        params: as for `simple_rnn_cell`, with kernels ``[in, 4 · units]`` and ``[units, 4 · units]`` and bias
            ``[4 · units]``.
        x: Input, ``[batch, in]``.
        states: ``(h, c)``: the last output and the memory, both ``[batch, units]``.
        activation: Of what goes into the memory and out of it.
        recurrent_activation: Of the gates.

    Returns:
        The new states ``(h, c)``; the first is the output.

    Raises:
        ValueError: If the shapes do not go together.

    References:
        Hochreiter and Schmidhuber, "Long short-term memory", 1997.
    """
    return _one_step("lstm_cell", LSTMStep(activation, recurrent_activation), params, x, states)


# --- sequences --------------------------------------------------------------------------------------


def simple_rnn(
    params: Params,
    x: ArrayLike,
    initial_states: States | None = None,
    mask: ArrayLike | None = None,
    *,
    activation: Activation = tanh,
    **how: bool,
) -> tuple[Array, States]:
    """A fully connected recurrent network over a sequence.

    Args:
        params: of `simple_rnn_cell`.
        x: Input, ``[batch, time, in]``.
        initial_states: Before the first step; zeros by default.
        mask: Bools, ``[batch, time]``: where False, the step leaves output and states as they were.
        activation: Of the output.
        how: ``return_sequences``, ``go_backwards`` and ``unroll``, as for `run`.

    Returns:
        The last output, ``[batch, units]``, or with ``return_sequences`` all outputs, ``[batch, time, units]``; and
        the last states.

    Raises:
        ValueError: If the shapes do not go together.

    >>> params = {"kernel": [[1.0]], "recurrent_kernel": [[10.0]]}
    >>> output, states = simple_rnn(params, [[[1.0], [2.0]]], activation=abs)
    >>> output.tolist(), states[0].tolist()
    ([[12.0]], [[12.0]])
    """
    return _sequence("simple_rnn", SimpleRNNStep(activation), params, x, initial_states, mask, how)


def gru(
    params: Params,
    x: ArrayLike,
    initial_states: States | None = None,
    mask: ArrayLike | None = None,
    *,
    activation: Activation = tanh,
    recurrent_activation: Activation = hard_sigmoid,
    reset_after: bool = False,
    **how: bool,
) -> tuple[Array, States]:
    """Gated recurrent units over a sequence: see `gru_cell`, and `simple_rnn` for the arguments.

    >>> params = {"kernel": jnp.ones((1, 3)), "recurrent_kernel": jnp.ones((1, 3))}
    >>> gru(params, jnp.ones((2, 4, 1)), return_sequences=True)[0].shape
    (2, 4, 1)
    """
    step = GRUStep(activation, recurrent_activation, reset_after)
    return _sequence("gru", step, params, x, initial_states, mask, how)


def lstm(
    params: Params,
    x: ArrayLike,
    initial_states: States | None = None,
    mask: ArrayLike | None = None,
    *,
    activation: Activation = tanh,
    recurrent_activation: Activation = hard_sigmoid,
    **how: bool,
) -> tuple[Array, States]:
    """Long short-term memory over a sequence: see `lstm_cell`, and `simple_rnn` for the arguments.

    >>> params = {"kernel": jnp.ones((1, 4)), "recurrent_kernel": jnp.ones((1, 4))}
    >>> output, (h, c) = lstm(params, jnp.ones((2, 3, 1)))
    >>> output.shape, bool((output == h).all())
    ((2, 1), True)
    """
    return _sequence("lstm", LSTMStep(activation, recurrent_activation), params, x, initial_states, mask, how)


# --- the steps, ready to be run ---------------------------------------------------------------------


@dataclass(frozen=True)
class _DenseStep:
    """What the cells with dense kernels share."""

    activation: Activation = tanh

    #: How many kernels of the size of a single one lie side by side, and how many states there are.
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1

    @property
    def projects_ahead(self) -> bool:
        # One large product is what accelerators want; on the CPU the small ones find their inputs in the cache.
        return jax.default_backend() != "cpu"

    def project(self, params: Arrays, x: Array) -> Array:
        return dense(self._input_side(params), with_noise(x, params.get("input_noise")))

    def _input_side(self, params: Arrays) -> Arrays:
        return {name: params[name] for name in ("kernel", "bias") if name in params}

    def activations(self) -> tuple[Activation, ...]:
        return (self.activation,)


@dataclass(frozen=True)
class SimpleRNNStep(_DenseStep):
    """The step of `simple_rnn_cell`."""

    def __call__(self, params: Arrays, projected: Array, states: States) -> States:
        h = with_noise(states[0], params.get("state_noise"))
        return (self.activation(projected + jnp.dot(h, params["recurrent_kernel"])),)


@dataclass(frozen=True)
class _GatedStep(_DenseStep):
    recurrent_activation: Activation = hard_sigmoid

    def activations(self) -> tuple[Activation, ...]:
        return (self.activation, self.recurrent_activation)


@dataclass(frozen=True)
class GRUStep(_GatedStep):
    """The step of `gru_cell`."""

    reset_after: bool = False
    gates: ClassVar[int] = 3

    def _input_side(self, params: Arrays) -> Arrays:
        params = super()._input_side(params)
        return {**params, "bias": params["bias"][0]} if self.reset_after and "bias" in params else params

    def __call__(self, params: Arrays, projected: Array, states: States) -> States:
        (h,), recurrent_kernel = states, params["recurrent_kernel"]
        units = h.shape[-1]
        noisy = with_noise(h, params.get("state_noise"))
        x_gates, x_candidate = projected[:, : 2 * units], projected[:, 2 * units :]
        if self.reset_after:
            recurrent = {"kernel": recurrent_kernel}
            if "bias" in params:
                recurrent["bias"] = params["bias"][1]
            inner = dense(recurrent, noisy)
            z, r = jnp.split(self.recurrent_activation(x_gates + inner[:, : 2 * units]), 2, axis=-1)
            candidate = x_candidate + r * inner[:, 2 * units :]
        else:
            inner = jnp.dot(noisy, recurrent_kernel[:, : 2 * units])
            z, r = jnp.split(self.recurrent_activation(x_gates + inner), 2, axis=-1)
            candidate = x_candidate + jnp.dot(r * noisy, recurrent_kernel[:, 2 * units :])
        return (z * h + (1 - z) * self.activation(candidate),)


@dataclass(frozen=True)
class LSTMStep(_GatedStep):
    """The step of `lstm_cell`."""

    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    def __call__(self, params: Arrays, projected: Array, states: States) -> States:
        h, c = states
        h = with_noise(h, params.get("state_noise"))
        return self.remember(projected + jnp.dot(h, params["recurrent_kernel"]), c, axis=-1)

    def remember(self, gates: Array, c: Array, axis: int) -> States:
        """The new states, of the gates that lie side by side along an axis, and the old memory."""
        i, f, g, o = jnp.split(gates, 4, axis=axis)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        return (self.recurrent_activation(o) * self.activation(c), c)


# --- what is checked --------------------------------------------------------------------------------


def _one_step(name: str, step: Any, params: Params, x: ArrayLike, states: States) -> States:
    arrays, inputs = _arrays(params), jnp.asarray(x)
    states = tuple(jnp.asarray(state) for state in states)
    _check(name, step, arrays, inputs, "[batch, in]", states)
    return step(arrays, step.project(arrays, inputs), states)


def _sequence(
    name: str,
    step: Any,
    params: Params,
    x: ArrayLike,
    initial_states: States | None,
    mask: ArrayLike | None,
    how: Mapping[str, bool],
) -> tuple[Array, States]:
    arrays, inputs = _arrays(params), jnp.asarray(x)
    if initial_states is None:
        zeros = jnp.zeros((*inputs.shape[:1], *arrays["recurrent_kernel"].shape[:1]), inputs.dtype)
        initial_states = (zeros,) * step.states
    states = tuple(jnp.asarray(state) for state in initial_states)
    _check(name, step, arrays, inputs, "[batch, time, in]", states)
    return run(step, arrays, inputs, states, checked_mask(name, mask, inputs), **how)


def _arrays(params: Params) -> dict[str, Array]:
    return {name: jnp.asarray(value) for name, value in params.items()}


def _check(name: str, step: Any, params: Arrays, x: Array, wanted: str, states: States) -> None:
    kernel, recurrent = params["kernel"].shape, params["recurrent_kernel"].shape
    units, gates = recurrent[0] if recurrent else 0, step.gates
    if (
        x.ndim != wanted.count(",") + 1
        or recurrent != (units, gates * units)
        or kernel != (x.shape[-1], gates * units)
        or any(state.shape != (x.shape[0], units) for state in states)
        or len(states) != step.states
    ):
        many = f"{gates} · " if gates > 1 else ""
        raise ValueError(
            f"{name}: expected x {wanted}, kernel [in, {many}units], recurrent_kernel [units, {many}units] and "
            f"{step.states} of states [batch, units]; received x {x.shape}, kernel {kernel}, recurrent_kernel "
            f"{recurrent}, states {', '.join(str(state.shape) for state in states) or 'none'}."
        )
    bias = (2, gates * units) if getattr(step, "reset_after", False) else (gates * units,)
    if "bias" in params and params["bias"].shape != bias:
        raise ValueError(f"{name}: expected a bias of shape {bias}; received {params['bias'].shape}.")
