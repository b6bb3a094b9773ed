"""Every recorded case of TensorFlow.js's own unit tests that the pure functions can replay."""

from __future__ import annotations

import inspect
from collections import defaultdict
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtf import functional as F
from jtf.functional import losses, metrics, weighted_losses
from tests.corpus import cases

FUNCTIONS = cases("corpus_functions.jsonl.gz")
LOSSES = cases("corpus_losses.jsonl.gz")
OPTIMIZERS = cases("corpus_optimizers.jsonl.gz")

#: Cases that are not replayed, and why.
LEFT_OUT = {
    case["id"]: "TensorFlow.js's Adadelta divides by the average before the step, and diverges"
    for case in OPTIMIZERS
    if case["className"] == "Adadelta"
}

ACTIVATIONS = {
    "elu": F.elu,
    "gelu": F.gelu,
    "hardSigmoid": F.hard_sigmoid,
    "logSoftmax": F.log_softmax,
    "mish": F.mish,
    "relu": F.relu,
    "relu6": F.relu6,
    "softplus": F.softplus,
    "softsign": F.softsign,
}
INITIALIZERS = {
    "Constant": F.initializers.constant,
    "Identity": F.initializers.identity,
    "Ones": F.initializers.ones,
    "Zeros": F.initializers.zeros,
}
SNAKE = {
    "absoluteDifference": "absolute_difference",
    "binaryAccuracy": "binary_accuracy",
    "binaryCrossentropy": "binary_crossentropy",
    "categoricalAccuracy": "categorical_accuracy",
    "categoricalCrossentropy": "categorical_crossentropy",
    "computeWeightedLoss": "compute_weighted_loss",
    "cosineDistance": "cosine_distance",
    "cosineProximity": "cosine_proximity",
    "hingeLoss": "hinge_loss",
    "huberLoss": "huber_loss",
    "kullbackLeiblerDivergence": "kullback_leibler_divergence",
    "logLoss": "log_loss",
    "meanAbsoluteError": "mean_absolute_error",
    "meanAbsolutePercentageError": "mean_absolute_percentage_error",
    "meanSquaredError": "mean_squared_error",
    "meanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "precision": "precision",
    "recall": "recall",
    "sigmoidCrossEntropy": "sigmoid_cross_entropy",
    "sigmoidCrossEntropyWithLogits": "sigmoid_cross_entropy_with_logits",
    "softmaxCrossEntropy": "softmax_cross_entropy",
    "sparseCategoricalAccuracy": "sparse_categorical_accuracy",
    "sparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
}
MODULES = {"losses": losses, "metrics": metrics, "tf.losses": weighted_losses}


def replayed(all_cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in all_cases if case["id"] not in LEFT_OUT]


@pytest.mark.parametrize("all_cases", [FUNCTIONS, LOSSES, OPTIMIZERS], ids=["functions", "losses", "optimizers"])
def test_every_case_is_replayed_or_left_out_by_name(all_cases):
    ids = {case["id"] for case in all_cases}
    run = {param.id for param in replayed(all_cases)}
    assert len(ids) == len(all_cases)
    assert run | (ids & LEFT_OUT.keys()) == ids


def test_left_out_cases_exist():
    assert LEFT_OUT.keys() <= {case["id"] for case in FUNCTIONS + LOSSES + OPTIMIZERS}


@pytest.mark.parametrize("case", replayed(FUNCTIONS))
def test_function(case):
    config, args = case["config"], case["args"]
    match case["kind"]:
        case "activation":
            result = ACTIVATIONS[case["className"]](*args)
        case "initializer":
            result = INITIALIZERS[case["className"]](None, *args, **config)
        case "constraint":
            assert case["className"] == "MinMaxNorm"
            result = F.constraints.min_max_norm(
                *args,
                min_value=config["minValue"],
                max_value=config["maxValue"],
                rate=config["rate"],
                axis=config["axis"],
            )
        case "regularizer":
            assert case["className"] == "L1L2"
            result = F.regularizers.l1_l2(*args, **config)
    assert result.dtype == case["result"].dtype
    np.testing.assert_allclose(result, case["result"], rtol=1e-6, atol=1e-7, strict=True)


