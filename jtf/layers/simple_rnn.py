"""The fully connected recurrent network: SimpleRNN and its cell."""

from __future__ import annotations

from typing import Any

from jtf.configurable import factory
from jtf.functional.recurrent import SimpleRNNStep
from jtf.layers.base import registry
from jtf.layers.cells import DenseCell, UnitsOptions, cell_of
from jtf.layers.recurrent import RecurrentLayer
from jtf.options import PositiveInt


@registry.add
class SimpleRNNCell(DenseCell):
    """One step of `SimpleRNN`, for `RNN`: ``[x, h]`` to ``[output, h]``.

    Args:
        units: the size of the output and of the state.
        options: as for `SimpleRNN`, without those of a sequence.
    """

    def step(self) -> SimpleRNNStep:
        return SimpleRNNStep(self.activation)


@registry.add
class SimpleRNN(UnitsOptions, RecurrentLayer):
    """A fully connected recurrent network: ``h' = activation(x · kernel + bias + h · recurrent_kernel)``.

    Args:
        units: the size of the output and of the state.
        activation: of the output, ``tanh`` by default; None for none.
        options: those of `LSTM` but ``recurrent_activation``, ``unit_forget_bias`` and ``implementation``, and those of
            `RNN`.

    Shapes:
        input ``[batch, time, in]``, kernel ``[in, units]``, recurrent_kernel ``[units, units]``, bias ``[units]``,
        output ``[batch, units]`` or ``[batch, time, units]``.

    Raises:
        ValueError: ``units`` is not a positive integer, or a fraction is none, or an unknown name.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.simple_rnn(units=8)(np.ones((2, 5, 3), np.float32)).shape
        (2, 8)

    References:
        TF.js: tfjs-layers/src/layers/recurrent.ts
    """

    def __init__(self, units: PositiveInt, **options: Any) -> None:
        super().__init__(units, **options)
        self.cell = cell_of(self, SimpleRNNCell)


simple_rnn_cell = factory(SimpleRNNCell)
simple_rnn = factory(SimpleRNN)
