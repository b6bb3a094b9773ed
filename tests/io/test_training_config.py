"""What a model was compiled with, in files: names that come back, and what has no name."""

from __future__ import annotations

import json

import numpy as np
import optax
import pytest

import jtf
from jtf.functional import losses, metrics
from jtf.io import ModelFormatError


def small(units=2):
    return jtf.sequential([jtf.layers.dense(units=units, input_shape=[3], name="d")])


def two_outputs():
    entry = jtf.input(shape=[3])
    return jtf.model(inputs=entry, outputs=[jtf.layers.dense(units=2, name=name)(entry) for name in "ab"])


def saved(model, directory, **options):
    model.save(directory, include_optimizer=True, **options)
    return json.loads((directory / "model.json").read_text())["trainingConfig"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"loss": "mse"}, {"loss": "mean_squared_error", "metrics": {}}),
        ({"loss": losses.hinge, "metrics": "accuracy"}, {"loss": "hinge", "metrics": "accuracy"}),
        (
            {"loss": "meanSquaredError", "metrics": ["acc", "meanSquaredError", "MAE", metrics.precision]},
            {"loss": "mean_squared_error", "metrics": ["acc", "mse", "mae", "precision"]},
        ),
    ],
)
def test_names(tmp_path, given, written):
    model = small()
    model.compile(optimizer="adam", **given)
    config = saved(model, tmp_path)
    assert {key: config[key] for key in ("loss", "metrics")} == written
    assert config["optimizer_config"] == {
        "class_name": "Adam",
        "config": {"learningRate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
    }
    again = jtf.load_layers_model(tmp_path)
    assert len(again.metrics_names) == len(model.metrics_names)
    assert again.optimizer.get_config() == model.optimizer.get_config()


@pytest.mark.parametrize("form", [lambda a, b: [a, b], lambda a, b: {"a": a, "b": b}])
def test_several_outputs(tmp_path, form):
    model = two_outputs()
    model.compile(optimizer="sgd", loss=form("mse", "mae"), metrics={"b": "mse"})
    config = saved(model, tmp_path)
    assert config["loss"] == form("mean_squared_error", "mean_absolute_error")
    assert config["metrics"] == {"b": "mse"}
    assert jtf.load_layers_model(tmp_path).metrics_names == model.metrics_names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": lambda t, p: p}, r"loss '<lambda>' is a function.*compile again after loading"),
        ({"loss": "mse", "metrics": [lambda t, p: p]}, "metric '<lambda>' is none of jtf.metrics"),
        ({"loss": "mse", "optimizer": optax.adam(0.1)}, r"Optax cannot be written.*SGD, Momentum, "),
        ({"loss": "mse", "optimizer": jtf.train.sgd(optax.constant_schedule(0.1))}, "learning rate is a schedule"),
        ({"loss": "mse", "optimizer": "adamax"}, r"TF.js cannot save or load the state of Adamax.*target='jtf'"),
        ({"loss": "mse", "metrics": ["recall"]}, r"TF.js cannot load a model with the metric 'recall'; it knows acc,"),
        ({"loss": "mse", "loss_weights": [2.0]}, "TF.js has no loss weights"),
    ],
)
def test_what_cannot_be_written(tmp_path, options, message):
    model = small()
    model.compile(**{"optimizer": "sgd", **options})
    with pytest.raises(ValueError, match=message):
        model.save(tmp_path / "model", include_optimizer=True)
    assert not (tmp_path / "model").exists()


def test_outputs_without_a_loss(tmp_path):
    model = two_outputs()
    model.compile(optimizer="sgd", loss={"a": "mse"})
    assert saved(model, tmp_path, target="jtf")["loss"] == {"a": "mean_squared_error"}
    assert jtf.load_layers_model(tmp_path).metrics_names == model.metrics_names
    model.compile(optimizer="sgd", loss=["mse", None])
    with pytest.raises(ValueError, match=r"outputs that have no loss.*target='jtf'"):
        model.save(tmp_path, include_optimizer=True)


def test_what_only_jtf_can_open(tmp_path):
    model = small()
    model.compile(optimizer="adamax", loss="mse", metrics=["recall"], loss_weights=[2.0])
    x = np.ones((4, 3), np.float32)
    model.fit(x, x[:, :2], epochs=2, verbose=0)
    model.save(tmp_path, include_optimizer=True, target="jtf")
    again = jtf.load_layers_model(tmp_path)
    assert again.optimizer.iterations == 2
    assert again.metrics_names == model.metrics_names
    for m in (model, again):
        m.fit(x, x[:, :2], epochs=1, verbose=0)
    for new, old in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


