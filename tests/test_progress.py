"""What fit shows: a bar on a terminal, lines in a file, nothing where nothing is wanted."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import types

import numpy as np
import pytest
import tqdm.auto

import jtf
from jtf import progress
from jtf.callbacks import BatchLogs
from tests.models.doubles import dataset_of, line_data, linear, shared_linear

X, Y = line_data()
LINE = (
    r"Epoch {}/3 - \d+\.\d s - loss: \d+\.\d{{4}} - mae: \d+\.\d{{4}} - val_loss: \d+\.\d{{4}} - val_mae: \d+\.\d{{4}}"
)


@pytest.fixture(autouse=True)
def outside_of_notebooks(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)


class Terminal:
    """A pseudo-terminal in place of stderr, from `begin` on."""

    def __init__(self, monkeypatch):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
        self.stream = os.fdopen(slave, "w")
        self.monkeypatch = monkeypatch

    def begin(self):
        self.monkeypatch.setattr(sys, "stderr", self.stream)

    def written(self):
        self.stream.flush()
        os.set_blocking(self.master, False)
        text = b""
        try:
            while chunk := os.read(self.master, 65536):
                text += chunk
        except BlockingIOError:
            pass
        return text.decode()


@pytest.fixture
def terminal(monkeypatch):
    # Begun by the test itself: pytest puts its own stderr in place when it calls the test.
    with monkeypatch.context() as patch:
        terminal = Terminal(patch)
        yield terminal
    terminal.stream.close()
    os.close(terminal.master)


def fit(verbose, epochs=3, **options):
    model = linear(metrics=["mae"])
    model.fit(X, Y, batch_size=2, epochs=epochs, verbose=verbose, validation_split=0.2, **options)


@pytest.mark.parametrize("verbose", [1, 2])
def test_lines_where_nobody_watches(verbose, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    fit(verbose)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for epoch, line in enumerate(lines, start=1):
        assert re.fullmatch(LINE.format(epoch), line), line
    assert sys.stderr.getvalue() == ""


def test_lines_on_a_terminal_when_wanted(terminal, capsys):
    terminal.begin()
    fit(2)
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert terminal.written() == ""


def test_nothing(terminal, capsys):
    terminal.begin()
    fit(0)
    assert (terminal.written(), capsys.readouterr().out) == ("", "")


def test_a_bar_on_a_terminal_and_a_line_when_it_is_done(terminal, capsys):
    terminal.begin()
    fit(1)
    shown = terminal.written()
    for epoch, line in enumerate(capsys.readouterr().out.splitlines(), start=1):
        assert f"Epoch {epoch}/3: " in shown
        assert re.fullmatch(LINE.format(epoch), line), line
    assert "/4 [" in shown
    assert "\n" not in shown, "the bar makes room for the line"


def test_a_bar_without_known_length(terminal):
    terminal.begin()
    linear().fit_dataset(lambda: iter(dataset_of(X, Y)), epochs=1)
    assert re.search(r"Epoch 1/1: .*batch", terminal.written())


def test_a_bar_over_a_dataset_of_known_length(terminal):
    terminal.begin()
    linear().fit_dataset(dataset_of(X, Y), epochs=1)
    assert "/3 [" in terminal.written()


@pytest.mark.parametrize("hook", ["on_batch_begin", "on_batch_end", "on_epoch_end", "on_epoch_begin", "on_train_end"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_the_bar_is_cleared_however_the_run_ends(terminal, hook, error):
    terminal.begin()

    def stop(*args):
        raise error

    with pytest.raises(error) as caught:  # and held: its traceback keeps the run's objects alive
        shared_linear().fit(X, Y, batch_size=2, epochs=2, callbacks={hook: stop})
    print(caught.typename, file=sys.stderr)
    assert on_screen(terminal.written()) == [error.__name__]
    assert len(tqdm.auto.tqdm._instances) == 0


def test_the_bar_is_cleared_when_the_data_fail(terminal):
    terminal.begin()

    def broken():
        yield X[:2], Y[:2]
        raise OSError("disk")

    with pytest.raises(OSError, match="disk") as caught:
        shared_linear().fit_dataset(broken, epochs=1)
    print(caught.value, file=sys.stderr)
    assert on_screen(terminal.written()) == ["disk"]


def on_screen(written):
    """The lines that are to be seen on a terminal to which this was written."""
    lines = [""]
    for part in re.split(r"(\r|\n)", written):
        if part == "\n":
            lines.append("")
            at = 0
        elif part == "\r":
            at = 0
        else:
            at = 0 if not lines[-1] else at
            lines[-1] = lines[-1][:at] + part + lines[-1][at + len(part) :]
            at += len(part)
    return [line.rstrip() for line in lines if line.strip()]


def test_what_remains_is_estimated_without_the_first_batch(terminal, monkeypatch):
    terminal.begin()
    now = [1000.0]
    monkeypatch.setattr(tqdm.std, "time", lambda: now[0])
    seen = []

    class Look(jtf.callbacks.Callback):
        def on_batch_end(self, batch, logs):
            (bar,) = tqdm.auto.tqdm._instances
            seen.append((bar.n, tqdm.auto.tqdm.format_meter(**bar.format_dict)))

        def on_batch_begin(self, batch, logs):
            now[0] += 100.0 if batch == 0 else 1.0

    shared_linear().fit(X, Y, batch_size=1, epochs=1, callbacks=Look())
    count = len(X)
    assert [n for n, _ in seen] == list(range(1, count + 1))
    assert "[01:40<?" in seen[0][1], "after one batch nothing is known"
    for n, text in seen[1:]:
        spent, left = 100 + n - 1, count - n
        assert f"[{spent // 60:02d}:{spent % 60:02d}<{left // 60:02d}:{left % 60:02d}" in text


def test_numbers_are_read_ten_times_a_second_at_most(terminal, monkeypatch):
    terminal.begin()
    reads, original = [], BatchLogs._read

    def read(self):
        reads.append(self["batch"])
        return original(self)

    monkeypatch.setattr(BatchLogs, "_read", read)
    now = [0.0]
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(perf_counter=lambda: now[0]))

    def tick(batch, logs):
        now[0] += 0.009

    x = np.repeat(X, 10, axis=0)
    linear().fit(x, np.repeat(Y, 10, axis=0), batch_size=1, epochs=1, callbacks={"on_batch_begin": tick})
    # A hundred batches in nine tenths of a second.
    assert 6 <= len(set(reads)) <= 9
    reads.clear()
    now[0] = 0.0
    linear().fit(X, Y, batch_size=1, epochs=1, callbacks={"on_batch_begin": tick})
    assert reads == [], "an epoch of less than a tenth reads none"


@pytest.mark.parametrize("verbose", [3, -1, "yes", None])
def test_an_unknown_verbosity(verbose):
    with pytest.raises(ValueError, match=r"verbose is 0 \(silent\), 1 \(a progress bar\) or 2"):
        fit(verbose)


def test_in_a_pipe():
    program = (
        "import numpy as np, jtf\n"
        "model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[1])])\n"
        "model.compile(optimizer='sgd', loss='mse')\n"
        "model.fit(np.ones((4, 1)), np.ones(4), epochs=2)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert re.fullmatch(r"Epoch 1/2 - .* s - loss: .*\nEpoch 2/2 - .* s - loss: .*\n", done.stdout)
    assert done.stderr == ""


def test_in_a_notebook_there_is_a_bar(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    (shown,) = progress.progress(1)
    assert isinstance(shown, progress.Bar)
    assert isinstance(shown, jtf.callbacks.Callback)
