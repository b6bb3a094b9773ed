"""`Variable`, the one mutable thing in jtf, and `lift`, which makes functions over Variables pure.

Outside of `lift` a Variable reads and writes its own array. Inside a lifted function a read yields the value
bound to the Variable there, and an `assign` is recorded, not performed. That is the whole mechanism behind
`fit`, `optimizer.minimize` and `model.functional`.

Example:
    >>> import jax, jtf
    >>> count = jtf.variable(0.0, name="count")
    >>> def add(x):
    ...     count.assign(count + x)
    ...     return count * 2
    >>> pure = jax.jit(jtf.lift(add, {"count": count}))
    >>> result, new = pure({"count": 10.0}, 5.0)
    >>> float(result), float(new["count"]), float(count)
    (30.0, 15.0, 0.0)
"""

from __future__ import annotations

import itertools
import operator
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jtf.binding import bind, scopes
from jtf.missing import no_attribute
from jtf.naming import next_uid
from jtf.options import checked
from jtf.random import key_stream
from jtf.tracing import described, explained, require_function
from jtf.types import Array, DTypeLike, PyTree, Values

Constraint = Callable[[Array], Array]


class Holder(Protocol):
    """What has a Variable's value on loan: a training loop that donates its state to the device."""

    def give_back(self) -> None:
        """Put the present value into every Variable on loan, or say why that cannot be."""

    @property
    def lost(self) -> bool:
        """Whether the values are gone for good."""


