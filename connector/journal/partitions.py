"""A store's customers are spread over partitions; one worker at a time works on a partition.

A worker holds a partition by an advisory lock that ends with its transaction. A killed worker's connection ends, so its
lock ends, and the work is taken again: there are no leases to expire.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, LiteralString

from connector.model import PARTITIONS, Partition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.journal.database import Connection

#: How many of one customer's rows a step takes at most. A customer with thousands holds up the other customers of the
#: partition no longer than this takes.
SHARE = 100
#: How far behind such a customer's rows a step looks for those of others.
_HORIZON = 20_000


#: How long a transaction may idle that holds the right to speak to Yotpo: several questions may follow each other
#: without a word to PostgreSQL.
LEASE_SECONDS = 300


def hold(connection: Connection, partition: Partition) -> bool:
    """Hold a partition until the transaction ends; False where another worker holds it."""
    return _lock(connection, partition.store_id, partition.number)


def hold_probe(connection: Connection, store_id: int) -> bool:
    """Hold the right to try a store that has failed: one batch at a time finds out whether it is back."""
    return _lock(connection, store_id, -1)


def hold_lease(connection: Connection, store_id: int) -> bool:
    """Hold the right to speak to a store's Yotpo: one at a time can keep to its rate without asking the others."""
    return _lock(connection, store_id, -2)


def hold_all(connection: Connection, store_id: int) -> None:
    """Hold all partitions of a store and its lease until the transaction ends; wait for those that hold one now."""
    connection.execute(
        "select pg_advisory_xact_lock(%s, number) from generate_series(-2, %s) as number", (store_id, PARTITIONS - 1)
    )


def is_live(connection: Connection, partition: Partition) -> bool:
    """Whether a partition has something to do for webhooks, to which replays and snapshots give way."""
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


#: Each branch hops over its index from partition to partition: a long backlog costs no more than a short one.
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
    -- Each store's oldest, then each store's second: one whose Insider is slow holds up the others for a batch at most.
    order by row_number() over (partition by store_id order by min(since)), min(since)
"""


def busy(connection: Connection, *, low_priority: bool = False) -> list[Partition]:
    """Return partitions that have something to map, or to deliver now; the stores take turns, each oldest first.

    With `bulk`, of what gives way to webhooks.
    """
    return [Partition(row.store_id, row.partition) for row in connection.execute(_BUSY, {"bulk": low_priority})]


def is_crowded(customers: Iterable[str | None]) -> bool:
    """Whether one of these customers has more than his share, so that the rows are to be taken `fairly`."""
    return any(count > SHARE for count in Counter(filter(None, customers)).values())


def oldest(table: LiteralString, condition: LiteralString) -> LiteralString:
    """Return a query for the `id` of the oldest rows of a partition, `%(limit)s` at most."""
    return f"select id from {table} where {condition} order by id limit %(limit)s"


def fairly(table: LiteralString, condition: LiteralString) -> LiteralString:
    """Return a query like `oldest`, of which each customer has SHARE at most.

    The rows of each customer come in order and without a gap. Who has more than his share gets the rest of it in the
    next steps; his place is taken by the others behind him. It costs more than `oldest`, and is seldom needed.
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
