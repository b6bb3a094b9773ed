"""`Loan`: the training state on its way from the Variables through donated steps and back.

While a loan runs, the Variables are empty and the state exists once, in the buffers that the step donates and
returns. Whoever reads or assigns one of the Variables meanwhile (a callback, another thread) ends the loan: the
present state goes into the Variables, and the next step takes a copy, so that no array anybody holds is ever
donated. Nothing is lost on the way: a step is never interrupted between donating and keeping the result.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import jax
import jax.numpy as jnp

from jtf.engine.step import TrainState
from jtf.variable import Variable

_LOST = (
    "The value of this Variable was lost: the device failed in the middle of a training step, after the weights "
    "had been handed over to it. Load a saved model, or assign new values (model.set_weights(...))."
)


class Loan:
    """The state of one training run.

    Args:
        variables: the state's structure, with a Variable at each leaf.
    """

    def __init__(self, variables: TrainState) -> None:
        self._variables = jax.tree.leaves(variables, is_leaf=lambda x: isinstance(x, Variable))
        self._structure: Any = jax.tree.structure(variables, is_leaf=lambda x: isinstance(x, Variable))
        self._state: TrainState | None = None
        self._lock = threading.RLock()
        self._in_step = False
        self._interrupt: Callable[[], None] | None = None
        self.lost = False

    def run(self, step: Callable[..., tuple[Any, ...]], *args: Any) -> tuple[Any, ...]:
        """``step(state, *args) -> (state, *rest)``: keeps the state, returns the rest."""
        with self._lock:
            state = self._take() if self._state is None else self._state
            self._in_step = True
            try:
                self._state, *rest = step(state, *args)
            finally:
                self._in_step = False
        if self._interrupt is not None:
            interrupt, self._interrupt = self._interrupt, None
            interrupt()
        return tuple(rest)

    def look(self) -> TrainState:
        """The present state, for a step that does not donate it."""
        with self._lock:
            if self._state is None:
                self._state = self._take()
            return self._state

    def give_back(self) -> None:
        """Put the present state into the Variables.

        Raises:
            RuntimeError: a step failed on the device after the state had been donated to it.
        """
        with self._lock:
            if self.lost:
                raise RuntimeError(_LOST)
            if self._state is None:
                return
            values = jax.tree.leaves(self._state)
            if any(value.is_deleted() for value in values):
                self.lost = True
                raise RuntimeError(_LOST)
            for variable, value in zip(self._variables, values, strict=True):
                variable.take_back(value)
            self._state = None

    def _take(self) -> TrainState:
        values = self._structure.unflatten([variable.read() for variable in self._variables])
        state = _copy(values)
        for variable in self._variables:
            variable.lend(self)
        return state

    @contextmanager
    def running(self) -> Iterator[Loan]:
        """Within this context the state may be on loan; at its end, however it ends, it is given back."""
        with self._interrupts_deferred():
            try:
                yield self
            except BaseException as error:
                try:
                    self.give_back()
                except RuntimeError as lost:
                    error.add_note(str(lost))
                raise
            self.give_back()

    @contextmanager
    def _interrupts_deferred(self) -> Iterator[None]:
        """Ctrl-C during a step is raised right behind it, when the new state has been kept."""
        original = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(original):
            yield
            return

        def handler(number: int, frame: FrameType | None) -> None:
            if self._in_step:
                self._interrupt = lambda: original(number, frame)
            else:
                original(number, frame)

        signal.signal(signal.SIGINT, handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, original)


@jax.jit
def _copy(state: TrainState) -> TrainState:
    return jax.tree.map(jnp.copy, state)
