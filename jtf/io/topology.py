"""A model's topology as JSON: what its layers are and how they are connected, without the weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jtf import constraints, initializers, regularizers
from jtf.layers.base import registry
from jtf.naming import words_in_snake_case
from jtf.version import __version__


def topology(model: Any) -> dict[str, Any]:
    """A model's configuration as it is written into files: Keras's spelling of names and options."""
    return {
        "class_name": model.class_name,
        "config": in_file_spelling(model.get_config()),
        "keras_version": f"jtf {__version__}",
        "backend": "jax",
    }


def model_from_json(described: str | Mapping[str, Any]) -> Any:
    """The model that a topology describes, with new weights.

    Args:
        described: what `LayersModel.to_json` gives, as text or parsed; also the contents of a ``model.json``, whose
            weights are not read. TF.js's and Keras 2's spelling are both understood.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: not JSON, an unknown class or option, a graph with a cycle; the message has what is known.

    Example:
        >>> import jtf
        >>> model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3])])
        >>> jtf.models.model_from_json(model.to_json()).count_params()
        8
    """
    document: Any = described
    if isinstance(described, str):
        try:
            document = json.loads(described)
        except ValueError as error:
            raise ValueError(f"A model's topology is JSON; this is not: {error}") from error
    if not isinstance(document, Mapping):
        raise ValueError(f"A model's topology is a JSON object; received {type(document).__name__}.")
    for outer in ("modelTopology", "model_config"):
        document = document.get(outer, document)
    model = registry.deserialize(document)
    if not hasattr(model, "predict"):
        raise ValueError(f"This describes a {model.class_name} layer, not a model; use jtf.layers.deserialize.")
    return model


#: Where configurations hold the names of layers, at the beginning of a list.
_ADDRESSES = ("inboundNodes", "inputLayers", "outputLayers")
_IDENTIFIER = re.compile("[A-Za-z][A-Za-z0-9_]*")
_REGISTRIES = (registry, initializers.registry, regularizers.registry, constraints.registry)


def in_file_spelling(config: Any, key: str = "", as_it_is: bool = False) -> Any:
    """camelCase keys and identifiers in snake_case; names and class names as they are.

    Of a class of the user's only the names of the options are respelled: what is in them is the user's own.
    """
    if isinstance(config, str):
        return words_in_snake_case(config) if _IDENTIFIER.fullmatch(config) and not as_it_is else config
    if isinstance(config, list):
        is_address = key in _ADDRESSES and bool(config) and isinstance(config[0], str)
        return config[:1] * is_address + [in_file_spelling(item, key, as_it_is) for item in config[int(is_address) :]]
    if not isinstance(config, Mapping):
        return config
    class_name = config.get("className")
    if not isinstance(class_name, str) or "config" not in config:
        if as_it_is:
            return {name: in_file_spelling(value, name, True) for name, value in config.items()}
        return _respelled(config)
    around = _respelled({name: value for name, value in config.items() if name != "config"})
    return around | {"config": _respelled(config["config"] or {}, as_it_is=not _is_of_jtf(class_name))}


def _respelled(config: Mapping[str, Any], as_it_is: bool = False) -> dict[str, Any]:
    return {
        words_in_snake_case(name): value
        if name in ("name", "className") and isinstance(value, str)
        else in_file_spelling(value, name, as_it_is)
        for name, value in config.items()
    }


def _is_of_jtf(class_name: str) -> bool:
    found = [kind.find(class_name) for kind in _REGISTRIES if kind.knows(class_name)]
    return any(cls.__module__.startswith("jtf.") for cls in found)
