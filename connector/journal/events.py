"""Events: each received webhook or snapshot is journaled once, as one event."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString, cast

import orjson

from connector.journal import partitions
from connector.model import Appended, Event, partition_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from connector.journal.database import Connection
    from connector.model import Incoming, Note, Partitions

#: For this time, an event without a time of its own is a duplicate if its key is known. Later it is a new event.
DATELESS_WINDOW = timedelta(hours=48)

#: Ids follow the order of arrival. But the rows are inserted in the order of their keys: otherwise, two processes that
#: get the same webhooks in different orders could deadlock. The time of receipt comes from PostgreSQL's clock, because
#: the clocks of the web processes may differ. The time of an event is never later than its receipt.
_APPEND = """
    with incoming as materialized (
        select nextval('events_id_seq') as id, given.*
        from (select * from unnest(%b::int[], %b::text[], %b::text[], %b::bool[], %b::text[], %b::smallint[],
                %b::timestamptz[], %b::bytea[])
              with ordinality
              as one (store_id, topic, key, dated, customer, partition, occurred_at, body, position)
              order by position) given
    )
    insert into events (id, store_id, topic, key, dated, customer, partition, occurred_at, received_at, body, bulk,
                        backfill_id)
    overriding system value
    select id, store_id, topic, key, dated, customer, partition, least(occurred_at, now()), now(), body, %b::bool,
           %b::bigint
    from incoming
    order by store_id, key collate "C"
    on conflict (store_id, key) do nothing
    returning store_id, key, id
"""
#: The key of an event without a time is valid for 48 hours. Then the stored key is changed, so that a new event can
#: have the key.
_RETIRE = """
    update events set key = events.key || '@' || id
    from unnest(%s::int[], %s::text[]) as repeated (store_id, key)
    where events.store_id = repeated.store_id and events.key = repeated.key
      and not dated and received_at < now() - %s
"""
_FIRST = """
    select events.store_id, events.key, id
    from events join unnest(%s::int[], %s::text[]) as repeated (store_id, key)
      on events.store_id = repeated.store_id and events.key = repeated.key
"""


def now(connection: Connection) -> datetime:
    """Return the current time by the journal's clock, which dates everything that is received."""
    row = connection.execute("select clock_timestamp() as now").fetchone()
    assert row is not None  # noqa: S101 - the query always has a row
    return cast("datetime", row.now)


def append(
    connection: Connection, incoming: Sequence[Incoming], *, low_priority: bool = False, backfill_id: int | None = None
) -> list[Appended]:
    """Journal events in this order; return their ids. A duplicate gets the id of the first event with its key.

    All new events are journaled, or none. One exception: an event whose key is known, but too old, is journaled in
    another transaction. The snapshots of backfills and refreshes have `low_priority`: workers map them after the
    webhooks of their partition.
    """
    if not incoming:
        return []
    new = _insert(connection, incoming, low_priority=low_priority, backfill_id=backfill_id)
    repeated = [event for event in incoming if (event.store_id, event.key) not in new]
    ids = _repeated(connection, repeated, new) if repeated else {}
    appended = []
    for event in incoming:
        store_and_key = (event.store_id, event.key)
        # `incoming` may contain several copies of an event. The first copy removes the event's entry from `new`. So all
        # later copies count as duplicates.
        event_id = new.pop(store_and_key, None)
        if event_id:
            ids[store_and_key] = event_id
        appended.append(Appended(ids[store_and_key], duplicate=event_id is None))
    return appended


def _repeated(
    connection: Connection, repeated: Sequence[Incoming], new: dict[tuple[int, str], int]
) -> dict[tuple[int, str], int]:
    """Return the ids of the first events with these keys, by store and key.

    A key that is too old is retired: the stored event gets another key, and the repeated event is journaled and added
    to `new`.
    """
    columns = ([event.store_id for event in repeated], [event.key for event in repeated])
    with connection.transaction():
        if connection.execute(_RETIRE, (*columns, DATELESS_WINDOW)).rowcount:
            new.update(_insert(connection, repeated))
        return {(row.store_id, row.key): row.id for row in connection.execute(_FIRST, columns)}


