"""Small networks: layers of jtf, each with its formula in numpy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import jtf
from jtf.layers.scopes import weights_are_given
from tests.search.draw import Draw

Params = dict[str, np.ndarray]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda x: x,
    "relu": lambda x: x * (x.real > 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
}


def absolute(x: Any) -> Any:
    return x * np.sign(x.real)


class Piece:
    """A layer of jtf, and the formula for it.

    Args:
        factory, options: of the layer. Regularizers are ``(l1, l2)``, constraints names with options.
        formula: ``(params, x, training, moved) -> y``; it puts what it moves into ``moved``.
        moving: names of the weights that are not trained.
    """

    counter = itertools.count()

    def __init__(self, factory: str, options: dict[str, Any], formula: Callable[..., Any], *moving: str) -> None:
        self.factory, self.formula, self.moving = factory, formula, moving
        self.penalties = {name: value for name, value in options.items() if name.endswith("_regularizer")}
        self.constraints = {name: value for name, value in options.items() if name.endswith("_constraint")}
        self.options = options
        self.trainable = True
        self.text = f"{factory}({', '.join(f'{n}={v!r}' for n, v in options.items())})"
        given = dict(options)
        given |= {n: jtf.regularizers.l1_l2(l1=v[0], l2=v[1]) for n, v in self.penalties.items()}
        given |= {n: getattr(jtf.constraints, v[0])(**v[1]) for n, v in self.constraints.items()}
        self.layer = getattr(jtf.layers, factory)(**given)
        self.params: Params = {}

    def build(self, draw: Draw, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        with weights_are_given(10**6):
            self.layer.ensure_built(shape)
        for weight in self.layer.weights:
            name = weight.name.rpartition("/")[2]
            value = draw.positive(*weight.shape) if "variance" in name else draw.normal(*weight.shape, scale=0.6)
            weight.assign(value)
            self.params[name] = value.astype(np.float64)
        return self.layer.compute_output_shape(shape)

    @property
    def trained(self) -> list[str]:
        return [name for name in self.params if name not in self.moving] if self.trainable else []

    def penalty(self, params: Params, y: Any) -> Any:
        total = 0.0
        for option, (l1, l2) in self.penalties.items():
            kind = option.removesuffix("_regularizer")
            values = y if kind == "activity" else params.get({"recurrent": "recurrent_kernel"}.get(kind, kind))
            if values is not None:
                some = l1 * absolute(values).sum() + l2 * (values * values).sum()
                total = total + (some / len(y) if kind == "activity" else some)
        return total

    def constrain(self, params: Params) -> None:
        for option, (kind, options) in self.constraints.items():
            name = option.removesuffix("_constraint")
            name = {"recurrent": "recurrent_kernel"}.get(name, name)
            if name in self.trained:
                params[name] = _constrained(params[name], kind, **options)


def _constrained(w: np.ndarray, kind: str, **options: Any) -> np.ndarray:
    if kind == "non_neg":
        return np.maximum(w, 0)
    norms = np.sqrt((w**2).sum(0, keepdims=True))
    if kind == "unit_norm":
        return w / (norms + 1e-7)
    return w * np.minimum(norms, options["max_value"]) / (norms + 1e-7)


# --- the layers -------------------------------------------------------------------------------------


def dense(draw: Draw, units: int, activation: str, **options: Any) -> Piece:
    def formula(p: Params, x: Any, training: bool, moved: Params) -> Any:
        return ACTIVATIONS[activation](x @ p["kernel"] + p.get("bias", 0.0))

    return Piece("dense", {"units": units, "activation": activation, **options}, formula)


def hidden(draw: Draw) -> Piece:
    return dense(draw, draw.whole(1, 3), draw.one("linear", "relu", "tanh", "sigmoid"), **extras(draw))


def conv1d(draw: Draw) -> Piece:
    size, activation = draw.whole(1, 2), draw.one("linear", "relu", "tanh")

    def formula(p: Params, x: Any, training: bool, moved: Params) -> Any:
        taps = np.stack([x[:, k : x.shape[1] - size + 1 + k] for k in range(size)], 2)
        return ACTIVATIONS[activation](np.einsum("btkc,kco->bto", taps, p["kernel"]) + p["bias"])

    options = {"filters": draw.whole(1, 2), "kernel_size": size, "activation": activation, **extras(draw)}
    return Piece("conv1d", options, formula)


def conv2d(draw: Draw) -> Piece:
    activation = draw.one("linear", "relu", "tanh")

    def formula(p: Params, x: Any, training: bool, moved: Params) -> Any:
        rows, columns = x.shape[1] - 1, x.shape[2] - 1
        taps = np.stack([x[:, i : i + rows, j : j + columns] for i in (0, 1) for j in (0, 1)], 3)
        kernel = p["kernel"].reshape(4, *p["kernel"].shape[2:])
        return ACTIVATIONS[activation](np.einsum("bhwkc,kco->bhwo", taps, kernel) + p["bias"])

    options = {"filters": draw.whole(1, 2), "kernel_size": 2, "activation": activation, **extras(draw)}
    return Piece("conv2d", options, formula)


def simple_rnn(draw: Draw) -> Piece:
    sequences = draw.chance()

    def formula(p: Params, x: Any, training: bool, moved: Params) -> Any:
        h, outputs = np.zeros((len(x), p["bias"].shape[0])), []
        for t in range(x.shape[1]):
            h = np.tanh(x[:, t] @ p["kernel"] + p["bias"] + h @ p["recurrent_kernel"])
            outputs.append(h)
        return np.stack(outputs, 1) if sequences else h

    options = {"units": draw.whole(1, 2), "return_sequences": sequences, **extras(draw, "kernel", "recurrent", "bias")}
    return Piece("simple_rnn", options, formula)


def gru(draw: Draw) -> Piece:
    def formula(p: Params, x: Any, training: bool, moved: Params) -> Any:
        units, sigmoid = p["recurrent_kernel"].shape[0], ACTIVATIONS["sigmoid"]
        h = np.zeros((len(x), units))
        (wz, wr, wc), (uz, ur, uc), (bz, br, bc) = (
            np.split(p[name], 3, -1) for name in ("kernel", "recurrent_kernel", "bias")
        )
        for t in range(x.shape[1]):
            z = sigmoid(x[:, t] @ wz + bz + h @ uz)
            r = sigmoid(x[:, t] @ wr + br + h @ ur)
            h = z * h + (1 - z) * np.tanh(x[:, t] @ wc + bc + (r * h) @ uc)
        return h

    options = {"units": draw.whole(1, 2), "recurrent_activation": "sigmoid", **extras(draw, "kernel", "recurrent")}
    return Piece("gru", options, formula)


def batch_normalization(draw: Draw) -> Piece:
    momentum, epsilon = draw.number(0.5, 0.99), draw.one(1e-3, 0.1)

    def formula(p: Params, x: Any, training: bool, moved: Params) -> Any:
        axes = tuple(range(x.ndim - 1))
        mean, variance = p["moving_mean"], p["moving_variance"]
        if training:
            mean = x.mean(axes)
            variance = ((x - mean) ** 2).mean(axes)
            for name, value in (("moving_mean", mean), ("moving_variance", variance)):
                moved[name] = momentum * p[name] + (1 - momentum) * value.real
        return (x - mean) / np.sqrt(variance + epsilon) * p["gamma"] + p["beta"]

    options = {"momentum": momentum, "epsilon": epsilon}
    return Piece("batch_normalization", options, formula, "moving_mean", "moving_variance")


def layer_normalization(draw: Draw) -> Piece:
    def formula(p: Params, x: Any, training: bool, moved: Params) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 0.1) * p["gamma"] + p["beta"]

    return Piece("layer_normalization", {"epsilon": 0.1}, formula)


def flatten(draw: Draw) -> Piece:
    return Piece("flatten", {}, lambda p, x, training, moved: x.reshape(len(x), -1))


def dropout(draw: Draw) -> Piece:
    return Piece("dropout", {"rate": 0.0}, lambda p, x, training, moved: x)


def extras(draw: Draw, *names: str) -> dict[str, Any]:
    """Penalties and constraints."""
    options: dict[str, Any] = {}
    for name in names or ("kernel", "bias"):
        if draw.chance(0.15):
            options[f"{name}_regularizer"] = (draw.one(0.0, 0.02), draw.number(0.0, 0.05))
        if draw.chance(0.15):
            options[f"{name}_constraint"] = draw.one(
                ("non_neg", {}), ("max_norm", {"max_value": draw.number(0.5, 1.0)}), ("unit_norm", {})
            )
    if draw.chance(0.1):
        options["activity_regularizer"] = (draw.one(0.0, 0.02), draw.number(0.0, 0.05))
    return options


# --- the network ------------------------------------------------------------------------------------


class Network:
    """A trunk of layers and one head for each output.

    Args:
        draw: where it comes from.
        heads: ``(units, activation)`` of each output.
    """

    def __init__(self, draw: Draw, heads: list[tuple[int, str]]) -> None:
        kind = draw.one("vector", "vector", "vector", "sequence", "sequence", "image")
        self.trunk: list[Piece] = []
        self.input_shape = {"vector": (3,), "sequence": (3, 2), "image": (3, 3, 1)}[kind]
        shape: tuple[Any, ...] = (None, *self.input_shape)
        tensor = y = jtf.input(shape=self.input_shape)
        while (make := self._next(draw, len(shape))) is not None:
            piece = make(draw)
            shape = piece.build(draw, shape)
            y = piece.layer(y)
            self.trunk.append(piece)
        self.heads = []
        outputs = []
        for units, activation in heads:
            head = dense(draw, units, activation, **extras(draw))
            head.build(draw, shape)
            outputs.append(head.layer(y))
            self.heads.append(head)
        self.model = jtf.model(inputs=tensor, outputs=outputs if len(outputs) > 1 else outputs[0])
        self.pieces = [*self.trunk, *self.heads]
        for piece in self.pieces:
            if draw.chance(0.12):
                piece.trainable = piece.layer.trainable = False
        if not any(piece.trained for piece in self.pieces):
            for piece in self.pieces:
                piece.trainable = piece.layer.trainable = True

    def _next(self, draw: Draw, ndim: int) -> Callable[[Draw], Piece] | None:
        """What makes the next layer of the trunk, if there is one more."""
        begun = len(self.trunk)
        if ndim > 2:
            if not begun:
                return draw.one(conv1d, simple_rnn, gru) if ndim == 3 else conv2d
            return draw.one(batch_normalization, layer_normalization, flatten) if begun < 2 else flatten
        if begun > 2 or (begun and draw.chance(0.45)):
            return None
        if begun and draw.chance(0.3):
            return draw.one(batch_normalization, layer_normalization, dropout)
        return hidden

    def forward(self, x: Any, training: bool) -> tuple[list[Any], Any, list[Params]]:
        """The outputs, the penalties, and what each piece has moved."""
        moved: list[Params] = [{} for _ in self.pieces]
        penalty: Any = 0.0
        for index, piece in enumerate(self.trunk):
            x = piece.formula(piece.params, x, training and piece.trainable, moved[index])
            penalty = penalty + piece.penalty(piece.params, x)
        outputs = []
        for index, head in enumerate(self.heads, start=len(self.trunk)):
            outputs.append(head.formula(head.params, x, training, moved[index]))
            penalty = penalty + head.penalty(head.params, outputs[-1])
        return outputs, penalty, moved

    def trained(self) -> list[tuple[int, str]]:
        """What is trained."""
        return [(index, name) for index, piece in enumerate(self.pieces) for name in piece.trained]

    def text(self) -> str:
        frozen = [i for i, piece in enumerate(self.pieces) if not piece.trainable]
        return " -> ".join(piece.text for piece in self.pieces) + (f", frozen: {frozen}" if frozen else "")
