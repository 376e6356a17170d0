"""Replay: what an operator lets be mapped and sent again. Planned first, then started; workers do the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector import differences, updates
from connector.errors import OperatorError
from connector.journal import audit, replays, stores
from connector.journal.deliveries import update_of
from connector.model import Options

if TYPE_CHECKING:
    from connector.journal.database import Connection
    from connector.journal.replays import Selection
    from connector.mapping import MappingSet

#: As many events are mapped for the sake of a plan, the newest.
_SAMPLE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a replay would do."""

    #: Events that it would take.
    events: int
    #: Of these, those whose user events are older than Insider keeps them: their user events are not sent.
    too_old: int
    #: Events that it would not take, because something of them waits to be delivered already.
    on_their_way: int
    #: Events of which the mapping was tried for the differences, the newest.
    compared: int
    #: Of these, those that have no mapping today either.
    unmapped: int
    #: Of these, those of which a user would be refused, as without identifier.
    refused: int
    #: How what would be sent differs from what was last owed for these events, the most frequent first.
    changes: list[dict[str, Any]]


def plan(connection: Connection, mappings: MappingSet, selection: Selection, *, retention_days: int) -> Plan:
    """Say what a replay would do, and change nothing."""
    counts = replays.count(connection, selection, retention_days=retention_days)
    changes: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    sample = replays.sample(connection, selection, limit=_SAMPLE)
    options = {store_id: stores.options(connection, store_id) for store_id in {one.store_id for one, _ in sample}}
    unmapped = refused = 0
    for event, owed in sample:
        _, mapping, mapped, _ = updates.run(event, mappings, options[event.store_id] or Options())
        unmapped += mapping is None
        refused += bool(mapped.refused)
        # Whom the mapping itself has refused, nobody was to be sent.
        before = [update for update in map(update_of, owed) if update.identifiers]
        for part, name, change, old, new in differences.between(before, mapped.updates):
            row = changes.setdefault(
                (event.topic, part, name, change),
                {
                    "topic": event.topic,
                    "part": part,
                    "name": name,
                    "change": change,
                    "events": 0,
                    "event_id": event.id,
                    "before": old,
                    "after": new,
                },
            )
            row["events"] += 1
    return Plan(
        **counts,
        compared=len(sample),
        unmapped=unmapped,
        refused=refused,
        changes=sorted(changes.values(), key=lambda row: -row["events"]),
    )


def start(
    connection: Connection, selection: Selection, *, actor: str, reason: str, skip_hook: bool, per_second: float
) -> int:
    """Let events be replayed, and return the replay's number. Raises OperatorError where there is nothing to replay."""
    replay_id, events = replays.start(
        connection, selection, actor=actor, reason=reason, skip_hook=skip_hook, per_second=per_second
    )
    if not events:
        raise OperatorError("no event is to be replayed; what waits to be delivered already is on its way")
    audit.write(connection, actor=actor, action="replay.start", reason=reason, replay=replay_id, events=events)
    return replay_id


def cancel(connection: Connection, replay_id: int, *, actor: str, reason: str | None) -> int:
    """End a replay; return how many of its events are left out. Raises OperatorError where it is not running."""
    left_out = replays.cancel(connection, replay_id)
    if left_out is None:
        raise OperatorError(f"replay {replay_id} is not running; `connector replays list` shows those there are")
    audit.write(connection, actor=actor, action="replay.cancel", reason=reason, replay=replay_id, left_out=left_out)
    return left_out
