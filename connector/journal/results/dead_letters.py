"""Dead letters in groups with the same store, topic, cause and mapping rule: list them, discard them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connector.journal.database import Connection

#: SQL for the name of a group. The name is a digest of the store, topic, cause and rule, so a group always has the same
#: name. The name is short, because operators type it.
GROUP = "left(md5(concat_ws('|', deliveries.store_id, deliveries.topic, cause, rule)), 8)"


def groups(connection: Connection, *, store_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the groups, each with an example. The group with the newest dead letter comes first."""
    rows = connection.execute(
        f"""
        select {GROUP} as "group", stores.name as store, topic, cause, rule, count(*) as count,
               min(settled_at) as first_at, max(settled_at) as last_at, max(event_id) as event_id,
               (array_agg(reason order by event_id desc))[1] as reason
        from deliveries join stores on stores.id = store_id
        where state = 'dead' and (%(store_id)s::int is null or store_id = %(store_id)s)
        group by store_id, stores.name, topic, cause, rule
        order by max(settled_at) desc
        limit %(limit)s
        """,
        {"store_id": store_id, "limit": limit},
    )
    return [row._asdict() for row in rows]


def of_group(connection: Connection, group: str, *, limit: int) -> list[dict[str, Any]]:
    """Return the dead letters of a group, newest first."""
    rows = connection.execute(
        f"""
        select deliveries.id, stores.name as store, topic, event_id, customer, cause, rule, reason, occurred_at,
               settled_at, cardinality(attempt_ids) as attempts
        from deliveries join stores on stores.id = store_id
        where state = 'dead' and {GROUP} = %s
        order by deliveries.id desc
        limit %s
        """,
        (group, limit),
    )
    return [row._asdict() for row in rows]


def discard(connection: Connection, group: str) -> tuple[str, int]:
    """Discard the dead letters of a group permanently; return the store's name and the number of dead letters."""
    rows = connection.execute(
        f"update deliveries set state = 'discarded' where state = 'dead' and {GROUP} = %s returning store_id", (group,)
    ).fetchall()
    if not rows:
        return "", 0
    row = connection.execute("select name from stores where id = %s", (rows[0].store_id,)).fetchone()
    return (row.name if row else ""), len(rows)


def bury(connection: Connection, event_id: int, *, reason: str) -> int:
    """Turn an event's waiting deliveries into dead letters; return how many there were.

    Other work on these deliveries waits until this transaction ends.
    """
    return connection.execute(
        """
        update deliveries set state = 'dead', reason = %s, cause = 'operator', rule = '', settled_at = now()
        where event_id = %s and state = 'waiting'
        """,
        (reason, event_id),
    ).rowcount
