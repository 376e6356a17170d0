"""Says in plain words what is wrong with a file that is no YAML.

The parser's own sentences name what it did not find, and often the line behind the mistake. Each of them is turned into
a place, a code and a sentence with the remedy, by a look at the line that it means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from connector.mapping.reading.problems import Place
from connector.mapping.reading.texts import Slip, lines_of

if TYPE_CHECKING:
    import yaml

#: What the reader of events, not the parser, says.
TOO_DEEP = "nested too deep"

_LONG = "a text of several lines"
#: What these signs begin, where a text was meant.
_BEGINS = {"-": "a list", "?": "a key", "%": "a directive", "|": _LONG, ">": _LONG}
_NO_SPACE = re.compile(r"\s*(- )*(?P<key>-?[\w/]+):(?=[^\s/])")
_NO_SPACE_BEHIND_DASH = re.compile(r"\s*-(?=[^\s-])")
_WORD_BEFORE = re.compile(r"[\w.-]*$")


class _Stop(NamedTuple):
    """Where and why the parser has stopped."""

    lines: list[str]
    problem: str
    #: What it was about to read.
    around: str
    #: Where that began.
    begun: Place
    place: Place

    @property
    def line(self) -> str:
        return self.lines[self.place.line - 1] if self.place.line <= len(self.lines) else ""

    @property
    def before(self) -> str:
        """What stands before the place in its line."""
        return self.line[: self.place.column - 1]

    @property
    def sign(self) -> str:
        return _at(self.lines, self.place)

    @property
    def first(self) -> str:
        """The sign with which it began."""
        return _at(self.lines, self.begun)


def slip_of(error: yaml.MarkedYAMLError, text: str) -> Slip:
    """Translate an error of the parser."""
    mark, context = error.problem_mark, error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    begun = Place(context.line + 1, context.column + 1) if context else place
    stop = _Stop(lines_of(text), str(error.problem), str(error.context), begun, place)
    tellers = (_stray_colon, _without_colon, _in_quotes, _in_brackets, _in_a_block, _with_a_sign)
    return next(filter(None, (tell(stop) for tell in tellers)), None) or _otherwise(stop)


def without_space(line: str, number: int) -> Slip | None:
    """Tell a line that has a key, or the dash of an item, without a space behind it."""
    if found := _NO_SPACE.match(line):
        sentence = f"a space is missing behind {found['key']}:"
        return Slip(Place(number, found.start("key") + 1), "missing-space", sentence)
    if found := _NO_SPACE_BEHIND_DASH.match(line):
        return Slip(Place(number, found.end()), "missing-space", "a space is missing behind the dash")
    return None


def _stray_colon(stop: _Stop) -> Slip | None:
    """Look at a colon where no key can be: a text holds it, the line above lacks a space, or this is too far in."""
    if stop.problem != "mapping values are not allowed in this context":
        return None
    if re.search(r"[\w\"'}\]]: ", stop.before):
        return Slip(stop.place, "quotes-needed", "a text that holds a colon and a space must stand in quotes")
    above = stop.place.line - 1
    while above > 0 and not _says_something(stop.lines[above - 1]):
        above -= 1
    if above and (slip := without_space(stop.lines[above - 1], above)):
        return slip
    return _indented(stop, len(stop.line) - len(stop.line.lstrip(" ")))


def _without_colon(stop: _Stop) -> Slip | None:
    if stop.problem != "could not find expected ':'":
        return None
    slip = without_space(stop.lines[stop.begun.line - 1], stop.begun.line)
    sentence = "this line has no colon; a key is followed by a colon and a space"
    return slip or Slip(stop.begun, "missing-colon", sentence)


def _in_quotes(stop: _Stop) -> Slip | None:
    if "quoted scalar" not in stop.around:
        return None
    if "unexpected" in stop.problem:
        return Slip(stop.begun, "unclosed-quote", "the quote that begins here is never closed")
    sentence = "in double quotes a backslash begins a sign of its own; write the text in single quotes"
    return Slip(stop.place, "quotes-needed", sentence)


def _in_brackets(stop: _Stop) -> Slip | None:
    """Look at an entry in brackets that does not end as it should."""
    if not stop.around.startswith("while parsing a flow"):
        return None
    if not stop.sign:  # the end of the file
        stop = stop._replace(begun=_last_opened(stop))
    if not stop.sign or (stop.place.line > stop.begun.line and stop.sign not in {"]", "}"}):
        return Slip(stop.begun, "unclosed-bracket", f"the {stop.first} that opens here is never closed")
    if stop.sign == ":":
        word = _WORD_BEFORE.search(stop.before)
        start = Place(stop.place.line, (word.start() if word else len(stop.before)) + 1)
        return Slip(start, "missing-comma", "a comma is missing before this word")
    code, sentence = {
        "[": ("path-syntax", "a path has no [ ]; an item of a list is picked by its number, such as products.0.name"),
        "]": ("stray-bracket", f"this ] does not close the {stop.first} that is open; close that first"),
        "}": ("stray-bracket", f"this }} does not close the {stop.first} that is open; close that first"),
        ",": ("not-yaml", "an entry is missing here; write it, or take the comma away"),
    }.get(stop.sign, ("missing-comma", f"a comma is missing before this, or the {stop.first} is not closed"))
    return Slip(stop.place, code, sentence)


def _in_a_block(stop: _Stop) -> Slip | None:
    """Look at a line that goes on where it should end, or begins where none above it does."""
    if stop.problem not in {"did not find expected key", "did not find expected '-' indicator"}:
        return None
    before = stop.before.rstrip()
    if not before:
        return _indented(stop, stop.place.column - 1)
    if stop.sign in {"]", "}"}:
        return Slip(stop.place, "stray-bracket", f"this {stop.sign} closes nothing; take it away")
    if before[-1] in "\"'":
        sentence = "the text goes on behind its closing quote; put all of it in quotes"
        return Slip(stop.place, "quotes-needed", sentence)
    if before[-1] in "]}":
        sentence = f"something follows the closing {before[-1]}; if all is text, put it in quotes"
        return Slip(stop.place, "stray-bracket", sentence)
    return None


def _with_a_sign(stop: _Stop) -> Slip | None:
    """Look at a text that begins with a sign of YAML's own."""
    if begins := _BEGINS.get(stop.first):
        sentence = f"{stop.first} begins {begins} here; if it is text, put it in quotes"
        return Slip(stop.begun, "quotes-needed", sentence)
    if "cannot start any token" in stop.problem or "anchor" in stop.around or "alias" in stop.around:
        return Slip(stop.begun, "quotes-needed", f"a text cannot begin with {stop.first}; put it in quotes")
    return None


