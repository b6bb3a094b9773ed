"""Every ``>>>`` in the docstrings of jtf runs and gives what it shows."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import jtf

MODULES = sorted(module.name for module in pkgutil.walk_packages(jtf.__path__, "jtf."))


def examples(name):
    module = importlib.import_module(name)
    return [test for test in doctest.DocTestFinder().find(module, name) if test.examples]


def test_modules_are_found():
    assert {"jtf.variable", "jtf.train.optimizer", "jtf.functional.losses", "jtf.layers.core"} <= set(MODULES)
    assert sum(len(examples(name)) for name in ("jtf.variable", "jtf.naming", "jtf.train.gradients")) > 5


@pytest.mark.parametrize("name", ["jtf", *MODULES])
def test_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some save files
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    output = []
    for test in examples(name):
        jtf.set_seed(0)
        runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)