def _insert(
    connection: Connection, incoming: Sequence[Incoming], *, low_priority: bool = False, backfill_id: int | None = None
) -> dict[tuple[int, str], int]:
    rows = [
        (
            event.store_id,
            event.topic,
            event.key,
            event.dated,
            event.customer,
            partition_number(event.customer or event.key),
            event.occurred_at,
            event.body,
        )
        for event in incoming
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    inserted = connection.execute(_APPEND, [*columns, low_priority, backfill_id])
    return {(row.store_id, row.key): row.id for row in inserted}


_PARTITION: LiteralString = (
    "bulk = %(bulk)s and store_id = %(store_id)s and partition = held.number and state = 'received'"
)
_RECEIVED: LiteralString = """
    select id, store_id, topic, occurred_at, received_at, body, customer
    from (select *, sum(octet_length(body)) over (order by id) as size, row_number() over (order by id) as position
          from events where id in ({})) received
    where size <= %(size)s or position = 1
    order by id
"""
_OLDEST = _RECEIVED.format(partitions.oldest("events", _PARTITION))
_FAIR = _RECEIVED.format(partitions.fairly("events", _PARTITION))


def take_received(
    connection: Connection, held: Partitions, *, low_priority: bool = False, limit: int, size: int
) -> list[Event]:
    """Return the oldest events of partitions that are not yet mapped.

    Their bodies have up to `size` bytes together; an event with a larger body comes alone. The caller has to hold the
    partitions.
    """
    parameters = {
        "bulk": low_priority,
        "store_id": held.store_id,
        "numbers": list(held.numbers),
        "limit": limit,
        "size": size,
    }
    rows = connection.execute(_OLDEST, parameters).fetchall()
    if partitions.is_crowded(row.customer for row in rows):
        rows = connection.execute(_FAIR, parameters).fetchall()
    return list(map(event_of, rows))


def event_of(row: Any) -> Event:
    """Return the event in a row. The row may also have other columns."""
    return Event(**{field.name: getattr(row, field.name) for field in fields(Event)})


def mark_mapped(connection: Connection, marks: Iterable[tuple[int, str | None, Sequence[Note]]]) -> None:
    """Mark events as mapped or unmapped.

    A mark has the event's id, the version of the mapping set (None: unmapped), and notes.
    """
    ids, versions, notes = [], [], []
    for event_id, version, event_notes in marks:
        ids.append(event_id)
        versions.append(version)
        notes.append(orjson.dumps(list(event_notes)).decode() if event_notes else None)
    if not ids:
        return
    connection.execute(
        """
        update events
        set state = case when marks.mapping is null then 'unmapped' else 'mapped' end,
            mapping = marks.mapping, notes = marks.notes::jsonb, mapped_at = now()
        from unnest(%s::bigint[], %s::text[], %s::text[]) as marks (id, mapping, notes)
        where events.id = marks.id
        """,
        (ids, versions, notes),
    )


def newest(
    connection: Connection, *, store_id: int | None, state: str | None, customer: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return the newest events, without their bodies, newest first."""
    rows = connection.execute(
        """
        select events.id, stores.name as store, topic, events.state, customer, occurred_at, received_at, notes
        from events join stores on stores.id = store_id
        where (%(store_id)s::int is null or store_id = %(store_id)s)
          and (%(state)s::text is null or events.state = %(state)s)
          and (%(customer)s::text is null or customer = %(customer)s)
        order by events.id desc
        limit %(limit)s
        """,
        {"store_id": store_id, "state": state, "customer": customer, "limit": limit},
    )
    return [row._asdict() for row in rows]


def newest_with_bodies(
    connection: Connection,
    *,
    event_ids: Sequence[int] = (),
    store_id: int | None = None,
    topic: str | None = None,
    limit: int,
) -> list[Event]:
    """Return the newest events that match all given filters, with their bodies, newest first."""
    rows = connection.execute(
        """
        select id, store_id, topic, occurred_at, received_at, body
        from events
        where (%(ids)s::bigint[] = '{}' or id = any(%(ids)s))
          and (%(store_id)s::int is null or store_id = %(store_id)s)
          and (%(topic)s::text is null or topic = %(topic)s)
        order by id desc
        limit %(limit)s
        """,
        {"ids": list(event_ids), "store_id": store_id, "topic": topic, "limit": limit},
    )
    return list(map(event_of, rows))
