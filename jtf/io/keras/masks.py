"""Whether masks do in jtf what they do in Keras.

Masks go along with the outputs of layers. Keras 3 writes down which mask each layer is given; what arrives here is
followed through the graph by the rules of jtf's layers, and must be the same. Some layers take a mask into account in
Keras and not here (or otherwise): if one reaches them, the model is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jtf.io.keras.config import MODELS, Dialect
from jtf.layers.base import registry

#: What a mask is: None for none, or how it is made of which tensor.
Mask = Any

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM2D", "Bidirectional")
_ELEMENTWISE = ("Add", "Average", "Maximum", "Minimum", "Multiply")
#: In Keras 3 these leave masked inputs out of the result.
_BY_MASK = ("Maximum", "Minimum", "Multiply")
_CONSUMERS = (*RECURRENT, "MultiHeadAttention", "GlobalAveragePooling1D", "Softmax", "BatchNormalization", *MODELS)


def check_masks(
    described: Mapping[str, Any], calls: Mapping[str, list[Any]], dialect: Dialect, is_written: bool = True
) -> None:
    """Refuse a graph in which a mask would not do the same.

    Args:
        described: the layers and operations, as the file has them, by name.
        calls: of each layer, in order.
        dialect: of the file.
        is_written: whether the file says which masks the layers are given, if Keras 3 has written it.

    Raises:
        ModelFormatError: there is such a mask; names the layer that it reaches.
    """
    if not any(_makes_masks(each) for each in described.values()):
        return
    masks: dict[Any, Mask] = {}
    waiting = [(name, index, call) for name, of_layer in calls.items() for index, call in enumerate(of_layer)]
    masks |= {(name, 0, 0): None for name, of_layer in calls.items() if not of_layer}
    progress = True
    while waiting and progress:
        later = []
        for name, index, call in waiting:
            known = [_of_call(address) in masks or tuple(address) in masks for address in _needed(call)]
            if not all(known):
                later.append((name, index, call))
                continue
            arriving = [_at(masks, address) for address in call.inputs]
            _check(name, described[name], call, arriving, masks, dialect, is_written)
            number = index + (described[name].get("class_name") in MODELS)
            for output, mask in _produced(name, described[name], call, arriving).items():
                masks[(name, number, output)] = mask
            masks[(name, number)] = None  # its other outputs have none
        progress = len(later) < len(waiting)
        waiting = later


def _of_call(address: Any) -> tuple[str, int]:
    return address[0], address[1]


def _at(masks: Mapping[Any, Mask], address: Any) -> Mask:
    return masks.get(tuple(address))


def _needed(call: Any) -> list[Any]:
    return [*call.inputs, *(address for mask in call.masks.values() for address in mask)]


def _makes_masks(described: Mapping[str, Any]) -> bool:
    name, config = described.get("class_name"), described.get("config")
    return name == "Masking" or (name == "Embedding" and bool(_option(config, "mask_zero"))) or _inside(config)


def _inside(config: Any) -> bool:
    parts = [_option(config, key) for key in ("layer", "layers")]
    each = [part for parts_ in parts for part in (parts_ if isinstance(parts_, list) else [parts_])]
    return any(_makes_masks(part) for part in each if isinstance(part, Mapping))


def _option(config: Any, key: str) -> Any:
    return config.get(key) if isinstance(config, Mapping) else None


def _produced(name: str, described: Mapping[str, Any], call: Any, arriving: list[Mask]) -> dict[int, Mask]:
    """The masks of the outputs of a call, by the rules of jtf's layers."""
    kind, config = described.get("class_name"), described.get("config")
    first = arriving[0] if arriving else None
    if kind == "NotEqual":
        operands = [value for value in call.options["given"] if isinstance(value, int | float)]
        return {0: ("not equal", tuple(call.inputs[0]), float(operands[0]) if operands else None)}
    if kind == "Any":
        return {0: ("any", first)}
    if kind in ("LogicalOr", "LogicalAnd"):
        return {0: first if len(set(arriving)) == 1 else (kind, *arriving)}
    if kind == "Embedding":
        return {0: ("not equal", tuple(call.inputs[0]), 0.0) if _option(config, "mask_zero") else None}
    if kind == "Masking":
        return {0: ("any", ("not equal", tuple(call.inputs[0]), float(_option(config, "mask_value") or 0)))}
    if kind in MODELS:
        return {0: ("inside", name) if _makes_masks(described) else None}
    if kind in RECURRENT:
        inner = _option(_option(config, "layer"), "config") if kind == "Bidirectional" else config
        return {0: first if _option(inner, "return_sequences") else None}
    if kind == "TimeDistributed" and _inside(config):
        return {0: ("inside", name)}
    if kind in (*_ELEMENTWISE, "Concatenate"):
        there = set(arriving) - {None}
        return {0: None if not there else there.pop() if len(set(arriving)) == 1 else ("several", name)}
    cls: Any = registry.find(kind) if isinstance(kind, str) and registry.knows(kind) else None
    return {0: first if cls is not None and cls.supports_masking else None}


def _check(
    name: str,
    described: Mapping[str, Any],
    call: Any,
    arriving: list[Mask],
    masks: Mapping[Any, Mask],
    dialect: Dialect,
    is_written: bool,
) -> None:
    """Refuse a call that a mask reaches that it does not reach in the file, or for which masks are something else."""
    kind, config = described.get("class_name"), described.get("config")
    given = [mask for mask in arriving if mask is not None]
    entry = f"layer {name!r} ({kind})"
    written = {key: _at(masks, addresses[0]) for key, addresses in call.masks.items() if addresses}
    if not given and not written:
        return
    if is_written and dialect.major == 3 and kind in _CONSUMERS and kind not in MODELS:
        expected = dict(zip(("query_mask", "value_mask", "key_mask"), arriving, strict=False))
        expected = expected if kind == "MultiHeadAttention" else {"mask": arriving[0]}
        if written != {key: mask for key, mask in expected.items() if mask is not None}:
            dialect.refuse(entry, "the mask that comes with its input", "another one, or none")
    why = _otherwise(str(kind), config, dialect.major)
    if why:
        dialect.refuse(entry, "no mask", f"the mask of an Embedding or Masking, which {why}")


def _otherwise(kind: str, config: Any, major: int) -> str | None:
    """Why a mask is something else here for a layer."""
    inner = _option(_option(config, "layer"), "config") if kind == "Bidirectional" else config
    zeros = kind == "Bidirectional" or _option(config, "zero_output_for_mask")
    if kind in RECURRENT and zeros and _option(inner, "return_sequences"):
        return "makes its outputs zero in Keras; here they are repeated"
    if kind in ("GlobalAveragePooling1D", "Softmax"):
        return "it takes into account in Keras and not here"
    if kind == "BatchNormalization" and major == 3:
        return "its statistics take into account in Keras 3 and not here"
    if kind in _BY_MASK and major == 3:
        return "keeps some inputs out of the result in Keras 3"
    if kind in MODELS or (kind == "TimeDistributed" and _option(_option(config, "layer"), "class_name") in _CONSUMERS):
        return "would have to go into the layers inside"
    return None
