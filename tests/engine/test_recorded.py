"""Training, evaluating and single steps that were recorded while TensorFlow.js's own unit tests ran."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import jtf
from jtf.naming import snake_case
from jtf.train.optimizer import registry as optimizers
from jtf.variable import is_variable
from tests.corpus import cases
from tests.layers.replay import layer_of, params

pytestmark = pytest.mark.usefixtures("weights_are_given")

CASES = cases("corpus_training.jsonl.gz")

LEFT_OUT = {
    "191bd16165f8": "the dataset ends early: refused here, see test_an_early_end_is_refused",
    "0b0152030272": "the evaluated dataset ends early: refused here, see test_an_early_end_of_evaluation_is_refused",
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
    model.trainable = case["trainable"] and model.trainable
    for states in (case.get("statesBefore") or {}).values():
        for state, before in zip(model.state_variables, states, strict=True):
            state.assign(before)
    compiled = case["compile"]
    described = compiled["optimizer"]
    optimizer = optimizers.deserialize({"className": described["className"], "config": described["config"]})
    model.compile(optimizer=optimizer, loss=named(compiled["loss"]), metrics=named(compiled["metrics"]) or None)
    restore(model, described)
    assert model.metrics_names == compiled["metricsNames"]
    return model


def named(given):
    """Losses or metrics, of which the functions are recorded by where they are exported."""
    if isinstance(given, list):
        return [named(each) for each in given]
    return given["fn"].split(".")[1] if isinstance(given, dict) and "fn" in given else given


#: TensorFlow.js's names of an optimizer's slots, and optax's.
SLOTS = {"accumulatedMeanSquares": "nu", "accumulatedMoments": "trace"}


def restore(model, recorded):
    """Give the optimizer the slots that it had, where a run goes on from an earlier one."""
    model.optimizer.iterations_variable.assign(recorded["iterations"] or 0)
    slots = model.optimizer.slots({w.name: w for w in model.trainable_weights})
    for slot in jax.tree.leaves(slots, is_leaf=is_variable):
        for kind in SLOTS.keys() & recorded["slots"].keys():
            for value in recorded["slots"][kind]:
                if slot.name.endswith(f".{SLOTS[kind]}[{value['name'].rsplit('/', 1)[0]!r}]"):
                    slot.assign(value["array"])


def options_of(case, model):
    given = case["args"] or {}
    options = {snake_case(k): v for k, v in given.items() if v is not None and k not in WITHOUT_EFFECT}
    options |= {"verbose": 0, "callbacks": callbacks_of(case, model)}
    if "class_weight" in options:
        options["class_weight"] = with_numbers(options["class_weight"])
    return options


def with_numbers(weights):
    """Class weights with class numbers for keys, which JSON has as text."""
    if isinstance(weights, list):
        return [with_numbers(each) for each in weights]
    if not isinstance(weights, dict):
        return weights
    return {int(key) if key.isdigit() else key: with_numbers(value) for key, value in weights.items()}


def callbacks_of(case, model):
    made = []
    for described in (case["args"] or {}).get("callbacks") or []:
        if described.get("class") == "EarlyStopping":
            made.append(jtf.callbacks.early_stopping(**{snake_case(k): v for k, v in described["args"].items()}))
        elif len(case["result"]["epoch"]) < case["args"]["epochs"]:
            made.append(Stop(model, case["optimizerAfter"]["iterations"]))
    return made


def misnamed(history, model):
    """The validation of a model with several outputs under the names that TensorFlow.js puts there.

    It has the sums of the losses up to each output, then the losses, then the metrics, and names them as if there
    was one sum.
    """
    names, outputs = model.metrics_names, len(model.output_names)
    if outputs == 1 or "val_loss" not in history:
        return {}
    values = [np.array(history[f"val_{name}"]) for name in names]
    losses = values[1 : outputs + 1]
    shifted = [*np.cumsum(losses, axis=0), *values[1:]]
    return {f"val_{name}": value for name, value in zip(names, shifted, strict=False)}


class Stop(jtf.callbacks.Callback):
    """Stops where a recorded callback, of which there is no more than a name, has stopped."""

    def __init__(self, model, iterations):
        self.stopped, self.iterations = model, iterations

    def on_batch_end(self, batch, logs=None):
        self.stopped.stop_training = self.stopped.optimizer.iterations >= self.iterations


@pytest.mark.parametrize("case", params(CASES, LEFT_OUT))
def test_case(case, monkeypatch):
    model = model_of(case)
    orders = Orders(case.get("epochIndices") or [])
    monkeypatch.setattr(jtf.random, "host_rng", lambda: orders)
    match case["method"]:
        case "fit":
            options = options_of(case, model)
            result = model.fit(case["x"], case["y"], **options)
        case "fitDataset":
            options = options_of(case, model)
            dataset = Recorded(case["batches"])
            if options.get("validation_data") == {"dataset": True}:
                options["validation_data"] = Recorded(case["validationBatches"])
            result = model.fit_dataset(dataset, **options)
            assert dataset.starts == len(dataset.passes)
        case "evaluate":
            result = model.evaluate(case["x"], case["y"], batch_size=case["args"]["batchSize"] or 32)
        case "evaluateDataset":
            result = model.evaluate_dataset(Recorded(case["batches"]), batches=case["args"].get("batches"))
        case "trainOnBatch":
            result = model.train_on_batch(case["x"], case["y"])
    if isinstance(result, jtf.callbacks.History):
        expected = case["result"]["history"]
        assert result.epoch == case["result"]["epoch"]
        assert set(result.history) == set(expected)
        ours = result.history | misnamed(result.history, model)
        for name in expected:
            np.testing.assert_allclose(ours[name], expected[name], rtol=1e-4, atol=1e-6, err_msg=name)
    else:
        np.testing.assert_allclose(result, case["result"], rtol=1e-4, atol=1e-6)
    if case["replay"] == "ok":  # TensorFlow.js itself did not come to those weights again
        for weight, after in zip(model.weights, case["weightsAfter"], strict=True):
            np.testing.assert_allclose(weight, after["array"], rtol=2e-4, atol=1e-6, err_msg=weight.name)
    for states in (case.get("statesAfter") or {}).values():
        for state, after in zip(model.state_variables, states, strict=True):
            np.testing.assert_allclose(state, after, rtol=1e-4, atol=1e-6)
    assert model.optimizer.iterations == case["optimizerAfter"]["iterations"]


def test_an_early_end_is_refused():
    (case,) = (case for case in CASES if case["id"] == "191bd16165f8")
    model = model_of(case)
    with pytest.raises(ValueError, match="The dataset ended after batch 0 of epoch 2"):
        model.fit_dataset(Recorded(case["batches"]), **options_of(case, model))
    # What it had learnt until then is what TensorFlow.js had learnt.
    for weight, after in zip(model.weights, case["weightsAfter"], strict=True):
        np.testing.assert_allclose(weight, after["array"], rtol=1e-4, atol=1e-6)


def test_an_early_end_of_evaluation_is_refused():
    (case,) = (case for case in CASES if case["id"] == "0b0152030272")
    with pytest.raises(ValueError, match="ended after 3 batches"):
        model_of(case).evaluate_dataset(Recorded(case["batches"]), batches=case["args"]["batches"])
