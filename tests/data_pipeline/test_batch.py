"""Batches: what becomes of every kind of leaf, and how an element that does not fit is refused."""

from collections import namedtuple
from decimal import Decimal
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf import data
from tests.models.doubles import linear


def batch_of(*elements):
    (batch,) = data.array(list(elements)).batch(len(elements))
    return batch


@pytest.mark.parametrize(
    ("elements", "dtype", "expected"),
    [
        ((1.5, 2.5), "float32", [1.5, 2.5]),
        ((1, 2), "int32", [1, 2]),
        ((True, False), "bool", [True, False]),
        (("a", "bcd"), "<U3", ["a", "bcd"]),
        ((b"a\x00", b"bc"), "object", [b"a\x00", b"bc"]),
        ((1j, 2.0 + 0j), "complex64", [1j, 2]),
        (([1, 2], [3, 4]), "int32", [[1, 2], [3, 4]]),
        (([[1.0], [2.0]], [[3.0], [4.0]]), "float32", [[[1.0], [2.0]], [[3.0], [4.0]]]),
        (([True], [False]), "bool", [[True], [False]]),
        ((np.float64(1), np.float64(2)), "float32", [1, 2]),
        ((np.zeros(2), np.ones(2)), "float32", [[0, 0], [1, 1]]),
        ((np.zeros(2, np.float64), np.ones(2, np.float32)), "float32", [[0, 0], [1, 1]]),
        ((np.zeros(2, np.float16), np.ones(2, np.float16)), "float16", [[0, 0], [1, 1]]),
        ((np.int64(3), np.int64(-4)), "int32", [3, -4]),
        ((np.uint8([250]), np.uint8([5])), "uint8", [[250], [5]]),
        ((np.uint64(3), np.uint64(2**32 - 1)), "uint32", [3, 2**32 - 1]),
        ((jnp.float32([1, 2]), jnp.float32([3, 4])), "float32", [[1, 2], [3, 4]]),
        ((jnp.bfloat16(1), jnp.bfloat16(2)), "bfloat16", [1, 2]),
        (([], []), "float32", [[], []]),
    ],
)
def test_leaves(elements, dtype, expected):
    batch = batch_of(*elements)
    assert isinstance(batch, np.ndarray)
    assert batch.dtype == np.dtype(dtype)
    assert batch.tolist() == expected


Point = namedtuple("Point", "x y")


def test_structure_is_kept_with_the_order_of_its_keys():
    batch = batch_of(
        {"z": [1, 2], "a": (1.0, {"s": "p"}), "m": Point(1, 2)},
        {"a": (2.0, {"s": "q"}), "m": Point(3, 4), "z": [3, 4]},
    )
    assert list(batch) == ["z", "a", "m"]
    assert batch["z"].tolist() == [[1, 2], [3, 4]]
    assert isinstance(batch["a"], tuple)
    assert batch["a"][0].tolist() == [1.0, 2.0]
    assert batch["a"][1]["s"].tolist() == ["p", "q"]
    assert isinstance(batch["m"], Point)
    assert batch["m"].y.tolist() == [2, 4]


def test_a_list_of_arrays_or_strings_is_structure():
    left, right = batch_of([np.zeros(2), np.zeros(3)], [np.ones(2), np.ones(3)])
    assert (left.shape, right.shape) == ((2, 2), (2, 3))
    assert [column.tolist() for column in batch_of(["a", 1.0], ["b", 2.0])] == [["a", "b"], [1.0, 2.0]]


def test_batches_of_batches():
    assert [b.shape for b in data.array(list(range(12))).batch(3).batch(2)] == [(2, 3), (2, 3)]


