"""CSV files as datasets."""

from __future__ import annotations

import csv as python_csv
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

from jtf.data.arguments import shortened
from jtf.data.dataset import Dataset
from jtf.data.fields import Column, Place, configured_column, read_field
from jtf.data.lines import Source
from jtf.missing import knows_arguments
from jtf.naming import nearest

#: A quoted field, which may hold whitespace and doubled quotes, or a run of anything else.
_TOKEN = re.compile(r'"(?:[^"]++|"")*+"(?!\S)|\S++')
#: The number of the first line that a row stands on, and its fields.
Row = tuple[int, list[str]]


@knows_arguments
def csv(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    *,
    has_header: bool = True,
    column_names: Sequence[str] | None = None,
    column_configs: Mapping[str, Mapping[str, Any]] | None = None,
    configured_columns_only: bool = False,
    delimiter: str = ",",
    delim_whitespace: bool = False,
) -> CsvDataset:
    """A dataset of the rows of a CSV file.

    An element is a dict from column names to values. Where a column is a label, the element is
    ``{"xs": {features}, "ys": {labels}}``, as `fit_dataset` wants it.

    A field that reads as a number becomes a float, any other a string; lines without anything are left out.
    In a column with a dtype, ``int32`` rounds down, ``bool`` is True for ``1`` and ``true`` and False for all
    else. An empty field becomes the column's default, or NaN (for ``string`` the empty string).

    Unlike TF.js, a field that does not read as its column's number is refused, ``string`` keeps numbers as
    text, blank fields count as empty, a quoted field may span lines and hold quotes (written ``""``), and the
    file is looked at right away.

    Args:
        source: a path, a ``file://`` URL, or a file object; text is UTF-8. A file object is rewound for every
            pass; one that cannot be is good for one pass.
        has_header: whether the first row holds the names of the columns.
        column_names: names for the columns, in place of the header's.
        column_configs: for any column a dict with any of ``dtype`` ("float32", "int32", "bool", "string"),
            ``required`` (an empty field is an error), ``default`` (for empty fields) and ``is_label``.
        configured_columns_only: leave out the columns that ``column_configs`` does not name.
        delimiter: one character.
        delim_whitespace: fields are separated by any number of spaces and tabs.

    Raises:
        FileNotFoundError: no such file.
        TypeError: an argument is of the wrong kind.
        ValueError: the options do not fit together or do not fit the file's header; or, during a pass, a row
            or a field is wrong (with file and line), or a source that cannot be rewound is read again.

    References:
        TF.js: tfjs-data/src/datasets/csv_dataset.ts.

    Example:
        >>> import io, jtf
        >>> text = io.StringIO("size,price\\n50,1.5\\n80,2.5\\n")
        >>> jtf.data.csv(text, column_configs={"price": {"is_label": True}}).to_array()
        [{'xs': {'size': 50.0}, 'ys': {'price': 1.5}}, {'xs': {'size': 80.0}, 'ys': {'price': 2.5}}]
    """
    if isinstance(column_names, str):
        raise TypeError(f"column_names must be a list of names, but it is the string {column_names!r}.")
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(
            f"delimiter must be one character, but it is {delimiter!r}. For runs of spaces and tabs use "
            "delim_whitespace=True."
        )
    if delim_whitespace and delimiter != ",":
        raise ValueError(f"delim_whitespace=True needs no delimiter, but delimiter is {delimiter!r}. Drop one.")
    if configured_columns_only and not column_configs:
        raise ValueError("configured_columns_only=True leaves no column. Name those you want in column_configs.")
    if not has_header and column_names is None:
        raise ValueError("Without a header the columns need names. Pass column_names=[...].")

    split = _split_at_whitespace if delim_whitespace else _split_by(delimiter)
    return CsvDataset(Source(source), split, has_header, column_names, column_configs or {}, configured_columns_only)


