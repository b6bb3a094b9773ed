"""What the commands on model files share: opening whatever kind of file it is, and saying what went wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

import jtf
from jtf.io.handlers import is_keras_file

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def opened(path: str) -> Any:
    """The model at a path: a directory or file of TF.js's, a zip or safetensors file, or one of Keras's."""
    if is_keras_file(path):
        return jtf.load_keras_model(path)
    with tqdm(total=100, desc=f"Reading {path}", unit="%", leave=False, disable=not sys.stderr.isatty()) as bar:
        return jtf.load_layers_model(path, on_progress=lambda fraction: bar.update(int(100 * fraction) - bar.n))


#: What a command came to, and a function that prints it for people.
Answer = tuple[dict[str, Any], Callable[[], None]]


def answered(is_json: bool, answer: Callable[[], Answer]) -> int:
    """Print what a command has to say: for people, or all of it as JSON; and what went wrong likewise.

    Args:
        is_json: whether to print JSON.
        answer: does the work.

    Returns:
        The exit code.
    """
    try:
        result, show = answer()
    except (OSError, ValueError, ImportError) as error:
        if is_json:
            print(json.dumps({"error": str(error), "kind": type(error).__name__}))
        else:
            print(f"jtf: {error}", file=sys.stderr)
        return 1
    if is_json:
        print(json.dumps(result, indent=2))
    else:
        show()
    return 0


def size_in_words(count: int) -> str:
    """Bytes as people read them.

    Example:
        >>> size_in_words(101770), size_in_words(12)
        ('101.8 kB', '12 bytes')
    """
    size, unit = float(count), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{count} bytes"
