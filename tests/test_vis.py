"""Pictures: what is in them, that they are written, and that pyplot is left alone. What they look like, people see."""

import pickle
import subprocess
import sys
import threading

import jax.numpy as jnp
import numpy as np
import pytest

from jtf import vis
from jtf.callbacks import History

RED = (192 / 255, 28 / 255, 40 / 255)
PNG = b"\x89PNG\r\n\x1a\n"
HISTORY = {
    "val_loss": [0.8, 0.6, 0.7],
    "val_acc": [0.6, 0.7, 0.7],
    "acc": [0.5, 0.8, 0.9],
    "loss": [0.9, 0.5, 0.3],
}


def history(values, first_epoch=0):
    made = History()
    for index, numbers in enumerate(zip(*values.values(), strict=True)):
        made.on_epoch_end(first_epoch + index, dict(zip(values, numbers, strict=True)))
    return made


class TestCurves:
    def test_a_panel_for_the_loss_first_and_one_for_each_metric(self):
        loss, acc = vis.curves(history(HISTORY)).axes
        assert (loss.get_title(), acc.get_title()) == ("loss", "acc")
        for axes, name in ((loss, "loss"), (acc, "acc")):
            training, validation = axes.get_lines()
            assert training.get_xdata().tolist() == [1, 2, 3]
            assert training.get_ydata().tolist() == HISTORY[name]
            assert validation.get_ydata().tolist() == HISTORY[f"val_{name}"]
            assert axes.get_xlabel() == "epoch"
        assert [text.get_text() for text in acc.get_legend().get_texts()] == ["training 0.9", "validation 0.7"]

    def test_a_mapping_and_a_history_give_the_same(self):
        def points(figure):
            return [line.get_xydata().tolist() for axes in figure.axes for line in axes.get_lines()]

        assert points(vis.curves(HISTORY)) == points(vis.curves(history(HISTORY)))

    def test_epochs_of_a_run_that_went_on(self):
        [axes] = vis.curves(history({"loss": [0.5, 0.4]}, first_epoch=7)).axes
        assert axes.get_lines()[0].get_xdata().tolist() == [8, 9]

    def test_epoch_marks_are_whole_numbers(self):
        figure = vis.curves({"loss": [0.5, 0.4]})
        figure.canvas.draw()
        assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())

    def test_one_epoch_is_a_visible_point(self):
        assert vis.curves({"loss": [0.5]}).axes[0].get_lines()[0].get_marker() == "o"

    def test_four_panels_make_a_square(self):
        figure = vis.curves({"loss": [1], "a": [1], "b": [1], "c": [1]})
        assert figure.axes[0].get_gridspec().get_geometry() == (2, 2)
        assert vis.curves({"loss": [1], "a": [1], "b": [1]}).axes[0].get_gridspec().get_geometry() == (1, 3)

    @pytest.mark.parametrize("empty", [{}, {"loss": []}, History()])
    def test_nothing_to_draw(self, empty):
        with pytest.raises(ValueError, match=r"history is empty\. Fit for at least one epoch first"):
            vis.curves(empty)

    def test_lengths_that_differ(self):
        with pytest.raises(ValueError, match=r"as many values under each name.*\{'loss': 2, 'acc': 1\}"):
            vis.curves({"loss": [1, 2], "acc": [1]})


IMAGES = np.linspace(0, 1, 5 * 784, dtype=np.float32).reshape(5, 28, 28, 1)
LABELS = np.array([3, 1, 4, 1, 5])


