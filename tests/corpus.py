"""Reads cases recorded from TensorFlow.js: shared by the tests that compare with it."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"

_DTYPES = {
    "float32": np.float32,
    "int32": np.int32,
    "bool": np.bool_,
    "complex64": np.complex64,
    "string": object,
}
_NUMBERS = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


@cache
def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file in ``tests/data``, their tensors as numpy arrays.

    A ``.jsonl.gz`` file holds one case a line, a ``.json.gz`` file a list of them. A tensor with more than
    a dtype, a shape and values (a weight has a name, too) becomes a dict that holds it as ``array``.
    """
    text = gzip.decompress((DATA / name).read_bytes()).decode()
    encoded = [json.loads(line) for line in text.splitlines()] if ".jsonl" in name else json.loads(text)
    return [_decode(case) for case in encoded]


def in_order_of(model: Any, weights: list[dict[str, Any]]) -> list[np.ndarray]:
    """Recorded weights in the model's order, which differs where layers are frozen: TF.js puts their weights last."""
    names = [weight["name"] for weight in weights]
    if all(layer.trainable for layer in model.layers_inside):
        assert names == [weight.name for weight in model.weights]
    return [weights[names.index(weight.name)]["array"] for weight in model.weights]


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if {"dtype", "shape", "values"} <= value.keys():
            rest = {key: item for key, item in value.items() if key not in ("dtype", "shape", "values")}
            return {**rest, "array": _tensor(value)} if rest else _tensor(value)
        if value.keys() == {"typedArray", "data"}:
            return _decode(value["data"])
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    return _NUMBERS.get(value, value) if isinstance(value, str) else value


def _tensor(encoded: dict[str, Any]) -> np.ndarray:
    dtype, shape, values = encoded["dtype"], encoded["shape"], encoded["values"]
    if dtype == "string":
        return np.array(values, dtype=object).reshape(shape)
    # Through float64, since the shortest digits of a float32 need not be one of a float64.
    numbers = np.array([_NUMBERS[v] if isinstance(v, str) else v for v in values], dtype=np.float64)
    if dtype == "complex64":
        numbers = numbers[0::2] + 1j * numbers[1::2]
    return numbers.astype(_DTYPES[dtype]).reshape(shape)
