"""Checks a directory of mapping files and the examples beside them, before the files are used.

`connector.mapping.load` refuses only files that cannot run. This check also finds rules that run but do not do what
their author means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.errors import MappingError
from connector.mapping.checking import account, examples, lint, meanings
from connector.mapping.loading import loader
from connector.mapping.reading.problems import Place, Problems

if TYPE_CHECKING:
    from pathlib import Path

    from connector.mapping.loading.loader import Checked
    from connector.mapping.reading.problems import Problem
    from connector.mapping.running.sets import MappingSet


@dataclass(frozen=True, kw_only=True)
class Report:
    """The problems of a directory of mapping files, and the set if it can be loaded."""

    #: The problems, sorted by file, line and column.
    problems: tuple[Problem, ...]
    #: The loaded set; None if the files cannot be loaded.
    mappings: MappingSet | None

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        return len(self.problems) - self.errors

    def sound(self, *, strict: bool = False) -> MappingSet:
        """Return the set. Raises MappingError, with a line for each error. If `strict`, warnings count as errors."""
        reasons = [problem for problem in self.problems if strict or problem.severity == "error"]
        if reasons or self.mappings is None:
            raise MappingError("\n".join(map(str, reasons)))
        return self.mappings


def check(directory: Path) -> Report:
    """Check a directory of mapping files. Raises MappingError only if the directory is missing or cannot be read."""
    problems = Problems()
    files = loader.read(directory, problems)
    checked = loader.check_files(files, problems)
    mappings = None if problems else loader.compile_files(files, checked)
    loader.check_places(directory, problems)
    if mappings:  # after a failed load, these checks would report false problems
        meanings.check([checked.shared, *checked.overlays.values()])
        account.check(checked)
        _check_by_examples(directory, checked, problems)
    return Report(problems=problems.all(), mappings=mappings)


def _check_by_examples(directory: Path, checked: Checked, problems: Problems) -> None:
    topics = {None: checked.shared.topics.keys()} | {
        name: checked.shared.topics.keys() | overlay.topics.keys() for name, overlay in checked.overlays.items()
    }
    webhooks = examples.check(directory, topics, problems)
    if any(webhooks.values()):
        lint.check(checked, webhooks)
    elif not problems:
        sentence = "there is no example, so no path could be checked on a webhook; add examples/<topic>/documented.json"
        problems.add("examples", Place(1, 1), "no-examples", sentence)
