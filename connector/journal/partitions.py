"""A store's customers are spread over partitions; one worker at a time works on a partition.

A worker holds a partition with an advisory lock until its transaction ends. If a worker is killed, its connection and
its lock end too, and another worker continues. So the locks need no time limit.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, LiteralString

from connector.model import PARTITIONS, Partition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.journal.database import Connection

#: The most rows of one customer that a step processes. So a customer with thousands of rows delays the other customers
#: of the partition only by this number of rows.
SHARE = 100
#: A step searches this number of rows after the oldest ones for other customers.
_HORIZON = 20_000

#: How long a transaction that holds a lease may be idle. Several requests to Yotpo may follow each other without a
#: query to PostgreSQL between them.
LEASE_SECONDS = 300


def hold(connection: Connection, partition: Partition) -> bool:
    """Hold a partition until the transaction ends; return False if another worker holds it."""
    return _lock(connection, partition.store_id, partition.number)


def hold_probe(connection: Connection, store_id: int) -> bool:
    """Hold the right to send a probe for a store; return False if another worker holds it.

    If deliveries of a store have failed, a probe is one batch that tests whether Insider accepts them again.
    """
    return _lock(connection, store_id, -1)


def hold_lease(connection: Connection, store_id: int) -> bool:
    """Hold the lease of a store until the transaction ends; return False if another process holds it.

    The lease is the right to send requests to Yotpo for this store. There is only one holder at a time, so this process
    alone can keep to Yotpo's rate.
    """
    return _lock(connection, store_id, -2)


def hold_all(connection: Connection, store_id: int) -> None:
    """Hold all partitions of a store, its probe and its lease until the transaction ends.

    This function waits for the workers that hold one of these locks.
    """
    connection.execute(
        "select pg_advisory_xact_lock(%s, number) from generate_series(-2, %s) as number", (store_id, PARTITIONS - 1)
    )


def is_live(connection: Connection, partition: Partition) -> bool:
    """Whether a partition has webhooks to map or deliver.

    If so, its low-priority replays and snapshots have to wait.
    """
    row = connection.execute(
        """
        select exists (select from events
                       where not bulk and store_id = %(store_id)s and partition = %(number)s and state = 'received')
            or exists (select from deliveries
                       where not bulk and store_id = %(store_id)s and partition = %(number)s and state = 'waiting')
               as live
        """,
        partition._asdict(),
    ).fetchone()
    return bool(row and row.live)


def _lock(connection: Connection, store_id: int, number: int) -> bool:
    lock = "select pg_try_advisory_xact_lock(%s, %s) as held"
    row = connection.execute(lock, (store_id, number)).fetchone()
    return bool(row and row.held)


#: Each recursive part of the query jumps in an index from partition to partition. So a long backlog costs the same as a
#: short one.
_BUSY = """
    with recursive received as (
        (select store_id, partition, received_at as since from events
         where state = 'received' and bulk = %(bulk)s
         order by store_id, partition, id limit 1)
        union all
        select next.* from received cross join lateral (
            select store_id, partition, received_at from events
            where state = 'received' and bulk = %(bulk)s
              and (store_id, partition) > (received.store_id, received.partition)
            order by store_id, partition, id limit 1) next
    ), waiting as (
        (select store_id, partition, created_at as since from deliveries
         where state = 'waiting' and bulk = %(bulk)s
         order by store_id, partition, id limit 1)
        union all
        select next.* from waiting cross join lateral (
            select store_id, partition, created_at from deliveries
            where state = 'waiting' and bulk = %(bulk)s
              and (store_id, partition) > (waiting.store_id, waiting.partition)
            order by store_id, partition, id limit 1) next
    )
    select store_id, partition
    from (
        select received.* from received join stores on stores.id = store_id
        where removed_at is null
        union all
        select waiting.* from waiting join stores on stores.id = store_id
        where removed_at is null and not held and (paused_until is null or paused_until <= now())
    ) busy
    group by store_id, partition
    -- The oldest partition of each store, then the second of each store: a store with a slow Insider delays the others
    -- by one batch at most.
    order by row_number() over (partition by store_id order by min(since)), min(since)
"""


def busy(connection: Connection, *, low_priority: bool = False) -> list[Partition]:
    """Return the partitions that have events to map, or deliveries to send now.

    Stores take turns, and the oldest partition of each store comes first. With `low_priority`, only low-priority work
    counts; without it, only the other work.
    """
    return [Partition(row.store_id, row.partition) for row in connection.execute(_BUSY, {"bulk": low_priority})]


def is_crowded(customers: Iterable[str | None]) -> bool:
    """Whether one of these customers has more than `SHARE` rows, so that the caller should use `fairly`."""
    return any(count > SHARE for count in Counter(filter(None, customers)).values())


def oldest(table: LiteralString, condition: LiteralString) -> LiteralString:
    """Return a query for the `id`s of the oldest rows of a partition, at most `%(limit)s` of them."""
    return f"select id from {table} where {condition} order by id limit %(limit)s"


def fairly(table: LiteralString, condition: LiteralString) -> LiteralString:
    """Return a query like `oldest`, but with at most SHARE rows of each customer.

    The rows of each customer come in order and without a gap. If a customer has more rows, the next steps process
    these; this step processes later rows of other customers instead. This query costs more than `oldest`, and is rarely
    needed.
    """
    return f"""
        with oldest as materialized (
            select id, customer from {table} where {condition} order by id limit %(limit)s
        ), others as (
            select id, customer from {table}
            where {condition} and id > (select max(id) from oldest)
            order by id limit {_HORIZON}
        )
        select id
        from (select id, customer, row_number() over (partition by customer order by id) as nth
              from (table oldest union all table others) found) fair
        where customer is null or nth <= {SHARE}
        order by id limit %(limit)s
    """
