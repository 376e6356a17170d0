"""Everything that happened to one webhook: its event, its mapping, its deliveries, and their attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.journal.events import LAST_MAPPING, STATE
from connector.journal.packing import unpack
from connector.journal.results.encoding import stored_update

if TYPE_CHECKING:
    from connector.journal.database import Connection

_STORY = f"""
    select events.id, stores.name as store, topic, {STATE} as state, customer, key, occurred_at, events.received_at,
           mapped_at, last.mapping, last.notes, body,
           (select jsonb_build_object('text', text, 'details', details) from notices where event_id = events.id
            limit 1) as notice,
           coalesce((
               select jsonb_agg(jsonb_build_object('id', replays.id, 'actor', actor, 'reason', reason,
                                                   'created_at', replays.created_at, 'mapped_at', of_it.mapped_at)
                                order by replays.id)
               from replayed_events of_it join replays on replays.id = replay_id
               where of_it.event_id = events.id), '[]') as replays,
           coalesce((
               select jsonb_agg(jsonb_build_object(
                          'id', owed.id, 'customer', owed.customer, 'state', owed.state, 'reason', reason,
                          'cause', cause, 'rule', rule, 'notes', owed.notes, 'update', update,
                          'skip_hook', skip_hook, 'mapping', owed.mapping, 'replay_id', replay_id,
                          'created_at', owed.created_at, 'settled_at', settled_at, 'attempts', tries.attempts)
                                order by owed.id)
               from all_deliveries owed cross join lateral (
                   select coalesce(jsonb_agg(jsonb_build_object(
                              'id', attempts.id, 'started_at', started_at, 'duration_ms', duration_ms,
                              'operation', operation, 'users', users, 'bytes', bytes, 'status', status,
                              'outcome', outcome, 'excerpt', excerpt) order by attempts.id), '[]') as attempts
                   from attempts where attempts.id = any(attempt_ids)) tries
               where owed.event_id = events.id), '[]') as deliveries
    from events join stores on stores.id = store_id {LAST_MAPPING}
    where events.id = %s
"""


def of_event(connection: Connection, event_id: int) -> dict[str, Any] | None:
    """Return everything that the journal knows about an event; None if there is no such event."""
    row = connection.execute(_STORY, (event_id,)).fetchone()
    if row is None:
        return None
    for delivery in row.deliveries:
        delivery["update"] = stored_update(delivery["update"])
    return {**row._asdict(), "body": unpack(row.body)}
