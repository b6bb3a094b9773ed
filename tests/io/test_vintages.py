"""Files as TF.js, its converter and Keras have written them over the years; made by hand from their documentation."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

import jtf
from tests.io.keras.recorded import NEWEST, extracted

KERNEL, BIAS = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([0.5, -0.5], np.float32)
X = np.array([[1, 2, 3]], np.float32)
EXPECTED = X @ KERNEL + BIAS

INPUT = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "dtype": "float32", "sparse": False}}


def dense(name="dense_1"):
    """A Dense layer as Keras 2.2 writes it."""
    return {
        "class_name": "Dense",
        "config": {
            "name": name,
            "trainable": True,
            "units": 2,
            "activation": "linear",
            "use_bias": True,
            "kernel_initializer": {
                "class_name": "VarianceScaling",
                "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
            },
            "bias_initializer": {"class_name": "Zeros", "config": {}},
            "kernel_regularizer": None,
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
        },
    }


def sequential(**first):
    layer = dense()
    layer["config"] |= {"batch_input_shape": [None, 3], "dtype": "float32"} | first
    return {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": [layer]}}


def old_sequential():
    """Before Keras 2.2.3 the configuration was the list of layers itself."""
    return {"class_name": "Sequential", "config": sequential()["config"]["layers"]}


def functional(class_name):
    input_layer = INPUT | {"config": INPUT["config"] | {"name": "input_1"}, "name": "input_1", "inbound_nodes": []}
    layer = dense() | {"name": "dense_1", "inbound_nodes": [[["input_1", 0, 0, {}]]]}
    config = {
        "name": "model_1",
        "layers": [input_layer, layer],
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["dense_1", 0, 0]],
    }
    return {"class_name": class_name, "config": config}


def full(model):
    """A whole model of Keras, as the converter takes it out of an .h5 file."""
    return {
        "keras_version": "2.2.4",
        "backend": "tensorflow",
        "model_config": model,
        "training_config": {
            "optimizer_config": {"class_name": "Adam", "config": {"lr": 0.001, "beta_1": 0.9, "amsgrad": False}},
            "loss": "mse",
            "metrics": ["accuracy"],
            "sample_weight_mode": None,
            "loss_weights": None,
        },
    }


def written(directory, topology, names=("dense_1/kernel", "dense_1/bias"), groups=1, **fields):
    """A directory with a model.json as old as the fields that it lacks."""
    entries = [
        {"name": names[0], "shape": [3, 2], "dtype": "float32"},
        {"name": names[1], "shape": [2], "dtype": "float32"},
    ]
    data = [KERNEL.tobytes(), BIAS.tobytes()]
    if groups == 1:
        manifest = [{"paths": ["group1-shard1of1"], "weights": entries}]
        data = [b"".join(data)]
    else:
        manifest = [{"paths": [f"group{n + 1}-shard1of1"], "weights": [entry]} for n, entry in enumerate(entries)]
    for group, part in zip(manifest, data, strict=True):
        (directory / group["paths"][0]).write_bytes(part)
    document = {"modelTopology": topology, "weightsManifest": manifest} | fields
    (directory / "model.json").write_text(json.dumps(document))
    return directory


@pytest.mark.parametrize(
    "topology",
    [
        sequential(),
        old_sequential(),
        functional("Model"),
        functional("Functional"),
        full(sequential()),
        full(functional("Model")),
        sequential() | {"keras_version": "2.11.0", "backend": "tensorflow"},
    ],
    ids=["sequential", "list", "Model", "Functional", "full", "full-Model", "version"],
)
@pytest.mark.parametrize("groups", [1, 2])
def test_topologies(tmp_path, topology, groups):
    model = jtf.load_layers_model(written(tmp_path, topology, groups=groups))
    np.testing.assert_allclose(model.predict(X), EXPECTED, rtol=1e-6)
    assert model.optimizer is None, "as in TF.js, which leaves Keras's training_config alone"


@pytest.mark.parametrize(
    "names",
    [
        ("dense_1/kernel", "dense_1/bias"),
        ("model/dense_1/kernel", "model/dense_1/bias"),
        ("dense_1/dense_cell/kernel", "dense_1/dense_cell/bias"),
        ("dense_1/0", "dense_1/1"),
        ("other/kernel", "other/bias"),
    ],
)
def test_names_of_weights(tmp_path, names):
    model = jtf.load_layers_model(written(tmp_path, sequential(), names))
    np.testing.assert_allclose(model.predict(X), EXPECTED, rtol=1e-6)


def test_fields_that_newer_writers_add_change_nothing(tmp_path):
    fields = {
        "format": "layers-model",
        "generatedBy": "keras v2.15.0",
        "convertedBy": "TensorFlow.js Converter v4.22.0",
        "signature": None,
        "userDefinedMetadata": None,
        "trainingConfig": None,
        "modelInitializer": {},
    }
    model = jtf.load_layers_model(written(tmp_path, sequential(), **fields))
    np.testing.assert_allclose(model.predict(X), EXPECTED, rtol=1e-6)


@pytest.mark.parametrize("name", ["conv2d.keras", "graph.keras"])
def test_what_the_converter_makes_of_keras_3(tmp_path, name):
    """TF.js cannot open it (tensorflow/tfjs#8328): the configuration is Keras 3's, as it was."""
    file = extracted(NEWEST, name, tmp_path)
    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("config.json"))
    model = jtf.load_keras_model(file)
    arrays = {f"{model.name}/{weight.name}": np.asarray(weight) for weight in model.weights}
    document = {
        "format": "layers-model",
        "generatedBy": "keras v3.15.1",
        "convertedBy": "TensorFlow.js Converter v4.22.0",
        "modelTopology": {"keras_version": "3.15.1", "backend": "tensorflow", "model_config": config},
        "weightSpecs": [{"name": n, "shape": list(a.shape), "dtype": str(a.dtype)} for n, a in arrays.items()],
        "weightData": b"".join(a.tobytes() for a in arrays.values()),
    }
    again = jtf.load_layers_model(document)
    assert again.to_json() == model.to_json()
    for new, old in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
