"""Shuffling: a permutation, with a window, with bounded memory, and reproducible."""

import itertools
import weakref
from collections import Counter
from typing import ClassVar

import numpy as np
import pytest

import jtf.random
from jtf import data


def known(n):
    return data.array(list(range(n)))


@pytest.mark.parametrize("buffer_size", [1, 2, 7, 20, 1000])
def test_a_permutation_within_the_window(buffer_size):
    order = list(known(20).shuffle(buffer_size, seed=3))
    assert sorted(order) == list(range(20))
    # The element at position i is one of the first i + buffer_size.
    assert all(value < position + buffer_size for position, value in enumerate(order))
    assert (order == list(range(20))) == (buffer_size == 1)


def test_a_window_over_everything_gives_all_orders_equally_often():
    ds = known(3).shuffle(3, seed=0)
    counts = Counter(tuple(ds) for _ in range(3000))
    assert len(counts) == 6
    # chi-square with 5 degrees of freedom: above 20.5 once in a thousand seeds
    assert sum((c - 500) ** 2 / 500 for c in counts.values()) < 20.5


class Thing:
    """An element that knows how many of its kind are alive."""

    alive: ClassVar = weakref.WeakSet()

    def __init__(self):
        Thing.alive.add(self)


class Things:
    """An iterator that keeps nothing."""

    def __init__(self, n):
        self.left = n

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        self.left -= 1
        return Thing()


@pytest.mark.parametrize("buffer_size", [1, 4, 32])
def test_never_more_elements_alive_than_the_window(buffer_size):
    most = 0
    pass_ = data.Dataset(lambda: Things(200)).shuffle(buffer_size, seed=1).iterator()
    for thing in pass_:
        del thing
        most = max(most, len(Thing.alive))
    assert most == buffer_size - 1  # the one that went out is the consumer's
    assert len(Thing.alive) == 0


def passes(ds, count=3):
    return [list(ds) for _ in range(count)]


def test_passes_differ_and_the_seed_repeats_their_sequence():
    first, again = passes(known(30).shuffle(30, seed=5)), passes(known(30).shuffle(30, seed=5))
    assert first == again
    assert first[0] != first[1] != first[2] != first[0]
    assert first != passes(known(30).shuffle(30, seed=6))


@pytest.mark.parametrize("seed", [5, None])
def test_without_reshuffling_every_pass_has_one_order(seed):
    first, second, third = passes(known(30).shuffle(30, seed, reshuffle_each_iteration=False))
    assert first == second == third != list(range(30))


def test_without_a_seed_the_runs_seed_decides():
    def run(seed):
        jtf.random.set_seed(seed)
        return passes(known(30).shuffle(30)) + passes(known(30).shuffle(30, None, False), 1)

    assert run(1) == run(1) != run(2)
    assert run(1)[0] != run(1)[1]


def test_one_dataset_starts_again_with_the_runs_seed():
    ds = known(30).shuffle(30)
    jtf.random.set_seed(4)
    first = passes(ds)
    jtf.random.set_seed(4)
    assert passes(ds) == first


def test_a_repeated_shuffle_is_reshuffled():
    ds = known(20).shuffle(20, seed=0).repeat(2)
    order = list(ds)
    assert sorted(order[:20]) == sorted(order[20:]) == list(range(20))
    assert order[:20] != order[20:]


def test_draws_elsewhere_do_not_reach_a_shuffle_on_the_thread_of_a_prefetch():
    def run(meanwhile):
        jtf.random.set_seed(9)
        ds = known(10).shuffle(10).repeat().prefetch(2)
        order = []
        for element in itertools.islice(ds, 60):
            if meanwhile:
                jtf.random.host_rng()
            order.append(element)
        return order

    quiet = run(False)
    assert quiet == run(True)
    assert len({tuple(quiet[i : i + 10]) for i in range(0, 60, 10)}) > 1


def test_passes_of_a_prefetched_shuffle_differ():
    jtf.random.set_seed(9)
    ds = known(30).shuffle(30).prefetch(2)
    assert list(ds) != list(ds)


def test_shuffled_batches_hold_the_right_labels():
    xs = np.arange(100, dtype=np.float32)[:, np.newaxis]
    ds = data.array({"xs": xs, "ys": np.arange(100)}).shuffle(50, seed=0).batch(10)
    for batch in ds:
        np.testing.assert_array_equal(batch["xs"][:, 0], batch["ys"])
