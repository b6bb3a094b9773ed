"""How much longer than ``import jax, optax`` is ``import jtf``?

    python tests/benchmarks/import_time.py

Fresh processes in alternation, so that a busy machine slows both down; medians of nine. The modules are compiled, as
they are where a package was installed, whatever PYTHONDONTWRITEBYTECODE says here.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 9
STATEMENTS = ("import jax, optax", "import jtf")


def seconds(statement: str, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
    return time.perf_counter() - start


def main(compiled: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = compiled
    for statement in STATEMENTS:
        seconds(statement, environment)  # compiles the files, and reads them for the first time
    measured: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(ROUNDS):
        for statement in STATEMENTS:
            measured[statement].append(seconds(statement, environment))
    medians = {statement: statistics.median(times) for statement, times in measured.items()}
    for statement, median in medians.items():
        low, high = min(measured[statement]), max(measured[statement])
        print(f"{statement:20} {median:.3f} s  ({low:.3f} to {high:.3f})")
    print(f"{'difference':20} {medians[STATEMENTS[1]] - medians[STATEMENTS[0]]:.3f} s")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(directory)
