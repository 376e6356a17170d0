"""Reads customers from JSON lines or CSV, one line at a time, and reports each line that cannot be read.

The file is UTF-8, with or without a byte order mark. A CSV file has a header, in which ``address.city`` names a nested
field. An empty cell means that the customer does not have this field; a CSV file cannot contain null. Line numbers
start at 1, as in an editor.
"""

from __future__ import annotations

import codecs
import csv
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from connector.errors import OperatorError
from connector.sync.pushing import forms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Form = Literal["jsonl", "csv"]

#: The longest line in bytes. A customer has a few hundred characters, so a longer line is not a customer.
LONGEST_LINE = 1 << 20
_SUFFIXES: dict[str, Form] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv"}


class Row(NamedTuple):
    """One customer of the file, or the problem if the line cannot be read."""

    #: The number of the line on which the customer begins.
    line: int
    fields: dict[str, Any] | None
    problem: str | None = None


def form_of(path: Path) -> Form:
    """Return the format of a file by its suffix. Raises OperatorError if the suffix is unknown."""
    form = _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise OperatorError(f"{path.name}: give its format: --input-format jsonl or --input-format csv")
    return form


def rows(file: IO[bytes], form: Form, *, force: bool = False) -> Iterator[Row]:
    """Yield the customers of a file. Raises OperatorError, with each wrong column, if the CSV header is wrong."""
    if form == "jsonl":
        return _of_json_lines(file)
    records = _records(file)
    return _of_csv(records, _header(next(records, None), force=force))


def count(file: IO[bytes], form: Form) -> int:
    """Return how many rows `rows` would yield, without parsing them."""
    if form == "csv":
        return max(sum(1 for _ in _records(file)) - 1, 0)
    return sum(1 for _ in _json_lines(file))


class _UnreadableError(ValueError):
    """A line is not UTF-8, or it is too long. The next line may still be readable."""


class _Lines:
    """Yields the lines of a file as text, and counts them. After an unreadable line, the next line can be read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(LONGEST_LINE)
        if not raw:
            raise StopIteration
        self.number += 1
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            self._skip_the_rest()
            raise _UnreadableError(f"is longer than {LONGEST_LINE} bytes")
        if self.number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
            if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise OperatorError("the file is UTF-16; save it as UTF-8")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise _UnreadableError("is not UTF-8") from None

    def _skip_the_rest(self) -> None:
        while (more := self._file.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
            pass


def _json_lines(file: IO[bytes]) -> Iterator[tuple[int, str | None, str | None]]:
    """Yield each line that is not blank as (number, text, problem); either text or problem is None."""
    lines = _Lines(file)
    while True:
        try:
            text = next(lines, None)
        except _UnreadableError as error:
            yield lines.number, None, str(error)
            continue
        if text is None:
            return
        if text.strip():
            yield lines.number, text, None


def _of_json_lines(file: IO[bytes]) -> Iterator[Row]:
    for number, text, problem in _json_lines(file):
        if text is None:
            yield Row(number, None, f"the line {problem}")
            continue
        try:
            fields = orjson.loads(text.rstrip())
        except orjson.JSONDecodeError as error:
            yield Row(number, None, f"the line is not JSON: column {error.colno}")
            continue
        if isinstance(fields, dict):
            yield Row(number, fields)
        else:
            yield Row(number, None, "the line has to be a JSON object, a customer")


class _Record(NamedTuple):
    """A record of a CSV: the line on which it begins, its cells, and the problem if it cannot be read."""

    line: int
    cells: list[str]
    problem: str | None


def _records(file: IO[bytes]) -> Iterator[_Record]:
    """Yield each record of a CSV that is not blank."""
    lines = _Lines(file)
    reader = csv.reader(lines, strict=True)
    while True:
        begins = lines.number + 1
        try:
            cells = next(reader, None)
        except (_UnreadableError, csv.Error) as error:
            reached = f", read as far as line {lines.number}" if lines.number > begins else ""
            yield _Record(
                begins, [], f"the line {error if isinstance(error, _UnreadableError) else 'is not CSV'}{reached}"
            )
            # Use a new reader. The old one would add the half-read record to the beginning of the next record.
            reader = csv.reader(lines, strict=True)
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _Record(begins, cells, None)


def _of_csv(records: Iterator[_Record], header: list[str]) -> Iterator[Row]:
    for number, cells, problem in records:
        if problem:
            yield Row(number, None, problem)
        elif len(cells) != len(header):
            yield Row(number, None, f"the line has {len(cells)} cells, the header {len(header)}")
        else:
            yield Row(number, _nested(zip(header, cells, strict=True)))


def _header(record: _Record | None, *, force: bool) -> list[str]:
    if record is None:
        raise OperatorError("the CSV is empty; its first line has to name the fields")
    number, cells, problem = record
    names = [cell.strip() for cell in cells]
    wrong = [f"{name}: appears twice" for name in sorted({name for name in names if names.count(name) > 1})]
    wrong += [f"{name or 'a column'}: {error}" for name in names if (error := forms.wrong_column(name, force=force))]
    if problem or wrong:
        raise OperatorError(f"the header in line {number}: " + (problem or "; ".join(wrong)))
    return names


def _nested(cells: Iterator[tuple[str, str]] | zip[tuple[str, str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, cell in cells:
        if cell.strip():
            outer, _, inner = name.partition(".")
            if inner:
                fields.setdefault(outer, {})[inner] = cell
            else:
                fields[name] = cell
    return fields
