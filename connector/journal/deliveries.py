"""Deliveries: what is owed to Insider, taken and settled partition by partition; attempts; from when each attribute is.

Whoever calls holds the partition (`partitions`).
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import takewhile
from typing import TYPE_CHECKING, Any, LiteralString

import orjson

from connector.journal import partitions
from connector.model import ClearedAt, Delivery, TrueAt, UserEvent, UserUpdate, partition_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.journal.database import Connection
    from connector.model import Attempt, NewDelivery, Partition, Settled

#: As many of a delivery's attempts are kept, the newest.
_ATTEMPTS = 50


def append(connection: Connection, owed: Sequence[NewDelivery]) -> None:
    """Journal deliveries in order."""
    rows = [
        (
            one.event_id,
            one.store_id,
            one.topic,
            one.customer,
            partition_number(one.customer),
            one.occurred_at,
            _stored(one.update),
            one.skip_hook,
            one.low_priority,
            one.mapping,
            one.replay_id,
            *((one.refusal.reason, one.refusal.cause, one.refusal.rule) if one.refusal else (None, None, None)),
        )
        for one in owed
    ]
    if rows:
        connection.execute(
            """
            insert into deliveries (event_id, store_id, topic, customer, partition, occurred_at, update, bytes,
                                    skip_hook, bulk, mapping, replay_id, reason, cause, rule, state, settled_at)
            select event_id, store_id, topic, customer, partition, occurred_at, update::jsonb, octet_length(update),
                   skip_hook, bulk, mapping, replay_id, reason, cause, rule,
                   case when cause is null then 'waiting' else 'dead' end, case when cause is not null then now() end
            from unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::smallint[], %s::timestamptz[],
                        %s::text[], %s::bool[], %s::bool[], %s::text[], %s::bigint[], %s::text[], %s::text[],
                        %s::text[])
                 with ordinality
                 as owed (event_id, store_id, topic, customer, partition, occurred_at, update, skip_hook, bulk,
                          mapping, replay_id, reason, cause, rule, position)
            order by position
            """,
            [list(column) for column in zip(*rows, strict=True)],
        )


_PARTITION: LiteralString = (
    "bulk = %(bulk)s and store_id = %(store_id)s and partition = %(partition)s and state = 'waiting'"
)
_WAITING: LiteralString = """
    select id, event_id, topic, customer, update, occurred_at, skip_hook, bytes, refused_attempt_id
    from deliveries where id in ({}) order by id
"""
_OLDEST = _WAITING.format(partitions.oldest("deliveries", _PARTITION))
_FAIR = _WAITING.format(partitions.fairly("deliveries", _PARTITION))


def take_waiting(connection: Connection, partition: Partition, *, low_priority: bool, limit: int) -> list[Delivery]:
    """Return a partition's oldest waiting deliveries that may share a request: all with one `skip_hook`."""
    wanted = {"bulk": low_priority, "store_id": partition.store_id, "partition": partition.number, "limit": limit}
    rows = connection.execute(_OLDEST, wanted).fetchall()
    if partitions.is_crowded(row.customer for row in rows):
        rows = connection.execute(_FAIR, wanted).fetchall()
    return [
        Delivery(**{**row._asdict(), "update": update_of(row.update)})
        for row in takewhile(lambda row: row.skip_hook == rows[0].skip_hook, rows)
    ]


def attribute_times(connection: Connection, store_id: int, customers: Iterable[str]) -> dict[str, dict[str, TrueAt]]:
    """Return for each customer from when each attribute is that Insider has, or has forgotten."""
    rows = connection.execute(
        "select customer, attribute_times from customers where store_id = %s and customer = any(%s)",
        (store_id, list(customers)),
    )
    return {row.customer: {name: _time_of(kept) for name, kept in row.attribute_times.items()} for row in rows}


def add_attempt(connection: Connection, store_id: int, attempt: Attempt) -> int:
    """Journal an attempt that has just ended and return its id."""
    row = connection.execute(
        """
        insert into attempts (store_id, started_at, duration_ms, users, bytes, status, outcome, excerpt, operation)
        values (%(store_id)s, clock_timestamp() - %(duration_ms)s * interval '1 ms', %(duration_ms)s,
                %(users)s, %(bytes)s, %(status)s, %(outcome)s, %(excerpt)s, %(operation)s)
        returning id
        """,
        {"store_id": store_id, **asdict(attempt)},
    ).fetchone()
    assert row is not None  # noqa: S101 - an insert that returns
    return int(row.id)


def delivered_since(connection: Connection, store_id: int, attempt_id: int, *, operation: str = "upsert") -> bool:
    """Whether Insider has taken anything from a store after an attempt, both by this operation."""
    row = connection.execute(
        """
        select exists (select from attempts refused join attempts later using (store_id, operation)
                       where refused.id = %(attempt_id)s and store_id = %(store_id)s and operation = %(operation)s
                         and later.id > %(attempt_id)s and later.outcome in ('delivered', 'partly')) as found
        """,
        {"store_id": store_id, "attempt_id": attempt_id, "operation": operation},
    ).fetchone()
    return bool(row and row.found)