def test_a_batch_is_not_changed_by_later_ones():
    rows = np.arange(6.0).reshape(3, 2)
    first, second = data.array(rows).batch(2)
    rows[:] = -1
    assert first.tolist() == [[0, 1], [2, 3]]
    assert second.tolist() == [[4, 5]]


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        (
            [{"xs": [1, 2]}, {"xs": [3]}],
            r"Element 1 .* at \['xs'\]: expected int32 of shape \(2,\), found int32.*\(1,\).*pad them",
        ),
        (
            [{"xs": (1.0, 2.0)}, {"xs": (1.0, "2")}],
            r"Element 1 .* at \['xs'\]\[1\]: expected float32.*found string",
        ),
        ([1.0, "a"], r"Element 1 of this pass differs from those before it: expected float32.*found string"),
        (["a", 1.0], r"expected string of shape \(\), found float32 of shape \(\)"),
        ([np.bytes_(b"12"), 12], r"expected bytes of shape \(\), found int32"),
        ([1, np.zeros((), "i4,f4")], r"expected int32 of shape \(\), found void"),
        ([True, b"a"], r"expected bool.*found bytes"),
        ([1, [1.5]], r"expected int32 of shape \(\), found float32 of shape \(1,\)"),
        ([b"a", "a"], r"expected bytes.*found string"),
        (
            [{"a": 1}, {"b": 1}],
            r"Element 1 .*expected a dict with the keys \['a'\], found a dict with the keys \['b'\]",
        ),
        ([{"a": 1}, {"a": 1, "b": 2}], r"found a dict with the keys \['a', 'b'\]"),
        ([{"a": 1}, 5], r"expected a dict with the keys \['a'\], found int32 of shape \(\)"),
        ([5, {"a": 1}], r"expected one value of type int32, found a dict with the keys \['a'\]"),
        ([(1, 2), (1, 2, 3)], r"expected a tuple of 2, found a tuple of 3"),
        ([(1, "a"), [1, "a"]], r"expected a tuple of 2, found a list of 2"),
        ([{"a": {"b": 1}}, {"a": {"c": 1}}], r"at \['a'\]: expected a dict with the keys \['b'\]"),
        (
            [None],
            r"Element 0 .*it is None of type NoneType. Does a function given to map\(\) lack its `return`",
        ),
        ([{"a": 1}, {"a": None}], r"Element 1 .* at \['a'\]: it is None of type NoneType. Fill in what is missing"),
        ([np.array([1, None])], r"it is array\(\[1, None\], dtype=object\) of type ndarray. Map it"),
        ([np.ma.array([1, 2], mask=[0, 1])], r"Element 0 .*masked entries.*masked.filled\(0.0\)"),
        ([{1, 2}], r"it is \{1, 2\} of type set. Map it to numbers"),
        ([[[1, 2], [3]]], r"Element 0 of this pass cannot be made an array.*inhomogeneous"),
        ([2**70], r"Element 0 .*The integer is too large"),
        ([[2**70, 1]], r"Element 0 .*cannot be batched"),
        ([np.uint64(2**63), np.int64(-1)], r"integer 9223372036854775808, which does not fit int32"),
        ([{"x": 1e300}, {"x": 1.0}], r"numbers at \['x'\] that are too large for float32. Scale them"),
        ([2**31], r"A batch has the integer 2147483648, which does not fit int32. Map such values"),
        ([{"id": -(2**40)}], r"integer -1099511627776 at \['id'\], which does not fit int32"),
    ],
)
def test_elements_that_do_not_fit(elements, message):
    with pytest.raises(ValueError, match=message):
        batch_of(*elements)


def test_the_index_runs_over_the_pass_and_not_over_the_batch():
    rows = [[0, 0]] * 5 + [[0, 0, 0]]
    with pytest.raises(ValueError, match=r"Element 5 of this pass"):
        list(data.array(rows).batch(2))


def test_structure_and_type_must_stay_from_batch_to_batch():
    with pytest.raises(ValueError, match=r"Element 2 .*expected a dict with the keys \['a'\]"):
        list(data.array([{"a": 1}, {"a": 1}, {"b": 1}, {"b": 1}]).batch(2))
    with pytest.raises(ValueError, match=r"Element 2 .*expected int32.*found string"):
        list(data.array([1, 2, "3", "4"]).batch(2))


KINDS = [True, np.int8(-3), np.uint8(250), np.int16(-300), np.int32(70_000), np.uint32(9), np.int64(-5), 7]
KINDS += [np.float16(0.5), np.float32(0.1), 0.1, 2 + 1j]


@pytest.mark.parametrize("one", KINDS)
def test_numbers_of_two_types_become_what_numpy_makes_of_them(one):
    narrow = {"float64": "float32", "int64": "int32", "uint64": "uint32", "complex128": "complex64"}
    for other in KINDS:
        expected = np.asarray([np.asarray(one), np.asarray(other)])
        batch = batch_of(one, other)
        assert batch.dtype == narrow.get(expected.dtype.name, expected.dtype.name)
        assert batch.tolist() == expected.astype(batch.dtype).tolist()


