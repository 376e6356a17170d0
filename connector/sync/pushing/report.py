"""Sums up the results of a run for the operator."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from connector.sync.pushing.results import Result

_PROBLEMS_SHOWN = 10
#: The outcomes after which the operator has nothing to do.
_GOOD = frozenset({"checked", "sent", "earlier", "verified"})
#: The outcomes of reading a customer back. Such an outcome is the second result of a line.
_READ_BACK = ("verified", "differs", "missing")


class _Problem(NamedTuple):
    """A problem in the report."""

    line: int
    outcome: str
    problem: str


class Report:
    """Counts results, and keeps the first problems of each outcome for display."""

    def __init__(self, results: Path | None = None) -> None:
        """`results` is the file with all results; None if the results are not kept, as in a dry run."""
        self.results = results
        self._counts: Counter[str] = Counter()
        self._problems: list[_Problem] = []
        #: The number of problems by outcome. For each outcome, the report shows only the first problems.
        self._problem_counts: Counter[str] = Counter()

    def count(self, result: Result | None) -> None:
        """Count a result. None stands for a line that passed the check."""
        self._counts[result.outcome if result else "checked"] += 1
        if result:
            for problem in result.problems:
                self._keep(_Problem(result.line, result.outcome, problem))

    def _keep(self, problem: _Problem) -> None:
        self._problem_counts[problem.outcome] += 1
        if self._problem_counts[problem.outcome] <= _PROBLEMS_SHOWN:
            self._problems.append(problem)

    @property
    def counts(self) -> dict[str, int]:
        return dict(self._counts)

    @property
    def lines(self) -> int:
        """How many lines have a result."""
        return self._counts.total() - sum(self._counts[outcome] for outcome in _READ_BACK)

    @property
    def unsent(self) -> int:
        """How many of these lines took almost no time, because nothing was sent for them."""
        return self._counts["earlier"] + self._counts["invalid"]

    @property
    def read_back(self) -> str:
        """A note such as ``3 read back``; empty if no customer was read back."""
        number = sum(self._counts[outcome] for outcome in _READ_BACK)
        return f"{number:,} read back" if number else ""

    @property
    def is_good(self) -> bool:
        """True if the operator has nothing more to do."""
        return not self._counts.keys() - _GOOD

    @property
    def _more(self) -> int:
        return self._problem_counts.total() - len(self._problems)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as a JSON object."""
        return {
            "counts": self.counts,
            "problems": [problem._asdict() for problem in self._problems],
            "more_problems": self._more,
            "results": str(self.results) if self.results else None,
        }

    def text(self) -> str:
        """Return the summary as text."""
        lines = [", ".join(f"{number:,} {outcome}" for outcome, number in self._counts.items()) or "no customers"]
        lines += [f"line {line}: {outcome}: {problem}" for line, outcome, problem in self._problems]
        if self._more:
            noun = "problem" if self._more == 1 else "problems"
            where = ", in the results" if self.results else "; --results PATH saves all of them in a file"
            lines.append(f"… and {self._more:,} more {noun}{where}")
        if self.results:
            lines.append(f"all results: {self.results}")
        return "\n".join(lines)