@pytest.mark.parametrize("case", replayed(LOSSES))
def test_loss(case):
    module, name = case["fn"].rsplit(".", 1)
    function = getattr(MODULES[module], SNAKE[name])
    # The arguments come in the order of TF.js, which is ours; null stands for the default.
    names = list(inspect.signature(function).parameters)
    keywords = {key: arg for key, arg in zip(names, case["args"], strict=False) if arg is not None}
    # One compilation for the function, not one for each of its operations.
    static = [key for key in ("axis", "from_logits", "reduction") if key in keywords]
    result = jax.jit(function, static_argnames=static)(**keywords)
    np.testing.assert_allclose(result, case["result"], rtol=1e-5, atol=1e-7, strict=True)


# --- optimizers -------------------------------------------------------------------------------------


def steps_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    # Cases could set weights or change their configuration on the way; these do not.
    assert not any("event" in step or "config" in step for step in case["steps"])
    return case["steps"]


def test_sgd_cases():
    # One update for all cases of a learning rate: a compilation for every shape would take minutes.
    by_rate = defaultdict(list)
    for param in replayed([case for case in OPTIMIZERS if case["className"] == "SGD"]):
        (case,) = param.values
        for step in steps_of(case):
            by_rate[case["config"]["learningRate"]] += [(case["id"], variable) for variable in step["vars"]]
    assert by_rate
    for rate, entries in by_rate.items():
        before = np.concatenate([v["before"].ravel() for _, v in entries])
        # A variable without a gradient is left alone.
        grads = np.concatenate(
            [(np.zeros_like(v["before"]) if v["grad"] is None else v["grad"]).ravel() for _, v in entries]
        )
        tx = F.optimizers.sgd(rate)
        updates, _ = tx.update(jnp.asarray(grads), tx.init(jnp.asarray(before)))
        after = np.asarray(optax.apply_updates(jnp.asarray(before), updates))
        start = 0
        for case_id, variable in entries:
            expected = variable["after"]
            ours = after[start : start + expected.size].reshape(expected.shape)
            np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-7, err_msg=case_id)
            start += expected.size
        assert start == after.size


def transformation(name: str, config: dict[str, Any]) -> optax.GradientTransformation:
    match name:
        case "Adam":
            return F.optimizers.adam(config["learningRate"], config["beta1"], config["beta2"], config["epsilon"])
        case "Momentum":
            return F.optimizers.momentum(config["learningRate"], config["momentum"], config["useNesterov"])
        case "RMSProp":
            return F.optimizers.rmsprop(
                config["learningRate"],
                config["decay"],
                config["momentum"],
                config["epsilon"],
                config["centered"],
            )
    raise AssertionError(name)


def with_slots(name: str, state: Any, case: dict[str, Any]) -> Any:
    """The state after ``initialIterations`` steps, with the recorded slots."""
    slots = {
        key: tuple(jnp.asarray(slot["array"]) for slot in value)
        for key, value in case["initialSlots"].items()
        if isinstance(value, list)
    }
    if not slots:
        assert case["initialIterations"] == 0
        return state
    if name == "Adam":
        moments = state[0]._replace(
            count=jnp.asarray(case["initialIterations"]),
            mu=slots["accumulatedFirstMoment"],
            nu=slots["accumulatedSecondMoment"],
        )
        return (moments, *state[1:])
    assert name == "Momentum"
    return (state[0]._replace(trace=slots["accumulations"]), *state[1:])


@pytest.mark.parametrize("case", replayed([case for case in OPTIMIZERS if case["className"] != "SGD"]))
def test_optimizer(case):
    tx = transformation(case["className"], case["config"])
    state = None
    for step in steps_of(case):
        params = tuple(jnp.asarray(variable["before"]) for variable in step["vars"])
        grads = tuple(jnp.asarray(variable["grad"]) for variable in step["vars"])
        if state is None:
            state = with_slots(case["className"], tx.init(params), case)
        updates, state = tx.update(grads, state, params)
        after = optax.apply_updates(params, updates)
        for ours, variable in zip(after, step["vars"], strict=True):
            np.testing.assert_allclose(ours, variable["after"], rtol=1e-6, atol=1e-7)
