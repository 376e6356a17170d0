"""What became of each line of a file, kept beside it; a run that was cut short goes on from there.

One JSON object a result, appended as it happens. A line of the file may have several: the last one counts.
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

#: `earlier`: an earlier run has sent it. The others say what Yotpo, or the check, has said.
Outcome = Literal["sent", "invalid", "refused", "verified", "differs", "missing", "earlier"]
_OUTCOMES = get_args(Outcome)
#: Those that say that Yotpo has taken the line.
_TAKEN = frozenset({"sent", "verified", "differs", "missing"})
#: No file has more lines, so a line of a higher number is no result.
_LAST_LINE = 100_000_000
_BEGINS = b'{"line":'


class Result(NamedTuple):
    """What became of a line."""

    line: int
    #: What names the customer, as in the operator's own file: for his results, never for a log. None where unreadable.
    who: str | None
    outcome: Outcome
    #: Sentences that quote no value of a person: of each field that is wrong, what Yotpo says, or which fields differ.
    problems: tuple[str, ...] = ()
    #: What was sent, as `forms.digest` tells it; None where nothing was.
    digest: str | None = None


class Before:
    """What earlier runs have done, in nine bytes a line."""

    def __init__(self) -> None:
        self._digests = array("Q")
        self._outcomes = bytearray()

    def keep(self, line: int, outcome: Outcome, digest: str | None) -> None:
        if outcome not in _TAKEN or digest is None:
            return
        if (missing := line + 1 - len(self._digests)) > 0:
            self._digests.extend(array("Q", bytes(8 * missing)))
            self._outcomes.extend(bytes(missing))
        self._digests[line] = int(digest, 16)
        self._outcomes[line] = _OUTCOMES.index(outcome) + 1

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return len(self._digests) * self._digests.itemsize + len(self._outcomes)

    def outcome(self, line: int, digest: str) -> Outcome | None:
        """Return what became of this line, if it was sent, and was then as it is now."""
        if line >= len(self._digests) or not self._outcomes[line] or self._digests[line] != int(digest, 16):
            return None
        outcome: Outcome = _OUTCOMES[self._outcomes[line] - 1]
        return outcome


class ResultsFile:
    """A file of results, open to be written by one run at a time."""

    def __init__(self, path: Path, *, restart: bool = False) -> None:
        """Open the file, and read what it holds; `restart` forgets that.

        Raises OperatorError where it cannot be written, another run writes it, or it holds something else.
        """
        self.path = path
        try:
            # It names people, so it is for its owner alone.
            self._file: IO[bytes] = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        except OSError as error:
            raise OperatorError(f"{path}: the results cannot be kept there: {error.strerror}; see --results") from None
        try:
            self._hold()
            self.before = self._read()
            if restart:
                self._file.truncate(0)
                self.before = Before()
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

    def _hold(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OperatorError(f"{self.path}: another run is writing its results there; wait for it") from None

    def _read(self) -> Before:
        before = Before()
        whole = 0
        for raw in self._file:
            if not raw.endswith(b"\n"):
                self._forget_torn(raw, whole)
                break
            try:
                result = orjson.loads(raw)
                line, outcome, digest = result["line"], result["outcome"], result["digest"]
                self._demand(outcome in _OUTCOMES and isinstance(line, int) and 0 < line <= _LAST_LINE)
                before.keep(line, outcome, digest)
            except (ValueError, KeyError, TypeError, OverflowError):
                self._demand(holds=False)
            whole += len(raw)
        return before

    def _forget_torn(self, raw: bytes, whole: int) -> None:
        """Cut off the line that a killed run was writing."""
        self._demand(raw.startswith(_BEGINS) or _BEGINS.startswith(raw))
        self._file.truncate(whole)

    def _demand(self, holds: bool) -> None:  # noqa: FBT001 - it reads as an assertion
        if not holds:
            raise OperatorError(f"{self.path}: it holds something else than results; name another file with --results")
