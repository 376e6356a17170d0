"""Collects what is wrong in mapping files, so that all mistakes of all files are told at once."""

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
    """One mistake, ordered by where it stands."""

    #: Its name within the set: ``groups.yaml``, ``examples/swell.tier.earned/documented.json``.
    file: str
    line: int
    column: int
    #: One of `codes.CODES`.
    code: str
    #: What is wrong, and mostly the remedy.
    sentence: str

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {self.sentence}"


class Place(NamedTuple):
    """Where something stands in a file, as an editor counts: from 1."""

    line: int
    column: int


class Mistake(NamedTuple):
    """What a field of a file's schema finds wrong with its value; the schema knows where that stands."""

    code: str
    sentence: str
    #: True where the key itself is wrong, not what stands behind it.
    of_key: bool = False


class Wrong(ValidationError):
    """A value breaks the schema. Its messages are mistakes, by the keys and positions below the value."""


def wrong(code: str, sentence: str, *, at: str | int | None = None, of_key: bool = False) -> Wrong:
    """Return the error of one mistake: of the value itself, or of what stands `at` a key or position in it."""
    mistakes = [Mistake(code, sentence, of_key)]
    return Wrong(mistakes if at is None else {at: mistakes})


class Problems:
    def __init__(self) -> None:
        self._found: set[Problem] = set()

    def add(self, file: str, place: Place, code: str, sentence: str) -> None:
        file = file.encode("utf-8", "backslashreplace").decode()  # a name need not be text to the file system
        self._found.add(Problem(file, *place, code, sentence))

    def __len__(self) -> int:
        return len(self._found)

    def has_at(self, file: str, place: Place) -> bool:
        """Whether something has been told of this place."""
        return any(problem[:3] == (file, *place) for problem in self._found)

    def all(self) -> tuple[Problem, ...]:
        """Return them in the order of files, lines and columns."""
        return tuple(sorted(self._found))

    def errors(self) -> tuple[Problem, ...]:
        """Return those that keep the set from being loaded."""
        return tuple(problem for problem in self.all() if problem.severity == "error")

    def raise_errors(self) -> None:
        """Raise MappingError, with a line for each error, where there are any."""
        if errors := self.errors():
            raise MappingError("\n".join(map(str, errors)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean …?)`` for the closest known word, else nothing."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return suggestion(close[0]) if close else ""


def suggestion(word: str) -> str:
    return f" (did you mean {word!r}?)"
