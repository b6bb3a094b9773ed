"""Long short-term memory whose products are convolutions, for sequences of images.

References:
    Shi et al., "Convolutional LSTM network", 2015 (without the peephole weights).
    TF.js: tfjs-layers/src/layers/convolutional_recurrent.ts
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from jtf.functional.activations import hard_sigmoid, tanh
from jtf.functional.convolution import conv
from jtf.functional.recurrence import States, checked_mask, run, with_noise
from jtf.functional.recurrent import LSTMStep
from jtf.functional.windows import Sizes, per_axis, positions, space_axes
from jtf.types import Array, ArrayLike, Shape

Params = Mapping[str, ArrayLike]
Activation = Callable[[Array], Array]


def conv_lstm2d_cell(
    params: Params,
    x: ArrayLike,
    states: States,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation_rate: Sizes = 1,
    data_format: str = "channelsLast",
    activation: Activation = tanh,
    recurrent_activation: Activation = hard_sigmoid,
) -> States:
    """One step of a convolutional network with long short-term memory.

    Formula: that of `lstm_cell` with ``x ∗ kernel + bias + h ∗ recurrent_kernel``, where the convolution of ``h`` has
    stride 1 and padding ``"same"``.

    Args:
        params: ``kernel`` ``[height, width, in, 4 · filters]``, ``recurrent_kernel`` ``[height, width, filters,
            4 · filters]`` and, if there is one, ``bias`` ``[4 · filters]``. Where given, ``input_noise`` and
            ``state_noise`` multiply the input and the last output before the convolutions: dropout, with the noises
            for the four gates side by side along the channels.
        x: Input, ``[batch, height, width, in]``, or ``[batch, in, height, width]`` with channels first.
        states: ``(h, c)``: the last output and the memory, of the output's shape.
        strides, padding, dilation_rate, data_format: of the convolution of ``x``, as for `conv`.
        activation: Of what goes into the memory and out of it.
        recurrent_activation: Of the gates.

    Returns:
        The new states ``(h, c)``; the first is the output.

    Raises:
        ValueError: If the shapes do not go together, or an option is none.
    """
    step = _step(strides, padding, dilation_rate, data_format, activation, recurrent_activation)
    arrays, inputs = {name: jnp.asarray(value) for name, value in params.items()}, jnp.asarray(x)
    states = tuple(jnp.asarray(state) for state in states)
    step.check("conv_lstm2d_cell", arrays, inputs, "[batch, height, width, in]", states)
    return step(arrays, step.project(arrays, inputs), states)


def conv_lstm2d(
    params: Params,
    x: ArrayLike,
    initial_states: States | None = None,
    mask: ArrayLike | None = None,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation_rate: Sizes = 1,
    data_format: str = "channelsLast",
    activation: Activation = tanh,
    recurrent_activation: Activation = hard_sigmoid,
    **how: bool,
) -> tuple[Array, States]:
    """Convolutional long short-term memory over a sequence of images.

    Args:
        params, strides, padding, dilation_rate, data_format, activation, recurrent_activation: As for
            `conv_lstm2d_cell`.
        x: Input, ``[batch, time, height, width, in]``, or ``[batch, time, in, height, width]``.
        initial_states: Before the first step; zeros by default.
        mask: Bools, ``[batch, time]``: where False, the step leaves output and states as they were.
        how: ``return_sequences``, ``go_backwards`` and ``unroll``, as for `lstm`.

    Returns:
        The last output, or with ``return_sequences`` all outputs, ``[batch, time, ...]``; and the last states.

    Raises:
        ValueError: If the shapes do not go together, or an option is none.

    >>> params = {"kernel": jnp.ones((3, 3, 1, 8)), "recurrent_kernel": jnp.ones((3, 3, 2, 8))}
    >>> conv_lstm2d(params, jnp.ones((1, 4, 5, 5, 1)))[0].shape
    (1, 3, 3, 2)
    """
    step = _step(strides, padding, dilation_rate, data_format, activation, recurrent_activation)
    arrays, inputs = {name: jnp.asarray(value) for name, value in params.items()}, jnp.asarray(x)
    if initial_states is None:
        kernel = arrays["kernel"].shape
        zeros = jnp.zeros(step.output_shape(_frame(inputs), kernel[:2], kernel[-1] // 4), inputs.dtype)
        initial_states = (zeros, zeros)
    states = tuple(jnp.asarray(state) for state in initial_states)
    step.check("conv_lstm2d", arrays, inputs, "[batch, time, height, width, in]", states)
    return run(step, arrays, inputs, states, checked_mask("conv_lstm2d", mask, inputs), **how)


@dataclass(frozen=True)
class ConvLSTM2DStep(LSTMStep):
    """The step of `conv_lstm2d_cell`; the images of all times are convolved as one batch."""

    strides: tuple[int, ...] = (1, 1)
    padding: str = "valid"
    dilation_rate: tuple[int, ...] = (1, 1)
    last: bool = True

    @property
    def projects_ahead(self) -> bool:
        return True  # also on the CPU, where convolutions in a loop are slow

    def project(self, params: Mapping[str, Array], x: Array) -> Array:
        images = self._for_gates(x, params.get("input_noise"))
        flat = images.reshape(-1, *images.shape[-3:])
        own = {name: params[name] for name in ("kernel", "bias") if name in params}
        y = self._conv(own, flat, images.shape != x.shape, self.strides, self.padding, self.dilation_rate)
        return y.reshape(*x.shape[:-3], *y.shape[1:])

    def __call__(self, params: Mapping[str, Array], projected: Array, states: States) -> States:
        h, c = states
        noisy = self._for_gates(h, params.get("state_noise"))
        inner = self._conv({"kernel": params["recurrent_kernel"]}, noisy, noisy.shape != h.shape, 1, "same", 1)
        return self.remember(projected + inner, c, axis=-1 if self.last else 1)

    def output_shape(self, shape: Shape, window: tuple[int, ...], filters: int) -> Any:
        """The shape of the output of one step for an input of a shape; None stays None."""
        space = shape[1:3] if self.last else shape[2:4]
        sizes = positions("conv_lstm2d", space, window, self.strides, self.padding, self.dilation_rate)
        return (shape[0], *sizes, filters) if self.last else (shape[0], filters, *sizes)

    def check(self, name: str, params: Mapping[str, Array], x: Array, wanted: str, states: States) -> None:
        """Refuse shapes that do not go together.

        Raises:
            ValueError: says what was expected and received.
        """
        kernel, recurrent = params["kernel"].shape, params["recurrent_kernel"].shape
        filters = recurrent[2] if len(recurrent) == 4 else 0
        frame = _frame(x)
        if (
            x.ndim != wanted.count(",") + 1
            or len(kernel) != 4
            or recurrent != (*kernel[:2], filters, 4 * filters)
            or kernel[2:] != (frame[-1 if self.last else 1], 4 * filters)
            or len(states) != 2
            or any(state.shape != self.output_shape(frame, kernel[:2], filters) for state in states)
        ):
            raise ValueError(
                f"{name}: expected x {wanted} (or channels first), kernel [height, width, in, 4 · filters], "
                "recurrent_kernel [height, width, filters, 4 · filters] and 2 states of the output's shape; received "
                f"x {x.shape}, kernel {kernel}, recurrent_kernel {recurrent}, states "
                f"{', '.join(str(state.shape) for state in states) or 'none'}."
            )

    def _for_gates(self, x: Array, noise: Array | None) -> Array:
        """``x`` with noise: once for each gate, side by side along the channels."""
        return x if noise is None else with_noise(jnp.concatenate([x] * 4, axis=-1 if self.last else -3), noise)

    def _conv(
        self, params: Params, x: Array, each_gate: bool, strides: Sizes, padding: str, dilation_rate: Sizes
    ) -> Array:
        data_format = "channelsLast" if self.last else "channelsFirst"
        return conv(params, x, strides, padding, dilation_rate, 4 if each_gate else 1, data_format)


def _frame(x: Array) -> tuple[int, ...]:
    """The shape of a batch of single images."""
    return (*x.shape[:1], *x.shape[-3:])


def _step(
    strides: Sizes,
    padding: str,
    dilation_rate: Sizes,
    data_format: str,
    activation: Activation,
    recurrent_activation: Activation,
) -> ConvLSTM2DStep:
    one, other = per_axis("conv_lstm2d", "strides", strides, 2)
    tall, wide = per_axis("conv_lstm2d", "dilation_rate", dilation_rate, 2)
    if padding not in ("valid", "same"):
        raise ValueError(f"conv_lstm2d: padding must be 'valid' or 'same'; received {padding!r}.")
    last = space_axes("conv_lstm2d", 2, data_format)[0] == 1
    return ConvLSTM2DStep(activation, recurrent_activation, (one, other), padding, (tall, wide), last)