def remember_refusal(connection: Connection, delivery_id: int, attempt_id: int) -> None:
    """Note with which attempt a waiting delivery was first refused alone; anew once it fails by another operation."""
    connection.execute(
        """
        update deliveries set refused_attempt_id = %(attempt_id)s
        where id = %(delivery_id)s
          and (refused_attempt_id is null
               or (select operation from attempts where id = refused_attempt_id)
                  <> (select operation from attempts where id = %(attempt_id)s))
        """,
        {"delivery_id": delivery_id, "attempt_id": attempt_id},
    )


def remember_attempts(connection: Connection, attempts: Mapping[int, Sequence[int]]) -> None:
    """Note in which attempts deliveries have been that go on waiting."""
    if attempts:
        connection.execute(
            f"""
            update deliveries set attempt_ids = {_newest("tried.attempt_ids::bigint[]")}
            from unnest(%s::bigint[], %s::text[]) as tried (id, attempt_ids)
            where deliveries.id = tried.id
            """,
            (list(attempts), list(map(_array, attempts.values()))),
        )


def settle(connection: Connection, settled: Sequence[Settled]) -> None:
    """Mark deliveries as delivered, or as dead where they are refused."""
    if not settled:
        return
    connection.execute(
        f"""
        update deliveries
        set state = case when settled.cause is null then 'delivered' else 'dead' end,
            reason = settled.reason, cause = settled.cause, rule = settled.rule, notes = settled.notes::jsonb,
            attempt_ids = {_newest("settled.attempt_ids::bigint[]")}, settled_at = clock_timestamp()
        from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
             as settled (id, reason, cause, rule, notes, attempt_ids)
        where deliveries.id = settled.id
        """,
        (
            [one.id for one in settled],
            [one.refusal and one.refusal.reason for one in settled],
            [one.refusal and one.refusal.cause for one in settled],
            [one.refusal and one.refusal.rule for one in settled],
            [orjson.dumps(one.notes).decode() if one.notes else None for one in settled],
            [_array(one.attempt_ids) for one in settled],
        ),
    )


def _newest(added: str) -> str:
    """Return SQL for a delivery's attempts with some added, bounded: an outage of days makes hundreds."""
    all_of_them = f"deliveries.attempt_ids || {added}"
    return f"({all_of_them})[greatest(cardinality({all_of_them}) - {_ATTEMPTS - 1}, 1):]"


def _array(ids: Sequence[int]) -> str:
    # As text, because the lists differ in length, and PostgreSQL knows only rectangular arrays of arrays.
    return "{" + ",".join(map(str, ids)) + "}"


def remember_times(connection: Connection, store_id: int, times: Mapping[str, Mapping[str, TrueAt]]) -> None:
    """Note from when the attributes are that Insider has taken now, or since when those have been over."""
    known = {customer: fresh for customer, fresh in times.items() if fresh}
    if known:
        connection.execute(
            """
            insert into customers (store_id, customer, attribute_times)
            select %s, customer, fresh::jsonb from unnest(%s::text[], %s::text[]) as known (customer, fresh)
            on conflict (store_id, customer) do update
            set attribute_times = customers.attribute_times || excluded.attribute_times, updated_at = now()
            """,
            (store_id, list(known), [orjson.dumps(fresh, default=_kept).decode() for fresh in known.values()]),
        )


def _kept(true_at: TrueAt) -> list[int]:
    """Return a time as it is kept: one more item says that the attribute is over."""
    return [*true_at, 1] if isinstance(true_at, ClearedAt) else [*true_at]


def _time_of(kept: list[int]) -> TrueAt:
    milliseconds, event_id, *over = kept
    return ClearedAt(milliseconds, event_id) if over else TrueAt(milliseconds, event_id)


def oldest_undelivered_seconds(connection: Connection) -> float:
    """Return the lag: the age of the oldest event that has not been mapped or delivered, whatever the reason."""
    row = connection.execute(
        """
        select coalesce(extract(epoch from now() - min(received_at)), 0)::float as lag
        from (select store_id, received_at from events where state = 'received'
              union all
              -- An event may be replayed long after it was received.
              select deliveries.store_id, case when replay_id is null then received_at else created_at end
              from deliveries join events on events.id = event_id where deliveries.state = 'waiting') undelivered
        join stores on stores.id = store_id
        where removed_at is null
        """
    ).fetchone()
    return float(row.lag) if row else 0.0


def update_of(stored: dict[str, Any]) -> UserUpdate:
    """Return an update as it was before it was journaled."""
    return UserUpdate(
        identifiers=stored["identifiers"],
        attributes=stored["attributes"],
        events=tuple(
            UserEvent(name=event["name"], timestamp=event["timestamp"], params=event["params"])
            for event in stored["events"]
        ),
        cleared=tuple(stored.get("cleared", ())),
    )


def _stored(update: UserUpdate) -> str:
    """Return an update as it is journaled; of clearing it says nothing where nothing is, as in nearly all of them."""
    cleared = {"cleared": update.cleared} if update.cleared else {}
    stored = {"identifiers": update.identifiers, "attributes": update.attributes, "events": update.events, **cleared}
    return orjson.dumps(stored).decode()
