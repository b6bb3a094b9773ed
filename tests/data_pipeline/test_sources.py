"""array, generator and zip."""

import math
from collections import namedtuple

import jax.numpy as jnp
import numpy as np
import pytest

from jtf import data

Pair = namedtuple("Pair", "left right")


def known(n):
    return data.array(list(range(n)))


def unknown(n):
    return data.generator(lambda: iter(range(n)))


class TestArray:
    def test_a_list_holds_the_elements(self):
        elements = [{"a": 1}, (2, 3), "x"]
        ds = data.array(elements)
        elements.append("later")
        assert ds.to_array() == [{"a": 1}, (2, 3), "x"]
        assert len(ds) == 3

    @pytest.mark.parametrize("make", [np.asarray, jnp.asarray])
    def test_an_array_holds_rows(self, make):
        rows = make(np.arange(6, dtype=np.float32).reshape(3, 2))
        ds = data.array(rows)
        assert len(ds) == 3
        assert [row.tolist() for row in ds] == [[0, 1], [2, 3], [4, 5]]
        assert all(isinstance(row, np.ndarray) for row in ds)

    def test_a_range(self):
        assert data.array(range(3)).to_array() == [0, 1, 2]
        assert data.array({"n": range(2), "s": ["a", "b"]}).to_array() == [{"n": 0, "s": "a"}, {"n": 1, "s": "b"}]

    def test_a_dict_of_arrays_holds_dicts_with_the_same_order(self):
        ds = data.array({"z": np.arange(2), "a": (["p", "q"], {"k": jnp.float32([[1], [2]])})})
        first, second = ds
        assert list(first) == ["z", "a"]
        assert (first["z"], first["a"][0], first["a"][1]["k"].tolist()) == (0, "p", [1.0])
        assert (second["z"], second["a"][0], second["a"][1]["k"].tolist()) == (1, "q", [2.0])

    def test_tuples_and_named_tuples(self):
        assert data.array(([1, 2], [3, 4])).to_array() == [(1, 3), (2, 4)]
        assert data.array(Pair([1, 2], [3, 4])).to_array() == [Pair(1, 3), Pair(2, 4)]

    @pytest.mark.parametrize(
        ("items", "error", "message"),
        [
            (
                {"xs": [1, 2], "ys": {"a": np.zeros(3)}},
                ValueError,
                r"\['xs'\] has 2 rows and \['ys'\]\['a'\] has 3",
            ),
            (([1], [1, 2]), ValueError, r"\[0\] has 1 rows and \[1\] has 2.*Cut them"),
            ("abc", TypeError, r"expects lists and arrays, but received str"),
            ({"a": {1, 2}}, TypeError, r"received set at \['a'\].*generator"),
            (
                (i for i in range(3)),
                TypeError,
                r"received generator. For an iterator.*jtf.data.generator\(f\)",
            ),
            (np.ma.array([1, 2], mask=[0, 1]), ValueError, r"masked entries; elements have no mask"),
            ({"a": np.ma.array([1, 2], mask=[0, 1])}, ValueError, r"masked entries at \['a'\]"),
            (np.float32(1), TypeError, r"rows, but received a single value: .*1.0"),
            ({}, TypeError, r"received \{\}, which holds no array"),
        ],
    )
    def test_wrong_items(self, items, error, message):
        with pytest.raises(error, match=message):
            data.array(items)


