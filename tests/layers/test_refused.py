"""A layer or model that is refused stays as it was: nothing that its building has made is left behind."""

from __future__ import annotations

from collections import defaultdict

import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.layers import Layer

L = jtf.layers


class Refuses(Layer):
    """Changes all that it has before it gives up, as it does for seven features."""

    def __init__(self, error=ValueError, **options):
        super().__init__(**options)
        self.error = error
        self.parts = {"layers": [L.dense(units=2)], "nested": [[], {"deep": []}]}
        self.seen, self.counted = set(), defaultdict(list)
        self.alias = self.parts["nested"][0]

    def build(self, input_shape):
        size = input_shape[-1]
        self.kernel = self.add_weight("kernel", (size,), regularizer="l2")
        self.memory = self.add_state("memory", (size,))
        self.parts["bias"] = self.add_weight("bias", (size,))
        self.parts["layers"].append(L.dense(units=3))
        self.parts["nested"][1]["deep"].append(self.kernel)
        self.alias.append(size)
        self.seen.add(size)
        self.counted["sizes"].append(size)
        self.parts["layers"][0].ensure_built(input_shape)
        self.refused_at = size
        if size == 7:
            raise self.error("the build is refused")

    def call(self, x):
        return x


def contents(value):
    """What is in an attribute: the objects themselves, and what their containers hold."""
    if isinstance(value, dict):
        return {"id": id(value), **{name: contents(item) for name, item in value.items()}}
    if isinstance(value, list | tuple):
        return [id(value), *map(contents, value)]
    return frozenset(value) if isinstance(value, set) else id(value)


def state_of(layer):
    return [contents(vars(each)) for each in (layer, *layer.layers_inside)]


def nested(layer):
    return jtf.sequential([jtf.sequential([layer], name="inner")], name="outer")


CASES = {
    "by build": (lambda: Refuses(), lambda layer: layer.build((None, 7))),
    "by a call": (lambda: Refuses(), lambda layer: layer(jnp.ones((2, 7)))),
    "in a graph": (lambda: Refuses(), lambda layer: layer(jtf.input(shape=[7]))),
    "by Ctrl-C": (lambda: Refuses(error=KeyboardInterrupt), lambda layer: layer.build((None, 7))),
    "in TimeDistributed": (lambda: L.time_distributed(layer=Refuses()), lambda layer: layer.build((None, 3, 7))),
    "in two wrappers": (
        lambda: L.time_distributed(layer=L.time_distributed(layer=Refuses())),
        lambda layer: layer(jnp.ones((2, 3, 4, 7))),
    ),
    "in Bidirectional": (
        lambda: L.bidirectional(layer=L.lstm(units=2), weights=[np.ones(3)] * 6),
        lambda layer: layer.build((None, 3, 4)),
    ),
    "in a model": (lambda: jtf.sequential([L.dense(units=7), Refuses()]), lambda layer: layer.build((None, 3))),
    "in a model in a model": (lambda: nested(Refuses()), lambda layer: layer.build((None, 7))),
    "behind other layers": (
        lambda: jtf.sequential([L.dense(units=4), L.lstm(units=2), Refuses()]),
        lambda layer: layer.predict(np.ones((2, 3))),
    ),
    "with weights that do not fit": (
        lambda: L.dense(units=2, weights=[np.ones(5), np.ones(2)]),
        lambda layer: layer(jnp.ones((2, 3))),
    ),
    "where nothing would be left": (
        lambda: L.time_distributed(layer=L.conv1d(filters=2, kernel_size=3)),
        lambda layer: layer(jtf.input(shape=[4, 2, 1])),
    ),
}


@pytest.mark.parametrize(("make", "refused"), CASES.values(), ids=CASES)
def test_nothing_is_left_behind(make, refused):
    layer = make()
    before = state_of(layer)
    with pytest.raises((ValueError, KeyboardInterrupt)):
        refused(layer)
    assert state_of(layer) == before
    assert not layer.built
    assert not layer.weights
    assert not layer.state_variables


def test_what_was_refused_can_be_built_for_something_else():
    layer = Refuses()
    with pytest.raises(ValueError, match="the build is refused"):
        layer.build((None, 7))
    model = jtf.sequential([layer, L.dense(units=1)])
    model.build((None, 4))
    assert [w.shape for w in layer.weights] == [(4,), (4,), (4, 2), (2,)]
    assert layer.parts["nested"] == [[4], {"deep": [layer.kernel]}]
    assert layer.alias is layer.parts["nested"][0]
    assert (layer.seen, dict(layer.counted)) == ({4}, {"sizes": [4]})


def test_a_model_keeps_what_it_had():
    model = jtf.sequential([L.dense(units=7, input_shape=[3])])
    model.compile(optimizer="sgd", loss="mse")
    first, layer = model.layers[0], Refuses()
    before, of_layer = state_of(first), state_of(layer)
    with pytest.raises(ValueError, match="the build is refused"):
        model.add(layer)
    assert state_of(first) == before
    assert state_of(layer) == of_layer
    assert model.layers == [first]
    assert model.evaluate(np.ones((2, 3)), np.ones((2, 7)), batch_size=2) >= 0
