"""Files that are damaged, or made to do harm: refused in one way, or opened as what they say they are."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import zipfile

import numpy as np
import pytest

import jtf
from jtf.io import ModelFormatError
from tests.io import damage
from tests.io.keras.recorded import NEWEST, changed, extracted

#: Of each kind of file.
CASES = 400
#: What the process may grow by while many files are opened, in kB: a little, whatever they promise to hold.
MOST_MEMORY = 300_000


def dense():
    model = jtf.sequential(
        [
            jtf.layers.dense(units=4, input_shape=[3], activation="relu", kernel_regularizer="l1_l2"),
            jtf.layers.dropout(rate=0.3),
            jtf.layers.dense(units=2, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categoricalCrossentropy", metrics=["acc"])
    model.train_on_batch(np.ones((2, 3)), np.eye(2))
    return model


def convolutional():
    layers = [
        jtf.layers.conv2d(filters=2, kernel_size=3, input_shape=[6, 6, 1], padding="same"),
        jtf.layers.max_pooling2d(pool_size=2),
        jtf.layers.batch_normalization(),
        jtf.layers.flatten(),
        jtf.layers.dense(units=2),
    ]
    return jtf.sequential(layers)


def recurrent():
    layers = [
        jtf.layers.embedding(input_dim=5, output_dim=2, input_length=4),
        jtf.layers.bidirectional(layer=jtf.layers.lstm(units=2, return_sequences=True)),
        jtf.layers.gru(units=2),
    ]
    return jtf.sequential(layers)


def graph():
    entries = [jtf.input(shape=[3]), jtf.input(shape=[3])]
    shared = jtf.layers.dense(units=2)
    inner = jtf.sequential([jtf.layers.dense(units=2, input_shape=[2])])
    outputs = [inner(jtf.layers.add()([shared(x) for x in entries])), jtf.layers.concatenate()(entries)]
    return jtf.model(inputs=entries, outputs=outputs)


KINDS = {
    "dense": (dense, {"include_optimizer": True}),
    "convolutional": (convolutional, {"dtype": "uint8"}),
    "recurrent": (recurrent, {"dtype": "float16", "shard_bytes": 64}),
    "graph": (graph, {}),
}


@pytest.fixture(scope="module", params=KINDS)
def saved(request, tmp_path_factory):
    """A model as it was saved, and how."""
    make, options = KINDS[request.param]
    directory = tmp_path_factory.mktemp("saved") / request.param
    model = make()
    model.save(directory, **options)
    model.save(directory.with_suffix(".zip"))
    model.save(directory.with_suffix(".safetensors"))
    return directory


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def opened_or_refused(path, load=jtf.load_layers_model):
    """Whether the file was opened; then as a model that can be saved, and opened again as the same."""
    try:
        model = load(path)
    except ModelFormatError:
        return False
    kept = []
    model.save(jtf.io.with_save_handler(kept.append), target="jtf")
    again = jtf.load_layers_model(kept[0])
    assert again.to_json() == model.to_json()
    for new, old in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    return True


@pytest.mark.parametrize("kind", ["json", "text", "weights", ".zip", ".safetensors"])
def test_damaged(saved, tmp_path, kind):
    case, outcomes, before = tmp_path / "case", [], memory()
    of_weights = sorted(saved.glob("*.bin"))
    for seed in range(CASES if kind == "json" else CASES // 4):
        rng = random.Random(f"{saved.name} {kind} {seed}")
        if kind.startswith("."):
            case = tmp_path / f"case{kind}"
            case.write_bytes(damage.of_bytes(saved.with_suffix(kind).read_bytes(), rng))
        else:
            shutil.copytree(saved, case, dirs_exist_ok=True)
            file = rng.choice(of_weights) if kind == "weights" else saved / "model.json"
            data = file.read_bytes()
            damaged = damage.as_text(damage.of_json(json.loads(data), rng)) if kind == "json" else None
            (case / file.name).write_bytes(damage.of_bytes(data, rng) if damaged is None else damaged)
        outcomes.append(opened_or_refused(case))
    assert False in outcomes, "or nothing was damaged"
    assert memory() - before < MOST_MEMORY


@pytest.mark.filterwarnings("ignore:.*not compiled.*", "ignore:.*compiled without the metrics.*")
@pytest.mark.parametrize("name", ["graph.keras", "lstm.keras", "trained_adam.keras", "conv2d.h5", "trained_adam.h5"])
def test_damaged_files_of_keras(tmp_path, name):
    file = extracted(NEWEST, name, tmp_path)
    outcomes, before = [], memory()
    for seed in range(CASES // 4):
        rng = random.Random(f"{name} {seed}")
        if name.endswith(".keras") and seed % 2:

            def damaged(document, rng=rng):
                return damage.of_json(document, rng)

            case = changed(name, tmp_path, damaged)
        else:
            case = tmp_path / f"case{seed}{file.suffix}"
            case.write_bytes(damage.of_bytes(file.read_bytes(), rng))
        outcomes.append(opened_or_refused(case, jtf.load_keras_model))
    assert set(outcomes) == {True, False}
    assert memory() - before < MOST_MEMORY


# --- made to do harm -----------------------------------------------------------------------------------


def with_path(saved, directory, path):
    shutil.copytree(saved, directory)
    document = json.loads((directory / "model.json").read_text())
    document["weightsManifest"][0]["paths"] = [path] if isinstance(path, str) else path
    (directory / "model.json").write_text(json.dumps(document))
    return directory


@pytest.mark.parametrize(
    "path",
    [
        "../outside.bin",
        "x/../../outside.bin",
        "./weights.bin/../../outside.bin",
        "/etc/passwd",
        "/proc/self/mem",
        "link",
        "linked/outside.bin",
        "pipe",
        ".",
        "",
        "a\0b",
        "a" * 5000,
        "~/x",
        ["weights.bin", "weights.bin"],
        ["weights.bin", "./missing"],
    ],
)
def test_paths_do_not_lead_out(tmp_path, path):
    graph().save(tmp_path / "good")
    (tmp_path / "outside.bin").write_bytes((tmp_path / "good" / "weights.bin").read_bytes())
    directory = with_path(tmp_path / "good", tmp_path / "model", path)
    (directory / "link").symlink_to(tmp_path / "outside.bin")
    (directory / "linked").symlink_to(tmp_path)
    os.mkfifo(directory / "pipe")
    with pytest.raises(ModelFormatError, match=r"weights file|paths"):
        jtf.load_layers_model(directory)


def promising(entries, weights=b""):
    return {
        "modelTopology": {"class_name": "Sequential", "config": {"name": "s", "layers": []}},
        "weightSpecs": entries,
        "weightData": weights,
    }


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "w", "shape": [2**40], "dtype": "float32"},
        {"name": "w", "shape": [2**30, 2**30, 2**30], "dtype": "float32"},
        {"name": "w", "shape": [0, 2**52, 2**52], "dtype": "float32"},
        {"name": "w", "shape": [10**30], "dtype": "float32"},
        {"name": "w", "shape": [-1], "dtype": "float32"},
        {"name": "w", "shape": [1] * 100, "dtype": "float32"},
        {"name": "w", "shape": [True], "dtype": "bool"},
        {"name": "w", "shape": [1], "dtype": "string"},
        {"name": "w", "shape": [1], "dtype": "float32", "quantization": {"dtype": "uint8", "min": 1e400, "scale": 1}},
        {"name": "w", "shape": [1], "dtype": "float32", "quantization": {"dtype": "uint4", "min": 0, "scale": 1}},
        {"name": "w", "shape": [1], "dtype": "bool", "quantization": {"dtype": "uint8", "min": 0, "scale": 1}},
        {"name": 3, "shape": [1], "dtype": "float32"},
        7,
    ],
)
def test_weights_that_cannot_be(entry):
    before = memory()
    with pytest.raises(ModelFormatError, match="weight"):
        jtf.load_layers_model(promising([entry], b"\0"))
    assert memory() - before < MOST_MEMORY


@pytest.mark.parametrize(
    "layer",
    [
        {"class_name": "Dense", "config": {"units": 10**10}},
        {"class_name": "Embedding", "config": {"input_dim": 10**9, "output_dim": 10**3}},
        {"class_name": "Conv2D", "config": {"filters": 10**6, "kernel_size": [10**4, 10**4]}},
        {"class_name": "LSTM", "config": {"units": 10**7}},
        {"class_name": "SimpleRNN", "config": {"units": 1, "stateful": True, "batch_input_shape": [10**11, 1, 1]}},
        {"class_name": "Lambda", "config": {"function": ["4wAAAAA=", None, None]}},
        {"class_name": "os.system", "config": {}},
        {"class_name": "TFOpLambda", "config": {"function": "math.add"}},
    ],
)
def test_layers_that_ask_for_too_much_or_are_none(layer):
    shape = [None, 8, 8, 8] if layer["class_name"] == "Conv2D" else [None, 4, 2]
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "name": "in"}}
    layers = [layer] if "batch_input_shape" in layer["config"] else [first, layer]
    topology = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    before = memory()
    with pytest.raises(ModelFormatError, match="modelTopology"):
        jtf.load_layers_model({"modelTopology": topology, "weightSpecs": [], "weightData": b""})
    assert memory() - before < MOST_MEMORY


@pytest.mark.parametrize("text", [damage.deeply_nested(), b'{"modelTopology": 1' + b"0" * 10_000 + b"}", b"\xff\xfe"])
def test_json_that_no_model_has(tmp_path, text):
    (tmp_path / "model.json").write_bytes(text)
    with pytest.raises(ModelFormatError):
        jtf.load_layers_model(tmp_path)


def test_layers_nested_deeper_than_anything(tmp_path):
    topology = {"class_name": "Dense", "config": {"units": 1}}
    for _ in range(400):
        topology = {"class_name": "Sequential", "config": {"layers": [topology]}}
    with pytest.raises(ModelFormatError):
        jtf.load_layers_model(topology)


@pytest.mark.parametrize("name", ["model.json", "weights.bin"])
def test_a_zip_bomb(tmp_path, name):
    graph().save(tmp_path / "good")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in ("model.json", "weights.bin"):
            with archive.open(file, "w", force_zip64=True) as stream:
                if file != name:
                    stream.write((tmp_path / "good" / file).read_bytes())
                    continue
                for _ in range(600):
                    stream.write(bytes(2**20))
    before = memory()
    with pytest.raises(ModelFormatError, match="expected at most"):
        jtf.load_layers_model(tmp_path / "bomb.zip")
    assert memory() - before < MOST_MEMORY


def test_many_small_bombs(tmp_path):
    with zipfile.ZipFile(tmp_path / "bombs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", json.dumps({"modelTopology": {}, "weightsManifest": []}))
        for number in range(3):
            with archive.open(f"{number}.bin", "w") as stream:
                for _ in range(100):
                    stream.write(bytes(2**20))
    with pytest.raises(ModelFormatError, match="all entries: expected at most"):
        jtf.load_layers_model(tmp_path / "bombs.zip")
