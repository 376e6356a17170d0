"""Deliveries, their attempts, and the times of the attribute values that Insider has.

A worker reads and settles the deliveries of the partitions that it holds (`partitions`).
"""

from __future__ import annotations

import time
from itertools import takewhile
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import orjson

from connector.journal import partitions
from connector.model import ClearedAt, Delivery, Progress, TrueAt, UserEvent, UserUpdate, partition_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.journal.database import Connection
    from connector.model import Attempt, NewDelivery, Partitions, Settled

#: A delivery keeps at most this number of attempts, the newest ones.
_ATTEMPTS = 50


def append(connection: Connection, new: Sequence[NewDelivery], progress: Mapping[int, Progress] | None = None) -> None:
    """Journal new deliveries in this order.

    `progress` contains, by position in `new`, what has become of the deliveries that were sent at once.
    """
    if not new:
        return
    progress = progress or {}
    nothing = Progress()
    rows = []
    for position, delivery in enumerate(new):
        done = progress.get(position, nothing)
        refusal = delivery.refusal or (done.settled.refusal if done.settled else None)
        rows.append(
            (
                delivery.event_id,
                delivery.store_id,
                delivery.topic,
                delivery.customer,
                partition_number(delivery.customer),
                delivery.occurred_at,
                encoded(delivery.update),
                delivery.skip_hook,
                delivery.low_priority,
                delivery.mapping,
                delivery.replay_id,
                *((refusal.reason, refusal.cause, refusal.rule) if refusal else (None, None, None)),
                "dead" if refusal else "delivered" if done.settled else "waiting",
                _notes(done.settled) if done.settled else None,
                _array(done.attempt_ids[-_ATTEMPTS:]),
                done.refused_attempt_id,
            )
        )
    connection.execute(
        """
        insert into deliveries (event_id, store_id, topic, customer, partition, occurred_at, update, bytes,
                                skip_hook, bulk, mapping, replay_id, reason, cause, rule, state, notes, attempt_ids,
                                refused_attempt_id, settled_at)
        select event_id, store_id, topic, customer, partition, occurred_at, update::jsonb, octet_length(update),
               skip_hook, bulk, mapping, replay_id, reason, cause, rule, state, notes::jsonb, attempt_ids::bigint[],
               refused_attempt_id, case when state <> 'waiting' then clock_timestamp() end
        from unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::smallint[], %s::timestamptz[],
                    %s::text[], %s::bool[], %s::bool[], %s::text[], %s::bigint[], %s::text[], %s::text[],
                    %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
             with ordinality
             as owed (event_id, store_id, topic, customer, partition, occurred_at, update, skip_hook, bulk,
                      mapping, replay_id, reason, cause, rule, state, notes, attempt_ids, refused_attempt_id, position)
        order by position
        """,
        [list(column) for column in zip(*rows, strict=True)],
    )


_PARTITION: LiteralString = (
    "bulk = %(bulk)s and store_id = %(store_id)s and partition = held.number and state = 'waiting'"
)
_WAITING: LiteralString = """
    select id, event_id, topic, customer, update, occurred_at, skip_hook, bytes, refused_attempt_id
    from deliveries where id in ({}) order by id
"""
_OLDEST = _WAITING.format(partitions.oldest("deliveries", _PARTITION))
_FAIR = _WAITING.format(partitions.fairly("deliveries", _PARTITION))


class Waiting(NamedTuple):
    """The oldest waiting deliveries of some partitions."""

    deliveries: Sequence[Delivery] = ()
    #: True if no other delivery waits there. Then a new delivery of these partitions may be sent at once.
    complete: bool = False


def take_waiting(connection: Connection, held: Partitions, *, low_priority: bool, limit: int) -> Waiting:
    """Return the oldest waiting deliveries of partitions that may share a request: all have the same `skip_hook`.

    The caller has to hold the partitions.
    """
    parameters = {"bulk": low_priority, "store_id": held.store_id, "numbers": list(held.numbers), "limit": limit}
    rows = connection.execute(_OLDEST, parameters).fetchall()
    complete = len(rows) < limit
    if partitions.is_crowded(row.customer for row in rows):
        rows = connection.execute(_FAIR, parameters).fetchall()
        complete = False
    together = [
        Delivery(**{**row._asdict(), "update": update_of(row.update)})
        for row in takewhile(lambda row: row.skip_hook == rows[0].skip_hook, rows)
    ]
    return Waiting(together, complete and len(together) == len(rows))


def attribute_times(connection: Connection, store_id: int, customers: Iterable[str]) -> dict[str, dict[str, TrueAt]]:
    """Return the times of the values that Insider has, by customer and attribute.

    The time of a cleared attribute is the time at which its value ended. Customers without such times are left out.
    """
    rows = connection.execute(
        "select customer, attribute_times from customers where store_id = %s and customer = any(%s)",
        (store_id, list(customers)),
    )
    return {row.customer: {name: _time_of(stored) for name, stored in row.attribute_times.items()} for row in rows}


