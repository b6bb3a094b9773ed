"""Ctrl-C while a training step runs is raised right behind the step, when the new state has been kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupts:
    """The one handler of SIGINT for all training runs of the main thread, there while any of them runs."""

    def __init__(self) -> None:
        self._runs = 0
        self._original: Any = None
        self._in_step = False
        self._frame: FrameType | None = None
        self._pending = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within this context, on the main thread, interrupts wait for the end of a step."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        if self._runs == 0:
            self._original = signal.getsignal(signal.SIGINT)
            if callable(self._original):
                signal.signal(signal.SIGINT, self._handle)
        self._runs += 1
        try:
            yield
        finally:
            self._runs -= 1
            if self._runs == 0 and callable(self._original):
                signal.signal(signal.SIGINT, self._original)

    def begin_step(self) -> None:
        """From here on, interrupts wait."""
        if threading.current_thread() is threading.main_thread():
            self._in_step = True

    def end_step(self) -> None:
        """Raise the interrupt that has come meanwhile."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._in_step = False
        if self._pending:
            self._pending = False
            self._original(signal.SIGINT, self._frame)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._in_step:
            self._pending, self._frame = True, frame
        else:
            self._original(number, frame)


interrupts = Interrupts()
