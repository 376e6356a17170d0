"""Outcomes: what became of an event. They are written once, when an event is settled, and never changed.

An outcome is a delivery that Insider has accepted, or an event without users. Deliveries that wait or are dead are in
`deliveries`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector.journal.packing import pack
from connector.journal.results.encoding import array, encoded, json_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal.database import Connection
    from connector.model import Event, NewDelivery, Note, Progress


def append_delivered(connection: Connection, delivered: Sequence[tuple[NewDelivery, Progress]]) -> None:
    """Journal deliveries that were sent at once, and that Insider has accepted."""
    if not delivered:
        return
    rows = [
        (
            delivery.event_id,
            delivery.received_at,
            delivery.replay_id,
            delivery.store_id,
            delivery.skip_hook,
            delivery.is_other,
            delivery.mapping,
            delivery.customer,
            array(done.attempt_ids),
            json_of(delivery.mapping_notes),
            json_of(done.settled.notes) if done.settled else None,
        )
        for delivery, done in delivered
    ]
    updates = pack(encoded(delivery.update).encode() for delivery, _ in delivered)
    connection.execute(
        """
        insert into outcomes (id, event_id, received_at, created_at, settled_at, replay_id, store_id, skip_hook,
                              is_other, state, mapping, customer, attempt_ids, mapping_notes, notes, update)
        select nextval('deliveries_id_seq'), event_id, received_at, now(), clock_timestamp(), replay_id, store_id,
               skip_hook, is_other, 'delivered', mapping, customer, attempt_ids::bigint[], mapping_notes::json,
               notes::jsonb, update
        from unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::int[], %s::bool[], %s::bool[], %s::text[],
                    %s::text[], %s::text[], %s::text[], %s::text[], %b::bytea[])
             as settled (event_id, received_at, replay_id, store_id, skip_hook, is_other, mapping, customer,
                         attempt_ids, mapping_notes, notes, update)
        """,
        [*(list(column) for column in zip(*rows, strict=True)), updates],
    )


class WithoutUsers(NamedTuple):
    """An event that was mapped and has no deliveries."""

    event: Event
    #: The version of the mapping set; None if the topic has no mapping.
    mapping: str | None
    notes: Sequence[Note]


def append_without_users(
    connection: Connection, mapped: Sequence[WithoutUsers], *, replay_id: int | None = None
) -> None:
    """Journal events that have no deliveries."""
    if not mapped:
        return
    rows = [
        (
            result.event.id,
            result.event.received_at,
            result.event.store_id,
            result.event.customer,
            result.mapping,
            json_of(result.notes),
        )
        for result in mapped
    ]
    connection.execute(
        """
        insert into outcomes (id, event_id, received_at, created_at, settled_at, replay_id, store_id, skip_hook,
                              is_other, state, mapping, customer, attempt_ids, mapping_notes)
        select nextval('deliveries_id_seq'), event_id, received_at, now(), clock_timestamp(), %s, store_id, true, false,
               case when mapping is null then 'unmapped' else 'no_users' end, mapping, customer, '{}', notes::json
        from unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::text[], %s::text[], %s::text[])
             as mapped (event_id, received_at, store_id, customer, mapping, notes)
        """,
        (replay_id, *(list(column) for column in zip(*rows, strict=True))),
    )
