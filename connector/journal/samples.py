"""Samples of events: even over a window of time, from every topic, and cheap however much the journal holds.

No index leads from a time or a topic to its events. But their numbers grow with the time of receipt, so the primary key
does: the first number of the window is found by halving. Then the window is looked at in slices of numbers, some rows
at the beginning of each, without their bodies. What is sampled is chosen from these, and only its bodies are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from connector.journal.database import Connection

#: So many events are looked at, in so many slices; in a smaller window, all are.
SUMMARIES_LIMIT = 20_000
_SLICES = 2_500
#: Of one store or topic, so many are looked at for each that is wanted of a slice.
_LOOKS_FOR_ONE = 8
#: Of the bodies in a sample together; one alone may have a megabyte.
BYTES_LIMIT = 64_000_000
#: Bodies are read in groups of so many.
_GROUP = 50
#: Of topics without a mapping. There may be as many as somebody likes to send.
_TOPICS_LIMIT = 1000
_QUESTION_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The events that are asked about."""

    #: The numbers of the first and of the newest event since then. There may be none in between.
    first_id: int
    last_id: int
    since: datetime
    store_id: int | None = None
    topic: str | None = None

    @property
    def numbers(self) -> int:
        """How many numbers it has, which is at least how many events."""
        return max(0, self.last_id - self.first_id + 1)

    @property
    def is_small(self) -> bool:
        """Whether all of its events are looked at."""
        return self.numbers <= SUMMARIES_LIMIT


class EventSummary(NamedTuple):
    """An event without its body."""

    id: int
    topic: str
    received_at: datetime
    bytes: int
    #: What the mapping step has noted: of each note `name`, `problem` and `rule`.
    notes: Sequence[Mapping[str, str]]


class SampledEvent(NamedTuple):
    """An event with its body."""

    topic: str
    received_at: datetime
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmappedTopic:
    """The events of a topic that the mapping step found no mapping for."""

    topic: str
    events: int
    first_at: datetime
    last_at: datetime


def begin(connection: Connection) -> None:
    """Let the transaction change nothing, and end a question that takes the journal too long."""
    connection.execute("set transaction read only")
    connection.execute(f"set local statement_timeout = '{_QUESTION_SECONDS}s'")


def window(connection: Connection, *, since: datetime, store_id: int | None = None, topic: str | None = None) -> Window:
    """Find the numbers of the events that were received since then."""
    row = connection.execute("select coalesce(min(id), 1) as low, coalesce(max(id), 0) as high from events").fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    low, last_id = row.low, row.high
    high = last_id + 1
    # The first number from which on everything was received since then.
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(
            "select received_at >= %s as is_since from events where id >= %s order by id limit 1", (since, middle)
        ).fetchone()
        if found is None or found.is_since:
            high = middle
        else:
            low = middle + 1
    return Window(first_id=low, last_id=last_id, since=since, store_id=store_id, topic=topic)


#: Each slice is bounded twice, so that neither a rare store nor a gap in the numbers makes it read on.
_LOOK = """
    select looked.id, topic, received_at, octet_length(body) as bytes, notes
    from generate_series(%(first_id)s::bigint, %(last_id)s::bigint, %(step)s::bigint) as slice
    cross join lateral (
        select * from (
            select * from events
            where id >= slice and id < slice + %(step)s and id <= %(last_id)s
            order by id limit %(looks)s) beginning
        where received_at >= %(since)s
          and (%(store_id)s::int is null or store_id = %(store_id)s)
          and (%(topic)s::text is null or topic = %(topic)s)
        order by id limit %(limit)s) looked
"""


def summaries(connection: Connection, window: Window) -> list[EventSummary]:
    """Return what the events of the window are, oldest first: all of them, or of each slice the first."""
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
            "looks": limit * _LOOKS_FOR_ONE if is_filtered else limit,
        },
    )
    return sorted(EventSummary(row.id, row.topic, row.received_at, row.bytes, row.notes or ()) for row in rows)


def choose(looks: Sequence[EventSummary], *, limit: int, size: int = BYTES_LIMIT) -> list[int]:
    """Choose events, spread evenly over those of each topic; return their numbers, in order.

    Each topic gets as many as the others, unless it has fewer. Their bodies have at most `size` bytes together, unless
    one of a topic alone has more than its part.
    """
    topics: dict[str, list[EventSummary]] = {}
    for one in looks:
        topics.setdefault(one.topic, []).append(one)
    # Of more topics than are to be sampled, those with the most events; then the smallest first, which leave the rest.
    sampled = sorted(topics.values(), key=len, reverse=True)[:limit][::-1]
    chosen: list[int] = []
    for place, of_topic in enumerate(sampled):
        wanted = (limit - len(chosen)) // (len(sampled) - place)
        chosen += [one.id for one in _fitting(_spread(of_topic, wanted), size // len(sampled))]
    return sorted(chosen)


def _spread(looks: Sequence[EventSummary], number: int) -> Sequence[EventSummary]:
    return [looks[place * len(looks) // number] for place in range(number)] if number < len(looks) else looks


def _fitting(looks: Sequence[EventSummary], size: int) -> Sequence[EventSummary]:
    while len(looks) > 1 and (together := sum(one.bytes for one in looks)) > size:
        looks = _spread(looks, max(1, min(len(looks) - 1, len(looks) * size // together)))
    return looks


def read(connection: Connection, ids: Sequence[int]) -> Iterator[SampledEvent]:
    """Yield the events with their bodies, few at a time."""
    for start in range(0, len(ids), _GROUP):
        rows = connection.execute(
            "select topic, received_at, body from events where id = any(%s) order by id", (list(ids[start:][:_GROUP]),)
        )
        yield from (SampledEvent(row.topic, row.received_at, row.body) for row in rows)


def unmapped(connection: Connection, window: Window) -> list[UnmappedTopic]:
    """Count all events of the window without a mapping by topic, the most first; an index holds just these."""
    rows = connection.execute(
        """
        select counted.topic, events, first.received_at as first_at, last.received_at as last_at
        from (select topic, count(*) as events, min(id) as first_id, max(id) as last_id
              from events
              where state = 'unmapped' and id between %(first_id)s and %(last_id)s
                and (%(store_id)s::int is null or store_id = %(store_id)s)
                and (%(topic)s::text is null or topic = %(topic)s)
              group by topic
              order by events desc, topic
              limit %(limit)s) counted
        join events first on first.id = first_id
        join events last on last.id = last_id
        order by events desc, counted.topic
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
