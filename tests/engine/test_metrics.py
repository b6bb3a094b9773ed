"""Metrics while training and evaluating: of all samples of an epoch, at any batch size, with weights and masks."""

from __future__ import annotations

import functools
import os
import pickle
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as sk

import jtf
from tests.models.doubles import TwoByTwo, two_by_two_data

RNG = np.random.default_rng(0)
X = RNG.normal(size=(33, 2)).astype(np.float32)
LABELS = (X[:, 0] + RNG.normal(size=33) > 0).astype(np.float32)
WEIGHTS = RNG.integers(0, 4, 33).astype(np.float32)


class LargestError(jtf.metrics.Metric):
    """A metric that is no sum."""

    name = "largest_error"

    def init(self, output_shape):
        return jnp.zeros(())

    def update(self, state, y_true, y_pred, sample_weight=None):
        return jnp.maximum(state, jnp.max(jnp.abs(y_true - y_pred)))

    def result(self, state):
        return state


def of_the_user(y_true, y_pred):
    return jnp.abs(y_true - y_pred)[:, 0]


@functools.cache
def shared():
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], activation="sigmoid")])
    model.compile(
        optimizer=jtf.train.sgd(0.0),
        loss="binaryCrossentropy",
        metrics=[
            "acc",
            "precision",
            jtf.metrics.recall,
            jtf.metrics.AUC(num_thresholds=20_000),
            "r2Score",
            LargestError(),
        ],
        weighted_metrics=["acc", jtf.metrics.Precision, jtf.metrics.f1_score(threshold=0.4), of_the_user],
    )
    return model


def expected(model, weights):
    p = np.asarray(model.predict(X))[:, 0]
    yes = p > 0.5
    ours = {
        "acc_0": sk.accuracy_score(LABELS, yes),
        "precision_0": sk.precision_score(LABELS, yes),
        "recall": sk.recall_score(LABELS, yes),
        "auc": sk.roc_auc_score(LABELS, p),
        "r2Score": sk.r2_score(LABELS, p),
        "largest_error": np.abs(LABELS - p).max(),
        "acc_1": sk.accuracy_score(LABELS, yes, sample_weight=weights),
        "precision_1": sk.precision_score(LABELS, yes, sample_weight=weights),
        "f1_score": sk.f1_score(LABELS, p > 0.4, sample_weight=weights),
        "of_the_user": np.average(np.abs(LABELS - p), weights=weights),
    }
    assert list(ours) == model.metrics_names[1:]
    return list(ours.values())


@pytest.mark.parametrize("batch_size", [1, 7, 32, 33])
def test_evaluate_at_any_batch_size(batch_size):
    model = shared()
    values = model.evaluate(X, LABELS, sample_weight=WEIGHTS, batch_size=batch_size)
    np.testing.assert_allclose(values[1:], expected(model, WEIGHTS), rtol=1e-4)
    np.testing.assert_allclose(model.evaluate(X, LABELS, batch_size=batch_size)[1:], expected(model, None), rtol=1e-4)


def test_fit_and_datasets():
    model = shared()
    parts = [(X[i : i + 10], LABELS[i : i + 10], WEIGHTS[i : i + 10]) for i in range(0, 33, 10)]
    for history in (
        model.fit(X, LABELS, sample_weight=WEIGHTS, batch_size=7, verbose=0, validation_data=(X, LABELS, WEIGHTS)),
        model.fit_dataset(parts, epochs=1, verbose=0, validation_data=parts),
    ):
        for prefix in ("", "val_"):
            values = [history.history[prefix + name][0] for name in model.metrics_names[1:]]
            np.testing.assert_allclose(values, expected(model, WEIGHTS), rtol=1e-4)
    np.testing.assert_allclose(model.evaluate_dataset(parts)[1:], expected(model, WEIGHTS), rtol=1e-4)
    np.testing.assert_allclose(model.train_on_batch(X, LABELS, WEIGHTS)[1:], expected(model, WEIGHTS), rtol=1e-4)


def test_class_weights_count_for_weighted_metrics():
    model = shared()
    weights = np.where(LABELS == 1, 3.0, 0.5)
    history = model.fit(X, LABELS, class_weight={0: 0.5, 1: 3.0}, batch_size=7, verbose=0).history
    values = [history[name][0] for name in model.metrics_names[1:]]
    np.testing.assert_allclose(values, expected(model, weights), rtol=1e-4)


