"""TF.js's own files: recorded from TF.js, and as jtf writes them. (The real TF.js opens those in test_in_tfjs.py.)"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import jtf
from jtf.io.matching import side_by_side

RECORDED = Path(__file__).parent.parent / "data" / "tfjs_model"


def tensor(described: dict) -> np.ndarray:
    return np.array(described["values"], np.float32).reshape(described["shape"])


@pytest.fixture(scope="module")
def recorded() -> tuple[np.ndarray, np.ndarray]:
    document = json.loads((RECORDED / "predictions.json").read_text())
    return tensor(document["x"]), tensor(document["y"])


@pytest.fixture
def model() -> jtf.Sequential:
    return jtf.load_layers_model(RECORDED)


@pytest.mark.parametrize("path", [RECORDED, str(RECORDED), RECORDED / "model.json"])
def test_a_tfjs_model_predicts_the_same(path, recorded):
    x, y = recorded
    np.testing.assert_allclose(jtf.load_layers_model(path).predict(x), y, rtol=1e-5, atol=1e-6)


def test_the_round_trip_keeps_weights_and_topology(model, tmp_path, recorded):
    model.save(tmp_path / "a")
    jtf.load_layers_model(tmp_path / "a").save(tmp_path / "b")
    first, second, original = (
        json.loads((d / "model.json").read_text()) for d in (tmp_path / "a", tmp_path / "b", RECORDED)
    )
    assert first == second
    for ours, theirs in zip(
        first["modelTopology"]["config"]["layers"], original["modelTopology"]["config"]["layers"], strict=True
    ):
        assert ours == theirs
    assert first["weightsManifest"][0]["weights"] == original["weightsManifest"][0]["weights"]
    assert weights_file(tmp_path / "a").read_bytes() == (RECORDED / "weights.bin").read_bytes()


def test_a_loaded_model_trains_on(model, recorded):
    x, y = recorded
    model.compile(optimizer="adam", loss="meanSquaredError")
    before = model.get_weights()
    model.fit(x, np.zeros_like(y), epochs=2, verbose=0)
    assert not np.array_equal(before[0], model.get_weights()[0])


def built_by_data(x):
    model = jtf.sequential([jtf.layers.dense(units=4, activation="tanh"), jtf.layers.dense(units=2)])
    model.predict(x)
    return model


def built_in_a_graph(x):
    entry = jtf.input(shape=x.shape[1:])
    inner = jtf.sequential([jtf.layers.dense(units=4, activation="tanh"), jtf.layers.dense(units=2)])
    return jtf.model(inputs=entry, outputs=inner(entry))


@pytest.mark.parametrize("make", [built_by_data, built_in_a_graph])
def test_a_model_without_input_shape_is_saved_with_that_of_its_data(make, tmp_path):
    x = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    model = make(x)
    model.save(tmp_path / "model")
    again = jtf.load_layers_model(tmp_path / "model")
    assert again.to_json() == model.to_json()
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_the_data_may_also_go_into_a_layer_that_takes_no_input_shape(tmp_path, registered):
    @registered
    class Twice(jtf.layers.Layer):
        def __init__(self, times=2.0):
            super().__init__()
            self.times = times

        def call(self, x):
            return x * self.times

    model = jtf.sequential([Twice(3.0), jtf.layers.dense(units=2)])
    x = np.ones((2, 5), np.float32)
    expected = model.predict(x)
    model.save(tmp_path / "model")
    again = jtf.load_layers_model(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(x), expected)
    assert [type(layer).__name__ for layer in again.layers] == ["InputLayer", "Twice", "Dense"]


# --- weights whose names are not those of the file -----------------------------------------------------


class Unnamed(jtf.layers.Layer):
    """Its layers inside are named by counting."""

    def __init__(self, **options):
        super().__init__(**options)
        self.one, self.two = jtf.layers.dense(units=3), jtf.layers.dense(units=3)

    def call(self, x):
        return self.two(self.one(x))


class Holder(jtf.layers.Layer):
    """Holds a model whose weights are there already."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inner = jtf.sequential([jtf.layers.dense(units=3, input_shape=[3])])

    def call(self, x):
        return self.inner(x)


def called_alone():
    layer = jtf.layers.dense(units=3)
    layer(np.ones((1, 3), np.float32))
    return jtf.layers.time_distributed(layer=layer, input_shape=[2, 3])


