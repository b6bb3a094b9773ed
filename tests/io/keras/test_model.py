"""Models that the real Keras has saved predict the same numbers here, and train on as there."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jtf
from jtf.io.keras.model import load_keras_weights
from jtf.io.keras.weights import places
from tests.io.keras.recorded import DIRECTORY, NEWEST, RECORDED, expected, extracted, names, predicted

pytestmark = pytest.mark.usefixtures("compiled_in_a_hurry")

MODELS = [
    pytest.param(archive, name, id=f"{archive.stem}-{name}", marks=[pytest.mark.slow] * (archive is not NEWEST))
    for archive in RECORDED
    for name in names(archive)
    if name.endswith(".keras") and not name.startswith("trained_")
]
TRAINED = [
    pytest.param(archive, name, id=f"{archive.stem}-{name}", marks=[pytest.mark.slow] * (archive is not NEWEST))
    for archive in RECORDED
    for name in names(archive, "trained_")
    if name.endswith(".keras") or archive is NEWEST
]
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def check(archive, name, directory):
    """The ``.keras`` file predicts as in Keras, and the ``.h5`` file is the same model."""
    model = jtf.load_keras_model(extracted(archive, name, directory))
    recorded = expected(archive, name)
    for given, wanted in zip(predicted(model, recorded["x"]), recorded["y"], strict=True):
        np.testing.assert_allclose(given, wanted, **TOLERANCE)
    older = name.replace(".keras", ".h5")
    if older in names(archive):
        other = jtf.load_keras_model(extracted(archive, older, directory))
        assert other.to_json() == model.to_json()
        for weight, same in zip(model.weights, other.weights, strict=True):
            assert weight.name == same.name
            np.testing.assert_array_equal(weight.read(), same.read())


@pytest.mark.parametrize(("archive", "name"), MODELS)
def test_predictions(archive, name, tmp_path):
    check(archive, name, tmp_path)


def test_every_layer_that_both_have_is_recorded(tmp_path):
    found: set[str] = set()
    for name in names(NEWEST):
        if name.endswith(".keras"):
            model = jtf.load_keras_model(extracted(NEWEST, name, tmp_path))
            found |= {layer.class_name for layer in (model, *model.layers_inside)}
    # Keras has none of these, or another one of this name.
    not_in_keras = {"ThresholdedReLU", "PositionEmbedding", "RandomWidth", "RandomHeight", "Resizing"}
    of_jtf = {cls.__name__ for cls in jtf.layers.base.registry.classes.values() if cls.__module__.startswith("jtf.")}
    assert of_jtf - found == not_in_keras


@pytest.mark.parametrize(("archive", "name"), TRAINED)
def test_training_goes_on(archive, name, tmp_path):
    model, recorded = jtf.load_keras_model(extracted(archive, name, tmp_path)), expected(archive, name)
    assert model.optimizer.iterations == 3
    for n, x in enumerate(recorded["batches"]):
        y = [each[n] for each in recorded["y"]]
        model.train_on_batch(x, y if len(y) > 1 else y[0])
    for given, wanted in zip(predicted(model, recorded["x"]), recorded["p"], strict=True):
        np.testing.assert_allclose(given, wanted, **TOLERANCE)


@pytest.mark.parametrize("archive", RECORDED, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["graph", "nested_frozen"])
def test_weights_only(archive, name, tmp_path):
    model = jtf.load_keras_model(extracted(archive, f"{name}.keras", tmp_path))
    values = [np.asarray(weight) for weight in model.weights]
    for suffix in (".weights.h5", ".keras", ".h5"):
        if f"{name}{suffix}" in names(archive):
            model.set_weights([np.zeros_like(value) for value in values])
            load_keras_weights(model, extracted(archive, f"{name}{suffix}", tmp_path))
            for weight, value in zip(model.weights, values, strict=True):
                np.testing.assert_array_equal(weight.read(), value)


def test_weights_only_for_a_model_made_here(tmp_path):
    layers = [jtf.layers.dense(units=4, input_shape=[6]), jtf.layers.batch_normalization(), jtf.layers.dense(units=2)]
    model = jtf.sequential(layers)
    load_keras_weights(model, extracted(NEWEST, "frozen.keras", tmp_path))
    recorded = expected(NEWEST, "frozen.keras")
    np.testing.assert_allclose(predicted(model, recorded["x"])[0], recorded["y"][0], **TOLERANCE)


def test_a_file_of_weights_is_no_model(tmp_path):
    path = extracted(NEWEST, "graph.weights.h5", tmp_path)
    with pytest.raises(jtf.io.ModelFormatError, match="weights only"):
        jtf.load_keras_model(path)


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="keras is not installed")
@pytest.mark.slow
def test_the_keras_that_is_installed(tmp_path):
    script = Path(__file__).parents[2] / "oracle" / "record_keras.py"
    chosen = ["graph", "adam"]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, script, tmp_path, *chosen], env=environment, check=True, capture_output=True)
    (archive,) = tmp_path.glob("keras-*.zip")
    for name in names(archive):
        if name.endswith(".keras") and not name.startswith("trained_"):
            check(archive, name, tmp_path)
    for name in names(archive, "trained_"):
        test_training_goes_on(archive, name, tmp_path)


def test_the_recorded_files_are_small():
    assert sum(path.stat().st_size for path in DIRECTORY.iterdir()) < 1_500_000


@pytest.mark.parametrize("archive", [RECORDED[0], NEWEST], ids=lambda path: path.stem)
def test_names_and_what_is_frozen(archive, tmp_path):
    layer = jtf.load_keras_model(extracted(archive, "bidirectional.keras", tmp_path)).layers[-1]
    assert (layer.layer.name, layer.forward_layer.name) == ("lstm", "forward_lstm")
    model = jtf.load_keras_model(extracted(archive, "nested_frozen.keras", tmp_path))
    if archive is NEWEST:  # Keras 2 says it of the layers inside only
        assert [model.get_layer(name).trainable for name in ("inner", "base", "head")] == [True, False, True]
    trained = {weight.name.partition("/")[0] for weight in model.trainable_weights}
    assert trained == {"b", "n", "c", "head"}


def test_shared_layers_have_one_place():
    shared, x = jtf.layers.dense(units=3, name="shared"), jtf.input(shape=[3])
    inner = jtf.sequential([jtf.layers.dense(units=3, input_shape=[3], name="first"), shared])
    model = jtf.model(inputs=x, outputs=shared(inner(x)))
    assert sorted(p.layer.name for p in places(model) if p.variables) == ["first", "shared"]
