"""Hundreds of training runs against loops written out in numpy.

A single one: ``python -m tests.search fit NUMBER``.
"""

from __future__ import annotations

import pytest

from tests.search.runs import report

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_in_a_hurry")]

TOGETHER = 10


@pytest.mark.parametrize("first", range(0, 300, TOGETHER))
def test_runs_are_those_of_loops_written_out(first):
    assert not (found := report("fit", first, first + TOGETHER)), found
