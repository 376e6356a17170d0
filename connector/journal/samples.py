"""Samples of events from every topic, spread evenly over a time window, and fast even if the journal is large.

There is no index for the time of receipt or the topic. But ids grow with the time of receipt, so `window` finds its
first id by binary search over the primary key. Then `summaries` divides the window into slices of ids and reads the
first rows of each slice, without their bodies. `choose` picks the sample from these rows, and `read` reads only the
bodies of the sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from connector.journal.events import IS_UNMAPPED, LAST_MAPPING
from connector.journal.packing import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from connector.journal.database import Connection

#: The most events that `summaries` returns. A window with at most this number of ids is read completely. A larger
#: window is divided into `_SLICES`.
SUMMARIES_LIMIT = 20_000
_SLICES = 2_500
#: If there is a filter by store or topic, this number of rows is read for each event that a slice has to give.
_READS_PER_EVENT = 8
#: The most bytes of all bodies in a sample together. A single body may have a megabyte.
BYTES_LIMIT = 64_000_000
#: How many bodies one query reads.
_GROUP = 50
#: The most topics without a mapping that `unmapped` returns. A sender may invent any number of topics.
_TOPICS_LIMIT = 1000
_QUERY_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A range of event ids, and the filters on the events in it."""

    #: The range is empty if `first_id` is greater than `last_id`. Some ids in the range have no event.
    first_id: int
    last_id: int
    since: datetime
    store_id: int | None = None
    topic: str | None = None

    @property
    def numbers(self) -> int:
        """How many ids the range has. It cannot have more events than ids."""
        return max(0, self.last_id - self.first_id + 1)

    @property
    def is_small(self) -> bool:
        """Whether `summaries` returns all events of the window."""
        return self.numbers <= SUMMARIES_LIMIT


class EventSummary(NamedTuple):
    """An event without its body."""

    id: int
    topic: str
    received_at: datetime
    bytes: int
    #: The notes of the mapping step. Each has `name`, `problem` and `rule`.
    notes: Sequence[Mapping[str, str]]


class SampledEvent(NamedTuple):
    """An event with its body."""

    topic: str
    received_at: datetime
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmappedTopic:
    """A topic without a mapping, and how many unmapped events it has."""

    topic: str
    events: int
    first_at: datetime
    last_at: datetime


def begin(connection: Connection) -> None:
    """Make the transaction read-only, and limit how long each of its queries may take."""
    connection.execute("set transaction read only")
    connection.execute(f"set local statement_timeout = '{_QUERY_SECONDS}s'")


def window(connection: Connection, *, since: datetime, store_id: int | None = None, topic: str | None = None) -> Window:
    """Return the window of the events that were received at `since` or later."""
    row = connection.execute("select coalesce(min(id), 1) as low, coalesce(max(id), 0) as high from events").fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    low, last_id = row.low, row.high
    high = last_id + 1
    # Binary search for the first id that was received at `since` or later.
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(
            "select received_at >= %s as is_since from events where id >= %s order by id limit 1", (since, middle)
        ).fetchone()
        if row is None or row.is_since:
            high = middle
        else:
            low = middle + 1
    return Window(first_id=low, last_id=last_id, since=since, store_id=store_id, topic=topic)


#: The reading of each slice has two limits. The limit of rows stops it if the wanted store is rare, and the limit of
#: ids stops it at a gap in the ids.
_LOOK = f"""
    select events.id, topic, events.received_at, bytes, last.notes
    from generate_series(%(first_id)s::bigint, %(last_id)s::bigint, %(step)s::bigint) as slice
    cross join lateral (
        select * from (
            select * from events
            where id >= slice and id < slice + %(step)s and id <= %(last_id)s
            order by id limit %(looks)s) beginning
        where received_at >= %(since)s
          and (%(store_id)s::int is null or store_id = %(store_id)s)
          and (%(topic)s::text is null or topic = %(topic)s)
        order by id limit %(limit)s) events
    {LAST_MAPPING}
"""


