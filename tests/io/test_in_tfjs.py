"""From jtf to the real TF.js and back: the layers of the catalogue, whole models, and training that goes on there.

Without Node and TF.js these tests are skipped; `npm install --prefix tests/oracle` gets it.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import jtf
from jtf.layers.scopes import weights_are_given
from tests.corpus import cases, in_order_of
from tests.in_tfjs import arrays, config_in, differs, has_failed, put_case, results, run_in_tfjs
from tests.layers.catalogue import ROWS
from tests.layers.test_catalogue_files import model_of

pytestmark = pytest.mark.usefixtures("compiled_in_a_hurry")

#: One row a class: how numbers come out of its weights and options is the same in all.
FIRST_ROWS = {getattr(jtf.layers, row.factory).__wrapped__: row for row in reversed(ROWS)}.values()
MODELS = cases("tfjs_models.json.gz")

_RECURRENT = ("SimpleRNN", "GRU", "LSTM", "ConvLSTM2D")
#: What TF.js does not write, or writes otherwise, as it saves: options by class.
FORGOTTEN = {
    "Embedding": ("dtype",),  # when it was not made from a file
    "AlphaDropout": ("noise_shape", "seed"),
    "GaussianNoise": ("seed",),
    "SpatialDropout1D": ("seed",),
    "LayerNormalization": ("beta_constraint", "gamma_constraint"),
    "DepthwiseConv2D": ("depthwise_constraint",),
    "SeparableConv2D": ("depth_multiplier", "pointwise_initializer"),
    "StackedRNNCells": ("name",),
    **dict.fromkeys(_RECURRENT, ("activity_regularizer",)),
}

OPTIMIZERS = {
    "sgd": lambda: jtf.train.sgd(0.1),
    "momentum": lambda: jtf.train.momentum(0.1, 0.9),
    "nesterov": lambda: jtf.train.momentum(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda: jtf.train.adagrad(0.1),
    "adadelta": lambda: jtf.train.adadelta(0.5),
    "adam": lambda: jtf.train.adam(0.05),
    "rmsprop": lambda: jtf.train.rmsprop(0.01),
    "rmsprop-momentum": lambda: jtf.train.rmsprop(0.01, momentum=0.9),
    # It divides by the root of a difference of almost equal numbers: with other data the two part, and TF.js gives NaN.
    "rmsprop-centered": lambda: jtf.train.rmsprop(0.003, centered=True),
}


def without_forgotten(topology: Any) -> Any:
    if isinstance(topology, list):
        return [without_forgotten(each) for each in topology]
    if not isinstance(topology, dict):
        return topology
    forgotten = FORGOTTEN.get(topology.get("class_name"), ())
    return {
        key: {k: without_forgotten(v) for k, v in value.items() if k not in forgotten}
        if key == "config" and isinstance(value, dict)
        else without_forgotten(value)
        for key, value in topology.items()
    }


def to_train(optimizer: Any) -> jtf.Sequential:
    rng = np.random.default_rng(1)
    model = jtf.sequential(
        [
            jtf.layers.dense(units=4, activation="tanh", input_shape=[3], name="first"),
            jtf.layers.layer_normalization(name="norm"),
            jtf.layers.dense(units=2, name="last"),
        ]
    )
    model.set_weights([rng.uniform(-1, 1, w.shape) for w in model.weights])
    model.compile(optimizer=optimizer, loss="meanSquaredError")
    return model


def train(model: Any, steps: int) -> None:
    for _ in range(steps):
        model.train_on_batch(X, Y)


X = np.random.default_rng(6).uniform(-1, 1, (8, 3)).astype(np.float32)
Y = np.random.default_rng(7).uniform(-3, 3, (8, 2)).astype(np.float32)


def built_by_data() -> Any:
    model = jtf.sequential([jtf.layers.dense(units=4, activation="tanh"), jtf.layers.dense(units=2)])
    model.predict(X)
    return model


def built_in_a_graph() -> Any:
    entry = jtf.input(shape=[3])
    inner = jtf.sequential([jtf.layers.dense(units=4, activation="tanh"), jtf.layers.dense(units=2)])
    return jtf.model(inputs=entry, outputs=inner(entry))


def built_before_it_was_wrapped() -> Any:
    """Its weights are called otherwise than TF.js would call them."""
    layer = jtf.layers.dense(units=2)
    layer(np.ones((1, 1), np.float32))
    model = jtf.sequential(
        [
            jtf.layers.reshape(target_shape=[3, 1], input_shape=[3]),
            jtf.layers.time_distributed(layer=layer),
            jtf.layers.bidirectional(layer=jtf.layers.lstm(units=2)),
        ]
    )
    assert not model.weights[0].name.startswith("time_distributed")
    return model


QUANTIZED = ("float16", "uint8", "uint16")
OTHERS = {
    "built-by-data": built_by_data,
    "built-in-a-graph": built_in_a_graph,
    "built-before-it-was-wrapped": built_before_it_was_wrapped,
}


@pytest.fixture(scope="module")
def rows():
    """The catalogue's rows as models."""
    return {row.id: model_of(row) for row in ROWS}


@pytest.fixture(scope="module")
def trained():
    """By optimizer: a model after six steps here."""
    return {}


