"""Prefetching: order, bounds, exceptions, and that no thread is ever left behind."""

import gc
import itertools
import threading
import time

import pytest

from jtf import data


def known(n):
    return data.array(list(range(n)))


def threads():
    return [t for t in threading.enumerate() if t.name == "jtf.data.prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_before_or_after():
    assert threads() == []
    yield
    assert threads() == []


def wait_until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert condition()


@pytest.mark.parametrize("buffer_size", [1, 2, 5, 100])
def test_all_elements_in_order(buffer_size):
    ds = known(50).prefetch(buffer_size)
    assert list(ds) == list(ds) == list(range(50))


def test_it_runs_ahead_but_not_further_than_the_buffer():
    made = []
    ds = data.generator(lambda: (made.append(i) or i for i in itertools.count())).prefetch(3)
    pass_ = iter(ds)
    time.sleep(0.02)
    assert made == []  # nothing happens before the first element is asked for
    assert next(pass_) == 0
    wait_until(lambda: len(made) == 4)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3]  # one handed out, three ready
    pass_.close()


def test_elements_are_made_on_another_thread():
    ds = known(2).map(lambda _: threading.current_thread().name).prefetch(1)
    assert set(ds) == {"jtf.data.prefetch"}


def test_making_and_using_overlap():
    arrived = threading.Event()

    def make():
        yield 0
        arrived.set()
        yield 1

    pass_ = iter(data.generator(make).prefetch(1))
    next(pass_)
    assert arrived.wait(5)  # the second is made while the first is still being used
    pass_.close()


def test_an_exception_arrives_with_its_own_traceback_after_what_was_made_before():
    def broken(x):
        return 1 / (3 - x)

    seen = []
    with pytest.raises(ZeroDivisionError) as caught:
        known(9).map(broken).prefetch(2).for_each(seen.append)
    assert seen == [1 / 3, 1 / 2, 1.0]
    assert caught.traceback[-1].name == "broken"
    assert "element 3" in caught.value.__notes__[0]


def test_leaving_the_loop_ends_the_thread():
    for element in known(1000).prefetch(2):
        if element == 5:
            break
    # The generator went out of use with the loop, and took its thread along.
    assert threads() == []


def test_an_exception_in_the_loop_ends_the_thread():
    def fail(_):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match=r"mine"):
        known(1000).prefetch(2).for_each(fail)
    gc.collect()
    assert threads() == []


def test_closing_ends_the_thread():
    pass_ = iter(known(1000).repeat().prefetch(2))
    next(pass_)
    assert len(threads()) == 1
    pass_.close()
    assert threads() == []


def test_collecting_ends_the_thread():
    class Holder:
        pass

    holder = Holder()
    holder.pass_ = iter(known(1000).prefetch(2).map(lambda x: x))
    holder.itself = holder  # only the collector of circles gets this one
    next(holder.pass_)
    assert len(threads()) == 1
    del holder
    gc.collect()
    assert threads() == []


def test_a_pass_that_was_never_begun_has_no_thread():
    iter(known(3).prefetch(2))
    assert threads() == []


def test_stages_behind_and_before_are_closed_with_it():
    closed = []

    def make():
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    ds = data.generator(make).map(lambda x: x).prefetch(2).batch(2).prefetch(2).take(3)
    assert [b.tolist() for b in ds] == [[0, 1], [2, 3], [4, 5]]
    wait_until(lambda: closed == ["jtf.data.prefetch"])
    wait_until(lambda: threads() == [])


def test_closing_does_not_wait_for_an_element_that_takes_long():
    working, release = threading.Event(), threading.Event()

    def make():
        yield 0
        working.set()
        release.wait(30)
        yield 1

    pass_ = iter(data.generator(make).prefetch(1))
    next(pass_)
    assert working.wait(5)
    start = time.monotonic()
    pass_.close()
    assert time.monotonic() - start < 5
    release.set()
    wait_until(lambda: threads() == [])


def test_many_passes_in_a_row_and_at_a_time():
    ds = known(40).prefetch(3)
    for _ in range(50):
        assert list(ds.take(7)) == list(range(7))
    assert list(zip(ds, ds, strict=True)) == [(i, i) for i in range(40)]


def test_an_error_of_an_abandoned_pass_is_nobodys():
    def make():
        try:
            yield from range(10)
        finally:
            raise KeyError("while closing")

    pass_ = iter(data.Dataset(make).prefetch(1))
    next(pass_)
    pass_.close()
