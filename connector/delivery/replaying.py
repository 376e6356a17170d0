"""Replay: what an operator lets be mapped and sent again. Planned first, then started; workers do the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.errors import OperatorError
from connector.journal import audit, replays, stores
from connector.journal.deliveries import update_of
from connector.mapping.running import mapped_events
from connector.model import Options
from connector.workshop import changes, differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.journal.database import Connection
    from connector.journal.replays import By, Selection
    from connector.mapping.running.mapped_events import MappedEvent
    from connector.workshop.activation import MappingSets
    from connector.workshop.differences import Difference

#: As many events are mapped for the sake of a plan, the newest.
_SAMPLE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a replay would do."""

    #: Events that it would take.
    events: int
    #: Of these, those whose user events are older than Insider keeps them: their user events are not sent.
    too_old: int
    #: Of these, those that are left as they are, because the set that mapped them then is not to be had.
    without_set: int
    #: Events that it would not take, because something of them waits to be delivered already.
    on_their_way: int
    #: Events of which the mapping was tried for the differences, the newest.
    compared: int
    #: Of these, those whose topic has no mapping in the set either.
    unmapped: int
    #: Of these, those of which a user would be refused, as without identifier.
    refused: int
    #: How what would be sent differs from what was last owed for these events, the most frequent first.
    changes: list[dict[str, Any]]
    #: The sets that are not to be had: of how many of the events, and why.
    missing: list[dict[str, Any]]


def plan(
    connection: Connection, sets: MappingSets, selection: Selection, *, retention_days: int, mapping: By = "now"
) -> Plan:
    """Say what a replay would do, and change nothing. Raises MappingError where the active set cannot be loaded."""
    counts = replays.count(connection, selection, retention_days=retention_days)
    sample = replays.sample(connection, selection, limit=_SAMPLE)
    missing: list[dict[str, Any]] = []
    if mapping == "then":
        versions = replays.versions(connection, selection)
        then, problems = sets.of_versions(connection, versions)
        missing = [{"version": one, "events": versions[one], "problem": told} for one, told in problems.items()]
        to_try = [(event, then[version], owed) for event, owed, version in sample if version in then]
    else:
        active = sets.active(connection)
        to_try = [(event, active, owed) for event, owed, _ in sample]
    options = {id_: stores.options(connection, id_) or Options() for id_ in {event.store_id for event, _, _ in to_try}}
    tried = [(mapped_events.run(event, mappings, options[event.store_id]), owed) for event, mappings, owed in to_try]
    return Plan(
        **counts,
        without_set=sum(row["events"] for row in missing),
        compared=len(tried),
        unmapped=sum(one.mapping is None for one, _ in tried),
        refused=sum(bool(one.mapped.refused) for one, _ in tried),
        changes=_changes(tried),
        missing=missing,
    )


def _changes(tried: Iterable[tuple[MappedEvent, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """Count how what events yield differs from what was last owed for them."""
    counted = changes.count((one.event.topic, one.event.id, _differences(one, owed)) for one, owed in tried)
    return [
        {
            "topic": change.topic,
            "part": change.part,
            "name": change.name,
            "change": change.change,
            "events": change.events,
            "event_id": change.examples[0].event,
            "before": change.examples[0].before,
            "after": change.examples[0].after,
        }
        for change in counted
    ]


def _differences(one: MappedEvent, owed: list[dict[str, Any]]) -> Iterator[Difference]:
    # Whom the mapping itself has refused, nobody was to be sent.
    before = [update for update in map(update_of, owed) if update.identifiers]
    return differences.between(before, one.mapped.updates)


def start(
    connection: Connection,
    selection: Selection,
    *,
    actor: str,
    reason: str,
    skip_hook: bool,
    per_second: float,
    mapping: By = "now",
) -> int:
    """Let events be replayed, and return the replay's number. Raises OperatorError where there is nothing to replay."""
    replay_id, events = replays.start(
        connection,
        selection,
        actor=actor,
        reason=reason,
        skip_hook=skip_hook,
        per_second=per_second,
        mapping=mapping,
    )
    if not events:
        raise OperatorError("no event is to be replayed; what waits to be delivered already is on its way")
    audit.write(
        connection,
        actor=actor,
        action="replay.start",
        reason=reason,
        replay=replay_id,
        events=events,
        mapping=mapping,
    )
    return replay_id


def cancel(connection: Connection, replay_id: int, *, actor: str, reason: str | None) -> int:
    """End a replay; return how many of its events are left out. Raises OperatorError where it is not running."""
    left_out = replays.cancel(connection, replay_id)
    if left_out is None:
        raise OperatorError(f"replay {replay_id} is not running; `connector replays list` shows those there are")
    audit.write(connection, actor=actor, action="replay.cancel", reason=reason, replay=replay_id, left_out=left_out)
    return left_out
