"""The cases that ``tests/oracle/record_functions.js`` recorded from TensorFlow.js."""

from __future__ import annotations

from typing import Any

from tests.corpus import cases

_CASES = cases("tfjs_functions.json.gz")


def recorded(kind: str) -> list[dict[str, Any]]:
    """The cases of one kind; a kind without any is a mistake in the test."""
    found = [case for case in _CASES if case["kind"] == kind]
    assert found, f"no recorded case of kind {kind!r}"
    return found


def case_id(case: dict[str, Any]) -> str:
    return case["id"]
