"""Explains in plain words why a file is not valid YAML.

A message of the parser says what the parser expected, and often names the line after the mistake. This module looks at
the lines near the named line. It returns a place, a code, and a sentence that tells the author what to do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from connector.mapping.reading.problems import Place
from connector.mapping.reading.texts import Slip, lines_of

if TYPE_CHECKING:
    import yaml

#: `trees` reports this problem, not the parser.
TOO_DEEP = "nested too deep"

_LONG = "a text of several lines"
#: If a text begins with one of these characters, YAML does not read a text, but what is named here.
_BEGINS = {"-": "a list", "?": "a key", "%": "a directive", "|": _LONG, ">": _LONG}
_NO_SPACE = re.compile(r"\s*(- )*(?P<key>-?[\w/]+):(?=[^\s/])")
_NO_SPACE_AFTER_DASH = re.compile(r"\s*-(?=[^\s-])")
_WORD_BEFORE = re.compile(r"[\w.-]*$")


class _Stop(NamedTuple):
    """Where and why the parser stopped."""

    lines: list[str]
    problem: str
    #: What the parser was reading, in the parser's own words.
    context: str
    #: The place where this part of the file begins.
    start: Place
    place: Place

    @property
    def line(self) -> str:
        return self.lines[self.place.line - 1] if self.place.line <= len(self.lines) else ""

    @property
    def before(self) -> str:
        """The text of the line before the place."""
        return self.line[: self.place.column - 1]

    @property
    def character(self) -> str:
        """The character at the place."""
        return _at(self.lines, self.place)

    @property
    def first(self) -> str:
        """The character at `start`."""
        return _at(self.lines, self.start)


def slip_of(error: yaml.MarkedYAMLError, text: str) -> Slip:
    """Return the mistake that caused an error of the parser."""
    mark, context = error.problem_mark, error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    start = Place(context.line + 1, context.column + 1) if context else place
    stop = _Stop(lines_of(text), str(error.problem), str(error.context), start, place)
    checks = (_stray_colon, _without_colon, _in_quotes, _in_brackets, _in_a_block, _special_character)
    return next(filter(None, (check(stop) for check in checks)), None) or _other_mistake(stop)


def without_space(line: str, number: int) -> Slip | None:
    """Return the mistake if a key's colon, or the dash of an item, has no space after it; else None."""
    if match := _NO_SPACE.match(line):
        sentence = f"a space is missing after {match['key']}:"
        return Slip(Place(number, match.start("key") + 1), "missing-space", sentence)
    if match := _NO_SPACE_AFTER_DASH.match(line):
        return Slip(Place(number, match.end()), "missing-space", "a space is missing after the dash")
    return None


def _stray_colon(stop: _Stop) -> Slip | None:
    """Explain a colon where no key can be: it is in a text, the line above lacks a space, or the indent is too deep."""
    if stop.problem != "mapping values are not allowed in this context":
        return None
    if re.search(r"[\w\"'}\]]: ", stop.before):
        return Slip(stop.place, "quotes-needed", "a text with a colon and a space must be in quotes")
    above = stop.place.line - 1
    while above > 0 and not _has_content(stop.lines[above - 1]):
        above -= 1
    if above and (slip := without_space(stop.lines[above - 1], above)):
        return slip
    return _indented(stop, len(stop.line) - len(stop.line.lstrip(" ")))


def _without_colon(stop: _Stop) -> Slip | None:
    if stop.problem != "could not find expected ':'":
        return None
    slip = without_space(stop.lines[stop.start.line - 1], stop.start.line)
    sentence = "this line has no colon; a key is followed by a colon and a space"
    return slip or Slip(stop.start, "missing-colon", sentence)


def _in_quotes(stop: _Stop) -> Slip | None:
    if "quoted scalar" not in stop.context:
        return None
    if "unexpected" in stop.problem:
        return Slip(stop.start, "unclosed-quote", "the quote that begins here is never closed")
    sentence = "in double quotes a backslash has a special meaning; write the text in single quotes"
    return Slip(stop.place, "quotes-needed", sentence)