class Variable:
    """An array with a name that can be assigned.

    It stands wherever an array can: with operators on either side, in jax.numpy functions, as an argument
    of jitted functions (which receive its value), in numpy's functions, with the methods of `jax.Array`. The
    primitives of `jax.lax` and the indices of a `jax.Array` take arrays alone: give them ``v.read()``.

    A function that you jit yourself and that reads a Variable it does not receive as an argument has the
    value of its first call baked in, as with any Python state; `lift` makes the Variable an argument.

    Args:
        value: the first value: an array, a number, nested lists or another Variable.
        trainable: whether training changes it.
        name: its name in weight lists, optimizer slots and messages; counted when not given.
        dtype: converts ``value``.
        constraint: a function applied to the new value after every training step.

    Raises:
        ValueError: ``value`` is being traced, so that there is no array to hold.
    """

    __array_priority__ = 1000  # numpy's operators give way to the reflected ones here

    name: str
    trainable: bool
    constraint: Constraint | None
    #: ``(shape, dtype) -> array``: how to begin anew, for weights that a layer made.
    initializer: Callable[..., Array] | None

    @checked
    def __init__(
        self,
        value: Values | Variable,
        trainable: bool = True,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        self.name = next_uid("Variable_") if name is None else name
        self.trainable = trainable
        self.constraint = constraint
        self.initializer = None
        array = as_jax(value.read() if isinstance(value, Variable) else value, dtype)
        if isinstance(array, jax.core.Tracer):
            raise ValueError(
                f"Variable {self.name!r} cannot be created from a value that is being traced by jax "
                f"(jit, grad, vmap or scan): {array}. Create it outside of the traced function, "
                "or wrap the value in jax.ensure_compile_time_eval()."
            )
        array = _strong(array, array.dtype)
        self._value: Array | None = array
        self._holder: Holder | None = None
        self._shape, self._dtype = array.shape, array.dtype
        _register(self)

    @property
    def val(self) -> Variable:
        """The Variable itself: TF.js's layer weights keep theirs under this name (``w.val.assign(...)``)."""
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def dtype(self) -> np.dtype:
        return self._dtype

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def size(self) -> int:
        return int(np.prod(self._shape))

    @property
    def lost(self) -> bool:
        """Whether the value went down with a training step that failed on the device; `assign` mends it."""
        holder = self._holder  # read once, since another thread may end the loan
        return holder is not None and holder.lost

    def read(self) -> Array:
        """The present value; inside a lifted function, the value bound there."""
        for scope in reversed(scopes()):
            if scope.takes_all or self in scope.values:
                scope.read.add(self)
            if self in scope.values:
                return scope.values[self]
        return self._own()

    def assign(self, value: Values | Variable) -> Variable:
        """Replace the value.

        Args:
            value: of the same shape and dtype. Python numbers and lists are converted when that loses
                nothing (an int may become a float).

        Returns:
            The Variable.

        Raises:
            ValueError: wrong shape or dtype, or a traced value outside of `lift`; the old value stays.
        """
        array = self.converted(value)
        if scopes():
            scope = scopes()[-1]
            if self in scope.values or scope.takes_all:
                scope.values[self] = array
                scope.written.add(self)
                return self
            raise ValueError(
                f"Variable {self.name!r} is assigned inside a lifted function that does not list it, so the "
                "new value would be lost. Add it to the variables given to jtf.lift."
            )
        if isinstance(array, jax.core.Tracer):
            raise ValueError(
                f"Variable {self.name!r} is assigned a value that is being traced by jax (jit, grad, vmap or "
                f"scan): {array}. It would leak out of the traced function. Lift the function first:\n"
                "    pure = jax.jit(jtf.lift(f, [v]))\n"
                "    result, [value] = pure([v.read()], ...)\n"
                "    v.assign(value)"
            )
        _replace({self: array})
        return self

    def _own(self) -> Array:
        while (value := self._value) is None:  # again, should a training loop have lent it once more meanwhile
            holder = self._holder
            if holder is not None:
                holder.give_back()
        return value

    def take_back(self, array: Array) -> None:
        """End the loan with the value that the holder has come to."""
        with _lending:
            self._value = array
            self._holder = None

    def converted(self, value: Values | Variable) -> Array:
        """What `assign` would make of a value, which it refuses in the same way."""
        if isinstance(value, Variable):
            value = value.read()
        is_array = hasattr(value, "dtype")
        try:
            array = as_jax(value)
            if not is_array and _fits(array.dtype, self._dtype):
                array = as_jax(value, self._dtype)
        except OverflowError as error:
            raise ValueError(f"Variable {self.name!r} has dtype {self._dtype}, which cannot hold {value}.") from error
        if array.shape != self._shape or array.dtype != self._dtype:
            raise ValueError(
                f"Variable {self.name!r} holds shape {self._shape} and dtype {self._dtype}; it cannot be "
                f"assigned shape {array.shape} and dtype {array.dtype}. Reshape or convert the value "
                f"(x.astype({str(self._dtype)!r})), or make a new Variable."
            )
        return _strong(array, self._dtype)

    if TYPE_CHECKING:  # the operators, which _install_operators makes

        def _operate(self, *others: Any) -> Array: ...

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _operate
        __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _operate
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _operate
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _operate
        __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _operate
        __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __pos__ = __abs__ = __invert__ = _operate

    def __jax_array__(self) -> Array:
        return self.read()

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.read(), dtype=dtype, copy=copy)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise no_attribute(self, name)
        try:
            return getattr(self.read(), name)
        except AttributeError as error:
            raise no_attribute(self, name) from error

    def __getitem__(self, index: Any) -> Array:
        return self.read()[tuple(map(_value, index)) if isinstance(index, tuple) else _value(index)]

    def __len__(self) -> int:
        return len(self.read())

    def __iter__(self) -> Iterator[Array]:
        return iter(self.read())

    def __bool__(self) -> bool:
        return bool(self.read())

    def __int__(self) -> int:
        return int(self.read())

    def __index__(self) -> int:
        return operator.index(self.read())

    def __float__(self) -> float:
        return float(self.read())

    def __round__(self, *digits: int) -> Any:
        return round(self.read(), *digits)

    def __divmod__(self, other: Any) -> tuple[Array, Array]:
        return divmod(self.read(), _value(other))

    def __rdivmod__(self, other: Any) -> tuple[Array, Array]:
        return divmod(_value(other), self.read())

    def __format__(self, spec: str) -> str:
        return format(self.read(), spec)

    __hash__ = object.__hash__  # an identity, as for torch's tensors: == compares elements

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copy = Variable(self.read(), self.trainable, self.name, constraint=self.constraint)
        copy.initializer = self.initializer
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (np.asarray(self), self.trainable, self.name, None, self.constraint)
        return Variable, arguments, {"initializer": self.initializer}

    def __repr__(self) -> str:
        kind = "" if self.trainable else ", not trainable"
        return f"<Variable {self.name!r}, shape {self._shape}, {self._dtype}{kind}>\n{self.read()}"


