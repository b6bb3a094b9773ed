"""Callbacks: order and arguments, forms, logs, and the ready-made ones."""

from __future__ import annotations

import asyncio
import math
import random
import warnings

import numpy as np
import pytest

import jtf
from jtf.callbacks import HOOKS, BatchLogs, Callback, CallbackList, LambdaCallback, as_callbacks
from tests.models.doubles import ONES, counter, line_data, linear, steps_of

X, Y = line_data()


def fit(model, **options):
    return model.fit(X, Y, **{"batch_size": 5, "verbose": 0, **options})


class Recorder(Callback):
    def __init__(self):
        self.calls = []

    def on_train_begin(self, logs):
        self.calls.append(("on_train_begin", dict(logs)))

    def on_train_end(self, logs):
        self.calls.append(("on_train_end", dict(logs)))

    def on_epoch_begin(self, epoch, logs):
        self.calls.append(("on_epoch_begin", epoch, dict(logs)))

    def on_epoch_end(self, epoch, logs):
        self.calls.append(("on_epoch_end", epoch, dict(logs)))

    def on_batch_begin(self, batch, logs):
        self.calls.append(("on_batch_begin", batch, dict(logs)))

    def on_batch_end(self, batch, logs):
        self.calls.append(("on_batch_end", batch, dict(logs)))


class TestOrderAndArguments:
    def test_they_are_those_of_tfjs(self):
        recorder = Recorder()
        model = linear(metrics=["mae"])
        model.fit(X, Y, batch_size=4, epochs=2, verbose=0, validation_split=0.3, callbacks=recorder)
        epoch = [
            "on_epoch_begin",
            *["on_batch_begin", "on_batch_end"] * 2,
            "on_epoch_end",
        ]
        assert [call[0] for call in recorder.calls] == ["on_train_begin", *epoch * 2, "on_train_end"]
        assert [call[1] for call in recorder.calls if call[0].startswith("on_epoch")] == [0, 0, 1, 1]
        assert [call[1] for call in recorder.calls if call[0].startswith("on_batch")] == [0, 0, 1, 1] * 2
        for name, *_, logs in recorder.calls:
            keys = {
                "on_batch_begin": ["batch", "size"],
                "on_batch_end": ["batch", "size", "loss", "mae"],
                "on_epoch_end": ["val_loss", "val_mae", "loss", "mae"],
            }.get(name, [])
            assert list(logs) == keys
        sizes = [logs["size"] for name, *_, logs in recorder.calls if name == "on_batch_begin"]
        assert sizes == [4, 3] * 2

    def test_epochs_are_counted_from_the_initial_one(self):
        recorder = Recorder()
        fit(linear(), epochs=5, initial_epoch=3, callbacks=recorder)
        assert [call[1] for call in recorder.calls if call[0] == "on_epoch_end"] == [3, 4]

    def test_they_know_model_and_params(self):
        recorder, model = Recorder(), linear()
        fit(model, epochs=2, callbacks=[recorder])
        assert recorder.model is model
        assert recorder.params["epochs"] == 2

    def test_several_are_called_in_the_order_of_the_list(self):
        calls = []
        lists = [{"on_epoch_end": lambda e, logs, n=n: calls.append(n)} for n in range(3)]
        lists.insert(1, LambdaCallback(on_epoch_end=lambda e, logs: calls.append("object")))
        fit(linear(), callbacks=lists)
        assert calls == [0, "object", 1, 2]

    def test_what_is_added_to_an_epochs_logs_is_kept(self):
        def add(epoch, logs):
            logs["twice"] = 2 * logs["loss"]

        history = fit(linear(), epochs=2, callbacks={"on_epoch_end": add}).history
        assert history["twice"] == [2 * loss for loss in history["loss"]]


