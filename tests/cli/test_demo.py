"""The command line: the demo on a few digits, as a person, a pipe and a script see it; and once for real."""

import importlib.util
import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import jtf
from jtf import cli
from jtf.cli import demo
from jtf.datasets import Digits, Mnist

DIGITS = jtf.datasets.mnist()
BLOCKS = set("▄▀█")


def first(digits, count):
    return Digits(digits.images[:count], digits.labels[:count])


@pytest.fixture
def few_digits(monkeypatch, tmp_path):
    """The demo sees 300 digits to train on and 200 to test on, and runs in an empty directory."""
    monkeypatch.setattr(jtf.datasets, "mnist", lambda: Mnist(first(DIGITS.train, 300), first(DIGITS.test, 200)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # which notebooks' tests import: nobody watches here
    return tmp_path


def without_matplotlib(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name))


@pytest.mark.parametrize("how", [[], ["--core"]])
class TestDemo:
    def test_what_it_prints_and_writes(self, few_digits, capsys, how):
        assert cli.main(["demo", "--epochs", "2", *how]) == 0
        out, err = capsys.readouterr()
        assert "trains it on 280 MNIST digits" in out
        assert "validates it on 20 others" in out
        assert ("optimizer.minimize" in out) is bool(how)
        for epoch in (1, 2):
            numbers = r"loss: \d\.\d{4} .*val_loss: \d\.\d{4} - val_acc: \d\.\d{4}"
            assert re.search(rf"^Epoch {epoch}/2 - \d+\.\d s - {numbers}$", out, re.M)
        accuracy, right = re.search(r"Test accuracy: (0\.\d{4})\. Of 200 digits .* it reads (\d+) right", out).groups()
        assert float(accuracy) == int(right) / 200
        assert "WRONG" in out
        assert out.endswith("Learning curves: jtf-demo.png\n")
        assert (few_digits / "jtf-demo.png").read_bytes().startswith(b"\x89PNG")
        assert err == ""
        # Nothing but text, as this is no terminal, and lines that fit into one.
        assert set(out) - BLOCKS <= {"\n", *map(chr, range(32, 127))}
        assert set(out) >= BLOCKS
        assert all(len(line) < 80 for line in out.splitlines() if not line.startswith("Epoch"))

    def test_it_learns(self, few_digits, capsys, how):
        cli.main(["demo", "--epochs", "8", *how])
        out = capsys.readouterr().out
        losses = [float(loss) for loss in re.findall(r" - loss: (\S+)", out)]
        assert losses[-1] < losses[0] / 2
        assert float(re.search(r"Test accuracy: (0\.\d{4})", out)[1]) > 0.5

    @pytest.mark.slow
    def test_a_seed_fixes_everything(self, few_digits, capsys, how):
        def output(seed):
            cli.main(["demo", "--epochs", "1", "--seed", seed, *how])
            return re.sub(r"\d+\.\d s", "", capsys.readouterr().out)

        assert output("3") == output("3")
        assert output("3").replace("seed 3", "") != output("4").replace("seed 4", "")

    def test_ascii_where_there_are_no_blocks(self, few_digits, monkeypatch, how):
        narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, "stdout", narrow)
        assert cli.main(["demo", "--epochs", "1", *how]) == 0
        text = narrow.buffer.getvalue().decode("ascii")
        assert "@@" in text
        assert "read as" in text

    def test_a_terminal_is_shown_the_batches_meanwhile(self, few_digits, monkeypatch, how):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(demo, "_REFRESH_SECONDS", 0)
        cli.main(["demo", "--epochs", "1", *how])
        shown = terminal.getvalue()
        assert "Epoch 1/1" in shown
        assert "5/5" in shown if how else "9/9" in shown
        assert "\x1b" not in shown


@pytest.fixture
def trained_at_once(few_digits, monkeypatch):
    """The demo without its training."""
    trained = demo.Trained({"loss": [0.2, 0.1]}, lambda images: np.eye(10)[np.zeros(len(images), int)])
    monkeypatch.setattr(demo, "_train_with_layers", lambda data, epochs: trained)


@pytest.mark.usefixtures("trained_at_once")
class TestPlot:
    def test_another_file(self, few_digits, capsys):
        assert cli.main(["demo", "--epochs", "1", "--plot", "curves.svg"]) == 0
        assert "<svg" in (few_digits / "curves.svg").read_text()
        assert capsys.readouterr().out.endswith("Learning curves: curves.svg\n")
        assert not (few_digits / "jtf-demo.png").exists()

    def test_a_link_is_replaced_and_not_written_through(self, few_digits):
        (few_digits / "mine").write_text("mine")
        (few_digits / "jtf-demo.png").symlink_to(few_digits / "mine")
        assert cli.main(["demo", "--epochs", "1"]) == 0
        assert (few_digits / "mine").read_text() == "mine"
        assert (few_digits / "jtf-demo.png").read_bytes().startswith(b"\x89PNG")

    def test_without_matplotlib_it_says_how_to_get_it(self, few_digits, capsys, monkeypatch):
        without_matplotlib(monkeypatch)
        assert cli.main(["demo", "--epochs", "1"]) == 0
        out = capsys.readouterr().out
        assert out.endswith("To have learning curves drawn as well: pip install 'jtf[plot]'\n")
        assert list(few_digits.iterdir()) == []

    def test_curves_that_cannot_be_written_fail_only_if_asked_for(self, few_digits, capsys):
        (few_digits / "jtf-demo.png").mkdir()
        assert cli.main(["demo", "--epochs", "1"]) == 0
        assert "could not be written: " in capsys.readouterr().err
        assert cli.main(["demo", "--epochs", "1", "--plot", "jtf-demo.png"]) == 1
        assert "Choose another file with --plot" in capsys.readouterr().err


