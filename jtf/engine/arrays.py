"""What counts as data: anything that holds numbers becomes one numpy array of them, or the error says what to do."""

from __future__ import annotations

import numbers
from decimal import Decimal
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtf.layers.symbolic import SymbolicTensor

_FLOAT32 = np.finfo(np.float32)


def as_array(data: Any, what: str) -> np.ndarray:
    """A numpy array of numbers or bools; wider floats and integers become float32 and int32.

    Args:
        data: whatever numpy can convert; also arrays of Python objects, such as data frames have them, if each of the
            objects is a number or an array.
        what: the data in messages.

    Raises:
        TypeError: it holds something else (text, dates, ragged lists, missing values); names the first.
        ValueError: there are masked entries, or numbers that 32 bits cannot hold.
    """
    array = _converted(data, what)
    if array.dtype == object:
        array = _of_numbers(array, what)
    if np.issubdtype(array.dtype, np.floating) and array.dtype.itemsize > 4:
        try:
            with np.errstate(over="raise"):
                return array.astype(np.float32)
        except FloatingPointError:
            raise ValueError(
                f"The {what} has numbers beyond those of float32, {_FLOAT32.min} to {_FLOAT32.max}. Scale them first."
            ) from None
    if array.dtype in (np.int64, np.uint32, np.uint64):
        narrow = array.astype(np.int32)
        if not (narrow == array).all():
            raise ValueError(
                f"The {what} has integers beyond 32 bits ({array.min()} to {array.max()}), which would be changed. "
                "Convert it first: x.astype('float32') for numbers, or smaller class numbers."
            )
        return narrow
    if array.dtype == bool or (jnp.issubdtype(array.dtype, jnp.number) and array.dtype.kind != "c"):
        return array
    raise TypeError(f"The {what} must hold numbers; received {_kind(array.dtype)}")


def _converted(data: Any, what: str) -> np.ndarray:
    if data is None:
        raise TypeError(f"The {what} must hold numbers; received None.")
    for densify in ("toarray", "todense"):
        if hasattr(data, densify):
            raise TypeError(f"The {what} is a sparse {type(data).__name__}; pass the dense array, x.{densify}().")
    if np.ma.is_masked(data):
        raise ValueError(
            f"The {what} has masked entries, which a model does not know of. Fill them, x.filled(0.0), and leave them "
            "out by sample_weight or a Masking layer."
        )
    try:
        return np.asarray(data)
    except Exception as error:  # whatever the type's own conversion raises
        if isinstance(data, SymbolicTensor):
            raise TypeError(
                f"The {what} is a symbolic tensor, which has no numbers: fit, evaluate and predict work on data. To "
                "connect a model in a graph, call it: model(x)."
            ) from None
        if isinstance(data, jax.core.Tracer):
            raise TypeError(
                f"The {what} is being traced by jax (jit, grad or vmap); fit, evaluate and predict work on data. "
                "Inside of jax's transformations call the model itself, model(x), or model.functional()."
            ) from None
        hint = " Pad rows of unequal length first." if "inhomogeneous" in str(error) else ""
        raise TypeError(f"The {what} cannot be made one array of numbers: {error}{hint}") from error


def _of_numbers(objects: np.ndarray, what: str) -> np.ndarray:
    """The numbers in an array of Python objects."""
    if objects.ndim == 0:
        raise TypeError(f"The {what} must hold numbers; received {type(objects.item()).__name__}.")
    for index, each in np.ndenumerate(objects):
        if not isinstance(each, numbers.Real | np.bool_ | Decimal | np.ndarray):
            place = index[0] if len(index) == 1 else list(index)
            missing = each is None or type(each).__name__ in ("NAType", "NaTType")
            hint = "Fill in missing values, or leave such rows out." if missing else "Turn it into numbers first."
            raise TypeError(
                f"The {what} must hold numbers; at {place} (counted from 0) it has {each!r}, of type "
                f"{type(each).__name__}. {hint}"
            )
    try:
        array = np.array(objects.tolist())
        return array.astype(np.float64) if array.dtype == object else array
    except (ValueError, TypeError, OverflowError) as error:
        raise TypeError(f"The {what} cannot be made one array of numbers: {error}") from error


def _kind(dtype: np.dtype) -> str:
    if dtype.names:
        fields = ", ".join(map(repr, dtype.names))
        return f"records with the fields {fields}. Pass one field, x[{dtype.names[0]!r}], or a dict of them by input."
    if dtype.kind == "c":
        return f"dtype {dtype}. Pass the real and the imaginary part as two features."
    if dtype.kind in "mM":
        return f"dtype {dtype}. Convert dates to numbers first, such as days: (x - x.min()) / np.timedelta64(1, 'D')."
    if dtype.kind in "SUT":
        return f"text (dtype {dtype}). Turn it into numbers first."
    return f"dtype {dtype}. Convert it first: x.astype('float32')."
