"""The one error for files that are not what they should be."""

from __future__ import annotations

import os


class ModelFormatError(ValueError):
    """A file is not the model that it should be.

    Args:
        file: which file.
        entry: what in it: a weight, a layer, a key.
        expected: what should be there.
        found: what is there.

    Example:
        >>> print(ModelFormatError("model.json", "weight 'dense/bias'", "4 bytes", "none"))
        model.json: weight 'dense/bias': expected 4 bytes; found none.
    """

    def __init__(self, file: str | os.PathLike[str], entry: str, expected: str, found: str) -> None:
        super().__init__(f"{os.fspath(file)}: {entry}: expected {expected}; found {found}.")
        self.file, self.entry, self.expected, self.found = os.fspath(file), entry, expected, found

    def __reduce__(self) -> tuple[type[ModelFormatError], tuple[str, str, str, str]]:
        return type(self), (self.file, self.entry, self.expected, self.found)
