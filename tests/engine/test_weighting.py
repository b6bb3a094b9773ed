"""Class weights and sample weights, against computations by hand."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from tests.models.doubles import TwoByTwo, line_data, linear, two_by_two_data

X, Y = line_data()
LABELS = np.array([0, 1, 2, 1, 0, 2, 2, 1, 0, 1])
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
BY_CLASS = {0: 1.0, 1: 0.25, 2: 4.0}
FACTORS = np.array([BY_CLASS[c] for c in LABELS], np.float32)


@functools.cache
def compiled(loss):
    model = jtf.sequential([jtf.layers.dense(units=3, input_shape=[2], activation="softmax")])
    model.compile(optimizer=jtf.train.sgd(0.1), loss=loss)
    return model


def classifier(loss):
    """A model that begins alike in every test."""
    model = compiled(loss)
    model.set_weights([np.linspace(-1, 1, 6).reshape(2, 3), np.zeros(3)])
    model.optimizer.iterations_variable.assign(0)
    return model


@jax.jit
def by_hand(factors):
    """One step of gradient descent on the weighted sum of cross-entropies over the number of samples."""

    def loss(params):
        logits = jnp.asarray(X) @ params[0] + params[1][None]
        each = -jnp.sum(ONE_HOT * jax.nn.log_softmax(logits), axis=1)
        return jnp.sum(each * factors) / len(factors)

    params = [jnp.linspace(-1, 1, 6).reshape(2, 3), jnp.zeros(3)]
    value, grads = jax.value_and_grad(loss)(params)
    return value, [p - 0.1 * g for p, g in zip(params, grads, strict=True)]


@pytest.mark.parametrize(
    ("loss", "labels", "options", "factors"),
    [
        ("categoricalCrossentropy", ONE_HOT, {"class_weight": BY_CLASS}, FACTORS),
        ("sparseCategoricalCrossentropy", LABELS, {"class_weight": BY_CLASS}, FACTORS),
        ("categoricalCrossentropy", ONE_HOT, {"class_weight": [BY_CLASS]}, FACTORS),
        ("categoricalCrossentropy", ONE_HOT, {"class_weight": BY_CLASS | {7: 2.0}}, FACTORS),
        ("categoricalCrossentropy", ONE_HOT, {"sample_weight": np.arange(10)}, np.arange(10)),
        ("sparseCategoricalCrossentropy", LABELS, {"sample_weight": jnp.arange(10)}, np.arange(10)),
        ("categoricalCrossentropy", ONE_HOT, {"sample_weight": np.arange(10)[:, None]}, np.arange(10)),
        ("categoricalCrossentropy", ONE_HOT, {"sample_weight": [*range(10)]}, np.arange(10)),
        (
            "categoricalCrossentropy",
            ONE_HOT,
            {"class_weight": BY_CLASS, "sample_weight": np.arange(10)},
            FACTORS * np.arange(10),
        ),
    ],
)
def test_one_step(loss, labels, options, factors):
    value, expected = by_hand(jnp.asarray(factors, jnp.float32))
    value = float(value)
    model = classifier(loss)
    history = model.fit(X, labels, batch_size=10, verbose=0, **options)
    assert history.history["loss"][0] == pytest.approx(value, rel=1e-5)
    for weight, after in zip(model.weights, expected, strict=True):
        np.testing.assert_allclose(weight, after, rtol=1e-4, atol=1e-6)
    model = classifier(loss)
    assert model.train_on_batch(X, labels, **options) == pytest.approx(value, rel=1e-5)
    for weight, after in zip(model.weights, expected, strict=True):
        np.testing.assert_allclose(weight, after, rtol=1e-4, atol=1e-6)


def test_in_batches_the_weights_stay_with_their_samples():
    weights = np.array([1.0, 0, 0, 2, 0, 0, 0, 0, 3, 0])
    model = linear(loss=lambda y_true, y_pred: y_true[:, 0] + 0 * y_pred[:, 0])
    labels = np.arange(10.0)
    for shuffle in (True, False):
        history = model.fit(X, labels, sample_weight=weights, batch_size=3, shuffle=shuffle, verbose=0)
        assert history.history["loss"][0] == pytest.approx((3 * 2 + 8 * 3) / 10)


def test_the_validations_part_takes_its_weights_along():
    weights = np.array([1.0] * 8 + [2.0, 4.0])
    model = linear(loss=lambda y_true, y_pred: y_true[:, 0] + 0 * y_pred[:, 0])
    history = model.fit(X, np.arange(10.0), sample_weight=weights, validation_split=0.2, verbose=0).history
    assert history["val_loss"] == [(2 * 8 + 4 * 9) / 2]
    assert history["loss"] == [np.mean(np.arange(8))]


@pytest.mark.parametrize(
    ("labels", "by_class", "expected"),
    [
        ([0, 1, 1, 0], {0: 2.0, 1: 3.0}, [2, 3, 3, 2]),
        ([[0.0], [1.0], [1.0], [0.0]], {0: 2.0, 1: 3.0}, [2, 3, 3, 2]),
        ([-1, 1, 1, -1], {-1: 2.0, 1: 3.0}, [2, 3, 3, 2]),
        ([0, 10**6, 0, 0], {0: 2.0, 10**6: 3.0}, [2, 3, 2, 2]),
        (np.array([False, True, True, False]), {0: 2.0, 1: 3.0}, [2, 3, 3, 2]),
        ([0, 1, 1, 0], {np.float64(0): 2.0, np.int8(1): np.float32(3.0)}, [2, 3, 3, 2]),
    ],
    ids=["numbers", "column", "signs", "large numbers", "bools", "keys of numpy"],
)
def test_which_class_a_target_is(labels, by_class, expected):
    model = linear(loss=lambda y_true, y_pred: 1.0 + 0 * y_pred[:, 0])
    history = model.fit(X[:4], labels, class_weight=by_class, verbose=0)
    assert history.history["loss"][0] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.0, 0.7, 1, 1], r"must be integers; that of sample 1 \(counted from 0\) is \[0.69"),
        ([0.0, 1, np.nan, 1], r"must be integers; that of sample 2 \(counted from 0\) is \[nan\]"),
    ],
)
def test_class_weights_of_what_is_not_classes(labels, message):
    with pytest.raises(ValueError, match=message):
        linear().fit(X[:4], labels, class_weight={0: 2.0, 1: 3.0}, verbose=0)


@pytest.mark.parametrize("row", [[0.0, 1, 1], [0.2, np.nan, 0], [-1.0, 1, 1]], ids=["two", "NaN", "signs"])
def test_class_weights_of_rows_that_are_not_one_class(row):
    model = classifier("categoricalCrossentropy")
    with pytest.raises(ValueError, match=r"must be one-hot, or probabilities .*; that of sample 3 \(counted from 0\)"):
        model.fit(X[:4], [[1, 0, 0], [0, 1, 0], [0.25, 0.25, 0.5], row], class_weight=BY_CLASS, verbose=0)


def test_a_batch_whose_samples_all_weigh_nothing():
    model = classifier("categoricalCrossentropy")
    before = [np.asarray(w) for w in model.get_weights()]
    assert model.train_on_batch(X, ONE_HOT, sample_weight=np.zeros(10)) == 0
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_weights_an_entry_of_a_sequence():
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[3, 2], name="steps")])
    x, y = np.ones((2, 3, 2)), np.zeros((2, 3, 1))
    model.set_weights([[[1.0], [0.0]], [0.0]])
    model.compile(optimizer="sgd", loss="mse")
    weights = np.array([[1.0, 0, 0], [2, 3, 0]])
    assert model.evaluate(x, y, sample_weight=weights) == pytest.approx(weights.mean())
    assert model.evaluate(x, y, sample_weight=[1.0, 3.0]) == pytest.approx(2.0)
    with pytest.raises(ValueError, match=r"class_weight needs one class per sample; .* Use sample_weight instead"):
        model.fit(x, y, class_weight={0: 1.0}, verbose=0)


@pytest.mark.parametrize("form", ["list", "dict", "partial dict"])
def test_several_outputs(form):
    xs, ys = two_by_two_data()
    a, b = np.arange(6.0), np.array([3.0, 0, 0, 1, 1, 1])
    model = TwoByTwo()
    model.compile(optimizer="sgd", loss=["mse", "categoricalCrossentropy"])
    given = {"list": [a, b], "dict": {"kind": b, "size": a}, "partial dict": {"size": a}}[form]
    b = np.ones(6) if form == "partial dict" else b
    _, size, kind = model.evaluate(xs, ys, sample_weight=given)
    predicted = [np.asarray(p) for p in model.predict(xs)]
    assert size == pytest.approx(np.mean(a * (predicted[0] - ys[0])[:, 0] ** 2), rel=1e-5)
    assert kind == pytest.approx(np.mean(b * -np.log((predicted[1] * ys[1]).sum(axis=1))), rel=1e-5)


def test_class_weights_of_several_outputs():
    xs, ys = two_by_two_data()
    model = TwoByTwo()
    model.compile(optimizer=jtf.train.sgd(0.0), loss=["mse", "categoricalCrossentropy"])
    predicted = np.asarray(model.predict(xs)[1])
    factors = np.array([BY_CLASS[c] for c in ys[1].argmax(axis=1)])
    expected = np.mean(factors * -np.log((predicted * ys[1]).sum(axis=1)))
    for given in ({"kind": BY_CLASS}, [None, BY_CLASS]):
        assert model.train_on_batch(xs, ys, class_weight=given)[2] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_weight": {0: 1.0, 2: 1.0}}, r"lacks \[1\] and has \[0, 2\]"),
        ({"class_weight": {}}, r"lacks \[0, 1, 2\]"),
        ({"class_weight": {"kind": {0: 1.0}}}, "class_weight names 'kind', which is no output"),
        ({"sample_weight": np.ones(9)}, r"needs one number per sample, 10; received shape \(9,\)"),
        ({"sample_weight": 1.0}, r"received shape \(\)"),
        ({"sample_weight": ["a"] * 10}, "must hold numbers"),
        ({"sample_weight": [1.0] * 9 + [-1.0]}, r"numbers from 0 on; that of sample 9 \(counted from 0\) is -1.0"),
        ({"sample_weight": [1.0, np.nan] + [1.0] * 8}, "that of sample 1 .counted from 0. is nan"),
        ({"sample_weight": [1.0, np.inf] + [1.0] * 8}, "that of sample 1 .counted from 0. is inf"),
        ({"class_weight": {0: 1.0, 1: -1.0, 2: 1.0}}, "factors from 0 on; received -1.0 for class 1"),
        ({"class_weight": {0: 1.0, 1: np.nan, 2: 1.0}}, "factors from 0 on; received nan for class 1"),
        ({"class_weight": {0: 1.0, 1: "2", 2: 1.0}}, "factors from 0 on; received '2' for class 1"),
        ({"class_weight": {0.5: 1.0}}, "class numbers as keys; received 0.5"),
        ({"class_weight": "balanced"}, "is a dict with a factor for each class number.* received 'balanced'"),
        ({"class_weight": [1.0, 1.0, 1.0]}, r"received \[1.0, 1.0, 1.0\]. With the factors in order: dict\(enumerate"),
    ],
)
def test_refusals(options, message):
    model = classifier("categoricalCrossentropy")
    for train in (
        lambda: model.fit(X, ONE_HOT, verbose=0, **options),
        lambda: model.train_on_batch(X, ONE_HOT, **options),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            train()
    assert model.optimizer.iterations == 0


def test_weights_for_two_outputs_must_say_which():
    xs, ys = two_by_two_data()
    model = TwoByTwo()
    model.compile(optimizer="sgd", loss="mse")
    with pytest.raises(ValueError, match="sample_weight must be a list with one for each, or a dict by output name"):
        model.evaluate(xs, ys, sample_weight=np.ones(6))
    with pytest.raises(ValueError, match="class_weight must be a list with one for each"):
        model.fit(xs, ys, class_weight={0: 1.0}, verbose=0)
