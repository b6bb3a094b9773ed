"""Lower storeys never import higher ones; the imports are read from the sources."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import jtf

PACKAGE = Path(jtf.__file__).parent

#: From the ground up. A module imports from the storeys below it, and a package from within itself.
STOREYS = [
    "types version naming",
    "options",
    "functional random datasets tracing binding",  # pure functions, and what everybody needs
    "monitors hints",
    "missing",
    "activations losses variable callbacks data",
    "configurable freezing",
    "initializers regularizers constraints printing progress vis train",
    "layers",
    "engine",
    "io",
    "models",
    "jtf",  # the public names
    "cli",
    "__main__",
]
STOREY = {name: number for number, names in enumerate(STOREYS) for name in names.split()}


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "jtf" if parts == ("__init__",) else parts[0]


def imports(source):
    """The parts of jtf that a source imports anywhere in it, in functions, too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"jtf.{alias.name}" for alias in node.names} if node.module == "jtf" else {node.module}
    return {name.split(".")[1] if "." in name else name for name in found if name.split(".")[0] == "jtf"}


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    own = name_of(path)
    assert own in STOREY, f"give {own!r} a storey"
    for name in imports(path.read_text()):
        if name == "__version__":
            name = "jtf"
        assert name in STOREY, f"give {name!r} a storey"
        assert name == own or STOREY[name] < STOREY[own], f"{own} imports {name}, which is not below it"


def test_every_storey_exists():
    assert set(STOREY) == {name_of(path) for path in SOURCES}


def test_the_pure_functions_know_nothing_of_the_rest():
    assert set().union(*(imports(path.read_text()) for path in SOURCES if name_of(path) == "functional")) <= {
        "functional",
        "options",
        "types",
    }


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import jtf", {"jtf"}),
        ("import jtf.engine.loop as loop", {"engine"}),
        ("from jtf import models, train", {"models", "train"}),
        ("from jtf.layers.base import Layer", {"layers"}),
        ("def f():\n    from jtf.models import x", {"models"}),
        ("import jax\nfrom jtfoo import y", set()),
    ],
)
def test_imports_are_found(source, found):
    assert imports(source) == found
