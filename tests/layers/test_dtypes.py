"""Layers that compute in bfloat16 or float16."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from tests.layers.catalogue import ROWS
from tests.layers.test_catalogue import assert_close, pure

L = jtf.layers
NARROW = ("bfloat16", "float16")
#: The first row of each factory, but for those that take layers, whose dtype counts.
FIRST = {row.factory: row for row in reversed(ROWS)}
AROUND = ("bidirectional", "time_distributed", "rnn", "stacked_rnn_cells")


def test_around():
    assert set(AROUND) <= FIRST.keys()


@pytest.mark.parametrize("row", [row for name, row in FIRST.items() if name not in AROUND], ids=lambda row: row.id)
def test_weights_and_outputs_are_in_the_dtype_of_the_layer(row):
    layer, wide = row.make(dtype="bfloat16"), row.make()
    for each in (layer, wide):
        each.ensure_built(row.batched_shape)
        each.build_sublayers(row.batched_shape)
    statistics = {w for w in layer.weights if w.name.endswith(("/moving_mean", "/moving_variance"))}
    assert {str(w.dtype) for w in {*layer.weights, *layer.state_variables} - statistics} <= {"bfloat16"}
    assert {str(w.dtype) for w in statistics} <= {"float32"}
    wide.set_weights([np.asarray(w, np.float32) for w in layer.weights])
    outputs = jax.jit(pure(layer))(layer.get_weights(), row.inputs())
    assert {str(each.dtype) for each in jax.tree.leaves(outputs)} == {"bfloat16"}
    trained = jax.eval_shape(
        lambda values, x: pure(layer, training=True)(values, x, rng=jax.random.key(0)),
        layer.get_weights(),
        row.inputs(),
    )
    assert {str(each.dtype) for each in jax.tree.leaves(trained)} == {"bfloat16"}
    expected = jax.jit(pure(wide))(wide.get_weights(), row.inputs())
    assert_close(jax.tree.map(lambda y: np.asarray(y, np.float32), outputs), expected, rtol=0.05, atol=0.05)
    again = L.deserialize({"class_name": layer.class_name, "config": layer.get_config()})
    assert again.dtype == "bfloat16"


@pytest.mark.parametrize("dtype", NARROW)
def test_a_dense_layer_is_that_of_the_definition(dtype):
    layer = L.dense(units=3, dtype=dtype, activation="tanh")
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    outputs = layer(x)
    assert outputs.dtype == layer.kernel.dtype == layer.bias.dtype == jnp.dtype(dtype)
    kernel, narrow = np.asarray(layer.kernel, np.float64), np.asarray(x.astype(jnp.dtype(dtype)), np.float64)
    tolerance = 4 * float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(
        np.asarray(outputs, np.float64), np.tanh(narrow @ kernel), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: L.bidirectional(layer=L.lstm(units=2, dtype=dtype)),
        lambda dtype: L.time_distributed(layer=L.dense(units=2, dtype=dtype)),
        lambda dtype: L.rnn(cell=[L.gru_cell(units=2, dtype=dtype), L.lstm_cell(units=3, dtype=dtype)]),
        lambda dtype: L.rnn(cell=L.simple_rnn_cell(units=2, dtype=dtype), return_state=True, dtype=dtype),
    ],
)
def test_what_is_around_layers_computes_as_they_do(make):
    layer = make("bfloat16")
    outputs = layer(np.ones((2, 3, 4), np.float32))
    assert {str(each.dtype) for each in (*jax.tree.leaves(outputs), *layer.weights)} == {"bfloat16"}
    assert layer.dtype == "bfloat16"


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.bidirectional(layer=L.lstm(units=2), dtype="bfloat16"),
        lambda: L.time_distributed(layer=L.dense(units=2, dtype="float16"), dtype="bfloat16"),
        lambda: L.rnn(cell=L.gru_cell(units=2), dtype="bfloat16"),
        lambda: L.stacked_rnn_cells(cells=[L.gru_cell(units=2), L.gru_cell(units=2, dtype="float16")]),
    ],
)
def test_layers_in_layers_have_one_dtype(make):
    with pytest.raises(ValueError, match=r"computes in what the layers inside compute in; received .*float"):
        make()


@pytest.mark.parametrize("dtype", ["float64", "float8_e4m3fn", "complex64"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match=r"Dense's dtype is float32, bfloat16, float16, or one of integers.*received"):
        L.dense(units=2, dtype=dtype)


def test_a_dtype_of_integers_is_that_of_the_input():
    model = jtf.sequential([L.dense(units=2, dtype="int32", input_shape=[3])])
    assert model.input_dtypes == ["int32"]
    assert {str(w.dtype) for w in model.weights} == {"float32"}
    words = L.embedding(input_dim=4, output_dim=2, dtype="bfloat16")
    assert words(np.array([[1, 2]])).dtype == jnp.bfloat16


@pytest.mark.parametrize("dtype", NARROW)
def test_a_model_learns_and_is_saved(dtype, tmp_path):
    layers = [
        L.dense(units=8, activation="relu", input_shape=[2], dtype=dtype),
        L.batch_normalization(dtype=dtype),
        L.dense(units=1, dtype=dtype, kernel_regularizer="l2"),
    ]
    jtf.set_seed(1)
    model = jtf.sequential(layers)
    assert model.input_dtypes == [dtype]
    assert str(model.outputs[0].dtype) == dtype
    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    y = x[:, :1] - 2 * x[:, 1:]
    model.compile(optimizer=jtf.train.adam(0.03), loss="mse", metrics=["mse"])
    history = model.fit(x, y, epochs=8, verbose=0).history
    assert history["loss"][-1] < 0.4 * history["loss"][0]
    assert model.predict(x).dtype == jnp.dtype(dtype)
    assert {str(w.dtype) for w in model.trainable_weights} == {dtype}
    with pytest.raises(ValueError, match=r"it computes in float32\. Make it with dtype='float32'"):
        model.save(tmp_path / "model")
    for name in ("model", "model.zip", "model.safetensors"):
        model.save(tmp_path / name, target="jtf")
        again = jtf.load_layers_model(tmp_path / name)
        assert [str(w.dtype) for w in again.weights] == [str(w.dtype) for w in model.weights]
        np.testing.assert_array_equal(np.asarray(again.predict(x)), np.asarray(model.predict(x)))


def test_one_layer_of_a_model_may_be_narrow():
    model = jtf.sequential([L.dense(units=4, input_shape=[3]), L.dense(units=4, dtype="bfloat16"), L.dense(units=1)])
    assert [str(w.dtype) for w in model.weights[::2]] == ["float32", "bfloat16", "float32"]
    assert model.input_dtypes == ["float32"]
    assert model.predict(np.ones((2, 3))).dtype == jnp.float32
