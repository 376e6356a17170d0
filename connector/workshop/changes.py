"""Counts how many events have the same difference, for each topic and name. All functions are pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.workshop.differences import Difference


class Example(NamedTuple):
    """One event with a change, and the value before and after the change."""

    #: The event's id or name, as the caller of `count` gives it.
    event: Any
    before: Any
    after: Any


class Change(NamedTuple):
    """One kind of change of one name, counted over all events of a topic."""

    topic: str
    #: `part`, `name` and `change` have the same meaning as in a `Difference`.
    part: str
    name: str
    change: str
    #: How many events have this change.
    events: int
    #: The first events with this change.
    examples: list[Example]


def count(events: Iterable[tuple[str, Any, Iterable[Difference]]], *, examples: int = 1) -> list[Change]:
    """Count the differences of events: (topic, id or name, differences). The most frequent change comes first.

    Each change has at most `examples` examples.
    """
    changes: dict[tuple[str, str, str, str], Change] = {}
    for topic, event, differences in events:
        # An event can have two users, such as a referral. If both have the same change, the event counts once.
        by_key = {
            (topic, difference.part, difference.name, difference.change): difference for difference in differences
        }
        for key, difference in by_key.items():
            change = changes.get(key) or Change(*key, events=0, examples=[])
            first = [*change.examples, Example(event, difference.before, difference.after)][:examples]
            changes[key] = change._replace(events=change.events + 1, examples=first)
    return sorted(changes.values(), key=lambda change: -change.events)
