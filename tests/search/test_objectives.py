"""Losses and metrics of random objectives, 500 of them: over ragged batches, with weights and masks.

One alone: ``python -m tests.search objectives 123``.
"""

from __future__ import annotations

import pytest

from tests.search.runs import report

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("first", range(0, 500, 50))
def test_objectives_measure_what_formulas_do(first):
    found = report("objectives", first, first + 50)
    assert not found, found
