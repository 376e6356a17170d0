"""Refreshes: which customers webhooks have touched, and when each is to be looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.journal.database import Connection


class Due(NamedTuple):
    """A customer who is to be looked up."""

    customer: str
    #: How many webhooks have asked for it: one more while he is looked up asks for another look-up.
    webhooks: int
    #: How often in a row Yotpo could not tell.
    failures: int = 0


def schedule(
    connection: Connection, store_id: int, customers: Iterable[str], *, quiet_seconds: float, longest_seconds: float
) -> None:
    """Note that customers are to be looked up: when nothing more has come for a while, but not later than longest.

    One who waits already waits on, so that one look-up serves many webhooks. A store that is not connected asks for
    nobody; one whose account is revoked will, once it is connected again.
    """
    # In one order, because workers of several partitions would wait for each other otherwise.
    wanted = sorted(set(customers))
    if wanted:
        connection.execute(
            """
            insert into refreshes (store_id, customer, since, due_at)
            select %(store_id)s, customer, now(), now() + make_interval(secs => %(quiet)s)
            from unnest(%(customers)s::text[]) as touched (customer)
            where exists (select from yotpo_accounts where store_id = %(store_id)s and state <> 'disconnected')
            on conflict (store_id, customer) do update
            set webhooks = refreshes.webhooks + 1,
                due_at = least(excluded.due_at, refreshes.since + make_interval(secs => %(longest)s))
            """,
            {"store_id": store_id, "customers": wanted, "quiet": quiet_seconds, "longest": longest_seconds},
        )


def due(connection: Connection, store_id: int, *, limit: int) -> list[Due]:
    """Return the customers of a store who are to be looked up now, the longest due first."""
    rows = connection.execute(
        """
        select customer, webhooks, failures from refreshes
        where store_id = %s and due_at <= now()
        order by due_at limit %s
        """,
        (store_id, limit),
    )
    return [Due(row.customer, row.webhooks, row.failures) for row in rows]


def finish(
    connection: Connection,
    store_id: int,
    served: Sequence[Due],
    *,
    quiet_seconds: float,
    waits: Mapping[Due, float] | None = None,
) -> None:
    """Take customers off who have been looked up; those whom a webhook has touched meanwhile wait anew.

    `waits` are those of whom Yotpo could not tell: each is asked for again after so many seconds.
    """
    waits = waits or {}
    customers, webhooks = [one.customer for one in served], [one.webhooks for one in served]
    # All at once, in the order in which `ask` locks them: by their bytes, as Python sorts, whatever the database sorts
    # by.
    connection.execute(
        'select from refreshes where store_id = %s and customer = any(%s) order by customer collate "C" for update',
        (store_id, [*customers, *(one.customer for one in waits)]),
    )
    connection.execute(
        """
        delete from refreshes using unnest(%s::text[], %s::int[]) as served (customer, webhooks)
        where store_id = %s and refreshes.customer = served.customer and refreshes.webhooks = served.webhooks
        """,
        (customers, webhooks, store_id),
    )
    connection.execute(
        """
        update refreshes set since = now(), failures = 0, due_at = now() + make_interval(secs => %s)
        where store_id = %s and customer = any(%s)
        """,
        (quiet_seconds, store_id, customers),
    )
    connection.execute(
        """
        update refreshes
        set failures = failures + 1, due_at = clock_timestamp() + make_interval(secs => seconds)
        from unnest(%s::text[], %s::float8[]) as postponed (customer, seconds)
        where store_id = %s and refreshes.customer = postponed.customer
        """,
        ([one.customer for one in waits], list(waits.values()), store_id),
    )


def lag(connection: Connection) -> list[dict[str, Any]]:
    """Return for each connected store how many look-ups wait, and for how long the oldest of them is due."""
    rows = connection.execute(
        """
        select name as store, yotpo_accounts.state as yotpo, count(refreshes.customer) as waiting,
               count(*) filter (where due_at <= now()) as due,
               greatest(coalesce(extract(epoch from now() - min(due_at)), 0), 0)::float as lag_seconds
        from yotpo_accounts join stores on stores.id = store_id left join refreshes using (store_id)
        where removed_at is null and yotpo_accounts.state <> 'disconnected'
        group by name, yotpo_accounts.state order by name
        """
    )
    return [row._asdict() for row in rows]
