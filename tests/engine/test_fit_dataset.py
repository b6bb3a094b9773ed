"""fit_dataset: what a dataset may be, passes and epochs, ends and errors, memory and threads."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import jtf
from tests.models.doubles import (
    ONES,
    TwoByTwo,
    counter,
    dataset_of,
    line_data,
    linear,
    shared_linear,
    steps_of,
    two_by_two_data,
)

X, Y = line_data(12)
BATCHES = [(X[start : start + 5], Y[start : start + 5]) for start in range(0, 12, 5)]


def fit(model, dataset, **options):
    return model.fit_dataset(dataset, **{"epochs": 1, "verbose": 0, **options})


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("jtf")]


class Tensor:
    """What torch's tensors are to numpy."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)


class Loader:
    """As torch's DataLoader: iterable, with a length, yielding lists of tensors."""

    def __init__(self):
        self.passes = 0

    def __len__(self):
        return len(BATCHES)

    def __iter__(self):
        self.passes += 1
        for x, y in BATCHES:
            yield [Tensor(x), Tensor(y)]


def expected_weights(epochs=2):
    model = shared_linear()
    model.fit(X, Y, batch_size=5, epochs=epochs, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.parametrize(
    "make",
    [
        lambda: dataset_of(X, Y, 5),
        lambda: dataset_of(X, Y, 5).prefetch(2),
        lambda: BATCHES,
        lambda: tuple([*batch] for batch in BATCHES),
        lambda: [{"xs": x, "ys": y} for x, y in BATCHES],
        lambda: [{"xs": {"only_input": x}, "ys": {"only": y}} for x, y in BATCHES],
        lambda: [(x, y, np.ones(len(x))) for x, y in BATCHES],
        lambda: [{"xs": x, "ys": y, "weights": None} for x, y in BATCHES],
        lambda: [{"x": x, "y": y, "sample_weight": np.ones(len(x))} for x, y in BATCHES],
        lambda: lambda: iter(BATCHES),
        lambda: lambda: BATCHES,
        Loader,
    ],
    ids=[
        "jtf.data", "prefetched", "list", "tuple of lists", "dicts", "dicts by name", "weighted", "no weights",
        "names of fit", "generator function", "function", "loader",
    ],
)  # fmt: skip
def test_what_a_dataset_may_be(make):
    expected_after = expected_weights()
    model = shared_linear()
    history = fit(model, make(), epochs=2)
    assert history.epoch == [0, 1]
    for ours, expected in zip(model.get_weights(), expected_after, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_several_inputs_and_outputs():
    xs, ys = two_by_two_data()
    elements = dict(zip(("left", "right"), xs, strict=True)), dict(zip(("size", "kind"), ys, strict=True))
    model, other = TwoByTwo(), TwoByTwo()
    other.set_weights(model.get_weights())
    for each in (model, other):
        each.compile(optimizer="sgd", loss=["mse", "categoricalCrossentropy"])
    history = fit(model, [elements], epochs=2, validation_data=lambda: [elements])
    expected = other.fit(xs, ys, batch_size=6, epochs=2, shuffle=False, verbose=0, validation_data=(xs, ys))
    assert history.history == expected.history


def test_weights_of_samples_and_classes():
    labels = (Y > 0).astype(np.float32)
    model, other = (linear(loss="binaryCrossentropy") for _ in range(2))
    other.set_weights(model.get_weights())
    weights = np.arange(12.0)
    fit(model, [(X, labels, weights)], class_weight={0: 2.0, 1: 0.5})
    other.fit(X, labels, batch_size=12, sample_weight=weights, class_weight={0: 2.0, 1: 0.5}, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("key", ["weights", "sample_weight", "sample_weights", "sampleWeight"])
def test_weights_under_the_usual_names(key):
    model, weights = shared_linear(), np.arange(12.0)
    expected = np.mean(weights * (X.sum(axis=1, keepdims=True) - Y)[:, 0] ** 2)  # its weights are ones
    assert model.evaluate_dataset([{"xs": X, "ys": Y, key: weights}]) == pytest.approx(expected, rel=1e-5)


class TestIterators:
    def test_one_epoch(self):
        model = counter()
        fit(model, iter([(ONES, ONES)] * 3))
        assert steps_of(model) == 3
        fit(model, ((ONES, ONES) for _ in range(2)), initial_epoch=4, epochs=5)
        assert steps_of(model) == 5

    def test_more_epochs_are_refused_before_anything_is_read(self):
        def batches():
            raise AssertionError("nothing is read")
            yield

        model = counter()
        with pytest.raises(ValueError, match=r"3 epochs need .* but it is an iterator \(generator\).*\(f, not f\(\)\)"):
            fit(model, batches(), epochs=3)

    def test_more_epochs_of_so_many_batches(self):
        model, source = counter(), iter([(ONES, ONES)] * 7)
        fit(model, source, epochs=3, batches_per_epoch=2)
        assert steps_of(model) == 6
        assert len(list(source)) == 1, "no element is read too early"


class TestEpochs:
    def test_a_fresh_pass_in_every_epoch(self):
        loader = Loader()
        history = fit(shared_linear(), loader, epochs=4)
        assert loader.passes == 4
        assert (history.params["steps"], history.params["samples"]) == (3, None)

    def test_one_pass_runs_on_with_batches_per_epoch(self):
        seen, passes = [], []

        def batches():
            passes.append(len(passes))
            for number in range(5):
                yield np.full((2, 2), number), np.full((2, 1), number)

        model = linear(loss=lambda y_true, y_pred: y_true[:, 0] + 0 * y_pred[:, 0])
        logs = {"on_batch_end": lambda batch, logs: seen.append((batch, logs["loss"]))}
        history = fit(model, batches, epochs=2, batches_per_epoch=2, callbacks=logs)
        assert passes == [0]
        assert seen == [(0, 0), (1, 1), (0, 2), (1, 3)]
        assert history.history["loss"] == [0.5, 2.5]
        assert history.params["steps"] == 2

    def test_endless(self):
        model = counter()
        fit(model, dataset_of(ONES, ONES).repeat(), epochs=3, batches_per_epoch=3)
        assert steps_of(model) == 9

    def test_the_order_changes_and_follows_the_seed(self):
        def order(seed):
            jtf.set_seed(seed)
            seen = []
            model = linear(loss=lambda y_true, y_pred: y_true[:, 0] + 0 * y_pred[:, 0])
            dataset = jtf.data.zip({"xs": jtf.data.array(X), "ys": jtf.data.array(np.arange(12.0)[:, None])}).shuffle(
                12
            )
            logs = {"on_batch_end": lambda batch, logs: seen.append(logs["loss"])}
            fit(model, dataset.batch(1), epochs=2, callbacks=logs)
            return seen

        assert order(1) == order(1)
        assert order(1)[:12] != order(1)[12:]
        assert order(1) != order(2)


class TestEnds:
    @pytest.mark.parametrize(
        ("dataset", "options", "message", "steps"),
        [
            ([], {}, "yields no batch in epoch 1", 0),
            (lambda: iter(()), {"epochs": 2}, "yields no batch in epoch 1", 0),
            ([(ONES, ONES)] * 3, {"batches_per_epoch": 5}, "ended after batch 3 of epoch 1; batches_per_epoch=5", 3),
            (
                [(ONES, ONES)] * 3,
                {"batches_per_epoch": 2, "epochs": 2},
                r"ended after batch 1 of epoch 2; batches_per_epoch=2 and epochs=2 need 4 batches in all. Use .repeat",
                3,
            ),
            ([(ONES, ONES)], {"batches_per_epoch": 0}, "batches_per_epoch is a positive integer", 0),
            ([(ONES, ONES)], {"epochs": 0}, "epochs is a positive integer", 0),
            (3, {}, "A dataset is an iterable of batches .* received int", 0),
        ],
    )
    def test_refusals(self, dataset, options, message, steps):
        model = counter()
        with pytest.raises((ValueError, TypeError), match=message):
            fit(model, dataset, **options)
        assert steps_of(model) == steps == model.optimizer.iterations
        fit(model, [(ONES, ONES)])

    def test_a_second_pass_that_is_empty(self):
        passes = []

        def once():
            passes.append(1)
            return iter([(ONES, ONES)] if len(passes) == 1 else [])

        model = counter()
        with pytest.raises(ValueError, match=r"yields no batch in epoch 2. Can it be read once only"):
            fit(model, once, epochs=3)
        assert steps_of(model) == 1

    @pytest.mark.parametrize(
        ("third", "message"),
        [
            (
                (X[:, :1], Y),
                r"Batch 3 of epoch 1: The input 'only_input' must have shape \(None, 2\); received \(12, 1\)",
            ),
            ((X, Y[:3]), "Batch 3 of epoch 1: Inputs and targets need the same number of samples"),
            ({"xs": X}, r"Batch 3 of epoch 1: .* received a dict with the keys \['xs'\]"),
            (X, "Batch 3 of epoch 1: A dataset for training yields batches .* received ndarray"),
            ((X,), "Batch 3 of epoch 1: .* received tuple of 1"),
            ((X, Y, None, None), "Batch 3 of epoch 1: .* received tuple of 4"),
            ({"xs": X, "ys": Y, "sample_wieght": Y}, "Batch 3 of epoch 1: A batch has no part .* mean 'sample_weight'"),
            ({"xs": X, "ys": Y, "x": X}, "Batch 3 of epoch 1: A batch has its 'xs' twice, as 'xs' and as 'x'"),
            (({"only_input": X, "b": X}, Y), "Batch 3 of epoch 1: The model has no input 'b'"),
            (({"x": X}, Y), "Batch 3 of epoch 1: The inputs lack 'only_input'"),
            ((X, np.full((12, 1), "a")), "Batch 3 of epoch 1: The target 'only' must hold numbers"),
            ((X, Y, np.ones(3)), "Batch 3 of epoch 1: sample_weight of 'only' needs one number per sample"),
        ],
    )
    def test_a_batch_that_does_not_fit_is_named(self, third, message):
        model = shared_linear()
        with pytest.raises((ValueError, TypeError), match=message):
            fit(model, [(X, Y), (X, Y), third])
        assert model.optimizer.iterations == 2

    def test_a_class_without_weight_is_named_with_its_batch(self):
        model = linear(loss="binaryCrossentropy")
        batches = [(X, np.zeros(12)), (X, np.ones(12))]
        with pytest.raises(ValueError, match=r"lacks \[1\]"):
            fit(model, batches, class_weight={0: 1.0})

    def test_a_failing_source_comes_through_as_it_is(self):
        def broken():
            yield ONES, ONES
            raise KeyError("mine")

        model = counter()
        with pytest.raises(KeyError, match="mine"):
            fit(model, jtf.data.generator(broken).prefetch(2))
        assert steps_of(model) == 1


class TestValidation:
    def test_it_begins_anew_in_every_epoch(self):
        loader = Loader()
        model = linear(metrics=["mae"])
        history = fit(model, BATCHES, epochs=3, validation_data=loader)
        assert loader.passes == 3
        assert list(history.history) == ["val_loss", "val_mae", "loss", "mae"]
        assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y)[0], rel=1e-5)

    def test_so_many_batches_of_it(self):
        model = shared_linear()
        history = fit(model, BATCHES, validation_data=lambda: BATCHES * 2, validation_batches=1)
        assert history.history["val_loss"][0] == pytest.approx(model.evaluate(*BATCHES[0]), rel=1e-5)
        endless = dataset_of(X, Y, 5).repeat()
        fit(model, BATCHES, epochs=2, validation_data=endless, validation_batches=4)

    def test_so_many_batches_of_arrays(self):
        model = shared_linear()
        options = {"validation_data": (X, Y), "validation_batch_size": 5, "validation_batches": 2}
        history = fit(model, BATCHES, **options)
        assert history.history["val_loss"][0] == pytest.approx(model.evaluate(X[:10], Y[:10]), rel=1e-5)

    def test_a_list_of_dicts(self):
        model = shared_linear()
        history = fit(model, BATCHES, validation_data=[{"x": x, "y": y} for x, y in BATCHES])
        assert history.history["val_loss"][0] == pytest.approx(model.evaluate(X, Y), rel=1e-5)

    def test_arrays(self):
        model = shared_linear()
        history = fit(model, BATCHES, validation_data=(X, Y), validation_batch_size=5)
        assert history.history["val_loss"][0] == pytest.approx(model.evaluate(X, Y), rel=1e-5)

    @pytest.mark.parametrize(
        ("options", "message", "steps"),
        [
            ({"validation_data": iter(BATCHES)}, "read in every epoch, but it is an iterator", 0),
            ({"validation_data": 3}, "A dataset is an iterable of batches", 0),
            ({"validation_data": (X, Y), "validation_batch_size": 0}, "validation_batch_size is a positive integer", 0),
            ({"validation_data": (X, Y[:2])}, "validation_data: Inputs and targets", 0),
            (
                {"validation_data": []},
                r"validation_data is \(x, y\), .* or a dataset of batches; received a list of 0",
                0,
            ),
            ({"validation_data": [X, Y, X, Y]}, "received a list of 4", 0),
            ({"validation_batches": 2}, "there are none without validation_data", 0),
            ({"validation_data": (X, Y), "validation_batches": 2}, "has 1 batches of 32; validation_batches=2", 0),
            ({"initial_epoch": 2}, "initial_epoch=2 is beyond epochs=1", 0),
            ({"class_weight": [1.0, 2.0]}, r"dict\(enumerate\(factors\)\)", 0),
            ({"validation_data": lambda: iter(())}, "ended after 0 batches; expected at least one", 3),
            ({"validation_data": lambda: BATCHES, "validation_batches": 9}, "ended after 3 batches; expected 9", 3),
            ({"validation_data": lambda: [(X, Y[:2])]}, "Batch 1 of the evaluated dataset: Inputs and targets", 3),
        ],
    )
    def test_refusals(self, options, message, steps):
        model = shared_linear()
        with pytest.raises((ValueError, TypeError), match=message):
            fit(model, BATCHES, **options)
        assert model.optimizer.iterations == steps


class TestMemory:
    def test_a_stream_is_never_held_in_memory(self):
        """A thousand elements go through; no more are alive than the buffers hold."""
        alive, most = weakref.WeakSet(), []

        class Row(np.ndarray):
            __hash__ = object.__hash__

        def rows():
            for _ in range(600):
                row = np.ones(1, np.float32).view(Row)
                alive.add(row)
                most.append(len(alive))
                yield row

        dataset = jtf.data.zip({"xs": jtf.data.generator(rows), "ys": jtf.data.generator(rows)})
        model = counter()
        fit(model, dataset.shuffle(20).batch(4).prefetch(2), epochs=1)
        assert steps_of(model) == 150
        assert len(most) == 1200
        # Two sources with 20 in the window, 4 in a batch being made, and those just given on.
        assert max(most) <= 2 * (20 + 4 + 4)

    def test_batches_are_let_go(self):
        alive, most = weakref.WeakSet(), []

        class Held(np.ndarray):
            __hash__ = object.__hash__

        def batches():
            for _ in range(30):
                batch = np.ones((4, 1), np.float32).view(Held)
                alive.add(batch)
                most.append(len(alive))
                yield batch, np.ones((4, 1), np.float32)

        fit(counter(), batches)
        gc.collect()
        assert max(most) <= 4


class TestThreads:
    @pytest.fixture(autouse=True)
    def none_are_left(self):
        yield
        gc.collect()
        assert threads() == []

    def stream(self):
        return dataset_of(ONES, ONES, 1).repeat().prefetch(2)

    def test_after_an_epoch_of_so_many_batches(self):
        model = counter()
        fit(model, self.stream(), epochs=2, batches_per_epoch=3, validation_data=self.stream(), validation_batches=2)
        assert steps_of(model) == 6
        assert threads() == []

    def test_after_whole_passes(self):
        fit(counter(), dataset_of(ONES, ONES, 1).prefetch(2), epochs=2)
        assert threads() == []

    @pytest.mark.parametrize("options", [{"batches_per_epoch": 4}, {}], ids=["batches", "passes"])
    def test_after_an_exception_even_while_that_is_held(self, options):
        def hook(batch, logs):
            if batch == 2:
                raise ZeroDivisionError

        try:
            fit(counter(), self.stream(), callbacks={"on_batch_end": hook}, **options)
        except ZeroDivisionError as error:
            kept = error
        assert threads() == []
        assert kept.__traceback__ is not None

    def test_after_stopping(self):
        model = counter()

        def stop(batch, logs):
            model.stop_training = batch == 2

        fit(model, self.stream(), epochs=3, callbacks={"on_batch_end": stop})
        assert steps_of(model) == 3
        assert threads() == []

    def test_evaluating_a_part(self):
        counter().evaluate_dataset(self.stream(), batches=3)
        assert threads() == []


def test_building_from_a_dataset_leaves_no_pass_open():
    closed = []

    def batches():
        try:
            yield from BATCHES
        finally:
            closed.append(True)

    model = jtf.sequential([jtf.layers.dense(units=1)])
    model.compile(optimizer="sgd", loss="mse")
    fit(model, batches, epochs=2)
    assert (len(closed), model.optimizer.iterations) == (3, 6)


@pytest.mark.parametrize("first", [X, 3, {"ys": Y}])
def test_building_from_a_wrong_dataset(first):
    model = jtf.sequential([jtf.layers.dense(units=1)])
    model.compile(optimizer="sgd", loss="mse")
    with pytest.raises(ValueError, match="A dataset for training yields batches"):
        fit(model, [first])
    with pytest.raises(ValueError, match="The dataset is empty"):
        fit(model, [])
    assert not model.built
