"""The weights of a file: what the manifest says of each, checked against the bytes that are there, and the arrays.

A float32 weight may be kept in fewer bytes: as float16, or as uint8 or uint16 with ``value = number * scale + min``.

References:
    TF.js: tfjs-core/src/io/io_utils.ts (decodeWeights), tfjs-converter/python/tensorflowjs/quantization.py
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jtf.io.buffers import Pieces
from jtf.io.errors import ModelFormatError
from jtf.naming import nearest

DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4"), "bool": np.dtype("?")}
QUANTIZED: dict[str, np.dtype[Any]] = {"uint8": np.dtype("u1"), "uint16": np.dtype("<u2"), "float16": np.dtype("<f2")}
#: JavaScript counts no further.
_MOST = 2**53


class Quantization(NamedTuple):
    """How a weight is kept in fewer bytes: as ``dtype``, and for integers ``value = number * scale + min``."""

    dtype: str
    min: float = 0.0
    scale: float = 1.0

    @property
    def is_affine(self) -> bool:
        return self.dtype != "float16"


class WeightSpec(NamedTuple):
    """An entry of the manifest.

    Attributes:
        name, shape, dtype: of the weight.
        group: ``"optimizer"`` for what belongs to the optimizer.
        quantization: how it is kept, if not as it is.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    group: str | None = None
    quantization: Quantization | None = None

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def stored_dtype(self) -> np.dtype:
        return QUANTIZED[self.quantization.dtype] if self.quantization else DTYPES[self.dtype]

    @property
    def bytes(self) -> int:
        """How many bytes of the file it takes."""
        return self.size * self.stored_dtype.itemsize

    def as_json(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": self.name, "shape": list(self.shape), "dtype": self.dtype}
        if self.quantization is not None:
            affine = {"min": self.quantization.min, "scale": self.quantization.scale}
            entry["quantization"] = {
                "dtype": self.quantization.dtype,
                **(affine if self.quantization.is_affine else {}),
                "original_dtype": self.dtype,
            }
        return entry if self.group is None else entry | {"group": self.group}


class StoredWeight(NamedTuple):
    """A weight on its way into a file: its entry, and the array as it is kept."""

    spec: WeightSpec
    array: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """What will be read from the file."""
        return _decoded(self.spec, self.array)


def stored(name: str, array: np.ndarray, group: str | None = None) -> StoredWeight:
    """A weight as it is.

    Raises:
        ValueError: the format has nothing for its dtype.
    """
    if array.dtype.name in ("bfloat16", "float16"):
        array = array.astype("<f4")
    if array.dtype.name not in DTYPES:
        raise ValueError(
            f"Weight {name!r} has dtype {array.dtype}, which TF.js's files cannot hold; they hold "
            f"{', '.join(DTYPES)}. Convert the weight first."
        )
    array = array.astype(DTYPES[array.dtype.name], copy=False)
    return StoredWeight(WeightSpec(name, array.shape, array.dtype.name, group), array)


def quantized(weight: StoredWeight, dtype: str) -> StoredWeight:
    """A float32 weight in fewer bytes; zero stays exactly zero.

    Args:
        weight: not quantized yet.
        dtype: ``"float16"``, ``"uint8"`` or ``"uint16"``.

    Raises:
        ValueError: it has values that are not finite, or too large for float16.
    """
    spec, array = weight
    if array.size == 0:
        return weight
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"Weight {spec.name!r} has values that are not finite, which {dtype} cannot hold.")
    if dtype == "float16":
        most = float(np.finfo(np.float16).max)
        if max(-low, high) > most:
            raise ValueError(
                f"Weight {spec.name!r} has values from {low:g} to {high:g}; float16 ends at {most:g}. Keep it as "
                f"float32: dtype={{'{spec.name}': 'float32', '*': 'float16'}}."
            )
        return StoredWeight(spec._replace(quantization=Quantization("float16")), array.astype("<f2"))
    steps = np.iinfo(QUANTIZED[dtype]).max
    scale = (high - low) / steps if high > low else 1.0
    if low <= 0 <= high and high > low:
        low = -round(-low / scale) * scale  # so that zero is one of the steps
    numbers = np.clip(np.round((array.astype(np.float64) - low) / scale), 0, steps).astype(QUANTIZED[dtype])
    return StoredWeight(spec._replace(quantization=Quantization(dtype, low, scale)), numbers)