def test_a_perfect_classifier_of_a_rare_class_is_precise():
    model = jtf.sequential(
        [jtf.layers.dense(units=1, input_shape=[1], activation="sigmoid", weights=[[[20.0]], [-10.0]])]
    )
    model.compile(optimizer=jtf.train.sgd(0.0), loss="binaryCrossentropy", metrics=["precision", "recall"])
    x = np.zeros((64, 1))
    x[40] = 1.0
    history = model.fit(x, x, batch_size=32, verbose=0, validation_data=(x, x)).history
    assert {name: history[name] for name in ("precision", "recall", "val_precision", "val_recall")} == {
        "precision": [1.0], "recall": [1.0], "val_precision": [1.0], "val_recall": [1.0],
    }  # fmt: skip


def test_batches_log_their_own_values_and_the_epoch_those_of_all():
    model, seen = shared(), []
    model.fit(
        X,
        LABELS,
        batch_size=11,
        shuffle=False,
        verbose=0,
        callbacks={"on_batch_end": lambda _, logs: seen.append(dict(logs))},
    )
    for index, logs in enumerate(seen):
        chosen = slice(11 * index, 11 * index + 11)
        alone = model.evaluate(X[chosen], LABELS[chosen])
        np.testing.assert_allclose([logs[name] for name in model.metrics_names], alone, rtol=1e-5)


def test_of_several_outputs():
    xs, ys = two_by_two_data()
    model = TwoByTwo()
    model.compile(
        optimizer="sgd",
        loss=["mse", "categoricalCrossentropy"],
        metrics={"size": "rmse", "kind": [jtf.metrics.mean_iou, "acc"]},
        weighted_metrics={"kind": "precision"},
    )
    assert model.metrics_names[3:] == ["size_rmse", "kind_mean_iou", "kind_acc", "kind_precision"]
    size, kind = (np.asarray(p) for p in model.predict(xs))
    weights = np.arange(6.0)
    values = model.evaluate(xs, ys, batch_size=4, sample_weight={"kind": weights})[3:]
    assert values == pytest.approx(
        [
            np.sqrt(np.mean((size - ys[0]) ** 2)),
            sk.jaccard_score(ys[1].argmax(1), kind.argmax(1), average="macro"),
            sk.accuracy_score(ys[1].argmax(1), kind.argmax(1)),
            sk.precision_score(ys[1].ravel(), kind.ravel() > 0.5, sample_weight=weights.repeat(kind.shape[1])),
        ],
        rel=1e-5,
    )


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("mean_iou", "'mean_iou' needs an output with one column for each class; received shape"),
        (jtf.metrics.iou, "use jtf.metrics.binary_iou"),
        ("precison", "Unknown metric 'precison'. Did you mean 'precision'"),
    ],
)
def test_metrics_that_do_not_fit_are_refused_by_compile(metric, message):
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2])])
    with pytest.raises(ValueError, match=message):
        model.compile(optimizer="sgd", loss="mse", metrics=[metric])
    with pytest.raises(ValueError, match=message):
        model.compile(optimizer="sgd", loss="mse", weighted_metrics=[metric])