def test_what_was_frozen_since_is_compiled_first(tmp_path):
    model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3], name=name) for name in "ab"][:1])
    model.add(jtf.layers.dense(units=2, name="c"))
    model.compile(optimizer="adam", loss="mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    model.layers[0].trainable = False
    with pytest.raises(ValueError, match=r"has changed since it was compiled.*Compile it again"):
        model.save(tmp_path / "model", include_optimizer=True)
    model.compile(optimizer=model.optimizer, loss="mse")
    model.save(tmp_path / "model", include_optimizer=True)
    assert jtf.load_layers_model(tmp_path / "model").optimizer.iterations == 1


def changed(directory, change):
    file = directory / "model.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    return directory


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(loss="mean_sqared_error"), r"trainingConfig: expected a loss.*Did you mean"),
        (lambda c: c["optimizer_config"].update(class_name="Adma"), "trainingConfig: .*Did you mean 'Adam"),
        (lambda c: c.pop("optimizer_config"), "trainingConfig: .*KeyError"),
        (lambda c: c["optimizer_config"]["config"].update(learningRate="x"), "trainingConfig: .*TypeError"),
    ],
)
def test_damaged(tmp_path, change, message):
    model = small()
    model.compile(optimizer="adam", loss="mse")
    model.save(tmp_path, include_optimizer=True)
    with pytest.raises(ModelFormatError, match=message):
        jtf.load_layers_model(changed(tmp_path, lambda document: change(document["trainingConfig"])))


def entry(document, name):
    weights = document["weightsManifest"][0]["weights"]
    return next(weight for weight in weights if weight["name"] == name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: entry(d, "iter").update(name="itre"), "optimizer weight 'itre': expected 'iter'"),
        (lambda d: entry(d, "iter").update(dtype="float32"), "optimizer weight 'iter': expected 'iter', a count"),
        (
            lambda d: entry(d, "d/bias/m").update(name="d/bias/n"),
            "Adam: expected slots m, v; found m, n, v",
        ),
        (lambda d: entry(d, "d/bias/m").update(name="d/bias/v"), "weights '.../v': expected slots of the trained"),
        (lambda d: entry(d, "d/kernel/m").update(shape=[2, 3]), r"'d/kernel/m': expected shape \(3, 2\)"),
    ],
)
def test_damaged_optimizer_state(tmp_path, change, message):
    model = small()
    model.compile(optimizer="adam", loss="mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    model.save(tmp_path, include_optimizer=True)
    with pytest.raises(ModelFormatError, match=message):
        jtf.load_layers_model(changed(tmp_path, change))


def test_slots_of_some_weights_only(tmp_path):
    """TF.js has none for weights on which the loss does not depend."""
    model = small()
    model.compile(optimizer="adam", loss="mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    kept = []
    model.save(jtf.io.with_save_handler(kept.append), include_optimizer=True)
    (artifacts,) = kept
    keep = [spec.group is None or not spec.name.startswith("d/bias/") for spec in artifacts.weight_specs]
    data, parts, offset = artifacts.weight_data, [], 0
    for spec, wanted in zip(artifacts.weight_specs, keep, strict=True):
        parts += [data[offset : offset + spec.bytes]] * wanted
        offset += spec.bytes
    document = artifacts.document([]) | {
        "weightSpecs": [s.as_json() for s, wanted in zip(artifacts.weight_specs, keep, strict=True) if wanted],
        "weightData": b"".join(parts),
    }
    again = jtf.load_layers_model(document)
    state = {name: np.asarray(v) for name, v in again.optimizer._slots.items()}
    (of_kernel,) = [v for name, v in state.items() if "mu" in name and "kernel" in name]
    (of_bias,) = [v for name, v in state.items() if "mu" in name and "bias" in name]
    assert of_kernel.any()
    assert not of_bias.any()
    assert again.optimizer.iterations == 1


def test_what_jtf_does_not_know_is_said(tmp_path):
    model = small()
    model.compile(optimizer="sgd", loss="mse")
    saved(model, tmp_path)
    file = tmp_path / "model.json"
    document = json.loads(file.read_text())
    document["trainingConfig"] |= {"sample_weight_mode": "temporal", "loss_weights": None, "jit_compile": None}
    file.write_text(json.dumps(document))
    with pytest.warns(UserWarning, match=r'compiled without {"sample_weight_mode": "temporal"}, which') as said:
        assert jtf.load_layers_model(tmp_path).optimizer is not None
    assert said[0].filename == __file__
