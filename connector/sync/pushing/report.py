"""Sums up the results of a run, for whoever started it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from connector.sync.pushing.results import Result

_PROBLEMS_SHOWN = 10
#: With these, everything is as it should be.
_GOOD = frozenset({"checked", "sent", "earlier", "verified"})
#: The second result of a line that was sent.
_READ_BACK = ("verified", "differs", "missing")


class Told(NamedTuple):
    """A problem as it is shown."""

    line: int
    outcome: str
    problem: str


class Report:
    """Counts results, and keeps the first problems of each outcome."""

    def __init__(self, results: Path | None = None) -> None:
        """`results` is where all of them are kept; without it nothing is sent, only checked."""
        self.results = results
        self._counts: Counter[str] = Counter()
        self._problems: list[Told] = []
        #: How many of each outcome there are; of each, so many are shown.
        self._found: Counter[str] = Counter()

    def count(self, result: Result | None) -> None:
        """Count a result; None is a line that was checked and is good."""
        self._counts[result.outcome if result else "checked"] += 1
        if result:
            for problem in result.problems:
                self._keep(Told(result.line, result.outcome, problem))

    def _keep(self, told: Told) -> None:
        self._found[told.outcome] += 1
        if self._found[told.outcome] <= _PROBLEMS_SHOWN:
            self._problems.append(told)

    @property
    def counts(self) -> dict[str, int]:
        return dict(self._counts)

    @property
    def lines(self) -> int:
        """How many lines have a result."""
        return self._counts.total() - sum(self._counts[outcome] for outcome in _READ_BACK)

    @property
    def unsent(self) -> int:
        """Of these lines, how many took no time, because nothing was sent."""
        return self._counts["earlier"] + self._counts["invalid"]

    @property
    def read_back(self) -> str:
        """How many customers were read back, in words; nothing where none was."""
        number = sum(self._counts[outcome] for outcome in _READ_BACK)
        return f"{number:,} read back" if number else ""

    @property
    def is_good(self) -> bool:
        """Whether nothing is left for the operator to do."""
        return not self._counts.keys() - _GOOD

    @property
    def _more(self) -> int:
        return self._found.total() - len(self._problems)

    def told(self) -> dict[str, Any]:
        """Return the summary as JSON."""
        return {
            "counts": self.counts,
            "problems": [problem._asdict() for problem in self._problems],
            "more_problems": self._more,
            "results": str(self.results) if self.results else None,
        }

    def text(self) -> str:
        """Return the summary for people."""
        lines = [", ".join(f"{number:,} {outcome}" for outcome, number in self._counts.items()) or "no customers"]
        lines += [f"line {line}: {outcome}: {problem}" for line, outcome, problem in self._problems]
        if self._more:
            where = "in the results" if self.results else "with --results PATH, which keeps them all"
            lines.append(f"… and {self._more:,} more problems, {where}")
        if self.results:
            lines.append(f"all results: {self.results}")
        return "\n".join(lines)