def cell_called_alone():
    cell = jtf.layers.simple_rnn_cell(units=3)
    cell([np.ones((1, 3), np.float32)] * 2)
    return jtf.layers.rnn(cell=cell, input_shape=[2, 3])


@pytest.fixture
def registered():
    """Registers a class until the test is over."""
    added = []

    def register(cls):
        added.append(cls.__name__)
        return jtf.register_class(cls)

    yield register
    for name in added:
        del jtf.layers.base.registry.classes[name]


@pytest.mark.parametrize(
    "make", [lambda: Unnamed(input_shape=[3]), lambda: Holder(input_shape=[3]), called_alone, cell_called_alone]
)
def test_weights_with_other_names_are_matched_by_their_order(make, tmp_path, registered):
    registered(Unnamed)
    registered(Holder)
    model = jtf.sequential([make(), jtf.layers.dense(units=3)])
    model.save(tmp_path / "model", target="jtf")
    again = jtf.load_layers_model(tmp_path / "model")
    assert [w.name for w in again.weights] != [w.name for w in model.weights], "or this tests nothing"
    x = np.random.default_rng(0).normal(size=(2, *model.input_shapes[0][1:])).astype(np.float32)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_weights_of_a_model_with_other_names_are_refused(tmp_path, registered):
    registered(Unnamed)

    def made(name, first):
        return jtf.sequential([first(), jtf.layers.dense(units=3, name=name)])

    made("last", lambda: Unnamed(input_shape=[3])).save(tmp_path / "own", target="jtf")
    made("last", lambda: jtf.layers.dense(units=3, input_shape=[3], name="first")).save(tmp_path / "plain")
    made("last", lambda: Unnamed(input_shape=[3])).load_weights(tmp_path / "own")
    for place, model in (
        ("own", made("other", lambda: Unnamed(input_shape=[3]))),
        ("plain", made("last", lambda: jtf.layers.dense(units=3, input_shape=[3], name="other"))),
        ("plain", made("other", lambda: jtf.layers.dense(units=3, input_shape=[3], name="another"))),
    ):
        before = model.get_weights()
        with pytest.raises(jtf.io.ModelFormatError, match="names of those of the layers"):
            model.load_weights(tmp_path / place)
        for now, then in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(now, then)


def test_one_name_of_two_weights(tmp_path):
    layers = [jtf.layers.dense(units=3, name="same", input_shape=[3]) for _ in range(2)]
    model = jtf.sequential([layers[0], jtf.sequential([layers[1]], name="inner")])
    assert [weight.name for weight in model.weights] == ["same/kernel", "same/bias"] * 2
    model.save(tmp_path / "model", target="jtf")
    again = jtf.load_layers_model(tmp_path / "model")
    for new, old in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_a_weight_that_two_layers_share_is_refused(tmp_path, registered):
    @registered
    class Gain(jtf.layers.Layer):
        given = None

        def build(self, input_shape):
            self.gain = self.add_weight("gain", input_shape[-1:]) if self.given is None else self.given

        def call(self, x):
            return x * self.gain.read()[None]

    one, other = Gain(input_shape=[3], name="a"), Gain(name="b")
    model = jtf.sequential([one])
    other.given = one.gain
    model.add(other)
    assert len(model.weights) == 1
    model.save(tmp_path / "model")
    with pytest.raises(jtf.io.ModelFormatError, match=r"names of those of the layers(.|\n)*- +b/gain \(3,\)"):
        jtf.load_layers_model(tmp_path / "model")


def test_what_does_not_match_is_shownside_by_side(tmp_path):
    def rename(document, _):
        for entry in document["weightsManifest"][0]["weights"][1:]:
            entry["name"] = "x" + entry["name"] + "x"

    with pytest.raises(jtf.io.ModelFormatError) as caught:
        jtf.load_layers_model(damaged(tmp_path / "model", rename))
    _, header, *rows, _ = str(caught.value).splitlines()
    assert header.split() == ["In", "the", "file:", "In", "the", "model:"]
    column = header.index("In the model:")
    assert rows[0][:column].strip() == "xfirst/biasx (6,)"
    assert rows[0][column:] == "first/bias (6,)", "from the first that differs on"


def test_a_long_list_is_cut():
    rows = [(f"layer{i}/kernel", (i,)) for i in range(30)]
    shown = side_by_side(rows, rows[1:])
    assert len(shown.splitlines()) == 22
    assert shown.endswith("... and 10 more")


