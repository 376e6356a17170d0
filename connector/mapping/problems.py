"""Collects what is wrong in mapping files, so that all mistakes of all files are told at once."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Problem(NamedTuple):
    """One mistake, ordered by where it stands."""

    file: str
    line: int
    column: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.sentence}"


class Place(NamedTuple):
    """Where something stands in a file, as an editor counts: from 1."""

    line: int
    column: int


class Problems:
    def __init__(self) -> None:
        self._found: set[Problem] = set()

    def add(self, file: str, place: Place, sentence: str) -> None:
        self._found.add(Problem(file, *place, sentence))

    def __bool__(self) -> bool:
        return bool(self._found)

    def __str__(self) -> str:
        return "\n".join(map(str, sorted(self._found)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean …?)`` for the closest known word, else nothing."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
