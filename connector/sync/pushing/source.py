"""The file that is pushed: how it is opened and read, how long it is, and where its results are kept."""

from __future__ import annotations

import hashlib
import stat
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from connector.errors import OperatorError
from connector.sync.pushing import reading

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_STDIN = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or ``-`` for stdin."""

    name: str
    form: reading.Form

    @classmethod
    def of(cls, name: str, form: reading.Form | None) -> Self:
        """Return the file of that name; its suffix tells the form, where nobody does. Raises OperatorError."""
        return cls(name, form or reading.form_of(Path(name)))

    def opened(self) -> AbstractContextManager[IO[bytes]]:
        return nullcontext(sys.stdin.buffer) if self.name == _STDIN else Path(self.name).open("rb")

    def total(self) -> int | None:
        """Return how many customers there are; None where that is not known before they were read."""
        if self.name == _STDIN or not stat.S_ISREG(Path(self.name).stat().st_mode):
            return None
        with self.opened() as file:
            return reading.count(file, self.form)

    def results(self, given: Path | None) -> Path:
        """Return where the results are kept. Raises OperatorError where that is not to be known, or would be itself."""
        if given is None and self.name == _STDIN:
            raise OperatorError("say where the results are to be kept: --results PATH; stdin has no place beside it")
        path = given or Path(f"{self.name}.results.jsonl")
        if self.name != _STDIN and path.resolve() == Path(self.name).resolve():
            raise OperatorError(f"{path}: the results cannot be kept in the file itself; name another with --results")
        return path

    def digest(self) -> str:
        """Return what tells one file's name from another's, and not the name: it may be a person's."""
        return hashlib.sha256(Path(self.name).name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
