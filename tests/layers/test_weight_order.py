"""Lists of weights have one order, whatever is frozen: TF.js's for a model without frozen layers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import jtf

L = jtf.layers
#: From TF.js 4.22.
ORDER = [
    f"{layer}/{weight}"
    for weights in (("gamma", "beta"), ("moving_mean", "moving_variance"))
    for layer in ("p", "q")
    for weight in weights
]


def twin(frozen=(), whole=False):
    """Two batch normalisations, of which some are frozen, or the model is."""
    model = jtf.sequential([L.batch_normalization(input_shape=[1], name="p"), L.batch_normalization(name="q")])
    for name in frozen:
        model.get_layer(name).trainable = False
    model.trainable = not whole
    return model


TWINS = [twin(), twin("p"), twin("q"), twin("pq"), twin(whole=True)]
VALUES = [np.array([float(n)], np.float32) for n in range(1, 9)]


def test_the_order_does_not_depend_on_what_is_frozen():
    for model in TWINS:
        assert [w.name for w in model.weights] == ORDER
        parts = model.trainable_weights + model.non_trainable_weights
        assert {id(w) for w in parts} == {id(w) for w in model.weights}
        assert len(parts) == len(ORDER)
    assert [w.name for w in TWINS[1].trainable_weights] == ["q/gamma", "q/beta"]
    assert [w.name for w in TWINS[4].non_trainable_weights] == ORDER


def test_weights_go_from_each_to_each():
    for one, other in itertools.permutations(TWINS, 2):
        one.set_weights(VALUES)
        other.set_weights([np.zeros(1)] * 8)
        other.set_weights(one.get_weights())
        assert [w.name for w in other.weights] == ORDER
        np.testing.assert_array_equal(np.ravel(other.get_weights()), np.ravel(VALUES))
        by_name = {w.name: float(w[0]) for w in other.weights}
        assert by_name == dict(zip(ORDER, range(1, 9), strict=True))


@pytest.mark.parametrize("frozen", ["", "p", "pq"])
def test_files_have_that_order_too(tmp_path, frozen):
    model = twin(frozen)
    model.set_weights(VALUES)
    model.save(tmp_path)
    again = jtf.load_layers_model(tmp_path)
    assert [layer.trainable for layer in again.layers] == [layer.trainable for layer in model.layers]
    np.testing.assert_array_equal(np.ravel(again.get_weights()), np.ravel(VALUES))
    assert [w["name"] for w in _manifest(tmp_path)] == ORDER
    for other in TWINS:
        other.set_weights([np.zeros(1)] * 8)
        other.load_weights(tmp_path)
        np.testing.assert_array_equal(np.ravel(other.get_weights()), np.ravel(VALUES))


def _manifest(directory):
    import json

    (group,) = json.loads((directory / "model.json").read_text())["weightsManifest"]
    return group["weights"]


def test_the_state_of_an_optimizer_goes_with_what_is_trained(tmp_path):
    model = twin("p")
    model.compile(optimizer="adam", loss="meanSquaredError")
    model.train_on_batch(np.array([[1.0], [3.0]]), np.array([[0.0], [5.0]]))
    model.save(tmp_path, include_optimizer=True)
    again = jtf.load_layers_model(tmp_path)
    x, y = np.array([[2.0], [1.0]]), np.array([[1.0], [1.0]])
    for each in (model, again):
        each.train_on_batch(x, y)
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
