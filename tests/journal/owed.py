"""Puts received events and new deliveries into the journal for the tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.journal import events
from connector.journal.results import deliveries, outcomes
from connector.model import (
    Delivery,
    Incoming,
    NewDelivery,
    Partition,
    Partitions,
    Refusal,
    UserUpdate,
    partition_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.journal.database import Connection, Database
    from connector.model import Note, Store
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CUSTOMER = "a@example.com"
PARTITION = Partition(1, partition_number(CUSTOMER))
#: A customer of each partition.
CUSTOMERS = {partition_number(f"{number}@example.com"): f"{number}@example.com" for number in range(500)}
REFUSAL = Refusal(reason="Insider's own sentence", cause="attributes.name.type", rule="groups.yaml:7")


def alone(partition: Partition) -> Partitions:
    return Partitions(partition.store_id, (partition.number,))


def owed(event_id: int, **changes: Any) -> NewDelivery:
    given: dict[str, Any] = {
        "event_id": event_id,
        "received_at": NOW,
        "store_id": 1,
        "topic": "a/b",
        "customer": CUSTOMER,
        "occurred_at": NOW,
        "update": UserUpdate(identifiers={"email": CUSTOMER}, attributes={"name": "Ünn"}),
        "skip_hook": False,
        "low_priority": False,
        "mapping": "hash",
    }
    return NewDelivery(**given | changes)


def incoming(key: str, **changes: Any) -> Incoming:
    given: dict[str, Any] = {
        "store_id": 1,
        "topic": "a/b",
        "key": key,
        "dated": True,
        "customer": CUSTOMER,
        "occurred_at": NOW,
        "body": b"{}",
    }
    return Incoming(**given | changes)


def receive(connection: Connection, store: Store, partition: int, *, ago: float, **changes: Any) -> int:
    """Journal an event that was received this many seconds ago; return its id."""
    given: dict[str, Any] = {"key": f"{partition} {ago}", "store_id": store.id, "customer": CUSTOMERS[partition]}
    one = incoming(**given | changes)
    (appended,) = events.append(connection, [one])
    make_older(connection, ago, [appended.id])
    return appended.id


def make_older(connection: Connection, seconds: float, ids: Sequence[int]) -> None:
    """Make the time of receipt of events older by this many seconds, in all tables."""
    for table, column in (("events", "id"), ("queue", "id"), ("event_keys", "event_id")):
        connection.execute(
            f"update {table} set received_at = received_at - make_interval(secs => %s) where {column} = any(%s)",
            (seconds, list(ids)),
        )


def mark_mapped(connection: Connection, marks: Iterable[tuple[int, str | None, Sequence[Note]]]) -> None:
    """Mark events as mapped without users, or as unmapped if they have no mapping set: id, mapping set, notes."""
    for event_id, mapping, notes in marks:
        (event,) = events.newest_with_bodies(connection, event_ids=[event_id], limit=1)
        connection.execute("delete from queue where id = %s", (event_id,))
        outcomes.append_without_users(connection, [outcomes.WithoutUsers(event, mapping, notes)])


def append(database: Database, *group: NewDelivery) -> list[int]:
    """Append deliveries and return their ids."""
    with database.connection() as connection:
        deliveries.append(connection, group)
        rows = connection.execute("select id from all_deliveries order by id desc limit %s", (len(group),)).fetchall()
        return [row.id for row in reversed(rows)]


def taken(
    database: Database, partition: Partition = PARTITION, *, low_priority: bool = False, limit: int = 100
) -> list[Delivery]:
    with database.connection() as connection:
        return list(
            deliveries.take_waiting(connection, alone(partition), low_priority=low_priority, limit=limit).deliveries
        )
