"""TF.js's optimizers in numpy with float64, from their formulas.

References:
    Duchi et al. 2011 (Adagrad); Zeiler 2012 (Adadelta); Tieleman and Hinton 2012 (RMSProp); Kingma and Ba 2014 (Adam,
    Adamax); Sutskever et al. 2013 (momentum); tfjs-core/src/optimizers for the places of epsilon.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.search.draw import Draw

Slots = dict[str, Any]


def _sgd(g: np.ndarray, slots: Slots, lr: float, t: int) -> np.ndarray:
    return lr * g


def _momentum(
    g: np.ndarray, slots: Slots, lr: float, t: int, momentum: float, use_nesterov: bool = False
) -> np.ndarray:
    slots["m"] = momentum * slots.get("m", 0.0) + g
    return lr * (g + momentum * slots["m"] if use_nesterov else slots["m"])


def _adagrad(g: np.ndarray, slots: Slots, lr: float, t: int, initial_accumulator_value: float = 0.1) -> np.ndarray:
    slots["a"] = slots.get("a", initial_accumulator_value) + g**2
    return lr * g / np.sqrt(slots["a"] + 1e-7)


def _adadelta(g: np.ndarray, slots: Slots, lr: float, t: int, rho: float = 0.95, epsilon: float = 1e-7) -> np.ndarray:
    slots["g"] = rho * slots.get("g", 0.0) + (1 - rho) * g**2
    d = np.sqrt(slots.get("d", 0.0) + epsilon) / np.sqrt(slots["g"] + epsilon) * g
    slots["d"] = rho * slots.get("d", 0.0) + (1 - rho) * d**2
    return lr * d


def _adam(
    g: np.ndarray, slots: Slots, lr: float, t: int, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-7
) -> np.ndarray:
    slots["m"] = beta1 * slots.get("m", 0.0) + (1 - beta1) * g
    slots["v"] = beta2 * slots.get("v", 0.0) + (1 - beta2) * g**2
    return lr * slots["m"] / (1 - beta1**t) / (np.sqrt(slots["v"] / (1 - beta2**t)) + epsilon)


def _adamax(
    g: np.ndarray,
    slots: Slots,
    lr: float,
    t: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-7,
    decay: float = 0.0,
) -> np.ndarray:
    slots["m"] = beta1 * slots.get("m", 0.0) + (1 - beta1) * g
    slots["u"] = np.maximum(beta2 * slots.get("u", 0.0), np.abs(g))
    return lr / (1 + decay * (t - 1)) / (1 - beta1**t) * slots["m"] / (slots["u"] + epsilon)


def _rmsprop(
    g: np.ndarray,
    slots: Slots,
    lr: float,
    t: int,
    decay: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
    centered: bool = False,
) -> np.ndarray:
    slots["s"] = decay * slots.get("s", 0.0) + (1 - decay) * g**2
    size = slots["s"]
    if centered:  # TF.js subtracts epsilon, and so takes roots of negative numbers; jtf adds it
        slots["g"] = decay * slots.get("g", 0.0) + (1 - decay) * g
        size = np.maximum(size - slots["g"] ** 2, 0.0)
    slots["m"] = momentum * slots.get("m", 0.0) + lr * g / np.sqrt(size + epsilon)
    return slots["m"]


RULES: dict[str, Callable[..., np.ndarray]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
    "adam": _adam,
    "adamax": _adamax,
    "rmsprop": _rmsprop,
}


class Optimizer:
    """Updates arrays in their place; each has slots and steps of its own, the steps of the whole are counted, too.

    Args:
        name, options: of the optimizer in `jtf.train`; ``learning_rate`` may be a function of the updates made.
    """

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.rule, self.options = RULES[name], {k: v for k, v in options.items() if k != "learning_rate"}
        self.learning_rate = options["learning_rate"]
        self.iterations = 0
        self.slots: dict[Any, Slots] = {}

    def step(self, params: dict[Any, np.ndarray], gradients: dict[Any, np.ndarray]) -> None:
        rate = self.learning_rate(self.iterations) if callable(self.learning_rate) else self.learning_rate
        self.iterations += 1
        for key, gradient in gradients.items():
            slots = self.slots.setdefault(key, {})
            params[key] -= self.rule(gradient, slots, rate, self.iterations, **self.options)


def drawn(draw: Draw, *names: str) -> tuple[str, dict[str, Any]]:
    """An optimizer of `jtf.train` with options."""
    name = draw.one(*names or RULES)
    options: dict[str, Any] = {"learning_rate": draw.number(0.001, 0.1)}
    some = {
        "sgd": {},
        "momentum": {"momentum": draw.number(0.0, 0.95), "use_nesterov": draw.chance()},
        "adagrad": {"initial_accumulator_value": draw.number(0.01, 0.5)},
        "adadelta": {"rho": draw.number(0.5, 0.99), "epsilon": draw.one(1e-7, 1e-3)},
        "adam": {"beta1": draw.number(0.0, 0.95), "beta2": draw.number(0.5, 0.999), "epsilon": draw.one(1e-7, 1e-3)},
        "adamax": {
            "beta1": draw.number(0.0, 0.95),
            "beta2": draw.number(0.5, 0.999),
            "epsilon": draw.one(1e-7, 1e-3),
            "decay": draw.one(0.0, draw.number(0.0, 0.5)),
        },
        "rmsprop": {
            "decay": draw.number(0.3, 0.99),
            "momentum": draw.one(0.0, draw.number(0.0, 0.9)),
            "epsilon": draw.one(1e-3, 1e-2),
            "centered": draw.chance(0.3),
        },
    }[name]
    needed = ("momentum",) if name == "momentum" else ()
    return name, options | {key: value for key, value in some.items() if key in needed or draw.chance(0.6)}
