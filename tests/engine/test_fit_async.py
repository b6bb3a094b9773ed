"""fit_async: other tasks run, callbacks are awaited, and cancelling leaves the model usable."""

from __future__ import annotations

import asyncio
import signal

import numpy as np
import pytest

import jtf
from tests.models.doubles import ONES, counter, line_data, linear, steps_of

X, Y = line_data()


async def fit(model, **options):
    return await model.fit_async(ONES, ONES, **{"batch_size": 4, "verbose": 0, **options})


def test_it_trains_as_fit_does():
    one, other = linear(optimizer="adam"), linear(optimizer="adam")
    other.set_weights(one.get_weights())
    options = {"batch_size": 3, "epochs": 3, "verbose": 0, "validation_split": 0.3}
    jtf.set_seed(1)
    first = one.fit(X, Y, **options)
    jtf.set_seed(1)
    second = asyncio.run(other.fit_async(X, Y, **options))
    assert first.history == second.history
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_tasks_keep_running():
    model = counter()

    async def main():
        seen = []

        async def ticker():
            while True:
                seen.append(steps_of(model))
                await asyncio.sleep(0)

        task = asyncio.ensure_future(ticker())
        await fit(model, epochs=5, validation_data=(ONES, ONES))
        task.cancel()
        return seen

    seen = asyncio.run(main())
    assert set(range(11)) <= set(seen), "it ran at least once at every step"
    assert seen == sorted(seen)


def test_coroutine_callbacks_are_awaited_in_order():
    calls = []

    def hook(name):
        async def run(*args):
            calls.append(f"{name} begins")
            await asyncio.sleep(0.001)
            calls.append(f"{name} ends")

        return run

    class Plain(jtf.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            calls.append("plain")

    names = ("on_train_begin", "on_batch_end", "on_epoch_end", "on_train_end")
    asyncio.run(fit(counter(), batch_size=8, callbacks=[{name: hook(name) for name in names}, Plain()]))
    expected = [f"{name} {part}" for name in names for part in ("begins", "ends")]
    expected.insert(expected.index("on_epoch_end ends") + 1, "plain")
    assert calls == expected, "one callback is awaited before the next is called"


def test_history_has_what_a_coroutine_adds():
    async def add(epoch, logs):
        logs["mine"] = 3.0

    history = asyncio.run(fit(counter(), callbacks={"on_epoch_end": add}))
    assert history.history["mine"] == [3.0]


def test_coroutine_callbacks_are_refused_by_fit():
    async def hook(batch, logs):
        raise AssertionError("never runs")

    for callbacks in ({"on_batch_end": hook}, [{"on_batch_begin": hook}]):
        model = counter()
        with pytest.raises(
            TypeError, match=r"is a coroutine function, which fit cannot await. Use `await model.fit_async"
        ):
            model.fit(ONES, ONES, verbose=0, callbacks=callbacks)
        assert steps_of(model) == model.optimizer.iterations
        model.fit(ONES, ONES, verbose=0)


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_cancelled_task_leaves_the_model_usable(steps):
    model = counter()

    async def main():
        task = asyncio.ensure_future(fit(model, epochs=10**6))
        while model.optimizer.iterations < steps:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    done = steps_of(model)
    assert done == model.optimizer.iterations >= steps
    model.fit(ONES, ONES, verbose=0)
    assert steps_of(model) == done + 1


def test_an_exception_in_a_coroutine():
    model = counter()

    async def hook(batch, logs):
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fit(model, callbacks={"on_batch_end": hook}))
    assert steps_of(model) == 1


def test_a_second_fit_is_refused():
    model = counter()

    async def main():
        first = asyncio.ensure_future(fit(model, epochs=3))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="is being trained by another fit"):
            await fit(model)
        await first

    asyncio.run(main())
    assert steps_of(model) == 6


@pytest.mark.parametrize("longer", [0, 1])
def test_two_models_side_by_side(longer):
    before = signal.getsignal(signal.SIGINT)
    models = [counter(), counter()]

    async def main():
        runs = [fit(model, epochs=5 * (1 + (index == longer))) for index, model in enumerate(models)]
        await asyncio.gather(*runs)

    asyncio.run(main())
    assert sorted(map(steps_of, models)) == [10, 20]
    assert signal.getsignal(signal.SIGINT) is before


def test_side_by_side_in_a_loop_of_your_own():
    # Without asyncio.run, which has a handler of its own: that of before must be there again.
    before = signal.getsignal(signal.SIGINT)
    models = [counter(), counter()]
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(gathered(models), 60))
    finally:
        loop.close()
    assert signal.getsignal(signal.SIGINT) is before


async def gathered(models):
    # The first begins first and ends first.
    await asyncio.gather(*(fit(model, epochs=2 + 3 * index) for index, model in enumerate(models)))


def test_wrong_options_are_refused_before_anything_is_trained():
    model = counter()
    with pytest.raises(ValueError, match="batch_size is a positive integer"):
        asyncio.run(fit(model, batch_size=0))
    with pytest.raises(TypeError, match=r"fit_async has no argument 'batchsize'. Did you mean 'batch_size'"):
        asyncio.run(fit(model, batchsize=3))
    assert steps_of(model) == 0