def pixels(figure):
    """The picture as it is seen, ``[height, width, 3]``, 0 to 1."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255


def has_color(figure, color):
    return bool((np.abs(pixels(figure) - color).max(axis=-1) < 0.02).any())


class TestDigits:
    @pytest.mark.parametrize("shape", [(5, 28, 28), (5, 28, 28, 1), (5, 784)])
    def test_the_images_are_in_it(self, shape):
        [axes] = vis.digits(jnp.asarray(IMAGES).reshape(shape), LABELS).axes
        mosaic = axes.get_images()[0].get_array()
        np.testing.assert_array_equal(mosaic[1:29, 2:30], IMAGES[0, :, :, 0])
        np.testing.assert_array_equal(mosaic[1:29, 32 + 2 : 32 + 30], IMAGES[1, :, :, 0])

    def test_labels_alone(self):
        figure = vis.digits(IMAGES, LABELS)
        assert [text.get_text() for text in figure.axes[0].texts] == ["3", "1", "4", "1", "5"]
        assert not has_color(figure, RED)

    @pytest.mark.parametrize("form", ["numbers", "probabilities"])
    def test_wrong_ones_are_marked(self, form):
        guesses = np.array([3, 7, 4, 1, 6])
        if form == "probabilities":
            guesses = jnp.eye(10)[guesses] * 0.6 + 0.04
        figure = vis.digits(IMAGES, np.eye(10)[LABELS], guesses)
        assert [text.get_text() for text in figure.axes[0].texts] == ["3", "7, not 1", "4", "1", "6, not 5"]
        strong = [patch.get_linewidth() > 1 for patch in figure.axes[0].patches]
        assert strong == [False, True, False, False, True]
        assert has_color(figure, RED)
        assert not has_color(vis.digits(IMAGES, LABELS, LABELS), RED)

    def test_many_are_laid_out_in_rows(self):
        figure = vis.digits(np.zeros((60, 784)), np.zeros(60, int))
        rows = {round(text.get_position()[1]) for text in figure.axes[0].texts}
        assert len(figure.axes[0].texts) == 60
        assert 3 < len(rows) < 10

    @pytest.mark.parametrize("shape", [(28, 28), (5, 32, 32), (5, 28, 28, 3), (5, 100)])
    def test_other_shapes(self, shape):
        with pytest.raises(ValueError, match=r"expects images of shape \[n, 28, 28\].*received \(" + str(shape[0])):
            vis.digits(np.zeros(shape), LABELS)

    @pytest.mark.parametrize("count", [0, 401])
    def test_too_few_and_too_many(self, count):
        with pytest.raises(ValueError, match=rf"draws 1 to 400 images; received {count}\. Choose some"):
            vis.digits(np.zeros((count, 784)), np.zeros(count))

    @pytest.mark.parametrize("part", ["labels", "predictions"])
    def test_lengths_that_differ(self, part):
        given = {"labels": LABELS, "predictions": LABELS} | {part: LABELS[:4]}
        with pytest.raises(ValueError, match=f"{part} must have one entry for each of 5 samples; received 4"):
            vis.digits(IMAGES, **given)


class TestConfusionMatrix:
    TRUTH, GUESSES = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]

    def cells(self, figure):
        return {tuple(map(int, text.get_position()))[::-1]: text.get_text() for text in figure.axes[0].texts}

    @pytest.mark.parametrize("form", [list, jnp.asarray, lambda y: np.eye(3)[y], lambda y: np.float32(y)])
    def test_counts_by_label_and_prediction(self, form):
        figure = vis.confusion_matrix(form(self.TRUTH), form(self.GUESSES))
        assert self.cells(figure) == {(0, 0): "2", (0, 1): "1", (1, 1): "2", (2, 0): "1"}
        axes = figure.axes[0]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("prediction", "label")
        assert axes.get_title() == "4 of 6 right (66.7%)"

    def test_right_is_blue_and_wrong_is_red(self):
        def parts(figure):
            seen = pixels(figure)
            redness = seen[..., 0] - seen[..., 2]
            return float((redness > 0.3).mean()), float((redness < -0.3).mean())

        reds, blues = parts(vis.confusion_matrix([0, 1, 2], [0, 1, 2]))
        assert reds == 0
        assert blues > 0.1
        reds, blues = parts(vis.confusion_matrix([0, 1, 2], [1, 2, 0]))
        assert reds > 0.1
        assert blues == 0

    def test_class_names_and_classes_that_did_not_occur(self):
        axes = vis.confusion_matrix([0, 1], [0, 1], ["cat", "dog", "mouse"]).axes[0]
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["cat", "dog", "mouse"]
        assert [tick.get_text() for tick in axes.get_yticklabels()] == ["cat", "dog", "mouse"]
        probabilities = np.eye(10)[[0, 1]]
        assert len(vis.confusion_matrix([0, 1], probabilities).axes[0].get_xticklabels()) == 10

    def test_with_very_many_classes_the_counts_are_left_out(self):
        figure = vis.confusion_matrix(np.arange(26), np.arange(26))
        assert self.cells(figure) == {}
        assert len(self.cells(vis.confusion_matrix(np.arange(25), np.arange(25)))) == 25

    def test_mistakes(self):
        with pytest.raises(ValueError, match=r"a name for each of 3 classes; received 2: \['a', 'b'\]"):
            vis.confusion_matrix(self.TRUTH, self.GUESSES, ["a", "b"])
        with pytest.raises(ValueError, match="at least one sample; received none"):
            vis.confusion_matrix([], [])
        with pytest.raises(ValueError, match="y_pred must have one entry for each of 6 samples; received 2"):
            vis.confusion_matrix(self.TRUTH, [0, 1])

    @pytest.mark.parametrize("bad", [[0.2, 0.9], [[0.2], [0.9]], [0, -1], [np.nan, 1], ["a", "b"], 3])
    def test_what_is_no_class(self, bad):
        with pytest.raises(ValueError, match=r"y_pred must be class numbers.*\(p > 0\.5\)\.astype\(int\)\.ravel\(\)"):
            vis.confusion_matrix([0, 1], bad)


MAKERS = {
    "curves": lambda path=None: vis.curves(HISTORY, path),
    "digits": lambda path=None: vis.digits(IMAGES, LABELS, LABELS, path),
    "confusion_matrix": lambda path=None: vis.confusion_matrix([0, 1], [0, 0], path=path),
}


@pytest.mark.parametrize("name", MAKERS)
class TestEvery:
    def test_it_is_written_in_the_format_of_the_ending(self, name, tmp_path):
        figure = MAKERS[name](tmp_path / "picture.png")
        assert (tmp_path / "picture.png").read_bytes().startswith(PNG)
        MAKERS[name](str(tmp_path / "picture.svg"))
        assert "<svg" in (tmp_path / "picture.svg").read_text()
        assert type(figure).__name__ == "Figure"

    def test_a_notebook_shows_it(self, name):
        figure = MAKERS[name]()
        assert figure._repr_png_().startswith(PNG)
        assert pickle.loads(pickle.dumps(figure))._repr_png_().startswith(PNG)

    def test_it_is_not_empty_and_lies_within_the_picture(self, name):
        seen = pixels(MAKERS[name]())
        ink = seen.min(axis=-1) < 0.9
        assert ink.mean() > 0.01
        assert not ink[[0, -1]].any()
        assert not ink[:, [0, -1]].any()

    def test_without_matplotlib_the_error_says_what_to_install(self, name, monkeypatch):
        for module in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
            monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ImportError, match=r"draws with matplotlib.*pip install 'jtf\[plot\]'"):
            MAKERS[name]()


def test_threads_do_not_disturb_each_other():
    wanted = {name: maker()._repr_png_() for name, maker in MAKERS.items()}
    found, threads = [], []
    for name in list(MAKERS) * 3:
        threads.append(threading.Thread(target=lambda name=name: found.append((name, MAKERS[name]()._repr_png_()))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(found) == len(threads)
    for name, png in found:
        assert png == wanted[name]


def test_matplotlib_is_imported_late_and_pyplot_never():
    code = (
        "import sys; from jtf import vis; assert 'matplotlib' not in sys.modules; "
        "vis.curves({'loss': [1, 2]}); vis.confusion_matrix([0], [0]); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
