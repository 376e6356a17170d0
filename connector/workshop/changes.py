"""Counts over many events how what they yield differs: by topic and name, the most frequent first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.workshop.differences import Difference


class Example(NamedTuple):
    """What changes in one event."""

    #: The event, as whoever counts calls it.
    event: Any
    before: Any
    after: Any


class Change(NamedTuple):
    """The same change of the same thing, over all events of a topic."""

    topic: str
    #: As of a `Difference`: the part of an update, the name, and what becomes of it.
    part: str
    name: str
    change: str
    #: How many events show it.
    events: int
    #: The first of them.
    examples: list[Example]


def count(found: Iterable[tuple[str, Any, Iterable[Difference]]], *, examples: int = 1) -> list[Change]:
    """Count the differences of events, each with its topic and what it is called, keeping so many examples of each."""
    changes: dict[tuple[str, str, str, str], Change] = {}
    for topic, event, differences in found:
        # By their keys, because the two users of a referral are one event all the same.
        of_event = {(topic, one.part, one.name, one.change): one for one in differences}
        for key, one in of_event.items():
            known = changes.get(key) or Change(*key, events=0, examples=[])
            shown = [*known.examples, Example(event, one.before, one.after)][:examples]
            changes[key] = known._replace(events=known.events + 1, examples=shown)
    return sorted(changes.values(), key=lambda change: -change.events)
