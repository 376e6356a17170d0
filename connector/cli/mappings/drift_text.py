"""Prints the result of `connector mappings drift` as text: a table for each kind of drift."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from connector.cli import shared
from connector.workshop.drift.shapes import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal.samples import UnmappedTopic, Window
    from connector.workshop.drift import Failure, Report
    from connector.workshop.drift.absences import Absence, Absent
    from connector.workshop.drift.fields import Field

#: A table shows at most this many rows; JSON has all of them.
_ROWS = 30
_WIDTH = 120
_TIME = "%m-%d %H:%M"
_ABSENCES: dict[Absence, str] = {
    "rule": "Mapped, but no path of the rule ever came",
    "alternative": "Mapped, but never came, although another path of the same rule did",
    "elsewhere": "Mapped, but never came in these topics, although the same rule finds it in others",
}
#: The sentence of each failure ends with this text. The table does not show it.
_LEFT_OUT = ", so it was left out."


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """The data that the command prints."""

    window: Window
    #: How many events were read for their topics and notes only, without their bodies.
    looked_at: int
    report: Report
    failures: tuple[Failure, ...]
    unmapped_topics: list[UnmappedTopic]
    #: The mapped topics that have no event.
    silent_topics: list[str]
    is_overlay_missing: bool


def show(drift: Drift) -> None:
    """Print the result."""
    report = drift.report
    _say(
        f"{shared.counted(report.sampled, 'event')} sampled of {drift.looked_at:,} looked at, received since "
        f"{shared.cell(drift.window.since)}; {_total(drift.window)}. Mapping set {report.mapping}"
        + (f", overlay {report.overlay}." if report.overlay else ".")
    )
    if drift.is_overlay_missing:
        _say(f"The mapping set has no overlay {report.overlay!r}: the shared rules alone are used.")
    if cut_off := [topic.topic for topic in report.topics if topic.is_cut_off]:
        _say(
            f"These topics have too many or too deep paths, so only the first ones were compared: {', '.join(cut_off)}."
        )
    mapped = {topic.topic for topic in report.topics if topic.is_mapped or drift.window.topic}
    in_mapped = [
        field for field in report.unmapped_fields if any(in_topic.topic in mapped for in_topic in field.topics)
    ]
    _table("Came, but mapped nowhere in its topic", [_field(field) for field in in_mapped if field.read_by != "intake"])
    _names(
        "Came, but only intake reads it, for time, customer or key",
        [field.path for field in in_mapped if field.read_by == "intake"],
    )
    for absence, title in _ABSENCES.items():
        _table(title, [_absent(absent) for absent in report.never_came if absent.absence == absence])
    _table(
        "Came with more than one type, one row for each type",
        [row for field in report.type_changes for row in _types(field)],
    )
    _table("Could not be converted to the type of their rule", [_failure(failure) for failure in drift.failures])
    _table(
        "Topics without a mapping (--topic lists their fields)", [_unmapped(topic) for topic in drift.unmapped_topics]
    )
    _names("Mapped topics without an event", drift.silent_topics)


def _total(window: Window) -> str:
    return "these are all events" if window.is_small else f"there are at most {window.numbers:,}"


def _field(field: Field) -> dict[str, str]:
    return {
        "path": f"{field.path} (new)" if field.is_new else field.path,
        "types": ", ".join([type_ for type_ in field.types if type_ not in NOTHING] or field.types),
        "events": f"{field.events:,}",
        "share": f"{field.share:.0%}",
        "first": f"{field.first_at:{_TIME}}",
        "last": f"{field.last_at:{_TIME}}",
        "in": _topics([in_topic.topic for in_topic in field.topics]),
    }


def _absent(absent: Absent) -> dict[str, str]:
    start = "person: " if absent.from_person else ""
    return {
        "name": absent.name,
        "path": start + ", ".join(absent.paths),
        "rule": absent.place,
        "events": f"{absent.sampled:,}",
        "null or blank": f"{absent.empty:,}",
        "in": _topics([in_topic.topic for in_topic in absent.topics]),
    }


def _types(field: Field) -> list[dict[str, str]]:
    return [
        {
            "path": field.path,
            "type": type_,
            "events": f"{seen.events:,}",
            "first": f"{seen.first_at:{_TIME}}",
            "last": f"{seen.last_at:{_TIME}}",
            "read by": field.read_by,
            "in": _topics([in_topic.topic for in_topic in field.topics]),
        }
        for type_, seen in field.types.items()
    ]


def _failure(failure: Failure) -> dict[str, str]:
    return {
        "name": failure.name,
        "problem": failure.problem.removesuffix(_LEFT_OUT),
        "rule": failure.place,
        "values": f"{failure.values:,}",
        "first": f"{failure.first_at:{_TIME}}",
        "last": f"{failure.last_at:{_TIME}}",
        "in": _topics([in_topic.topic for in_topic in failure.topics]),
    }


def _unmapped(topic: UnmappedTopic) -> dict[str, str]:
    return {
        "topic": topic.topic,
        "events": f"{topic.events:,}",
        "first": f"{topic.first_at:{_TIME}}",
        "last": f"{topic.last_at:{_TIME}}",
    }


def _topics(names: Sequence[str]) -> str:
    """Return the name of the topic if there is only one; otherwise return the number of topics."""
    different = dict.fromkeys(names)
    return next(iter(different)) if len(different) == 1 else f"{len(different)} topics"


def _names(title: str, names: Sequence[str]) -> None:
    _say(f"\n{title}: {', '.join(names) or 'none'}")


def _say(text: str) -> None:
    lines = text.splitlines() or [""]
    click.echo("\n".join(textwrap.fill(line, _WIDTH, break_on_hyphens=False, break_long_words=False) for line in lines))


def _table(title: str, rows: Sequence[dict[str, str]]) -> None:
    more = len(rows) - _ROWS
    click.echo(f"\n{title}: {len(rows) or 'none'}")
    for line in lines(rows[:_ROWS]):
        click.echo(f"  {line}")
    if more > 0:
        click.echo(f"  … and {shared.counted(more, 'more row')}: --topic shows one topic, --format json shows all rows")


def lines(rows: Sequence[dict[str, str]]) -> list[str]:
    """Return the lines of a table. If a line is too long, the longest cells are shortened in the middle."""
    if not rows:
        return []
    table = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    while sum(widths) + 2 * len(widths) > _WIDTH:
        widths[widths.index(max(widths))] -= 1
    return [
        "  ".join(_shortened(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def _shortened(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[-end:]}"
