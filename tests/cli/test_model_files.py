"""``jtf summary``, ``jtf convert`` and ``jtf export-page``."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import jtf
from jtf import cli
from tests.io.keras.recorded import DIRECTORY, NEWEST, expected, extracted, predicted


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A model in ``model``, in the present directory."""
    monkeypatch.chdir(tmp_path)
    model = jtf.sequential(
        [jtf.layers.dense(units=4, input_shape=[3], name="a"), jtf.layers.dense(units=2, name="b")], name="small"
    )
    model.compile(optimizer="adam", loss="meanSquaredError")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    model.set_user_defined_metadata({"version": 2})
    model.save("model", include_optimizer=True)
    return model


@pytest.fixture
def plain(tmp_path, monkeypatch):
    """A model that is not compiled, in ``model``."""
    monkeypatch.chdir(tmp_path)
    layers = [jtf.layers.dense(units=4, input_shape=[3], name="a"), jtf.layers.dense(units=2, name="b")]
    model = jtf.sequential(layers, name="small")
    model.save("model")
    return model


def run(capsys, *arguments, code=0):
    assert cli.main(list(arguments)) == code
    return capsys.readouterr()


def test_summary(saved, capsys):
    out, err = run(capsys, "summary", "model")
    assert err == ""
    table = []
    saved.summary(print_fn=table.append)
    assert out.splitlines()[: len(table)] == [line.rstrip("\n") for line in table]
    assert "  a/kernel  [3, 4]  float32  48 bytes" in out.splitlines()
    assert "104 bytes in the file" in out
    assert "Compiled with Adam, after 1 updates" in out
    assert "Metadata: {'version': 2}" in out


def test_summary_for_programs(saved, capsys):
    shown = json.loads(run(capsys, "summary", "model", "--json").out)
    assert shown["inputs"] == [{"name": saved.input_names[0], "shape": [None, 3]}]
    assert shown["layers"][1] == {"name": "b", "class_name": "Dense", "params": 10}
    assert shown["weights"][0] == {"name": "a/kernel", "shape": [3, 4], "dtype": "float32", "bytes": 48}
    assert (shown["params"], shown["bytes"], shown["optimizer"]) == (26, 104, "Adam")


