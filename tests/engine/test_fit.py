"""fit: data in all forms, splits, orders, logs, history, and what it compiles and reads."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.callbacks import BatchLogs
from tests.models.doubles import ONES, TwoByTwo, counter, line_data, linear, shared_linear, steps_of, two_by_two_data

X, Y = line_data()


def fit(model, *data, **options):
    return model.fit(*data, **{"verbose": 0, **options})


def weights_after(*data, **options):
    """What a model that always begins alike has learnt."""
    model = shared_linear()
    fit(model, *data, batch_size=4, epochs=2, shuffle=False, **options)
    return [np.asarray(w) for w in model.get_weights()]


class TestForms:
    @pytest.mark.parametrize(
        "form",
        [
            lambda a, name: jnp.asarray(a),
            lambda a, name: a.astype(np.float64),
            lambda a, name: a.tolist(),
            lambda a, name: [a],
            lambda a, name: (a,),
            lambda a, name: {name: a},
        ],
        ids=["jax", "float64", "nested lists", "list", "tuple", "dict"],
    )
    def test_one_input_and_one_output(self, form):
        for ours, expected in zip(
            weights_after(form(X, "only_input"), form(Y, "only")), weights_after(X, Y), strict=True
        ):
            np.testing.assert_array_equal(ours, expected)

    def test_targets_without_their_last_axis(self):
        for ours, expected in zip(weights_after(X, Y[:, 0]), weights_after(X, Y), strict=True):
            np.testing.assert_array_equal(ours, expected)

    def test_several_inputs_and_outputs(self):
        xs, ys = two_by_two_data()
        dict_x, dict_y = dict(zip(("right", "left"), xs[::-1], strict=True)), {"kind": ys[1], "size": ys[0]}
        model = TwoByTwo()
        model.compile(optimizer="sgd", loss=["mse", "categoricalCrossentropy"], metrics=["mae"])
        results = []
        for given in [(xs, ys), (tuple(xs), tuple(ys)), (dict_x, dict_y), (dict_x, ys), (xs, dict_y)]:
            model.set_weights([np.ones(w.shape) for w in model.weights])
            history = fit(model, *given, batch_size=3, epochs=2, shuffle=False, validation_data=given)
            results.append((history.history, [np.asarray(w).tolist() for w in model.weights]))
        assert all(result == results[0] for result in results)

    def test_class_numbers(self):
        labels = np.arange(10) % 3
        results = []
        model = linear(3, loss="sparseCategoricalCrossentropy")
        for y in (labels, labels[:, None], labels.astype(np.float32), jnp.asarray(labels)):
            model.set_weights([np.ones((2, 3)), np.zeros(3)])
            results.append(fit(model, X, y).history["loss"])
        assert all(result == results[0] for result in results)


#: What is refused, with a part of the message; nothing may have been trained.
REFUSED = [
    ({"x": X[:, :1]}, r"input 'only_input' must have shape \(None, 2\); received \(10, 1\)"),
    ({"x": X[:5]}, "received 5 inputs and 10 targets"),
    ({"x": []}, "has no samples"),
    ({"x": X.astype(str)}, "must hold numbers"),
    ({"x": {"wrong": X}}, "lack 'only_input'"),
    ({"x": [X, X]}, "must have shape|cannot be made one array"),
    ({"y": Y[:9]}, "received 10 inputs and 9 targets"),
    ({"y": np.ones((10, 2))}, r"target 'only' must have shape \(None, 1\); received \(10, 2\)"),
    ({"y": None}, "must hold numbers|is a single number"),
    ({"batch_size": 0}, "batch_size is a positive integer"),
    ({"batch_size": 2.5}, "batch_size is a positive integer"),
    ({"epochs": 0}, "epochs is a positive integer"),
    ({"epochs": True}, "epochs is a positive integer"),
    ({"initial_epoch": -1}, "initial_epoch is an integer from 0"),
    ({"verbose": 3}, "verbose is 0 .silent., 1"),
    ({"callbacks": {"on_epoch_ends": print}}, "Unknown callback hook 'on_epoch_ends'. Did you mean 'on_epoch_end'"),
    ({"callbacks": [3]}, "A callback is a dict of hooks"),
    ({"validation_split": 1.0}, "validation_split is a fraction"),
    ({"validation_split": -0.1}, "validation_split is a fraction"),
    ({"validation_split": 0.99}, "leaves 0 to train on"),
    ({"validation_split": 0.5, "validation_data": (X, Y)}, "either validation_split or validation_data"),
    ({"validation_data": (X, Y[:3])}, "validation_data: .* 10 inputs and 3 targets"),
    ({"validation_data": (X[:, :1], Y)}, r"validation_data: .*must have shape \(None, 2\)"),
    ({"validation_data": [X]}, r"validation_data is \(x, y\)"),
    ({"validation_data": 3}, "A dataset is an iterable of batches"),
    ({"validation_data": iter([(X, Y)])}, "read in every epoch, but it is an iterator"),
    ({"sample_weight": np.ones(3)}, r"needs one number per sample, 10; received shape \(3,\)"),
    ({"sample_weight": {"other": np.ones(10)}}, "sample_weight names 'other'"),
    ({"class_weight": {"0": 1.0}}, r"class_weight names '0', .* Class numbers are integers: \{int\(c\): w"),
    ({"x": {"only_input": X, "only_inputs": X}}, "no input 'only_inputs'. Did you mean 'only_input'"),
    ({"y": {"only": Y, "more": Y}}, "no target 'more'. Expected the keys 'only' and no others"),
    ({"initial_epoch": 2}, "initial_epoch=2 is beyond epochs=1: .* For 1 more pass epochs=3"),
    ({"shuffle": "batch"}, "shuffle is True or False; received 'batch'"),
    ({"shuffle": None}, "shuffle is True or False; received None"),
    ({"verbose": "1"}, "verbose is 0 .silent., 1"),
    ({"validation_split": "0.2"}, "validation_split is a fraction"),
    ({"validation_data": (X,)}, "received a tuple of 1"),
    ({"validation_data": ({"only_input": X, "x": X}, Y)}, "validation_data: The model has no input 'x'"),
]


def test_a_dict_may_have_the_targets_of_outputs_without_loss():
    xs, ys = two_by_two_data()
    model = TwoByTwo()
    model.compile(optimizer="sgd", loss={"size": "mse"})
    fit(model, xs, {"size": ys[0], "kind": ys[1]})
    with pytest.raises(ValueError, match="no target 'kinds'"):
        fit(model, xs, {"size": ys[0], "kinds": ys[1]})


@pytest.mark.parametrize(("wrong", "message"), REFUSED)
def test_what_is_refused_trains_nothing(wrong, message):
    model = shared_linear()
    before, history = model.get_weights(), model.history
    with pytest.raises((ValueError, TypeError), match=message):
        fit(model, **{"x": X, "y": Y, "validation_split": 0.0, **wrong})
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.optimizer.iterations == 0
    assert model.history is history
    fit(model, X, Y)
    assert model.optimizer.iterations == 1


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 1, 3]), "class numbers from 0 to 2, .* received numbers from 0 to 3"),
        (np.array([0, -1, 1]), "received numbers from -1 to 1"),
        (np.array([np.nan, 7, 0]), "received NaN"),
        (np.array([0, 0.7, 1]), "received 0.699.*, which is not an integer"),
        (np.array([0, np.inf, 1]), "received numbers from 0.0 to inf"),
        (np.eye(3)[:, :2], "received .3, 2."),
        (np.eye(3), "received .3, 3.. .*For one-hot targets use the loss 'categoricalCrossentropy'"),
    ],
)
def test_wrong_class_numbers(labels, message):
    model = linear(3, loss="sparseCategoricalCrossentropy")
    with pytest.raises(ValueError, match=message):
        fit(model, X[:3], labels)


def test_class_numbers_where_one_hot_targets_belong():
    with pytest.raises(ValueError, match="For class numbers use the loss 'sparseCategoricalCrossentropy'"):
        fit(linear(3, loss="categoricalCrossentropy"), X, np.arange(10) % 3)


def test_a_list_of_another_length():
    model = TwoByTwo()
    model.compile(optimizer="sgd", loss="mse")
    xs, ys = two_by_two_data()
    for x, y, message in [
        (xs[:1], ys, r"has 2 inputs \(left, right\); received a list of 1"),
        (xs[0], ys, "pass a list of arrays in this order, or a dict by name; received one ndarray"),
        (xs, {"size": ys[0]}, "The targets lack 'kind'"),
        ([xs[0], xs[1][:2]], ys, "need the same number of samples; 'left' has 6, 'right' has 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(model, x, y)


class TestValidation:
    def test_the_tail_is_cut_off_before_shuffling_and_never_trained_on(self):
        # The head says 1, the tail is poison: one step with it, and the weights are NaN.
        x = np.concatenate([np.ones((7, 1)), np.full((3, 1), np.nan)]).astype(np.float32)
        for shuffle in (True, False):
            model = counter()
            history = fit(model, x, x, validation_split=0.3, batch_size=2, epochs=5, shuffle=shuffle)
            assert steps_of(model) == 20
            assert np.isfinite(history.history["loss"]).all()
            assert np.isnan(history.history["val_loss"]).all()

    def test_where_it_is_cut(self):
        # floor(10 * (1 - 0.35)) = 6 samples are trained on; what they are is seen in their sum.
        model = linear(loss=lambda y_true, y_pred: y_pred[:, 0] * 0 + y_true[:, 0])
        labels = np.arange(10, dtype=np.float32)
        history = fit(model, X, labels, validation_split=0.35, batch_size=4)
        assert history.params["samples"] == 6
        assert history.history["loss"] == [np.mean(labels[:6])]
        assert history.history["val_loss"] == [np.mean(labels[6:])]

    def test_split_and_data_agree(self):
        split, data = linear(metrics=["mae"]), linear(metrics=["mae"])
        data.set_weights(split.get_weights())
        one = fit(split, X, Y, validation_split=0.3, shuffle=False, epochs=2)
        two = fit(data, X[:7], Y[:7], validation_data=(X[7:], Y[7:]), shuffle=False, epochs=2)
        assert one.history == two.history

    @pytest.mark.parametrize(
        "form",
        [
            lambda: (X, Y),
            lambda: [X, Y],
            lambda: ({"only_input": X}, {"only": Y}),
            lambda: jtf.data.zip({"xs": jtf.data.array(X), "ys": jtf.data.array(Y)}).batch(4),
            lambda: lambda: iter([(X[:3], Y[:3]), (X[3:], Y[3:])]),
        ],
        ids=["tuple", "list", "dicts", "dataset", "function"],
    )
    def test_forms_of_validation_data(self, form):
        model = shared_linear()
        history = fit(model, X, Y, validation_data=form(), epochs=2).history
        assert list(history) == ["val_loss", "loss"]
        assert history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y), rel=1e-5)

    def test_weighted_validation_data(self):
        weights = np.arange(10, dtype=np.float32)
        model = linear()
        history = fit(model, X, Y, validation_data=(X, Y, weights)).history
        expected = np.mean(weights * (np.asarray(model.predict(X)) - Y)[:, 0] ** 2)
        assert history["val_loss"][0] == pytest.approx(expected, rel=1e-5)

    def test_it_has_the_weights_of_the_end_of_the_epoch_and_includes_penalties(self):
        model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], kernel_regularizer="l1_l2")])
        model.compile(optimizer="sgd", loss="mse")
        history = fit(model, X, Y, validation_data=(X, Y), epochs=3).history
        expected = np.mean((np.asarray(model.predict(X)) - Y) ** 2) + float(model.losses[0])
        assert history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)

    def test_class_weights_do_not_weigh_the_validation(self):
        x, y = X, (Y > 0).astype(np.float32)
        model = linear(loss="binaryCrossentropy")
        history = fit(model, x, y, validation_data=(x, y), class_weight={0: 3.0, 1: 5.0}).history
        assert history["val_loss"][0] == pytest.approx(model.evaluate(x, y), rel=1e-5)


class TestOrder:
    def orders(self, seed, **options):
        """The samples of each batch, told by their labels."""
        seen = []
        model = linear(loss=lambda y_true, y_pred: jnp.mean(y_pred) * 0 + y_true[:, 0])
        jtf.set_seed(seed)
        labels = np.arange(10, dtype=np.float32)
        callbacks = {"on_batch_end": lambda batch, logs: seen.append(logs["loss"])}
        fit(model, X, labels, batch_size=1, callbacks=callbacks, **options)
        return seen

    def test_without_shuffling(self):
        assert self.orders(0, shuffle=False, epochs=2) == [*range(10)] * 2

    def test_every_epoch_has_an_order_of_its_own(self):
        seen = self.orders(0, epochs=3)
        passes = [seen[:10], seen[10:20], seen[20:]]
        assert all(sorted(each) == list(range(10)) for each in passes)
        assert len({tuple(each) for each in passes}) == 3
        assert seen == self.orders(0, epochs=3)
        assert seen != self.orders(1, epochs=3)


class TestSeeds:
    def run(self, seed, layer_seed=None, epochs=2):
        jtf.set_seed(seed)
        model = jtf.sequential(
            [
                jtf.layers.dense(units=8, input_shape=[2], activation="relu"),
                jtf.layers.dropout(rate=0.5, seed=layer_seed),
                jtf.layers.dense(units=1),
            ]
        )
        model.compile(optimizer="adam", loss="mse")
        history = fit(model, X, Y, batch_size=5, epochs=epochs)
        return [np.asarray(w) for w in model.get_weights()], history.history

    def test_one_seed_one_result_to_the_last_bit(self):
        (one, history), (same, again), (other, _) = self.run(5), self.run(5), self.run(6)
        assert history == again
        assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
        assert not np.array_equal(one[0], other[0])

    @pytest.mark.parametrize("layer_seed", [None, 3])
    def test_every_step_has_a_mask_of_its_own(self, layer_seed):
        model = jtf.sequential([jtf.layers.dropout(rate=0.5, seed=layer_seed, input_shape=[64]), Last()])
        model.compile(optimizer="sgd", loss=lambda y_true, y_pred: y_pred)
        ones, seen = np.ones((2, 64), np.float32), []
        logs = {"on_batch_end": lambda batch, logs: seen.append(logs["loss"])}
        fit(model, ones, np.zeros((2, 64)), batch_size=1, epochs=3, callbacks=logs)
        fit(model, ones, np.zeros((2, 64)), batch_size=1, epochs=1, callbacks=logs)
        assert len(set(seen)) == len(seen) == 8

    def test_a_layers_seed_fixes_its_masks_in_every_run(self):
        def masks(seed):
            jtf.set_seed(seed)
            model = jtf.sequential([jtf.layers.dropout(rate=0.5, seed=3, input_shape=[64]), Last()])
            model.compile(optimizer="sgd", loss=lambda y_true, y_pred: y_pred)
            return fit(model, np.ones((4, 64)), np.zeros((4, 64)), batch_size=2, epochs=2).history["loss"]

        assert masks(1) == masks(2)


class Last(jtf.layers.Layer):
    """Weighs each feature differently, so that a mask can be told from its loss; has a weight to train."""

    def build(self, input_shape):
        self.unused = self.add_weight("unused", (1,))

    def call(self, x):
        return x * jnp.sqrt(1.0 + jnp.arange(x.shape[-1]))[None] + 0 * self.unused[0]


class TestHistory:
    def test_what_it_says(self):
        model = linear(metrics=["mae"])
        history = fit(model, X, Y, epochs=5, initial_epoch=2, batch_size=4, validation_split=0.2)
        assert history is model.history
        assert history.epoch == [2, 3, 4]
        assert list(history.history) == ["val_loss", "val_mae", "loss", "mae"]
        assert all(len(values) == 3 and all(type(v) is float for v in values) for values in history.history.values())
        assert history.params == {
            "samples": 8,
            "steps": 2,
            "batch_size": 4,
            "epochs": 5,
            "initial_epoch": 2,
            "verbose": 0,
            "do_validation": True,
            "metrics": ["loss", "mae", "val_loss", "val_mae"],
        }
        assert repr(history).startswith("<History of 3 epochs: val_loss=")

    def test_no_epoch_left(self):
        model = linear()
        history = fit(model, X, Y, epochs=2, initial_epoch=2)
        assert (history.epoch, history.history) == ([], {})
        assert repr(history) == "<History of 0 epochs>"

    def test_epoch_logs_are_means_weighted_by_the_batches(self):
        model, batches = linear(metrics=["mae"]), []
        logs = {"on_batch_end": lambda batch, logs: batches.append(dict(logs))}
        history = fit(model, X, Y, batch_size=4, callbacks=logs)
        assert [each["size"] for each in batches] == [4, 4, 2]
        for name in ("loss", "mae"):
            expected = np.average([each[name] for each in batches], weights=[4, 4, 2])
            assert history.history[name][0] == pytest.approx(expected, rel=1e-6)


class TestCompilations:
    def test_once_for_each_shape(self):
        model = linear(optimizer="adam", metrics=["mae"])
        fit(model, X, Y, batch_size=4, epochs=3, validation_split=0.3)  # batches of 4 and 3, validation of 3
        step = model._trainer.train_step
        assert step._cache_size() == 2
        model.optimizer.learning_rate = 0.5
        fit(model, X, Y, batch_size=4, epochs=3, validation_split=0.3)
        fit(model, X.tolist(), jnp.asarray(Y), batch_size=4, validation_split=0.3)
        model.set_weights([np.ones((2, 1)), np.ones(1)])
        fit(model, X, Y, batch_size=4, validation_split=0.3)
        assert model._trainer.train_step is step
        assert step._cache_size() == 2
        assert model._trainer._eval_step._cache_size() == 1

    def test_predicting_too(self):
        model = linear()
        for _ in range(3):
            model.predict(X, batch_size=4)
            fit(model, X, Y)
        assert model._predictor._step._cache_size() == 2


class TestReading:
    @pytest.fixture
    def reads(self, monkeypatch):
        counted = []
        original = BatchLogs._read

        def read(self):
            if self._names:
                counted.append(self["batch"])
            return original(self)

        monkeypatch.setattr(BatchLogs, "_read", read)
        return counted

    def test_nothing_is_read_unless_somebody_looks(self, reads):
        kept = []

        def look_at_what_is_known(batch, logs):
            assert isinstance(logs._values, jax.Array)
            assert ("loss" in logs, "acc" in logs, len(logs)) == (True, False, 3)
            assert list(logs) == ["batch", "size", "loss"]
            assert (logs["batch"], logs["size"]) == (batch, 2)
            kept.append(logs)

        fit(linear(), X, Y, batch_size=2, callbacks={"on_batch_end": look_at_what_is_known})
        assert reads == []
        assert all(type(logs["loss"]) is float for logs in kept), "and it can be read afterwards"
        assert reads == [0, 1, 2, 3, 4]

    def test_reading_one_reads_once(self, reads):
        fit(
            linear(metrics=["mae"]),
            X,
            Y,
            batch_size=5,
            callbacks={"on_batch_end": lambda b, logs: (logs["mae"], dict(logs))},
        )
        assert reads == [0, 1]


class TestNotFinite:
    def test_it_is_said_once_and_where(self):
        x = X.copy()
        x[7] = np.nan
        model = linear()
        with pytest.warns(RuntimeWarning, match=r"became NaN or infinite in epoch 1, batch 4\.") as caught:
            history = fit(model, x, Y, batch_size=2, epochs=3, shuffle=False)
        assert len(caught) == 1
        assert caught[0].filename == __file__, "it points to the call of fit"
        assert np.isnan(history.history["loss"]).all()

    def test_in_a_later_epoch_and_a_later_fit(self):
        model = linear()
        fit(model, X, Y, batch_size=5)

        def spoil(epoch, logs):
            if epoch == 1:
                model.set_weights([np.full((2, 1), np.inf), np.zeros(1)])

        with pytest.warns(RuntimeWarning, match=r"in epoch 2, batch 1\."):
            fit(model, X, Y, batch_size=5, epochs=3, callbacks={"on_epoch_begin": spoil})

    def test_terminate_on_nan(self):
        x = X.copy()
        x[7] = np.nan
        model, seen = linear(), []
        callbacks = [jtf.callbacks.terminate_on_nan(), {"on_batch_end": lambda b, logs: seen.append(b)}]
        with pytest.warns(RuntimeWarning, match="batch 4"):
            history = fit(model, x, Y, batch_size=2, epochs=3, shuffle=False, callbacks=callbacks)
        assert (seen, history.epoch) == ([0, 1, 2, 3], [0])

    def test_finite_runs_say_nothing(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit(linear(), X, Y)


class TestStopping:
    def test_behind_the_present_batch(self):
        model, calls = counter(), []

        def stop(batch, logs):
            calls.append(batch)
            model.stop_training = batch == 2

        history = fit(model, ONES, ONES, batch_size=1, epochs=4, callbacks={"on_batch_end": stop})
        assert (calls, history.epoch, steps_of(model)) == ([0, 1, 2], [0], 3)
        fit(model, ONES, ONES, batch_size=1, epochs=1)
        assert steps_of(model) == 11, "the next fit runs to its end"

    def test_behind_the_present_epoch(self):
        model = counter()

        def stop(epoch, logs):
            model.stop_training = epoch == 1

        history = fit(model, ONES, ONES, batch_size=4, epochs=5, callbacks={"on_epoch_end": stop})
        assert (history.epoch, steps_of(model)) == ([0, 1], 4)


class TestOneByOne:
    def test_train_on_batch(self):
        one, other = linear(metrics=["mae"]), linear(metrics=["mae"])
        other.set_weights(one.get_weights())
        expected = one.evaluate(X, Y)
        assert one.train_on_batch(X, Y) == pytest.approx(expected)
        fit(other, X, Y, shuffle=False)
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert isinstance(linear().train_on_batch(X, Y), float)
        kept = one.get_weights()
        one.train_on_batch(X, Y)
        assert all(np.isfinite(w).all() for w in kept), "nothing was donated"

    def test_evaluate_is_a_mean_over_samples(self):
        model = linear(metrics=["mae"])
        whole = model.evaluate(X, Y, batch_size=10)
        assert model.evaluate(X, Y, batch_size=3) == pytest.approx(whole, rel=1e-6)
        assert all(type(value) is float for value in whole)
        error = np.asarray(model.predict(X)) - Y
        assert whole == pytest.approx([np.mean(error**2), np.abs(error).mean()], rel=1e-5)
        assert isinstance(linear().evaluate(X, Y), float)

    def test_evaluate_with_weights(self):
        model, weights = linear(), np.arange(10.0)
        error = (np.asarray(model.predict(X)) - Y)[:, 0]
        assert model.evaluate(X, Y, sample_weight=weights) == pytest.approx(np.mean(weights * error**2), rel=1e-5)

    def test_evaluate_dataset(self):
        model = linear(metrics=["mae"])
        batches = [(X[:4], Y[:4]), (X[4:8], Y[4:8]), (X[8:], Y[8:])]
        assert model.evaluate_dataset(batches) == pytest.approx(model.evaluate(X, Y), rel=1e-6)
        assert model.evaluate_dataset(batches, batches=2) == pytest.approx(model.evaluate(X[:8], Y[:8]), rel=1e-6)
        with pytest.raises(ValueError, match="ended after 3 batches; expected 4"):
            model.evaluate_dataset(batches, batches=4)
        with pytest.raises(ValueError, match="ended after 0 batches; expected at least one"):
            model.evaluate_dataset([])


class TestConstraintsAndPenalties:
    def test_constraints_hold_after_every_step(self):
        model = jtf.sequential(
            [
                jtf.layers.dense(
                    units=3,
                    input_shape=[2],
                    kernel_constraint=jtf.constraints.max_norm(max_value=0.5),
                    bias_constraint="nonNeg",
                )
            ]
        )
        model.compile(optimizer=jtf.train.sgd(5.0), loss="mse")
        norms, lows = [], []

        def look(batch, logs):
            kernel, bias = model.get_weights()
            norms.append(np.linalg.norm(kernel, axis=0).max())
            lows.append(bias.min())

        fit(model, X, -np.ones((10, 3)), batch_size=4, epochs=2, callbacks={"on_batch_end": look})
        assert max(norms) <= 0.5 + 1e-6
        assert min(lows) >= 0
        model.train_on_batch(X, -np.ones((10, 3)))
        assert np.linalg.norm(model.get_weights()[0], axis=0).max() <= 0.5 + 1e-6

    def test_penalties_pull_on_weights(self):
        model = jtf.sequential(
            [
                jtf.layers.dense(
                    units=1, use_bias=False, input_shape=[1], kernel_regularizer=jtf.regularizers.l2(l2=0.25)
                )
            ]
        )
        model.set_weights([[[2.0]]])
        model.compile(optimizer=jtf.train.sgd(0.1), loss=lambda y_true, y_pred: 0 * y_pred[:, 0])
        history = fit(model, ONES, ONES, batch_size=8)
        assert history.history["loss"] == [1.0]  # 0.25 · 2²
        assert float(model.weights[0][0, 0]) == pytest.approx(2 - 0.1 * 2 * 0.25 * 2)


def test_the_optimizer_goes_on_from_fit_to_fit():
    once, twice = linear(optimizer="adam"), linear(optimizer="adam")
    twice.set_weights(once.get_weights())
    fit(once, X, Y, epochs=4, shuffle=False)
    for _ in range(2):
        fit(twice, X, Y, epochs=2, shuffle=False)
    for a, b in zip(once.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert twice.optimizer.iterations == 4


def test_a_learning_rate_set_in_a_callback_holds_from_the_next_step_on():
    model = counter()

    def halve(batch, logs):
        model.optimizer.learning_rate = 10.0 ** -(batch + 1)

    fit(model, ONES, ONES, batch_size=2, callbacks={"on_batch_end": halve})
    assert steps_of(model) == pytest.approx(1 + 0.1 + 0.01 + 0.001)


def test_a_schedule_counts_steps():
    model = counter(lambda iterations: 10.0**-iterations)
    fit(model, ONES, ONES, batch_size=4, epochs=2)
    assert steps_of(model) == pytest.approx(1.111)
