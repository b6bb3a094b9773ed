"""From the arguments of `fit` and `fit_dataset` to a `Run` for the loop: everything is checked before it starts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from jtf import random
from jtf.callbacks import CallbackList, History, as_callbacks
from jtf.engine import elements, feed
from jtf.engine.loop import Run
from jtf.engine.step import Batch, TrainState
from jtf.engine.trainer import Trainer
from jtf.engine.weighting import with_class_weight
from jtf.progress import progress

Validate = Callable[[TrainState], Iterator[dict[str, float] | None]]


def in_memory(
    model: Any,
    trainer: Trainer,
    x: Any,
    y: Any,
    *,
    batch_size: int = 32,
    epochs: int = 1,
    verbose: int = 1,
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: Any = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
) -> Run:
    """The run of `LayersModel.fit`, whose arguments these are."""
    batch_size, shuffle = feed.positive(batch_size, "batch_size"), feed.boolean(shuffle, "shuffle")
    data = feed.batch_of(x, y, sample_weight, trainer.inputs, trainer.objective)
    if validation_data is not None:
        if validation_split:
            raise ValueError("Give either validation_split or validation_data, not both.")
        validate = _validation(trainer, validation_data, batch_size, None)
    elif validation_split:
        data, held_back = _split(data, validation_split)
        validate = _on_arrays(trainer, held_back, batch_size, None)
    else:
        validate = None
    feed.check_batch_size(data.size, batch_size, trainer.inputs)
    data = with_class_weight(data, class_weight, trainer.objective)  # not the validation's

    def batches(epoch: int) -> Iterator[Batch]:
        order = random.host_rng().permutation(data.size) if shuffle else None
        return feed.batches(data, batch_size, order)

    params = {"samples": data.size, "steps": math.ceil(data.size / batch_size), "batch_size": batch_size}
    return _run(model, trainer, batches, validate, params, nullcontext(), epochs, initial_epoch, verbose, callbacks)


def from_dataset(
    model: Any,
    trainer: Trainer,
    dataset: Any,
    *,
    epochs: int,
    batches_per_epoch: int | None,
    verbose: int,
    callbacks: Any,
    validation_data: Any,
    validation_batches: int | None,
    validation_batch_size: int,
    class_weight: Any,
    initial_epoch: int,
) -> Run:
    """The run of `LayersModel.fit_dataset`, whose arguments these are."""
    epochs, initial_epoch = _epochs(epochs, initial_epoch)
    steps = batches_per_epoch
    if steps is not None:
        steps = feed.positive(steps, "batches_per_epoch")
    elif isinstance(dataset, Iterator) and epochs - initial_epoch > 1:
        raise ValueError(
            f"{epochs - initial_epoch} epochs need as many passes over the dataset, but it is an iterator "
            f"({type(dataset).__name__}), which can be read once only. Pass the function that makes it (f, not "
            "f()), a jtf.data.Dataset, any iterable that starts again, or batches_per_epoch."
        )
    validate = None
    if validation_data is None and validation_batches is not None:
        raise ValueError(
            f"validation_batches={validation_batches} says how many batches of the validation data to use; there are "
            "none without validation_data."
        )
    if validation_data is not None:
        size = feed.positive(validation_batch_size, "validation_batch_size")
        validate = _validation(trainer, validation_data, size, validation_batches)
    unending = elements.fresh_iterator(dataset) if steps is not None else None

    def batches(epoch: int) -> Iterator[Batch]:
        done = 0
        stream = elements.fresh_iterator(dataset) if unending is None else unending
        with _closing(stream if unending is None else None):
            for element in itertools.islice(stream, steps):
                yield _batch(trainer, element, f"Batch {done + 1} of epoch {epoch + 1}", class_weight)
                done += 1
        if done == 0 and steps is None:
            hint = " Can it be read once only?" if epoch > initial_epoch else ""
            raise ValueError(f"The dataset yields no batch in epoch {epoch + 1}.{hint}")
        if steps is not None and done < steps:
            raise ValueError(
                f"The dataset ended after batch {done} of epoch {epoch + 1}; batches_per_epoch={steps} and "
                f"epochs={epochs} need {steps * (epochs - initial_epoch)} batches in all. Use .repeat(), or "
                "leave batches_per_epoch out: an epoch is then one pass."
            )

    params = {"samples": None, "steps": steps or _known_size(dataset), "batch_size": None}
    source = _closing(None if isinstance(dataset, Iterator) else unending)  # a pass of one's own ends with the run
    return _run(model, trainer, batches, validate, params, source, epochs, initial_epoch, verbose, callbacks)


def validation_batches(trainer: Trainer, dataset: Any, limit: int | None) -> Iterator[Batch]:
    """The checked batches of one pass over a dataset, or its first ``limit``.

    Raises:
        ValueError: it is empty, or has fewer.
    """
    limit = None if limit is None else feed.positive(limit, "The number of validation batches")
    done = 0
    stream = elements.fresh_iterator(dataset)
    with _closing(stream):
        for element in itertools.islice(stream, limit):
            yield _batch(trainer, element, f"Batch {done + 1} of the evaluated dataset")
            done += 1
    if done == 0 or (limit is not None and done < limit):
        raise ValueError(f"The evaluated dataset ended after {done} batches; expected {limit or 'at least one'}.")


def _run(
    model: Any,
    trainer: Trainer,
    batches: Callable[[int], Iterator[Batch]],
    validate: Validate | None,
    params: dict[str, Any],
    source: AbstractContextManager[Any],
    epochs: int,
    initial_epoch: int,
    verbose: int,
    callbacks: Any,
) -> Run:
    epochs, initial_epoch = _epochs(epochs, initial_epoch)
    names = trainer.objective.names
    history = History()
    params |= {
        "epochs": epochs,
        "initial_epoch": initial_epoch,
        "verbose": verbose,
        "do_validation": validate is not None,
        "metrics": names + [f"val_{name}" for name in names] * (validate is not None),
    }
    # The user's callbacks come before History, so that what they add to an epoch's logs is kept.
    listening = CallbackList([*progress(verbose), *as_callbacks(callbacks), history], model, params)
    return Run(
        model,
        trainer.loan(),
        trainer.no_totals,
        trainer.train_step,
        trainer.optimizer,
        trainer.objective,
        batches,
        validate,
        listening,
        history,
        source,
        initial_epoch,
        epochs,
    )


def _epochs(epochs: Any, initial_epoch: Any) -> tuple[int, int]:
    epochs = feed.positive(epochs, "epochs")
    if isinstance(initial_epoch, bool) or not isinstance(initial_epoch, int | np.integer) or initial_epoch < 0:
        raise ValueError(f"initial_epoch is an integer from 0 on; received {initial_epoch!r}.")
    if initial_epoch > epochs:
        raise ValueError(
            f"initial_epoch={initial_epoch} is beyond epochs={epochs}: epochs is the number of the epoch before which "
            f"the run ends, not how many there are. For {epochs} more pass epochs={initial_epoch + epochs}."
        )
    return epochs, int(initial_epoch)


def _validation(trainer: Trainer, data: Any, batch_size: int, limit: int | None) -> Validate:
    if isinstance(data, tuple | list) and len(data) in (2, 3) and not _is_list_of_batches(data):
        x, y, weights = (*data, None)[:3]
        try:
            batch = feed.batch_of(x, y, weights, trainer.inputs, trainer.objective)
        except (ValueError, TypeError) as error:
            raise type(error)(f"validation_data: {error}") from error
        return _on_arrays(trainer, batch, batch_size, limit)
    if isinstance(data, Iterator):
        raise ValueError(
            "The validation dataset is read in every epoch, but it is an iterator, which can be read once only. "
            "Pass the function that makes it, or a jtf.data.Dataset."
        )
    if isinstance(data, tuple | list) and not _is_list_of_batches(data):
        raise ValueError(
            "validation_data is (x, y), (x, y, sample_weight) or a dataset of batches; "
            f"received a {type(data).__name__} of {len(data)}."
        )
    elements.check_dataset(data)
    return lambda state: trainer.evaluate(state, validation_batches(trainer, data, limit))


def _is_list_of_batches(data: Any) -> bool:
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(each, tuple) or elements.is_batch(each) for each in data)
    )


def _on_arrays(trainer: Trainer, data: Batch, batch_size: int, limit: int | None) -> Validate:
    if limit is not None:
        limit = feed.positive(limit, "validation_batches")
        if limit > (there := math.ceil(data.size / batch_size)):
            raise ValueError(f"The validation data has {there} batches of {batch_size}; validation_batches={limit}.")
        data = feed.part(data, slice(limit * batch_size))
    try:
        feed.check_batch_size(data.size, batch_size, trainer.inputs)
    except ValueError as error:
        raise ValueError(f"Validation data: {error}") from error
    return lambda state: trainer.evaluate(state, feed.batches(data, batch_size))


def _split(data: Batch, fraction: float) -> tuple[Batch, Batch]:
    """The first part to train on, the tail to validate with."""
    if isinstance(fraction, str) or np.ndim(fraction) != 0 or not 0 < fraction < 1:
        raise ValueError(f"validation_split is a fraction from 0 to 1; received {fraction!r}.")
    at = math.floor(data.size * (1 - fraction))
    if at in (0, data.size):
        raise ValueError(
            f"validation_split={fraction} of {data.size} samples leaves {at} to train on and "
            f"{data.size - at} to validate with; both need at least one."
        )
    return feed.part(data, slice(at)), feed.part(data, slice(at, None))


def _batch(trainer: Trainer, element: Any, where: str, class_weight: Any = None) -> Batch:
    try:
        x, y, weights = elements.unpack(element)
        batch = feed.batch_of(x, y, weights, trainer.inputs, trainer.objective)
        feed.check_batch_size(batch.size, batch.size, trainer.inputs)
        # Copied, since the dataset may fill its buffers anew while the device still reads them.
        return feed.copied(with_class_weight(batch, class_weight, trainer.objective))
    except (ValueError, TypeError) as error:
        raise type(error)(f"{where}: {error}") from error


@contextmanager
def _closing(stream: Any) -> Iterator[None]:
    """At the end of the context, however it ends, close a pass over a dataset: its threads end, then."""
    try:
        yield
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()


def _known_size(dataset: Any) -> int | None:
    try:
        return len(dataset)
    except TypeError:
        return None
