"""What came: fields that nothing reads, and fields that came with more than one JSON type."""

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


#: What reads a field. Intake finds the time, the customer and the idempotency key by it.
Reader = Literal["mapping", "nothing", "intake"]
_READERS: tuple[Reader, ...] = ("mapping", "nothing", "intake")


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """In how many of the sampled events something was seen, and when the first and the last of them were received."""

    events: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class InTopic:
    """A field in the events of one topic."""

    topic: str
    #: Events that hold it, and how many of the topic were sampled.
    events: int
    sampled: int
    #: True where many events came without it before the first, and most have had it since.
    is_new: bool
    first_at: datetime
    last_at: datetime
    #: By JSON type, and ``blank`` for a text of nothing but spaces. An event may have several at places in a list.
    types: dict[str, Seen]


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field in all topics of which the same is to be told."""

    #: Such as ``products.*.product_id``: ``*`` is any place in a list, or any key that may be data.
    path: str
    read_by: Reader
    events: int
    #: Of the sampled events of these topics, from 0 to 1.
    share: float
    #: True where it is new in all of these topics.
    is_new: bool
    first_at: datetime
    last_at: datetime
    types: dict[str, Seen]
    #: The topic with the most events first.
    topics: tuple[InTopic, ...]


#: So many events without a field, and then so many with it, make it something new.
_BEFORE, _SINCE = 10, 3

#: A path, what reads it, and a topic that holds it.
Finding = tuple[str, Reader, InTopic]


def unread(topic: str, shape: Shape, reads: Reads) -> Iterator[Finding]:
    """Yield the fields of a topic that its mapping does not read; those that intake reads are marked as such."""
    for path, node in shape.paths():
        if path not in reads.mapped and _is_field(path, node, reads):
            yield _found(topic, shape, path, node, _besides_mapping(path, reads))


def changed(topic: str, shape: Shape, reads: Reads) -> Iterator[Finding]:
    """Yield the paths of a topic with more than one type, null and blank apart."""
    for path, node in shape.paths():
        if len(node.seen.keys() - NOTHING) > 1 and not node.is_several:
            is_mapped = path in reads.mapped or path in reads.ways
            yield _found(topic, shape, path, node, "mapping" if is_mapped else _besides_mapping(path, reads))


def in_all_topics(found: Iterable[Finding]) -> tuple[Field, ...]:
    """Put together what is to be told of a path in several topics.

    First what is mapped, then what nothing reads, then what intake reads; of these first what is new, then what holds
    something most often.
    """
    grouped: dict[tuple[str, Reader], list[InTopic]] = {}
    for path, read_by, in_topic in found:
        grouped.setdefault((path, read_by), []).append(in_topic)
    fields = [_field(path, read_by, topics) for (path, read_by), topics in grouped.items()]
    return tuple(sorted(fields, key=_rank))


def _besides_mapping(path: Path, reads: Reads) -> Reader:
    return "intake" if reads.is_read_by_intake(path) else "nothing"


def _is_field(path: Path, node: Node, reads: Reads) -> bool:
    """Whether it holds a value by itself: else what is in it is told, or what the mapping reads in it."""
    has_scalar = bool(node.seen.keys() & {"boolean", "number", "string"})
    is_way = path in reads.ways or any(child.seen for child in node.children.values())
    return has_scalar or not is_way


def _found(topic: str, shape: Shape, path: Path, node: Node, read_by: Reader) -> Finding:
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