def summaries(connection: Connection, window: Window) -> list[EventSummary]:
    """Return events of a window without their bodies, oldest first.

    For a small window, the result has all events; for a larger one, it has some events of each slice.
    """
    step = max(1, -(-window.numbers // _SLICES))
    limit = SUMMARIES_LIMIT // _SLICES
    is_filtered = window.store_id is not None or window.topic is not None
    rows = connection.execute(
        _LOOK,
        {
            "first_id": window.first_id,
            "last_id": window.last_id,
            "since": window.since,
            "store_id": window.store_id,
            "topic": window.topic,
            "step": step,
            "limit": limit,
            "looks": limit * _READS_PER_EVENT if is_filtered else limit,
        },
    )
    return sorted(EventSummary(row.id, row.topic, row.received_at, row.bytes, row.notes or ()) for row in rows)


def choose(events: Sequence[EventSummary], *, limit: int, size: int = BYTES_LIMIT) -> list[int]:
    """Choose up to `limit` events, spread evenly over the events of each topic; return their ids in order.

    Each topic gets the same number of events, unless it has fewer. All bodies together have at most `size` bytes, and
    each topic gets an equal part of them. A topic gets at least one event, even if its body is larger than this part.
    """
    topics: dict[str, list[EventSummary]] = {}
    for event in events:
        topics.setdefault(event.topic, []).append(event)
    # If there are more topics than `limit`, take those with the most events. Then begin with the smallest topic: the
    # other topics share the events that it does not use.
    sampled = sorted(topics.values(), key=len, reverse=True)[:limit][::-1]
    chosen: list[int] = []
    for position, topic_events in enumerate(sampled):
        share = (limit - len(chosen)) // (len(sampled) - position)
        chosen += [event.id for event in _fitting(_spread(topic_events, share), size // len(sampled))]
    return sorted(chosen)


def _spread(events: Sequence[EventSummary], number: int) -> Sequence[EventSummary]:
    """Return `number` of these events at equal distances, or all of them if there are fewer."""
    return [events[index * len(events) // number] for index in range(number)] if number < len(events) else events


def _fitting(events: Sequence[EventSummary], size: int) -> Sequence[EventSummary]:
    """Return some of these events, evenly spread, that fit into `size` bytes; at least one event."""
    while len(events) > 1 and (total := sum(event.bytes for event in events)) > size:
        events = _spread(events, max(1, min(len(events) - 1, len(events) * size // total)))
    return events


def read(connection: Connection, ids: Sequence[int]) -> Iterator[SampledEvent]:
    """Yield the events with their bodies, reading a few at a time."""
    for start in range(0, len(ids), _GROUP):
        rows = connection.execute(
            "select topic, received_at, body from events where id = any(%s) order by id", (list(ids[start:][:_GROUP]),)
        )
        yield from (SampledEvent(row.topic, row.received_at, unpack(row.body)) for row in rows)


def unmapped(connection: Connection, window: Window) -> list[UnmappedTopic]:
    """Count the events of a window that have no mapping, by topic. The topic with the most events comes first.

    These events have an index of their own, so all of them can be counted.
    """
    rows = connection.execute(
        f"""
        with once_unmapped as materialized (
            select distinct event_id from outcomes
            where state = 'unmapped' and event_id between %(first_id)s and %(last_id)s
        ), found as materialized (
            select events.id, topic, received_at from once_unmapped join events on events.id = event_id
            where (%(store_id)s::int is null or store_id = %(store_id)s)
              and (%(topic)s::text is null or topic = %(topic)s)
        )
        select topic, count(*) as events, min(received_at) as first_at, max(received_at) as last_at
        from found events
        where {IS_UNMAPPED}
        group by topic
        order by events desc, topic
        limit %(limit)s
        """,
        {
            "first_id": window.first_id,
            "last_id": window.last_id,
            "store_id": window.store_id,
            "topic": window.topic,
            "limit": _TOPICS_LIMIT,
        },
    )
    return [UnmappedTopic(**row._asdict()) for row in rows]
