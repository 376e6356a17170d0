"""Parses paths: keys joined by dots, such as ``customer.email`` or ``products.0.product_id``."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from connector.mapping.reading.problems import Wrong, suggestion, wrong
from connector.mapping.types.rules import TYPES

if TYPE_CHECKING:
    from connector.mapping.types.lookup import Path

PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
#: Each alternative path is one more level of indentation in the compiled Python, which allows a hundred levels.
_LIMIT = 20
_MUST = "this must be a path, such as customer.email, or a list of paths"
#: The similarity above which a known path becomes a suggestion, and the bonus for a path with the same last step.
_SIMILAR, _SAME_END = 0.6, 0.2
#: Syntax from other languages: a pattern, what is wrong with it, and its replacement in a path.
_FOREIGN = [
    (re.compile(r"\{\{|\}\}|\$\{|%\{"), "it is a template; there are none, so write only the path", ""),
    (re.compile(r"^\$\.?"), "there is no sign for the top of the webhook", ""),
    (re.compile(r"\[\*?\]|\*"), "it must lead to one value; use the number of a list item", ".0"),
    (re.compile(r"\[['\"]?([A-Za-z0-9_-]+)['\"]?\]"), "the number of a list item is a step of its own", r".\1"),
    (re.compile(r"\.\.+"), "a step is empty", "."),
    (re.compile(r"^\.|\.$"), "a step is empty", ""),
    (re.compile(r"\s*/\s*"), "steps are joined by dots", "."),
    (re.compile(r"[|&?+<>=!()]"), "it is an expression; there are none, a path only says where the value is", ""),
    (re.compile(r"\s*,\s*"), "several paths need a list: [first.path, second.path]", ""),
    (re.compile(r"\s+"), "it has a space; put commas between the paths of a list", ""),
]
_NO_SUGGESTION = re.compile(r"template|expression|several|space")


def paths(written: Any) -> tuple[Path, ...]:
    """Return the paths of a rule, each split into its steps. Raises Wrong if a path is not valid."""
    if not isinstance(written, list):
        return (_path(written),)
    if not written:
        raise wrong("empty-value", "the list is empty; name a path, such as customer.email")
    if len(written) > _LIMIT:
        raise wrong("too-many-paths", f"the list has {len(written)} paths; the limit is {_LIMIT}")
    parsed: list[Path] = []
    problems: dict[int, Any] = {}
    for index, path in enumerate(written):
        try:
            parsed.append(_path(path))
        except Wrong as error:
            problems[index] = error.messages
    if problems:
        raise Wrong(problems)
    return tuple(parsed)


def _path(written: Any) -> Path:
    if not isinstance(written, str):
        raise wrong("wrong-shape", _why_wrong_shape(written))
    if not PATH.fullmatch(written):
        raise wrong("path-syntax", _why_no_path(written))
    return tuple(written.split("."))


def _why_wrong_shape(written: Any) -> str:
    """Return the message for a value that is not a text."""
    if isinstance(written, dict) and len(written) == 1 and (type_ := next(iter(written))) in TYPES:
        return f"{_MUST}; the type {type_!r} does not belong here"
    if isinstance(written, dict) and {"year", "month", "day"} & written.keys():
        return f"{_MUST}; only a date has separate year, month and day"
    return _MUST


def _why_no_path(written: str) -> str:
    """Return the message for a text that is not a path. It names the mistake, and the path that may be meant."""
    if not written.strip():
        return f"the path is empty; {_MUST}"
    reasons = [
        (pattern, reason, replacement) for pattern, reason, replacement in _FOREIGN if pattern.search(written.strip())
    ]
    if not reasons:
        return f"{written!r} is not a path; a path is letters, digits, _ and -, joined by dots"
    message = f"{written!r} is not a path: {reasons[0][1]}"
    if any(_NO_SUGGESTION.search(reason) for _, reason, _ in reasons):
        return message
    meant = written.strip()
    for pattern, _, replacement in reasons:
        meant = pattern.sub(replacement, meant)
    return message + (suggestion(meant) if PATH.fullmatch(meant) else "")


def closest(path: Path, known: set[Path]) -> str:
    """Return `` (did you mean …?)`` with the most similar known path; an empty text if none is similar."""
    matcher = difflib.SequenceMatcher()
    matcher.set_seq2(".".join(path))
    best, similarity = "", _SIMILAR
    for other in sorted(known):
        matcher.set_seq1(".".join(other))
        ratio = matcher.ratio() + (_SAME_END if other[-1] == path[-1] else 0)
        if ratio > similarity:
            best, similarity = ".".join(other), ratio
    return suggestion(best) if best else ""