def test_results_and_functions_that_cannot_be_logged():
    class PerClass(jtf.metrics.Precision):
        def result(self, state):
            return jnp.ones(3)

    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2])])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"The metric 'precision' must have a scalar as result; it has .*\(3,\)"):
        model.compile(optimizer="sgd", loss="mse", metrics=[PerClass()])
    model.compile(optimizer="sgd", loss="mse", metrics=[lambda y_true, y_pred: None])
    with pytest.raises(ValueError, match="The metric '<lambda>' returned None"):
        model.fit(X, LABELS, verbose=0)
    model.compile(optimizer="sgd", loss="mse", weighted_metrics=[lambda y_true, y_pred: jnp.mean(y_pred)])
    with pytest.raises(ValueError, match=r"'<lambda>' gives shape \(\), which cannot be weighted or masked"):
        model.fit(X, LABELS, sample_weight=WEIGHTS, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_they_are_saved_and_copied(tmp_path):
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], activation="sigmoid")])
    model.compile(
        optimizer="sgd",
        loss="binaryCrossentropy",
        metrics=["auc", jtf.metrics.auc(num_thresholds=50), jtf.metrics.binary_accuracy(threshold=0.4, name="ba")],
        weighted_metrics=jtf.metrics.recall,
        mask_loss=True,
    )
    with pytest.raises(ValueError, match="has no weighted metrics"):
        model.save(tmp_path / "tfjs", include_optimizer=True)
    values = model.evaluate(X, LABELS)
    model.save(tmp_path / "model", include_optimizer=True, target="jtf")
    for again in (jtf.load_layers_model(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert again.metrics_names == model.metrics_names == ["loss", "auc_0", "auc_1", "ba", "recall"]
        assert again.evaluate(X, LABELS) == values
        assert again.compiled_with["mask_loss"] is True


# --- masks ------------------------------------------------------------------------------------------------------------


STEPS = 5
SEQUENCES = RNG.normal(size=(6, STEPS, 3)).astype(np.float32)
LENGTHS = np.array([5, 3, 1, 4, 2, 3])
VALID = np.arange(STEPS)[None] < LENGTHS[:, None]
SEQUENCES[~VALID] = 0.0
TAGS = np.where(VALID, RNG.integers(0, 4, (6, STEPS)), 0)


def tagger(**options):
    model = jtf.sequential(
        [
            jtf.layers.masking(input_shape=[STEPS, 3]),
            jtf.layers.lstm(units=2, return_sequences=True, recurrent_activation="sigmoid", unit_forget_bias=True),
            jtf.layers.dense(units=4, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    options = {"loss": "sparseCategoricalCrossentropy", "metrics": ["acc"], "mask_loss": True} | options
    model.compile(optimizer=jtf.train.sgd(0.1), **options)
    return model


@functools.cache
def keras_tagger():
    import keras

    model = keras.Sequential(
        [
            keras.Input([STEPS, 3]),
            keras.layers.Masking(),
            keras.layers.LSTM(2, return_sequences=True),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(0.1),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    return model


@pytest.mark.parametrize("weights", [None, np.arange(6.0)])
def test_masked_training_equals_keras(weights):
    ours = tagger(weighted_metrics=["acc"])
    by_sample = None if weights is None else np.broadcast_to(weights[:, None], TAGS.shape).copy()
    with jax.numpy_rank_promotion("allow"), warnings.catch_warnings(action="ignore"):
        theirs = keras_tagger()
        theirs.set_weights([np.asarray(w) for w in ours.get_weights()])
        at_first = theirs.evaluate(SEQUENCES, TAGS, sample_weight=by_sample, verbose=0, batch_size=6)
        theirs.train_on_batch(SEQUENCES, TAGS, sample_weight=by_sample)
        weights_then = [np.asarray(w) for w in theirs.get_weights()]
    loss, accuracy, *_, weighted_accuracy = at_first  # Keras repeats the one in between
    expected = [loss, accuracy, weighted_accuracy]
    np.testing.assert_allclose(ours.evaluate(SEQUENCES, TAGS, sample_weight=weights), expected, rtol=1e-5)
    ours.fit(SEQUENCES, TAGS, sample_weight=weights, batch_size=6, verbose=0)
    for a, b in zip(ours.get_weights(), weights_then, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, 6])
def test_padding_counts_neither_for_the_loss_nor_for_metrics(batch_size):
    model = tagger()
    p = np.asarray(model.predict(SEQUENCES))
    right = (p.argmax(-1) == TAGS)[VALID].mean()
    loss = -np.log(np.take_along_axis(p, TAGS[..., None], -1)[..., 0][VALID]).mean()
    assert model.evaluate(SEQUENCES, TAGS, batch_size=batch_size) == pytest.approx([loss, right], rel=1e-5)
    padded = np.where(VALID, TAGS, 3)
    assert model.evaluate(SEQUENCES, padded, batch_size=batch_size) == pytest.approx([loss, right], rel=1e-5)


def test_a_mask_that_is_not_used_is_said_once():
    model = tagger(mask_loss=None)
    with pytest.warns(UserWarning, match=r"A mask reaches the output 'dense_.*mask_loss=True.*leaves it out") as caught:
        model.fit(SEQUENCES, TAGS, verbose=0)
    model.evaluate(SEQUENCES, TAGS)
    assert [warning.filename for warning in caught] == [__file__]
    everything = -np.log(np.take_along_axis(np.asarray(model.predict(SEQUENCES)), TAGS[..., None], -1)).mean()
    assert model.evaluate(SEQUENCES, TAGS)[0] == pytest.approx(everything, rel=1e-5)
    silent = tagger(mask_loss=False)
    assert silent.evaluate(SEQUENCES, TAGS)[0] > 0


def test_a_batch_of_padding_only_changes_nothing():
    model = tagger()
    before = model.get_weights()
    assert model.train_on_batch(np.zeros((2, STEPS, 3)), np.zeros((2, STEPS)))[0] == 0
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loss_of_the_whole_batch_cannot_be_masked():
    model = tagger(loss=lambda y_true, y_pred: jnp.mean(y_pred), metrics=None)
    with pytest.raises(ValueError, match=r"'<lambda>' gives shape \(\), which cannot be weighted or masked"):
        model.fit(SEQUENCES, TAGS[..., None], verbose=0)
