"""Deliveries that wait or are dead. A worker reads and settles the deliveries of the partitions that it holds.

A delivery that Insider has accepted is an outcome (`outcomes`). It is written once if the step that maps the event also
sends it.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, LiteralString, NamedTuple

from connector.journal import partitions
from connector.journal.results import outcomes
from connector.journal.results.encoding import array, encoded, json_of, update_of
from connector.model import Delivery, Progress, partition_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.journal.database import Connection
    from connector.model import NewDelivery, Partitions, Settled

#: A delivery keeps at most this number of attempts, the newest ones.
_ATTEMPTS = 50


def append(connection: Connection, new: Sequence[NewDelivery], progress: Mapping[int, Progress] | None = None) -> None:
    """Journal new deliveries in this order: those that Insider has accepted as outcomes, the others as deliveries.

    `progress` contains, by position in `new`, what has become of the deliveries that were sent at once.
    """
    progress = progress or {}
    nothing = Progress()
    with_progress = [(delivery, progress.get(position, nothing)) for position, delivery in enumerate(new)]
    delivered = [(delivery, done) for delivery, done in with_progress if done.settled and not done.settled.refusal]
    outcomes.append_delivered(connection, delivered)
    others = [(delivery, done) for delivery, done in with_progress if not done.settled or done.settled.refusal]
    if others:
        _append(connection, others)


def _append(connection: Connection, new: Sequence[tuple[NewDelivery, Progress]]) -> None:
    rows = []
    for delivery, done in new:
        refusal = delivery.refusal or (done.settled.refusal if done.settled else None)
        update = encoded(delivery.update)
        rows.append(
            (
                delivery.event_id,
                delivery.received_at,
                delivery.store_id,
                delivery.topic,
                delivery.customer,
                partition_number(delivery.customer),
                delivery.occurred_at,
                update,
                delivery.skip_hook,
                delivery.low_priority,
                delivery.mapping,
                json_of(delivery.mapping_notes),
                delivery.replay_id,
                *((refusal.reason, refusal.cause, refusal.rule) if refusal else (None, None, None)),
                json_of(done.settled.notes) if done.settled else None,
                array(done.attempt_ids[-_ATTEMPTS:]),
                done.refused_attempt_id,
            )
        )
    connection.execute(
        """
        insert into deliveries (event_id, received_at, store_id, topic, customer, partition, occurred_at, update, bytes,
                                skip_hook, bulk, mapping, mapping_notes, replay_id, reason, cause, rule, state, notes,
                                attempt_ids, refused_attempt_id, settled_at)
        select event_id, received_at, store_id, topic, customer, partition, occurred_at, update::jsonb,
               octet_length(update), skip_hook, bulk, mapping, mapping_notes::json, replay_id, reason, cause, rule,
               case when cause is null then 'waiting' else 'dead' end, notes::jsonb, attempt_ids::bigint[],
               refused_attempt_id, case when cause is not null then clock_timestamp() end
        from unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::text[], %s::text[], %s::smallint[],
                    %s::timestamptz[], %s::text[], %s::bool[], %s::bool[], %s::text[], %s::text[], %s::bigint[],
                    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
             with ordinality
             as owed (event_id, received_at, store_id, topic, customer, partition, occurred_at, update, skip_hook, bulk,
                      mapping, mapping_notes, replay_id, reason, cause, rule, notes, attempt_ids, refused_attempt_id,
                      position)
        order by position
        """,
        [list(column) for column in zip(*rows, strict=True)],
    )


_PARTITION: LiteralString = (
    "bulk = %(bulk)s and store_id = %(store_id)s and partition = held.number and state = 'waiting'"
)
_COLUMNS: LiteralString = "id, event_id, topic, customer, update, occurred_at, skip_hook, bytes, refused_attempt_id"
_OLDEST = partitions.oldest("deliveries", _COLUMNS, _PARTITION)
_FAIR = partitions.fairly("deliveries", _COLUMNS, _PARTITION)


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
                  is distinct from (select operation from attempts where id = %(attempt_id)s))
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
            (list(attempts), list(map(array, attempts.values()))),
        )


def settle(connection: Connection, settled: Sequence[Settled]) -> None:
    """Record what has become of waiting deliveries: they are delivered, or dead if they have a refusal."""
    _move_delivered(connection, [delivery for delivery in settled if not delivery.refusal])
    dead = [(delivery, delivery.refusal) for delivery in settled if delivery.refusal]
    if dead:
        connection.execute(
            f"""
            update deliveries
            set state = 'dead', reason = settled.reason, cause = settled.cause, rule = settled.rule,
                notes = settled.notes::jsonb, attempt_ids = {_newest("settled.attempt_ids::bigint[]")},
                settled_at = clock_timestamp()
            from unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
                 as settled (id, reason, cause, rule, notes, attempt_ids)
            where deliveries.id = settled.id
            """,
            (
                [delivery.id for delivery, _ in dead],
                [refusal.reason for _, refusal in dead],
                [refusal.cause for _, refusal in dead],
                [refusal.rule for _, refusal in dead],
                [json_of(delivery.notes) for delivery, _ in dead],
                [array(delivery.attempt_ids) for delivery, _ in dead],
            ),
        )


def _move_delivered(connection: Connection, delivered: Sequence[Settled]) -> None:
    """Move deliveries that Insider has accepted to the outcomes."""
    if delivered:
        connection.execute(
            f"""
            with delivered as (
                delete from deliveries
                using unnest(%s::bigint[], %s::text[], %s::text[]) as settled (id, notes, attempt_ids)
                where deliveries.id = settled.id
                returning deliveries.*, settled.notes::jsonb as last_notes,
                          {_newest("settled.attempt_ids::bigint[]")} as all_attempt_ids
            )
            insert into outcomes (id, event_id, received_at, created_at, settled_at, replay_id, store_id, skip_hook,
                                  is_other, state, mapping, customer, attempt_ids, mapping_notes, notes, update)
            select id, event_id, received_at, created_at, clock_timestamp(), replay_id, store_id, skip_hook,
                   customer is distinct from (select events.customer from events
                                              where events.id = event_id
                                                and events.received_at = delivered.received_at),
                   'delivered', mapping, customer, all_attempt_ids, mapping_notes, last_notes,
                   convert_to(update::text, 'UTF8')
            from delivered order by id
            """,
            (
                [delivery.id for delivery in delivered],
                [json_of(delivery.notes) for delivery in delivered],
                [array(delivery.attempt_ids) for delivery in delivered],
            ),
        )


def _newest(added: str) -> str:
    """Return SQL that adds attempts to a delivery, but keeps only the newest: a long outage makes hundreds."""
    attempt_ids = f"deliveries.attempt_ids || {added}"
    return f"({attempt_ids})[greatest(cardinality({attempt_ids}) - {_ATTEMPTS - 1}, 1):]"


def oldest_undelivered_seconds(connection: Connection) -> float:
    """Return the lag: the seconds for which the oldest event has waited to be mapped or delivered, for any reason."""
    row = connection.execute(
        """
        select coalesce(extract(epoch from now() - min(since)), 0)::float as lag
        from (select store_id, received_at as since from queue
              union all
              -- A replay may come long after the event was received, so its deliveries count from their creation.
              select store_id, case when replay_id is null then received_at else created_at end
              from deliveries where state = 'waiting') undelivered
        join stores on stores.id = store_id
        where removed_at is null
        """
    ).fetchone()
    return float(row.lag) if row else 0.0