def _in_brackets(stop: _Stop) -> Slip | None:
    """Explain an entry in brackets that does not end correctly."""
    if not stop.context.startswith("while parsing a flow"):
        return None
    if not stop.character:  # at the end of the file
        stop = stop._replace(start=_last_opened(stop))
    if not stop.character or (stop.place.line > stop.start.line and stop.character not in {"]", "}"}):
        return Slip(stop.start, "unclosed-bracket", f"the {stop.first} that opens here is never closed")
    if stop.character == ":":
        word = _WORD_BEFORE.search(stop.before)
        start = Place(stop.place.line, (word.start() if word else len(stop.before)) + 1)
        return Slip(start, "missing-comma", "a comma is missing before this word")
    code, sentence = {
        "[": ("path-syntax", "a path has no [ ]; use the number of a list item as a step, such as products.0.name"),
        "]": ("stray-bracket", f"this ] does not close the {stop.first} that is open; close that first"),
        "}": ("stray-bracket", f"this }} does not close the {stop.first} that is open; close that first"),
        ",": ("not-yaml", "an entry is missing here; write it, or remove the comma"),
    }.get(stop.character, ("missing-comma", f"a comma is missing before this, or the {stop.first} is not closed"))
    return Slip(stop.place, code, sentence)


def _in_a_block(stop: _Stop) -> Slip | None:
    """Explain a line that continues where it should end, or begins in a column where no line above begins."""
    if stop.problem not in {"did not find expected key", "did not find expected '-' indicator"}:
        return None
    before = stop.before.rstrip()
    if not before:
        return _indented(stop, stop.place.column - 1)
    if stop.character in {"]", "}"}:
        return Slip(stop.place, "stray-bracket", f"this {stop.character} closes nothing; remove it")
    if before[-1] in "\"'":
        sentence = "the text continues after its closing quote; put all of it in quotes"
        return Slip(stop.place, "quotes-needed", sentence)
    if before[-1] in "]}":
        sentence = f"something follows the closing {before[-1]}; if all of it is text, put it in quotes"
        return Slip(stop.place, "stray-bracket", sentence)
    return None


def _special_character(stop: _Stop) -> Slip | None:
    """Explain a text that begins with a special character of YAML."""
    if construct := _BEGINS.get(stop.first):
        sentence = f"{stop.first} begins {construct} here; if it is text, put it in quotes"
        return Slip(stop.start, "quotes-needed", sentence)
    if "cannot start any token" in stop.problem or "anchor" in stop.context or "alias" in stop.context:
        return Slip(stop.start, "quotes-needed", f"a text cannot begin with {stop.first}; put it in quotes")
    return None


def _other_mistake(stop: _Stop) -> Slip:
    if stop.problem == TOO_DEEP:
        return Slip(stop.place, "nesting", "nested deeper than any mapping; look for an extra bracket")
    if stop.problem == "did not find expected <document start>":
        sentence = "this is outside of the keys and values of the file; remove it"
        return Slip(stop.place, "not-yaml", sentence)
    sentence = f"this is not YAML ({stop.problem}); correct this place, or what is just before it"
    return Slip(stop.place, "not-yaml", sentence)


def _indented(stop: _Stop, column: int) -> Slip:
    """Return the mistake of a line that begins in a column (from 0) where no line above it begins."""
    columns: list[int] = []
    for line in filter(_has_content, reversed(stop.lines[: stop.place.line - 1])):
        dashes = re.match(r"( *)((?:- +)*)", line)
        starts = sorted({dashes.end(1), dashes.end(2)} if dashes else (), reverse=True)
        columns += [start for start in starts if not columns or start < columns[-1]]
    above = " or ".join(str(start + 1) for start in columns[:3])
    sentence = f"no line above begins in column {column + 1}; begin this line in column {above or 1}"
    return Slip(Place(stop.place.line, column + 1), "indentation", sentence)


def _has_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _last_opened(stop: _Stop) -> Place:
    """Return the place of the last opening bracket before the parser stopped."""
    for number in range(min(stop.place.line, len(stop.lines)), 0, -1):
        column = max(stop.lines[number - 1].rfind("["), stop.lines[number - 1].rfind("{"))
        if column >= 0:
            return Place(number, column + 1)
    return stop.place


def _at(lines: list[str], place: Place) -> str:
    """Return the character at a place; an empty text after the end of a line."""
    return lines[place.line - 1][place.column - 1 : place.column] if place.line <= len(lines) else ""
