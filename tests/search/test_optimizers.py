"""Random optimizers over thirty updates each, against their formulas in numpy.

A single one: ``python -m tests.search optimizers NUMBER``.
"""

from __future__ import annotations

import pytest

from tests.search.runs import report

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_in_a_hurry")]

TOGETHER = 10


@pytest.mark.parametrize("first", range(0, 100, TOGETHER))
def test_updates_are_those_of_the_formulas(first):
    assert not (found := report("optimizers", first, first + TOGETHER)), found


@pytest.mark.parametrize("first", range(0, 20, TOGETHER))
def test_two_models_can_share_an_optimizer(first):
    assert not (found := report("shared", first, first + TOGETHER)), found


def test_adadelta_is_that_of_the_paper():
    assert not (found := report("adadelta", 0, TOGETHER)), found