class TestForms:
    @pytest.mark.parametrize(
        "form",
        [
            lambda f: {"on_epoch_end": f},
            lambda f: {"onEpochEnd": f},
            lambda f: LambdaCallback(onEpochEnd=f),
            lambda f: [{"on_epoch_end": f}],
            lambda f: ({"on_epoch_end": f},),
            lambda f: type("Mine", (Callback,), {"on_epoch_end": lambda self, epoch, logs: f(epoch, logs)})(),
            lambda f: type("Static", (Callback,), {"on_epoch_end": staticmethod(f)})(),
        ],
    )
    def test_what_a_callback_may_be(self, form):
        calls = []
        fit(linear(), epochs=2, callbacks=form(lambda epoch, logs: calls.append((epoch, list(logs)))))
        assert calls == [(0, ["loss"]), (1, ["loss"])]

    @pytest.mark.parametrize("none", [None, [], (), {}, [{}], [Callback()]])
    def test_none(self, none):
        assert fit(linear(), callbacks=none).epoch == [0]

    def test_all_hooks_in_both_spellings(self):
        for hook in HOOKS:
            head, *rest = hook.split("_")
            camel = head + "".join(word.title() for word in rest)
            assert getattr(LambdaCallback(**{camel: print}), hook) is print

    @pytest.mark.parametrize(
        ("wrong", "error", "message"),
        [
            ({"onEpochEnds": print}, ValueError, "Unknown callback hook 'onEpochEnds'. Did you mean 'on_epoch_end'"),
            ({"on_yield": print}, ValueError, "Unknown callback hook 'on_yield'.* Hooks: on_train_begin"),
            ({"on_test_end": print}, ValueError, "hook 'on_test_end'. For validation use on_epoch_end, whose logs"),
            ({"onPredictBegin": print}, ValueError, "hook 'onPredictBegin'. predict calls no callbacks"),
            (
                {"on_batch_end": print, "onBatchEnd": print},
                ValueError,
                "has on_batch_end twice.*'onBatchEnd' is second",
            ),
            ({"on_batch_end": print, "on_train_batch_end": print}, ValueError, "has on_batch_end twice"),
            ({"on_epoch_end": 3}, TypeError, "must be a function; received 3"),
            (print, TypeError, "A callback is a dict of hooks .* received <built-in function print>"),
            ([Recorder], TypeError, r"Call it: Recorder\(\)"),
            ([[{}]], TypeError, r"received \[\{\}\]"),
        ],
    )
    def test_refusals(self, wrong, error, message):
        with pytest.raises(error, match=message):
            as_callbacks(wrong)

    def test_a_method_in_the_spelling_of_tfjs_is_refused(self):
        with pytest.raises(TypeError, match=r"Mine.onEpochEnd would never be called: name the method on_epoch_end"):
            type("Mine", (Callback,), {"onEpochEnd": lambda self, epoch, logs: None})
        type("Mine", (Callback,), {"on_my_own": print, "_onEpochEnd": print})

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            (
                "on_epoch_ends",
                r"Mine.on_epoch_ends would never be called. Did you mean 'on_epoch_end'\? Hooks: on_train_",
            ),
            ("onEpochEnds", r"Did you mean 'on_epoch_end'"),
            ("on_epoch", r"Did you mean 'on_epoch_(end|begin)'"),
            ("on_train_epoch_end", r"Did you mean 'on_train_end'"),
            (
                "on_validation_end",
                r"would never be called. .* What is no hook needs a name that does not begin with on_",
            ),
            ("onTrainBatchEnd", r"never be called: name the method on_train_batch_end"),
            ("setModel", r"never be called: name the method set_model"),
            (
                "on_test_end",
                r"Mine.on_test_end would never be called. For validation use on_epoch_end, whose logs have",
            ),
            ("on_test_batch_begin", r"evaluate calls no callbacks"),
            ("on_predict_end", r"predict calls no callbacks"),
        ],
    )
    def test_a_method_that_would_never_be_called_is_refused(self, name, message):
        def method(self, *args):
            raise AssertionError

        with pytest.raises(TypeError, match=message):
            type("Mine", (Callback,), {name: method})
        with pytest.raises(TypeError, match=message):
            type("Mine", (type("Mixin", (), {name: method}), Callback), {})
        callback = Callback()
        if name in ("onTrainBatchEnd", "setModel"):  # which it has in another spelling
            with pytest.raises(AttributeError, match=rf"Callback has no '{name}'; it is called"):
                setattr(callback, name, method)
            return
        setattr(callback, name, method)
        with pytest.raises(TypeError, match=rf"{name}, set on a Callback, would never be called"):
            fit(linear(), callbacks=callback)

    def test_methods_of_ones_own(self):
        names = ["on_my_own", "on_message", "on_reset", "on_best", "_on_epoch_ends", "once", "online", "only_epoch_end"]
        type("Mine", (Callback,), dict.fromkeys(names, print))

    @pytest.mark.parametrize(
        ("hooks", "message"),
        [
            (
                {"on_epoch_end": lambda logs: None},
                r"LambdaCallback.on_epoch_end is called as on_epoch_end\(epoch, logs\)",
            ),
            ({"on_train_begin": lambda: None}, r"called as on_train_begin\(logs\), but: too many positional"),
            ({"on_train_batch_end": lambda batch, logs, more: None}, r"\(batch, logs\), but: missing .* 'more'"),
        ],
    )
    def test_wrong_arguments_are_refused_before_the_run(self, hooks, message):
        model = counter()
        with pytest.raises(TypeError, match=message):
            model.fit(ONES, ONES, verbose=0, callbacks=hooks)
        assert steps_of(model) == 0

    def test_only_hooks_that_do_something_are_called(self):
        listening = CallbackList([Callback(), LambdaCallback(on_batch_end=print)], None, {})
        assert {hook for hook in HOOKS if listening.listens(hook)} == {"on_batch_end"}


