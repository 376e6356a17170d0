"""Paths as they are written: keys joined by dots, such as ``customer.email`` or ``products.0.product_id``."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from connector.mapping.reading.problems import Wrong, suggestion, wrong
from connector.mapping.types.rules import TYPES

if TYPE_CHECKING:
    from connector.mapping.types.lookup import Path

PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
#: Each alternative is a level of the compiled Python, of which there are a hundred.
_LIMIT = 20
_MUST = "this must be a path, such as customer.email, or a list of paths"
#: How like each other two paths are that may be meant for each other; one that ends alike may lie elsewhere.
_LIKE, _SAME_END = 0.6, 0.2
#: What people write who know other languages, what it is, and what it becomes as a path.
_FOREIGN = [
    (re.compile(r"\{\{|\}\}|\$\{|%\{"), "it is a template; there are none, so write the path alone", ""),
    (re.compile(r"^\$\.?"), "there is no sign for the top of the webhook", ""),
    (re.compile(r"\[\*?\]|\*"), "it must lead to one value; pick an item of a list by its number", ".0"),
    (re.compile(r"\[['\"]?([A-Za-z0-9_-]+)['\"]?\]"), "an item is picked by a step of its own", r".\1"),
    (re.compile(r"\.\.+"), "a step is empty", "."),
    (re.compile(r"^\.|\.$"), "a step is empty", ""),
    (re.compile(r"\s*/\s*"), "steps are joined by dots", "."),
    (re.compile(r"[|&?+<>=!()]"), "it is an expression; there are none, a path only says where the value is", ""),
    (re.compile(r"\s*,\s*"), "several paths need a list: [first.path, second.path]", ""),
    (re.compile(r"\s+"), "it holds a space; paths of a list are parted by commas", ""),
]
_HOPELESS = re.compile(r"template|expression|several|space")


def paths(written: Any) -> tuple[Path, ...]:
    """Return a path, or a list of them, with its steps apart. Raises ValidationError."""
    if not isinstance(written, list):
        return (_path(written),)
    if not written:
        raise wrong("empty-value", "the list is empty; name a path, such as customer.email")
    if len(written) > _LIMIT:
        raise wrong("too-many-paths", f"a list of {len(written)} paths; at most {_LIMIT} can be tried")
    found: list[Path] = []
    problems: dict[int, Any] = {}
    for index, each in enumerate(written):
        try:
            found.append(_path(each))
        except Wrong as error:
            problems[index] = error.messages
    if problems:
        raise Wrong(problems)
    return tuple(found)


def _path(written: Any) -> Path:
    if not isinstance(written, str):
        raise wrong("wrong-shape", _not_a_path(written))
    if not PATH.fullmatch(written):
        raise wrong("path-syntax", _not_a_way(written))
    return tuple(written.split("."))


def _not_a_path(written: Any) -> str:
    if isinstance(written, dict) and len(written) == 1 and (type_ := next(iter(written))) in TYPES:
        return f"{_MUST}; the type {type_!r} does not belong here"
    if isinstance(written, dict) and {"year", "month", "day"} & written.keys():
        return f"{_MUST}; only a date has year, month and day apart"
    return _MUST


def _not_a_way(written: str) -> str:
    """Say what a text that is no path looks like, and which path may be meant."""
    if not written.strip():
        return f"the path is empty; {_MUST}"
    reasons = [(pattern, reason, instead) for pattern, reason, instead in _FOREIGN if pattern.search(written.strip())]
    if not reasons:
        return f"{written!r} is no path; a path is letters, digits, _ and -, joined by dots"
    told = f"{written!r} is no path: {reasons[0][1]}"
    if any(_HOPELESS.search(reason) for _, reason, _ in reasons):
        return told
    meant = written.strip()
    for pattern, _, instead in reasons:
        meant = pattern.sub(instead, meant)
    return told + (suggestion(meant) if PATH.fullmatch(meant) else "")


def closest(path: Path, known: set[Path]) -> str:
    """Return `` (did you mean …?)`` for the known path that is most like this one, else nothing."""
    matcher = difflib.SequenceMatcher()
    matcher.set_seq2(".".join(path))
    best, likeness = "", _LIKE
    for other in sorted(known):
        matcher.set_seq1(".".join(other))
        found = matcher.ratio() + (_SAME_END if other[-1] == path[-1] else 0)
        if found > likeness:
            best, likeness = ".".join(other), found
    return suggestion(best) if best else ""
