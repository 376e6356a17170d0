"""Counts the differences of many events by topic and name, the most frequent first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.workshop.differences import Difference


class Example(NamedTuple):
    """One event with a change, and its values before and after."""

    #: The event's id or name, as the caller of `count` gives it.
    event: Any
    before: Any
    after: Any


class Change(NamedTuple):
    """The same change of the same name, in all events of a topic."""

    topic: str
    #: As in a `Difference`: the part of an update, the name, and the kind of change.
    part: str
    name: str
    change: str
    #: How many events have it.
    events: int
    #: The first of these events.
    examples: list[Example]


def count(events: Iterable[tuple[str, Any, Iterable[Difference]]], *, examples: int = 1) -> list[Change]:
    """Count the differences of events: (topic, id or name, differences). Keep some examples of each change."""
    changes: dict[tuple[str, str, str, str], Change] = {}
    for topic, event, differences in events:
        # By key, so that an event with two users, such as a referral, counts once.
        by_key = {
            (topic, difference.part, difference.name, difference.change): difference for difference in differences
        }
        for key, difference in by_key.items():
            change = changes.get(key) or Change(*key, events=0, examples=[])
            first = [*change.examples, Example(event, difference.before, difference.after)][:examples]
            changes[key] = change._replace(events=change.events + 1, examples=first)
    return sorted(changes.values(), key=lambda change: -change.events)