def variable(
    value: Values | Variable,
    trainable: bool = True,
    name: str | None = None,
    dtype: DTypeLike | None = None,
) -> Variable:
    """A new `Variable` (TF.js ``tf.variable``).

    Example:
        >>> import jtf
        >>> w = jtf.variable([[1.0, 2.0]], name="w")
        >>> w.assign(w * 10).shape, float((w @ w.T)[0, 0])
        ((1, 2), 500.0)
    """
    return Variable(value, trainable, name, dtype)


def values(tree: PyTree) -> PyTree:
    """A pytree of Variables as a pytree of their present values, for `lift`, jax.grad, optax and the like.

    The values are of one moment, also while another thread trains the Variables.

    Raises:
        TypeError: something in it is no Variable.

    Example:
        >>> import jtf
        >>> jtf.values({"w": jtf.variable(2.0)})
        {'w': Array(2., dtype=float32)}
    """
    structure: Any
    variables, structure = jax.tree.flatten(tree, is_leaf=is_variable)
    return structure.unflatten(read_all([_checked(v, "jtf.values") for v in variables]))


def read_all(variables: Sequence[Variable]) -> list[Array]:
    """The present values, all of one moment, also while another thread trains these Variables."""
    while True:
        found = [v.read() for v in variables]
        with _lending:
            if scopes() or all(v._value is value for v, value in zip(variables, found, strict=True)):
                return found


def assign_all(new_values: Mapping[Variable, Values | Variable]) -> None:
    """`Variable.assign` for several at once: no training step of another thread comes between.

    Raises:
        ValueError: a value is refused; nothing is changed.
    """
    arrays = {variable_: variable_.converted(value) for variable_, value in new_values.items()}
    if scopes() or any(isinstance(array, jax.core.Tracer) for array in arrays.values()):
        # First what may be refused, since it has leaked out of a transformation inside: then nothing is assigned.
        for variable_, array in sorted(arrays.items(), key=lambda each: not isinstance(each[1], jax.core.Tracer)):
            variable_.assign(array)
    else:
        _replace(arrays)


def _replace(arrays: Mapping[Variable, Array]) -> None:
    while True:
        with _lending:
            holders = {v._holder for v in arrays if v._holder is not None and not v._holder.lost}
            if not holders:
                for v, array in arrays.items():
                    v._value, v._holder = array, None
                return
        for holder in holders:
            holder.give_back()


def is_variable(x: Any) -> bool:
    """Whether ``x`` is a `Variable`: for ``is_leaf`` in jax.tree's functions, which look inside them otherwise."""
    return isinstance(x, Variable)


def lift(fn: Callable[..., Any], variables: PyTree) -> Callable[..., tuple[Any, PyTree]]:
    """A pure function out of one that reads and assigns Variables.

    Args:
        fn: any function; what it assigns must be among ``variables``.
        variables: a pytree (list, dict, ...) of Variables.

    Returns:
        ``lifted(values, *args, rng=None, **kwargs) -> (result, new_values)``: ``values`` and ``new_values``
        have the structure of ``variables``; ``rng`` is the PRNG key for what ``fn`` draws. The Variables
        themselves are neither read nor changed, so jax.jit, jax.grad and jax.vmap take it as it is.

    Raises:
        TypeError: ``fn`` is no function, or something in ``variables`` no Variable.
        ValueError: (when called) a value's shape is not its Variable's, ``fn`` assigns a Variable that is
            not listed (a lifted function around this one does not help), or draws random numbers without ``rng``.
    """
    structure: Any
    require_function(fn, "jtf.lift", "jtf.lift(lambda: loss(...), variables), not jtf.lift(loss(...), variables)")
    flat, structure = jax.tree.flatten(variables, is_leaf=is_variable)
    for leaf in flat:
        _checked(leaf, "jtf.lift")

    def lifted(values: PyTree, *args: Any, rng: Array | None = None, **kwargs: Any) -> tuple[Any, PyTree]:
        bound = {}
        for variable_, value in zip(flat, structure.flatten_up_to(values), strict=True):
            array = bound[variable_] = _as_value_of(variable_, value)
            if array.shape != variable_.shape:
                raise ValueError(
                    f"The value bound to Variable {variable_.name!r} has shape {array.shape}; "
                    f"expected {variable_.shape}."
                )
        with explained(lambda: f"the {described(fn)}"), key_stream(rng), bind(bound) as scope:
            result = jax.tree.map(lambda leaf: leaf, fn(*args, **kwargs))  # a Variable becomes its value
        return result, structure.unflatten(scope.values[v] for v in flat)

    return lifted


