"""Names: TF.js's camelCase and Python's snake_case, automatic layer names, and look-up with a hint.

Example:
    >>> snake_case("fitDataset"), camel_case("use_bias"), snake_case("reLU")
    ('fit_dataset', 'useBias', 'relu')
"""

from __future__ import annotations

import difflib
import functools
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")

#: TF.js names whose Python name is not what `words_in_snake_case` makes of them.
IRREGULAR = {
    "reLU": "relu",
    "leakyReLU": "leaky_relu",
    "pReLU": "prelu",
    "thresholdedReLU": "thresholded_relu",
    "l1l2": "l1_l2",
    "leCunNormal": "lecun_normal",
    "leCunUniform": "lecun_uniform",
    "inputDType": "input_dtype",
}
#: Options and activations that TF.js does not spell in regular camelCase.
_IRREGULAR_CAMEL = {"input_dtype": "inputDType", "gelu_new": "gelu_new"}

_uids: Counter[str] = Counter()
_uids_lock = threading.Lock()


def snake_case(name: str) -> str:
    """The Python spelling of a TF.js name; a name already in snake_case is returned as it is."""
    if name in IRREGULAR:
        return IRREGULAR[name]
    return words_in_snake_case(name)


@functools.lru_cache(maxsize=4096)
def words_in_snake_case(name: str) -> str:
    """TF.js's own rule, with no exceptions: ``ReLU`` becomes ``re_lu``; so layer names and files are spelt."""
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


def camel_case(name: str) -> str:
    """The TF.js spelling of an option or an activation; a name already in camelCase is returned as it is."""
    if name in _IRREGULAR_CAMEL:
        return _IRREGULAR_CAMEL[name]
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def unique_name(class_name: str) -> str:
    """The automatic name of the next layer of a class, as TF.js counts them: ``dense_Dense1``."""
    return f"{words_in_snake_case(class_name)}_{next_uid(class_name)}"


def note(name: str) -> None:
    """Count on from a name that was given, in a file perhaps: after ``dense_Dense7`` comes ``dense_Dense8``."""
    match = re.fullmatch(r"[a-z0-9_]+_([A-Z](?:[A-Za-z0-9]*[A-Za-z])?)([0-9]++)", name)
    if match is None or words_in_snake_case(match[1]) + "_" != name[: match.start(1)]:
        match = re.fullmatch(r"(input|model|sequential_)([0-9]+)", name)
    if match:
        with _uids_lock:
            _uids[match[1]] = max(_uids[match[1]], int(match[2]))


def without_count(name: str) -> str:
    """A layer's or weight's name without the numbers that automatic names end in: ``dense_Dense/kernel``."""
    return "/".join(
        re.sub(r"^([a-z0-9_]+_[A-Z][A-Za-z0-9]*?|Variable_)[0-9]+$", r"\1", part) for part in name.split("/")
    )


def next_uid(prefix: str) -> str:
    """``prefix`` followed by how often it has been asked for in this process."""
    with _uids_lock:
        _uids[prefix] += 1
        return f"{prefix}{_uids[prefix]}"


def nearest(name: object, choices: Iterable[str]) -> str:
    """A hint to put behind an error: `` Did you mean 'adam'?``, or nothing when no choice is near."""
    known = {folded(choice): choice for choice in choices}
    match = difflib.get_close_matches(folded(str(name)), known, n=1, cutoff=0.6)
    return f" Did you mean {known[match[0]]!r}?" if match else ""


def look_up(name: str, table: Mapping[str, T], what: str) -> T:
    """The entry that ``name`` stands for, in either spelling.

    Args:
        name: an identifier such as ``"categoricalCrossentropy"`` or ``"categorical_crossentropy"``.
        table: snake_case names (or class names) to values.
        what: what is looked up, for the message, such as ``"loss"``.

    Raises:
        ValueError: no such name; the message has the nearest one and all choices.
    """
    for candidate in (name, snake_case(name)):
        if candidate in table:
            return table[candidate]
    raise ValueError(f"Unknown {what} {name!r}.{nearest(name, table)} Choices: {', '.join(sorted(table))}.")


def spelling(name: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that is ``name`` up to case and underscores, if there is one."""
    for candidate in (name, snake_case(name)):
        if candidate in names:
            return candidate
    return next((known for known in sorted(names) if folded(known) == folded(name)), None)


def folded(name: str) -> str:
    """A name without what spellings differ in: case and underscores."""
    return name.replace("_", "").lower()
