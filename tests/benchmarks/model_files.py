"""Saving and opening a large model, against writing and reading the same bytes with numpy.

Run: python tests/benchmarks/model_files.py [MEGABYTES]

Prints seconds (median of the rounds), and the ratio of each to numpy's in the same round (median, and the range). The
disk's cache decides as much as the program; so the two take turns.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

import jtf

ROUNDS = 7


def timed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main(megabytes: int) -> None:
    width = round((megabytes * 2**20 / 4 / 8) ** 0.5)
    layers = [jtf.layers.dense(units=width, input_shape=[width], kernel_initializer="zeros") for _ in range(8)]
    model = jtf.sequential(layers)
    for weight in model.weights:
        weight.assign(np.random.default_rng(0).normal(size=weight.shape).astype(np.float32))
    arrays = [np.asarray(weight) for weight in model.weights]
    with tempfile.TemporaryDirectory() as directory:
        place, plain = Path(directory) / "model", Path(directory) / "plain"

        def write_plainly():
            with plain.open("wb") as file:
                for array in arrays:
                    array.tofile(file)
                file.flush()
                os.fsync(file.fileno())

        def read_plainly():
            with plain.open("rb") as file:
                jax.block_until_ready([jax.numpy.array(np.fromfile(file, np.float32, a.size)) for a in arrays])

        def open_model():
            jax.block_until_ready([w.read() for w in jtf.load_layers_model(place).weights])

        pairs = {
            "save": (lambda: model.save(place), write_plainly),
            "save, uint8": (lambda: model.save(place.with_name("small"), dtype="uint8"), write_plainly),
            "open": (open_model, read_plainly),
        }
        print(f"{sum(a.nbytes for a in arrays) / 2**20:.0f} MiB in {len(arrays)} weights, {ROUNDS} rounds")
        for name, (ours, plainly) in pairs.items():
            rounds = [(timed(plainly), timed(ours)) for _ in range(ROUNDS + 1)][1:]
            ratios = [b / a for a, b in rounds]
            print(
                f"{name:<12} jtf {statistics.median(b for _, b in rounds):.3f} s, "
                f"numpy {statistics.median(a for a, _ in rounds):.3f} s, "
                f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 256)
