"""What runs, whole trainings and sequences of updates, are compared one by one."""

from __future__ import annotations

from collections.abc import Callable

from tests.search import minimizing, objectives
from tests.search.fit import runs as training

#: Each takes a number, and says in words what differs.
RUNS: dict[str, Callable[[int], list[str]]] = {
    "fit": training.run,
    "objectives": objectives.run,
    "optimizers": minimizing.run,
    "shared": minimizing.shared,
    "adadelta": minimizing.adadelta,
}


def report(kind: str, first: int, last: int) -> str:
    """What differs in the runs with these numbers, ``last`` excluded, and how to see each alone."""
    lines = []
    for number in range(first, last):
        try:
            found = RUNS[kind](number)
        except Exception as error:
            error.add_note(f"alone: python -m tests.search {kind} {number}")
            raise
        if found:
            lines += [f"{kind} {number}: {found[0]}", *found[1:], f"    alone: python -m tests.search {kind} {number}"]
    return "\n".join(lines)
