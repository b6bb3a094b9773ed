"""Callbacks: your code at six points of a training run, and the ready-made ones.

A callback is a dict of functions, a `Callback`, or a list of both:

Example:
    >>> import jtf, numpy as np
    >>> model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2])])
    >>> model.compile(optimizer="sgd", loss="meanSquaredError")
    >>> seen = []
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0,
    ...               callbacks={"on_epoch_end": lambda epoch, logs: seen.append((epoch, sorted(logs)))})
    >>> seen
    [(0, ['loss']), (1, ['loss'])]
"""

from __future__ import annotations

import inspect
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np

from jtf.missing import Answering, knows_arguments
from jtf.monitors import logged_name, rises
from jtf.naming import nearest, snake_case
from jtf.options import Count, check_constructor
from jtf.types import Array

HOOKS = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_batch_begin", "on_batch_end")
#: Keras's names of two of them.
_KERAS_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}
#: Keras's other hooks.
_OF_EVALUATION = re.compile("on_(test|predict)_(batch_)?(begin|end)")


def _why_not_called(name: str) -> str | None:
    """Why a method of this name would never be called, where it reads like a hook."""
    hook = snake_case(name)
    known = {*HOOKS, *_KERAS_NAMES, "set_model", "set_params"}
    if name in known:
        return None
    if hook in known:
        return f": name the method {hook}."
    if not hook.startswith("on_"):
        return None
    if instead := _instead(hook):
        return f".{instead}"
    if near := nearest(hook, HOOKS):
        return f".{near} Hooks: {', '.join(HOOKS)}. What is no hook needs a name that does not begin with on_."
    return None


def _instead(hook: str) -> str:
    match = _OF_EVALUATION.fullmatch(hook)
    if match is None:
        return ""
    if match[1] == "test":
        return " For validation use on_epoch_end, whose logs have val_loss and the like; evaluate calls no callbacks."
    return " predict calls no callbacks: do what is to be done before or after it."


class Callback(Answering):
    """The base class: override the hooks you need.

    Keras's ``on_train_batch_begin`` and ``on_train_batch_end`` are the hooks of a batch, too; where a class has both
    names, the one of Keras is called, whose own version calls the other.

    Attributes:
        model: the model being trained.
        params: what `fit` was asked for: epochs, initial_epoch, samples, steps, batch_size, verbose,
            do_validation, metrics; None where unknown.
    """

    model: Any
    params: dict[str, Any]

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a method that is meant as a hook but would never be called.

        Raises:
            TypeError: the class defines ``onEpochEnd``, ``on_epoch_ends``, ``on_test_end`` or another such method.
        """
        super().__init_subclass__(**options)
        check_constructor(cls)
        for base in cls.__mro__:
            if not issubclass(Callback, base):
                for name in vars(base):
                    if (reason := _why_not_called(name)) is not None:
                        raise TypeError(f"{cls.__name__}.{name} would never be called{reason}")

    def set_params(self, params: dict[str, Any]) -> None:
        """Receive the run's `params`, before it begins."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receive the run's `model`, before it begins."""
        self.model = model

    def on_train_begin(self, logs: Mapping[str, Any]) -> Any:
        """Before the first epoch."""

    def on_train_end(self, logs: Mapping[str, Any]) -> Any:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any]) -> Any:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> Any:
        """After an epoch; ``logs`` has its means: ``loss``, ``acc``, ``val_loss``, ..."""

    def on_batch_begin(self, batch: int, logs: Mapping[str, Any]) -> Any:
        """Before a batch, counted from 0 in each epoch; ``logs`` has ``batch`` and ``size``."""

    def on_batch_end(self, batch: int, logs: Mapping[str, Any]) -> Any:
        """After a batch; ``logs`` has its own values too: ``loss``, ``acc``, ...

        Reading one of them waits for the device; not reading any costs nothing.
        """

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any]) -> Any:
        """`on_batch_begin` under Keras's name."""
        return self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any]) -> Any:
        """`on_batch_end` under Keras's name."""
        return self.on_batch_end(batch, logs)

    def _close(self) -> None:
        """Let go of what is held open; called however the run ends, by an exception, too."""


