"""Finds fields that the mapping does not read, and fields that came with more than one JSON type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from connector.workshop.drift.shapes import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from connector.mapping.types.lookup import Path
    from connector.workshop.drift.reads import Reads
    from connector.workshop.drift.shapes import Node, Shape


#: The reader of a field. ``intake`` reads the time, the customer and the idempotency key.
Reader = Literal["mapping", "nothing", "intake"]
_READERS: tuple[Reader, ...] = ("mapping", "nothing", "intake")


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """How many sampled events have a field with one type, and when the first and the last of them were received."""

    events: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class InTopic:
    """A field in the events of one topic."""

    topic: str
    #: How many events have the field.
    events: int
    #: How many events of the topic were sampled.
    sampled: int
    #: True if many events came before the first event with the field, and at least half of the later events have it.
    is_new: bool
    first_at: datetime
    last_at: datetime
    #: The events by JSON type; ``blank`` is a text with only spaces. The items of one list can have several types.
    types: dict[str, Seen]


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field, with all topics where it has the same reader."""

    #: A path such as ``products.*.product_id``. ``*`` is any item of a list, or any key that may be data.
    path: str
    read_by: Reader
    events: int
    #: The share of these topics' sampled events that have the field, from 0 to 1.
    share: float
    #: True if the field is new in all of these topics.
    is_new: bool
    first_at: datetime
    last_at: datetime
    types: dict[str, Seen]
    #: The topic with the most events comes first.
    topics: tuple[InTopic, ...]


#: A field is new if at least `_BEFORE` events came before it, and at least `_SINCE` events have it.
_BEFORE, _SINCE = 10, 3

#: A path, its reader, and a topic that has the path.
Finding = tuple[str, Reader, InTopic]


def unread(topic: str, shape: Shape, reads: Reads) -> Iterator[Finding]:
    """Yield the fields of a topic that its mapping does not read. If intake reads a field, its reader is ``intake``."""
    for path, node in shape.paths():
        if path not in reads.mapped and _is_field(path, node, reads):
            yield _finding(topic, shape, path, node, _reader(path, reads))


def changed(topic: str, shape: Shape, reads: Reads) -> Iterator[Finding]:
    """Yield the paths of a topic that came with more than one type. Null and blank do not count as types."""
    for path, node in shape.paths():
        if len(node.seen.keys() - NOTHING) > 1 and not node.is_several:
            is_mapped = path in reads.mapped or path in reads.ways
            yield _finding(topic, shape, path, node, "mapping" if is_mapped else _reader(path, reads))


def in_all_topics(findings: Iterable[Finding]) -> tuple[Field, ...]:
    """Merge the findings of all topics into one `Field` for each path and reader.

    Fields that the mapping reads come first, then fields that nothing reads, then fields that intake reads. In each of
    these three parts, new fields come first, then fields with values. Frequent fields come before rare fields.
    """
    grouped: dict[tuple[str, Reader], list[InTopic]] = {}
    for path, read_by, in_topic in findings:
        grouped.setdefault((path, read_by), []).append(in_topic)
    fields = [_field(path, read_by, topics) for (path, read_by), topics in grouped.items()]
    return tuple(sorted(fields, key=_rank))


def _reader(path: Path, reads: Reads) -> Reader:
    """Return the reader of a field that the mapping does not read."""
    return "intake" if reads.is_read_by_intake(path) else "nothing"


def _is_field(path: Path, node: Node, reads: Reads) -> bool:
    """Whether the report lists this path. If not, the report lists the fields inside it, or the mapping reads them."""
    has_scalar = bool(node.seen.keys() & {"boolean", "number", "string"})
    is_way = path in reads.ways or any(child.seen for child in node.children.values())
    return has_scalar or not is_way


def _finding(topic: str, shape: Shape, path: Path, node: Node, read_by: Reader) -> Finding:
    types = {
        type_: Seen(events=seen.events, first_at=seen.first_at, last_at=seen.last_at)
        for type_, seen in sorted(node.seen.items())
    }
    events, before = node.events(), node.events_before()
    in_topic = InTopic(
        topic=topic,
        events=events,
        sampled=shape.events,
        is_new=before >= _BEFORE and events >= max(_SINCE, (shape.events - before) / 2),
        first_at=min(seen.first_at for seen in types.values()),
        last_at=max(seen.last_at for seen in types.values()),
        types=types,
    )
    return ".".join(path), read_by, in_topic


def _field(path: str, read_by: Reader, topics: list[InTopic]) -> Field:
    events = sum(topic.events for topic in topics)
    types: dict[str, list[Seen]] = {}
    for topic in topics:
        for type_, seen in topic.types.items():
            types.setdefault(type_, []).append(seen)
    return Field(
        path=path,
        read_by=read_by,
        events=events,
        share=round(events / sum(topic.sampled for topic in topics), 4),
        is_new=all(topic.is_new for topic in topics),
        first_at=min(topic.first_at for topic in topics),
        last_at=max(topic.last_at for topic in topics),
        types={type_: _together(seen) for type_, seen in sorted(types.items())},
        topics=tuple(sorted(topics, key=lambda topic: (-topic.events, topic.topic))),
    )


def _together(parts: list[Seen]) -> Seen:
    return Seen(
        events=sum(seen.events for seen in parts),
        first_at=min(seen.first_at for seen in parts),
        last_at=max(seen.last_at for seen in parts),
    )


def _rank(field: Field) -> tuple[int, bool, bool, int, str]:
    has_nothing = field.types.keys() <= NOTHING
    return _READERS.index(field.read_by), not field.is_new, has_nothing, -field.events, field.path
