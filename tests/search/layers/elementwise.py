"""Layers that compute each number, or each row, for itself, against their formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import erf, expit, log_softmax, logsumexp, softmax

from tests.search.case import Case
from tests.search.draw import Draw
from tests.search.layers import keras_oracle, numpy_oracle
from tests.search.layers.options import activation, penalties_and_constraints

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

FORMULAS: dict[str, Callable[[Any], Any]] = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * 0.5 * (1 + erf(x / np.sqrt(2))),
    "gelu_new": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "hard_sigmoid_relu6": lambda x: np.clip(x + 3, 0, 6) / 6,
    "linear": lambda x: x,
    "log_softmax": lambda x: log_softmax(x, -1),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "sigmoid": expit,
    "softmax": lambda x: softmax(x, -1),
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "swish": lambda x: x * expit(x),
    "tanh": np.tanh,
}


def dense(draw: Draw) -> Case:
    features, units = draw.whole(1, 4), draw.whole(1, 4)
    options = {
        "units": units,
        "use_bias": draw.chance(0.8),
        **activation(draw, "softmax"),
        **penalties_and_constraints(draw, "kernel", "bias"),
    }
    return keras_oracle.case(draw, "dense", options, [*draw.sizes(draw.whole(1, 3), 1, 3), features])


def activations(draw: Draw) -> Case:
    name = draw.one(*FORMULAS)
    x = draw.normal(*draw.sizes(draw.whole(1, 3), 1, 3), draw.whole(1, 5), scale=draw.one(0.1, 1.0, 5.0, 30.0))
    return numpy_oracle.case(draw, "activation", {"activation": name}, [x], lambda _, x: FORMULAS[name](x[0]))


def advanced(draw: Draw) -> Case:
    shape = [*draw.sizes(draw.whole(1, 3), 1, 3), draw.whole(1, 4)]
    x = draw.normal(*shape, scale=draw.one(0.3, 2.0, 8.0))
    kind = draw.one("relu", "leaky_relu", "prelu", "elu", "thresholded_relu", "softmax", "softmax")
    return globals()[f"_{kind}"](draw, x)


def _relu(draw: Draw, x: np.ndarray) -> Case:
    most = draw.one(None, draw.number(0.3, 3.0))
    bound = np.inf if most is None else most
    return numpy_oracle.case(draw, "relu", {"max_value": most}, [x], lambda _, x: np.clip(x[0], 0, bound))


def _leaky_relu(draw: Draw, x: np.ndarray) -> Case:
    alpha = draw.number(0.0, 1.5)
    return numpy_oracle.case(
        draw, "leaky_relu", {"alpha": alpha}, [x], lambda _, x: np.where(x[0] > 0, x[0], alpha * x[0])
    )


def _prelu(draw: Draw, x: np.ndarray) -> Case:
    shared = draw.one(None, draw.some(*range(1, x.ndim)))
    return numpy_oracle.case(
        draw, "prelu", {"shared_axes": shared}, [x], lambda w, x: np.maximum(x[0], 0) + w[0] * np.minimum(x[0], 0)
    )


def _elu(draw: Draw, x: np.ndarray) -> Case:
    alpha = draw.number(0.1, 2.0)
    return numpy_oracle.case(
        draw, "elu", {"alpha": alpha}, [x], lambda _, x: np.where(x[0] > 0, x[0], alpha * np.expm1(x[0]))
    )


def _thresholded_relu(draw: Draw, x: np.ndarray) -> Case:
    theta = draw.number(0.0, 1.5)
    return numpy_oracle.case(draw, "thresholded_relu", {"theta": theta}, [x], lambda _, x: x[0] * (x[0] > theta))


def _softmax(draw: Draw, x: np.ndarray) -> Case:
    axes = [axis for axis in range(x.ndim) if draw.chance()]
    axis = draw.one(draw.whole(-x.ndim, x.ndim - 1), axes or [x.ndim - 1])
    mask = draw.bools(*x.shape) if draw.chance(0.4) else None
    over = tuple(axis) if isinstance(axis, list) else axis

    def formula(_: Any, inputs: Any) -> np.ndarray:
        logits = inputs[0] if mask is None else np.where(mask, inputs[0], -np.inf)
        if mask is None or mask.any(over).all():
            return np.exp(logits - logsumexp(logits, over, keepdims=True))
        # Where no entry counts all count alike; along several axes each is 1, as in TF.js.
        none = ~mask.any(over, keepdims=True)
        alike = 1.0 if isinstance(axis, list) and len(axis) > 1 else 1.0 / np.prod([x.shape[a] for a in np.ravel(axis)])
        logits = np.where(none, 0.0, logits)
        some = np.exp(logits - logsumexp(logits, over, keepdims=True))
        return np.where(none, alike, some)

    return numpy_oracle.case(draw, "softmax", {"axis": axis}, [x], formula, call={} if mask is None else {"mask": mask})
