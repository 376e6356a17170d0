"""Prints the problems of mapping files: as text, as JSON for scripts, or as annotations for reviews on GitHub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector.cli import shared
from connector.errors import OperatorError
from connector.mapping.reading.codes import CODES
from connector.mapping.reading.problems import did_you_mean

if TYPE_CHECKING:
    from connector.mapping.checking.reports import Report
    from connector.mapping.reading.problems import Problem

#: In GitHub's workflow commands, these characters must be escaped. Messages and properties have different lists.
_IN_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_MESSAGE, ":": "%3A", ",": "%2C"}


def lines(report: Report, directory: Path, form: str) -> list[str]:
    """Return one line for each problem. The text format has one more line, with the totals."""
    problems = [problem._replace(file=_as_seen(directory, problem.file)) for problem in report.problems]
    if form == "github":
        return [_annotation(problem) for problem in problems]
    return [*map(str, problems), _summary(report)]


def as_json(report: Report, directory: Path) -> dict[str, Any]:
    mappings = report.mappings
    return {
        "version": mappings.version if mappings else None,
        "topics": sorted(mappings.topics) if mappings else [],
        "errors": report.errors,
        "warnings": report.warnings,
        "problems": [
            {**problem._asdict(), "file": _as_seen(directory, problem.file), "severity": problem.severity}
            for problem in report.problems
        ],
    }


def explain(code: str) -> dict[str, str]:
    """Return a code with its severity, meaning and remedy. Raises OperatorError if the code is unknown."""
    if code not in CODES:
        raise OperatorError(f"there is no code {code!r}{did_you_mean(code, CODES)}; the codes are {', '.join(CODES)}")
    return {"code": code, **CODES[code]._asdict()}


def _as_seen(directory: Path, file: str) -> str:
    """Return the path of a file relative to the current directory, or the absolute path of a file outside of it."""
    path = (directory / file).absolute()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _annotation(problem: Problem) -> str:
    properties = {"file": problem.file, "line": problem.line, "col": problem.column, "title": problem.code}
    text = ",".join(f"{name}={_escaped(str(value), _IN_PROPERTY)}" for name, value in properties.items())
    return f"::{problem.severity} {text}::{_escaped(problem.sentence, _IN_MESSAGE)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(char, char) for char in text)


def _summary(report: Report) -> str:
    counts = [shared.counted(report.errors, "error")] * bool(report.errors)
    counts += [shared.counted(report.warnings, "warning")] * bool(report.warnings)
    if report.mappings and not report.errors:
        counts = [shared.counted(len(report.mappings.topics), "topic"), f"version {report.mappings.version}", *counts]
    return ", ".join(counts)
