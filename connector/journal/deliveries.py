"""Deliveries: what is owed to Insider, held and settled partition by partition; attempts; from when each attribute is.

A worker holds a partition by an advisory lock that ends with its transaction. A killed worker's connection ends, so its
lock ends, and the work is taken again: there are no leases to expire.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from connector.model import Delivery, Partition, UserEvent, UserUpdate, partition_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from connector.journal.database import Connection
    from connector.model import Attempt, Owed, Settled


def hold(connection: Connection, partition: Partition) -> bool:
    """Hold a partition until the transaction ends; False where another worker holds it."""
    return _lock(connection, partition.store_id, partition.number)


def hold_probe(connection: Connection, store_id: int) -> bool:
    """Hold the right to try a store that has failed: one batch at a time finds out whether it is back."""
    return _lock(connection, store_id, -1)


def _lock(connection: Connection, store_id: int, number: int) -> bool:
    lock = "select pg_try_advisory_xact_lock(%s, %s) as held"
    row = connection.execute(lock, (store_id, number)).fetchone()
    return bool(row and row.held)


def busy(connection: Connection) -> list[Partition]:
    """Return partitions that have something to map, or to deliver now, those with the oldest first."""
    # Each branch hops over its index from partition to partition: a long backlog costs no more than a short one.
    rows = connection.execute(
        """
        with recursive received as (
            (select store_id, partition, received_at as since from events
             where state = 'received'
             order by store_id, partition, id limit 1)
            union all
            select next.* from received cross join lateral (
                select store_id, partition, received_at from events
                where state = 'received' and (store_id, partition) > (received.store_id, received.partition)
                order by store_id, partition, id limit 1) next
        ), waiting as (
            (select store_id, partition, created_at as since from deliveries
             where state = 'waiting'
             order by store_id, partition, skip_hook, id limit 1)
            union all
            select next.* from waiting cross join lateral (
                select store_id, partition, created_at from deliveries
                where state = 'waiting' and (store_id, partition) > (waiting.store_id, waiting.partition)
                order by store_id, partition, skip_hook, id limit 1) next
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
        order by min(since)
        """
    )
    return [Partition(row.store_id, row.partition) for row in rows]


def append(connection: Connection, owed: Sequence[Owed]) -> None:
    """Journal deliveries in order."""
    rows = [
        (
            one.event_id,
            one.store_id,
            one.customer,
            partition_number(one.customer),
            one.occurred_at,
            orjson.dumps(one.update).decode(),
            one.skip_hook,
            one.mapping,
            "dead" if one.reason else "waiting",
            one.reason,
        )
        for one in owed
    ]
    if rows:
        connection.execute(
            """
            insert into deliveries (event_id, store_id, customer, partition, occurred_at, update, bytes, skip_hook,
                                    mapping, state, reason, settled_at)
            select event_id, store_id, customer, partition, occurred_at, update::jsonb, octet_length(update), skip_hook,
                   mapping, state, reason, case state when 'dead' then now() end
            from unnest(%s::bigint[], %s::int[], %s::text[], %s::smallint[], %s::timestamptz[], %s::text[], %s::bool[],
                        %s::text[], %s::text[], %s::text[])
                 with ordinality
                 as owed (event_id, store_id, customer, partition, occurred_at, update, skip_hook, mapping, state,
                          reason, position)
            order by position
            """,
            [list(column) for column in zip(*rows, strict=True)],
        )


def take_waiting(connection: Connection, partition: Partition, limit: int) -> list[Delivery]:
    """Return the oldest waiting deliveries of a partition that may share a request: all live ones, or none.

    The caller holds the partition.
    """
    rows = connection.execute(
        """
        select id, event_id, customer, update, occurred_at, skip_hook, bytes, attempt_id
        from deliveries
        where store_id = %s and partition = %s and state = 'waiting'
        order by skip_hook, id
        limit %s
        """,
        (*partition, limit),
    ).fetchall()
    return [
        Delivery(**{**row._asdict(), "update": _update(row.update)})
        for row in rows
        if row.skip_hook == rows[0].skip_hook
    ]


def attribute_times(connection: Connection, store_id: int, customers: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return for each customer from when each attribute is that Insider has, in milliseconds since 1970."""
    rows = connection.execute(
        "select customer, attribute_times from customers where store_id = %s and customer = any(%s)",
        (store_id, list(customers)),
    )
    return {row.customer: row.attribute_times for row in rows}


def attempted(connection: Connection, store_id: int, started_at: datetime, attempt: Attempt) -> int:
    """Journal an attempt and return its id."""
    row = connection.execute(
        """
        insert into attempts (store_id, started_at, duration_ms, users, bytes, status, outcome, excerpt)
        values (%(store_id)s, %(started_at)s, %(duration_ms)s, %(users)s, %(bytes)s, %(status)s, %(outcome)s,
                %(excerpt)s)
        returning id
        """,
        {"store_id": store_id, "started_at": started_at, **asdict(attempt)},
    ).fetchone()
    assert row is not None  # noqa: S101 - an insert that returns
    return int(row.id)


def delivered_since(connection: Connection, store_id: int, attempt_id: int) -> bool:
    """Whether Insider has taken anything from a store after an attempt."""
    row = connection.execute(
        """
        select exists (select from attempts
                       where store_id = %s and id > %s and outcome in ('delivered', 'partly')) as found
        """,
        (store_id, attempt_id),
    ).fetchone()
    return bool(row and row.found)


def remember_refusal(connection: Connection, delivery_id: int, attempt_id: int) -> None:
    """Note with which attempt a waiting delivery was first refused alone."""
    connection.execute(
        "update deliveries set attempt_id = %s where id = %s and attempt_id is null", (attempt_id, delivery_id)
    )


def settle(connection: Connection, settled: Sequence[Settled], attempt_id: int | None) -> None:
    """Mark deliveries as delivered or dead."""
    if not settled:
        return
    connection.execute(
        """
        update deliveries
        set state = settled.state, reason = settled.reason, notes = settled.notes::jsonb, settled_at = now(),
            attempt_id = case when settled.attempted then %s::bigint end
        from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bool[])
             as settled (id, state, reason, notes, attempted)
        where deliveries.id = settled.id
        """,
        (
            attempt_id,
            [one.id for one in settled],
            [one.state for one in settled],
            [one.reason for one in settled],
            [orjson.dumps(one.notes).decode() if one.notes else None for one in settled],
            [one.attempted for one in settled],
        ),
    )


def remember_times(connection: Connection, store_id: int, times: Mapping[str, Mapping[str, int]]) -> None:
    """Note from when the attributes are that Insider has taken now."""
    known = {customer: fresh for customer, fresh in times.items() if fresh}
    if known:
        connection.execute(
            """
            insert into customers (store_id, customer, attribute_times)
            select %s, customer, fresh::jsonb from unnest(%s::text[], %s::text[]) as known (customer, fresh)
            on conflict (store_id, customer) do update
            set attribute_times = customers.attribute_times || excluded.attribute_times, updated_at = now()
            """,
            (store_id, list(known), [orjson.dumps(fresh).decode() for fresh in known.values()]),
        )


def of_event(connection: Connection, event_id: int) -> list[dict[str, Any]]:
    """Return an event's deliveries, each with its last attempt."""
    rows = connection.execute(
        """
        select deliveries.id, deliveries.customer, deliveries.state, reason, notes, update, skip_hook, mapping,
               settled_at, attempts.started_at as attempted_at, attempts.duration_ms, attempts.status, attempts.users
        from deliveries left join attempts on attempts.id = attempt_id
        where event_id = %s
        order by deliveries.id
        """,
        (event_id,),
    )
    return [row._asdict() for row in rows]


def dead(connection: Connection, *, store_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the newest dead letters, newest first."""
    rows = connection.execute(
        """
        select deliveries.id, stores.name as store, events.topic, event_id, deliveries.customer, reason, settled_at
        from deliveries
        join events on events.id = event_id
        join stores on stores.id = deliveries.store_id
        where deliveries.state = 'dead' and (%(store_id)s::int is null or deliveries.store_id = %(store_id)s)
        order by deliveries.id desc
        limit %(limit)s
        """,
        {"store_id": store_id, "limit": limit},
    )
    return [row._asdict() for row in rows]


def oldest_undelivered_seconds(connection: Connection) -> float:
    """Return the lag: the age of the oldest event that has not been mapped or delivered, whatever the reason."""
    row = connection.execute(
        """
        select coalesce(extract(epoch from now() - min(received_at)), 0)::float as lag
        from (select store_id, received_at from events where state = 'received'
              union all
              select deliveries.store_id, received_at
              from deliveries join events on events.id = event_id where deliveries.state = 'waiting') undelivered
        join stores on stores.id = store_id
        where removed_at is null
        """
    ).fetchone()
    return float(row.lag) if row else 0.0


def _update(stored: dict[str, Any]) -> UserUpdate:
    return UserUpdate(
        identifiers=stored["identifiers"],
        attributes=stored["attributes"],
        events=tuple(
            UserEvent(name=event["name"], timestamp=event["timestamp"], params=event["params"])
            for event in stored["events"]
        ),
    )