class TestGallery:
    def lines(self, guesses, columns, monkeypatch):
        monkeypatch.setenv("COLUMNS", str(columns))
        digits = first(DIGITS.test, len(guesses))
        return list(demo._gallery(digits, np.eye(10, dtype=np.float32)[guesses]))

    @pytest.mark.parametrize(("columns", "count", "wrong"), [(20, 2, 1), (80, 3, 1), (110, 4, 1), (300, 6, 2)])
    def test_as_many_as_fit_and_some_of_them_wrong(self, columns, count, wrong, monkeypatch):
        guesses = DIGITS.test.labels[:20].copy()
        guesses[:5] = (guesses[:5] + 1) % 10
        *picture, blank, predicted, label = self.lines(guesses, columns, monkeypatch)
        assert predicted.count("read as") == label.count("label") == count
        assert label.count("WRONG") == wrong
        assert "(100.0%)" in predicted
        assert blank == ""
        assert len(picture) <= 14
        assert max(map(len, [*picture, predicted, label])) <= max(columns, 60)

    def test_all_right_or_all_wrong(self, monkeypatch):
        labels = DIGITS.test.labels[:10]
        assert self.lines(labels, 80, monkeypatch)[-1].count("label") == 3
        assert "WRONG" not in self.lines(labels, 80, monkeypatch)[-1]
        assert self.lines((labels + 1) % 10, 80, monkeypatch)[-1].count("WRONG") >= 1

    def test_two_pixels_a_character(self):
        image = np.zeros((28, 28), np.float32)
        image[0, 0] = image[1, 1] = image[2:4, 2] = 1
        blocks = demo._blocks(image)
        assert (len(blocks), {len(line) for line in blocks}) == (14, {28})
        assert blocks[:2] == ["▀▄" + " " * 26, "  █" + " " * 25]
        letters = demo._letters(image)
        assert (len(letters), {len(line) for line in letters}) == (14, {28})
        assert letters[1][2] == "@"
        assert letters[0][0] == letters[0][1] not in (" ", "@")


class TestArguments:
    def test_no_command_shows_the_help(self, capsys):
        assert cli.main([]) == 0
        assert "demo" in capsys.readouterr().out

    def test_version(self, capsys):
        with pytest.raises(SystemExit) as end:
            cli.main(["--version"])
        assert end.value.code == 0
        assert capsys.readouterr().out == f"jtf {jtf.__version__}\n"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["dmeo"], "invalid choice: 'dmeo'"),
            (["demo", "--epochs", "0"], "--epochs: expected a whole number from 1 on, such as 5; received '0'"),
            (["demo", "--epochs", "2.5"], "--epochs: expected a whole number from 1 on"),
            (["demo", "--seed", "-1"], "--seed: expected a whole number from 0 to 2\\*\\*32 - 1; received '-1'"),
            (["demo", "--seed", str(2**32)], "--seed: expected a whole number from 0"),
            (["demo", "--plot", "a.txt"], "ends in .png or .svg or .pdf; received 'a.txt'"),
            (["demo", "--plot", "nowhere/a.png"], "there is no directory 'nowhere'; make it first"),
            (["demo", "--fast"], "unrecognized arguments: --fast"),
        ],
    )
    def test_mistakes(self, few_digits, arguments, message, capsys):
        with pytest.raises(SystemExit) as end:
            cli.main(arguments)
        assert end.value.code == 2
        assert re.search(message, capsys.readouterr().err)

    def test_a_plot_without_matplotlib_is_refused_before_the_training(self, few_digits, capsys, monkeypatch):
        without_matplotlib(monkeypatch)
        with pytest.raises(SystemExit):
            cli.main(["demo", "--plot", "a.png"])
        assert "learning curves need matplotlib: pip install 'jtf[plot]'" in capsys.readouterr().err

    def test_ctrl_c_ends_without_a_traceback(self, few_digits, capsys, monkeypatch):
        def interrupted():
            raise KeyboardInterrupt

        monkeypatch.setattr(jtf.datasets, "mnist", interrupted)
        assert cli.main(["demo"]) == 130
        assert capsys.readouterr().err == "\nStopped.\n"


def command(*arguments):
    return [sys.executable, "-W", "error", "-m", "jtf", *arguments]


ENVIRONMENT = os.environ | {"PYTHONPATH": os.getcwd(), "PYTHONIOENCODING": "ascii", "JAX_PLATFORMS": "cpu"}


def test_for_real(tmp_path):
    done = subprocess.run(command("demo"), cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "Epoch 5/5" in done.stdout
    assert float(re.search(r"Test accuracy: (\S+)\. ", done.stdout)[1]) >= 0.95
    assert (tmp_path / "jtf-demo.png").stat().st_size > 10_000


def test_a_reader_that_leaves_is_no_error(tmp_path):
    process = subprocess.Popen(
        command("demo", "--epochs", "1"), cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline().startswith(b"A model learns")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=300) == 0