def lend_all(variables: Sequence[Variable], seen: Sequence[Array], holder: Holder) -> bool:
    """Leave the values to a holder, unless one of them is no longer what has been ``seen``.

    The holder gives them back when one is read or assigned here, or when it is done.
    """
    with _lending:
        if any(v._value is not value for v, value in zip(variables, seen, strict=True)):
            return False
        for v in variables:
            v._holder = holder  # in this order, so that other threads find the one or the other
            v._value = None
        return True


def live_variables() -> list[Variable]:
    """Every Variable that exists, in order of creation."""
    with _live_lock:
        return [v for _, v in sorted(_live.items())]


_lending = threading.Lock()
_live: weakref.WeakValueDictionary[int, Variable] = weakref.WeakValueDictionary()
_live_lock = threading.Lock()
_serial = itertools.count()


def _checked(leaf: Any, where: str) -> Variable:
    if not isinstance(leaf, Variable):
        raise TypeError(f"{where} takes a pytree of Variables; found {type(leaf).__name__}: {leaf!r:.80}.")
    return leaf


def _register(variable_: Variable) -> None:
    with _live_lock:
        _live[next(_serial)] = variable_


def _fits(dtype: np.dtype, expected: np.dtype) -> bool:
    kinds = [np.bool_, np.integer, np.floating, np.complexfloating]
    rank = [next(i for i, kind in enumerate(kinds) if jnp.issubdtype(d, kind)) for d in (dtype, expected)]
    return rank[0] <= rank[1]


def _strong(array: Array, dtype: DTypeLike) -> Array:
    # A weak type (of what began as a Python number) would give way to other dtypes, until the first assignment.
    return jax.lax.convert_element_type(array, dtype)


def _as_value_of(variable_: Variable, value: Any) -> Array:
    value = _value(value)
    return jnp.asarray(value, None if hasattr(value, "dtype") else variable_.dtype)


def as_jax(value: Any, dtype: DTypeLike | None = None) -> Array:
    """An array of one's own: jax may go on reading numpy's memory, which its owner may write to."""
    if isinstance(value, jax.Array):
        return jnp.asarray(value, dtype)
    with jax.transfer_guard_host_to_device("allow"):  # it is what was asked for
        return jnp.array(value, dtype)


def _value(x: Any) -> Any:
    return x.read() if isinstance(x, Variable) else x


def _install_operators(names: Iterable[str]) -> None:
    """Forward the operators to the present value, on either side; refuse the in-place ones."""
    for name in names:
        function = getattr(operator, name)
        dunder = f"__{name.strip('_')}__"

        def forward(self: Variable, *others: Any, function: Callable[..., Any] = function) -> Any:
            return function(self.read(), *map(_value, others))

        def reflected(self: Variable, other: Any, function: Callable[..., Any] = function) -> Any:
            return function(_value(other), self.read())

        def in_place(self: Variable, other: Any, dunder: str = dunder) -> Any:
            raise TypeError(
                f"A Variable is not changed by an in-place operator ({self.name!r}.__i{dunder[2:]}). "
                "Write v.assign(v + x)."
            )

        setattr(Variable, dunder, forward)
        if name in _BINARY:
            setattr(Variable, f"__r{dunder[2:]}", reflected)
            setattr(Variable, f"__i{dunder[2:]}", in_place)


_BINARY = "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift".split()
_install_operators([*_BINARY, *"lt le eq ne gt ge neg pos abs invert".split()])

# Passed to a jitted function, a Variable arrives there as its value.
jax.tree_util.register_pytree_node(Variable, lambda v: ((v.read(),), None), lambda _, values: values[0])
