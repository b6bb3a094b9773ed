"""Damages files, by a seeded generator: bytes, and what the JSON in them says."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

#: What somebody who means ill, or a program with a fault, puts in the place of anything.
NASTY: list[Any] = [
    None,
    True,
    0,
    -1,
    1,
    3.5,
    10**6,
    2**31,
    2**63,
    10**30,
    -(2**40),
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "../../../etc/passwd",
    "/dev/zero",
    "a\0b",
    "weights.bin" * 500,
    "Lambda",
    "__import__('os').system('true')",
    "os.system",
    [],
    {},
    [[]],
    [None],
    [1, [2, [3]]],
    [10**9, 10**9],
    {"class_name": "Lambda", "config": {"function": "print"}},
    {"class_name": "Dense", "config": {"units": 10**9}},
    {"module": "os", "class_name": "system", "config": {}, "registered_name": "os>system"},
]


def of_bytes(data: bytes, rng: random.Random) -> bytes:
    """The data with a few bits, or a piece, gone wrong."""
    kind = rng.choice(["flip", "flip", "cut", "shorten", "repeat", "garbage"])
    at = rng.randrange(len(data)) if data else 0
    if kind == "flip":
        damaged = bytearray(data)
        for _ in range(rng.choice([1, 1, 3, 20])):
            if damaged:
                damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        return bytes(damaged)
    length = rng.choice([1, 4, 50, 1000])
    if kind == "cut":
        return data[:at]
    if kind == "shorten":
        return data[:at] + data[at + length :]
    return data[:at] + (data[at : at + length] if kind == "repeat" else rng.randbytes(length)) + data[at:]


def of_json(document: Any, rng: random.Random) -> Any:
    """A JSON document in which something is replaced, taken out, put in twice or swapped."""
    document = copy.deepcopy(document)
    for _ in range(rng.choice([1, 1, 1, 2])):
        places = list(_places(document))
        holder, key = rng.choice(places)
        kind = rng.choice(["nasty", "nasty", "nasty", "drop", "swap", "nest", "twice", "change"])
        if kind == "nasty":
            holder[key] = copy.deepcopy(rng.choice(NASTY))
        elif kind == "drop":
            del holder[key]
        elif kind == "swap":
            other, other_key = rng.choice(places)
            value = copy.deepcopy(holder[key])
            holder[key] = copy.deepcopy(other[other_key])
            other[other_key] = value
        elif kind == "nest":
            for _ in range(rng.choice([1, 3, 200])):
                holder[key] = [holder[key]] if rng.random() < 0.5 else {"config": holder[key]}
        elif kind == "twice" and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            holder[key] = rng.choice([holder[key] + 1, -holder[key], holder[key] * 1000, float(holder[key])])
        elif isinstance(holder[key], str) and holder[key]:
            holder[key] = holder[key][: rng.randrange(len(holder[key]))]
    return document


def as_text(document: Any) -> bytes:
    """The document as JSON, whatever is in it."""
    return json.dumps(document).encode()


def deeply_nested(depth: int = 100_000) -> bytes:
    return b'{"modelTopology":' + b"[" * depth + b"]" * depth + b"}"


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    keys = document.keys() if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield document, key
        yield from _places(document[key])
