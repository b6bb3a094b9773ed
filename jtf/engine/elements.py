"""What a dataset for training yields, and passes over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jtf.naming import nearest, snake_case

#: Under which keys a batch has its parts: TF.js's first, then those of `fit`'s arguments.
_KEYS = {"xs": ("xs", "x"), "ys": ("ys", "y"), "weights": ("weights", "sample_weight", "sample_weights")}
_FORMS = "{'xs': ..., 'ys': ...} (and perhaps 'weights') or tuples (xs, ys) or (xs, ys, weights)"


class Element(NamedTuple):
    """One element of a dataset: inputs, targets and sample weights, unchecked."""

    xs: Any
    ys: Any
    weights: Any = None


def unpack(element: Any) -> Element:
    """Inputs, targets and sample weights out of what a dataset yields.

    Args:
        element: ``{"xs": ..., "ys": ...}`` (optionally ``"weights"``), with `fit`'s names ``{"x": ..., "y": ...}``
            (optionally ``"sample_weight"``), or a tuple or list ``(xs, ys)`` or ``(xs, ys, weights)``.

    Raises:
        ValueError: neither of these, or a dict with further keys.
    """
    if is_batch(element):
        found: dict[str, Any] = {}
        for key, value in element.items():
            part = _part(key)
            if part is None:
                choices = [name for names in _KEYS.values() for name in names]
                raise ValueError(
                    f"A batch has no part {key!r}.{nearest(key, choices)} A dataset for training yields batches "
                    f"{_FORMS}."
                )
            if part in found:
                raise ValueError(f"A batch has its {part!r} twice, as {' and as '.join(_given(element, part))}.")
            found[part] = value
        return Element(**found)
    if isinstance(element, tuple | list) and len(element) in (2, 3):
        return Element(*element)
    if isinstance(element, Mapping):
        received = f"a dict with the keys {list(element)}"
    elif isinstance(element, tuple | list):
        received = f"{type(element).__name__} of {len(element)}"
    else:
        received = type(element).__name__
    raise ValueError(
        f"A dataset for training yields batches {_FORMS}; received {received}. "
        "jtf.data.zip({'xs': xs, 'ys': ys}).batch(32) makes such a dataset."
    )


def is_batch(element: Any) -> bool:
    """Whether it is a dict with inputs and targets."""
    return isinstance(element, Mapping) and {"xs", "ys"} <= {_part(key) for key in element}


def fresh_iterator(dataset: Any) -> Iterator[Any]:
    """A new pass over a dataset: an iterable, or a function that returns one.

    Raises:
        TypeError: it is neither.
    """
    check_dataset(dataset)
    return iter(dataset if isinstance(dataset, Iterable) else dataset())


def check_dataset(dataset: Any) -> None:
    """Refuse what is no dataset, without starting a pass.

    Raises:
        TypeError: it is neither an iterable nor a function.
    """
    if not isinstance(dataset, Iterable) and not callable(dataset):
        raise TypeError(
            "A dataset is an iterable of batches (jtf.data, torch DataLoader, grain, a list) or a function that "
            f"returns one; received {type(dataset).__name__}."
        )


def _part(key: Any) -> str | None:
    name = snake_case(key) if isinstance(key, str) else key
    return next((part for part, names in _KEYS.items() if name in names), None)


def _given(element: Mapping[Any, Any], part: str) -> list[str]:
    return [repr(key) for key in element if _part(key) == part]
