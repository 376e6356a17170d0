"""Plans, starts and cancels replays. In a replay, workers map and send events again for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.errors import OperatorError
from connector.journal import audit, replays, stores
from connector.journal.results.encoding import update_of
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

#: To find the differences, a plan maps only the newest events, at most this number.
_SAMPLE_SIZE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a replay would do."""

    #: How many events the replay would map again.
    events: int
    #: How many of these events are older than the retention of user events at Insider. Their user events are not sent.
    too_old: int
    #: How many of these events would not be mapped, because the mapping set that last mapped them cannot be loaded.
    without_set: int
    #: How many selected events the replay would leave out, because they already wait to be mapped or delivered.
    on_their_way: int
    #: How many events the plan mapped to find the differences. These are the newest events.
    compared: int
    #: How many of the compared events have no mapping for their topic.
    unmapped: int
    #: How many of the compared events have a user that would be refused, for example because it has no identifier.
    refused: int
    #: The differences between the new and the last updates of the compared events, the most frequent first.
    changes: list[dict[str, Any]]
    #: The mapping sets that cannot be loaded: for each, its version, the number of its events, and the problem.
    missing: list[dict[str, Any]]


def plan(
    connection: Connection, sets: MappingSets, selection: Selection, *, retention_days: int, mapping: By = "now"
) -> Plan:
    """Return what a replay would do, and change nothing. Raises MappingError if the active set cannot be loaded."""
    counts = replays.count(connection, selection, retention_days=retention_days)
    sample = replays.sample(connection, selection, limit=_SAMPLE_SIZE)
    missing: list[dict[str, Any]] = []
    if mapping == "then":
        versions = replays.versions(connection, selection)
        sets_of_then, problems = sets.of_versions(connection, versions)
        missing = [
            {"version": version, "events": versions[version], "problem": problem}
            for version, problem in problems.items()
        ]
        to_map = [(event, sets_of_then[version], last) for event, last, version in sample if version in sets_of_then]
    else:
        active = sets.active(connection)
        to_map = [(event, active, last) for event, last, _ in sample]
    options = {id_: stores.options(connection, id_) or Options() for id_ in {event.store_id for event, _, _ in to_map}}
    mapped = [(mapped_events.run(event, mappings, options[event.store_id]), last) for event, mappings, last in to_map]
    return Plan(
        **counts,
        without_set=sum(row["events"] for row in missing),
        compared=len(mapped),
        unmapped=sum(event.mapping is None for event, _ in mapped),
        refused=sum(bool(event.mapped.refused) for event, _ in mapped),
        changes=_changes(mapped),
        missing=missing,
    )


def _changes(mapped: Iterable[tuple[MappedEvent, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """Count the differences between the new updates and the last updates of events."""
    counted = changes.count((event.event.topic, event.event.id, _differences(event, last)) for event, last in mapped)
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


def _differences(event: MappedEvent, last: list[dict[str, Any]]) -> Iterator[Difference]:
    # Leave out updates without identifiers. They were refused at mapping and never sent.
    before = [update for update in map(update_of, last) if update.identifiers]
    return differences.between(before, event.mapped.updates)


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
    """Start a replay and return its number. Raises OperatorError if there is nothing to replay."""
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
        raise OperatorError("there is no event to replay; events that already wait for delivery are not replayed")
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
    """Cancel a replay; return how many events were left to map. Raises OperatorError if it is not running."""
    left_out = replays.cancel(connection, replay_id)
    if left_out is None:
        raise OperatorError(f"replay {replay_id} is not running; see `connector replays list`")
    audit.write(connection, actor=actor, action="replay.cancel", reason=reason, replay=replay_id, left_out=left_out)
    return left_out
