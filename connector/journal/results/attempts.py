"""Attempts: each request to Insider, and how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal.database import Connection
    from connector.model import Attempt


def append(connection: Connection, store_id: int, attempts: Sequence[Attempt]) -> list[int]:
    """Journal attempts in this order; return their ids."""
    if not attempts:
        return []
    columns = zip(
        *(
            (
                time.monotonic() - attempt.ended,
                attempt.duration_ms,
                attempt.users,
                attempt.bytes,
                attempt.status,
                attempt.outcome,
                attempt.excerpt,
                attempt.operation,
            )
            for attempt in attempts
        ),
        strict=True,
    )
    rows = connection.execute(
        """
        insert into attempts (store_id, started_at, duration_ms, users, bytes, status, outcome, excerpt, operation)
        select %s, clock_timestamp() - make_interval(secs => age + duration_ms / 1000.0), duration_ms, users, bytes,
               status, outcome, excerpt, operation
        from unnest(%s::float[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[], %s::text[], %s::text[])
             with ordinality
             as made (age, duration_ms, users, bytes, status, outcome, excerpt, operation, position)
        order by position
        returning id
        """,
        (store_id, *map(list, columns)),
    )
    return [row.id for row in rows]


def delivered_since(connection: Connection, store_id: int, attempt_id: int, *, operation: str = "upsert") -> bool:
    """Whether Insider has accepted an update of the store in a later attempt with the same `operation`."""
    row = connection.execute(
        """
        select exists (
            -- The order makes PostgreSQL read the store's later attempts by their index.
            select from (
                select id from attempts
                where store_id = %(store_id)s and operation = %(operation)s and id > %(attempt_id)s
                  and outcome in ('delivered', 'partly')
                  and started_at > (select started_at from attempts refused
                                    where refused.id = %(attempt_id)s and refused.store_id = %(store_id)s
                                      and refused.operation = %(operation)s)
                order by store_id, id limit 1) later) as found
        """,
        {"store_id": store_id, "attempt_id": attempt_id, "operation": operation},
    ).fetchone()
    return bool(row and row.found)
