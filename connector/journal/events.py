"""Events: each received webhook or snapshot is journaled once, as one event, and never changed.

The queue has a small row for each event that waits to be mapped. `event_keys` recognises copies of an event.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString, cast

from connector.journal import partitions
from connector.journal.packing import pack, unpack
from connector.model import Appended, Event, partition_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.journal.database import Connection
    from connector.model import Incoming, Partitions

#: For this time, an event without a time of its own is a duplicate if its key is known. Later it is a new event.
DATELESS_WINDOW = timedelta(hours=48)

#: A time of receipt that is further ahead comes from a wrong clock of the past, and is not used.
_TRUSTED = timedelta(minutes=10)

#: The digest of a key, as `event_keys` has it.
_DIGEST: LiteralString = "substr(sha256(convert_to(key, 'UTF8')), 1, 16)"
#: Ids follow the order of arrival. But the keys are inserted in their own order: otherwise, two processes that get the
#: same webhooks in different orders could deadlock. The time of receipt comes from PostgreSQL's clock, because the
#: clocks of the web processes may differ. If that clock goes back, the time of the store's newest event is used. The
#: time of an event is never later than its receipt.
_APPEND = f"""
    with clocks as materialized (
        select store_id, (select received_at from events where events.store_id = stores.store_id
                          order by received_at desc limit 1) as newest
        from (select distinct unnest(%(store_ids)b::int[]) as store_id) stores
    ), incoming as materialized (
        select nextval('events_id_seq') as id, given.*,
               greatest(now(), (select newest from clocks where clocks.store_id = given.store_id
                                                            and newest < now() + %(trusted)s)) as received_at
        from (select * from unnest(%(store_ids)b::int[], %(topics)b::text[], %(keys)b::text[], %(dated)b::bool[],
                                   %(customers)b::text[], %(partitions)b::smallint[], %(times)b::timestamptz[],
                                   %(sizes)b::int[], %(bodies)b::bytea[])
              with ordinality
              as one (store_id, topic, key, dated, customer, partition, occurred_at, bytes, body, position)
              order by position) given
    ), new as (
        insert into event_keys (store_id, digest, event_id, received_at, dated)
        select store_id, {_DIGEST} as digest, id, received_at, dated from incoming
        order by store_id, digest
        -- The key of an event without a time is valid for 48 hours. Then it belongs to the next event that has it.
        on conflict (store_id, digest) do update set event_id = excluded.event_id, received_at = excluded.received_at
        where not event_keys.dated and event_keys.received_at < now() - %(window)s
        returning event_id
    ), queued as (
        insert into queue (id, received_at, bytes, store_id, partition, bulk, customer)
        select id, received_at, bytes, store_id, partition, %(bulk)s, customer
        from incoming where id in (select event_id from new)
    )
    insert into events (id, received_at, occurred_at, backfill_id, bytes, store_id, partition, bulk, topic, key,
                        customer, body)
    select id, received_at, least(occurred_at, received_at), %(backfill_id)s, bytes, store_id, partition, %(bulk)s,
           topic, key, customer, body
    from incoming where id in (select event_id from new)
    returning store_id, key, id
"""
_FIRST = f"""
    select repeated.store_id, key, event_id
    from unnest(%s::int[], %s::text[]) as repeated (store_id, key)
    join event_keys on event_keys.store_id = repeated.store_id and digest = {_DIGEST}
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

    All new events are journaled, or none. The snapshots of backfills and refreshes have `low_priority`: workers map
    them after the webhooks of their partition.
    """
    # `incoming` may contain several copies of an event. Only the first copy is journaled.
    first: dict[tuple[int, str], Incoming] = {}
    for event in incoming:
        first.setdefault((event.store_id, event.key), event)
    if not first:
        return []
    new = _insert(connection, [*first.values()], low_priority=low_priority, backfill_id=backfill_id)
    known = _first_ids(connection, [key for key in first if key not in new])
    pruned = [event for key, event in first.items() if key not in new and key not in known]
    if pruned:
        # Between the two statements, the upkeep has deleted the key of an event that is older than the retention.
        new |= _insert(connection, pruned, low_priority=low_priority, backfill_id=backfill_id)
    appended = []
    for event in incoming:
        key = (event.store_id, event.key)
        event_id = new.pop(key, None)
        if event_id:
            known[key] = event_id
        appended.append(Appended(known[key], duplicate=event_id is None))
    return appended


def _insert(
    connection: Connection, incoming: Sequence[Incoming], *, low_priority: bool, backfill_id: int | None
) -> dict[tuple[int, str], int]:
    """Journal the events whose keys are not known; return their ids by store and key."""
    rows = connection.execute(
        _APPEND,
        {
            "store_ids": [event.store_id for event in incoming],
            "topics": [event.topic for event in incoming],
            "keys": [event.key for event in incoming],
            "dated": [event.dated for event in incoming],
            "customers": [event.customer for event in incoming],
            "partitions": [partition_number(event.customer or event.key) for event in incoming],
            "times": [event.occurred_at for event in incoming],
            "sizes": [len(event.body) for event in incoming],
            "bodies": pack(event.body for event in incoming),
            "bulk": low_priority,
            "backfill_id": backfill_id,
            "window": DATELESS_WINDOW,
            "trusted": _TRUSTED,
        },
    )
    return {(row.store_id, row.key): row.id for row in rows}


def _first_ids(connection: Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Return the ids of the first events with these keys, by store and key."""
    if not keys:
        return {}
    rows = connection.execute(_FIRST, ([store_id for store_id, _ in keys], [key for _, key in keys]))
    return {(row.store_id, row.key): row.event_id for row in rows}


