"""What TF.js 4.22 cannot open, or computes otherwise."""

from typing import Any


def refuse_what_tfjs_cannot_open(model: Any) -> None:
    pass
