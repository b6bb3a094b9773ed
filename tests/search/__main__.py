"""Draws configurations again: ``python -m tests.search FAMILY NUMBER`` or ``FAMILY FIRST:LAST``.

A family is one of layers (or ``all`` of them), or ``fit``, ``objectives``, ``optimizers``, ``shared``, ``adadelta``.
"""

import sys
import time

import jax

from tests.search.case import check
from tests.search.families import FAMILIES, drawn
from tests.search.runs import RUNS, report

jax.config.update("jax_disable_most_optimizations", True)
kind, (first, _, last) = sys.argv[1], sys.argv[2].partition(":")
numbers = int(first), int(last or int(first) + 1)
for family in FAMILIES if kind == "all" else [kind]:
    began = time.process_time()
    try:
        if family in RUNS:
            found = report(family, *numbers)
        else:
            cases = drawn(family, *numbers)
            if len(cases) == 1:
                print(cases[0][2].text)
            check(cases)
            found = ""
    except AssertionError as error:
        found = str(error)
    print(f"{family}: {found or 'equal'} ({time.process_time() - began:.1f} s)", flush=True)
