"""Prints the explanation of a webhook as text: one line for each value, with its path and its rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from connector.cli import shared
from connector.model.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.mapping.checking.explaining import Alternative, Explanation, Reading, UserReading
    from connector.workshop.trying import TrialResult

#: Values with more characters are cut off. The module `stories` shows more of a value.
_CELL = 40
#: The greatest widths of the columns. A longer cell does not widen its column, so that the rules stay visible.
_WIDTHS = (60, _CELL, 60)
_INDENT = "    "


class _Block(NamedTuple):
    """A title, and the values under it."""

    title: str
    readings: tuple[Reading, ...] = ()
    #: True if the title is shown only together with a value.
    is_list: bool = False


def lines(result: TrialResult, *, with_empty: bool) -> Iterator[str]:
    """Yield the explanation of a webhook: each value with its path and its rule.

    If `with_empty` is true, the lines include the rules that found no value.
    """
    yield heading(result)
    if not result.explanation:
        yield "No mapping: the event is kept, and nothing is sent."
        return
    blocks = list(_blocks(result.explanation, rfc3339(result.trial.event.occurred_at)))
    rows_by_block = [
        [_row(reading) for reading in block.readings if with_empty or not _is_empty(reading)] for block in blocks
    ]
    widths = [
        max((len(row[column]) for rows in rows_by_block for row in rows if len(row[column]) <= limit), default=0)
        for column, limit in enumerate(_WIDTHS)
    ]
    for block, rows in zip(blocks, rows_by_block, strict=True):
        if rows or not block.is_list:
            yield block.title
        for *cells, place_of_rule in rows:
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            yield f"{_INDENT}{'  '.join(padded)}  {place_of_rule}"
    readings = [reading for block in blocks for reading in block.readings]
    shown_problems = {(reading.rule.name, reading.problem) for reading in readings}
    yield from (f"note: {note.problem}" for note in result.notes if (note.name, note.problem) not in shown_problems)
    if hidden := 0 if with_empty else sum(map(_is_empty, readings)):
        yield f"{shared.counted(hidden, 'more rule')} found no value: --all lists them, --explain NAME shows why."


def heading(result: TrialResult) -> str:
    """Return the first line: the topic, the webhook, the overlay, and a remark if the event starts no journeys."""
    trial = result.trial
    overlay = f"  overlay {trial.options.overlay}" if trial.options.overlay else ""
    journeys = "  starts no journeys" if result.explanation and result.explanation.mapping.skip_hook else ""
    return f"{trial.event.topic}  {trial.name}{overlay}{journeys}"


def as_json_text(value: object, limit: int = _CELL) -> str:
    """Return a value as one line of JSON. Control characters are escaped, because a terminal might execute them."""
    text = json.dumps(value, ensure_ascii=False)
    safe = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}…"


def _blocks(explanation: Explanation, occurred_at: str) -> Iterator[_Block]:
    for number, user in enumerate(explanation.users, start=1):
        yield _Block(fate_of_user(number, user))
        yield _Block("  identifiers", user.identifiers, is_list=True)
        yield _Block("  attributes", user.attributes, is_list=True)
        for event, params in user.events:
            yield _Block(f"  user event {event.name}, {occurred_at}", params)
    if explanation.mapping.notice:
        yield _Block(f"notice: {explanation.mapping.notice.text}", explanation.details)


def fate_of_user(number: int, user: UserReading) -> str:
    """Return a user's title: the place in the webhook, and the reason if the user is refused or skipped."""
    title = f"user {number} at {place_of_person(user)}"
    if user.fate == "refused":
        return f"{title} is refused: {user.refusal.reason if user.refusal else 'no identifiers'}"
    if user.fate == "skipped":
        return f"{title} is skipped: the user is optional and has no identifier"
    return f"{title} is skipped: there is nothing to send" if user.fate == "empty" else title


def place_of_person(user: UserReading) -> str:
    """Return the path to the person. If there is no person, return the paths that were tried."""
    if user.person is None:
        return user.mapping.whereabouts
    return ".".join(user.person) or "the top"


def path_text(alternative: Alternative) -> str:
    return ".".join(alternative.path)


def _row(reading: Reading) -> tuple[str, str, str, str]:
    """Return the columns of a line: the name, the value, the source of the value, and the place of the rule."""
    rule = reading.rule
    values = {"filled": as_json_text(reading.value), "unfit": "unfit", "cleared": "cleared", "nothing": "-"}
    return rule.name, values[reading.outcome], _origin(reading), rule.place


def _origin(reading: Reading) -> str:
    """Return the source of a value: its path, the raw value if it was converted, and the paths without a value."""
    if not reading.alternatives:
        return "always"
    sources = ", ".join(
        path_text(alternative) + (f" {as_json_text(alternative.raw)}" if is_converted(reading, alternative) else "")
        for alternative in reading.alternatives
        if alternative.counts
    )
    if reading.problem:
        sources += f": {reading.problem}"
    without_value = ", ".join(
        f"{path_text(alternative)} {alternative.state}" for alternative in _without_value(reading.alternatives)
    )
    return f"{sources} ({without_value})" if sources and without_value else sources or without_value


def _without_value(alternatives: Iterable[Alternative]) -> Iterator[Alternative]:
    """Yield the paths that were tried but have no value. Paths after the first path with a value were not tried."""
    found_parts: set[str] = set()
    for alternative in alternatives:
        if alternative.counts:
            found_parts.add(alternative.part)
        elif alternative.part not in found_parts:
            yield alternative


def is_converted(reading: Reading, alternative: Alternative) -> bool:
    """Return whether the raw value differs from the value for Insider.

    The function also compares the types, because True equals 1 in Python.
    """
    return type(alternative.raw) is not type(reading.value) or alternative.raw != reading.value


def _is_empty(reading: Reading) -> bool:
    return reading.outcome == "nothing"
