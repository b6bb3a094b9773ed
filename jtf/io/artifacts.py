"""`ModelArtifacts`: what a saved model consists of, wherever it is kept; and the ``model.json`` that says so.

References:
    TF.js: tfjs-core/src/io/types.ts (ModelArtifacts, ModelJSON)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jtf.io.buffers import Pieces
from jtf.io.errors import ModelFormatError
from jtf.io.manifest import WeightSpec, check_size, checked_specs
from jtf.version import __version__

FORMAT = "layers-model"
GENERATED_BY = f"jtf {__version__}"

#: From the path of a file of weights, and how many bytes it has at most, to its bytes.
ReadShard = Callable[[str, int], Any]


@dataclass(frozen=True)
class ModelArtifacts:
    """A saved model in memory, as handlers receive it to keep it and return it to be opened.

    Attributes:
        model_topology: the layers and how they are connected.
        weight_specs: names, shapes and dtypes of the weights, in the order of their bytes; None if there are none.
        weights: their bytes, in as many pieces as they came in; `weight_data` has them in one.
        training_config: the loss, metrics and optimizer, if they were saved.
        user_defined_metadata: whatever the model's maker wanted to go with it.
        generated_by, converted_by: which programs have made it.
        source: where it comes from, for messages.
    """

    model_topology: Mapping[str, Any] = field(repr=False)
    weight_specs: Sequence[WeightSpec] | None = field(default=None, repr=False)
    weights: Pieces = field(default_factory=lambda: Pieces([]))
    training_config: Mapping[str, Any] | None = None
    user_defined_metadata: Mapping[str, Any] | None = None
    generated_by: str | None = GENERATED_BY
    converted_by: str | None = None
    source: str = "the model"

    @property
    def weight_data(self) -> bytes:
        """The weights' bytes in one piece."""
        return bytes(self.weights[:])

    def document(self, paths: Sequence[str]) -> dict[str, Any]:
        """The contents of the ``model.json`` for weights that lie in files of these paths."""
        optional = {"trainingConfig": self.training_config, "userDefinedMetadata": self.user_defined_metadata}
        specs = None if self.weight_specs is None else [spec.as_json() for spec in self.weight_specs]
        return {
            "modelTopology": self.model_topology,
            "format": FORMAT,
            "generatedBy": self.generated_by,
            "convertedBy": self.converted_by,
            **({} if specs is None else {"weightsManifest": [{"paths": list(paths), "weights": specs}]}),
            **{key: value for key, value in optional.items() if value is not None},
        }


class SaveHandler(Protocol):
    """Keeps a model somewhere."""

    def save(self, artifacts: ModelArtifacts) -> Any:
        """Keep it."""


class LoadHandler(Protocol):
    """Brings a model from somewhere."""

    def load(self) -> ModelArtifacts | Mapping[str, Any]:
        """Bring it: as `ModelArtifacts`, or as a dict with TF.js's names (see `from_document`)."""


def from_document(document: Any, source: str | os.PathLike[str], read_shard: ReadShard) -> ModelArtifacts:
    """The artifacts that a ``model.json`` describes.

    Args:
        document: the parsed JSON. In place of the manifest it may have ``weightSpecs`` and ``weightData``, as TF.js
            has models in memory; it may also be the topology alone.
        source: where it comes from, for messages.
        read_shard: reads the files that the manifest names.

    Raises:
        ModelFormatError: it is no such document, or its weights are not what it says.
    """
    source = os.fspath(source)
    if not isinstance(document, Mapping):
        raise ModelFormatError(source, "the document", "a JSON object", _kind(document))
    if document.get("format") == "graph-model":
        raise ModelFormatError(
            source,
            "format",
            "'layers-model'",
            "'graph-model': the operations of a TensorFlow program, not layers. Convert the Keras model that it was "
            "made of (jtf convert model.keras ...)",
        )
    topology = document.get("modelTopology", document if "class_name" in document else None)
    if not isinstance(topology, Mapping):
        raise ModelFormatError(source, "modelTopology", "an object that describes layers", _kind(topology))
    specs, weights = _weights(document, source, read_shard)
    for key in ("trainingConfig", "userDefinedMetadata"):
        if not isinstance(document.get(key), Mapping | None):
            raise ModelFormatError(source, key, "an object", _kind(document[key]))
    return ModelArtifacts(
        topology,
        specs,
        weights,
        document.get("trainingConfig"),
        document.get("userDefinedMetadata"),
        document.get("generatedBy"),
        document.get("convertedBy"),
        source,
    )


def _weights(document: Mapping[str, Any], source: str, read_shard: ReadShard) -> tuple[list[WeightSpec] | None, Pieces]:
    if document.get("weightSpecs") is not None:
        data = document.get("weightData")
        parts: list[Any] = list(data) if isinstance(data, list | tuple) else [data]
        if not all(isinstance(part, bytes | bytearray | memoryview) for part in parts):
            raise ModelFormatError(source, "weightData", "bytes, or a list of bytes", _kind(data))
        pieces, specs = Pieces(parts), checked_specs(document["weightSpecs"], source)
        check_size(specs, len(pieces), source, "weightData")
        return specs, pieces
    if document.get("weightsManifest") is None:
        return None, Pieces([])
    specs = []
    shards: list[Any] = []
    seen: set[str] = set()
    for number, group in enumerate(_list(document["weightsManifest"], source, "weightsManifest")):
        entry = f"weightsManifest[{number}]"
        if not isinstance(group, Mapping):
            raise ModelFormatError(source, entry, "an object with 'paths' and 'weights'", _kind(group))
        of_group = checked_specs(group.get("weights"), source)
        left, read = sum(spec.bytes for spec in of_group), []
        for path in _list(group.get("paths"), source, entry + ".paths"):
            read.append(read_shard(_path(path, seen, source, entry), left))
            left -= len(read[-1])
        check_size(of_group, sum(map(len, read)), source, ", ".join(group["paths"]))
        specs += of_group
        shards += read
    return specs, Pieces(shards)


def _path(path: Any, seen: set[str], source: str, entry: str) -> str:
    if not isinstance(path, str):
        raise ModelFormatError(source, entry + ".paths", "names of files", _kind(path))
    if path in seen:
        raise ModelFormatError(source, entry + ".paths", "each file once", f"{path!r} again")
    seen.add(path)
    return path


def _list(value: Any, source: str, entry: str) -> list[Any]:
    if not isinstance(value, list):
        raise ModelFormatError(source, entry, "a list", _kind(value))
    return value


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:60]!r}"