class BatchLogs(Mapping[str, Any]):
    """The logs of one batch: its values stay on the device until somebody reads one."""

    def __init__(self, batch: int, size: int, names: list[str], values: Array) -> None:
        self._known: dict[str, Any] = {"batch": batch, "size": size}
        self._names, self._values = names, values

    def _read(self) -> dict[str, Any]:
        if self._names:
            self._known |= dict(zip(self._names, np.asarray(self._values).tolist(), strict=True))
            self._names = []
        return self._known

    def __getitem__(self, key: str) -> Any:
        return self._known[key] if key in self._known else self._read()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._known or key in self._names

    def __iter__(self) -> Iterator[str]:
        return iter([*self._known, *self._names])

    def __len__(self) -> int:
        return len(self._known) + len(self._names)

    def __repr__(self) -> str:
        return repr(self._read())


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        hooks: functions by hook name; the names of TF.js (``onEpochEnd``) and Keras (``on_train_batch_end``) are
            understood.

    Raises:
        ValueError: no such hook, with the nearest in the message; or one hook under two names.
        TypeError: not a function.
    """

    def __init__(self, **hooks: Callable[..., Any]) -> None:
        for name, function in hooks.items():
            hook = _KERAS_NAMES.get(snake_case(name), snake_case(name))
            if hook not in HOOKS:
                hint = _instead(hook) or nearest(name, HOOKS)
                raise ValueError(f"Unknown callback hook {name!r}.{hint} Hooks: {', '.join(HOOKS)}.")
            if not callable(function):
                raise TypeError(f"Callback hook {name!r} must be a function; received {function!r}.")
            if hook in vars(self):
                raise ValueError(f"The callback has {hook} twice, under two names. Leave one out; {name!r} is second.")
            setattr(self, hook, function)


class History(Callback):
    """What a training run has come to; `fit` returns it.

    Attributes:
        history: for each name in the logs, one number an epoch: ``history["val_acc"][-1]``.
        epoch: the epochs that were run, counted from 0.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        last = ", ".join(
            f"{name}={values[-1]:.4f}" for name, values in self.history.items() if isinstance(values[-1], float)
        )
        return f"<History of {len(self.epoch)} epochs{': ' + last if last else ''}>"


class EarlyStopping(Callback):
    """Stops the training when a number no longer improves.

    Args:
        monitor: the name in the logs, or what TF.js or Keras would call it (``val_accuracy`` finds ``val_acc``);
            ``val_loss`` needs validation data.
        min_delta: a change of less than this is no improvement.
        patience: the run stops after this many epochs without improvement (0: after the first, as 1 does).
        verbose: 1 prints why it stopped.
        mode: ``"min"``, ``"max"``, or ``"auto"``: losses and errors are minimised, while accuracies, precision,
            recall, auc, f1, iou, r2 and the like are maximised. Where the name does not tell, what has ``acc`` in it
            is maximised, as in TF.js, with a warning.
        baseline: the value to beat at first.
        restore_best_weights: at the end, go back to the weights of the best epoch. (TF.js cannot.)

    Raises:
        ValueError: an unknown mode.
    """

    @knows_arguments
    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: Count = 0,
        verbose: Count | bool = 0,
        mode: Literal["auto", "min", "max"] = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
    ) -> None:
        self.monitor, self.min_delta, self.patience, self.verbose = monitor, abs(min_delta), patience, verbose
        self.baseline, self.restore_best_weights = baseline, restore_best_weights
        rising = {"min": False, "max": True}.get(mode, rises(monitor))
        if rising is None:
            rising = "acc" in monitor
            warnings.warn(
                f"EarlyStopping cannot tell from the name {monitor!r} whether the number is better when it is smaller "
                f"or greater, and takes {'greater' if rising else 'smaller'} for better. Pass mode='min' or 'max'.",
                stacklevel=2,
            )
        self._sign = 1.0 if rising else -1.0

    def on_train_begin(self, logs: Mapping[str, Any]) -> None:
        self.stopped_epoch: int | None = None
        self.best = -self._sign * math.inf if self.baseline is None else self.baseline
        self._wait = 0
        self._best_seen = -self._sign * math.inf  # apart from the baseline, which may never be beaten
        self._best_weights: list[Array] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        name = logged_name(self.monitor, logs)
        if name is None:
            if not self.model.stop_training:  # an epoch that was stopped is not validated
                self._warn_of_missing(epoch, logs)
            return
        current = logs[name]
        if self.restore_best_weights and self._sign * (current - self._best_seen) > self.min_delta:
            self._best_seen, self._best_weights = current, self.model.get_weights()
        if self._sign * (current - self.best) > self.min_delta:
            self.best, self._wait = current, 0
            return
        self._wait += 1
        if self._wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _warn_of_missing(self, epoch: int, logs: Mapping[str, Any]) -> None:
        unvalidated = self.monitor.startswith("val") and not any(name.startswith("val_") for name in logs)
        hint = " Pass validation data." if unvalidated else f"{nearest(self.monitor, logs)} Monitor one of these."
        # With the epoch in it, since Python shows the same warning only once.
        warnings.warn(
            f"Epoch {epoch + 1}: EarlyStopping cannot stop the training, as it watches {self.monitor!r}, which is not "
            f"in the logs: {', '.join(logs)}.{hint}",
            stacklevel=3,
        )

    def on_train_end(self, logs: Mapping[str, Any]) -> None:
        if self.stopped_epoch is not None and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: {self.monitor} no longer improves on {self.best:.6g}; stopped.")
        if self._best_weights is not None:
            self.model.set_weights(self._best_weights)


