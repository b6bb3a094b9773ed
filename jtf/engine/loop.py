"""The one epoch loop: a generator of events, drained by `fit`, or with awaits by `fit_async`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from jtf.callbacks import BatchLogs, CallbackList, History
from jtf.engine.loan import Loan
from jtf.engine.objective import Objective
from jtf.engine.step import Batch, Totals, TrainState
from jtf.engine.warnings import warn
from jtf.train.optimizer import Optimizer


class Event(NamedTuple):
    """A point of the run: the hook to call with these arguments; no hook is a chance to pause."""

    hook: str | None
    args: tuple[Any, ...] = ()


@dataclass
class Run:
    """What one training run consists of.

    Attributes:
        model: has ``stop_training``.
        loan: the training state.
        no_totals: makes what an epoch's logs begin with.
        step: the jitted training step, which takes the state as a donation.
        optimizer, objective: as compiled.
        batches: the batches of an epoch.
        validate: evaluates the state's weights batch by batch; the last item is the logs.
        callbacks: to be called, the history among them.
        history: what `fit` returns.
        source: entered and left with the run: closes a pass that runs on across epochs.
        initial_epoch, epochs: runs from the one to before the other.
    """

    model: Any
    loan: Loan
    no_totals: Callable[[], Totals]
    step: Callable[..., tuple[TrainState, Totals, jax.Array]]
    optimizer: Optimizer
    objective: Objective
    batches: Callable[[int], Iterator[Batch]]
    validate: Callable[[TrainState], Iterator[dict[str, float] | None]] | None
    callbacks: CallbackList
    history: History
    source: AbstractContextManager[Any]
    initial_epoch: int
    epochs: int


def events(run: Run) -> Generator[Event]:
    """Train, yielding an `Event` at every hook. Closing the generator ends the run; the state is given back."""
    run.model.stop_training = False
    warned = False
    iterations = run.optimizer.iterations
    with closing(run.callbacks), run.source, run.loan.running():
        yield Event("on_train_begin", ({},))
        for epoch in range(run.initial_epoch, run.epochs):
            yield Event("on_epoch_begin", (epoch, {}))
            totals, first = run.no_totals(), iterations
            for index, batch in enumerate(run.batches(epoch)):
                size = batch.size
                yield Event("on_batch_begin", (index, {"batch": index, "size": size}))
                totals, values = run.loan.run(run.step, totals, run.optimizer.rule(), batch)
                iterations += 1
                yield Event("on_batch_end", (index, BatchLogs(index, size, run.objective.names, values)))
                if run.model.stop_training:
                    break
            logs: dict[str, float] = {}
            if run.validate is not None and not run.model.stop_training:
                for result in run.validate(run.loan.look()):
                    yield Event(None)
                    if result is not None:
                        logs = {f"val_{name}": value for name, value in result.items()}
            warned = warned or _warn_if_not_finite(run.model, totals, epoch, first)
            yield Event("on_epoch_end", (epoch, logs | run.objective.logs(totals.sums)))
            if run.model.stop_training:
                break
        yield Event("on_train_end", ({},))


def drain(run: Run) -> None:
    """Run to the end, calling the callbacks.

    Raises:
        TypeError: a callback is a coroutine function.
    """
    with closing(events(run)) as stream:
        for event in stream:
            if event.hook is None:
                continue
            for result in run.callbacks.call(event.hook, *event.args):
                if inspect.iscoroutine(result):
                    result.close()
                raise TypeError(
                    f"A callback's {event.hook} is a coroutine function, which fit cannot await. "
                    "Use `await model.fit_async(...)`, or a plain function."
                )


async def drain_async(run: Run) -> None:
    """Run to the end, calling (and awaiting) the callbacks, and letting other tasks run at every event."""
    import asyncio  # here, since it takes a tenth of jtf's own import time

    with closing(events(run)) as stream:
        for event in stream:
            if event.hook is not None:
                for result in run.callbacks.call(event.hook, *event.args):
                    await result
            await asyncio.sleep(0)


def _warn_if_not_finite(model: Any, totals: Totals, epoch: int, first: int) -> bool:
    at = int(totals.not_finite)
    if at < 0:
        return False
    lookups = ", ".join(f"{layer.name!r} (0 to {layer.index_range - 1})" for layer in model.hidden_lookups)
    hint = f" See also that what the model computes for these layers is indices in range: {lookups}." if lookups else ""
    warn(
        f"The loss became NaN or infinite in epoch {epoch + 1}, batch {at - first + 1}. The weights are probably "
        "useless from there on. Try a smaller learning rate, look for NaN in the data, and let "
        f"callbacks=[jtf.callbacks.terminate_on_nan()] stop at the first such batch.{hint}",
        RuntimeWarning,
    )
    return True
