"""What TF.js's own test-suite saved, recorded: opened and saved again it is the same, byte by byte."""

from __future__ import annotations

import base64

import pytest

import jtf
from jtf.io.topology import topology
from tests.corpus import cases

CASES = cases("corpus_serialization.jsonl.gz")
SAVED = [case for case in CASES if case["what"] == "save"]
AS_JSON = [case for case in CASES if case["what"] == "toJSON"]


def described(case):
    return f"{case['className']}-{case['id']}"


def test_there_are_cases_with_and_without_an_optimizer():
    assert len(SAVED) + len(AS_JSON) == 29
    assert {bool((case["saveConfig"] or {}).get("includeOptimizer")) for case in SAVED} == {True, False}


@pytest.mark.parametrize("case", AS_JSON, ids=described)
def test_a_topology_comes_back(case):
    again = topology(jtf.models.model_from_json(case["json"]))
    assert (again["class_name"], again["config"]) == (case["json"]["class_name"], case["json"]["config"])


@pytest.mark.parametrize("case", SAVED, ids=described)
def test_a_saved_model_comes_back(case):
    data = base64.b64decode(case["weightData"])
    model = jtf.load_layers_model({**case, "weightData": data})
    wants_optimizer = bool((case["saveConfig"] or {}).get("includeOptimizer"))
    kept = []
    model.save(jtf.io.with_save_handler(kept.append), include_optimizer=wants_optimizer)
    (artifacts,) = kept
    assert artifacts.model_topology["config"] == case["modelTopology"]["config"]
    assert [spec.as_json() for spec in artifacts.weight_specs] == case["weightSpecs"]
    assert artifacts.weight_data == data
    assert artifacts.training_config == case.get("trainingConfig")
