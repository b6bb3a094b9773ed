"""Training beside TensorFlow.js: the runs that ``tests/oracle/record_training.js`` recorded, trained again.

Not among them, because jtf differs on purpose: constraints (TensorFlow.js declares them and never applies them),
centered RMSProp (NaN there) and Adadelta (diverges there). ``val_loss`` leaves the penalties out there and has them in
here.
"""

from __future__ import annotations

import numpy as np
import pytest

import jtf
from jtf.naming import snake_case
from tests.corpus import cases


def in_order(run):
    """The run with its lists of weights in our order: TF.js puts frozen ones last, and counts names on."""
    if run["name"] != "frozen":
        return run
    order = sorted(range(len(run["before"])), key=lambda n: run["before"][n]["name"].partition("/")[0])
    return run | {name: [run[name][n] for n in order] for name in ("before", "after")}


RUNS = [in_order(run) for run in cases("tfjs_training.json.gz") if "adadelta" not in str(run["optimizer"])]


def model_of(run):
    layers = [getattr(jtf.layers, snake_case(each["factory"]))(**each["options"]) for each in run["layers"]]
    model = jtf.sequential(layers)
    model.set_weights([w["array"] for w in run["before"]])
    optimizer = run["optimizer"]
    if not isinstance(optimizer, str):
        optimizer = getattr(jtf.train, optimizer["constructor"])(*optimizer["args"])
    model.compile(optimizer=optimizer, loss=run["loss"], metrics=run["metrics"])
    return model


@pytest.mark.parametrize("run", [pytest.param(run, id=run["name"]) for run in RUNS])
def test_run(run):
    model = model_of(run)
    assert [w.name.split("/")[1] for w in model.weights] == [w["name"].split("/")[1] for w in run["before"]]
    options = {snake_case(key): value for key, value in run["fit"].items()}
    if "class_weight" in options:
        options["class_weight"] = {int(key): value for key, value in options["class_weight"].items()}
    penalties = []
    history = model.fit(
        run["x"],
        run["y"],
        validation_data=run["validation"],
        shuffle=False,
        verbose=0,
        callbacks={"on_epoch_end": lambda epoch, logs: penalties.append(sum(map(float, model.losses)))},
        **options,
    )
    ours = dict(history.history)
    if "val_loss" in ours:
        ours["val_loss"] = np.subtract(ours["val_loss"], penalties)
    assert history.epoch == run["epoch"]
    assert list(ours) == list(run["history"])
    for name, expected in run["history"].items():
        np.testing.assert_allclose(ours[name], expected, rtol=1e-3, atol=1e-6, err_msg=name)
    for weight, expected, before in zip(model.weights, run["after"], run["before"], strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=1e-5, err_msg=weight.name)
        assert weight.trainable is False or run["name"] == "frozen" or not np.array_equal(weight, before["array"])


def test_what_is_recorded():
    losses = {run["loss"] for run in RUNS}
    assert len(losses) == 14
    assert {run["optimizer"] for run in RUNS if isinstance(run["optimizer"], str)} == set(jtf.train.BY_NAME) - {
        "adadelta"
    }
    used = {run["optimizer"]["constructor"] for run in RUNS if isinstance(run["optimizer"], dict)}
    assert used == {"sgd", "momentum", "adagrad", "adam", "adamax", "rmsprop"}
