"""Collects the problems of mapping files, so that all problems of all files are reported at once."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from marshmallow import ValidationError

from connector.errors import MappingError
from connector.mapping.reading.codes import CODES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.mapping.reading.codes import Severity


class Problem(NamedTuple):
    """One problem, with its place. Problems are sorted by file, line and column."""

    #: The file's name within the set: ``groups.yaml``, ``examples/swell.tier.earned/documented.json``.
    file: str
    line: int
    column: int
    #: One of `codes.CODES`.
    code: str
    #: What is wrong, and in most cases what to do.
    sentence: str

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {self.sentence}"


class Place(NamedTuple):
    """A line and a column of a file. Both count from 1, as in an editor."""

    line: int
    column: int


class Mistake(NamedTuple):
    """A mistake that a field of a schema finds in its value. The schema adds the place."""

    code: str
    sentence: str
    #: True if the key itself is wrong, not its value.
    of_key: bool = False


class Wrong(ValidationError):
    """The error for a value that breaks the schema.

    The messages are `Mistake`s, by the keys and positions inside the value.
    """


def wrong(code: str, sentence: str, *, at: str | int | None = None, of_key: bool = False) -> Wrong:
    """Return the error for one mistake: in the value itself, or `at` a key or position inside it."""
    mistakes = [Mistake(code, sentence, of_key)]
    return Wrong(mistakes if at is None else {at: mistakes})


class Problems:
    """The problems found so far. Equal problems are kept only once."""

    def __init__(self) -> None:
        self._problems: set[Problem] = set()

    def add(self, file: str, place: Place, code: str, sentence: str) -> None:
        file = file.encode("utf-8", "backslashreplace").decode()  # some file names are not valid UTF-8
        self._problems.add(Problem(file, *place, code, sentence))

    def __len__(self) -> int:
        return len(self._problems)

    def has_at(self, file: str, place: Place) -> bool:
        """Whether there is a problem at this place."""
        return any(problem[:3] == (file, *place) for problem in self._problems)

    def all(self) -> tuple[Problem, ...]:
        """Return all problems in the order of files, lines and columns."""
        return tuple(sorted(self._problems))

    def errors(self) -> tuple[Problem, ...]:
        """Return the problems that stop the set from being loaded."""
        return tuple(problem for problem in self.all() if problem.severity == "error")

    def raise_errors(self) -> None:
        """Raise MappingError, with a line for each error, if there are errors."""
        if errors := self.errors():
            raise MappingError("\n".join(map(str, errors)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean …?)`` with the closest known word; an empty text if no word is close."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return suggestion(close[0]) if close else ""


def suggestion(word: str) -> str:
    return f" (did you mean {word!r}?)"
