"""The model's state while it is trained: whatever ends a run, the weights are those of the last finished step."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import signal
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.engine import loan
from tests.models.doubles import ONES, counter, line_data, linear, steps_of

X, Y = line_data()
HOOKS = ("on_train_begin", "on_epoch_begin", "on_batch_begin", "on_batch_end", "on_epoch_end", "on_train_end")
#: Steps of a counter finished when a hook is called for the second time (or the first, where there is but one).
FINISHED = {
    "on_train_begin": 0,
    "on_epoch_begin": 2,
    "on_batch_begin": 1,
    "on_batch_end": 2,
    "on_epoch_end": 4,
    "on_train_end": 4,
}


class Broken(Exception):
    pass


def at_second_call(hook, action):
    """Callbacks that do something at the second call of a hook, or the only one."""
    calls = []

    def run(*args):
        calls.append(args)
        if len(calls) == (1 if "train" in hook else 2):
            action()

    return {hook: run}


def raising(error):
    def action():
        raise error

    return action


def fit(model, **options):
    """Two epochs of two steps, unless told otherwise."""
    return model.fit(ONES, ONES, **{"batch_size": 4, "epochs": 2, "verbose": 0, **options})


def goes_on(model, steps):
    """The model is as usable as if nothing had happened."""
    assert steps_of(model) == steps
    assert model.optimizer.iterations == steps
    assert float(model.predict(ONES)[0, 0]) == steps
    fit(model, epochs=1)
    assert steps_of(model) == steps + 2
    assert model.optimizer.iterations == steps + 2


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("error", [Broken, KeyboardInterrupt, SystemExit], ids=lambda e: e.__name__)
def test_an_exception_in_a_callback(hook, error):
    model = counter()
    with pytest.raises(error):
        fit(model, callbacks=at_second_call(hook, raising(error())))
    goes_on(model, FINISHED[hook])


@pytest.mark.parametrize("hook", HOOKS)
def test_weights_can_be_read_and_assigned_in_every_hook(hook):
    model, seen = counter(), []

    def action():
        seen.append(steps_of(model))
        model.set_weights([[[100.0]]])

    fit(model, callbacks=at_second_call(hook, action))
    assert seen == [FINISHED[hook]]
    assert steps_of(model) == 100 + 4 - FINISHED[hook]


def test_weights_read_at_every_batch():
    model, seen = counter(), []
    fit(model, callbacks={"on_batch_end": lambda batch, logs: seen.append(steps_of(model))})
    assert seen == [1, 2, 3, 4]


def test_arrays_taken_in_callbacks_stay_valid():
    model, taken = linear(optimizer="adam"), []
    slots = lambda: [slot.read() for slot in model.optimizer._slots.values()]  # noqa: E731
    take = {hook: lambda *args: taken.append([*model.get_weights(), *slots()]) for hook in HOOKS}
    taken.append(model.get_weights())
    model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=take)
    assert len(taken) > 20
    for arrays in taken:
        assert not any(array.is_deleted() for array in arrays)
        assert all(np.isfinite(np.asarray(array)).all() for array in arrays)


def test_given_arrays_stay_valid():
    x, y, kernel = jnp.asarray(X), jnp.asarray(Y), jnp.ones((2, 1))
    model = linear()
    model.set_weights([kernel, jnp.zeros(1)])
    model.fit(x, y, batch_size=10, epochs=2, verbose=0)
    for array in (x, y, kernel):
        assert not array.is_deleted()
    np.testing.assert_array_equal(kernel, np.ones((2, 1)))


def test_two_weights_may_hold_one_array():
    model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[2]), jtf.layers.dense(units=2)])
    same = jnp.ones((2, 2))
    model.set_weights([same, jnp.zeros(2), same, jnp.zeros(2)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(X, np.ones((10, 2)), verbose=0)
    assert model.optimizer.iterations == 1


class TestFailingSteps:
    """What fails while a step is traced, before it has run, must not cost the weights."""

    def broken_loss(self, y_true, y_pred):
        raise Broken

    def test_a_loss_that_raises(self):
        model = counter()
        optimizer = model.optimizer
        model.compile(optimizer=optimizer, loss=self.broken_loss)
        with pytest.raises(Broken):
            fit(model)
        model.compile(optimizer=optimizer, loss=counter()._compiled_with["loss"])
        goes_on(model, 0)

    def test_a_metric_that_raises_in_validation_only(self):
        model = counter()

        def only_whole_batches(y_true, y_pred):
            if y_pred.shape[0] != 4:
                raise Broken
            return jnp.mean(y_pred)

        model.compile(optimizer=model.optimizer, loss=model._compiled_with["loss"], metrics=[only_whole_batches])
        with pytest.raises(Broken):
            fit(model, validation_data=(ONES[:3], ONES[:3]))
        goes_on(model, 2)

    def test_a_ragged_batch_that_raises(self):
        class WholeBatches(jtf.layers.Layer):
            def call(self, x):
                if x.shape[0] == 2 and self.armed:
                    raise Broken
                return x

        layer = WholeBatches(input_shape=[1])
        layer.armed = False
        model = jtf.sequential([layer, *counter().layers])
        model.compile(optimizer=jtf.train.sgd(1.0), loss=counter()._compiled_with["loss"])
        layer.armed = True
        with pytest.raises(Broken):
            model.fit(ONES[:6], ONES[:6], batch_size=4, verbose=0)
        assert float(model.get_weights()[0][0, 0]) == 1.0
        assert model.optimizer.iterations == 1

    def test_a_device_that_fails_within_a_step_has_taken_the_weights_along(self, monkeypatch):
        model = counter()

        def step(state, *args):
            for donated in jax.tree.leaves(state):
                donated.delete()
            raise Broken

        monkeypatch.setattr(model._ready_trainer(), "train_step", step)
        with pytest.raises(Broken) as caught:
            fit(model)
        assert any("The value of this Variable was lost" in note for note in caught.value.__notes__)
        for read in (model.get_weights, lambda: model.predict(ONES), lambda: fit(model)):
            with pytest.raises(RuntimeError, match="The value of this Variable was lost"):
                read()
        model.set_weights([[[5.0]]])
        model.compile(optimizer=jtf.train.sgd(1.0), loss=model._compiled_with["loss"])
        fit(model)
        assert steps_of(model) == 9

    def test_sample_weights_that_do_not_fit_the_loss(self):
        model = linear()
        before = model.get_weights()
        with pytest.raises(ValueError, match="cannot be weighted by samples of shape"):
            model.fit(X, Y, sample_weight=np.ones((10, 3)), verbose=0)
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)

    def test_a_failing_dataset(self):
        def batches():
            yield ONES[:4], ONES[:4]
            yield ONES[:4], ONES[:4]
            raise Broken

        model = counter()
        with pytest.raises(Broken):
            model.fit_dataset(batches, epochs=3, verbose=0)
        goes_on(model, 2)

    def test_a_failing_validation_dataset(self):
        def batches():
            yield ONES[:4], ONES[:4]
            raise Broken

        model = counter()
        with pytest.raises(Broken):
            fit(model, validation_data=batches)
        goes_on(model, 2)


class TestInterrupts:
    """Ctrl-C at any moment."""

    @pytest.fixture(autouse=True)
    def handler_is_restored(self):
        outside = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        yield
        assert signal.signal(signal.SIGINT, outside) is signal.default_int_handler

    @pytest.mark.parametrize("milliseconds", [1, 4, 9, 16, 25, 40])
    def test_a_real_signal(self, milliseconds):
        model = counter()
        fit(model, epochs=1)  # compiles
        model.set_weights([[[0.0]]])
        begun = model.optimizer.iterations

        def interrupt():
            time.sleep(milliseconds / 1000)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        with pytest.raises(KeyboardInterrupt):
            model.fit(
                ONES,
                ONES,
                batch_size=1,
                epochs=10**6,
                verbose=0,
                callbacks={"on_train_begin": lambda _: thread.start()},
            )
        thread.join()
        assert steps_of(model) == model.optimizer.iterations - begun
        fit(model, epochs=1)
        assert steps_of(model) == model.optimizer.iterations - begun

    def test_a_signal_within_a_step_is_raised_behind_it(self):
        model = counter()
        seen = []

        def loss(y_true, y_pred):  # runs while the step is traced, which is within the step
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            seen.append("survived")
            return -y_pred[:, 0]

        model.compile(optimizer=model.optimizer, loss=loss)
        with pytest.raises(KeyboardInterrupt):
            fit(model)
        assert seen == ["survived"]
        assert (steps_of(model), model.optimizer.iterations) == (1, 1)

    def test_a_signal_while_the_state_is_taken(self, monkeypatch):
        # The moment when the Variables have just been emptied.
        model = counter()
        fit(model)
        original = loan.lend_all

        def lend_all(*args):
            lent = original(*args)
            signal.raise_signal(signal.SIGINT)
            return lent

        monkeypatch.setattr(loan, "lend_all", lend_all)
        with pytest.raises(KeyboardInterrupt):
            fit(model)
        monkeypatch.undo()
        assert steps_of(model) in (4, 5)
        goes_on(model, steps_of(model))

    def test_a_signal_while_the_state_is_given_back(self, monkeypatch):
        model = counter()
        original, done = jtf.Variable.take_back, []

        def take_back(self, array):
            original(self, array)
            if not done:
                done.append(self)
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(jtf.Variable, "take_back", take_back)
        with pytest.raises(KeyboardInterrupt):
            fit(model)
        monkeypatch.undo()
        assert steps_of(model) == model.optimizer.iterations

    def test_steps_of_other_threads_let_interrupts_wait_all_the_same(self):
        model, other = counter(), counter()
        other.train_on_batch(ONES, ONES)
        seen = []

        def loss(y_true, y_pred):  # within the step
            thread = threading.Thread(target=other.train_on_batch, args=(ONES, ONES))
            thread.start()
            thread.join()
            signal.raise_signal(signal.SIGINT)
            seen.append("survived")
            return -y_pred[:, 0]

        model.compile(optimizer=model.optimizer, loss=loss)
        with pytest.raises(KeyboardInterrupt):
            fit(model)
        assert seen == ["survived"]
        assert (steps_of(model), steps_of(other)) == (1, 2)

    def test_in_another_thread_training_leaves_signals_alone(self):
        model, handlers = counter(), []
        callbacks = {"on_batch_end": lambda *_: handlers.append(signal.getsignal(signal.SIGINT))}
        thread = threading.Thread(target=fit, args=(model,), kwargs={"callbacks": callbacks})
        thread.start()
        thread.join()
        assert steps_of(model) == 4
        assert set(handlers) == {signal.getsignal(signal.SIGINT)}


def counters(number):
    """A model with several weights that are equal after every step."""
    x = jtf.input(shape=[1])
    each = [jtf.layers.dense(units=1, use_bias=False, kernel_initializer="zeros")(x) for _ in range(number)]
    model = jtf.model(inputs=x, outputs=jtf.layers.concatenate()(each))
    model.compile(optimizer=jtf.train.sgd(1.0), loss=lambda y_true, y_pred: -y_pred.sum(axis=1))
    return model


@contextlib.contextmanager
def beside(*functions, done=None):
    """Within this context the functions run in threads, which take turns as often as can be."""
    failed = []

    def run(function):
        try:
            function()
        except BaseException as error:
            failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        if done is not None:
            done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert not failed


class TestTwoAtOnce:
    def test_a_second_fit_is_refused_and_disturbs_nothing(self):
        def run(callbacks):
            jtf.set_seed(3)
            model = jtf.sequential(
                [jtf.layers.dense(units=4, input_shape=[2]), jtf.layers.dropout(rate=0.5), jtf.layers.dense(units=1)]
            )
            model.compile(optimizer="adam", loss="mse")
            model.fit(X, Y, batch_size=3, epochs=3, verbose=0, callbacks=callbacks(model))
            return model.get_weights()

        def second(model):
            def again(batch, logs):
                with pytest.raises(RuntimeError, match="is being trained by another fit"):
                    model.fit(X, Y, verbose=0)
                with pytest.raises(RuntimeError, match="is being trained by another fit"):
                    model.fit_dataset([(X, Y)], epochs=1, verbose=0)

            return {"on_batch_begin": again}

        for one, other in zip(run(lambda model: None), run(second), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_evaluating_and_predicting_meanwhile(self):
        model, seen = linear(), []

        def look(batch, logs):
            seen.append((model.evaluate(X, Y), np.asarray(model.predict(X))))

        model.fit(X, Y, batch_size=5, verbose=0, callbacks={"on_batch_end": look})
        for loss, predicted in seen:
            assert loss == pytest.approx(np.mean((predicted - Y) ** 2), rel=1e-5)

    def test_a_single_step_meanwhile(self):
        model = counter()
        fit(model, epochs=1, callbacks={"on_batch_end": lambda *_: model.train_on_batch(ONES, ONES)})
        assert (steps_of(model), model.optimizer.iterations) == (4, 4)

    def test_single_steps_of_other_threads_are_not_lost(self):
        model, made, done = counter(), [], threading.Event()
        model.train_on_batch(ONES, ONES)

        def train():
            while not done.is_set():
                made.append(model.train_on_batch(ONES, ONES))

        with beside(train, train, done=done):
            model.fit(ONES, ONES, batch_size=1, epochs=20, verbose=0)
        assert len(made) > 1
        assert steps_of(model) == model.optimizer.iterations == 1 + 160 + len(made)

    def test_single_steps_of_two_threads_are_not_lost(self):
        model = counter()
        model.train_on_batch(ONES, ONES)

        def train():
            for _ in range(100):
                model.train_on_batch(ONES, ONES)

        with beside(train, train):
            pass
        assert steps_of(model) == model.optimizer.iterations == 201

    @pytest.mark.parametrize(
        "look",
        [
            lambda model: [float(w[0, 0]) for w in model.get_weights()],
            lambda model: [float(w[0, 0]) for w in model.variables.trainable.values()],
            lambda model: model.predict(ONES)[0].tolist(),
        ],
        ids=["get_weights", "variables", "predict"],
    )
    def test_weights_are_seen_as_of_one_step(self, look, monkeypatch):
        model = counters(3)
        model.train_on_batch(ONES, ONES)
        original, second, done = jtf.Variable.read, model.weights[1], []

        def read(self):
            value = original(self)
            if self is second and not done:  # as if another thread's turn came now
                done.append(True)
                model.train_on_batch(ONES, ONES)
            return value

        monkeypatch.setattr(jtf.Variable, "read", read)
        assert look(model) == [2, 2, 2]

    def test_weights_assigned_by_another_thread_come_between_two_steps(self):
        model, done, seen = counters(6), threading.Event(), []

        def assign():
            for number in itertools.count(1000, 1000):
                model.set_weights([[[number]]] * 6)
                if done.is_set():
                    return

        look = {"on_batch_end": lambda *_: seen.append({float(w[0, 0]) for w in model.get_weights()})}
        with beside(assign, done=done):
            model.fit(ONES, ONES, batch_size=1, epochs=10, verbose=0, callbacks=look)
        assert max(max(values) for values in seen) >= 1000
        assert all(len(values) == 1 for values in seen)

    def test_another_model_with_the_same_optimizer_meanwhile(self):
        one, other = counter(), counter()
        other.compile(optimizer=one.optimizer, loss=one._compiled_with["loss"])
        fit(one, epochs=1, callbacks={"on_batch_end": lambda *_: fit(other, epochs=1)})
        assert (steps_of(one), steps_of(other), one.optimizer.iterations) == (2, 4, 6)

    def test_a_shared_layer_meanwhile(self):
        one = counter()
        other = jtf.sequential([*one.layers, jtf.layers.activation(activation="linear")])
        other.compile(optimizer=jtf.train.sgd(1.0), loss=one._compiled_with["loss"])
        fit(one, epochs=1, callbacks={"on_batch_end": lambda *_: fit(other, epochs=1)})
        assert steps_of(one) == 2 + 4

    def test_weights_read_by_another_thread(self):
        model, seen, done = counter(), [], threading.Event()

        def watch():
            while not done.is_set():
                seen.append(steps_of(model))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            model.fit(ONES, ONES, batch_size=1, epochs=40, verbose=0)
        finally:
            done.set()
            thread.join()
        assert steps_of(model) == 320
        assert seen == sorted(seen)
        assert all(value == int(value) for value in seen)


class Drawing(jtf.layers.Layer):
    """Draws in training and at inference alike."""

    def call(self, x):
        return x * jtf.random_uniform([])


def test_what_is_drawn_at_inference_is_not_what_training_draws():
    model = jtf.sequential([Drawing(input_shape=[1]), jtf.layers.dense(units=1, kernel_initializer="ones")])
    model.compile(optimizer=jtf.train.sgd(0.0), loss=lambda y_true, y_pred: y_pred[:, 0])
    seen = [model.train_on_batch(ONES, ONES)]  # the generator stands still in what follows
    seen += [model.evaluate(ONES, ONES), float(model.predict(ONES)[0, 0]), float(model.predict(ONES)[0, 0])]
    seen += [model.evaluate(ONES, ONES, batch_size=4) * 2 - seen[1]]  # the second batch
    assert len({round(value, 5) for value in seen}) == len(seen)


class TestLossesWithoutGradient:
    @pytest.mark.parametrize(
        "loss",
        [lambda y_true, y_pred: y_true[:, 0], lambda y_true, y_pred: jnp.round(y_pred[:, 0]) - y_true[:, 0]],
        ids=["without the prediction", "rounded"],
    )
    def test_they_are_refused_in_the_first_step(self, loss):
        model = linear(loss=loss)
        before = [np.asarray(w) for w in model.get_weights()]
        for train in (lambda: model.fit(X, Y, verbose=0), lambda: model.train_on_batch(X, Y)):
            with pytest.raises(ValueError, match="The loss depends on none of the trainable weights"):
                train()
        assert isinstance(model.evaluate(X, Y), float), "measuring is something else"
        for weight, old in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, old)

    def test_penalties_are_enough(self):
        model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], kernel_regularizer="l2")])
        model.compile(optimizer="sgd", loss=lambda y_true, y_pred: y_true[:, 0])
        model.fit(X, Y, verbose=0)

    def test_a_model_in_which_nothing_learns(self):
        model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], trainable=False)])
        model.compile(optimizer="sgd", loss="mse")
        model.fit(X, Y, verbose=0)


def test_changing_the_model_in_a_callback_holds_from_the_next_fit_on():
    model = counter()
    fit(
        model,
        callbacks={
            "on_batch_end": lambda *_: model.compile(optimizer=jtf.train.sgd(10.0), loss=model._compiled_with["loss"])
        },
    )
    assert steps_of(model) == 4
    fit(model, epochs=1)
    assert steps_of(model) == 24


def test_training_keeps_no_copy_of_the_state_alive():
    model = linear(units=3, optimizer="adam")
    model.fit(X, np.ones((10, 3)), verbose=0)
    gc.collect()
    before = len(jax.live_arrays())
    for _ in range(3):
        model.fit(X, np.ones((10, 3)), verbose=0)
    gc.collect()
    assert len(jax.live_arrays()) <= before + 2
