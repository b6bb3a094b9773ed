"""Variables stand wherever arrays can.

Whatever an operator or a function gives for a Variable is compared with what jax gives for the array.
"""

from __future__ import annotations

import copy
import gc
import math
import operator
import pickle
import threading
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

FLOATS = np.array([[1.5, -2.0, 3.0], [0.25, 4.0, -5.0]], np.float32)
OTHERS = np.array([[2.0, 3.0, -1.0], [1.0, 0.5, 2.0]], np.float32)
INTS = np.array([6, 3, 9], np.int32)


def same(actual, expected):
    """Equal to the last bit, in value and in kind."""
    actual, expected = jax.tree.leaves(actual), jax.tree.leaves(expected)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert isinstance(a, jax.Array)
        np.testing.assert_array_equal(a, e, strict=True)


# --- operators --------------------------------------------------------------------------------------

ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    operator.lt,
    operator.le,
    operator.eq,
    operator.ne,
    operator.gt,
    operator.ge,
    divmod,
]
BITWISE = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("op", [*ARITHMETIC, *BITWISE], ids=lambda op: op.__name__)
@pytest.mark.parametrize("kind", ["jax", "numpy", "numpy scalar", "python", "variable"])
def test_binary_operators_on_both_sides(op, kind):
    mine, theirs = (INTS, np.array([1, 2, 3], np.int32)) if op in BITWISE else (FLOATS, OTHERS)
    scalar = 2 if op in BITWISE else 2.5
    v, array = jtf.variable(mine), jnp.asarray(mine)
    other, plain = {
        "jax": (jnp.asarray(theirs), jnp.asarray(theirs)),
        "numpy": (theirs, jnp.asarray(theirs)),
        "numpy scalar": (mine.dtype.type(scalar), jnp.asarray(mine.dtype.type(scalar))),
        "python": (scalar, scalar),
        "variable": (jtf.variable(theirs), jnp.asarray(theirs)),
    }[kind]
    same(op(v, other), op(array, plain))
    same(op(other, v), op(plain, array))


@pytest.mark.parametrize("op", [operator.neg, operator.pos, abs, operator.invert], ids=lambda op: op.__name__)
def test_unary_operators(op):
    value = INTS if op is operator.invert else FLOATS
    same(op(jtf.variable(value)), op(jnp.asarray(value)))


def test_matrix_products_on_both_sides():
    a, b = FLOATS, OTHERS.T.copy()
    expected = jnp.asarray(a) @ jnp.asarray(b)
    same(jtf.variable(a) @ jtf.variable(b), expected)
    same(jtf.variable(a) @ jnp.asarray(b), expected)
    same(jtf.variable(a) @ b, expected)
    same(a @ jtf.variable(b), expected)
    same(jnp.asarray(a) @ jtf.variable(b), expected)


@pytest.mark.parametrize("name", "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift".split())
def test_in_place_operators_are_refused(name):
    v = jtf.variable(INTS, name="steps")
    with pytest.raises(TypeError, match=rf"'steps'.__i{name.strip('_')}__.*v.assign\(v \+ x\)"):
        getattr(operator, "i" + name.strip("_"))(v, 1)
    np.testing.assert_array_equal(v, INTS)


def test_round():
    same(round(jtf.variable(FLOATS), 1), round(jnp.asarray(FLOATS), 1))
    assert round(jtf.variable(2.6)) == 3


def test_numpy_arrays_take_variables_in_place():
    total = np.ones((2, 3), np.float32)
    total += jtf.variable(FLOATS)
    np.testing.assert_array_equal(total, FLOATS + 1)


def test_a_scalar_variable_has_its_dtype_for_good():
    # A weak type would give way to bfloat16 until the first assignment, and float32 would win after it.
    v, half = jtf.variable(2.0), jnp.ones(2, jnp.bfloat16)
    before = (v * half).dtype
    v.assign(3.0)
    assert before == (v * half).dtype == jnp.float32


# --- functions --------------------------------------------------------------------------------------

