"""compile: what it takes, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtf
from tests.models.doubles import TwoByTwo, line_data, linear, two_by_two_data


def classifier(units=3):
    return jtf.sequential([jtf.layers.dense(units=units, input_shape=[2], activation="softmax", name="out")])


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("categoricalCrossentropy", "categorical_crossentropy"),
        ("meanSquaredError", "mean_squared_error"),
        ("kullbackLeiblerDivergence", "kullback_leibler_divergence"),
        ("mse", "mean_squared_error"),
    ],
)
def test_losses_and_metrics_in_both_spellings(spelled, name):
    x, y = line_data()[0], np.eye(3, dtype=np.float32)[np.arange(10) % 3]
    model = classifier()
    values = []
    for loss in (spelled, name):
        model.compile(optimizer="sgd", loss=loss, metrics=[loss])
        values.append(model.evaluate(x, y))
        assert model.metrics_names == ["loss", loss]
    assert values[0] == values[1]
    assert values[0][0] == pytest.approx(values[0][1])


@pytest.mark.parametrize("optimizer", ["sgd", "Adam", "rmsprop", jtf.train.momentum(0.1, 0.9), optax.adamw(0.1)])
def test_optimizers(optimizer):
    model, (x, y) = linear(optimizer=optimizer), line_data()
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("loss", "units", "labels", "expected"),
    [
        ("categoricalCrossentropy", 3, "one hot", 0.5),
        ("sparseCategoricalCrossentropy", 3, "numbers", 0.5),
        ("binaryCrossentropy", 3, "one hot", 4 / 6),
        ("meanSquaredError", 1, "bits", 0.5),
    ],
)
@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_which_accuracy_is_meant(loss, units, labels, expected, name):
    # Two samples: one is right, one is wrong.
    model = jtf.sequential([jtf.layers.activation(activation="linear", input_shape=[units])])
    model.compile(optimizer="sgd", loss=loss, metrics=[name])
    x = np.array([[0.9, 0.05, 0.05], [0.1, 0.1, 0.8]])[:, :units]
    y = {"one hot": np.eye(3)[[0, 1]], "numbers": [0, 1], "bits": [[1], [1]]}[labels]
    assert model.metrics_names == ["loss", "acc"]
    assert model.evaluate(x, y)[1] == pytest.approx(expected)


def test_functions_go_by_their_own_name():
    def halved(y_true, y_pred):
        return jnp.mean(y_pred, axis=-1) / 2

    class Constant:
        def __call__(self, y_true, y_pred):
            return jnp.asarray(7.0)

    model, (x, y) = linear(), line_data()
    model.compile(optimizer="sgd", loss=halved, metrics=[halved, Constant(), "mae"])
    history = model.fit(x, y, verbose=0, validation_split=0.5)
    names = ["loss", "halved", "Constant", "mae"]
    assert list(history.history) == [f"val_{name}" for name in names] + names
    assert history.history["Constant"] == [7.0]


def test_a_metric_twice_is_numbered():
    model = linear(metrics=["mse", "mse", "mae"])
    assert model.metrics_names == ["loss", "mse_0", "mse_1", "mae"]


class TestSeveralOutputs:
    def evaluated(self, **options):
        model = TwoByTwo()
        model.size.set_weights([np.ones((2, 1)), np.zeros(1)])
        model.kind.set_weights([np.ones((3, 3)), np.zeros(3)])
        model.compile(optimizer="sgd", **options)
        xs, ys = two_by_two_data()
        return dict(zip(model.metrics_names, np.atleast_1d(model.evaluate(xs, ys)), strict=True)), (xs, ys)

    def expected(self, xs, ys):
        size = xs[0].sum(axis=1, keepdims=True)
        # The l1_l2 penalty on a kernel of two ones.
        return np.mean((size - ys[0]) ** 2), np.log(3.0), 0.01 * 2 + 0.01 * 2

    @pytest.mark.parametrize(
        "loss",
        [
            ["meanSquaredError", "categoricalCrossentropy"],
            ("mse", "categorical_crossentropy"),
            {"kind": "categoricalCrossentropy", "size": "meanSquaredError"},
        ],
        ids=["list", "tuple", "dict"],
    )
    @pytest.mark.parametrize("weights", [None, [2.0, 0.5], {"kind": 0.5, "size": 2.0}, {"size": 2.0}])
    def test_losses_and_their_weights(self, loss, weights):
        values, (xs, ys) = self.evaluated(loss=loss, loss_weights=weights)
        size, kind, penalty = self.expected(xs, ys)
        by_output = [1.0, 1.0] if weights is None else [2.0, 0.5 if len(weights) == 2 else 1.0]
        assert list(values) == ["loss", "size_loss", "kind_loss"]
        assert values["size_loss"] == pytest.approx(size, rel=1e-5)
        assert values["kind_loss"] == pytest.approx(kind, rel=1e-5)
        assert values["loss"] == pytest.approx(by_output[0] * size + by_output[1] * kind + penalty, rel=1e-5)

    def test_an_output_without_loss(self):
        values, (xs, ys) = self.evaluated(loss={"size": "mse"}, metrics={"kind": "accuracy"})
        size, _, penalty = self.expected(xs, ys)
        assert list(values) == ["loss", "size_loss", "kind_acc"]
        assert values["loss"] == pytest.approx(size + penalty, rel=1e-5)

    @pytest.mark.parametrize(
        ("metrics", "names"),
        [
            (["mae"], ["size_mae", "kind_mae"]),
            ("mae", ["size_mae", "kind_mae"]),
            ([["mae"], ["acc", "mse"]], ["size_mae", "kind_acc", "kind_mse"]),
            ([["mae", "mse"], None], ["size_mae", "size_mse"]),
            ({"kind": ["acc"]}, ["kind_acc"]),
            ({"kind": "acc", "size": "mae"}, ["size_mae", "kind_acc"]),
        ],
    )
    def test_metrics(self, metrics, names):
        values, _ = self.evaluated(loss=["mse", "categoricalCrossentropy"], metrics=metrics)
        assert list(values)[3:] == names

    def test_values_stand_under_their_own_names(self):
        values, (xs, ys) = self.evaluated(loss=["mse", "categoricalCrossentropy"], metrics=[["mae"], ["acc"]])
        size = xs[0].sum(axis=1, keepdims=True)
        assert values["size_mae"] == pytest.approx(np.abs(size - ys[0]).mean(), rel=1e-5)
        assert values["kind_acc"] == pytest.approx((ys[1].argmax(axis=1) == 0).mean())


REFUSED = [
    ({"optimizer": "adamm"}, ValueError, "Unknown optimizer 'adamm'. Did you mean 'adam'"),
    ({"optimizer": 3}, TypeError, "An optimizer is a name such as 'adam'"),
    ({"optimizer": jtf.train.SGD}, TypeError, "An optimizer is a name"),
    ({"loss": "meanSquareError"}, ValueError, "Did you mean 'mean_squared_error'"),
    ({"loss": None}, ValueError, "needs a loss for at least one output"),
    ({"loss": 3}, TypeError, "A loss is a name or a function"),
    ({"loss": ["mse", "mse"]}, ValueError, "loss has 2 entries for a model with 1 outputs"),
    ({"loss": {"onli": "mse"}}, ValueError, "names an output 'onli' .*Did you mean 'only'"),
    ({"loss": "categoricalCrossentropy"}, ValueError, "needs one output a class, but output 'only' has shape"),
    ({"loss": "sparseCategoricalCrossentropy"}, ValueError, "Use 'binaryCrossentropy'"),
    ({"metrics": ["acuracy"]}, ValueError, "Unknown metric 'acuracy'. Did you mean 'accuracy'"),
    ({"metrics": [3]}, TypeError, "A metric is a name, a function of .* or a jtf.metrics.Metric; received 3"),
    ({"metrics": [["acc"], ["acc"]]}, ValueError, "metrics has 2 entries for a model with 1 outputs"),
    ({"metrics": {"onli": "acc"}}, ValueError, "Did you mean 'only'"),
    ({"loss_weights": [1.0, 2.0]}, ValueError, "loss_weights has 2 entries"),
    ({"loss_weights": {"other": 1.0}}, ValueError, "names an output 'other'"),
]


@pytest.mark.parametrize(("options", "error", "message"), REFUSED)
def test_refusals_leave_the_model_as_it_was(options, error, message):
    model, (x, y) = linear(metrics=["mae"]), line_data()
    optimizer, before = model.optimizer, model.evaluate(x, y)
    with pytest.raises(error, match=message):
        model.compile(**{"optimizer": "sgd", "loss": "meanAbsoluteError", **options})
    assert model.optimizer is optimizer
    assert model.evaluate(x, y) == before
    assert model.metrics_names == ["loss", "mae"]


def test_two_weights_of_one_name_are_refused_and_nothing_is_changed():
    inner = [jtf.sequential([jtf.layers.dense(units=2, input_shape=[2], name="same")]) for _ in range(2)]
    model = jtf.sequential(inner)
    with pytest.raises(ValueError, match=r"Two weights of model .* are called 'same/kernel'"):
        model.compile(optimizer="sgd", loss="mse")
    assert model.optimizer is None


@pytest.mark.parametrize("what", ["fit", "evaluate", "train_on_batch", "fit_dataset", "evaluate_dataset"])
def test_a_model_must_be_compiled_first(what):
    x, y = line_data()
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2])])
    given = ([(x, y)],) if what.endswith("dataset") else (x, y)
    options = {"epochs": 1} if what == "fit_dataset" else {}
    with pytest.raises(RuntimeError, match=r"must be compiled before training.*model.compile\(optimizer='adam'"):
        getattr(model, what)(*given, **options)


def test_a_model_that_is_not_built_is_compiled_and_checked_with_its_data():
    x, _ = line_data()
    model = jtf.sequential([jtf.layers.dense(units=1)])
    model.compile(optimizer="sgd", loss="categoricalCrossentropy")
    with pytest.raises(ValueError, match="needs one output a class"):
        model.fit(x, np.ones((10, 1)), verbose=0)
    with pytest.raises(ValueError, match="Unknown loss"):
        jtf.sequential([jtf.layers.dense(units=1)]).compile(optimizer="sgd", loss="nothing")


def test_what_is_trainable_is_settled_by_compile():
    model, (x, y) = linear(), line_data()
    layer, before = model.layers[0], model.get_weights()
    layer.trainable = False
    with pytest.warns(UserWarning, match="has changed since it was compiled, which has no effect before") as caught:
        model.fit(x, y, verbose=0)
    assert caught[0].filename == __file__
    trained = model.get_weights()
    assert not np.array_equal(trained[0], before[0])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], trained[0])
    layer.trainable = True
    with pytest.warns(UserWarning, match="has changed since it was compiled"):
        model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], trained[0])


def test_one_optimizer_goes_on_in_another_compile():
    optimizer, (x, y) = jtf.train.sgd(0.1), line_data()
    model = linear(optimizer=optimizer)
    model.fit(x, y, batch_size=5, verbose=0)
    model.compile(optimizer=optimizer, loss="mae")
    model.fit(x, y, batch_size=5, verbose=0)
    assert optimizer.iterations == 4
