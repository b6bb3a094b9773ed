"""Training, evaluating and single steps that were recorded while TensorFlow.js's own unit tests ran."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jtf
from jtf.naming import snake_case
from jtf.train.optimizer import registry as optimizers
from tests.corpus import cases
from tests.layers.replay import layer_of, params

CASES = cases("corpus_training.jsonl.gz")

LEFT_OUT = {
    "5235058bb78f": "stopped by a callback class of those tests, of which only the name is recorded",
    "191bd16165f8": "the dataset ends early: refused here, see test_an_early_end_is_refused",
    "0b0152030272": "the evaluated dataset ends early: refused here",
    "00edf0c5d6b5": "goes on from an optimizer's saved state, which cannot be loaded yet",
}
#: Options that do nothing here: fit_async yields at every event.
WITHOUT_EFFECT = ("yieldEvery",)


class Recorded:
    """A dataset whose passes are those that were recorded."""

    def __init__(self, items: list[Any]) -> None:
        self.passes: list[list[Any]] = []
        for item in items:
            if item == {"newIterator": True}:
                self.passes.append([])
            elif item is not None:
                self.passes[-1].append((item["xs"], item["ys"]))
        self.passes = [each for each in self.passes if each]  # some iterators were made and not used
        self.starts = 0

    def __iter__(self):
        self.starts += 1
        return iter(self.passes[self.starts - 1])


class Orders:
    """Stands for the generator that shuffles: gives the recorded orders, one an epoch."""

    def __init__(self, orders: list[Any]) -> None:
        self.orders = iter(orders)

    def permutation(self, size: int) -> np.ndarray:
        order = next(self.orders)
        order = np.arange(size) if order is None else np.asarray(order)
        assert sorted(order) == list(range(size))
        return order


def model_of(case):
    model = layer_of(case)
    weights = [w["array"] for w in case["weightsBefore"]]
    if not model.built:
        model.build((None, weights[0].shape[0]))
    model.set_weights(weights)
    compiled = case["compile"]
    described = compiled["optimizer"]
    optimizer = optimizers.deserialize({"className": described["className"], "config": described["config"]})
    loss = compiled["loss"]
    loss = loss["fn"].removeprefix("losses.") if isinstance(loss, dict) else loss
    model.compile(optimizer=optimizer, loss=loss, metrics=compiled["metrics"] or None)
    return model


def options_of(case):
    given = case["args"] or {}
    options = {snake_case(k): v for k, v in given.items() if v is not None and k not in WITHOUT_EFFECT}
    options |= {"verbose": 0, "callbacks": callbacks_of(given)}
    weights = options.get("class_weight")
    if weights is not None:
        (weights,) = weights if isinstance(weights, list) else [weights]
        options["class_weight"] = {int(key): value for key, value in weights.items()}
    return options


def callbacks_of(given):
    made = []
    for described in given.get("callbacks") or []:
        if described.get("class") == "EarlyStopping":
            made.append(jtf.callbacks.early_stopping(**{snake_case(k): v for k, v in described["args"].items()}))
        else:
            assert set(described) == {"handlers"}  # they only looked
    return made


@pytest.mark.parametrize("case", params(CASES, LEFT_OUT))
def test_case(case, monkeypatch):
    model = model_of(case)
    orders = Orders(case.get("epochIndices") or [])
    monkeypatch.setattr(jtf.random, "host_rng", lambda: orders)
    match case["method"]:
        case "fit":
            options = options_of(case)
            result = model.fit(case["x"], case["y"], **options)
        case "fitDataset":
            options = options_of(case)
            dataset = Recorded(case["batches"])
            if options.get("validation_data") == {"dataset": True}:
                options["validation_data"] = Recorded(case["validationBatches"])
            result = model.fit_dataset(dataset, **options)
            assert dataset.starts == len(dataset.passes)
        case "evaluate":
            result = model.evaluate(case["x"], case["y"], batch_size=case["args"]["batchSize"])
        case "evaluateDataset":
            result = model.evaluate_dataset(Recorded(case["batches"]), batches=case["args"].get("batches"))
        case "trainOnBatch":
            result = model.train_on_batch(case["x"], case["y"])
    if isinstance(result, jtf.callbacks.History):
        expected = case["result"]["history"]
        assert result.epoch == case["result"]["epoch"]
        assert set(result.history) == set(expected)
        for name in expected:
            np.testing.assert_allclose(result.history[name], expected[name], rtol=1e-4, atol=1e-6, err_msg=name)
    else:
        np.testing.assert_allclose(result, case["result"], rtol=1e-4, atol=1e-6)
    if case["replay"] == "ok":  # TensorFlow.js itself did not come to those weights again
        for weight, after in zip(model.weights, case["weightsAfter"], strict=True):
            np.testing.assert_allclose(weight, after["array"], rtol=1e-4, atol=1e-6, err_msg=weight.name)
    updates = case["optimizerAfter"]["iterations"] - (case["compile"]["optimizer"]["iterations"] or 0)
    assert model.optimizer.iterations == updates


def test_an_early_end_is_refused():
    (case,) = (case for case in CASES if case["id"] == "191bd16165f8")
    model = model_of(case)
    with pytest.raises(ValueError, match="The dataset ended after batch 0 of epoch 2"):
        model.fit_dataset(Recorded(case["batches"]), **options_of(case))
    # What it had learnt until then is what TensorFlow.js had learnt.
    for weight, after in zip(model.weights, case["weightsAfter"], strict=True):
        np.testing.assert_allclose(weight, after["array"], rtol=1e-4, atol=1e-6)