FUNCTIONS = {
    "jnp.exp": jnp.exp,
    "jnp.sum": jnp.sum,
    "jnp.mean": lambda x: jnp.mean(x, axis=0),
    "jnp.maximum": lambda x: jnp.maximum(x, 0.0),
    "jnp.where": lambda x: jnp.where(x > 0, x, 0.0),
    "jnp.stack": lambda x: jnp.stack([x, x]),
    "jnp.concatenate": lambda x: jnp.concatenate([x, x]),
    "jnp.einsum": lambda x: jnp.einsum("ij,kj->ik", x, x),
    "jnp.dot": lambda x: jnp.dot(x, x.T),
    "jnp.clip": lambda x: jnp.clip(x, -1.0, 1.0),
    "jnp.linalg.norm": jnp.linalg.norm,
    "jnp.zeros_like": jnp.zeros_like,
    "jnp.asarray": jnp.asarray,
    "jnp.array of": lambda x: jnp.array([x, x]),
    "jax.nn.softmax": jax.nn.softmax,
    "jax.nn.relu": jax.nn.relu,
    "jax.nn.gelu": jax.nn.gelu,
    "jax.nn.logsumexp": jax.nn.logsumexp,
    "jax.scipy": jax.scipy.stats.norm.logpdf,
    "jax.lax.scan": lambda x: jax.lax.scan(lambda total, row: (total + row, total), jnp.zeros(3), x),
    "jax.lax.cond": lambda x: jax.lax.cond(True, lambda y: y + 1, lambda y: y, x),
    "jax.lax.stop_gradient": jax.lax.stop_gradient,
    "jax.tree.map": lambda x: jax.tree.map(lambda y: y + 1, {"x": x}),
    "jax.jit": jax.jit(lambda x: x * 2),
    "jax.vmap": jax.vmap(lambda row: row.sum()),
    "jax.grad": jax.grad(lambda x: (x**2).sum()),
    "jax.jvp": lambda x: jax.jvp(jnp.sin, (x,), (x,)),
    "jtf.relu": jtf.relu,
    "method mean": lambda x: x.mean(axis=1),
    "method astype": lambda x: x.astype("int32"),
    "method reshape": lambda x: x.reshape(-1),
    "method at": lambda x: x.at[0].set(7.0),
    "attribute T": lambda x: x.T,
    "index": lambda x: x[1],
    "index tuple": lambda x: x[1, 2],
    "index mask": lambda x: x[np.array([True, False])],
    "index slice": lambda x: x[:, 1:],
    "index new axis": lambda x: x[None, ..., 0],
    "iteration": list,
    "reversed": lambda x: list(reversed(x)),
    "builtin sum": sum,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_variables(name):
    same(FUNCTIONS[name](jtf.variable(FLOATS)), FUNCTIONS[name](jnp.asarray(FLOATS)))


@pytest.mark.parametrize(
    "function",
    [np.exp, np.asarray, np.array, np.sum, np.mean, lambda x: np.add(x, 1), lambda x: np.concatenate([x, x])],
)
def test_numpy_functions_take_variables(function):
    np.testing.assert_allclose(function(jtf.variable(FLOATS)), function(FLOATS), rtol=1e-6)


def test_conversion_to_numpy():
    v = jtf.variable(FLOATS)
    assert np.asarray(v, dtype=np.float64).dtype == np.float64
    mine = np.array(v)
    mine[:] = 0  # a copy: the Variable does not change with it
    np.testing.assert_array_equal(v, FLOATS)
    with pytest.raises(ValueError, match="copy"):
        np.array(v, dtype=np.float64, copy=False)


def test_variables_as_indices():
    i, rows = jtf.variable(1), jtf.variable([1, 0])
    v = jtf.variable(FLOATS)
    same(v[i], jnp.asarray(FLOATS[1]))
    same(v[rows, i], jnp.asarray(FLOATS[[1, 0], 1]))
    same(v[i:], jnp.asarray(FLOATS[1:]))
    assert ["a", "b"][i] == "b"
    assert list(range(i)) == [0]
    np.testing.assert_array_equal(FLOATS[rows], FLOATS[::-1])
    same(jnp.zeros((i, 2)), jnp.zeros((1, 2)))
    with pytest.raises(TypeError, match="integer"):
        ["a", "b"][jtf.variable(1.0)]


def test_python_conversions():
    s = jtf.variable(2.25)
    assert float(s) == 2.25
    assert int(s) == 2
    assert complex(s) == 2.25
    assert bool(s) is True
    assert bool(jtf.variable(0)) is False
    assert math.sqrt(s) == 1.5
    assert f"{s:.1f}|{s}" == "2.2|2.25"
    assert s.item() == 2.25
    assert len(jtf.variable(FLOATS)) == 2
    assert 4.0 in jtf.variable(FLOATS[1])
    assert (jtf.variable(FLOATS) == None) is False  # noqa: E711
    with pytest.raises(ValueError, match="ambiguous"):
        bool(jtf.variable(FLOATS))
    with pytest.raises(TypeError):
        len(s)
    with pytest.raises(TypeError):
        iter(s)


def test_properties():
    v = jtf.variable(FLOATS, name="w")
    assert (v.shape, v.dtype, v.ndim, v.size) == ((2, 3), np.float32, 2, 6)
    assert (v.name, v.trainable, v.constraint) == ("w", True, None)
    assert v.val is v
    assert jtf.variable(1).size == 1
    assert isinstance(v.read(), jax.Array)
    assert repr(v).startswith("<Variable 'w', shape (2, 3), float32>\n[[")
    assert "not trainable" in repr(jtf.variable(0, trainable=False))
    with pytest.raises(AttributeError, match=r"Variable has no 'asign'\. Did you mean 'assign'\?"):
        v.asign(0)
    assert not hasattr(v, "_private")


def test_creation():
    assert jtf.variable(1).dtype == jnp.int32
    assert jtf.variable([[1, 2.5]]).shape == (1, 2)
    assert jtf.variable(np.float64(1)).dtype == jnp.float32
    assert jtf.variable(jtf.variable([1.5]), dtype="bfloat16").dtype == jnp.bfloat16
    first, second = jtf.variable(0.0), jtf.variable(0.0)
    assert first.name != second.name
    source = np.zeros(2, np.float32)
    v = jtf.variable(source)
    source[:] = 1
    np.testing.assert_array_equal(v, [0, 0])
    copied = jtf.variable(v)
    v.assign([1.0, 1.0])
    np.testing.assert_array_equal(copied, [0, 0])


def test_equality_is_by_element_and_hash_by_identity():
    a, b = jtf.variable([1.0, 2.0]), jtf.variable([1.0, 2.0])
    same(a == b, jnp.array([True, True]))
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    before = hash(a)
    a.assign([3.0, 4.0])
    assert hash(a) == before


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
def test_copies_are_independent_and_whole(copier, dtype):
    v = jtf.Variable([1, 2], trainable=False, name="kept", dtype=dtype, constraint=jtf.constraints.non_neg())
    v.initializer = jtf.initializers.ones()
    other = copier(v)
    assert (other.name, other.trainable, other.dtype) == ("kept", False, v.dtype)
    assert isinstance(other.constraint, jtf.constraints.NonNeg)
    assert isinstance(other.initializer, jtf.initializers.Ones)
    np.testing.assert_array_equal(other, v)
    v.assign(v * 0)
    np.testing.assert_array_equal(other, [1, 2])


def test_a_deep_copy_keeps_what_is_shared():
    v = jtf.variable(1.0)
    first, second = copy.deepcopy([v, v])
    assert first is second is not v


def test_variables_are_not_kept_alive():
    def use():
        v = jtf.variable(1.0)
        jtf.lift(lambda: v + 1, [v])([2.0])
        jtf.train.sgd(0.1).minimize(lambda: v * 1)
        return weakref.ref(v)

    alive = use()
    gc.collect()
    assert alive() is None


# --- assignment -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        ("float32", 3, 3.0),
        ("float32", True, 1.0),
        ("float32", np.float64(2.5), 2.5),
        ("float32", jnp.float32(2.5), 2.5),
        ("float32", jtf.variable(2.5), 2.5),
        ("bfloat16", 1.5, 1.5),
        ("int32", True, 1),
        ("int8", -128, -128),
        ("uint32", 7, 7),
        ("complex64", 1.5, 1.5),
    ],
)
def test_assign_converts_what_loses_nothing(dtype, value, expected):
    v = jtf.variable(0, dtype=dtype)
    assert v.assign(value) is v
    assert v.read().dtype == v.dtype == dtype
    assert v.read() == expected
    assert not v.read().weak_type


