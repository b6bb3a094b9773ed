"""Indices for Embedding and CategoryEncoding layers: those out of range are refused wherever the data can be seen."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jtf

L = jtf.layers
GOOD, Y = np.array([[0, 1, 2], [3, 4, 0]]), np.zeros((2, 1))


@pytest.fixture(scope="module")
def model():
    table = L.embedding(input_dim=5, output_dim=1, input_length=3, name="table")
    model = jtf.sequential([table, L.flatten(), L.dense(units=1)])
    model.compile(optimizer=jtf.train.sgd(0.0), loss="mse")
    return model


#: Everything that takes inputs.
CALLS = {
    "fit": lambda m, x: m.fit(x, Y, verbose=0),
    "fit with a split": lambda m, x: m.fit(x, Y, validation_split=0.5, verbose=0),
    "validation": lambda m, x: m.fit(GOOD, Y, validation_data=(x, Y), verbose=0),
    "fit_dataset": lambda m, x: m.fit_dataset([(x, Y)], epochs=1, verbose=0),
    "evaluate": lambda m, x: m.evaluate(x, Y),
    "evaluate_dataset": lambda m, x: m.evaluate_dataset([{"xs": x, "ys": Y}]),
    "train_on_batch": lambda m, x: m.train_on_batch(x, Y),
    "predict": lambda m, x: m.predict(x),
    "predict_on_batch": lambda m, x: m.predict_on_batch(x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_an_index_out_of_range_is_refused_before_any_update(model, call):
    steps, weights = model.optimizer.iterations, [np.asarray(w) for w in model.get_weights()]
    message = (
        r"'table_input' goes into layer 'table' \(Embedding\), which takes integers from 0 to 4; received numbers "
    )
    with pytest.raises(ValueError, match=message + "from 0 to 7"):
        call(model, np.array([[0, 1, 2], [7, 4, 0]]))
    assert model.optimizer.iterations == steps
    for weight, before in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, before)
    call(model, GOOD)


@pytest.mark.parametrize(
    ("wrong", "received"),
    [(-1, "numbers from -1 to 2"), (np.nan, "NaN"), (0.5, "0.5, which is not an integer"), (np.inf, ".* to inf")],
)
def test_what_is_not_an_index(model, wrong, received):
    with pytest.raises(ValueError, match=f"integers from 0 to 4; received {received}"):
        model.predict(np.array([[wrong, 1, 2]]))


def test_whole_numbers_of_any_kind_are_indices(model):
    expected = model.predict(GOOD)
    for dtype in ("float32", "float64", "float16", "uint8", "int64"):
        np.testing.assert_array_equal(model.predict(GOOD.astype(dtype)), expected)
    np.testing.assert_array_equal(model.predict(GOOD > 0), model.predict((GOOD > 0).astype(int)))


def refuses(model, good, **bad):
    model.predict(good)
    for place, number in bad.items():
        given = {name: x.copy() for name, x in good.items()}
        given[place][0, 0] = number
        with pytest.raises(
            ValueError, match=f"The input '{place}' goes into layer .* received numbers from . to {number}"
        ):
            model.predict(given)


def test_through_layers_that_keep_values_and_through_models():
    a, b, c, d = (jtf.input(shape=[2], name=name) for name in "abcd")
    steps = L.time_distributed(layer=L.embedding(input_dim=4, output_dim=1))
    nested = jtf.sequential(
        [L.reshape(target_shape=[2, 1], input_shape=[2]), L.permute(dims=[2, 1]), steps, L.flatten()]
    )
    outer = jtf.sequential([nested])
    joined = L.flatten()(L.embedding(input_dim=6, output_dim=1)(L.concatenate()([b, c])))
    encoded = L.category_encoding(num_tokens=3, output_mode="count")(d)
    computed = L.dense(units=1)(L.concatenate()([outer(a), joined, encoded]))
    model = jtf.model(inputs=[a, b, c, d], outputs=computed)
    good = {name: np.array([[0, size - 1]]) for name, size in zip("abcd", (4, 6, 6, 3), strict=True)}
    refuses(model, good, a=4, b=6, c=6, d=3)


def test_two_layers_on_one_input_and_one_layer_on_two():
    a, b = jtf.input(shape=[2], name="a"), jtf.input(shape=[2], name="b")
    small, large = (L.embedding(input_dim=size, output_dim=1) for size in (3, 5))
    model = jtf.model(inputs=[a, b], outputs=L.add()([large(a), small(a), large(b)]))
    refuses(model, {"a": np.array([[0, 2]]), "b": np.array([[0, 4]])}, a=4, b=5)


def test_what_is_computed_before_is_left_to_the_model():
    shifted = jtf.sequential([L.masking(mask_value=-1, input_shape=[2, 1]), L.embedding(input_dim=3, output_dim=1)])
    assert np.isfinite(shifted.predict(np.array([[[-1], [2]]]))).all()


def test_a_model_that_sees_its_shape_in_the_data():
    model = jtf.sequential([L.embedding(input_dim=3, output_dim=1, input_length=2), L.flatten()])
    with pytest.raises(ValueError, match="integers from 0 to 2"):
        model.predict(np.array([[0, 3]]))


def test_indices_that_floating_point_numbers_cannot_hold():
    largest = 2**24
    zeros = {"embeddings_initializer": "zeros", "output_dim": 1}
    floats = jtf.sequential([L.input_layer(input_shape=[1]), L.embedding(input_dim=largest + 2, **zeros)])
    with pytest.raises(ValueError, match=r"above 16777215, where .* and make the model's input with dtype='int32'"):
        floats.predict(np.array([[largest + 1]]))
    table = L.embedding(input_dim=largest + 2, input_length=1, **zeros)
    integers = jtf.sequential([table])
    table.embeddings.assign(table.embeddings.read().at[largest + 1].set(1.0))
    assert float(integers.predict(np.array([[largest + 1]]))[0, 0, 0]) == 1
    with pytest.raises(ValueError, match="above 16777215"):
        integers.predict(np.array([[float(largest + 1)]]))


def test_nan_is_explained_where_the_model_computes_the_indices():
    def fit(head, **options):
        model = jtf.sequential([*head, L.embedding(input_dim=3, output_dim=1, name="table", **options), L.flatten()])
        model.compile(optimizer=jtf.train.sgd(0.1), loss="mse")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(np.ones((1, 1)), [[np.nan]], verbose=0)
        return str(caught[0].message)

    assert "indices in range: 'table' (0 to 2)." in fit([L.activation(activation="relu", input_shape=[1])])
    assert "indices" not in fit([], input_length=1), "there the data has been checked"