@pytest.mark.parametrize("other", [np.float16(2), np.int16(2), 2, np.uint32(2)])
def test_bfloat16_among_numbers_that_numpy_cannot_promote_it_with(other):
    for elements in [(jnp.bfloat16(1), other), (other, jnp.bfloat16(1))]:
        assert batch_of(*elements).dtype == np.float32
    assert batch_of(jnp.bfloat16(1), True).dtype == jnp.bfloat16


def test_an_odd_number_anywhere_does_not_end_a_pass():
    for odd in range(7):
        rows = [{"x": [i, i + 1], "y": 1} for i in range(7)]
        rows[odd] = {"x": [0.5, 2], "y": True}
        batches = list(data.array(rows).batch(2))
        assert np.concatenate([batch["x"] for batch in batches]).tolist() == [row["x"] for row in rows]
        assert [batch["y"].tolist() for batch in batches] == [[1, 1], [1, 1], [1, 1], [1]]
        # Once wide, a batch stays wide: a training step is compiled at most twice.
        first = odd // 2
        assert [batch["x"].dtype.name for batch in batches] == ["int32"] * first + ["float32"] * (4 - first)


def test_a_fit_is_the_same_wherever_the_odd_row_is():
    def history(rows):
        jtf.set_seed(0)
        model = linear()
        return model.fit_dataset(data.array(rows).batch(2), epochs=2, verbose=0).history["loss"]

    rows = [{"xs": [i, 1], "ys": [i % 3]} for i in range(6)]
    rows[3] = {"xs": [0.25, 1], "ys": [0.5]}
    floats = [{"xs": list(map(float, row["xs"])), "ys": list(map(float, row["ys"]))} for row in rows]
    assert history(rows) == history(floats)


class Frame:
    """Stands for a data frame whose columns numpy only sees as Python objects."""

    def __init__(self, rows):
        self.rows = rows

    def __array__(self, dtype=None, copy=None):
        return np.array(self.rows, object)


def test_arrays_of_python_objects_of_one_kind():
    (batch,) = data.array(Frame([[1, 2.5], [True, Decimal("3.25")], [np.float32(4), Fraction(1, 2)]])).batch(3)
    assert (batch.dtype, batch.tolist()) == (np.float32, [[1, 2.5], [1, 3.25], [4, 0.5]])
    assert batch_of([Decimal("0.5"), 1], [2, Fraction(3, 2)]).tolist() == [[0.5, 1], [2, 1.5]]
    assert batch_of(Decimal("0.5"), Fraction(1, 4), 2).tolist() == [0.5, 0.25, 2]
    (batch,) = data.array({"n": Frame([1, 2, 3]), "s": Frame(["a", "bc", "d"])}).batch(3)
    assert (batch["n"].dtype, batch["n"].tolist()) == (np.int32, [1, 2, 3])
    assert (batch["s"].dtype, batch["s"].tolist()) == ("<U2", ["a", "bc", "d"])
    assert batch_of(np.array([[1, 2.5]], object)).tolist() == [[[1, 2.5]]]
    assert batch_of(np.array(["a", "b"], object)).tolist() == [["a", "b"]]
    with pytest.raises(ValueError, match=r"Element 1 .* at \['n'\]: it is None .*Fill in what is missing"):
        list(data.array({"n": Frame([1, None])}).batch(2))


def test_shapes_may_change_from_batch_to_batch():
    ds = data.array([[1, 2], [3, 4], [5], [6]]).batch(2)
    assert [b.shape for b in ds] == [(2, 2), (2, 1)]


def test_a_new_pass_may_have_another_structure():
    passes = iter([[1, 2], ["a", "b"]])
    ds = data.generator(lambda: next(passes)).batch(2)
    assert [b.tolist() for b in ds] == [[1, 2]]
    assert [b.tolist() for b in ds] == [["a", "b"]]


def test_batching_rows_is_cheap():
    import time

    ds = data.array({"xs": np.zeros((32_000, 8), np.float32), "ys": np.zeros(32_000, np.int32)}).batch(32)
    start = time.perf_counter()
    count = sum(1 for _ in ds)
    assert count == 1000
    # About 0.1 ms a batch; forty times that still tells a slip into per-number Python work.
    assert time.perf_counter() - start < 4
