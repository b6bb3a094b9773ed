"""How much longer than ``import jax, optax`` is ``import jtf``?

    python tests/benchmarks/import_time.py

Fresh processes in alternation, so that a busy machine slows both down; medians of nine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 9
STATEMENTS = ("import jax, optax", "import jtf")


def seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    for statement in STATEMENTS:
        seconds(statement)  # reads the files for the first time
    measured: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(ROUNDS):
        for statement in STATEMENTS:
            measured[statement].append(seconds(statement))
    medians = {statement: statistics.median(times) for statement, times in measured.items()}
    for statement, median in medians.items():
        low, high = min(measured[statement]), max(measured[statement])
        print(f"{statement:20} {median:.3f} s  ({low:.3f} to {high:.3f})")
    print(f"{'difference':20} {medians[STATEMENTS[1]] - medians[STATEMENTS[0]]:.3f} s")


if __name__ == "__main__":
    main()
