"""Checks the text of a file before YAML parses it: its encoding, its lines, and characters that are not allowed."""

from __future__ import annotations

import re
from typing import NamedTuple

from connector.mapping.reading.problems import Place


class Slip(NamedTuple):
    """A mistake in the text or the YAML syntax of a file."""

    place: Place
    code: str
    sentence: str


#: The characters that end a line in YAML.
_LINE_END = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
#: Characters that YAML does not allow, and the byte order mark, which is invisible.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
#: A tab anywhere in a line, or a special space at its beginning that YAML does not accept as a space.
_ODD_SPACE = re.compile(r"\t|^ *(?!\S)[^ -~]")
_CONFLICT = re.compile(r"(<{7}|={7}|>{7})( |$)")


def text_of(content: bytes) -> tuple[str, list[Slip]]:
    """Return the text of a file, and the mistakes that stop it from being parsed as YAML."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        kind = "UTF-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "not UTF-8"
        return "", [Slip(_end_of(before), "file-encoding", f"the file is {kind}; save it as UTF-8 text")]
    if match := _FORBIDDEN.search(text):
        sentence = f"YAML does not allow the character U+{ord(match[0]):04X}; delete it"
        return text, [Slip(_end_of(text[: match.start()]), "file-character", sentence)]
    lines = lines_of(text)
    return text, [slip for slip in (_odd_space(lines), _conflict(lines)) if slip]


def lines_of(text: str) -> list[str]:
    return _LINE_END.split(text)


def _odd_space(lines: list[str]) -> Slip | None:
    spaces = [
        (number, match.end(), match[0][-1])
        for number, line in enumerate(lines, start=1)
        if (match := _ODD_SPACE.search(line))
    ]
    if not spaces:
        return None
    number, column, character = spaces[0]
    more = f", here and in {len(spaces) - 1} more lines" if len(spaces) > 1 else ""
    kind = "a tab" if character == "\t" else f"a special space (U+{ord(character):04X})"
    return Slip(Place(number, column), "white-space", f"{kind}; type plain spaces{more}")


def _conflict(lines: list[str]) -> Slip | None:
    number = next((number for number, line in enumerate(lines, start=1) if _CONFLICT.match(line)), None)
    if number is None:
        return None
    return Slip(Place(number, 1), "conflict-marker", "there is a merge conflict here; keep one of its two sides")


def _end_of(before: str) -> Place:
    """Return the place after the end of a text."""
    lines = lines_of(before)
    return Place(len(lines), len(lines[-1]) + 1)
