"""What Embedding, PositionEmbedding and Masking do and refuse."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.embedding(input_dim=12.5, output_dim=4), "Embedding's input_dim is a positive integer; .* 12.5"),
        (lambda: L.embedding(input_dim=2, output_dim=0), "Embedding's output_dim is a positive integer"),
        (lambda: L.embedding(input_dim=2, output_dim=1)(jnp.array([[2]])), "indices from 0 to 1; received .* 2 to 2"),
        (lambda: L.embedding(input_dim=2, output_dim=1, input_length=3)(jnp.zeros((1, 4))), "size 3 along axis 1"),
        (
            lambda: L.embedding(input_dim=2, output_dim=1, input_length=[None, 3])(jnp.zeros((1, 4, 2))),
            "size 3 along axis 2",
        ),
        (lambda: L.embedding(input_dim=2, output_dim=1, input_length=3)(jnp.zeros((1, 3, 1))), "with 2 dimensions"),
        (lambda: L.position_embedding(sequence_length=0), "PositionEmbedding's sequence_length is a positive integer"),
        (lambda: L.position_embedding(sequence_length=2)(jnp.ones((1, 3, 4))), "at most 2 steps from position 0 on"),
        (lambda: L.position_embedding(sequence_length=2)(jnp.ones(3)), "at least 2 dimensions"),
        (
            lambda: L.position_embedding(sequence_length=2).compute_output_shape((None, 3, 4)),
            r"has vectors for 2 positions; received shape \(None, 3, 4\)\. Make it with a greater sequence_length",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (None, None)),
        ({"input_length": 4}, (None, 4)),
        ({"input_length": [4, None], "batch_size": 2}, (2, 4, None)),
        ({"input_shape": [3]}, (None, 3)),
        ({"batch_input_shape": [5, 3], "input_length": 3}, (5, 3)),
    ],
)
def test_the_shape_of_an_input_that_is_not_described(options, shape):
    layer = L.embedding(input_dim=3, output_dim=2, **options)
    assert layer.batch_input_shape == shape
    again = L.deserialize({"className": "Embedding", "config": layer.get_config()})
    assert again.batch_input_shape == shape


def test_a_wrong_index_that_the_model_computes_shows_in_the_loss():
    head = [L.activation(activation="relu", input_shape=[2]), L.embedding(input_dim=3, output_dim=2)]
    model = jtf.sequential([*head, L.flatten(), L.dense(units=1)])
    model.compile(optimizer="sgd", loss="meanSquaredError")
    with pytest.warns(RuntimeWarning, match="The loss became NaN"):
        losses = model.fit(np.array([[0, 3]]), np.ones((1, 1)), verbose=0).history["loss"]
    assert np.isnan(losses).all()


def test_penalties_on_the_output():
    x = jtf.input(shape=[2])
    options = {"embeddings_initializer": "ones", "activity_regularizer": jtf.regularizers.l2(l2=0.5)}
    model = jtf.model(inputs=x, outputs=L.embedding(input_dim=3, output_dim=4, **options)(x))
    model.compile(optimizer="sgd", loss="meanSquaredError")
    assert model.evaluate(np.zeros((5, 2)), np.ones((5, 2, 4))) == pytest.approx(0.5 * 8, rel=1e-6)


def test_masks():
    ids = jnp.array([[0, 2], [1, 0]])
    layer = L.embedding(input_dim=3, output_dim=2, mask_zero=True)
    np.testing.assert_array_equal(layer.compute_mask(ids), [[False, True], [True, False]])
    assert L.embedding(input_dim=3, output_dim=2).compute_mask(ids, ids != 0) is None
    x = jnp.array([[[0.0, 0.0], [0.0, 1.0]]])
    np.testing.assert_array_equal(L.masking().compute_mask(x, jnp.array([[True, False]])), [[False, True]])


def test_masked_steps_are_left_out_by_what_follows():
    jtf.set_seed(0)
    for first, steps in (
        (
            L.embedding(input_dim=5, output_dim=3, mask_zero=True, input_length=4),
            np.array([[1, 2, 0, 0], [4, 0, 0, 0]]),
        ),
        (L.masking(mask_value=9, input_shape=[4, 1]), np.array([[1, 2, 9, 9], [4, 9, 9, 9]])[..., None]),
    ):
        model = jtf.sequential([first, L.lstm(units=2)])
        whole = model.predict(steps.astype(np.float32))
        shorter = jtf.sequential(model.layers[1:]).predict(first(steps)[:1, :2])
        np.testing.assert_allclose(whole[:1], shorter, rtol=1e-5, atol=1e-6)


def test_positions_from_a_start_index():
    layer = L.position_embedding(sequence_length=5)
    x = jnp.zeros((2, 3, 4))
    later = layer(x, start_index=2)
    np.testing.assert_array_equal(later[0], layer.embeddings.read()[2:5])
    inputs = jtf.input(shape=[3, 4])
    model = jtf.model(inputs=inputs, outputs=layer(inputs, start_index=2))
    np.testing.assert_array_equal(model.predict(np.zeros((2, 3, 4))), later)


def test_a_model_that_begins_with_an_embedding_takes_integers():
    """float32 has no integers beyond 2^24: neighbours become one."""
    for first in (
        L.embedding(input_dim=2**24 + 2, output_dim=1, input_length=2, embeddings_initializer="zeros"),
        L.time_distributed(layer=L.embedding(input_dim=9, output_dim=1), input_shape=[2, 3]),
    ):
        model = jtf.sequential([first])
        assert model.inputs[0].dtype == "int32"
        assert first.get_config()["dtype"] == "float32"  # as TF.js writes it
    model = jtf.sequential([L.embedding(input_dim=3, output_dim=1, input_length=2)])
    np.testing.assert_array_equal(model.predict(np.array([[1.0, 2.0]])), model.predict(np.array([[1, 2]])))
    np.testing.assert_array_equal(model(np.array([[1.0, 2.9]])), model.predict(np.array([[1, 2]])))


def test_a_large_index():
    table = jnp.zeros((2**24 + 2, 1)).at[2**24 + 1].set(1)
    layer = L.embedding(input_dim=2**24 + 2, output_dim=1, input_length=1, embeddings_initializer="zeros")
    model = jtf.sequential([layer])
    layer.embeddings.assign(table)
    assert model.predict(np.array([[2**24 + 1], [2**24]])).ravel().tolist() == [1, 0]
