"""Lines of text, pass after pass, from a path or from a file object."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from jtf.data.fields import Place


class Source:
    """Lines of text from a file that is opened anew for every pass, or from a file object that is rewound."""

    def __init__(self, source: str | os.PathLike[str] | IO[str] | IO[bytes]) -> None:
        self._file: IO[Any] | None = None
        self._passes = 0
        if isinstance(source, str | os.PathLike):
            self._path = _local_path(source)
            self.name = str(self._path)
            self.can_be_read_again = True
        elif hasattr(source, "read") and hasattr(source, "__iter__"):
            self._file = source
            self.name = str(getattr(source, "name", None) or f"<{type(source).__name__}>")
            self.can_be_read_again = bool(getattr(source, "seekable", lambda: False)())
            self._start = source.tell() if self.can_be_read_again else 0
        else:
            raise TypeError(
                f"csv expects a path, a file:// URL or a file object, but received {type(source).__name__}. "
                "For rows in memory use jtf.data.array(rows)."
            )

    def lines(self) -> Iterator[str]:
        """The lines of a new pass, with their line ends."""
        self._passes += 1
        if self._file is None:
            return self._decoded(self._lines_of_path())
        if self.can_be_read_again:
            self._file.seek(self._start)
        elif self._passes > 1:
            raise ValueError(
                f"{self.name} cannot be rewound, so it is good for one pass. Pass a path, or keep the text: "
                "io.StringIO(file.read())."
            )
        return self._decoded(self._lines_of_file(self._file, self._passes))

    def _lines_of_path(self) -> Iterator[bytes]:
        with open(self._path, "rb") as file:
            yield from file

    def _lines_of_file(self, file: IO[Any], this_pass: int) -> Iterator[Any]:
        for line in file:
            if self._passes != this_pass:
                raise ValueError(
                    f"Two passes over {self.name} ran at a time, and a file object has only one position. "
                    "Pass the file's path, or finish one pass before the next."
                )
            yield line

    def _decoded(self, lines: Iterator[Any]) -> Iterator[str]:
        for number, line in enumerate(lines, 1):
            if isinstance(line, bytes):
                try:
                    line = line.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise ValueError(
                        f"{Place(self.name, number)}: the text is not UTF-8 (byte {line[error.start]:#04x} "
                        f"at position {error.start}). Pass a file object that knows its encoding: "
                        'open(path, encoding="latin-1", newline="").'
                    ) from error
            yield line.removeprefix("\ufeff") if number == 1 else line


def _local_path(source: str | os.PathLike[str]) -> Path:
    if isinstance(source, str):
        if "\n" in source:
            raise ValueError("csv expects the path of a file, but received text. Wrap it: io.StringIO(text).")
        url = urlsplit(source)
        if url.scheme == "file":
            return Path(url2pathname(url.path))
        if "://" in source:
            raise ValueError(
                f"csv reads local files, but received {source!r}. Pass a file object: "
                "urllib.request.urlopen(url) for one pass, io.BytesIO(urlopen(url).read()) for many."
            )
    return Path(source)
