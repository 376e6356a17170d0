"""Refreshes: the customers with new webhooks, and the time at which to look up each of them at Yotpo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.journal.database import Connection


class Due(NamedTuple):
    """A customer whose look-up is due."""

    customer: str
    #: How many webhooks of the customer have come. If this number grows during the look-up, another look-up is needed.
    webhooks: int
    #: How many look-ups have failed in a row.
    failures: int = 0


def schedule(
    connection: Connection, store_id: int, customers: Iterable[str], *, quiet_seconds: float, longest_seconds: float
) -> None:
    """Schedule a look-up of these customers.

    A look-up is due `quiet_seconds` after a customer's last webhook, but `longest_seconds` after the first one at the
    latest. So one look-up serves many webhooks. If the store is not connected, nothing is scheduled. If the store's
    account is revoked, the look-ups wait until the store is connected again.
    """
    # The names are sorted, because workers of several partitions lock these rows. With different orders, the workers
    # could deadlock.
    names = sorted(set(customers))
    if names:
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
            {"store_id": store_id, "customers": names, "quiet": quiet_seconds, "longest": longest_seconds},
        )


def due(connection: Connection, store_id: int, *, limit: int) -> list[Due]:
    """Return the customers of a store whose look-up is due. The longest overdue customer comes first."""
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
    done: Sequence[Due],
    *,
    quiet_seconds: float,
    waits: Mapping[Due, float] | None = None,
) -> None:
    """Remove the customers that have been looked up. Customers with a new webhook in the meantime wait again.

    `waits` has the customers whose look-up has failed, each with the seconds until the next look-up.
    """
    waits = waits or {}
    customers, webhooks = [due.customer for due in done], [due.webhooks for due in done]
    # Lock all rows at once, in the order of `schedule`. The collation "C" sorts as Python does, by code points; the
    # collation of the database may differ.
    connection.execute(
        'select from refreshes where store_id = %s and customer = any(%s) order by customer collate "C" for update',
        (store_id, [*customers, *(due.customer for due in waits)]),
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
        ([due.customer for due in waits], list(waits.values()), store_id),
    )


def lag(connection: Connection) -> list[dict[str, Any]]:
    """Return for each connected store how many look-ups wait, and for how many seconds the oldest has been due."""
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
