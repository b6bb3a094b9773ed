"""Dataset's own methods: passes, sizes, arguments, and what happens when the user's function fails."""

import ast
import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from jtf import data


def known(n):
    return data.array(list(range(n)))


def test_every_loop_is_a_fresh_pass():
    starts = []

    def make():
        starts.append(len(starts))
        yield from range(3)

    ds = data.generator(make).map(lambda x: x * 10)
    assert list(ds) == list(ds) == [0, 10, 20]
    assert starts == [0, 1]


def test_two_passes_at_a_time_do_not_disturb_each_other():
    ds = known(4).skip(1)
    assert list(zip(ds, ds, strict=True)) == [(1, 1), (2, 2), (3, 3)]


def test_a_dataset_around_an_iterator_factory():
    ds = data.Dataset(lambda: iter("abc"), 3)
    assert list(ds.take(2)) == ["a", "b"]
    assert len(ds) == 3
    assert repr(ds) == "Dataset(size=3)"


@pytest.mark.parametrize(
    ("dataset", "why"),
    [(known(2).repeat(), "endless.*inf"), (known(2).filter(bool), "only known after a pass.*None")],
)
def test_len_where_there_is_none(dataset, why):
    with pytest.raises(TypeError, match=f"has no len.*{why}"):
        len(dataset)
    assert dataset  # asking whether there is a dataset is not asking for its length
    assert list(dataset.take(1)) != []


def test_random_chains_against_lists():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(0, 12))
        ds, expected = known(n), list(range(n))
        for _ in range(int(rng.integers(1, 5))):
            k = int(rng.integers(0, 6))
            match rng.integers(0, 6):
                case 0:
                    ds, expected = ds.take(k), expected[:k]
                case 1:
                    ds, expected = ds.skip(k), expected[k:]
                case 2:
                    ds, expected = ds.repeat(k % 3), expected * (k % 3)
                case 3:
                    ds, expected = ds.concatenate(known(k)), expected + list(range(k))
                case 4:
                    ds, expected = ds.map(lambda x, k=k: x + k), [x + k for x in expected]
                case _:
                    ds = ds.prefetch(k + 1)
        assert list(ds) == expected
        assert len(ds) == len(expected)
        whole, batches = len(expected) // 3, [expected[i : i + 3] for i in range(0, len(expected), 3)]
        assert [b.tolist() for b in ds.batch(3)] == batches
        assert [b.tolist() for b in ds.batch(3, small_last_batch=False)] == batches[:whole]
        assert len(ds.batch(3)) == len(batches)


def test_take_does_not_ask_for_more_than_it_needs():
    made = []
    ds = data.generator(lambda: (made.append(i) or i for i in itertools.count())).take(2)
    assert list(ds) == [0, 1]
    assert made == [0, 1]


def test_for_each_and_to_array():
    seen = []
    known(3).for_each(seen.append)
    assert seen == known(3).to_array() == [0, 1, 2]


async def later(element):
    return element


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda ds: ds.batch(0),
            ValueError,
            r"batch_size must be a positive integer, but it is 0. For example",
        ),
        (lambda ds: ds.batch(2.0), TypeError, r"batch_size must be a positive integer, but it is 2.0"),
        (lambda ds: ds.batch(True), TypeError, r"batch_size must be a positive integer, but it is True"),
        (lambda ds: ds.batch(None), TypeError, r"batch_size must be a positive integer, but it is None"),
        (lambda ds: ds.shuffle(None), TypeError, r"buffer_size .* is None.*; 5, the size of this dataset"),
        (lambda ds: ds.shuffle(0), ValueError, r"buffer_size must be a positive integer, but it is 0"),
        (lambda ds: ds.shuffle(2, seed=-1), ValueError, r"seed .* -1.*None takes the seed of jtf.set_seed"),
        (lambda ds: ds.shuffle(2, seed="a"), TypeError, r"seed must be an integer, 0 or more, but it is 'a'"),
        (lambda ds: ds.take(-2), ValueError, r"count .* -2. -1 takes all elements"),
        (lambda ds: ds.take(None), TypeError, r"count must be an integer, 0 or more, but it is None"),
        (lambda ds: ds.skip(-1), ValueError, r"count .* -1. To skip no element, leave skip\(\) out"),
        (lambda ds: ds.repeat(-2), ValueError, r"count .* -2. None \(the default\) or -1 repeats for ever"),
        (lambda ds: ds.map(later), TypeError, r"map does not await, but .*later.* coroutine function"),
        (lambda ds: ds.filter(later), TypeError, r"filter does not await"),
        (lambda ds: ds.for_each(later), TypeError, r"for_each does not await"),
        (lambda ds: ds.repeat(1.5), TypeError, r"count must be an integer, 0 or more, but it is 1.5"),
        (lambda ds: ds.prefetch(0), ValueError, r"buffer_size .* 0.*made ahead"),
        (lambda ds: ds.prefetch(None), TypeError, r"buffer_size .* None.*made ahead"),
        (lambda ds: ds.concatenate([1]), TypeError, r"expects a Dataset, but received list. Make one with"),
        (lambda ds: ds.map(3), TypeError, r"map expects a function, such as lambda.*received 3"),
        (lambda ds: ds.filter(None), TypeError, r"filter expects a function.*received None"),
        (lambda ds: ds.for_each("f"), TypeError, r"for_each expects a function.*received 'f'"),
        (lambda ds: ds.repeat().to_array(), ValueError, r"endless.*dataset.take\(n\).to_array\(\)"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(known(5))


def test_whole_numbers_of_numpy_are_numbers():
    assert len(known(7).batch(np.int64(2)).take(np.int32(3))) == 3


@pytest.mark.parametrize("empty", [known(0), known(3).filter(lambda x: x > 5)], ids=["array", "filter"])
def test_nothing_repeated_for_ever_is_an_error_and_not_a_hang(empty):
    assert list(empty.repeat(3)) == []
    with pytest.raises(ValueError, match=r"cannot be repeated for ever. Is the source empty"):
        list(empty.repeat())


@pytest.mark.parametrize("method", ["map", "filter", "for_each"])
def test_an_exception_of_the_users_function_says_at_which_element(method):
    def f(x):
        return 1 / (2 - x)

    with pytest.raises(ZeroDivisionError) as caught:
        list(getattr(known(5), method)(f))
    assert caught.value.__notes__ == [f"This happened in the function given to {method}, at element 2 of the pass."]
    assert caught.traceback[-1].name == "f"


def test_a_filter_with_an_ambiguous_answer_says_where():
    with pytest.raises(ValueError, match=r"ambiguous") as caught:
        list(data.array(np.ones((3, 2))).filter(lambda row: row > 0))
    assert "element 0" in caught.value.__notes__[0]


def test_the_modules_import_nothing_but_numpy_and_small_parts_of_jtf():
    allowed = {"numpy", "jtf.random", "jtf.missing", "jtf.naming", "__future__"}
    for file in Path(data.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                own = name.startswith("jtf.data")
                assert own or name in allowed or name.split(".")[0] in sys.stdlib_module_names, (file, name)


def test_sizes_of_shuffles_and_endless_takes():
    assert known(4).shuffle(2).size == 4
    assert known(4).repeat().shuffle(2).size == math.inf
    assert known(4).repeat().take(0).size == 0
