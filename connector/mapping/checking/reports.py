"""Checks a directory of mapping files with the examples beside them: everything that can be found before they are used.

`connector.mapping.load` refuses only what cannot be run; this also tells what runs and does not do what is meant.
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
    """What is to be said of a directory of mapping files."""

    #: In the order of files, lines and columns.
    problems: tuple[Problem, ...]
    #: None where the files cannot be loaded.
    mappings: MappingSet | None

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        return len(self.problems) - self.errors

    def sound(self, *, strict: bool = False) -> MappingSet:
        """Return the set. Raises MappingError, with a line for each, where there are errors; if `strict`, warnings."""
        told = [problem for problem in self.problems if strict or problem.severity == "error"]
        if told or self.mappings is None:
            raise MappingError("\n".join(map(str, told)))
        return self.mappings


def check(directory: Path) -> Report:
    """Check a directory of mapping files. Raises MappingError only where there is no such directory."""
    problems = Problems()
    files = loader.read(directory, problems)
    found = loader.check_files(files, problems)
    mappings = None if problems else loader.compile_files(files, found)
    loader.check_places(directory, problems)
    if mappings:  # else what is left would be told for want of what could not be read
        meanings.check([found.shared, *found.overlays.values()])
        account.check(found)
        _check_by_examples(directory, found, problems)
    return Report(problems=problems.all(), mappings=mappings)


def _check_by_examples(directory: Path, found: Checked, problems: Problems) -> None:
    topics = {None: found.shared.topics.keys()} | {
        name: found.shared.topics.keys() | overlay.topics.keys() for name, overlay in found.overlays.items()
    }
    webhooks = examples.check(directory, topics, problems)
    if any(webhooks.values()):
        lint.check(found, webhooks)
    elif not problems:
        sentence = "there is no example, so no path was held against a webhook; add examples/<topic>/documented.json"
        problems.add("examples", Place(1, 1), "no-examples", sentence)
