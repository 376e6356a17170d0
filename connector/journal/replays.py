"""Replays: for an operator, the connector maps and sends events again.

A replay has an operator, a reason, a filter on events, a rate and counts of its results.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from connector.journal.events import IS_QUEUED, IS_UNMAPPED, LAST_MAPPING, event_of
from connector.journal.results.dead_letters import GROUP
from connector.journal.results.encoding import stored_update

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.journal.database import Connection
    from connector.model import Event

#: The mapping set that a replay uses: ``now`` is the active set, ``then`` is the set that mapped the event last.
By = Literal["now", "then"]

#: A replay falls behind its rate while no worker runs. Later it catches up with at most this number of seconds.
_BURST_SECONDS = 10.0
#: A replay waits at least this long between two steps: a step with fewer events would be inefficient.
_STEP_SECONDS = 1.0

#: If a filter has more event ids than this, the replay shows only their number.
_LISTED_IDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """A filter on events. An event has to match every field that is set."""

    event_ids: Sequence[int] = ()
    store_id: int | None = None
    topic: str | None = None
    customer: str | None = None
    #: The event was received at `since` or later, and before `until`.
    since: datetime | None = None
    until: datetime | None = None
    #: ``mapped`` and ``unmapped`` are states of the event; ``delivered`` and ``dead`` are states of one of its
    #: deliveries.
    state: str | None = None
    #: The name of a group of dead letters.
    group: str | None = None

    @property
    def is_empty(self) -> bool:
        return not any(asdict(self).values())


#: SQL for the events of a filter. It leaves out events that wait for their first mapping: these need no replay.
_SELECTED = f"""
    from events
    where not {IS_QUEUED}
      and exists (select from stores where stores.id = events.store_id and removed_at is null)
      and (%(event_ids)s::bigint[] = '{{}}' or events.id = any(%(event_ids)s))
      and (%(store_id)s::int is null or events.store_id = %(store_id)s)
      and (%(topic)s::text is null or events.topic = %(topic)s)
      and (%(customer)s::text is null or events.customer = %(customer)s)
      and (%(since)s::timestamptz is null or received_at >= %(since)s)
      and (%(until)s::timestamptz is null or received_at < %(until)s)
      and case %(state)s::text
          when 'mapped' then not {IS_UNMAPPED}
          when 'unmapped' then {IS_UNMAPPED}
          when 'delivered' then exists (select from outcomes where event_id = events.id and state = 'delivered')
          when 'dead' then exists (select from deliveries where event_id = events.id and state = 'dead')
          else true end
      and (%(group)s::text is null or events.id in (
              select event_id from deliveries
              where state = 'dead' and {GROUP} = %(group)s))
"""
#: SQL for a condition: the event waits for a delivery, or for its mapping in another replay. A replay leaves these
#: events out too.
_ON_ITS_WAY = """
    (exists (select from deliveries where event_id = events.id and deliveries.state = 'waiting')
     or exists (select from replayed_events where event_id = events.id and replayed_events.mapped_at is null))
