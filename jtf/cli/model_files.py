"""What the commands on model files share: opening whatever kind of file it is, and saying what went wrong."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

import jtf
from jtf.io.handlers import is_keras_file, load_handler
from jtf.io.manifest import WeightSpec, stored
from jtf.io.optimizer_state import GROUP

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def opened(path: str) -> tuple[Any, list[WeightSpec]]:
    """The model at a path: a directory or file of TF.js's, a zip or safetensors file, or one of Keras's.

    Returns:
        The model, and the weights that the file holds, as it holds them.
    """
    if is_keras_file(path):
        model = jtf.load_keras_model(path)
        return model, [stored(weight.name, np.asarray(weight)).spec for weight in model.weights]
    artifacts: Any = load_handler(path, None).load()
    specs = artifacts.weight_specs or ()
    with tqdm(total=100, desc=f"Reading {path}", unit="%", leave=False, disable=not sys.stderr.isatty()) as bar:
        model = jtf.load_layers_model(artifacts, on_progress=lambda fraction: bar.update(int(100 * fraction) - bar.n))
    return model, [spec for spec in specs if spec.group != GROUP]


#: How options of Python are called here.
_OPTIONS = {
    "overwrite=True": "--overwrite",
    "target='jtf'": "--for-jtf",
    "include_optimizer": "--include-optimizer",
    "shard_bytes": "--shard-bytes",
}


def in_options(said: Warning | Exception | str) -> str:
    """What an error or a warning says, with the options as they are called on the command line.

    Example:
        >>> in_options(ValueError("Choose another path, or overwrite=True."))
        'Choose another path, or --overwrite.'
    """
    text = str(said) or type(said).__name__
    if isinstance(said, Exception) and not isinstance(said, OSError | ValueError | ImportError | Warning):
        text = f"{type(said).__name__}: {text}"
    for python, option in _OPTIONS.items():
        text = text.replace(python, option)
    return re.sub(r"dtype=\{(.*?)\}", lambda found: re.sub(r"'(.*?)': '(.*?)',?", r"--dtype '\1=\2'", found[1]), text)


#: What a command came to, and a function that prints it for people.
Answer = tuple[dict[str, Any], Callable[[], None]]


def answered(is_json: bool, answer: Callable[[], Answer]) -> int:
    """Print what a command has to say: for people, or all of it as JSON, and then also what went wrong.

    Args:
        is_json: whether to print JSON.
        answer: does the work.

    Returns:
        The exit code.

    Raises:
        Exception: what went wrong, if it is for people.
    """
    if not is_json:
        _, show = answer()
        show()
        return 0
    try:
        result, _ = answer()
    except Exception as error:
        print(json.dumps({"error": in_options(error), "kind": type(error).__name__}))
        return 1
    print(json.dumps(result, indent=2))
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