def test_separable_convolutions_of_tfjs_have_the_depth_of_their_kernel(tmp_path):
    """TF.js does not write the option down, and cannot open such a file itself."""
    layer = jtf.layers.separable_conv2d(filters=2, kernel_size=2, depth_multiplier=3, input_shape=[4, 4, 2], name="s")
    model = jtf.sequential([layer])
    model.save(tmp_path / "model")
    file = tmp_path / "model" / "model.json"
    document = json.loads(file.read_text())
    assert document["modelTopology"]["config"]["layers"][0]["config"].pop("depth_multiplier") == 3
    file.write_text(json.dumps(document))
    again = jtf.load_layers_model(tmp_path / "model")
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 2)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def weights_file(directory: Path) -> Path:
    (file,) = directory.glob("weights*.bin")
    return file


def test_saving_replaces_a_model_and_nothing_else(model, tmp_path):
    target = tmp_path / "model"
    model.save(f"file://{target}")
    (target / "index.html").write_text("the page")
    model.weights[0].assign(model.weights[0] * 2)
    model.save(target)
    assert sorted(p.name for p in target.iterdir()) == ["index.html", "model.json", weights_file(target).name]
    np.testing.assert_array_equal(jtf.load_layers_model(target).weights[0], model.weights[0])
    (tmp_path / "notes").mkdir()
    model.save(tmp_path / "notes")  # an empty directory will do
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "text").touch()
    with pytest.raises(FileExistsError, match=r"is not a saved model.*Choose another path"):
        model.save(tmp_path / "other")
    with pytest.raises(ValueError, match="file:// URLs; received 'indexeddb://x'"):
        model.save("indexeddb://x")
    with pytest.raises(ValueError, match="not built yet"):
        jtf.sequential([jtf.layers.dense(units=1)]).save(tmp_path / "unbuilt")
    assert not (tmp_path / "unbuilt").exists()


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_failed_save_leaves_the_old_model(model, tmp_path, monkeypatch, fails_at):
    target = tmp_path / "model"
    model.save(target)
    kept = np.array(model.weights[0])
    model.weights[0].assign(model.weights[0] * 2)
    replace, calls = os.replace, []

    def fail(*paths):
        calls.append(paths)
        if len(calls) == fails_at:
            raise OSError("disk full")
        replace(*paths)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        model.save(target)
    np.testing.assert_array_equal(jtf.load_layers_model(target).weights[0], kept)
    monkeypatch.undo()
    model.save(target)
    np.testing.assert_array_equal(jtf.load_layers_model(target).weights[0], kept * 2)
    assert not list(target.glob(".*"))


def damaged(directory: Path, change) -> Path:
    shutil.copytree(RECORDED, directory)
    document = json.loads((directory / "model.json").read_text())
    change(document, directory)
    (directory / "model.json").write_text(json.dumps(document))
    return directory


def rename_first_weight(document, _):
    document["weightsManifest"][0]["weights"][0]["name"] = "first/gain"


def swap_shape(document, _):
    document["weightsManifest"][0]["weights"][0]["shape"].reverse()


def outside(document, _):
    document["weightsManifest"][0]["paths"] = ["../../secret"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, p: (p / "weights.bin").write_bytes(b"1234"), r"expected 288 bytes.*with 4 bytes.*truncated"),
        (
            lambda d, p: (p / "weights.bin").write_bytes(bytes(1000)),
            r"the \d+ bytes that its weights take; found 1,000",
        ),
        (lambda d, p: (p / "weights.bin").unlink(), "weights file './weights.bin': .*missing"),
        (rename_first_weight, r"names of those of the layers(.|\n)*first/gain \(12, 6\) +first/kernel \(12, 6\)"),
        (swap_shape, r"'first/kernel': expected shape \(12, 6\) as its layer has; found shape \(6, 12\)"),
        (outside, "a path inside of the model's directory"),
        (lambda d, p: d.pop("modelTopology"), "modelTopology: expected an object that describes layers; found nothing"),
        (lambda d, p: d["modelTopology"].update(class_name="Sequentail"), "Did you mean 'Sequential'"),
    ],
)
def test_damaged_files_are_refused(tmp_path, change, message):
    with pytest.raises(jtf.io.ModelFormatError, match=message):
        jtf.load_layers_model(damaged(tmp_path / "model", change))


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no model at .*nothing.*does not exist"):
        jtf.load_layers_model(tmp_path / "nothing")
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(jtf.io.ModelFormatError, match="expected JSON"):
        jtf.load_layers_model(tmp_path)
