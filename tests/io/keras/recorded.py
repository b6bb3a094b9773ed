"""What was recorded from Keras: see ``tests/oracle/record_keras.py``."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DIRECTORY = Path(__file__).parents[2] / "data" / "keras"
RECORDED = sorted(DIRECTORY.glob("keras-*.zip"))
NEWEST = RECORDED[-1]


def names(archive: Path, begin: str = "") -> list[str]:
    """The models in an archive: ``dense.keras``, ``dense.h5``."""
    with zipfile.ZipFile(archive) as file:
        return [name for name in file.namelist() if not name.endswith(".npz") and name.startswith(begin)]


def extracted(archive: Path, name: str, directory: Path) -> Path:
    with zipfile.ZipFile(archive) as file:
        return Path(file.extract(name, directory))


def expected(archive: Path, name: str) -> dict[str, list[np.ndarray]]:
    """The arrays that belong to a model, by the letter of their names."""
    with zipfile.ZipFile(archive) as file:
        stored = np.load(io.BytesIO(file.read(f"{name.partition('.')[0]}.npz")))
    numbered = {letter: [stored[key] for key in sorted(stored) if key[0] == letter and key[1:]] for letter in "xyp"}
    return numbered | {"batches": stored.get("x")}


def changed(
    name: str, directory: Path, change: Callable[[Any], Any], entry: str = "config.json", archive: Path = NEWEST
) -> Path:
    """A ``.keras`` file in which the JSON of an entry, or its bytes, are others."""
    path = directory / name
    original = extracted(archive, name, directory / "original").read_bytes()
    with zipfile.ZipFile(io.BytesIO(original)) as source, zipfile.ZipFile(path, "w") as copy:
        for each in source.namelist():
            data = source.read(each)
            if each == entry and entry.endswith(".json"):
                document = json.loads(data)
                result = change(document)
                data = json.dumps(document if result is None else result).encode()
            elif each == entry:
                data = change(data)
            copy.writestr(each, data)
    return path


def predicted(model: Any, xs: list[np.ndarray]) -> list[np.ndarray]:
    outputs = model.predict(xs if len(xs) > 1 else xs[0])
    return [np.asarray(each) for each in (outputs if isinstance(outputs, list) else [outputs])]