def dtype_of_each(names: Sequence[str], dtype: str | Mapping[str, str] | None) -> dict[str, str]:
    """What each weight is to be kept as.

    Args:
        names: of the weights.
        dtype: for all of them, or by pattern (``{"*/kernel": "uint8"}``, as of file names), of which the first that
            fits counts; what fits none stays float32.

    Raises:
        ValueError: an unknown dtype, or a pattern that fits no weight.
    """
    patterns = {} if dtype is None else dict(dtype) if isinstance(dtype, Mapping) else {"*": dtype}
    choices = ["float32", *QUANTIZED]
    for pattern, wanted in patterns.items():
        if wanted not in choices:
            raise ValueError(f"Unknown dtype {wanted!r}.{nearest(wanted, choices)} Choices: {', '.join(choices)}.")
        if names and not fnmatch.filter(names, pattern):
            raise ValueError(
                f"No weight is called like {pattern!r}.{nearest(pattern, names)} The weights: {', '.join(names)}."
            )
    return {
        name: next((w for pattern, w in patterns.items() if fnmatch.fnmatchcase(name, pattern)), "float32")
        for name in names
    }


def checked_specs(entries: Any, source: str) -> list[WeightSpec]:
    """The entries of a manifest, a list of JSON objects; ``source`` is the file, for messages.

    Raises:
        ModelFormatError: they are not what they should be.
    """
    if not isinstance(entries, list):
        raise ModelFormatError(source, "weightsManifest", "a list of weights", f"{type(entries).__name__}")
    return [_spec(entry, f"weight {number}", source) for number, entry in enumerate(entries)]


def check_size(specs: Sequence[WeightSpec], available: int, source: str, where: str) -> None:
    """Check that weights take just the bytes that are there.

    Args:
        specs: of the weights.
        available: how many bytes there are.
        source, where: the file, and what of it has the bytes, for messages.

    Raises:
        ModelFormatError: there are more or fewer; names the first weight that does not fit.
    """
    offset = 0
    for spec in specs:
        if offset + spec.bytes > available:
            raise ModelFormatError(
                source,
                f"weight {spec.name!r} of shape {list(spec.shape)}",
                f"{spec.bytes:,} bytes from byte {offset:,} on",
                f"{where} with {available:,} bytes in all (truncated?)",
            )
        offset += spec.bytes
    if offset != available:
        raise ModelFormatError(source, where, f"the {offset:,} bytes that its weights take", f"{available:,} bytes")


def _spec(entry: Any, number: str, source: str) -> WeightSpec:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if not isinstance(name, str):
        raise ModelFormatError(source, number, "an object with name, shape and dtype", repr(entry)[:80])
    shape, dtype, group = (entry.get(key) for key in ("shape", "dtype", "group"))
    if not isinstance(shape, list) or not all(type(size) is int and 0 <= size < _MOST for size in shape):
        raise ModelFormatError(source, f"weight {name!r}: shape", "a list of sizes", repr(shape)[:80])
    if len(shape) > 32 or math.prod(size or 1 for size in shape) > _MOST:
        raise ModelFormatError(source, f"weight {name!r}: shape", "a shape that an array can have", repr(shape)[:80])
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ModelFormatError(source, f"weight {name!r}: dtype", " or ".join(DTYPES), repr(dtype)[:80])
    if not isinstance(group, str | None):
        raise ModelFormatError(source, f"weight {name!r}: group", "a name", repr(group)[:80])
    quantization = None
    if "quantization" in entry:
        quantization = _quantization(entry["quantization"], dtype, f"weight {name!r}: quantization", source)
    return WeightSpec(name, tuple(shape), dtype, group, quantization)


def _quantization(entry: Any, dtype: str, what: str, source: str) -> Quantization:
    kept_as = entry.get("dtype") if isinstance(entry, Mapping) else None
    if not isinstance(kept_as, str) or kept_as not in QUANTIZED:
        raise ModelFormatError(source, what, f"dtype {' or '.join(QUANTIZED)}", repr(entry)[:80])
    if dtype == "bool" or (dtype == "int32" and kept_as == "float16"):
        raise ModelFormatError(source, what, f"a weight that may be kept as {kept_as}", f"dtype {dtype}")
    if kept_as == "float16":
        return Quantization(kept_as)
    low, scale = entry.get("min"), entry.get("scale")
    if not all(type(n) in (int, float) and abs(n) < 1e300 for n in (low, scale)):
        raise ModelFormatError(source, what, "numbers 'min' and 'scale'", repr(dict(entry))[:80])
    return Quantization(kept_as, low, scale)


def arrays(specs: Sequence[WeightSpec], data: Pieces) -> list[np.ndarray]:
    """The weights as they are kept, in order: views of the data, where it lies in one piece."""
    found, offset = [], 0
    for spec in specs:
        part = data[offset : offset + spec.bytes]
        found.append(np.frombuffer(part, spec.stored_dtype, spec.size).reshape(spec.shape))
        offset += spec.bytes
    return found


def _decoded(spec: WeightSpec, array: np.ndarray) -> np.ndarray:
    if spec.quantization is None:
        return array
    if not spec.quantization.is_affine:
        return array.astype(np.float32)
    # In double precision, and rounded once, as JavaScript computes.
    values = array * np.float64(spec.quantization.scale) + spec.quantization.min
    with np.errstate(over="ignore", invalid="ignore"):
        return (np.floor(values + 0.5) if spec.dtype == "int32" else values).astype(DTYPES[spec.dtype])
