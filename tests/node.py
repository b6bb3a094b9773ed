"""Runs the scripts in ``tests/oracle`` with Node, where it and their packages are there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ORACLE = Path(__file__).parent / "oracle"


def node_modules(package: str) -> Path | None:
    """The folder that has an npm package."""
    places = [ORACLE / "node_modules", *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(":")))]
    return next((place for place in places if (place / package).is_dir()), None)


def run_node(script: str, *arguments: object, package: str = "@tensorflow/tfjs", timeout: float = 300) -> str:
    """What a script prints; the test is skipped without Node or the npm package that it needs."""
    modules = node_modules(package)
    if shutil.which("node") is None or modules is None:
        pytest.skip(f"needs Node and {package}: npm install --prefix tests/oracle")
    done = subprocess.run(
        ["node", ORACLE / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | {"NODE_PATH": str(modules)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