def add_attempts(connection: Connection, store_id: int, attempts: Sequence[Attempt]) -> list[int]:
    """Journal attempts in this order; return their ids."""
    if not attempts:
        return []
    columns = zip(
        *(
            (
                time.monotonic() - attempt.ended,
                attempt.duration_ms,
                attempt.users,
                attempt.bytes,
                attempt.status,
                attempt.outcome,
                attempt.excerpt,
                attempt.operation,
            )
            for attempt in attempts
        ),
        strict=True,
    )
    rows = connection.execute(
        """
        insert into attempts (store_id, started_at, duration_ms, users, bytes, status, outcome, excerpt, operation)
        select %s, clock_timestamp() - make_interval(secs => age + duration_ms / 1000.0), duration_ms, users, bytes,
               status, outcome, excerpt, operation
        from unnest(%s::float[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[], %s::text[], %s::text[])
             with ordinality
             as made (age, duration_ms, users, bytes, status, outcome, excerpt, operation, position)
        order by position
        returning id
        """,
        (store_id, *map(list, columns)),
    )
    return [row.id for row in rows]


def delivered_since(connection: Connection, store_id: int, attempt_id: int, *, operation: str = "upsert") -> bool:
    """Whether Insider has accepted an update of the store in a later attempt with the same `operation`."""
    row = connection.execute(
        """
        select exists (select from attempts refused join attempts later using (store_id, operation)
                       where refused.id = %(attempt_id)s and store_id = %(store_id)s and operation = %(operation)s
                         and later.id > %(attempt_id)s and later.started_at > refused.started_at
                         and later.outcome in ('delivered', 'partly')) as found
        """,
        {"store_id": store_id, "attempt_id": attempt_id, "operation": operation},
    ).fetchone()
    return bool(row and row.found)


def remember_refusal(connection: Connection, delivery_id: int, attempt_id: int) -> None:
    """Record the attempt in which Insider first refused a waiting delivery that was sent alone.

    A later attempt replaces the recorded attempt only if their operations are different.
    """
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
    """Add attempts to deliveries that are still waiting."""
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
    """Mark deliveries as delivered, or as dead if they have a refusal."""
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
            [delivery.id for delivery in settled],
            [delivery.refusal and delivery.refusal.reason for delivery in settled],
            [delivery.refusal and delivery.refusal.cause for delivery in settled],
            [delivery.refusal and delivery.refusal.rule for delivery in settled],
            [_notes(delivery) for delivery in settled],
            [_array(delivery.attempt_ids) for delivery in settled],
        ),
    )


def _notes(settled: Settled) -> str | None:
    return orjson.dumps(settled.notes).decode() if settled.notes else None


def _newest(added: str) -> str:
    """Return SQL that adds attempts to a delivery, but keeps only the newest: a long outage makes hundreds."""
    attempt_ids = f"deliveries.attempt_ids || {added}"
    return f"({attempt_ids})[greatest(cardinality({attempt_ids}) - {_ATTEMPTS - 1}, 1):]"


def _array(ids: Sequence[int]) -> str:
    """Return an array as text, because PostgreSQL cannot have arrays of different lengths in one array."""
    return "{" + ",".join(map(str, ids)) + "}"


def remember_times(connection: Connection, store_id: int, times: Mapping[str, Mapping[str, TrueAt]]) -> None:
    """Store the times of the attributes that Insider has just accepted or cleared."""
    changed = {customer: by_name for customer, by_name in times.items() if by_name}
    if changed:
        connection.execute(
            """
            insert into customers (store_id, customer, attribute_times)
            select %s, customer, fresh::jsonb from unnest(%s::text[], %s::text[]) as known (customer, fresh)
            on conflict (store_id, customer) do update
            set attribute_times = customers.attribute_times || excluded.attribute_times, updated_at = now()
            """,
            (
                store_id,
                list(changed),
                [orjson.dumps(by_name, default=_stored_time).decode() for by_name in changed.values()],
            ),
        )


def _stored_time(true_at: TrueAt) -> list[int]:
    """Return a time in its journaled form. A third item means that the attribute was cleared."""
    return [*true_at, 1] if isinstance(true_at, ClearedAt) else [*true_at]


def _time_of(stored: list[int]) -> TrueAt:
    milliseconds, event_id, *cleared = stored
    return ClearedAt(milliseconds, event_id) if cleared else TrueAt(milliseconds, event_id)


def oldest_undelivered_seconds(connection: Connection) -> float:
    """Return the lag: the seconds for which the oldest event has waited to be mapped or delivered, for any reason."""
    row = connection.execute(
        """
        select coalesce(extract(epoch from now() - min(received_at)), 0)::float as lag
        from (select store_id, received_at from events where state = 'received'
              union all
              -- A replay may come long after the event was received, so its deliveries count from their creation.
              select deliveries.store_id, case when replay_id is null then received_at else created_at end
              from deliveries join events on events.id = event_id where deliveries.state = 'waiting') undelivered
        join stores on stores.id = store_id
        where removed_at is null
        """
    ).fetchone()
    return float(row.lag) if row else 0.0


def update_of(stored: dict[str, Any]) -> UserUpdate:
    """Return the update that has this journaled form."""
    return UserUpdate(
        identifiers=stored["identifiers"],
        attributes=stored["attributes"],
        events=tuple(
            UserEvent(name=event["name"], timestamp=event["timestamp"], params=event["params"])
            for event in stored["events"]
        ),
        cleared=tuple(stored.get("cleared", ())),
    )


def encoded(update: UserUpdate) -> str:
    """Return the journaled form of an update. An empty `cleared` is left out: nearly all updates have an empty one."""
    cleared = {"cleared": update.cleared} if update.cleared else {}
    stored = {"identifiers": update.identifiers, "attributes": update.attributes, "events": update.events, **cleared}
    return orjson.dumps(stored).decode()
