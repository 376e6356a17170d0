"""The audit trail: what operators have done, who did it and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from connector.journal.database import Connection


def write(
    connection: Connection,
    *,
    actor: str,
    action: str,
    store: str | None = None,
    reason: str | None = None,
    **details: Any,
) -> None:
    """Record an operator's action, in the same transaction as the action itself."""
    connection.execute(
        "insert into audit (actor, action, store, reason, details) values (%s, %s, %s, %s, %s)",
        (actor, action, store, reason, orjson.dumps(details).decode()),
    )


def newest(connection: Connection, *, limit: int) -> list[dict[str, Any]]:
    """Return the newest entries, newest first."""
    rows = connection.execute(
        "select id, at, actor, action, store, reason, details from audit order by id desc limit %s", (limit,)
    )
    return [row._asdict() for row in rows]