def test_assign_takes_lists():
    v = jtf.variable(np.zeros((2, 2), np.float32))
    v.assign([[1, 2.5], [jnp.float32(3), np.float64(4)]])
    np.testing.assert_array_equal(v, [[1, 2.5], [3, 4]])


@pytest.mark.parametrize(
    ("dtype", "value", "message"),
    [
        ("float32", [1.0], r"shape \(\) and dtype float32; it cannot be assigned shape \(1,\)"),
        ("float32", np.int64(1), r"dtype int32.*x.astype\('float32'\)"),
        ("float32", jnp.int32(1), "dtype int32"),
        ("float32", 1j, "dtype complex64"),
        ("bfloat16", jnp.float32(1), "dtype float32"),
        ("int32", 1.0, "dtype float32"),
        ("int32", jnp.float32(1), "dtype float32"),
        ("bool", 1, "dtype int32"),
        ("int8", 300, "dtype int8, which cannot hold 300"),
        ("uint8", -1, "dtype uint8, which cannot hold -1"),
        ("int32", 2**40, "dtype int32, which cannot hold 1099511627776"),
        ("float32", jtf.variable([1.0]), r"shape \(1,\)"),
        ("float32", None, "None"),
    ],
)
def test_refused_assignments_leave_the_old_value(dtype, value, message):
    v = jtf.variable(1, dtype=dtype, name="w")
    with pytest.raises(ValueError, match=message):
        v.assign(value)
    assert v.read().dtype == dtype
    assert v.read() == 1


