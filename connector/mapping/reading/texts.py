"""The text of a file before it is looked at as YAML: its encoding, its lines, and signs that cannot stand in it."""

from __future__ import annotations

import re
from typing import NamedTuple

from connector.mapping.reading.problems import Place


class Slip(NamedTuple):
    """A mistake of a file."""

    place: Place
    code: str
    sentence: str


#: What YAML takes for the end of a line.
_LINE_END = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
#: What YAML takes for no character of a text, and the mark that tells the order of bytes, which nobody sees.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
#: A tab anywhere, or among the spaces at the beginning of a line one that is none to YAML.
_ODD_SPACE = re.compile(r"\t|^ *(?!\S)[^ -~]")
_CONFLICT = re.compile(r"(<{7}|={7}|>{7})( |$)")


def text_of(content: bytes) -> tuple[str, list[Slip]]:
    """Return the text of a file, and what keeps it from being looked at as YAML."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        kind = "UTF-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "not UTF-8"
        return "", [Slip(_end_of(before), "file-encoding", f"the file is {kind}; save it as UTF-8 text")]
    if found := _FORBIDDEN.search(text):
        sentence = f"the character U+{ord(found[0]):04X}, which YAML does not allow; delete it"
        return text, [Slip(_end_of(text[: found.start()]), "file-character", sentence)]
    lines = lines_of(text)
    return text, [slip for slip in (_odd_space(lines), _conflict(lines)) if slip]


def lines_of(text: str) -> list[str]:
    return _LINE_END.split(text)


def _odd_space(lines: list[str]) -> Slip | None:
    found = [
        (number, match.end(), match[0][-1])
        for number, line in enumerate(lines, start=1)
        if (match := _ODD_SPACE.search(line))
    ]
    if not found:
        return None
    number, column, sign = found[0]
    more = f", here and in {len(found) - 1} more lines" if len(found) > 1 else ""
    kind = "a tab" if sign == "\t" else f"a space of another kind (U+{ord(sign):04X})"
    return Slip(Place(number, column), "white-space", f"{kind}; type plain spaces{more}")


def _conflict(lines: list[str]) -> Slip | None:
    number = next((number for number, line in enumerate(lines, start=1) if _CONFLICT.match(line)), None)
    if number is None:
        return None
    return Slip(Place(number, 1), "conflict-marker", "a merge conflict is left here; keep one of its two sides")


def _end_of(before: str) -> Place:
    """Return the place behind a text."""
    lines = lines_of(before)
    return Place(len(lines), len(lines[-1]) + 1)
