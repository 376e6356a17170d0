"""How the explanation of a webhook is printed: a line for each value, with where it comes from and its rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from connector.model.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.mapping.checking.explaining import Alternative, Explanation, Reading, UserReading
    from connector.workshop.trying import TrialResult

#: A value is cut off after so many characters; its story has it whole.
_CELL = 40
#: Longer cells do not widen their column: a few sentences would push all rules out of sight.
_WIDTHS = (60, _CELL, 60)
_INDENT = "    "


class _Block(NamedTuple):
    """A heading, and the values under it."""

    title: str
    readings: tuple[Reading, ...] = ()
    #: True where the title tells nothing without a value under it.
    is_list: bool = False


def lines(tried: TrialResult, *, with_empty: bool) -> Iterator[str]:
    """Tell what became of a webhook, each value with its path and its rule; `with_empty` also of what is not there."""
    yield heading(tried)
    if not tried.explanation:
        yield "No mapping: the event is kept, and nothing is sent."
        return
    blocks = list(_blocks(tried.explanation, rfc3339(tried.trial.event.occurred_at)))
    rows = [[_row(one) for one in block.readings if with_empty or not _is_empty(one)] for block in blocks]
    widths = [
        max((len(row[column]) for of_block in rows for row in of_block if len(row[column]) <= limit), default=0)
        for column, limit in enumerate(_WIDTHS)
    ]
    for block, of_block in zip(blocks, rows, strict=True):
        if of_block or not block.is_list:
            yield block.title
        for *cells, place_of_rule in of_block:
            told = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            yield f"{_INDENT}{'  '.join(told)}  {place_of_rule}"
    readings = [one for block in blocks for one in block.readings]
    noted = {(reading.rule.name, reading.problem) for reading in readings}
    yield from (f"note: {note.problem}" for note in tried.notes if (note.name, note.problem) not in noted)
    if hidden := 0 if with_empty else sum(map(_is_empty, readings)):
        yield f"{hidden} more would be filled, but nothing is there: --all lists them, --explain NAME tells why."


def heading(tried: TrialResult) -> str:
    trial = tried.trial
    overlay = f"  overlay {trial.options.overlay}" if trial.options.overlay else ""
    quiet = "  starts no journeys" if tried.explanation and tried.explanation.mapping.skip_hook else ""
    return f"{trial.event.topic}  {trial.name}{overlay}{quiet}"


def shown(value: object, limit: int = _CELL) -> str:
    """Write a value as JSON on one line, without what a terminal might take for a command."""
    told = json.dumps(value, ensure_ascii=False)
    safe = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in told)
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}…"


def _blocks(explanation: Explanation, occurred_at: str) -> Iterator[_Block]:
    for number, user in enumerate(explanation.users, start=1):
        yield _Block(fate(number, user))
        yield _Block("  identifiers", user.identifiers, is_list=True)
        yield _Block("  attributes", user.attributes, is_list=True)
        for event, params in user.events:
            yield _Block(f"  user event {event.name}, {occurred_at}", params)
    if explanation.mapping.notice:
        yield _Block(f"notice: {explanation.mapping.notice.text}", explanation.details)


def fate(number: int, user: UserReading) -> str:
    """Say where a user was found, and what becomes of it."""
    told = f"user {number} at {place(user)}"
    if user.fate == "refused":
        return f"{told} is refused: {user.refusal.reason if user.refusal else 'no identifiers'}"
    if user.fate == "skipped":
        return f"{told} is skipped, being optional: there is no identifier"
    return f"{told} is skipped: there is nothing to tell" if user.fate == "empty" else told


def place(user: UserReading) -> str:
    """Say where the person was found, or was looked for."""
    if user.person is None:
        return user.mapping.whereabouts
    return ".".join(user.person) or "the top"


def path(one: Alternative) -> str:
    return ".".join(one.path)


def _row(reading: Reading) -> tuple[str, str, str, str]:
    """Return the name, the value, where it comes from, and the rule."""
    rule = reading.rule
    told = {"filled": shown(reading.value), "unfit": "unfit", "cleared": "cleared", "nothing": "-"}
    return rule.name, told[reading.outcome], _origin(reading), rule.place


def _origin(reading: Reading) -> str:
    """Say where a value comes from, what stood there, and what was passed over."""
    if not reading.alternatives:
        return "always"
    counted = [one for one in reading.alternatives if one.counts]
    passed = ", ".join(f"{path(one)} {one.state}" for one in _passed_over(reading.alternatives))
    found = ", ".join(path(one) + (f" {shown(one.raw)}" if differs(reading, one) else "") for one in counted)
    if reading.problem:
        found += f": {reading.problem}"
    return f"{found} ({passed})" if found and passed else found or passed


def _passed_over(alternatives: Iterable[Alternative]) -> Iterator[Alternative]:
    """Yield what was looked at and found to be nothing; behind what counts, nobody has looked."""
    settled: set[str] = set()
    for one in alternatives:
        if one.counts:
            settled.add(one.part)
        elif one.part not in settled:
            yield one


def differs(reading: Reading, one: Alternative) -> bool:
    """Whether what stands there is not the value itself. To Python, true is 1."""
    return type(one.raw) is not type(reading.value) or one.raw != reading.value


def _is_empty(reading: Reading) -> bool:
    return reading.outcome == "nothing"
