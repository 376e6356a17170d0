"""The drift report: compares a sample of events with the mappings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.workshop.drift import absences, fields
from connector.workshop.drift.reads import reads_of, uses_of
from connector.workshop.drift.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from connector.mapping import MappingSet
    from connector.workshop.drift.absences import Absent
    from connector.workshop.drift.fields import Field, Finding
    from connector.workshop.drift.reads import Reads, Use


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicSample:
    """The sampled events of a topic."""

    topic: str
    sampled: int
    is_mapped: bool
    #: True if some paths are missing, because there were too many paths, or because a path was too deep.
    is_cut_off: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The drift in a sample of events. In each list the most useful entry comes first."""

    #: The version of the mapping set.
    mapping: str
    overlay: str | None
    sampled: int
    topics: tuple[TopicSample, ...]
    #: Fields that the mapping of their topic does not read. Fields that intake reads are at the end.
    unmapped_fields: tuple[Field, ...]
    #: Paths that a mapping reads but that never had a value. Only topics with sampled events are checked.
    never_came: tuple[Absent, ...]
    type_changes: tuple[Field, ...]


def report(sample: Iterable[tuple[str, datetime, Any]], mappings: MappingSet, *, overlay: str | None = None) -> Report:
    """Compare events (topic, time of receipt, parsed body) with the mappings.

    No content of a body can raise an exception. The function reads one body at a time and keeps no body. It ignores an
    overlay that the set does not have.
    """
    uses: dict[str, Sequence[Use]] = {}
    shapes: dict[str, Shape] = {}
    mapped = mappings.overlays.get(overlay or "", mappings.by_topic)
    for topic, received_at, body in sample:
        if topic not in shapes:
            uses[topic] = tuple(uses_of(mapped[topic])) if topic in mapped else ()
            shapes[topic] = _shape(topic, uses[topic])
        shapes[topic].add(body, received_at)
    for shape in shapes.values():
        shape.settle()
    return Report(
        mapping=mappings.version,
        overlay=overlay,
        sampled=sum(shape.events for shape in shapes.values()),
        topics=tuple(_topic_sample(topic, shape, is_mapped=topic in mapped) for topic, shape in sorted(shapes.items())),
        unmapped_fields=_fields(fields.unread, shapes, uses),
        never_came=absences.absent(uses, shapes),
        type_changes=_fields(fields.changed, shapes, uses),
    )


def _shape(topic: str, uses: Sequence[Use]) -> Shape:
    reads = reads_of(topic, uses)
    return Shape([*reads.mapped, *reads.ways, *reads.intake])


def _topic_sample(topic: str, shape: Shape, *, is_mapped: bool) -> TopicSample:
    return TopicSample(topic=topic, sampled=shape.events, is_mapped=is_mapped, is_cut_off=shape.is_cut_off)


def _fields(
    of_topic: Callable[[str, Shape, Reads], Iterable[Finding]],
    shapes: Mapping[str, Shape],
    uses: Mapping[str, Sequence[Use]],
) -> tuple[Field, ...]:
    return fields.in_all_topics(
        finding for topic, shape in shapes.items() for finding in of_topic(topic, shape, reads_of(topic, uses[topic]))
    )
