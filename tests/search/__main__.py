"""Draws configurations again: ``python -m tests.search FAMILY NUMBER`` or ``FAMILY FIRST:LAST``."""

import sys
import time

from tests.search.case import check
from tests.search.families import FAMILIES, drawn

families = FAMILIES if sys.argv[1] == "all" else [sys.argv[1]]
first, _, last = sys.argv[2].partition(":")
for family in families:
    began = time.process_time()
    cases = drawn(family, int(first), int(last or int(first) + 1))
    made = time.process_time()
    if len(cases) == 1:
        print(cases[0][2].text)
    try:
        check(cases)
        print(f"{family}: equal", end=" ")
    except AssertionError as error:
        print(error)
    print(f"{made - began:.1f} s to draw, {time.process_time() - made:.1f} s to compare")
