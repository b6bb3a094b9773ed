"""Layers and models out of recorded cases."""

from __future__ import annotations

from typing import Any

import pytest

import jtf


def layer_of(case: dict[str, Any]) -> jtf.layers.Layer:
    """The layer or model that a case was recorded with, without its weights."""
    described = case.get("topology") or {"className": case["className"], "config": case["config"]}
    return jtf.layers.deserialize(described)


def shapes_of(recorded: Any) -> Any:
    """A shape, or a list of them: a list of numbers is one shape."""
    if any(isinstance(item, list) for item in recorded):
        return [shapes_of(item) for item in recorded]
    return tuple(recorded)


def params(cases: list[dict[str, Any]], left_out: dict[str, str]) -> list[Any]:
    """The cases to run, by id; an id that is left out must exist."""
    ids = [case["id"] for case in cases]
    assert len(set(ids)) == len(ids)
    assert left_out.keys() <= set(ids), left_out.keys() - set(ids)
    return [pytest.param(case, id=case["id"]) for case in cases if case["id"] not in left_out]