def _otherwise(stop: _Stop) -> Slip:
    if stop.problem == TOO_DEEP:
        return Slip(stop.place, "nesting", "nested deeper than any mapping is; look for a bracket too many")
    if stop.problem == "did not find expected <document start>":
        sentence = "this stands outside of the keys and values that the file holds; take it away"
        return Slip(stop.place, "not-yaml", sentence)
    sentence = f"this is not YAML ({stop.problem}); correct what stands here or just before it"
    return Slip(stop.place, "not-yaml", sentence)


def _indented(stop: _Stop, column: int) -> Slip:
    """Tell a line that begins in a column, counted from 0, in which none above it does that it could go on."""
    columns: list[int] = []
    for line in filter(_says_something, reversed(stop.lines[: stop.place.line - 1])):
        dashes = re.match(r"( *)((?:- +)*)", line)
        starts = sorted({dashes.end(1), dashes.end(2)} if dashes else (), reverse=True)
        columns += [start for start in starts if not columns or start < columns[-1]]
    above = " or ".join(str(start + 1) for start in columns[:3])
    sentence = f"this line begins in column {column + 1}, which fits none above it; begin it in column {above or 1}"
    return Slip(Place(stop.place.line, column + 1), "indentation", sentence)


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _last_opened(stop: _Stop) -> Place:
    """Return where the last bracket before the place opens."""
    for number in range(min(stop.place.line, len(stop.lines)), 0, -1):
        column = max(stop.lines[number - 1].rfind("["), stop.lines[number - 1].rfind("{"))
        if column >= 0:
            return Place(number, column + 1)
    return stop.place


def _at(lines: list[str], place: Place) -> str:
    """Return the character at a place; nothing behind the end of a line."""
    return lines[place.line - 1][place.column - 1 : place.column] if place.line <= len(lines) else ""
