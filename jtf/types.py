"""The types that the whole package speaks in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
from jax.typing import ArrayLike as ArrayLike
from jax.typing import DTypeLike as DTypeLike

Array: TypeAlias = jax.Array
PyTree: TypeAlias = Any
#: Numbers in any form that makes an array: arrays, scalars, nested lists.
Values: TypeAlias = ArrayLike | Sequence[Any]
#: A static shape; ``None`` marks a dimension that is not known yet (the batch, usually).
Shape: TypeAlias = tuple[int | None, ...]
#: What users may write for a shape.
ShapeLike: TypeAlias = Sequence[int | None]