@pytest.fixture(scope="module")
def in_tfjs(rows, trained, tmp_path_factory):
    """All of the models, after one Node process has opened, used and saved them."""
    directory = tmp_path_factory.mktemp("models")
    for row in ROWS:
        place = directory / f"row-{row.id}"
        rows[row.id].save(place, target="jtf")
        put_case(place, row.inputs())
    for case in MODELS:
        with weights_are_given(10_000):
            model = jtf.models.model_from_json(case["topology"])
        model.set_weights(in_order_of(model, case["before"]))
        place = directory / f"model-{case['name']}"
        model.save(place)
        batch = case["fit"]["batchSize"]
        put_case(place, [x[:batch] for x in case["x"]])
    for name, make in OTHERS.items():
        trained[name] = make()
        trained[name].save(directory / name)
        put_case(directory / name, X)
    for dtype in QUANTIZED:
        to_train("sgd").save(directory / dtype, dtype=dtype, shard_bytes=50)
        put_case(directory / dtype, X)
    for name, make in OPTIMIZERS.items():
        model = trained[name] = to_train(make())
        for steps in (3, 6):
            model.save(directory / f"{name}-{steps}-there", include_optimizer=True)
            put_case(directory / f"{name}-{steps}-there", X, Y, steps)
        train(model, 3)
        model.save(directory / f"{name}-here-there", include_optimizer=True)
        put_case(directory / f"{name}-here-there", X, Y, 0 if name == "adadelta" else 3)
        train(model, 3)
    run_in_tfjs(directory)
    return directory


def is_refused(model, directory) -> bool:
    try:
        model.save(directory)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])
def test_layers_are_refused_or_the_same_in_tfjs(row, rows, in_tfjs, tmp_path):
    model, place = rows[row.id], in_tfjs / f"row-{row.id}"
    refused = is_refused(model, tmp_path / "model")
    if refused and has_failed(place):
        return
    found = results(place)
    x = jax.tree.map(np.asarray, row.inputs())
    expected = arrays(model.predict(x, batch_size=row.batch))
    assert differs(found, expected) == refused
    if not refused:
        again = jtf.load_layers_model(place / "resaved")
        assert without_forgotten(config_in(place / "resaved")) == without_forgotten(config_in(place))
        for new, old in zip(again.weights, model.weights, strict=True):
            assert new.name == old.name
            if old.constraint is None:
                np.testing.assert_array_equal(new, old)
            else:  # TF.js applies it as it opens the model, which rounds
                np.testing.assert_allclose(new, old, rtol=1e-6)
        if row in FIRST_ROWS:
            for ours, theirs in zip(arrays(again.predict(x, batch_size=row.batch)), expected, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in MODELS])
def test_models_are_the_same_in_tfjs(case, in_tfjs):
    """Their topologies, weights and predictions are TF.js's own, from which jtf has made and saved them."""
    place = in_tfjs / f"model-{case['name']}"
    for found, expected in zip(results(place), case["predicted"], strict=True):
        np.testing.assert_allclose(found, expected[: len(found)], rtol=1e-5, atol=1e-6)
    theirs = {name: case["topology"][name] for name in ("class_name", "config")}
    for directory in (place, place / "resaved"):
        assert without_forgotten(config_in(directory)) == without_forgotten(theirs)
    again = jtf.load_layers_model(place / "resaved")
    for weight, expected in zip(again.weights, in_order_of(again, case["before"]), strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("name", OTHERS)
def test_models_that_came_about_otherwise_are_the_same_in_tfjs(name, trained, in_tfjs):
    assert not differs(results(in_tfjs / name), [trained[name].predict(X)])


@pytest.mark.parametrize("dtype", QUANTIZED)
def test_quantized_weights_have_the_same_values_in_tfjs(dtype, in_tfjs):
    here, there = (jtf.load_layers_model(place) for place in (in_tfjs / dtype, in_tfjs / dtype / "resaved"))
    assert any(not np.array_equal(w, v) for w, v in zip(here.weights, to_train("sgd").weights, strict=True))
    for new, old in zip(there.get_weights(), here.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    assert not differs(results(in_tfjs / dtype), [here.predict(X)])


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "adadelta"])
def test_training_goes_on_across_the_border(name, trained, in_tfjs):
    here = trained[name]
    there = jtf.load_layers_model(in_tfjs / f"{name}-6-there" / "resaved")
    from_here = jtf.load_layers_model(in_tfjs / f"{name}-here-there" / "resaved")
    from_there = jtf.load_layers_model(in_tfjs / f"{name}-3-there" / "resaved")
    assert from_there.optimizer.get_config() == here.optimizer.get_config()
    assert from_there.optimizer.iterations == 3
    train(from_there, 3)
    start = to_train("sgd").get_weights()
    for weight, *others, before in zip(
        *(model.get_weights() for model in (here, there, from_here, from_there)), start, strict=True
    ):
        assert np.abs(weight - before).max() > 1e-2, "or nothing was trained"
        for other in others:
            np.testing.assert_allclose(other, weight, rtol=1e-5, atol=1e-5)
    for model in (there, from_here, from_there):
        assert model.optimizer.iterations == 6


def test_the_state_of_adadelta_crosses_the_border(trained, in_tfjs):
    """TF.js opens and saves it; there it would go on by its own rule, which diverges."""
    back = jtf.load_layers_model(in_tfjs / "adadelta-here-there" / "resaved")
    assert back.optimizer.get_config() == trained["adadelta"].optimizer.get_config()
    assert back.optimizer.iterations == 3
    train(back, 3)
    for ours, expected in zip(back.get_weights(), trained["adadelta"].get_weights(), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_adamax_goes_on_in_jtf_only(tmp_path):
    model = to_train(jtf.train.adamax(0.05))
    train(model, 3)
    with pytest.raises(ValueError, match=r"TF.js cannot save or load the state of Adamax"):
        model.save(tmp_path / "model", include_optimizer=True)
    model.save(tmp_path / "model", include_optimizer=True, target="jtf")
    again = jtf.load_layers_model(tmp_path / "model")
    for each in (model, again):
        train(each, 3)
    for new, old in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
