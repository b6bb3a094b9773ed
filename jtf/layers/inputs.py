"""What users pass to a layer: one array, or a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtf.layers.symbolic import SymbolicTensor


def without_list_of_one(inputs: Any) -> Any:
    """What is in a list of one tensor; anything else as it is, tuples as lists. TF.js does the same."""
    if isinstance(inputs, list | tuple) and any(hasattr(each, "shape") for each in inputs):
        return inputs[0] if len(inputs) == 1 else list(inputs)
    return inputs


def as_arrays(inputs: Any, layer: Any) -> Any:
    """An array, or a list of arrays, of what can be one: numpy and jax arrays, nested lists of numbers.

    Raises:
        TypeError: there are no numbers in it; names the layer and what was received.
    """
    if isinstance(inputs, list) and any(hasattr(each, "shape") for each in inputs):
        return [_as_array(each, layer) for each in inputs]
    return _as_array(inputs, layer)


def _as_array(given: Any, layer: Any) -> Any:
    if isinstance(given, jax.Array):
        return given
    called = f"Layer {layer.name!r} ({layer.class_name}) is called on arrays, or on symbolic tensors (jtf.input)"
    if given is None or isinstance(given, str | type | Mapping) or callable(given):
        shown = given.__name__ if isinstance(given, type) else type(given).__name__
        raise TypeError(f"{called}; received {shown}.")
    if isinstance(given, SymbolicTensor):
        raise TypeError(f"{called}, not on both; received {given!r} beside arrays.")
    try:
        return jnp.asarray(given)
    except (TypeError, ValueError) as error:
        kind = getattr(given, "dtype", type(given).__name__)
        raise TypeError(f"{called} of numbers; received {kind}: {np.shape(given) or error}.") from error
