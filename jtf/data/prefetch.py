"""A pass that runs ahead on its own thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from jtf.data.shuffling import context_with_own_source

#: How long closing a pass waits for its thread. The thread is told at once; it needs longer only when it is
#: in the middle of making an element, and then it ends by itself as soon as that is done.
_JOIN_SECONDS = 1.0


class _Queue:
    """What the two threads share: elements that are ready, and how the pass ended."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.ready: deque[Any] = deque()
        self.finished = False
        self.error: BaseException | None = None
        self.abandoned = False
        # The lock must be re-entrant: the garbage collector may close a pass on a thread that holds it.
        self.changed = threading.Condition(threading.RLock())

    def wait_for_room(self) -> bool:
        """Whether one more element is wanted; False once nobody listens any more."""
        with self.changed:
            self.changed.wait_for(lambda: self.abandoned or len(self.ready) < self.capacity)
            return not self.abandoned

    def put(self, element: Any) -> None:
        with self.changed:
            self.ready.append(element)
            self.changed.notify_all()

    def finish(self, error: BaseException | None) -> None:
        with self.changed:
            self.finished, self.error = True, error
            self.changed.notify_all()

    def abandon(self) -> None:
        with self.changed:
            self.abandoned = True
            self.ready.clear()
            self.changed.notify_all()

    def wait_for_element(self) -> bool:
        """Whether there is an element to take; False at the end of the pass."""
        with self.changed:
            self.changed.wait_for(lambda: bool(self.ready) or self.finished)
            return bool(self.ready)

    def take(self) -> Any:
        with self.changed:
            element = self.ready.popleft()
            self.changed.notify_all()
            return element


def prefetched(elements: Iterator[Any], buffer_size: int) -> Iterator[Any]:
    """The same elements in order, made ahead on a thread that keeps ``buffer_size`` of them ready at most.

    An exception is raised again here, with the traceback of where it happened. The thread ends with the pass,
    or when the iterator is closed, abandoned or collected.
    """
    # The source of random numbers is drawn now, on the caller's thread, so that it does not depend on timing.
    return _consume(elements, buffer_size, context_with_own_source())


def _consume(elements: Iterator[Any], buffer_size: int, context: Any) -> Iterator[Any]:
    queue = _Queue(buffer_size)
    thread = threading.Thread(
        target=context.run, args=(_produce, elements, queue), name="jtf.data.prefetch", daemon=True
    )
    del elements, context  # only the thread has the upstream from here on, and drops it when it ends
    thread.start()
    try:
        while queue.wait_for_element():
            yield queue.take()
        error, queue.error = queue.error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback holds this frame: leave no circle behind
    finally:
        queue.abandon()
        if thread is not threading.current_thread():
            thread.join(_JOIN_SECONDS)


def _produce(elements: Iterator[Any], queue: _Queue) -> None:
    try:
        # Waiting for room first, so that no element is made that has nowhere to go.
        while queue.wait_for_room():
            try:
                element = next(elements)
            except StopIteration:
                break
            queue.put(element)
            del element  # the consumer's now
        if hasattr(elements, "close"):
            elements.close()
        queue.finish(None)
    except BaseException as error:
        queue.finish(error)
