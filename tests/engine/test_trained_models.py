"""Models of every family, trained beside TensorFlow.js: those that ``tests/oracle/train_models.js`` made and trained.

The script takes a seed: other models than the recorded ones are one command away.
"""

from __future__ import annotations

import re

import jax
import numpy as np
import pytest

import jtf
from jtf.naming import snake_case
from tests.corpus import cases, in_order_of

pytestmark = pytest.mark.usefixtures("weights_are_given", "compiled_in_a_hurry")

#: Without Adadelta, which TensorFlow.js computes by a rule that diverges.
MODELS = [case for case in cases("tfjs_models.json.gz") if "adadelta" not in str(case["optimizer"])]


def one(values):
    return values[0] if len(values) == 1 else values


def optimizer_of(described):
    if isinstance(described, str):
        return described
    name, *arguments = described
    return getattr(jtf.train, name)(*arguments)


#: Those that are slow are run by .ci/run only.
CASES = [pytest.param(case, id=case["name"], marks=[pytest.mark.slow] * (n >= 11)) for n, case in enumerate(MODELS)]


@pytest.mark.parametrize("case", CASES)
def test_trained_as_by_tfjs(case):
    model = jtf.models.model_from_json(case["topology"])
    model.set_weights(in_order_of(model, case["before"]))
    x, y = one(case["x"]), one(case["y"])
    fit = {snake_case(key): value for key, value in case["fit"].items()}
    predicted = model.predict(x, batch_size=fit["batch_size"])
    for ours, theirs in zip(jax.tree.leaves(predicted), case["predicted"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    model.reset_states()

    model.compile(optimizer=optimizer_of(case["optimizer"]), loss=case["loss"], metrics=case["metrics"])
    penalties = []
    record = {"on_epoch_end": lambda epoch, logs: penalties.append(sum(map(float, model.losses)))}
    history = dict(model.fit(x, y, **fit, shuffle=False, verbose=0, callbacks=record).history)
    if "val_loss" in history:  # TensorFlow.js leaves the penalties out of it
        history["val_loss"] = np.subtract(history["val_loss"], penalties)
    assert list(history) == list(case["history"])
    for name, expected in case["history"].items():
        np.testing.assert_allclose(history[name], expected, rtol=1e-3, atol=1e-5, err_msg=name)
    after = [before | {"array": array} for before, array in zip(case["before"], case["after"], strict=True)]
    for weight, expected in zip(model.weights, in_order_of(model, after), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=1e-4, err_msg=weight.name)


def test_what_is_recorded():
    assert len(MODELS) >= 38
    assert len({loss for case in MODELS for loss in case["loss"]}) == 14
    used = {case["optimizer"] if isinstance(case["optimizer"], str) else case["optimizer"][0] for case in MODELS}
    assert used == {"sgd", "momentum", "adagrad", "adam", "adamax", "rmsprop"}
    layers = set().union(
        *(re.findall(r'"class_name": "(\w+)"', str(case["topology"]).replace("'", '"')) for case in MODELS)
    )
    assert layers >= {"LSTM", "GRU", "SimpleRNN", "Conv3D", "ConvLSTM2D", "Bidirectional", "Dot", "BatchNormalization"}
