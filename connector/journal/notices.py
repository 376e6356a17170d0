"""What operators see apart from deliveries: notices, rejected webhooks, and counts of intake's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.journal.database import Connection
    from connector.model import Event, Value


def post(connection: Connection, event: Event, text: str, details: Mapping[str, Value]) -> None:
    """Journal a notice for the operators of a store, at most one for each event."""
    connection.execute(
        """
        insert into notices (store_id, event_id, topic, text, details)
        select %s, %s, %s, %s, %s where not exists (select from notices where event_id = %s)
        """,
        (event.store_id, event.id, event.topic, text, orjson.dumps(details).decode(), event.id),
    )


def reject(connection: Connection, *, store_id: int, code: str, message: str, content_type: str, length: int) -> None:
    """Journal that a webhook was rejected, and why. Its body is not kept."""
    connection.execute(
        "insert into rejected_webhooks (store_id, code, message, content_type, bytes) values (%s, %s, %s, %s, %s)",
        (store_id, code, message, content_type[:200], length),
    )


def count(connection: Connection, counts: Sequence[tuple[datetime, int, str, int]]) -> None:
    """Add to the counts of intake's answers. Each item has a time, a store id (0: no store), an answer and a number."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into intake_counts (day, store_id, answer, count)
            values ((%s::timestamptz at time zone 'UTC')::date, %s, %s, %s)
            on conflict (day, store_id, answer) do update set count = intake_counts.count + excluded.count
            """,
            counts,
        )


def newest(connection: Connection, *, store_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the newest notices, newest first."""
    rows = connection.execute(
        """
        select notices.id, stores.name as store, topic, event_id, text, details, notices.created_at
        from notices join stores on stores.id = store_id
        where %(store_id)s::int is null or store_id = %(store_id)s
        order by notices.id desc
        limit %(limit)s
        """,
        {"store_id": store_id, "limit": limit},
    )
    return [row._asdict() for row in rows]


def newest_rejected(connection: Connection, *, store_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the newest rejected webhooks, newest first."""
    rows = connection.execute(
        """
        select rejected_webhooks.id, stores.name as store, code, message, content_type, bytes, received_at
        from rejected_webhooks join stores on stores.id = store_id
        where %(store_id)s::int is null or store_id = %(store_id)s
        order by rejected_webhooks.id desc
        limit %(limit)s
        """,
        {"store_id": store_id, "limit": limit},
    )
    return [row._asdict() for row in rows]


def counts(connection: Connection) -> list[dict[str, Any]]:
    """Return how often intake gave each answer, by day and store, newest day first."""
    rows = connection.execute(
        """
        select day, coalesce(stores.name, '') as store, answer, count
        from intake_counts left join stores on stores.id = store_id
        order by day desc, store, answer
        """
    )
    return [row._asdict() for row in rows]
