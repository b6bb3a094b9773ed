"""Drawing options, shapes and arrays."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


class Draw:
    """What is drawn for one configuration.

    Args:
        family: the name of what is searched.
        number: of the configuration; equal ones draw the same.
    """

    def __init__(self, family: str, number: int) -> None:
        self.rng = np.random.default_rng((zlib.crc32(family.encode()), number))

    def one(self, *choices: Any) -> Any:
        return choices[self.rng.integers(len(choices))]

    def some(self, *choices: Any) -> list[Any]:
        """Each of the choices or not."""
        return [choice for choice in choices if self.chance()]

    def chance(self, probability: float = 0.5) -> bool:
        return bool(self.rng.random() < probability)

    def whole(self, low: int, high: int) -> int:
        """An integer, ``high`` included."""
        return int(self.rng.integers(low, high + 1))

    def sizes(self, count: int, low: int, high: int) -> list[int]:
        return [self.whole(low, high) for _ in range(count)]

    def order(self, count: int) -> list[int]:
        """The integers below ``count`` in some order."""
        return [int(i) for i in self.rng.permutation(count)]

    def shuffled(self, letters: str) -> str:
        return "".join(letters[i] for i in self.order(len(letters)))

    def number(self, low: float, high: float) -> float:
        """With few digits, since it is printed."""
        return round(float(self.rng.uniform(low, high)), 3)

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * self.rng.normal(size=shape)).astype(np.float32)

    def positive(self, *shape: int) -> np.ndarray:
        return self.rng.uniform(0.3, 2.0, shape).astype(np.float32)

    def integers(self, below: int, *shape: int) -> np.ndarray:
        return self.rng.integers(0, below, shape).astype(np.int32)

    def bools(self, *shape: int) -> np.ndarray:
        return self.rng.random(shape) < 0.7
