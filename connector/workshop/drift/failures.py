"""What came but could not become what a rule makes of it, as the mapping step has noted it with each event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FailuresInTopic:
    topic: str
    #: An event may have several, for several persons.
    values: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Values that a rule could not convert, all for the same reason."""

    #: Of the attribute, param or identifier.
    name: str
    #: Where the rule stands: ``groups.yaml:12``.
    place: str
    problem: str
    values: int
    first_at: datetime
    last_at: datetime
    #: The topic with the most values first.
    topics: tuple[FailuresInTopic, ...]


def failures(noted: Iterable[tuple[str, datetime, Iterable[Mapping[str, str]]]]) -> tuple[Failure, ...]:
    """Count the notes of events: (topic, when received, notes with `name`, `rule`, `problem`); most values first."""
    found: dict[tuple[str, str, str], dict[str, list[datetime]]] = {}
    for topic, received_at, notes in noted:
        for note in notes:
            failure = (note.get("name", ""), note.get("rule", ""), note.get("problem", ""))
            found.setdefault(failure, {}).setdefault(topic, []).append(received_at)
    all_of_them = [_failure(*failure, times) for failure, times in found.items()]
    return tuple(sorted(all_of_them, key=lambda one: (-one.values, one.name, one.place, one.problem)))


def _failure(name: str, place: str, problem: str, times: Mapping[str, list[datetime]]) -> Failure:
    topics = [
        FailuresInTopic(topic=topic, values=len(of_topic), first_at=min(of_topic), last_at=max(of_topic))
        for topic, of_topic in times.items()
    ]
    return Failure(
        name=name,
        place=place,
        problem=problem,
        values=sum(one.values for one in topics),
        first_at=min(one.first_at for one in topics),
        last_at=max(one.last_at for one in topics),
        topics=tuple(sorted(topics, key=lambda one: (-one.values, one.topic))),
    )
