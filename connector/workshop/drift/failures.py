"""Counts the values that rules could not convert, from the notes that the mapping adds to each event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FailuresInTopic:
    topic: str
    #: How many values failed. An event with several persons can have several such values.
    values: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Values that a rule could not convert, all for the same reason."""

    #: The name of the attribute, param or identifier.
    name: str
    #: The file and the line of the rule, such as ``groups.yaml:12``.
    place: str
    problem: str
    values: int
    first_at: datetime
    last_at: datetime
    #: The topic with the most values comes first.
    topics: tuple[FailuresInTopic, ...]


def failures(noted: Iterable[tuple[str, datetime, Iterable[Mapping[str, str]]]]) -> tuple[Failure, ...]:
    """Count the notes of events: (topic, time of receipt, notes with `name`, `rule`, `problem`).

    The failure with the most values comes first.
    """
    by_failure: dict[tuple[str, str, str], dict[str, list[datetime]]] = {}
    for topic, received_at, notes in noted:
        for note in notes:
            key = (note.get("name", ""), note.get("rule", ""), note.get("problem", ""))
            by_failure.setdefault(key, {}).setdefault(topic, []).append(received_at)
    counted = [_failure(*key, times) for key, times in by_failure.items()]
    return tuple(sorted(counted, key=lambda failure: (-failure.values, failure.name, failure.place, failure.problem)))


def _failure(name: str, place: str, problem: str, times: Mapping[str, list[datetime]]) -> Failure:
    topics = [
        FailuresInTopic(topic=topic, values=len(of_topic), first_at=min(of_topic), last_at=max(of_topic))
        for topic, of_topic in times.items()
    ]
    return Failure(
        name=name,
        place=place,
        problem=problem,
        values=sum(in_topic.values for in_topic in topics),
        first_at=min(in_topic.first_at for in_topic in topics),
        last_at=max(in_topic.last_at for in_topic in topics),
        topics=tuple(sorted(topics, key=lambda in_topic: (-in_topic.values, in_topic.topic))),
    )
