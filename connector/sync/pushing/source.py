"""The file that is pushed: its format, its length, and the path of its results."""

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
        """Return the file with this name.

        Without `form`, the suffix of the name decides the format. Raises OperatorError if the suffix is unknown.
        """
        return cls(name, form or reading.form_of(Path(name)))

    def opened(self) -> AbstractContextManager[IO[bytes]]:
        return nullcontext(sys.stdin.buffer) if self.name == _STDIN else Path(self.name).open("rb")

    def total(self) -> int | None:
        """Return the number of customers; None if only reading can show it, as for stdin."""
        if self.name == _STDIN or not stat.S_ISREG(Path(self.name).stat().st_mode):
            return None
        with self.opened() as file:
            return reading.count(file, self.form)

    def results(self, option: Path | None) -> Path:
        """Return the path of the results file: `option`, or else a file beside the pushed file.

        Raises OperatorError if stdin is pushed without `option`, or if the path is the pushed file itself.
        """
        if option is None and self.name == _STDIN:
            raise OperatorError("give the file for the results: --results PATH; there is no default name for stdin")
        path = option or Path(f"{self.name}.results.jsonl")
        if self.name != _STDIN and path.resolve() == Path(self.name).resolve():
            raise OperatorError(f"{path}: the results need another file than the customers; name one with --results")
        return path

    def digest(self) -> str:
        """Return a hash of the file's name, for the audit trail. The name itself may contain a person's name."""
        return hashlib.sha256(Path(self.name).name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