class TerminateOnNaN(Callback):
    """Stops the training at the first batch whose loss is not finite. It reads every batch's loss."""

    def on_batch_end(self, batch: int, logs: Mapping[str, Any]) -> None:
        if not math.isfinite(logs["loss"]):
            self.model.stop_training = True


#: `EarlyStopping` under TF.js's name, ``tf.callbacks.earlyStopping``.
early_stopping = EarlyStopping
#: `TerminateOnNaN` under a name of the same kind.
terminate_on_nan = TerminateOnNaN


def as_callbacks(given: Any) -> list[Callback]:
    """The callbacks that ``callbacks=`` stands for: None, one or a list; dicts of hooks or objects.

    Raises:
        TypeError: something else, such as a class that was not called.
    """
    items = given if isinstance(given, list | tuple) else [] if given is None else [given]
    return [_as_callback(item) for item in items]


def _as_callback(given: Any) -> Callback:
    if isinstance(given, Mapping):
        return LambdaCallback(**given)
    if isinstance(given, Callback):
        return given
    mend = f" Call it: {given.__name__}()." if isinstance(given, type) else ""
    raise TypeError(
        "A callback is a dict of hooks such as {'on_epoch_end': f}, or an object of a class derived from "
        f"jtf.callbacks.Callback; received {given!r}.{mend}"
    )


class CallbackList:
    """The callbacks of one run: calls those that have something to do at a hook.

    Raises:
        TypeError: a hook does not take the arguments that it is called with, or is none.
    """

    def __init__(self, callbacks: Iterable[Callback], model: Any, params: dict[str, Any]) -> None:
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            for name in vars(callback):
                if (reason := _why_not_called(name)) is not None:
                    raise TypeError(f"{name}, set on a {type(callback).__name__}, would never be called{reason}")
            callback.set_params(params)
            callback.set_model(model)
        self._by_hook = {hook: [f for c in self.callbacks if (f := _listener(c, hook))] for hook in HOOKS}

    def listens(self, hook: str) -> bool:
        """Whether any callback does something at this hook."""
        return bool(self._by_hook[hook])

    def call(self, hook: str, *args: Any) -> Iterator[Any]:
        """Call the hook of one callback after the other; yields what is to be awaited before the next is called."""
        for function in self._by_hook[hook]:
            result = function(*args)
            if inspect.isawaitable(result):
                yield result

    def close(self) -> None:
        """The end of the run, however it came."""
        for callback in self.callbacks:
            callback._close()


def _listener(callback: Callback, hook: str) -> Callable[..., Any] | None:
    """What the callback has to do at a hook, if anything."""
    for name in (*(keras for keras, own in _KERAS_NAMES.items() if own == hook), hook):
        if name in vars(callback) or getattr(type(callback), name) is not getattr(Callback, name):
            function = getattr(callback, name)
            _check_arguments(function, name, type(callback).__name__)
            return function
    return None


def _check_arguments(function: Callable[..., Any], hook: str, owner: str) -> None:
    counted = hook.split("_")[-2]
    given = ["logs"] if counted == "train" else [counted, "logs"]
    try:
        inspect.signature(function).bind(*given)
    except TypeError as error:
        raise TypeError(f"{owner}.{hook} is called as {hook}({', '.join(given)}), but: {error}.") from None
    except ValueError:  # some built-in functions do not tell what they take
        pass