def test_refusal_names_the_variable():
    with pytest.raises(ValueError, match="Variable 'kernel' holds shape"):
        jtf.variable([1.0], name="kernel").assign(1.0)


# --- tracing ----------------------------------------------------------------------------------------


def transforms():
    return {
        "jit": lambda f: jax.jit(f)(1.0),
        "grad": lambda f: jax.grad(f)(1.0),
        "vmap": lambda f: jax.vmap(f)(jnp.ones(2)),
        "scan": lambda f: jax.lax.scan(lambda c, x: (c, f(x)), 0, jnp.ones(2)),
        "checkpoint": lambda f: jax.grad(jax.checkpoint(f))(1.0),
    }


@pytest.mark.parametrize("transform", transforms())
def test_traced_assignments_are_refused_by_name(transform):
    v = jtf.variable(5.0, name="counter")

    def f(x):
        v.assign(v + x)
        return x

    with pytest.raises(ValueError, match=r"Variable 'counter' is assigned a value that is being traced(.|\n)*jtf.lift"):
        transforms()[transform](f)
    assert float(v) == 5.0


@pytest.mark.parametrize("transform", transforms())
def test_traced_creation_is_refused_by_name(transform):
    def f(x):
        return jtf.variable(x, name="inner") * 1.0

    with pytest.raises(ValueError, match=r"Variable 'inner' cannot be created.*ensure_compile_time_eval"):
        transforms()[transform](f)


def test_the_mend_of_the_creation_message_works():
    @jax.jit
    def f(x):
        with jax.ensure_compile_time_eval():
            v = jtf.variable(jnp.ones(2) * 3)
        return v * x

    np.testing.assert_array_equal(f(2.0), [6, 6])


def test_as_an_argument_a_variable_is_never_stale():
    double = jax.jit(lambda x: x * 2)
    v = jtf.variable(1.0)
    assert float(double(v)) == 2.0
    v.assign(5.0)
    assert float(double(v)) == 10.0
    assert float(v + 0) == float(np.asarray(v)) == float(jnp.asarray(v)) == 5.0


def test_print(capsys):
    jtf.print(jtf.variable([[1.0, 2.0]]))
    jtf.print(jnp.array([3, 4]))
    jtf.print(5.0)
    jax.jit(lambda x: jtf.print(x))(jnp.array([6.0]))
    jax.effects_barrier()
    assert capsys.readouterr().out == "[[1. 2.]]\n[3 4]\n5.0\n[6.]\n"


# --- threads ----------------------------------------------------------------------------------------


def test_names_are_unique_across_threads():
    names = []

    def work():
        names.extend([jtf.variable(0.0).name for _ in range(50)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 200