@pytest.mark.parametrize("target", ["other", "other.zip", "other.safetensors"])
def test_there_and_back(saved, capsys, target):
    out, _ = run(capsys, "convert", "model", target)
    assert out.splitlines() == [
        f"{target}: Sequential 'small', 4 weights, 104 bytes",
        "without what it was compiled with: --include-optimizer takes that along",
    ]
    run(capsys, "convert", target, "back")
    for new, old in zip(jtf.load_layers_model("back").get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_quantized_and_cut(saved, capsys):
    out, _ = run(capsys, "convert", "model", "small", "--dtype", "*/kernel=uint8", "--dtype", "float16")
    assert "4 weights, 32 bytes\n104 bytes before; the largest error of a weight is 0.0" in out
    outcome = json.loads(run(capsys, "convert", "model", "cut", "--shard-bytes", "40", "--json").out)
    assert (outcome["weight_bytes"], outcome["worst_weight"]) == (104, None)
    manifest = json.loads(Path("cut/model.json").read_text())["weightsManifest"]
    assert len(manifest[0]["paths"]) == 3


def test_the_optimizer_goes_along_when_asked(saved, capsys):
    run(capsys, "convert", "model", "with", "--include-optimizer")
    assert jtf.load_layers_model("with").optimizer.iterations == 1
    run(capsys, "convert", "model", "without")
    assert jtf.load_layers_model("without").optimizer is None


def test_what_tfjs_cannot_open_is_for_jtf(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    jtf.sequential([jtf.layers.gru(units=2, reset_after=True, input_shape=[3, 1])]).save("gru", target="jtf")
    out, err = run(capsys, "convert", "gru", "for_tfjs", code=1)
    assert out == ""
    assert "reset_after" in err
    run(capsys, "convert", "gru", "for_jtf", "--for-jtf")


@pytest.mark.parametrize("name", ["conv2d.keras", "conv2d.h5"])
def test_keras_to_tfjs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = extracted(NEWEST, name, tmp_path)
    assert "Conv2D" in run(capsys, "summary", file.name).out
    run(capsys, "convert", file.name, "converted")
    x, y = (expected(NEWEST, name)[letter] for letter in "xy")
    for ours, theirs in zip(predicted(jtf.load_layers_model("converted"), x), y, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("command", [["summary", "nothing"], ["convert", "nothing", "x"], ["export-page", "nothing"]])
def test_what_is_not_there(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out, err = run(capsys, *command, code=1)
    assert out == ""
    assert err.startswith("jtf: There is no model")
    shown = json.loads(run(capsys, *command, "--json", code=1).out)
    assert shown == {"error": err.removeprefix("jtf: ").rstrip("\n"), "kind": "FileNotFoundError"}


def test_damaged_models_and_wrong_arguments(saved, capsys, tmp_path):
    (tmp_path / "model" / "weights.bin").write_bytes(b"")
    assert "a/kernel" in run(capsys, "summary", "model", code=1).err
    saved.save("model")
    assert "Unknown dtype 'int4'" in run(capsys, "convert", "model", "x", "--dtype", "int4", code=1).err
    with pytest.raises(SystemExit, match="2"):
        cli.main(["convert", "model"])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16"])
def test_the_summary_shows_what_the_file_holds(plain, capsys, dtype):
    plain.save("small.zip", dtype={"*/kernel": dtype})
    size = np.dtype(dtype).itemsize
    weights = json.loads(run(capsys, "summary", "small.zip", "--json").out)["weights"]
    assert [(w["name"], w["dtype"], w["bytes"]) for w in weights] == [
        ("a/kernel", dtype, 12 * size),
        ("a/bias", "float32", 16),
        ("b/kernel", dtype, 8 * size),
        ("b/bias", "float32", 8),
    ]
    out = run(capsys, "summary", "small.zip").out
    assert f"  a/kernel  [3, 4]  {dtype:<7}  {12 * size} bytes" in out
    assert f"{24 + 20 * size} bytes in the file" in out
    Path("new.json").write_text(plain.to_json())
    assert "none in the file" in run(capsys, "summary", "new.json").out


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("convert model notes", "model beside what is there with --overwrite."),
        ("convert model photos.zip", "or --overwrite."),
        ("convert model w.safetensors", "or --overwrite."),
        ("convert model file", "file is a file; models are saved in directories"),
        ("convert model file/below", "file is a file, so that there can be nothing in it"),
        ("convert model file/below.zip", "file is a file, so that there can be nothing in it"),
        ("convert model notes.zip", "notes.zip is a directory"),
        ("convert model notes.safetensors", "notes.safetensors is a directory"),
        ("convert model a.h5", "not as Keras files"),
        ("convert model new --shard-bytes 0", "--shard-bytes is a number of bytes, such as 4194304; received 0"),
        ("convert model new.zip --shard-bytes -1", "--shard-bytes is a number of bytes"),
        ("convert model new.safetensors --shard-bytes 9", "--shard-bytes is for directories and .zip files"),
        ("convert model new --dtype *a=uint8", "No weight is called like '*a'"),
        ("convert plain new --include-optimizer", "is not compiled"),
        ("convert large new --dtype float16", "Keep it as float32: --dtype 'a/kernel=float32' --dtype '*=float16'."),
        ("summary notes", "There is no model at notes"),
        ("summary notes.zip", "There is no model at notes.zip"),
        ("summary file", "expected JSON"),
        ("summary photos.zip", "expected a zip file"),
        ("export-page plain.zip", "Make one: jtf convert plain.zip plain, and export the page there"),
        ("export-page w.safetensors", "Make one: jtf convert w.safetensors w"),
        ("export-page file", "There is no model in file"),
        ("export-page plain", "index.html exists and was not written by jtf. Move it, or replace it with --overwrite."),
        ("export-page plain --overwrite --tfjs nothing.js", "There is no file nothing.js"),
    ],
)
def test_refusals_are_one_line_in_options_of_the_command_line(plain, capsys, command, message):
    plain.save("plain")
    plain.save("plain.zip")
    Path("plain/index.html").write_text("mine")
    kernel, *others = plain.get_weights()
    plain.set_weights([np.full_like(kernel, 1e6), *others])
    plain.save("large")
    for directory in ("notes", "notes.zip", "notes.safetensors"):
        Path(directory).mkdir()
        Path(directory, "note").touch()
    for file in ("file", "photos.zip", "w.safetensors"):
        Path(file).write_text("mine")
    before = {path: path.is_file() and path.read_bytes() for path in sorted(Path().rglob("*"))}
    out, err = run(capsys, *command.split(), code=1)
    assert out == ""
    assert err.startswith("jtf: ")
    assert err.count("\n") == 1
    assert message in err
    assert "=True" not in err
    shown = json.loads(run(capsys, *command.split(), "--json", code=1).out)
    assert shown["error"] == err.removeprefix("jtf: ").rstrip("\n")
    assert {path: path.is_file() and path.read_bytes() for path in sorted(Path().rglob("*"))} == before


@pytest.mark.parametrize("target", ["new", "new.zip", "new.safetensors"])
def test_where_nothing_can_be_written(plain, capsys, monkeypatch, target):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "permission denied. Choose another path." in run(capsys, "convert", "model", target, code=1).err
    with pytest.raises(SystemExit, match="2"):
        cli.main(["demo", "--save", target])
    assert "permission denied" in capsys.readouterr().err


def test_errors_that_nobody_has_foreseen_are_no_tracebacks(plain, capsys, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("out of paper")

    monkeypatch.setattr(jtf, "load_layers_model", fail)
    assert run(capsys, "summary", "model", code=1).err == "jtf: RuntimeError: out of paper\n"
    shown = json.loads(run(capsys, "summary", "model", "--json", code=1).out)
    assert shown == {"error": "RuntimeError: out of paper", "kind": "RuntimeError"}


def test_warnings_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    extracted(DIRECTORY / "state-tensorflow-2.6.2.zip", "nadam.h5", tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        out, err = run(capsys, "summary", "nadam.h5")
    assert "Dense" in out
    assert err.startswith("jtf: nadam.h5: the model is not compiled")
    assert err.count("\n") == 1


def test_export_page(saved, capsys):
    out, _ = run(capsys, "export-page", "model")
    assert out.splitlines()[0] == "model/index.html"
    assert "python -m http.server 8000 --directory model" in out
    assert "small" in Path("model/index.html").read_text()
    assert run(capsys, "export-page", "model/model.json").out == out


def test_the_demo_keeps_its_model(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    from jtf.cli import demo

    kept = jtf.sequential([jtf.layers.dense(units=10, input_shape=[784])])
    trained = demo.Trained({"loss": [0.2, 0.1]}, lambda images: np.eye(10)[np.zeros(len(images), int)], kept)
    monkeypatch.setattr(demo, "_train_with_layers", lambda data, epochs: trained)
    out, _ = run(capsys, "demo", "--epochs", "1", "--save", "digits")
    assert "jtf export-page digits" in out
    assert jtf.load_layers_model("digits").count_params() == 7850
    with pytest.raises(SystemExit, match="2"):
        cli.main(["demo", "--core", "--save", "digits"])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("file", "'file' is there and is no saved model; choose another path"),
        ("photos.zip", "'photos.zip' is there and is no saved model; choose another path"),
        ("notes", "'notes' is there and is no saved model; choose another path"),
        ("file/below", "file is a file"),
        ("digits.keras", "not as Keras files"),
    ],
)
def test_the_demo_looks_where_it_will_save_before_it_trains(target, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    from jtf.cli import demo

    monkeypatch.setattr(demo, "_train_with_layers", lambda *_: pytest.fail("it trains"))
    (tmp_path / "notes").mkdir()
    for name in ("file", "photos.zip", "notes/note"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(SystemExit, match="2"):
        cli.main(["demo", "--save", target])
    assert message in capsys.readouterr().err
