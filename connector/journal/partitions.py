"""A store's customers are spread over partitions; one worker at a time works on a partition, or on several together.

A worker holds a partition with an advisory lock until its transaction ends. If a worker is killed, its connection and
its lock end too, and another worker continues. So the locks need no time limit.
"""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING, LiteralString

from connector.model import PARTITIONS, Partition, Partitions

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


def hold(connection: Connection, wanted: Partitions) -> Partitions:
    """Hold partitions until the transaction ends. Return those that no other worker holds.

    The caller has to read their rows in a later statement: this one does not see what their last worker has committed.
    """
    rows = connection.execute(
        "select number from unnest(%s::smallint[]) as number where pg_try_advisory_xact_lock(%s, number)",
        (list(wanted.numbers), wanted.store_id),
    )
    return Partitions(wanted.store_id, tuple(row.number for row in rows))


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


def without_webhooks(connection: Connection, held: Partitions) -> Partitions:
    """Return the partitions that have no webhooks to map or deliver.

    In the others, low-priority replays and snapshots have to wait.
    """
    rows = connection.execute(
        """
        select number from unnest(%(numbers)s::smallint[]) as number
        where not exists (select from queue
                          where not bulk and store_id = %(store_id)s and partition = number)
          and not exists (select from deliveries
                          where not bulk and store_id = %(store_id)s and partition = number and state = 'waiting')
        """,
        {"store_id": held.store_id, "numbers": list(held.numbers)},
    )
    return Partitions(held.store_id, tuple(row.number for row in rows))


def _lock(connection: Connection, store_id: int, number: int) -> bool:
    lock = "select pg_try_advisory_xact_lock(%s, %s) as held"
    row = connection.execute(lock, (store_id, number)).fetchone()
    return bool(row and row.held)


#: Each recursive part of the query jumps in an index from partition to partition. So a long backlog costs the same as a
#: short one.
_BUSY: LiteralString = """
    with recursive received as (
        (select store_id, partition, received_at as since from queue
         where bulk = %(bulk)s
         order by store_id, partition, id limit 1)
        union all
        select next.* from received cross join lateral (
            select store_id, partition, received_at from queue
            where bulk = %(bulk)s
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
    select store_id, partition, {size} as size
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


#: How many events and deliveries a partition has, counted up to a limit.
_SIZE: LiteralString = """
    (select count(*) from (select from queue
                           where bulk = %(bulk)s and store_id = busy.store_id and partition = busy.partition
                           limit %(limit)s) counted)
    + (select count(*) from (select from deliveries
                             where state = 'waiting' and bulk = %(bulk)s and store_id = busy.store_id
                               and partition = busy.partition limit %(limit)s) counted)
"""
_BUSY_ONLY = _BUSY.format(size="0")
_BUSY_WITH_SIZES = _BUSY.format(size=_SIZE)


def busy(connection: Connection, *, low_priority: bool = False) -> list[Partition]:
    """Return the partitions that have events to map, or deliveries to send now.

    Stores take turns, and the oldest partition of each store comes first. With `low_priority`, only low-priority work
    counts; without it, only the other work.
    """
    return [Partition(row.store_id, row.partition) for row in connection.execute(_BUSY_ONLY, {"bulk": low_priority})]


def steps(connection: Connection, *, low_priority: bool = False, limit: int) -> list[Partitions]:
    """Return the busy partitions, grouped into steps of about `limit` events, in the order of `busy`.

    A partition with a long backlog is a step of its own, so that several workers can share the backlog of a store.
    """
    rows = connection.execute(_BUSY_WITH_SIZES, {"bulk": low_priority, "limit": limit}).fetchall()
    by_store: dict[int, list[list[int]]] = {}
    sizes: dict[int, int] = {}
    for row in rows:
        groups = by_store.setdefault(row.store_id, [])
        if not groups or sizes[row.store_id] + row.size > limit:
            groups.append([])
            sizes[row.store_id] = 0
        groups[-1].append(row.partition)
        sizes[row.store_id] += row.size
    turns = zip_longest(*by_store.values())
    return [
        Partitions(store_id, tuple(group))
        for turn in turns
        for store_id, group in zip(by_store, turn, strict=True)
        if group
    ]


#: The partitions that the step holds.
_HELD: LiteralString = "unnest(%(numbers)s::smallint[]) as held (number)"


def is_crowded(customers: Iterable[str | None]) -> bool:
    """Whether one of these customers has more than `SHARE` rows, so that the caller should use `fairly`."""
    return any(count > SHARE for count in Counter(filter(None, customers)).values())


def oldest(table: LiteralString, columns: LiteralString, condition: LiteralString) -> LiteralString:
    """Return a query for the oldest rows of partitions, at most `%(limit)s` of them.

    `condition` selects the rows of the partition `held.number`.
    """
    return f"""
        select of_one.* from {_HELD}
        cross join lateral (select {columns} from {table} where {condition} order by id limit %(limit)s) of_one
        order by id limit %(limit)s
    """


def fairly(table: LiteralString, columns: LiteralString, condition: LiteralString) -> LiteralString:
    """Return a query like `oldest`, but with at most SHARE rows of each customer.

    The rows of each customer come in order and without a gap. If a customer has more rows, the next steps process
    these; this step processes later rows of other customers instead. This query costs more than `oldest`, and is rarely
    needed.
    """
    return f"""
        with oldest as materialized ({oldest(table, "id, customer", condition)}),
        others as (
            select of_one.* from {_HELD}
            cross join lateral (
                select id, customer from {table}
                where {condition} and id > (select max(id) from oldest)
                order by id limit {_HORIZON}) of_one
        ), fair as materialized (
            select id
            from (select id, customer, row_number() over (partition by customer order by id) as nth
                  from (table oldest union all table others) found) found
            where customer is null or nth <= {SHARE}
            order by id limit %(limit)s
        )
        select of_one.* from {_HELD}
        cross join lateral (
            select {columns} from {table} where {condition} and id <= (select max(id) from fair)) of_one
        where id in (select id from fair)
        order by id
    """
