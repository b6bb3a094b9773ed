"""Long short-term memory: LSTM and its cell."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jtf.configurable import factory
from jtf.functional.recurrent import LSTMStep
from jtf.layers.base import registry
from jtf.layers.cells import DenseCell, GatedOptions, UnitsOptions, cell_of
from jtf.layers.recurrent import RecurrentLayer
from jtf.options import PositiveInt
from jtf.types import Array, DTypeLike, Shape


class ForgetBias:
    """Initializes a bias of four gates so that the forget gate's is ones.

    Args:
        initializer: of the other gates' biases.
    """

    def __init__(self, initializer: Any) -> None:
        self.initializer = initializer

    def __call__(self, shape: tuple[int], dtype: DTypeLike = "float32") -> Array:
        size = shape[0] // 4
        begin, end = self.initializer((size,), dtype), self.initializer((2 * size,), dtype)
        return jnp.concatenate([begin, jnp.ones((size,), dtype), end])


class MemoryOptions(GatedOptions):
    """The options of layers and cells with a memory besides."""

    def __init__(self, *, unit_forget_bias: bool | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.unit_forget_bias = unit_forget_bias

    def memory_bias_initializer(self) -> Any:
        """How a bias of four gates begins."""
        return ForgetBias(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer


@registry.add
class LSTMCell(DenseCell, MemoryOptions):
    """One step of `LSTM`, for `RNN`: ``[x, h, c]`` to ``[output, h, c]``.

    Args:
        units: the size of the output and of the two states.
        options: as for `LSTM`, without those of a sequence.
    """

    gates, states = 4, 2

    def step(self) -> LSTMStep:
        return LSTMStep(self.activation, self.recurrent_activation)

    def bias_shape_and_initializer(self, width: int) -> tuple[Shape, Any]:
        return (width,), self.memory_bias_initializer()


@registry.add
class LSTM(UnitsOptions, MemoryOptions, RecurrentLayer):
    """Long short-term memory over a sequence.

    ``c' = f · c + i · activation(g)`` and ``h' = o · activation(c')``, where ``i, f, g, o`` are the quarters of
    ``x · kernel + bias + h · recurrent_kernel``, all but ``g`` with ``recurrent_activation``.

    Args:
        units: the size of the output and of the two states ``h`` and ``c``.
        activation: of what goes into the memory and out of it, ``tanh`` by default.
        recurrent_activation: of the gates, ``hardSigmoid`` by default, as in TF.js (Keras: sigmoid).
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: ``glorotNormal``, ``orthogonal`` and ``zeros``.
        unit_forget_bias: whether the bias of the forget gate begins with ones; not by default, as in TF.js (Keras:
            it does).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: a penalty on the output, divided by the batch's size. (TF.js ignores it.)
        kernel_constraint, recurrent_constraint, bias_constraint: conditions on the weights.
        dropout: while training, the fraction of the input to drop, the same at all steps.
        recurrent_dropout: the same for the last output on its way into the gates.
        implementation: kept for files; it changes nothing.
        options: those of `RNN`, such as ``return_sequences``.

    Shapes:
        input ``[batch, time, in]``, kernel ``[in, 4 · units]``, recurrent_kernel ``[units, 4 · units]``, bias
        ``[4 · units]``, output ``[batch, units]`` or ``[batch, time, units]``.

    Raises:
        ValueError: ``units`` is not a positive integer, or a fraction is none, or an unknown name.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.lstm(units=8, return_sequences=True)(np.ones((2, 5, 3), np.float32)).shape
        (2, 5, 8)

    References:
        Hochreiter and Schmidhuber, Long short-term memory, Neural Computation 1997.
        TF.js: tfjs-layers/src/layers/recurrent.ts
    """

    def __init__(self, units: PositiveInt, **options: Any) -> None:
        super().__init__(units, **options)
        self.cell = cell_of(self, LSTMCell)


lstm_cell = factory(LSTMCell)
lstm = factory(LSTM)
