"""What must hold for every layer in a file: the model that is opened is the one that was saved.

That it also predicts the same, here and in TF.js, is tested in tests/io/test_in_tfjs.py.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

import jtf
from jtf.layers.scopes import weights_are_given
from jtf.naming import words_in_snake_case
from tests.layers.catalogue import ROWS

every_row = pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])


def model_of(row):
    """The row's layer as a model, its weights of such values as training might have left."""
    layer = row.make()
    if isinstance(layer, jtf.layers.InputLayer):  # it is an entry itself
        return jtf.model(inputs=layer.output, outputs=layer.output)
    sizes = row.shape if isinstance(row.shape, list) else [row.shape]
    dtype = "float32" if row.integers is None else "int32"
    inputs = [jtf.input(batch_shape=(row.built_batch, *shape), dtype=dtype) for shape in sizes]
    with weights_are_given(0):  # drawing them compiles programs
        model = jtf.model(inputs=inputs, outputs=layer(inputs if isinstance(row.shape, list) else inputs[0]))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape).astype(w.dtype) for w in model.weights])
    for weight in model.weights:
        if weight.constraint is not None:
            weight.assign(weight.constraint(weight.read()))
    return model


@every_row
def test_a_saved_model_is_opened_as_it_was(row, tmp_path):
    model = model_of(row)
    model.save(tmp_path / "model", target="jtf")
    again = jtf.load_layers_model(tmp_path / "model")
    assert again.to_json() == model.to_json()
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in model.layers]
    assert [(w.name, w.shape, w.dtype) for w in again.weights] == [(w.name, w.shape, w.dtype) for w in model.weights]
    for new, old in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    assert [w.name for w in again.trainable_weights] == [w.name for w in model.trainable_weights]
    document = json.loads((tmp_path / "model" / "model.json").read_text())
    for layer in document["modelTopology"]["config"]["layers"]:
        assert all(words_in_snake_case(key) == key for key in layer["config"]), "spelt as in TF.js's files"
