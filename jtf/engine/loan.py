"""`Loan`: the training state on its way from the Variables through donated steps and back.

While a loan runs, the Variables are empty and the state exists once, in the buffers that the step donates and
returns. Whoever reads or assigns one of the Variables meanwhile (a callback, another thread) ends the loan: the
present state goes into the Variables, and the next step takes a copy, so that no array anybody holds is ever
donated. Nothing is lost on the way: a step is never interrupted between donating and keeping the result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

from jtf.engine.interrupts import interrupts
from jtf.engine.step import TrainState
from jtf.variable import is_variable, lend_all, read_all

_LOST = (
    "The value of this Variable was lost: the device failed in the middle of a training step, after the weights "
    "had been handed over to it. Load a saved model, or assign new values (model.set_weights(...))."
)
_READ_IN_STEP = (
    "A loss, metric or layer reads a Variable of the training state that it does not own (of the optimizer, say) "
    "while the training step is being traced. Read it in a callback, outside of the step."
)


class Loan:
    """The state of one training run.

    Args:
        variables: the state's structure, with a Variable at each leaf.
        donated: whether the steps take the state as a donation, so that they need a copy to begin with.
    """

    def __init__(self, variables: TrainState, donated: bool = True) -> None:
        self._donated = donated
        self._variables = jax.tree.leaves(variables, is_leaf=is_variable)
        self._structure: Any = jax.tree.structure(variables, is_leaf=is_variable)
        self._state: TrainState | None = None
        self._lock = threading.RLock()
        self._stepping: int | None = None  # the thread that runs a step
        self.lost = False

    def run(self, step: Callable[..., tuple[Any, ...]], *args: Any) -> tuple[Any, ...]:
        """``step(state, *args) -> (state, *rest)``: keeps the state, returns the rest."""
        interrupts.begin_step()
        try:
            while True:
                if self._state is None:
                    self._borrow()
                with self._lock:
                    if self._state is None:  # given back in the meantime
                        continue
                    self._stepping = threading.get_ident()
                    try:
                        with jax.transfer_guard_host_to_device("allow"):  # of the batch, which is what it is for
                            self._state, *rest = step(self._state, *args)
                    finally:
                        self._stepping = None
                    return tuple(rest)
        finally:
            interrupts.end_step()

    def look(self) -> TrainState:
        """The present state, for a step that does not donate it."""
        while (state := self._state) is None:
            self._borrow()
        return state

    def give_back(self) -> None:
        """Put the present state into the Variables.

        Raises:
            RuntimeError: a step failed on the device after the state had been donated to it, or the step that is
                being traced reads the state.
        """
        with self._lock:
            if self.lost:
                raise RuntimeError(_LOST)
            if self._stepping == threading.get_ident():
                raise RuntimeError(_READ_IN_STEP)
            if self._state is None:
                return
            values = jax.tree.leaves(self._state)
            if any(value.is_deleted() for value in values):
                self.lost = True
                raise RuntimeError(_LOST)
            for variable, value in zip(self._variables, values, strict=True):
                variable.take_back(value)
            self._state = None

    def _borrow(self) -> None:
        # Without the lock: reading may end another loan, whose run may be reading here.
        while True:
            values = read_all(self._variables)
            state = self._structure.unflatten(values)
            if self._donated:
                state = _copy(state)
            with self._lock:
                if lend_all(self._variables, values, self):
                    self._state = state
                    return

    @contextmanager
    def running(self) -> Iterator[Loan]:
        """Within this context the state may be on loan; at its end, however it ends, it is given back."""
        with interrupts.watched():
            try:
                yield self
            except BaseException as error:
                try:
                    self.give_back()
                except RuntimeError as lost:
                    error.add_note(str(lost))
                raise
            self.give_back()


@jax.jit
def _copy(state: TrainState) -> TrainState:
    return jax.tree.map(jnp.copy, state)
