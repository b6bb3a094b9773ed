"""The progress that `fit` shows: a bar where somebody is watching, a line an epoch where output is kept."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any

from jtf.callbacks import Callback

_REFRESH_SECONDS = 0.1
#: tqdm's, without the rate: so the numbers fit into 80 columns.
_LAYOUT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


def progress(verbose: int) -> list[Callback]:
    """The callback for ``verbose``: 0 nothing, 1 a bar and a line an epoch, 2 the line only.

    A bar needs a terminal or a notebook; into a file or a pipe, 1 writes lines as 2 does.

    Raises:
        ValueError: another value.
    """
    if verbose not in (0, 1, 2):
        raise ValueError(f"verbose is 0 (silent), 1 (a progress bar) or 2 (a line an epoch); received {verbose!r}.")
    if verbose == 0:
        return []
    return [Bar() if verbose == 1 and _is_watched() else Lines()]


class Lines(Callback):
    """One line an epoch: ``Epoch 1/5 - 0.8 s - loss: 0.3421 - acc: 0.9012``."""

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any]) -> None:
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        seconds = time.perf_counter() - self._started
        numbers = "".join(f" - {name}: {value:.4f}" for name, value in _in_order(logs).items())
        print(f"Epoch {epoch + 1}/{self.params['epochs']} - {seconds:.1f} s{numbers}", flush=True)


class Bar(Lines):
    """A tqdm bar while an epoch runs, and its line when it is done.

    The bar shows the batch's numbers; they are read from the device ten times a second at most. The time that remains
    is estimated without the first batch, which takes the time to compile the step or to fill a shuffle's window.
    """

    _bar: Any = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any]) -> None:
        super().on_epoch_begin(epoch, logs)
        self._bar = _tqdm()(
            total=self.params["steps"],
            desc=f"Epoch {epoch + 1}/{self.params['epochs']}",
            unit="batch",
            mininterval=_REFRESH_SECONDS,
            dynamic_ncols=True,
            leave=False,
            bar_format=_LAYOUT if self.params["steps"] else None,
        )
        self._next = time.perf_counter() + _REFRESH_SECONDS

    def on_batch_end(self, batch: int, logs: Mapping[str, Any]) -> None:
        if time.perf_counter() >= self._next:
            shown = {name: f"{logs[name]:.4f}" for name in logs if name not in ("batch", "size")}
            self._bar.set_postfix(shown, refresh=False)
            self._next = time.perf_counter() + _REFRESH_SECONDS
        if batch > 0:
            self._bar.update()
            return
        self._bar.n = self._bar.initial = self._bar.last_print_n = 1  # counted, but not among what is timed
        started = self._bar.start_t
        self._bar.unpause()
        self._bar.start_t = started  # the time that has gone by is all of it
        self._bar.refresh()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self._close()
        super().on_epoch_end(epoch, logs)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _in_order(logs: Mapping[str, float]) -> dict[str, float]:
    """The training's own numbers first."""
    return dict(sorted(logs.items(), key=lambda item: item[0].startswith("val_")))


def _is_watched() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _tqdm() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm warns when a notebook has no widgets; its text bar will do
        from tqdm.auto import tqdm
    return tqdm
