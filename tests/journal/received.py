"""Webhooks as intake hands them to the journal, and what the journal has of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.journal import events
from connector.journal.packing import unpack
from connector.model import Appended, Incoming

if TYPE_CHECKING:
    from connector.journal.database import Database
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def incoming(key: str, **changes: Any) -> Incoming:
    given: dict[str, Any] = {
        "store_id": 1,
        "topic": "a/b",
        "key": key,
        "dated": True,
        "customer": "a@example.com",
        "occurred_at": NOW,
        "body": b'{"topic": "a/b"}',
    }
    return Incoming(**given | changes)


def append(database: Database, *group: Incoming) -> list[Appended]:
    with database.connection() as connection:
        return events.append(connection, group)


def bodies(database: Database, store_id: int = 1) -> list[bytes]:
    with database.connection() as connection:
        rows = connection.execute("select body from events where store_id = %s order by id", (store_id,))
        return [unpack(row.body) for row in rows]
