"""What Keras's files may hold that jtf does not have, or that would do harm, is refused with the reason."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

import jtf
from jtf.io import ModelFormatError
from jtf.io.keras.config import Dialect, converted
from jtf.io.keras.model import load_keras_weights
from tests.io.keras.recorded import NEWEST, changed, expected, extracted, predicted

h5py = pytest.importorskip("h5py")

pytestmark = pytest.mark.usefixtures("compiled_in_a_hurry")


def layers(document):
    return document["config"]["layers"]


def of_layer(index, **options):
    """Other options of a layer."""
    return lambda document: layers(document)[index]["config"].update(options)


def described(index, **changes):
    """Another description of a layer."""
    return lambda document: layers(document)[index].update(changes)


BFLOAT16 = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}
OPERATION = {"module": "keras.src.ops.numpy", "class_name": "Add"}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("dense", described(1, class_name="Lambda"), "code from files is never run"),
        ("dense", described(1, class_name="Dance"), "found the class 'Dance'"),
        ("dense", described(1, **OPERATION), r"found the operation Add \(keras.src.ops.numpy\)"),
        ("dense", described(1, module="mine", registered_name="mine>Dense"), "the class 'Dense' of mine"),
        ("dense", described(1, module="os"), "the class 'Dense'"),
        ("dense", of_layer(1, dtype=BFLOAT16), "expected dtype 'float32'.*found 'mixed_bfloat16'"),
        ("dense", of_layer(0, dtype="string"), "found 'string'"),
        ("dense", of_layer(1, units=10**9), "weight 'dense/kernel'|'.*/kernel' has 6,000,000,000 numbers"),
        ("dense", of_layer(1, units=2), r"kernel of shape \(6, 2\); found shape \(6, 3\)"),
        ("dense", of_layer(1, use_bias=False), "expected 1 weights.*found 2 weights"),
        ("dense", of_layer(1, activation="hard_tanh"), "hard_tanh"),
        ("dense", of_layer(1, activation={"class_name": "ReLU", "config": {}}), "the name of an activation"),
        ("dense", of_layer(1, kernel_initializer={"class_name": "Mine", "config": {}}), "found 'Mine'"),
        ("dense", of_layer(1, lora_rank=4), "lora_rank=None, which is all that jtf has; found 4"),
        ("dense", of_layer(1, novelty=4), "has no option 'novelty'"),
        ("dense", lambda document: layers(document).pop(), "weights of the layers only|shape of its input"),
        ("noise", of_layer(1, rate=1.0), "drops everything"),
        ("up_sampling2d", of_layer(1, interpolation="bilinear"), "between the pixels' centres"),
        ("up_sampling2d", described(1, class_name="Resizing"), "Keras places pixels by their centres"),
        ("batch_normalization", of_layer(1, renorm=True), "renorm=False"),
        ("batch_normalization", of_layer(1, epsilon="small"), "epsilon is a number of at least 0"),
        ("layer_normalization", of_layer(1, rms_scaling=True), "rms_scaling=False"),
        ("conv2d_transpose", of_layer(1, output_padding=1), "output_padding=1"),
        ("relu", of_layer(1, negative_slope=0.1), "negative_slope=0.0"),
        (
            "bidirectional",
            lambda d: layers(d)[1]["config"]["backward_layer"]["config"].update(units=3),
            "both directions",
        ),
        ("masked_lstm", described(2, class_name="GlobalAveragePooling1D"), "no mask"),
        ("masked_lstm", of_layer(2, zero_output_for_mask=True), "makes its outputs zero in Keras"),
        ("masked_graph", lambda d: _call(d, "lstm").update(mask=None), "mask that comes with its input"),
        ("graph", lambda d: _call(d, "add").update(training=[1]) or _call(d, "add").update(more={}), "a name for more"),
        ("graph", lambda d: d["config"].update(output_layers=[["first", 7, 0]]), "has no tensor 0 of call 7"),
        ("graph", lambda d: d["config"].update(output_layers=["first"]), "outputs of other layers"),
        ("graph", lambda d: d["config"].update(layers="x"), "a list of layers"),
        ("graph", lambda d: layers(d).append(layers(d)[0]), "the same name twice"),
    ],
)
def test_configurations(name, change, message, tmp_path):
    with pytest.raises(ModelFormatError, match=message) as refused:
        jtf.load_keras_model(changed(f"{name}.keras", tmp_path, change))
    assert name in refused.value.file
    assert refused.value.entry
    assert refused.value.expected
    assert refused.value.found


@pytest.mark.parametrize(
    ("class_name", "size", "strides", "fits"),
    [
        ("Conv3D", [1, 3, 3], [2, 2, 2], False),
        ("Conv3D", [2, 3, 3], [2, 2, 2], True),
        ("Conv3DTranspose", [2, 2, 2], [2, 2, 3], False),
        ("MaxPooling3D", [2, 2, 2], [3, 3, 3], False),
        ("AveragePooling3D", [2, 2, 2], None, True),
    ],
)
def test_windows_that_begin_elsewhere_in_keras(class_name, size, strides, fits):
    config = {"name": "windows", "padding": "same", "strides": strides}
    config |= {"kernel_size": size, "filters": 1} if class_name.startswith("Conv") else {"pool_size": size}
    described = {"class_name": class_name, "module": "keras.layers", "config": config}
    if fits:
        assert converted(described, Dialect("f", 3))["config"]["padding"] == "same"
        return
    with pytest.raises(ModelFormatError, match="windows that are not shorter than their strides"):
        converted(described, Dialect("f", 3))


def _call(document, class_name):
    (found,) = [each for each in layers(document) if each["name"].startswith(class_name)]
    return found["inbound_nodes"][0]["kwargs"]


@pytest.mark.parametrize(
    ("entry", "change", "message"),
    [
        ("metadata.json", lambda document: {}, "keras_version 2 or 3; found None"),
        ("metadata.json", lambda document: {"keras_version": "1.2"}, "found '1.2'"),
        ("config.json", lambda document: [], "a JSON object; found list"),
        ("model.weights.h5", lambda data: b"", "model.weights.h5"),
        ("model.weights.h5", lambda data: data[: len(data) // 2], "within the file"),
    ],
)
def test_entries(entry, change, message, tmp_path):
    with pytest.raises(ModelFormatError, match=message):
        jtf.load_keras_model(changed("dense.keras", tmp_path, change, entry))


def test_archives(tmp_path):
    with zipfile.ZipFile(io.BytesIO(extracted(NEWEST, "dense.keras", tmp_path).read_bytes())) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    path = tmp_path / "model.keras"

    def refused(message, **changes):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in (entries | changes).items():
                if data is not None:
                    archive.writestr(name, data)
        with pytest.raises(ModelFormatError, match=message):
            jtf.load_keras_model(path)

    refused("metadata.json: expected to be there once", **{"metadata.json": None})
    refused("config.json: expected at most", **{"config.json": b" " * 65 * 2**20})
    refused("RecursionError", **{"config.json": b'{"a":' + bytes(np.full(10**5, ord("["), np.uint8))})
    path.write_bytes(b"PK" + bytes(100))
    with pytest.raises(ModelFormatError, match="the file: expected to be whole; found BadZipFile"):
        jtf.load_keras_model(path)
    path.write_bytes(b"GIF89a")
    with pytest.raises(ModelFormatError, match=r"expected a .keras file \(zip\) or an .h5 file"):
        jtf.load_keras_model(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        jtf.load_keras_model(tmp_path / "nowhere.keras")


def test_weights_that_do_not_fit_change_nothing(tmp_path):
    last = jtf.layers.dense(units=3, name="last")
    model = jtf.sequential([jtf.layers.dense(units=4, input_shape=[6]), jtf.layers.batch_normalization(), last])
    before = [np.asarray(weight) for weight in model.weights]
    with pytest.raises(ModelFormatError, match=r"layer 'last'.*expected last/kernel of shape \(4, 3\)"):
        load_keras_weights(model, extracted(NEWEST, "frozen.keras", tmp_path))
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.read(), value)
    with pytest.raises(ValueError, match="not built yet"):
        load_keras_weights(jtf.sequential([jtf.layers.dense(units=2)]), tmp_path / "any.h5")


def test_layers_of_ones_own(tmp_path):
    path = extracted(NEWEST, "dense.h5", tmp_path)
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"Dense"', '"mine>Denser"')
    with pytest.raises(ModelFormatError, match=r"made known by jtf\.register_class; found the class 'mine>Denser'"):
        jtf.load_keras_model(path)

    class Denser(jtf.layers.Dense):
        pass

    jtf.register_class(Denser)
    try:
        data = expected(NEWEST, "dense.keras")
        model = jtf.load_keras_model(path)
        assert type(model.layers[-1]) is Denser
        np.testing.assert_allclose(predicted(model, data["x"])[0], data["y"][0], rtol=1e-5, atol=1e-6)
    finally:
        jtf.layers.base.registry.classes.pop("Denser")
        jtf.layers.base.registry._folded.pop("denser")


def compiled(**changes):
    return lambda document: document["compile_config"].update(changes)


def optimizer(**options):
    return lambda document: document["compile_config"]["optimizer"]["config"].update(options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (optimizer(clipnorm=1.0), "Adam has clipnorm=1.0"),
        (optimizer(amsgrad=True), "amsgrad=True"),
        (optimizer(weight_decay=0.1), "weight_decay=0.1"),
        (optimizer(epsilon=1e-3), "before the correction of the bias"),
        (optimizer(learning_rate={"class_name": "CosineDecay"}), "a schedule"),
        (compiled(optimizer={"class_name": "Lion", "config": {}}), "its optimizer is Lion"),
        (compiled(optimizer={"class_name": "Adadelta", "config": {}}), "its optimizer is Adadelta"),
        (compiled(loss="hinge"), "takes labels of 0 for -1"),
        (compiled(loss="dice"), "'dice' is none of jtf"),
        (compiled(loss={"class_name": "MeanSquaredError", "config": {"reduction": "sum"}}), "reduction='sum'"),
        (of_layer(1, trainable=False), "the state of 6 weights, and 4 are trained"),
    ],
)
def test_what_cannot_be_trained_as_in_keras_is_not_compiled(change, message, tmp_path):
    path = changed("trained_adam.keras", tmp_path, change)
    with pytest.warns(UserWarning, match=message) as warned:
        model = jtf.load_keras_model(path)
    assert "call model.compile" in str(warned[0].message)
    assert warned[0].filename == __file__
    assert model.optimizer is None


def of_class(class_name, **config):
    return {"module": "keras.metrics", "class_name": class_name, "config": {"name": class_name.lower()} | config}


def test_metrics_with_options(tmp_path):
    metrics = [
        "accuracy",
        of_class("AUC", num_thresholds=50, thresholds=[i / 49 for i in range(1, 49)], label_weights=None),
        of_class("Precision", thresholds=0.3, class_id=None, top_k=None),
        of_class("F1Score", average="macro", threshold=None),
        of_class("R2Score", class_aggregation="uniform_average", num_regressors=0),
        of_class("TopKCategoricalAccuracy", k=2, dtype="float32"),
        of_class("OneHotMeanIoU", num_classes=3, sparse_y_pred=False, axis=-1),
    ]
    change = compiled(metrics=metrics, weighted_metrics=[of_class("Recall", thresholds=None)])
    model = jtf.load_keras_model(changed("trained_adam.keras", tmp_path, change))
    m = jtf.metrics
    assert model.compiled_with["metrics"] == [
        "accuracy",
        m.auc(num_thresholds=50),
        m.precision(threshold=0.3),
        m.f1_score(name="f1score"),
        m.r2_score(multioutput="uniform_average", name="r2score"),
        model.compiled_with["metrics"][5],
        m.mean_iou(name="onehotmeaniou"),
    ]
    assert model.compiled_with["metrics"][5].function.keywords == {"k": 2}
    assert model.compiled_with["weighted_metrics"] == [m.recall()]


def test_other_metrics_are_left_out(tmp_path):
    metrics = [
        "accuracy",
        of_class("AUC", thresholds=[0.5, 0.7], num_thresholds=4),
        of_class("Precision", thresholds=[0.3, 0.6]),
        of_class("F1Score", average=None),
        of_class("MeanIoU", num_classes=3, sparse_y_pred=True),
        of_class("Hinge"),
    ]
    with pytest.warns(UserWarning, match="without the metrics auc, precision, f1_score, mean_io_u, hinge, which"):
        model = jtf.load_keras_model(changed("trained_adam.keras", tmp_path, compiled(metrics=metrics)))
    assert model.metrics_names == ["loss", "acc"]


def test_a_loss_that_leaves_masked_steps_out(tmp_path):
    training = {"optimizer": "adam", "loss": "mse", "metrics": None}

    def change(document):
        document["compile_config"] = training
        layers(document)[1]["config"]["mask_zero"] = True

    model = jtf.load_keras_model(changed("embedding.keras", tmp_path, change))
    assert model.compiled_with["mask_loss"] is True
    path = changed("masked_lstm.keras", tmp_path, lambda document: document.update(compile_config=training))
    assert jtf.load_keras_model(path).compiled_with["mask_loss"] is None


def test_damaged_state_of_the_optimizer(tmp_path):
    def change(data):
        stream = io.BytesIO(data)
        with h5py.File(stream, "a") as file:
            del file["optimizer/vars/0"]
            file["optimizer/vars/0"] = np.ones(3)
        return stream.getvalue()

    with pytest.raises(ModelFormatError, match="a count of updates first"):
        jtf.load_keras_model(changed("trained_adam.keras", tmp_path, change, "model.weights.h5"))


def plus(name):
    """What Keras 3 writes for ``x + x`` in place of a layer of the graph, and what it then says of the layer."""

    def change(document):
        for layer in document["config"]["layers"]:
            if layer["class_name"] == "Add":
                layer |= {"module": "keras.src.ops.numpy", "class_name": name, "registered_name": name}
                layer["config"] = {"name": layer["config"]["name"]}
                layer["inbound_nodes"] = [{"args": node["args"][0], "kwargs": {}} for node in layer["inbound_nodes"]]

    return change


def test_operators_on_tensors_of_one_shape_are_layers(tmp_path):
    model = jtf.load_keras_model(changed("graph.keras", tmp_path, plus("Add")))
    xs, ys = (expected(NEWEST, "graph.keras")[letter] for letter in "xy")
    for ours, theirs in zip(predicted(model, xs), ys, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_other_operations_are_refused_by_name(tmp_path):
    with pytest.raises(ModelFormatError, match=r"found the operation Subtract \(keras.src.ops.numpy\)"):
        jtf.load_keras_model(changed("graph.keras", tmp_path, plus("Subtract")))