_PARTITION: LiteralString = "bulk = %(bulk)s and store_id = %(store_id)s and partition = held.number"
_COLUMNS: LiteralString = "id, received_at, bytes, partition, customer"
#: The time of receipt tells PostgreSQL in which of its tables the event is. `offset 0` keeps this query apart: so each
#: event is found by its primary key, even if PostgreSQL knows nothing about a new table.
_RECEIVED: LiteralString = """
    select event.*, partition
    from (select *, sum(bytes) over (order by id) as size, row_number() over (order by id) as position
          from ({}) oldest) queued
    cross join lateral (
        select id, store_id, topic, occurred_at, received_at, body, customer from events
        where events.id = queued.id and events.received_at = queued.received_at offset 0) event
    where size <= %(size)s or position = 1
    order by event.id
"""
_OLDEST = _RECEIVED.format(partitions.oldest("queue", _COLUMNS, _PARTITION))
_FAIR = _RECEIVED.format(partitions.fairly("queue", _COLUMNS, _PARTITION))


@dataclass(frozen=True, slots=True)
class Received:
    """Events that wait to be mapped."""

    events: Sequence[Event]
    #: The partition of each event.
    partitions: Sequence[int]


def take_received(
    connection: Connection, held: Partitions, *, low_priority: bool = False, limit: int, size: int
) -> Received:
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
    return Received(list(map(event_of, rows)), [row.partition for row in rows])


def remove_from_queue(connection: Connection, store_id: int, received: Received, *, low_priority: bool) -> None:
    """Take events out of the queue, because they are mapped."""
    if received.events:
        connection.execute(
            """
            delete from queue using unnest(%s::smallint[], %s::bigint[]) as mapped (partition, id)
            where bulk = %s and store_id = %s and queue.partition = mapped.partition and queue.id = mapped.id
            """,
            (list(received.partitions), [event.id for event in received.events], low_priority, store_id),
        )


def event_of(row: Any) -> Event:
    """Return the event in a row. The row may also have other columns."""
    values = {field.name: getattr(row, field.name) for field in fields(Event)}
    return Event(**{**values, "body": unpack(row.body)})


#: SQL for a condition: the event `events` waits to be mapped for the first time.
IS_QUEUED: LiteralString = """
    exists (select from queue where queue.bulk = events.bulk and queue.store_id = events.store_id
                                and queue.partition = events.partition and queue.id = events.id)
"""
#: SQL for the last mapping of `events`. The limit makes PostgreSQL look up each event, instead of reading the history.
_LAST_MAPPING: LiteralString = """
    select id, state, mapping, notes, mapped_at from all_mapping_results
    where event_id = events.id order by id desc limit 1
"""
LAST_MAPPING: LiteralString = f"left join lateral ({_LAST_MAPPING}) last on true"
#: SQL for the state of `events`, beside `LAST_MAPPING`.
STATE: LiteralString = f"""
    case when last.state = 'unmapped' then 'unmapped'
         when last.state is null and {IS_QUEUED} then 'received'
         else 'mapped' end
"""
#: SQL for a condition: the topic of `events` had no mapping when it was mapped last.
IS_UNMAPPED: LiteralString = f"""
    (exists (select from outcomes where event_id = events.id and state = 'unmapped')
     and (select state from ({_LAST_MAPPING}) last) = 'unmapped')
"""
_IN_STATE: dict[str | None, LiteralString] = {
    None: "true",
    "received": IS_QUEUED,
    # Few events are unmapped, and an index finds all of them.
    "unmapped": f"events.id in (select event_id from outcomes where state = 'unmapped') and {IS_UNMAPPED}",
    "mapped": f"not {IS_QUEUED} and not {IS_UNMAPPED}",
}


def newest(
    connection: Connection, *, store_id: int | None, state: str | None, customer: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return the newest events, without their bodies, newest first. `state` is received, mapped or unmapped."""
    rows = connection.execute(
        f"""
        select events.id, stores.name as store, topic, {STATE} as state, customer, occurred_at, events.received_at,
               last.notes
        from (select * from events
              where (%(store_id)s::int is null or store_id = %(store_id)s)
                -- The index of customers begins with the store.
                and (%(customer)s::text is null
                     or store_id = any(array(select id from stores)) and customer = %(customer)s)
                and {_IN_STATE[state]}
              order by id desc
              limit %(limit)s) events
        join stores on stores.id = store_id {LAST_MAPPING}
        order by events.id desc
        """,
        {"store_id": store_id, "customer": customer, "limit": limit},
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
        select id, store_id, topic, occurred_at, received_at, body, customer
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
