"""A model in a safetensors file: the weights as tensors, the topology in the file's metadata.

Every program that reads safetensors reads the weights. The format is a length, a JSON header and the bytes; it is read
and written by the package of that name.

References:
    https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from jtf.io.artifacts import ModelArtifacts
from jtf.io.atomic import check_writable, replacing, sync_directory
from jtf.io.buffers import Pieces
from jtf.io.directory import as_json, parsed_json
from jtf.io.errors import ModelFormatError
from jtf.io.manifest import DTYPES, StoredWeight, arrays, stored

_TOPOLOGY, _ORDER, _METADATA = "jtf.model_topology", "jtf.order", "jtf.user_defined_metadata"


class SafetensorsFile:
    """Keeps a model in a safetensors file. What belongs to training is not kept.

    Args:
        path: of the file.
        overwrite: whether to replace a file that is no saved model.
    """

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        self.path, self.overwrite = path, overwrite

    def save(self, artifacts: ModelArtifacts) -> None:
        """Write the file; one that is there is replaced when the new one is complete.

        Raises:
            ValueError: two weights have one name.
            FileExistsError: there is a file that is no saved model.
        """
        self.check()
        specs = list(artifacts.weight_specs or [])
        weights = [
            weight
            for weight in map(StoredWeight, specs, arrays(specs, artifacts.weights))
            if weight.spec.group is None  # and not the optimizer's
        ]
        tensors = {weight.spec.name: np.array(weight.values) for weight in weights}
        if len(tensors) != len(weights):
            raise ValueError("Two weights have one name, which a safetensors file cannot hold. Rename the layers.")
        metadata = {
            _TOPOLOGY: as_json(artifacts.model_topology).decode(),
            _METADATA: as_json(artifacts.user_defined_metadata).decode(),
            _ORDER: json.dumps(list(tensors)),
        }
        data = _safetensors().numpy.save(tensors, metadata)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as file:
            file.write(data)
        sync_directory(self.path.parent)

    def check(self) -> None:
        """See whether a model can be saved here; changes nothing.

        Raises:
            FileExistsError: there is something else than a saved model.
            OSError: nothing can be written there.
            ImportError: the package safetensors is missing.
        """
        _safetensors()
        if self.path.is_dir():
            raise FileExistsError(f"{self.path} is a directory. Choose another path.")
        if self.path.exists() and not self.overwrite and _TOPOLOGY not in _metadata(self.path):
            raise FileExistsError(
                f"{self.path} exists and is no model that jtf has saved. Choose another path, or overwrite=True."
            )
        check_writable(self.path.parent)

    def load(self) -> ModelArtifacts:
        """Open the model.

        Raises:
            FileNotFoundError: there is no such file.
            ModelFormatError: it is not what it should be.
        """
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no model at {self.path}.")
        metadata, tensors = _opened(self.path)
        topology = parsed_json(metadata.get(_TOPOLOGY, "{}"), self.path)
        order = parsed_json(metadata.get(_ORDER, "[]"), self.path)
        if not isinstance(order, list) or sorted(map(str, order)) != sorted(tensors):
            order = list(tensors)
        weights = [stored(name, tensors[name]) for name in order]
        own = parsed_json(metadata.get(_METADATA, "null"), self.path)
        return ModelArtifacts(
            topology if isinstance(topology, dict) else {},
            [w.spec for w in weights],
            Pieces(w.array for w in weights),
            user_defined_metadata=own if isinstance(own, dict) else None,
            source=str(self.path),
        )


def _metadata(path: Path) -> dict[str, str]:
    """What a file says beside its tensors; nothing where it is no safetensors file."""
    try:
        with _safetensors().safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except Exception:  # the package has one error of its own, and raises others as well
        return {}


def _opened(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    safe_open = _safetensors().safe_open
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except Exception as error:  # the package has one error of its own, and raises others as well
        raise ModelFormatError(path, "the file", "a safetensors file", str(error)) from error
    for name, tensor in tensors.items():
        if tensor.dtype.name not in (*DTYPES, "float16", "bfloat16"):
            raise ModelFormatError(path, f"tensor {name!r}", " or ".join(DTYPES), tensor.dtype.name)
    return metadata, tensors


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError("Files of this kind need the package safetensors: pip install 'jtf[safetensors]'") from error
    return safetensors
