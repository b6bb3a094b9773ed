"""Gated recurrent units: GRU and its cell."""

from __future__ import annotations

from typing import Any

from jtf.configurable import factory
from jtf.functional.recurrent import GRUStep
from jtf.layers.base import registry
from jtf.layers.cells import DenseCell, GatedOptions, UnitsOptions, cell_of
from jtf.layers.recurrent import RecurrentLayer
from jtf.options import PositiveInt
from jtf.types import Shape


class GRUOptions(GatedOptions):
    """The options of GRU and its cell besides."""

    def __init__(self, *, reset_after: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.reset_after = reset_after


@registry.add
class GRUCell(DenseCell, GRUOptions):
    """One step of `GRU`, for `RNN`: ``[x, h]`` to ``[output, h]``.

    Args:
        units: the size of the output and of the state.
        options: as for `GRU`, without those of a sequence.
    """

    gates = 3

    def step(self) -> GRUStep:
        return GRUStep(self.activation, self.recurrent_activation, self.reset_after)

    def bias_shape_and_initializer(self, width: int) -> tuple[Shape, Any]:
        return (2, width) if self.reset_after else (width,), self.bias_initializer


@registry.add
class GRU(UnitsOptions, GRUOptions, RecurrentLayer):
    """Gated recurrent units over a sequence.

    ``h' = z · h + (1 - z) · activation(candidate)``, where the thirds of the kernels are those of the update gate
    ``z``, of the reset gate ``r``, both with ``recurrent_activation``, and of the candidate, which is
    ``x · W + b + (r · h) · U``.

    With ``recurrent_dropout`` the ``h`` that is carried over is whole. (TF.js carries over the one with dropout: since
    what is kept of it is scaled up at each step, a unit whose update gate is open grows without bounds.)

    Args:
        units: the size of the output and of the state.
        reset_after: the form of cuDNN and of Keras' default, whose candidate is ``x · W + b + r · (h · U + c)`` and
            whose bias has a second row for ``c``. (TF.js refuses it.)
        recurrent_activation: of the gates, ``hardSigmoid`` by default, as in TF.js (Keras: sigmoid).
        options: those of `LSTM` but ``unit_forget_bias``, and those of `RNN`.

    Shapes:
        input ``[batch, time, in]``, kernel ``[in, 3 · units]``, recurrent_kernel ``[units, 3 · units]``, bias
        ``[3 · units]`` or, with ``reset_after``, ``[2, 3 · units]``; output ``[batch, units]`` or ``[batch, time,
        units]``.

    Raises:
        ValueError: ``units`` is not a positive integer, or a fraction is none, or an unknown name.

    Example:
        >>> import jtf, numpy as np
        >>> jtf.layers.gru(units=8)(np.ones((2, 5, 3), np.float32)).shape
        (2, 8)

    References:
        Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014.
        TF.js: tfjs-layers/src/layers/recurrent.ts
    """

    def __init__(self, units: PositiveInt, **options: Any) -> None:
        super().__init__(units, **options)
        self.cell = cell_of(self, GRUCell)


gru_cell = factory(GRUCell)
gru = factory(GRU)