class TestGenerator:
    def test_a_generator_function_is_called_anew_for_every_pass(self):
        calls = []

        def squares():
            calls.append(1)
            for i in range(3):
                yield i * i

        ds = data.generator(squares)
        assert calls == []
        assert list(ds) == list(ds) == [0, 1, 4]
        assert len(calls) == 2
        assert ds.size is None

    def test_a_function_that_returns_any_iterable(self):
        assert list(data.generator(lambda: [1, 2])) == [1, 2]
        assert list(data.generator(lambda n=2: range(n))) == [0, 1]
        assert list(data.generator(dict)) == []

    def test_an_iterable_that_can_be_gone_through_again(self):
        class Loader:
            def __iter__(self):
                return iter("ab")

            def __len__(self):
                return 2

        class Stream(Loader):
            def __len__(self):
                raise NotImplementedError

        for source, size in ((Loader(), 2), (Stream(), None), ([7, 8], 2), (range(3), 3)):
            ds = data.generator(source)
            assert ds.size == size
            assert list(ds) == list(ds) == [*source.__iter__()]

    def test_items_by_number(self):
        class Indexed:  # as torch's Dataset; without an end that iteration would notice, as Keras's PyDataset
            def __getitem__(self, index):
                return 10 * index

            def __len__(self):
                return 3

        ds = data.generator(Indexed())
        assert len(ds) == 3
        assert list(ds) == list(ds) == [0, 10, 20]

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (known(1).iterator(), r"received a list_iterator.*only once. Write jtf.data.generator\(f\), not"),
            ({"xs": [1]}, r"received a dict. For a dict of arrays use jtf.data.array"),
            ("rows", r"an iterable of elements, but received a str"),
            (iter([1]), r"called anew for every pass, but received a list_iterator"),
            (5, r"a function without arguments or an iterable, but received 5. For example"),
            (lambda rows, *, size: rows, r"wants \['rows', 'size'\]. Bind them: .*lambda: f\(rows, size\)"),
        ],
    )
    def test_wrong_sources(self, source, message):
        with pytest.raises(TypeError, match=message):
            data.generator(source)

    def test_a_generator_object_is_refused_by_its_name(self):
        def rows():
            yield 1

        with pytest.raises(TypeError, match=r"Write jtf.data.generator\(rows\), not jtf.data.generator\(rows\(\)\)"):
            data.generator(rows())

    def test_a_function_that_returns_nothing(self):
        with pytest.raises(TypeError, match=r"returned None. Does it lack a `yield` or a `return`"):
            list(data.generator(lambda: None))

    def test_a_function_that_returns_one_generator_twice(self):
        once = (i for i in range(3))
        ds = data.generator(lambda: once)
        assert list(ds) == [0, 1, 2]
        with pytest.raises(TypeError, match=r"same generator object for a second pass. Make it inside"):
            list(ds)

    def test_an_exception_says_at_which_element(self):
        def rows():
            yield 1
            yield 2
            raise OSError("disk")

        seen = []
        with pytest.raises(OSError, match=r"disk") as caught:
            data.generator(rows).for_each(seen.append)
        assert seen == [1, 2]
        assert caught.value.__notes__ == ["This happened in the source given to generator, at element 2 of the pass."]
        assert caught.traceback[-1].name == "rows"


class TestZip:
    def test_nested_structures(self):
        ds = data.zip({"z": known(3), "a": [known(3), (unknown(3),)], "p": Pair(known(4), known(3))})
        first, *_ = ds
        assert first == {"z": 0, "a": [0, (0,)], "p": Pair(0, 0)}
        assert list(first) == ["z", "a", "p"]
        assert isinstance(first["p"], Pair)
        assert len(list(ds)) == 3

    def test_elements_may_be_structures_themselves(self):
        rows = data.array([{"a": 1}, {"a": 2}])
        assert data.zip((rows, known(2))).to_array() == [({"a": 1}, 0), ({"a": 2}, 1)]

    @pytest.mark.parametrize(
        ("datasets", "size"),
        [
            ([known(3), [known(2)]], 2),
            ([known(3).repeat(), known(2)], 2),
            ([known(3).repeat()], math.inf),
            ([known(3), unknown(2)], None),
            ([unknown(2), known(3)], None),
        ],
    )
    def test_sizes(self, datasets, size):
        assert data.zip(datasets).size == size

    @pytest.mark.parametrize(
        ("datasets", "error", "message"),
        [
            (known(2), TypeError, r"a dict, list or tuple of datasets, but received Dataset. For example"),
            (3, TypeError, r"but received int"),
            (
                {"xs": known(2), "ys": {"a": [1]}},
                TypeError,
                r"a Dataset at \['ys'\]\['a'\]\[0\].*received int",
            ),
            ([known(2), np.zeros(2)], TypeError, r"a Dataset at \[1\], but received ndarray. Wrap it"),
            ({}, ValueError, r"at least one dataset, but received \{\}"),
            ([[], {}], ValueError, r"at least one dataset"),
        ],
    )
    def test_wrong_structures(self, datasets, error, message):
        with pytest.raises(error, match=message):
            data.zip(datasets)

    def test_one_dataset_on_both_sides(self):
        ds = known(3)
        assert data.zip((ds, ds.skip(1))).to_array() == [(0, 1), (1, 2)]
