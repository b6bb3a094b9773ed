"""What counts as data."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import scipy.sparse

from jtf.engine.arrays import as_array


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (np.longdouble([1, 2]), "float32"),
        (np.float64([1, 2]), "float32"),
        (np.float16([1, 2]), "float16"),
        (jnp.array([1, 2], jnp.bfloat16), "bfloat16"),
        (np.array([1, 2], ml_dtypes.float8_e4m3fn), "float8_e4m3fn"),
        (np.array([1, 2], ml_dtypes.int4), "int4"),
        (np.uint64([1, 2]), "int32"),
        (range(1, 3), "int32"),
        (np.array([1, 2.0], object), "float32"),
        (np.array([1, 2], object), "int32"),
        (np.array([True, np.float32(2)], object), "float32"),
        (np.array([Decimal(1), Fraction(2)], object), "float32"),
        (np.ma.masked_array([1.0, 2.0], [False, False]), "float32"),
    ],
)
def test_numbers(data, dtype):
    array = as_array(data, "input 'x'")
    assert (array.dtype.name, array.astype(float).tolist()) == (dtype, [1, 2])


def test_arrays_in_cells():
    cells = np.empty(2, object)
    cells[:] = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    np.testing.assert_array_equal(as_array(cells, "x"), [[1, 2], [3, 4]])


def test_bools_remain():
    assert as_array(np.array([True, False], object), "x").dtype == bool


class NAType:
    """What pandas calls its missing value."""

    def __repr__(self):
        return "<NA>"


def ragged_cells():
    cells = np.empty(2, object)
    cells[:] = [np.ones(2), np.ones(3)]
    return cells


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "must hold numbers; received None"),
        (
            np.array([[1, 2], [3, None]], object),
            r"at \[1, 1\] \(counted from 0\) it has None, of type NoneType. Fill in",
        ),
        (np.array([1, NAType()], object), "at 1 .counted from 0. it has <NA>, of type NAType. Fill in missing values"),
        (np.array([1, "b"], object), "at 1 .counted from 0. it has 'b', of type str. Turn it into numbers"),
        (np.array([1, 2j], object), "at 1 .counted from 0. it has 2j, of type complex"),
        (np.array([datetime.date(2020, 1, 1)], object), "at 0 .* of type date"),
        ({"a": 1}, "must hold numbers; received dict"),
        ((i for i in range(3)), "must hold numbers; received generator"),
        (["a"], r"received text \(dtype <U1\)"),
        ([b"a"], r"received text \(dtype \|S1\)"),
        (np.ones(2, complex), "complex128. Pass the real and the imaginary part as two features"),
        (np.array(["2020-01-01"], "M8[D]"), r"datetime64\[D\]. Convert dates to numbers first"),
        (np.zeros(2, [("a", "f4"), ("b", "i4")]), r"records with the fields 'a', 'b'. Pass one field, x\['a'\]"),
        (np.ma.masked_array([1.0, 2.0], [False, True]), r"has masked entries, .* x.filled\(0.0\)"),
        (scipy.sparse.csr_matrix(np.eye(2)), r"is a sparse csr_matrix; pass the dense array, x.toarray\(\)"),
        ([[1, 2], [3]], "inhomogeneous.* Pad rows of unequal length first"),
        (ragged_cells(), "cannot be made one array of numbers"),
        (jax.random.key(0), r"PRNGKey dtype .* jax.random.key_data"),
        (np.array([1e300]), "numbers beyond those of float32"),
        (np.longdouble([1e300]), "numbers beyond those of float32"),
        (np.array([2**40]), "integers beyond 32 bits"),
    ],
)
def test_what_is_refused(data, message):
    with pytest.raises((TypeError, ValueError), match=f"The input 'x' .*{message}"):
        as_array(data, "input 'x'")


def test_infinity_and_nan_remain():
    assert as_array(np.array([np.inf, -np.inf, np.nan]), "x").tolist()[:2] == [np.inf, -np.inf]