class OfKeras(Callback):
    """A callback as one writes it for Keras."""

    def __init__(self):
        self.calls = []

    def set_params(self, params):
        self.calls.append("set_params")
        super().set_params(params)

    def set_model(self, model):
        self.calls.append("set_model")
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self.calls.append("on_train_begin")
        super().on_train_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"on_epoch_end {epoch} {list(logs)}")
        super().on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"on_train_batch_begin {batch} {list(logs)}")
        super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"on_train_batch_end {batch} {list(logs)}")
        super().on_train_batch_end(batch, logs)


class TestKerasCallbacks:
    BATCHES = (
        "on_train_batch_begin 0 ['batch', 'size']",
        "on_train_batch_end 0 ['batch', 'size', 'loss']",
        "on_train_batch_begin 1 ['batch', 'size']",
        "on_train_batch_end 1 ['batch', 'size', 'loss']",
    )

    def test_their_hooks_are_called_once_each(self):
        callback, model = OfKeras(), linear()
        fit(model, callbacks=callback)
        assert callback.calls == [
            "set_params",
            "set_model",
            "on_train_begin",
            *self.BATCHES,
            "on_epoch_end 0 ['loss']",
        ]
        assert callback.model is model
        assert callback.params["epochs"] == 1

    def test_the_hook_of_keras_calls_the_other_if_it_calls_super(self):
        class Both(OfKeras):
            def on_batch_end(self, batch, logs=None):
                self.calls.append(f"on_batch_end {batch}")

        callback = Both()
        fit(linear(), callbacks=callback)
        begin_0, end_0, begin_1, end_1 = self.BATCHES
        assert callback.calls[3:-1] == [begin_0, end_0, "on_batch_end 0", begin_1, end_1, "on_batch_end 1"]

    def test_functions_under_their_names(self):
        calls = []
        fit(linear(), callbacks={"on_train_batch_end": lambda batch, logs: calls.append(batch)})
        fit(linear(), callbacks=LambdaCallback(onTrainBatchBegin=lambda batch, logs: calls.append(batch)))
        assert calls == [0, 1, 0, 1]

    def test_it_is_awaited(self):
        calls = []

        class Later(Callback):
            async def on_batch_end(self, batch, logs):
                calls.append(batch)

            async def on_train_batch_end(self, batch, logs):
                await super().on_train_batch_end(batch, logs)

        asyncio.run(linear().fit_async(X, Y, batch_size=5, verbose=0, callbacks=Later()))
        assert calls == [0, 1]


def test_batch_logs_are_a_mapping():
    logs = BatchLogs(3, 32, ["loss", "acc"], np.array([0.5, 0.25], np.float32))
    assert "loss" in logs
    assert "other" not in logs
    assert (len(logs), list(logs)) == (4, ["batch", "size", "loss", "acc"])
    assert dict(logs) == {"batch": 3, "size": 32, "loss": 0.5, "acc": 0.25}
    assert (logs.get("acc"), logs.get("other", 1)) == (0.25, 1)
    assert repr(logs) == "{'batch': 3, 'size': 32, 'loss': 0.5, 'acc': 0.25}"
    assert (len(logs), list(logs)) == (4, ["batch", "size", "loss", "acc"])
    with pytest.raises(KeyError):
        logs["other"]


