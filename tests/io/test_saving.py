"""Where models are kept and how: directories, zip and safetensors files, handlers; shards; crashes."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import jtf
from jtf.io import ModelArtifacts, ModelFormatError
from jtf.io.buffers import Pieces


@pytest.fixture(scope="module")
def model():
    model = jtf.sequential(
        [
            jtf.layers.dense(units=5, input_shape=[3], activation="tanh", name="first"),
            jtf.layers.batch_normalization(name="norm"),
            jtf.layers.dense(units=2, name="second"),
        ],
        name="saved",
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in model.weights])
    return model


def assert_same(again, model):
    assert again.to_json() == model.to_json()
    assert [w.name for w in again.weights] == [w.name for w in model.weights]
    for new, old in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


# --- places --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", ".zip", ".safetensors"])
def test_there_and_back(model, tmp_path, ending):
    place = tmp_path / "new" / f"model{ending}"
    for _ in range(3):  # the second time in place of the first
        model.save(place)
        assert_same(jtf.load_layers_model(place), model)
        assert_same(jtf.load_layers_model(f"file://{place}"), model)
    assert not list(place.parent.glob(".*")), "nothing is left beside it"


def test_a_directory_has_what_tfjs_writes(model, tmp_path):
    model.save(tmp_path)
    document = json.loads((tmp_path / "model.json").read_text())
    assert list(document) == ["modelTopology", "format", "generatedBy", "convertedBy", "weightsManifest"]
    assert (document["format"], document["generatedBy"]) == ("layers-model", f"jtf {jtf.__version__}")
    assert document["weightsManifest"][0]["paths"] == ["weights.bin"]
    assert document["weightsManifest"][0]["weights"][0] == {
        "name": "first/kernel",
        "shape": [3, 5],
        "dtype": "float32",
    }


def test_a_zip_file_is_a_directory_to_unpack(model, tmp_path):
    model.save(tmp_path / "model.zip", shard_bytes=100)
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        assert set(archive.namelist()) == {"model.json", *(f"group1-shard{n}of3.bin" for n in (1, 2, 3))}
        archive.extractall(tmp_path / "unpacked")
    assert_same(jtf.load_layers_model(tmp_path / "unpacked"), model)
    assert_same(jtf.load_layers_model(tmp_path / "model.zip"), model)


def test_others_read_the_weights_of_a_safetensors_file(model, tmp_path):
    from safetensors.numpy import load_file

    model.save(tmp_path / "model.safetensors")
    tensors = load_file(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(tensors["first/kernel"], model.weights[0])
    assert tensors.keys() == {w.name for w in model.weights}


def test_a_safetensors_file_of_another_program_has_no_topology(tmp_path):
    from safetensors.numpy import save_file

    save_file({"kernel": np.ones(3, np.float32)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelFormatError, match=r"found weights only: model\.load_weights"):
        jtf.load_layers_model(tmp_path / "w.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"no such thing")
    with pytest.raises(ModelFormatError, match="expected a safetensors file"):
        jtf.load_layers_model(tmp_path / "x.safetensors")


def test_handlers(model):
    kept = []
    model.save(jtf.io.with_save_handler(kept.append))
    (artifacts,) = kept
    assert isinstance(artifacts, ModelArtifacts)
    described = dataclasses.replace(artifacts, weight_specs=[spec.as_json() for spec in artifacts.weight_specs])
    assert_same(jtf.load_layers_model(described), model)
    with pytest.raises(ModelFormatError, match="truncated"):
        jtf.load_layers_model(dataclasses.replace(artifacts, weights=Pieces([b"abc"])))
    assert len(repr(artifacts)) < 200
    assert "weights=<208 bytes>" in repr(artifacts)
    assert len(artifacts.weight_data) == 4 * model.count_params()
    assert_same(jtf.load_layers_model(jtf.io.from_memory(artifacts)), model)
    assert_same(jtf.load_layers_model(artifacts), model)

    class Handler:
        def load(self):
            return artifacts.document([]) | {
                "weightSpecs": [spec.as_json() for spec in artifacts.weight_specs],
                "weightData": artifacts.weight_data,
            }

    assert_same(jtf.load_layers_model(Handler()), model)


def test_a_dict_with_its_weights_elsewhere(model, tmp_path):
    model.save(tmp_path)
    document = json.loads((tmp_path / "model.json").read_text())
    assert_same(jtf.load_layers_model(document, weight_path_prefix=tmp_path), model)
    assert_same(jtf.load_layers_model(document, weight_path_prefix=f"file://{tmp_path}"), model)
    with pytest.raises(ModelFormatError, match=r"'weights.bin': expected weight_path_prefix"):
        jtf.load_layers_model(document)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "weights.bin").rename(tmp_path / "elsewhere" / "weights.bin")
    assert_same(jtf.load_layers_model(tmp_path, weight_path_prefix=tmp_path / "elsewhere"), model)


def test_a_topology_alone_makes_a_new_model(model):
    again = jtf.load_layers_model(json.loads(model.to_json()))
    assert again.to_json() == model.to_json()
    assert np.ptp(np.asarray(again.weights[0])) > 0, "its weights are drawn"


@pytest.mark.parametrize(
    ("save", "error", "message"),
    [
        (lambda m, d: m.save(5), TypeError, r"a path or to a handler.*received 5"),
        (lambda m, d: m.save(d / "a.h5"), ValueError, "not as Keras files"),
        (lambda m, d: m.save("https://x"), ValueError, "file:// URLs; received 'https://x'"),
        (lambda m, d: m.save(d / "a", target="tfsj"), ValueError, "Did you mean 'tfjs'"),
        (lambda m, d: m.save(d / "a", shard_bytes=0), ValueError, r"a number of bytes, such as 4194304; received 0"),
        (lambda m, d: m.save(jtf.io.with_save_handler(print), overwrite=True), ValueError, "saved into directories"),
        (lambda m, d: m.save(d / "a.safetensors", shard_bytes=9), ValueError, "is one piece"),
        (lambda m, d: m.save(d / "a.safetensors", dtype="uint8"), ValueError, "has the weights as they are"),
        (lambda m, d: m.save(d / "a", include_optimizer=True), ValueError, "is not compiled.*Compile it first"),
        (lambda m, d: m.save(d / "a", dtype="uint4"), ValueError, "Unknown dtype 'uint4'"),
        (lambda m, d: m.save(d / "a", dtype={"*/kernal": "uint8"}), ValueError, r"called like '\*/kernal'"),
        (lambda m, d: jtf.load_layers_model(5), TypeError, r"a handler, an object with load\(\).*received 5"),
        (lambda m, d: jtf.load_layers_model(d / "a.keras"), ValueError, r"jtf\.load_keras_model\("),
        (lambda m, d: jtf.load_layers_model(d / "a.zip"), FileNotFoundError, "There is no model at"),
    ],
)
def test_refusals(model, tmp_path, save, error, message):
    with pytest.raises(error, match=message):
        save(model, tmp_path)
    assert not list(tmp_path.iterdir())


# --- replacing, and crashes ----------------------------------------------------------------------------


def test_a_directory_that_is_no_model_is_written_into_when_told_to(model, tmp_path):
    (tmp_path / "weights.bin").write_text("somebody else's")
    (tmp_path / "notes").touch()
    with pytest.raises(FileExistsError, match=r"overwrite=True"):
        model.save(tmp_path)
    model.save(tmp_path, overwrite=True)
    assert (tmp_path / "weights.bin").read_text() == "somebody else's"
    assert_same(jtf.load_layers_model(tmp_path), model)
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="is a file"):
        model.save(tmp_path / "file", overwrite=True)


@pytest.mark.parametrize("name", ["photos.zip", "w.safetensors", "3d/model.json"])
def test_files_of_others_are_not_overwritten(model, tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"my": "model of a house"}')
    for target in {file, file.parent if name.endswith("json") else file}:
        with pytest.raises(FileExistsError, match="overwrite=True"):
            model.save(target)
    assert file.read_text() == '{"my": "model of a house"}'
    model.save(file, overwrite=True)
    assert_same(jtf.load_layers_model(file), model)


def test_an_old_model_does_not_say_what_is_deleted(model, tmp_path):
    model.save(tmp_path)
    file = tmp_path / "model.json"
    document = json.loads(file.read_text())
    document["weightsManifest"][0]["paths"] = ["model.json", "notes.txt", "sub/weights.bin", "weights.bin"]
    file.write_text(json.dumps(document))
    (tmp_path / "notes.txt").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "weights.bin").touch()
    model.save(tmp_path)
    assert_same(jtf.load_layers_model(tmp_path), model)
    assert (tmp_path / "notes.txt").exists()
    assert (tmp_path / "sub" / "weights.bin").exists()
    assert not (tmp_path / "weights.bin").exists()


def test_the_path_of_the_json_file_is_that_of_its_directory(model, tmp_path):
    model.save(tmp_path / "out put" / "model.json")
    assert (tmp_path / "out put" / "weights.bin").is_file()
    assert_same(jtf.load_layers_model((tmp_path / "out put").as_uri()), model)


def test_a_first_save_that_failed_leaves_nothing_in_the_way(model, tmp_path, monkeypatch):
    replace = os.replace

    def fail(source, target):
        if str(target).endswith("model.json"):
            raise OSError("disk full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        model.save(tmp_path / "model")
    assert list((tmp_path / "model").iterdir()) == []
    (tmp_path / "model" / "weights.bin").touch()  # as a crash would leave it
    monkeypatch.undo()
    model.save(tmp_path / "model")
    assert_same(jtf.load_layers_model(tmp_path / "model"), model)


def test_opening_while_another_model_is_being_saved(model, tmp_path, monkeypatch):
    from jtf.io import directory

    model.save(tmp_path)
    mapped, calls = directory._mapped, []

    def save_meanwhile(*arguments):
        if not calls:
            calls.append(arguments)
            other_like(model).save(tmp_path)
        return mapped(*arguments)

    monkeypatch.setattr(directory, "_mapped", save_meanwhile)
    assert jtf.load_layers_model(tmp_path).to_json() == model.to_json()
    assert calls


def test_numbers_that_json_lacks(tmp_path):
    masking = jtf.layers.masking(mask_value=float("inf"), input_shape=[3, 2], name="gaps")
    for place in (tmp_path / "a", tmp_path / "a.zip", tmp_path / "a.safetensors"):
        with pytest.raises(ValueError, match=r"gaps.config.mask_value = inf is not finite"):
            jtf.sequential([masking]).save(place)
        assert not place.exists()


def test_many_shards(model, tmp_path):
    result = model.save(tmp_path, shard_bytes=50)
    names = json.loads((tmp_path / "model.json").read_text())["weightsManifest"][0]["paths"]
    assert len(names) == -(-result.weight_bytes // 50)
    assert [(tmp_path / name).stat().st_size for name in names[:-1]] == [50] * (len(names) - 1)
    assert_same(jtf.load_layers_model(tmp_path), model)
    model.save(tmp_path)
    old, new = sorted(path.name for path in tmp_path.iterdir())
    assert old == "model.json", "the other old ones are gone"
    assert new.startswith("weights-")


SAVE_FOR_EVER = """
import sys, numpy as np, jtf
model = jtf.sequential([jtf.layers.dense(units=64, input_shape=[64], name="only")])
for number in range(10**6):
    model.set_weights([np.full(w.shape, number, np.float32) for w in model.weights])
    model.save(sys.argv[1], shard_bytes=1000)
    print(number, flush=True)