class CsvDataset(Dataset):
    """The dataset that `csv` returns; it knows its columns."""

    def __init__(
        self,
        source: Source,
        split: Callable[[str, Iterator[str]], Iterator[Row]],
        has_header: bool,
        column_names: Sequence[str] | None,
        configs: Mapping[str, Mapping[str, Any]],
        configured_only: bool,
    ) -> None:
        super().__init__(self._elements_of_pass)
        self._source, self._split, self._has_header = source, split, has_header
        rows = self._rows()
        header = next(rows, None)
        if header is None:
            raise ValueError(f"{source.name} is empty. Expected {'a header' if has_header else 'rows of data'}.")
        names = _checked_names(header[1], has_header, column_names, source.name)
        for key in configs:
            if key not in names:
                raise ValueError(
                    f"column_configs has the column {key!r}, which {source.name} lacks.{nearest(key, names)} "
                    f"Columns: {', '.join(names)}."
                )
        self._columns: list[Column | None] = [
            None if configured_only and name not in configs else configured_column(name, configs.get(name, {}))
            for name in names
        ]
        if not source.can_be_read_again:  # what has been read for the names is part of the only pass
            self._started: Iterator[Row] | None = rows if has_header else _put_back(header, rows)
        else:
            self._started = None

    @property
    def column_names(self) -> list[str]:
        """The names of the columns that the elements have, in the file's order."""
        return [column.name for column in self._columns if column is not None]

    def _rows(self) -> Iterator[Row]:
        return self._split(self._source.name, self._source.lines())

    def _elements_of_pass(self) -> Iterator[Any]:
        rows, self._started = self._started, None
        if rows is None:
            rows = self._rows()
            if self._has_header:
                next(rows, None)
        return self._elements(rows)

    def _elements(self, rows: Iterator[Row]) -> Iterator[Any]:
        has_labels = any(column is not None and column.is_label for column in self._columns)
        for line, fields in rows:
            place = Place(self._source.name, line)
            if len(fields) != len(self._columns):
                raise ValueError(
                    f"{place}: expected {len(self._columns)} fields, found {len(fields)}. A field that holds "
                    'the delimiter has to be in "quotes".'
                )
            features: dict[str, Any] = {}
            labels: dict[str, Any] = {}
            for text, spec in zip(fields, self._columns, strict=True):
                if spec is not None:
                    (labels if spec.is_label else features)[spec.name] = read_field(text, spec, place)
            yield {"xs": features, "ys": labels} if has_labels else features


def _checked_names(first_row: list[str], has_header: bool, given: Sequence[str] | None, source: str) -> list[str]:
    names = first_row if given is None else list(given)
    if len(names) != len(first_row):
        where = "header" if has_header else "first row"
        raise ValueError(
            f"column_names has {len(names)} names, but the {where} of {source} has {len(first_row)} fields. "
            "Name every column; configured_columns_only=True selects."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{source} has more than one column named {', '.join(map(repr, twice))}. Pass column_names=[...] "
            "with names that differ, and has_header=False if the first row is data."
        )
    return names


def _put_back(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _split_by(delimiter: str) -> Callable[[str, Iterator[str]], Iterator[Row]]:
    def split(name: str, lines: Iterator[str]) -> Iterator[Row]:
        # strict, as otherwise a quote that is never closed would swallow the rest of the file
        reader = python_csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader, None)
            except python_csv.Error as error:
                if "field limit" in str(error):
                    raise ValueError(
                        f"{Place(name, line)}: a field has more than {python_csv.field_size_limit():,} characters. Is "
                        "a quote left open? If not, raise the limit: csv.field_size_limit(n), of Python's csv module."
                    ) from error
                raise ValueError(
                    f"{Place(name, line)}: this row is no valid CSV ({error}). Look at its quotes: a quoted "
                    'field is closed, and a quote inside is written "".'
                ) from error
            if fields is None:
                return
            if fields:
                yield line, fields

    return split


def _split_at_whitespace(name: str, lines: Iterator[str]) -> Iterator[Row]:
    for line, text in enumerate(lines, 1):
        tokens = _TOKEN.findall(text)
        for token in tokens:
            if token.startswith('"') and (len(token) == 1 or not token.endswith('"')):
                raise ValueError(
                    f"{Place(name, line)}: a quote is not closed before the end of its field: {shortened(token)}. "
                    "Close it; separated by whitespace, a row is one line."
                )
        if tokens:
            yield line, [t[1:-1].replace('""', '"') if t.startswith('"') else t for t in tokens]
