"""The results file has the result of each line. If a run is interrupted, the next run continues from this file.

By default it is beside the pushed file. Each result is one JSON object, which is appended at once. A line of the pushed
file may have several results: the last one counts.
"""

from __future__ import annotations

import fcntl
import os
from array import array
from typing import IO, TYPE_CHECKING, Literal, NamedTuple, Self, get_args

import orjson

from connector.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

#: `earlier` means that an earlier run has sent the line. The other outcomes come from the check or from Yotpo.
Outcome = Literal["sent", "invalid", "refused", "verified", "differs", "missing", "earlier"]
_OUTCOMES = get_args(Outcome)
#: The outcomes of lines that Yotpo has accepted.
_ACCEPTED = frozenset({"sent", "verified", "differs", "missing"})
#: No pushed file has more lines than this. If a line number is higher, the file is not a results file.
_LAST_LINE = 100_000_000
_BEGINS = b'{"line":'


class Result(NamedTuple):
    """The result of a line."""

    line: int
    #: The customer's identifier from the pushed file; None if the line is invalid. It may be in the results, but never
    #: in a log.
    who: str | None
    outcome: Outcome
    #: Sentences about wrong fields, about a refusal by Yotpo, or about fields that differ. They quote no personal
    #: values.
    problems: tuple[str, ...] = ()
    #: The `forms.digest` of what was sent; None if nothing was sent.
    digest: str | None = None


class EarlierRuns:
    """The outcomes of earlier runs, by line. Each line takes nine bytes of memory."""

    def __init__(self) -> None:
        self._digests = array("Q")
        self._outcomes = bytearray()

    def keep(self, line: int, outcome: Outcome, digest: str | None) -> None:
        if outcome not in _ACCEPTED or digest is None:
            return
        if (missing := line + 1 - len(self._digests)) > 0:
            self._digests.extend(array("Q", bytes(8 * missing)))
            self._outcomes.extend(bytes(missing))
        self._digests[line] = int(digest, 16)
        self._outcomes[line] = _OUTCOMES.index(outcome) + 1

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self._digests) * self._digests.itemsize + len(self._outcomes)

    def outcome(self, line: int, digest: str) -> Outcome | None:
        """Return the outcome of this line if it was sent with the same digest, or else None."""
        if line >= len(self._digests) or not self._outcomes[line] or self._digests[line] != int(digest, 16):
            return None
        outcome: Outcome = _OUTCOMES[self._outcomes[line] - 1]
        return outcome


class ResultsFile:
    """A results file, open for writing; one run at a time can open it."""

    def __init__(self, path: Path, *, restart: bool = False) -> None:
        """Open the file and read the results of earlier runs; `restart` deletes them.

        Raises OperatorError if the file cannot be written, if another run is writing it, or if it is not a results
        file.
        """
        self.path = path
        try:
            # Only the file's owner may read it, because it contains personal data.
            self._file: IO[bytes] = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        except OSError as error:
            raise OperatorError(f"{path}: the results cannot be kept there: {error.strerror}; see --results") from None
        try:
            self._lock()
            self.earlier = self._read()
            if restart:
                self._file.truncate(0)
                self.earlier = EarlierRuns()
            self._file.seek(0, os.SEEK_END)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, result: Result) -> None:
        self._file.write(orjson.dumps(result._asdict(), option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OperatorError(f"{self.path}: another run is writing its results there; wait for it") from None

    def _read(self) -> EarlierRuns:
        earlier = EarlierRuns()
        end = 0
        for raw in self._file:
            if not raw.endswith(b"\n"):
                self._truncate(raw, end)
                break
            try:
                result = orjson.loads(raw)
                line, outcome, digest = result["line"], result["outcome"], result["digest"]
                self._demand(outcome in _OUTCOMES and isinstance(line, int) and 0 < line <= _LAST_LINE)
                earlier.keep(line, outcome, digest)
            except (ValueError, KeyError, TypeError, OverflowError):
                self._demand(holds=False)
            end += len(raw)
        return earlier

    def _truncate(self, raw: bytes, end: int) -> None:
        """Cut off the incomplete last line of a killed run; `end` is the position where it begins."""
        self._demand(raw.startswith(_BEGINS) or _BEGINS.startswith(raw))
        self._file.truncate(end)

    def _demand(self, holds: bool) -> None:  # noqa: FBT001 - it reads as an assertion
        if not holds:
            raise OperatorError(f"{self.path}: this is not a results file; give another path with --results")
