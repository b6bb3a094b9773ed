"""Thousands of configurations of layers, forward and backward, against Keras or a formula in numpy.

To search further: ``python -m tests.search all 1000:2000``.
"""

from __future__ import annotations

import pytest

from tests.search.case import check
from tests.search.families import FAMILIES, drawn

pytestmark = pytest.mark.slow

TOGETHER = 25


@pytest.mark.parametrize(
    ("family", "first"),
    [(family, first) for family, (_, count) in FAMILIES.items() for first in range(0, count, TOGETHER)],
)
def test_layers_compute_what_another_computation_does(family, first):
    check(drawn(family, first, first + TOGETHER))