class Stub:
    """A model as a callback sees it."""

    def __init__(self):
        self.stop_training = False
        self.epoch = -1

    def get_weights(self):
        return [np.array([self.epoch])]

    def set_weights(self, weights):
        self.restored = int(weights[0][0])


def run(callback, values):
    """The epoch behind which a callback stops, and the weights that it restores."""
    model = Stub()
    callback.model, callback.params = model, {}
    callback.on_train_begin({})
    for model.epoch, value in enumerate(values):
        callback.on_epoch_end(model.epoch, {callback.monitor: value})
        if model.stop_training:
            break
    callback.on_train_end({})
    return (model.epoch if model.stop_training else None), getattr(model, "restored", None)


def oracle(values, rising, min_delta, patience, baseline):
    """The same, written down from the description: stop behind the patience-th epoch in a row that is no better.

    The best weights are those of the best epoch that was run, whether or not it has beaten the baseline.
    """
    stopped, run = None, len(values)
    best, idle = baseline, 0
    for epoch, value in enumerate(values):
        if better(value, best, rising, min_delta):
            best, idle = value, 0
        else:
            idle += 1
            if idle >= patience:
                stopped, run = epoch, epoch + 1
                break
    best, best_epoch = None, None
    for epoch, value in enumerate(values[:run]):
        if better(value, best, rising, min_delta):
            best, best_epoch = value, epoch
    return stopped, best_epoch


def better(value, best, rising, min_delta):
    if best is None:
        return not math.isnan(value)
    return (value - best if rising else best - value) > abs(min_delta)


