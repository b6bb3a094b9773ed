"""States of optimizers in files of earlier versions of Keras: each slot lands at its weight, and training goes on."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

import jtf
from jtf.io.optimizer_state import optimizer_weights
from tests.io.keras.recorded import DIRECTORY, extracted

h5py = pytest.importorskip("h5py")

pytestmark = pytest.mark.usefixtures("compiled_in_a_hurry")

#: Keras 2.2 apart, and that in TensorFlow 1.15, 2.6 and (as `keras.optimizers.legacy`) 2.15.
ALONE, TENSORFLOW_1, LEGACY, TENSORFLOW_2 = sorted(DIRECTORY.glob("state-*.zip"))
NOT_THE_SAME = {"adadelta", "nadam", "decay"}


def recorded(archive):
    with zipfile.ZipFile(archive) as file:
        return sorted({name.removesuffix(".h5") for name in file.namelist() if name.endswith(".h5")} - NOT_THE_SAME)


def case(archive, name):
    is_quick = archive is TENSORFLOW_2 or (name in ("adam", "adamax") and archive is ALONE)
    return pytest.param(archive, name, id=f"{archive.stem}-{name}", marks=[] if is_quick else pytest.mark.slow)


def slots(model):
    """The optimizer's state by TF.js's names."""
    kept = optimizer_weights(model.optimizer, {weight: weight.name for weight in model.trained_weights})
    return {weight.spec.name: weight.array for weight in kept}


def adds_epsilon_to_the_root(archive, name):
    return name == "rmsprop" or (name == "adagrad" and archive is ALONE)


@pytest.mark.parametrize(
    ("archive", "name"),
    [case(each, name) for each in (ALONE, TENSORFLOW_1, TENSORFLOW_2, LEGACY) for name in recorded(each)],
)
def test_training_goes_on(archive, name, tmp_path):
    path = extracted(archive, f"{name}.h5", tmp_path)
    if adds_epsilon_to_the_root(archive, name):
        with pytest.warns(UserWarning, match="epsilon is added under the root, as in Keras since 2.11"):
            model = jtf.load_keras_model(path)
    else:
        model = jtf.load_keras_model(path)
    with zipfile.ZipFile(archive) as file:
        data = np.load(io.BytesIO(file.read(f"{name}.npz")))
    for x, y in zip(data["x"], data["y"], strict=True):
        model.train_on_batch(x, y)
    np.testing.assert_allclose(model.predict(data["x"][0]), data["p"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("archive", [TENSORFLOW_1, TENSORFLOW_2, LEGACY], ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["adam", "adamax", "adam_thawed"])
def test_slots_lie_at_the_weights_after_which_they_are_called(archive, name, tmp_path):
    path = extracted(archive, f"{name}.h5", tmp_path)
    state = slots(jtf.load_keras_model(path))
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        names = list(group.attrs["weight_names"])
        assert len(state) == len(names) == 13
        for name in (each if isinstance(each, str) else each.decode() for each in names):
            *_, layer, weight, slot = f"/{name.partition(':')[0]}".rsplit("/", 3)
            ours = "iter" if slot == "iter" else f"{layer}/{weight}/{slot}"
            np.testing.assert_array_equal(state[ours], group[name][()])


def test_slots_without_names_lie_in_the_order_of_keras_2_2(tmp_path):
    path = extracted(ALONE, "adam.h5", tmp_path)
    state = slots(jtf.load_keras_model(path))
    weights = [f"{layer}/{weight}" for layer in "bac" for weight in ("kernel", "bias")]
    assert list(state) == ["iter", *(f"{weight}/{slot}" for slot in "mv" for weight in weights)]
    with h5py.File(path) as file:
        group = file["optimizer_weights"]
        for ours, theirs in zip(state.values(), group.attrs["weight_names"], strict=False):
            np.testing.assert_array_equal(ours, group[theirs][()])


@pytest.mark.parametrize("name", ["adam", "adamax", "rmsprop_all", "nesterov"])
def test_both_kinds_of_files_of_keras_2_15_hold_the_same(name, tmp_path):
    archive = DIRECTORY / "keras-2.15.0.zip"
    one, other = (
        slots(jtf.load_keras_model(extracted(archive, f"trained_{name}{suffix}", tmp_path)))
        for suffix in (".keras", ".h5")
    )
    assert one.keys() == other.keys()
    for key, array in one.items():
        np.testing.assert_array_equal(array, other[key])


def test_a_state_without_a_count_is_kept_when_saved(tmp_path):
    path = extracted(ALONE, "adagrad.h5", tmp_path)
    with pytest.warns(UserWarning, match="epsilon"):
        model = jtf.load_keras_model(path)
    assert model.optimizer.iterations == 0
    model.save(tmp_path / "saved", include_optimizer=True)
    again = slots(jtf.load_layers_model(tmp_path / "saved"))
    for key, array in slots(model).items():
        np.testing.assert_array_equal(again[key], array)
    assert len(again) == 7
    document = json.loads((tmp_path / "saved" / "model.json").read_text())
    assert document["trainingConfig"]["optimizer_config"]["class_name"] == "Adagrad"


@pytest.mark.parametrize("archive", [ALONE, TENSORFLOW_1, TENSORFLOW_2, LEGACY], ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("name", "message"), [("adadelta", "Adadelta"), ("nadam", "Nadam"), ("decay", "decay=0.1|'decay'")]
)
def test_what_jtf_does_not_have_is_not_compiled(archive, name, message, tmp_path):
    with pytest.warns(UserWarning, match=message):
        model = jtf.load_keras_model(extracted(archive, f"{name}.h5", tmp_path))
    assert model.optimizer is None
    assert model.predict(np.ones((1, 3))).shape == (1, 3)


def test_a_state_of_other_shapes_does_not_refuse_the_model(tmp_path):
    path = extracted(TENSORFLOW_2, "adam.h5", tmp_path)
    with h5py.File(path, "a") as file:
        del file["optimizer_weights/Adam/a/kernel/m:0"]
        file["optimizer_weights/Adam/a/kernel/m:0"] = np.ones((9, 3), np.float32)
    with pytest.warns(UserWarning, match=r"m of a/kernel is of shape \(9, 3\), and the weight of \(3, 3\)"):
        assert jtf.load_keras_model(path).optimizer is None
