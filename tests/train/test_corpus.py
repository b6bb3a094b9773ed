"""The optimizer cases of TF.js's own unit tests, once through `apply_gradients`.

Cases that begin with slots of their own are replayed with the pure functions only, where slots can be put in
(tests/functional/test_corpus.py).
"""

from __future__ import annotations

import numpy as np
import pytest

import jtf
from jtf.naming import snake_case
from tests.corpus import cases

#: Without Adadelta: TensorFlow.js divides by the average before the step, and diverges.
CASES = [case for case in cases("corpus_optimizers.jsonl.gz") if case["className"] != "Adadelta"]


def has_slots(case):
    return any(isinstance(slot, list) for slot in case["initialSlots"].values())


def replay(case):
    config = {snake_case(name): value for name, value in case["config"].items()}
    optimizer = getattr(jtf.train, case["className"])(**config)
    variables = {}
    for step in case["steps"]:
        for v in step["vars"]:
            if v["name"] not in variables:
                # Equal names let cases of equal shapes share a compilation.
                variables[v["name"]] = jtf.variable(v["before"], name=f"v{len(variables)}")
            variables[v["name"]].assign(v["before"])  # a test may have set it
        optimizer.apply_gradients([(variables[v["name"]], v["grad"]) for v in step["vars"]])
        for v in step["vars"]:
            np.testing.assert_allclose(variables[v["name"]], v["after"], rtol=1e-6, atol=1e-7, err_msg=case["id"])
    assert optimizer.iterations == len(case["steps"])


def test_what_is_left_out():
    left_out = [case for case in CASES if has_slots(case)]
    assert {case["className"] for case in left_out} == {"Adam", "Momentum"}
    assert len(left_out) == 4


@pytest.mark.parametrize("case", [case for case in CASES if not has_slots(case)], ids=lambda case: case["id"])
def test_recorded_steps(case):
    replay(case)