"""


def test_a_killed_program_leaves_the_old_model_or_the_new_one(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", SAVE_FOR_EVER, tmp_path / "model"], stdout=subprocess.PIPE, text=True
    ) as program:
        saved = int(program.stdout.readline())
        for kills in range(20):
            program.send_signal(signal.SIGSTOP)  # at any moment: the disk is as a crash would leave it
            values = {float(x) for w in jtf.load_layers_model(tmp_path / "model").get_weights() for x in np.ravel(w)}
            assert len(values) == 1, f"half of one and half of another ({kills})"
            assert values.pop() >= saved
            program.send_signal(signal.SIGCONT)
            saved = int(program.stdout.readline())
        program.kill()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs the names of open files")
@pytest.mark.parametrize("name", ["model", "model.zip", "model.safetensors"])
def test_what_was_saved_outlasts_a_loss_of_power(model, tmp_path, monkeypatch, name):
    """Bytes reach the disk before their name does, names of weights before model.json, and its name at the end."""
    done, fsync, replace = [], os.fsync, os.replace

    def recorded_fsync(descriptor):
        done.append(("sync", Path(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def recorded_replace(source, target):
        done.append(("rename", Path(source), Path(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    model.save(tmp_path / name)
    files = [tmp_path / name / each for each in ("weights.bin", "model.json")] if name == "model" else [tmp_path / name]
    for file, steps in zip(files, [done[:3], done[3:]], strict=False):
        (_, written), (_, source, target), last = steps
        assert (written, target, last) == (source, file, ("sync", file.parent))
    assert len(done) == 3 * len(files)


@pytest.mark.parametrize("name", ["model", "model.zip", "model.safetensors"])
@pytest.mark.parametrize("leads", ["to a file", "nowhere"])
def test_links_are_replaced_and_not_written_through(model, tmp_path, name, leads):
    (tmp_path / "inside").mkdir()
    places = [tmp_path / "inside" / name]
    if name == "model":
        places[0].mkdir()
        places = [places[0] / file for file in ("model.json", "weights.bin", "group1-shard1of2.bin")]
    other = tmp_path / "other"
    for place in places:
        place.symlink_to(other)
    if leads == "to a file":
        other.write_text("somebody else's")
    for shard_bytes in (None,) if name == "model.safetensors" else (None, 200):
        model.save(tmp_path / "inside" / name, overwrite=True, shard_bytes=shard_bytes)
        assert_same(jtf.load_layers_model(tmp_path / "inside" / name), model)
        assert other.exists() is (leads == "to a file")
        assert leads == "nowhere" or other.read_text() == "somebody else's"


@pytest.mark.parametrize("link", ["directory", "files"])
def test_links(model, tmp_path, link):
    """As in the caches of model hubs, whose entries are links to where the bytes are."""
    model.save(tmp_path / "blobs")
    if link == "directory":
        (tmp_path / "model").symlink_to(tmp_path / "blobs", target_is_directory=True)
    else:
        (tmp_path / "model").mkdir()
        for name in ("model.json", "weights.bin"):
            (tmp_path / "model" / name).symlink_to(tmp_path / "blobs" / name)
    assert_same(jtf.load_layers_model(tmp_path / "model"), model)


def test_weights_are_mapped_and_not_held(model, tmp_path):
    """What was opened does not change with the file."""
    model.save(tmp_path)
    again = jtf.load_layers_model(tmp_path)
    file = tmp_path / "weights.bin"
    with file.open("r+b") as stream:
        stream.write(os.urandom(file.stat().st_size))
    assert_same(again, model)


# --- fewer bytes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "bytes_each", "steps"), [("uint8", 1, 255), ("uint16", 2, 65535)])
def test_quantized(model, tmp_path, dtype, bytes_each, steps):
    result = model.save(tmp_path, dtype=dtype)
    assert (result.weight_bytes, result.full_bytes) == (bytes_each * model.count_params(), 4 * model.count_params())
    again, errors = jtf.load_layers_model(tmp_path), {}
    for new, old in zip(again.weights, model.weights, strict=True):
        new, old, name = np.asarray(new), np.asarray(old), old.name
        errors[name] = np.abs(new - old).max()
        assert errors[name] <= np.ptp(old) / steps / 2 + 1e-6
    assert result.largest_error == pytest.approx(max(errors.values()), rel=1e-5)
    assert result.worst_weight == max(errors, key=errors.get)


def test_float16(model, tmp_path):
    model.save(tmp_path, dtype="float16")
    for new, old in zip(jtf.load_layers_model(tmp_path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, np.asarray(old).astype(np.float16).astype(np.float32))


def test_zero_stays_zero_and_constants_stay_what_they_are(tmp_path):
    model = jtf.sequential([jtf.layers.dense(units=3, input_shape=[3])])
    kernel = np.array([[-0.7, 0.0, 1.3], [0.0, 0.2, 0.0], [0.1, 0.5, 0.0]], np.float32)
    model.set_weights([kernel, np.full(3, 0.3, np.float32)])
    model.save(tmp_path, dtype="uint8")
    new, bias = jtf.load_layers_model(tmp_path).get_weights()
    np.testing.assert_array_equal(np.asarray(new) == 0, kernel == 0)
    np.testing.assert_array_equal(bias, np.full(3, 0.3, np.float32))


def test_some_weights_only(model, tmp_path):
    result = model.save(tmp_path, dtype={"first/kernel": "float32", "*/kernel": "uint8"})
    entries = json.loads((tmp_path / "model.json").read_text())["weightsManifest"][0]["weights"]
    assert [entry["name"] for entry in entries if "quantization" in entry] == ["second/kernel"]
    assert result.full_bytes - result.weight_bytes == 3 * 10


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [(1e6, "float16", "float16 ends at 65504.*Keep it as float32"), (np.nan, "uint8", "not finite, which uint8")],
)
def test_what_fewer_bytes_cannot_hold(tmp_path, value, dtype, message):
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[1])])
    model.set_weights([np.full((1, 1), value), np.zeros(1)])
    with pytest.raises(ValueError, match=message):
        model.save(tmp_path / "model", dtype=dtype)
    assert not (tmp_path / "model").exists()


# --- parts ---------------------------------------------------------------------------------------------


def test_trainable_only(model, tmp_path):
    model.save(tmp_path, trainable_only=True)
    with pytest.raises(
        ModelFormatError, match=r"names of those of the layers(.|\n)*norm/moving_mean(.|\n)*strict=False"
    ):
        jtf.load_layers_model(tmp_path)
    with pytest.warns(UserWarning, match="others begin as in a new model. 2 weights of the model not in the"):
        again = jtf.load_layers_model(tmp_path, strict=False)
    kept = {w.name for w in model.trainable_weights}
    for new, old in zip(again.weights, model.weights, strict=True):
        assert np.array_equal(new, old) == (new.name in kept)


def test_metadata(model, tmp_path):
    assert model.get_user_defined_metadata() is None
    metadata = {"labels": ["a", "b"], "version": 3}
    try:
        model.set_user_defined_metadata(metadata)
        model.save(tmp_path)
        again = jtf.load_layers_model(tmp_path)
        assert again.get_user_defined_metadata() == metadata
        for wrong in ([1], {1: 2}, {"a": {1, 2}}, {"a": float("nan")}):
            with pytest.raises(ValueError, match="User-defined metadata is"):
                model.set_user_defined_metadata(wrong)
        assert model.get_user_defined_metadata() == metadata
    finally:
        model._user_defined_metadata = None


def test_progress(model, tmp_path):
    model.save(tmp_path)
    fractions = []
    jtf.load_layers_model(tmp_path, on_progress=fractions.append)
    assert len(fractions) == len(model.weights)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_opening_draws_nothing(model, tmp_path):
    model.save(tmp_path)
    jtf.set_seed(1)
    expected = np.asarray(jtf.random_normal([2]))
    jtf.set_seed(1)
    jtf.load_layers_model(tmp_path)
    np.testing.assert_array_equal(jtf.random_normal([2]), expected)


def test_a_graph_model_is_not_a_layers_model(tmp_path):
    Path(tmp_path / "model.json").write_text(json.dumps({"format": "graph-model", "modelTopology": {}}))
    with pytest.raises(ModelFormatError, match="operations of a TensorFlow program"):
        jtf.load_layers_model(tmp_path)


# --- weights for a model that is there already ---------------------------------------------------------


def other_like(model):
    return jtf.models.model_from_json(model.to_json())


@pytest.mark.parametrize("kind", ["model", "model.zip", "model.safetensors", "handler", "dict"])
def test_load_weights(model, tmp_path, kind):
    from safetensors.numpy import save_file

    other, kept = other_like(model), []
    named = {w.name: np.asarray(w) for w in model.weights}
    if kind == "handler":
        model.save(jtf.io.with_save_handler(kept.append))
        other.load_weights(jtf.io.from_memory(kept[0]))
    elif kind == "dict":
        other.load_weights({name: value.astype(np.float64) for name, value in reversed(named.items())})
    else:
        if kind.endswith("safetensors"):
            save_file(named, tmp_path / kind)  # as another program would
        else:
            model.save(tmp_path / kind)
        other.load_weights(tmp_path / kind)
    assert_same(other, model)


def test_weights_that_do_not_match_change_nothing(model):
    other = other_like(model)
    before = other.get_weights()
    with pytest.raises(ModelFormatError, match=r"the given weights: .*names of those of the layers"):
        other.load_weights({"first/kernel": np.zeros((3, 5))})
    assert all(np.array_equal(new, old) for new, old in zip(other.get_weights(), before, strict=True))
    with pytest.raises(ModelFormatError, match="some of the names and shapes"):
        other.load_weights({"fisrt/kernel": np.zeros((3, 5))}, strict=False)
    with pytest.warns(UserWarning, match=r"7 weights .* not in the file: first/bias \(5,\), .* not used: gone") as said:
        other.load_weights({"first/kernel": np.zeros((3, 5), int), "gone": np.zeros(1)}, strict=False)
    assert said[0].filename == __file__
    assert not other.get_weights()[0].any()
    assert np.array_equal(other.get_weights()[-1], before[-1])
    with pytest.raises(ValueError, match="not built yet"):
        jtf.sequential([jtf.layers.dense(units=1)]).load_weights({})


def test_whole_numbers_stay_what_they_are(tmp_path):
    class Counting(jtf.layers.Layer):
        def build(self, input_shape):
            self.count = self.add_weight("count", [2], dtype="int32", initializer="zeros", trainable=False)
            self.gain = self.add_weight("gain", [2], initializer="zeros")

        def call(self, x):
            return x * self.gain.read()[None]

    model = jtf.sequential([Counting(input_shape=[2], name="c")])
    model.load_weights({"c/gain": np.array([2**40, 3]), "c/count": np.array([7.0, -2.0])})
    gain, count = (next(w for w in model.weights if w.name == name) for name in ("c/gain", "c/count"))
    np.testing.assert_array_equal(gain, np.float32([2**40, 3]))
    np.testing.assert_array_equal(count, [7, -2])
    for wrong in ([0.5, 1], [np.nan, 1], [2.0**40, 1]):
        with pytest.raises(ModelFormatError, match="'c/count': expected whole numbers of int32"):
            model.load_weights({"c/gain": np.ones(2), "c/count": np.array(wrong)})
        np.testing.assert_array_equal(gain, np.float32([2**40, 3]))
