"""TF.js's own files, both ways: recorded from TF.js, and opened by the real TF.js where Node has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import jtf

RECORDED = Path(__file__).parent.parent / "data" / "tfjs_model"
ORACLE = Path(__file__).parent.parent / "oracle"


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


def test_tfjs_opens_what_jtf_saves(model, tmp_path, recorded):
    modules = next(
        (
            d
            for d in [ORACLE / "node_modules", *map(Path, os.environ.get("NODE_PATH", "").split(":"))]
            if (d / "@tensorflow" / "tfjs").is_dir()
        ),
        None,
    )
    if shutil.which("node") is None or modules is None:
        pytest.skip("needs Node and @tensorflow/tfjs: npm install --prefix tests/oracle")
    x, _ = recorded
    for weight in model.weights:  # other numbers than those that TF.js wrote
        weight.assign(np.random.default_rng(0).uniform(-0.5, 0.5, weight.shape).astype(np.float32))
    model.save(tmp_path / "saved")
    (tmp_path / "x.json").write_text(json.dumps({"shape": x.shape, "values": x.ravel().tolist()}))
    done = subprocess.run(
        ["node", ORACLE / "predict.js", tmp_path / "saved", tmp_path / "x.json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"NODE_PATH": str(modules)},
    )
    np.testing.assert_allclose(tensor(json.loads(done.stdout.splitlines()[-1])), model.predict(x), rtol=1e-5, atol=1e-6)


def weights_file(directory: Path) -> Path:
    (file,) = directory.glob("weights-*.bin")
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
    with pytest.raises(FileExistsError, match=r"is not a saved model.*choose another path"):
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
    document["weightsManifest"][0]["weights"][0]["name"] = "elsewhere/kernel"


def swap_shape(document, _):
    document["weightsManifest"][0]["weights"][0]["shape"].reverse()


def outside(document, _):
    document["weightsManifest"][0]["paths"] = ["../../secret"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, p: (p / "weights.bin").write_bytes(b"1234"), r"needs \d+ bytes.*has 4.*truncated"),
        (lambda d, p: (p / "weights.bin").write_bytes(bytes(1000)), r"take \d+ bytes, but"),
        (lambda d, p: (p / "weights.bin").unlink(), "weights file './weights.bin' is missing"),
        (rename_first_weight, "Missing: first/kernel. Not in the model: elsewhere/kernel"),
        (swap_shape, r"'first/kernel' has shape \(6, 12\); its layer has \(12, 6\)"),
        (outside, "lies outside of the model's directory"),
        (lambda d, p: d.pop("modelTopology"), "has no 'modelTopology'"),
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
    with pytest.raises(jtf.io.ModelFormatError, match="is not JSON"):
        jtf.load_layers_model(tmp_path)
