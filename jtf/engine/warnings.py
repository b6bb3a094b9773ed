"""Warnings that point to the user's own line: the call of `fit`, whatever lies between."""

from __future__ import annotations

import sys
import warnings

#: Modules whose calls are not the user's: jtf's own, and those that jtf's steps are called through.
_BETWEEN = ("jtf.", "jax.", "contextlib.")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the first frame that is neither in jtf nor in what its steps are called through."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(_BETWEEN):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