"""
#: The key of an advisory lock. Only one replay can start at a time, so that two replays cannot have the same event.
_START_LOCK = 0x7265706C6179


def count(connection: Connection, selection: Selection, *, retention_days: int) -> dict[str, int]:
    """Return counts of the events that match a filter, as a replay would treat them.

    ``events`` counts the events that a replay would map, and ``too_old`` counts those of them that are too old for
    Insider's retention. ``on_their_way`` counts the events that a replay would leave out, because they wait for a
    delivery or for another replay.
    """
    row = connection.execute(
        f"""
        select count(*) filter (where not on_its_way) as events,
               count(*) filter (where not on_its_way and occurred_at < now() - make_interval(days => %(days)s))
                   as too_old,
               count(*) filter (where on_its_way) as on_their_way
        from (select occurred_at, {_ON_ITS_WAY} as on_its_way {_SELECTED}) selected
        """,
        {**_parameters(selection), "days": retention_days},
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    return dict(row._asdict())


def versions(connection: Connection, selection: Selection) -> dict[str | None, int]:
    """Count the events that a replay would map, by the version of the set that mapped them last (None: no set)."""
    rows = connection.execute(
        f"""
        select last.mapping, count(*) as events
        from (select events.id {_SELECTED} and not {_ON_ITS_WAY}) events {LAST_MAPPING}
        group by last.mapping order by events desc
        """,
        _parameters(selection),
    )
    return {row.mapping: row.events for row in rows}


def sample(
    connection: Connection, selection: Selection, *, limit: int
) -> list[tuple[Event, list[dict[str, Any]], str | None]]:
    """Return the newest events that a replay would map, each with the updates and the set of its last mapping."""
    rows = connection.execute(
        f"""
        select events.*, last.mapping,
               (select coalesce(jsonb_agg(update order by owed.id), '[]')
                from all_deliveries owed
                where owed.event_id = events.id and owed.replay_id is not distinct from (
                    select replay_id from all_deliveries where event_id = events.id order by id desc limit 1)
               ) as updates
        from (select * {_SELECTED} and not {_ON_ITS_WAY} order by events.id desc limit %(limit)s) events {LAST_MAPPING}
        order by events.id
        """,
        {**_parameters(selection), "limit": limit},
    )
    return [(event_of(row), list(map(stored_update, row.updates)), row.mapping) for row in rows]


def start(
    connection: Connection,
    selection: Selection,
    *,
    actor: str,
    reason: str,
    skip_hook: bool,
    per_second: float,
    mapping: By = "now",
) -> tuple[int, int]:
    """Start a replay; return its id, and how many events it has."""
    connection.execute("select pg_advisory_xact_lock(%s)", (_START_LOCK,))
    shown = {name: value for name, value in asdict(selection).items() if value}
    if len(selection.event_ids) > _LISTED_IDS:
        shown["event_ids"] = f"{len(selection.event_ids)} events"
    row = connection.execute(
        """
        insert into replays (actor, reason, selection, skip_hook, per_second, mapping)
        values (%s, %s, %s, %s, %s, %s) returning id
        """,
        (actor, reason, orjson.dumps(shown).decode(), skip_hook, per_second, mapping),
    ).fetchone()
    assert row is not None  # noqa: S101 - an insert that returns
    events = connection.execute(
        f"""
        insert into replayed_events (replay_id, event_id)
        select %(replay_id)s, events.id {_SELECTED} and not {_ON_ITS_WAY}
        """,
        {**_parameters(selection), "replay_id": row.id},
    ).rowcount
    return row.id, events


def running(connection: Connection) -> list[int]:
    """Return the ids of the replays that have events to map, oldest first."""
    return [row.id for row in connection.execute("select id from replays where state = 'running' order by id")]


class ReplayBatch(NamedTuple):
    """The next events of a replay, and how to map them."""

    events: list[Event]
    skip_hook: bool
    #: By event id, the version of the set that mapped the event last and has to map it again. None: the active set maps
    #: all events.
    versions: dict[int, str | None] | None


def take(connection: Connection, replay_id: int, *, limit: int, size: int) -> ReplayBatch:
    """Return the next events of a replay. Its rate and `limit` restrict their number.

    Their bodies have up to `size` bytes together; an event with a larger body comes alone. The replay is locked until
    the transaction ends; if another worker has locked it, the batch is empty. If no events are left, this function ends
    the replay.
    """
    replay = connection.execute(
        """
        select skip_hook, mapping, per_second, greatest(extract(epoch from now() - fed_at), 0)::float as seconds
        from replays where id = %s and state = 'running' for update skip locked
        """,
        (replay_id,),
    ).fetchone()
    if replay is None:
        return ReplayBatch([], skip_hook=True, versions=None)
    seconds = min(replay.seconds, max(_BURST_SECONDS, 2 / replay.per_second))
    allowed = min(limit, int(replay.per_second * seconds)) if seconds >= _STEP_SECONDS else 0
    rows = connection.execute(
        f"""
        select events.*, last.mapping
        from (select *, sum(bytes) over (order by id) as size, row_number() over (order by id) as position
              from events
              where id in (select event_id from replayed_events
                           where replay_id = %s and mapped_at is null
                           order by event_id limit %s)) events
        {LAST_MAPPING}
        where size <= %s or position = 1
        order by id
        """,
        (replay_id, allowed, size),
    ).fetchall()
    if rows:
        unused = seconds - len(rows) / replay.per_second
        connection.execute(
            "update replays set fed_at = now() - make_interval(secs => %s) where id = %s", (unused, replay_id)
        )
    elif allowed:
        _end(connection, replay_id)
    set_versions = {row.id: row.mapping for row in rows} if replay.mapping == "then" else None
    return ReplayBatch(list(map(event_of, rows)), replay.skip_hook, set_versions)


def _end(connection: Connection, replay_id: int) -> None:
    """End a replay that has no more events to map. Events that were deleted in the meantime are ignored."""
    connection.execute(
        """
        delete from replayed_events
        where replay_id = %s and mapped_at is null and not exists (select from events where events.id = event_id)
        """,
        (replay_id,),
    )
    connection.execute(
        """
        update replays set state = 'done', ended_at = now()
        where id = %s and not exists (select from replayed_events where replay_id = replays.id and mapped_at is null)
        """,
        (replay_id,),
    )


def mark_processed(
    connection: Connection, replay_id: int, event_ids: Sequence[int], *, without_set: Sequence[int] = ()
) -> None:
    """Mark events of a replay as processed.

    The events in `without_set` were not mapped, because their set is not available.
    """
    connection.execute(
        """
        update replayed_events set mapped_at = now(), without_set = event_id = any(%s)
        where replay_id = %s and event_id = any(%s)
        """,
        (list(without_set), replay_id, list(event_ids)),
    )


def resolve(connection: Connection, replay_id: int, event_ids: Sequence[int]) -> None:
    """Mark the dead letters of these events as replayed, because the events were mapped again.

    The dead letters of this replay do not change.
    """
    connection.execute(
        """
        update deliveries set state = 'replayed'
        where event_id = any(%s) and state = 'dead' and replay_id is distinct from %s
        """,
        (list(event_ids), replay_id),
    )


def cancel(connection: Connection, replay_id: int) -> int | None:
    """Cancel a replay; return how many of its events will not be mapped.

    Returns None if the replay is not running. Deliveries of events that were already mapped are still sent.
    """
    ended = connection.execute(
        "update replays set state = 'cancelled', ended_at = now() where id = %s and state = 'running'", (replay_id,)
    ).rowcount
    if not ended:
        return None
    return connection.execute(
        "delete from replayed_events where replay_id = %s and mapped_at is null", (replay_id,)
    ).rowcount


def newest(connection: Connection, *, replay_id: int | None = None, limit: int = 1) -> list[dict[str, Any]]:
    """Return the newest replays, or only the one with this id, each with counts of its results so far."""
    rows = connection.execute(
        """
        select replays.id, replays.state, actor, reason, selection, skip_hook, mapping, per_second, created_at,
               ended_at, events, mapped, without_set, owed.*
        from replays cross join lateral (
            select count(*) as events, count(mapped_at) filter (where not without_set) as mapped,
                   count(*) filter (where without_set) as without_set
            from replayed_events where replay_id = replays.id) given
        cross join lateral (
            select count(*) filter (where state = 'waiting') as waiting,
                   count(*) filter (where state = 'delivered') as delivered,
                   count(*) filter (where state = 'dead') as dead,
                   count(*) filter (where notes ? 'stale') as with_stale_attributes,
                   count(*) filter (where notes ? 'too_old') as with_events_too_old
            from all_deliveries where replay_id = replays.id) owed
        where %(replay_id)s::bigint is null or replays.id = %(replay_id)s
        order by replays.id desc
        limit %(limit)s
        """,
        {"replay_id": replay_id, "limit": limit},
    )
    return [row._asdict() for row in rows]


def _parameters(selection: Selection) -> dict[str, Any]:
    return {**asdict(selection), "event_ids": list(selection.event_ids)}
