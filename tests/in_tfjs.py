"""Models in the real TF.js: one Node process opens many, predicts, trains and saves them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.node import run_node


def tensor(described: dict[str, Any]) -> np.ndarray:
    return np.array([float(value) for value in described["values"]], np.float32).reshape(described["shape"])


def described(array: Any) -> dict[str, Any]:
    array = np.asarray(array)
    return {"shape": array.shape, "dtype": str(array.dtype), "values": array.ravel().tolist()}


def arrays(given: Any) -> list[np.ndarray]:
    return [np.asarray(each) for each in given] if isinstance(given, list | tuple) else [np.asarray(given)]


def put_case(directory: Path, inputs: Any, targets: Any = None, steps: int = 0) -> None:
    """Say what is to be done with the model in a directory: predict, and before that, if wanted, train."""
    train = None if targets is None else {"targets": [described(y) for y in arrays(targets)], "steps": steps}
    case = {"inputs": [described(x) for x in arrays(inputs)], "train": train}
    (directory / "case.json").write_text(json.dumps(case))


def run_in_tfjs(directory: Path) -> None:
    """Do all that, for each of the directories in this one. Skips the test where Node or TF.js is missing."""
    run_node("open_models.js", directory)


def has_failed(directory: Path) -> bool:
    """Whether TF.js has failed with the model in a directory."""
    return "error" in json.loads((directory / "result.json").read_text())


def results(directory: Path) -> list[np.ndarray]:
    """What TF.js has predicted with the model in a directory."""
    result = json.loads((directory / "result.json").read_text())
    assert "error" not in result, result["error"]
    return [tensor(each) for each in result["outputs"]]


def differs(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> bool:
    """Whether predictions are others than these, by more than 1e-5."""
    if [y.shape for y in found] != [y.shape for y in expected]:
        return True
    return not all(np.allclose(ours, theirs, 1e-5, 1e-5) for ours, theirs in zip(found, expected, strict=True))


def config_in(directory: Path) -> dict[str, Any]:
    """The topology that a directory's file has, without who wrote it."""
    topology = json.loads((directory / "model.json").read_text())["modelTopology"]
    return {name: topology[name] for name in ("class_name", "config")}
