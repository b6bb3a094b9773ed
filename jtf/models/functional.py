"""A model as pure functions: what `LayersModel.functional` returns."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from jax import export

from jtf import random
from jtf.engine.step import Network
from jtf.naming import without_count
from jtf.types import Array
from jtf.variable import Variable, assign_all, lift, values


class ModelVariables(NamedTuple):
    """A model's weights as a pytree: gradients are taken with respect to ``trainable``.

    Attributes:
        trainable: by name.
        non_trainable: statistics, and frozen weights, by name.
    """

    trainable: dict[str, Array]
    non_trainable: dict[str, Array]


export.register_namedtuple_serialization(ModelVariables, serialized_name="jtf.ModelVariables")


class Functional(NamedTuple):
    """A model as two pure functions: ``init, apply = model.functional()``."""

    init: Callable[[Array], ModelVariables]
    apply: Callable[..., tuple[Any, ModelVariables]]


def functional_of(model: Any, network: Network) -> Functional:
    """The pure functions of a built model, over the Variables of its network."""
    structure = (dict(network.trainable), dict(network.non_trainable))

    def call(x: Any, training: bool) -> Any:
        return model(x, training=training)

    lifted = lift(call, ModelVariables(*structure))  # type: ignore[arg-type]  # holding Variables

    def init(key: Array) -> ModelVariables:
        with random.key_stream(key):
            return ModelVariables(*({n: _fresh(w) for n, w in part.items()} for part in structure))

    def apply(
        variables: ModelVariables, x: Any, *, training: bool = False, rng: Array | None = None
    ) -> tuple[Any, ModelVariables]:
        return lifted(variables, x, training, rng=rng)

    return Functional(init, apply)


def variables_of(network: Network) -> ModelVariables:
    """The present values of a model's weights."""
    return ModelVariables(values(dict(network.trainable)), values(dict(network.non_trainable)))


def assign_variables(network: Network, new: ModelVariables) -> None:
    """Assign all of a model's weights, by name; those of a twin, whose layers are counted differently, in order.

    Raises:
        ValueError: other names, or a wrong shape or dtype; then nothing is changed.
    """
    converted = []
    for kind, weights, given in zip(
        ModelVariables._fields, (network.trainable, network.non_trainable), new, strict=True
    ):
        ours, theirs = list(weights), list(given)
        if weights.keys() != given.keys():
            if theirs == sorted(theirs):  # jax sorts the keys of dicts, so that order and count fall apart
                ours, theirs = sorted(ours, key=_counting), sorted(theirs, key=_counting)
            if [*map(without_count, ours)] != [*map(without_count, theirs)]:
                raise ValueError(
                    f"The {kind} weights are {', '.join(weights) or 'none'}; received {', '.join(given) or 'none'}."
                )
        else:
            theirs = ours
        converted += [(weights[o], weights[o].converted(given[t])) for o, t in zip(ours, theirs, strict=True)]
    assign_all(dict(converted))


def _counting(name: str) -> list[tuple[str, int]]:
    """Orders names as they are counted: ``dense_Dense2/kernel`` before ``dense_Dense10/bias``."""
    return [(text, int(number or 0)) for text, number in re.findall(r"([^0-9]*)([0-9]*)", name)]


def _fresh(weight: Variable) -> Array:
    """A new value for a weight, from its initializer if it has one."""
    return weight.read() if weight.initializer is None else weight.initializer(weight.shape, weight.dtype)