class TestEarlyStopping:
    def test_against_an_oracle(self):
        dice = random.Random(0)
        stops = 0
        for _ in range(2000):
            values = [
                dice.choice([dice.randint(0, 8) / 8, dice.randint(0, 8) / 8, math.nan])
                for _ in range(dice.randint(1, 9))
            ]
            monitor, mode = dice.choice(
                [("val_loss", "auto"), ("val_acc", "auto"), ("val_loss", "max"), ("acc", "min"), ("recall", "auto")]
            )
            rising = mode == "max" or (mode == "auto" and monitor != "val_loss")
            options = {
                "min_delta": dice.choice([0, 0.2, -0.2]),
                "patience": dice.choice([0, 1, 2, 3]),
                "baseline": dice.choice([None, 0.5]),
            }
            callback = jtf.callbacks.early_stopping(monitor=monitor, mode=mode, restore_best_weights=True, **options)
            expected = oracle(values, rising, **options)
            assert run(callback, values) == expected, (values, monitor, mode, options)
            assert callback.stopped_epoch == expected[0]
            stops += expected[0] is not None
        assert 500 < stops < 1900

    def test_patience_as_in_tfjs(self):
        # 0 stops at the first epoch that is no better, as 1 does.
        for patience, stopped in [(0, 2), (1, 2), (2, 3), (3, None)]:
            assert run(jtf.callbacks.early_stopping(patience=patience), [3.0, 2.0, 2.5, 2.2])[0] == stopped

    def test_a_second_run_begins_anew(self):
        callback = jtf.callbacks.early_stopping(patience=1)
        assert run(callback, [1.0, 2.0])[0] == 1
        assert run(callback, [5.0, 4.0])[0] is None

    def test_in_a_fit(self):
        model = linear()
        history = fit(
            model,
            epochs=50,
            validation_split=0.5,
            callbacks=[{}, jtf.callbacks.early_stopping(min_delta=1e6, patience=3)],
        )
        assert history.epoch == [0, 1, 2, 3]

    def test_the_best_weights_come_back(self):
        model = counter()  # its loss is minus its weight: higher is better for val_loss from the third epoch on
        target = [3.0, 1.0, 2.0, 2.5, 2.6]

        def judge(epoch, logs):
            logs["val_loss"] = target[epoch]

        stopping = jtf.callbacks.early_stopping(patience=3, restore_best_weights=True)
        history = model.fit(ONES, ONES, epochs=5, verbose=0, callbacks=[{"on_epoch_end": judge}, stopping])
        assert (history.epoch, steps_of(model)) == ([0, 1, 2, 3, 4], 2)
        model.fit(ONES, ONES, verbose=0)
        assert steps_of(model) == 3

    def test_they_come_back_without_an_early_stop_too(self):
        model = counter()
        stopping = jtf.callbacks.early_stopping(monitor="loss", mode="max", patience=9, restore_best_weights=True)
        model.fit(ONES, ONES, epochs=4, verbose=0, callbacks=stopping)
        assert (stopping.stopped_epoch, steps_of(model)) == (None, 1)

    def test_what_it_cannot_watch_is_said_in_every_epoch(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            fit(linear(), epochs=3, callbacks=jtf.callbacks.early_stopping())
        assert [str(each.message) for each in caught] == [
            f"Epoch {epoch}: EarlyStopping cannot stop the training, as it watches 'val_loss', which is not in the "
            "logs: loss. Pass validation data."
            for epoch in (1, 2, 3)
        ]

    def test_the_nearest_of_the_logs_is_named(self):
        callback = jtf.callbacks.early_stopping(monitor="val_lost", mode="min")
        with pytest.warns(UserWarning, match="'val_lost', .* val_loss, loss. Did you mean 'val_loss'. Monitor one of"):
            fit(linear(), validation_split=0.5, callbacks=callback)

    def test_an_epoch_that_was_stopped_has_no_validation_to_watch(self):
        stop, model = jtf.callbacks.early_stopping(), linear()

        def end(batch, logs):
            model.stop_training = True

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit(model, epochs=3, validation_split=0.5, callbacks=[{"on_batch_end": end}, stop])

    @pytest.mark.parametrize("monitor", ["val_accuracy", "valAcc", "val_acc"])
    def test_the_spellings_of_keras(self, monitor):
        # The accuracy stays as it is, so the third epoch is the second without improvement.
        model = linear(optimizer=jtf.train.sgd(0.0), metrics=["accuracy"])
        stopping = jtf.callbacks.early_stopping(monitor=monitor, patience=2)
        assert fit(model, epochs=9, validation_split=0.5, callbacks=stopping).epoch == [0, 1, 2]
        assert stopping.stopped_epoch == 2

    def test_what_rises_is_maximised(self):
        for monitor in ["val_auc", "val_f1_score", "val_mean_iou", "val_binaryAccuracy", "top_k_accuracy"]:
            assert run(jtf.callbacks.early_stopping(monitor=monitor), [0.1, 0.2, 0.3, 0.2])[0] == 3
        for monitor in ["val_layer2_mse", "val_sauce_loss", "accuracy_loss", "val_root_mean_squared_error"]:
            assert run(jtf.callbacks.early_stopping(monitor=monitor), [0.3, 0.2, 0.1, 0.2])[0] == 3

    def test_a_name_that_does_not_tell_is_warned_of(self):
        message = "from the name 'val_rating' whether .* takes smaller for better. Pass mode='min' or 'max'"
        with pytest.warns(UserWarning, match=message):
            assert run(jtf.callbacks.early_stopping(monitor="val_rating"), [0.3, 0.2, 0.3])[0] == 2
        with pytest.warns(UserWarning, match="'val_myacc' .* takes greater for better"):  # the rule of TF.js
            assert run(jtf.callbacks.early_stopping(monitor="val_myacc"), [0.3, 0.4, 0.3])[0] == 2
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert run(jtf.callbacks.early_stopping(monitor="val_rating", mode="max"), [0.3, 0.4, 0.3])[0] == 2

    def test_it_says_why(self, capsys):
        run(jtf.callbacks.early_stopping(verbose=1), [1.0, 0.5, 0.75])
        assert capsys.readouterr().out == "Epoch 3: val_loss no longer improves on 0.5; stopped.\n"
        run(jtf.callbacks.early_stopping(), [1.0, 0.5, 0.75])
        assert capsys.readouterr().out == ""

    def test_an_unknown_mode(self):
        with pytest.raises(ValueError, match="mode is 'auto', 'min' or 'max'; received 'least'"):
            jtf.callbacks.early_stopping(mode="least")
