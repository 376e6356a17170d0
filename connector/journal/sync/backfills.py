"""Backfills: the progress of each backfill through a store's customers, and the results for these customers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, LiteralString

import orjson

from connector.errors import OperatorError
from connector.journal.sync import accounts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from connector.journal.database import Connection

#: The states of a backfill that has not ended.
_ACTIVE = ("running", "paused")
#: How many stores an error message names.
_NAMED = 5


@dataclass(kw_only=True, slots=True)
class Backfill:
    """One run through all customers of a store. Each page changes this object, and `record` then stores it."""

    id: int
    store_id: int
    changed_only: bool
    state: str
    failure: str | None
    #: The index of the current `expand` in the account's `expands`. All pages are read once for each `expand`.
    number: int
    #: The cursor of the next page; None for the first page.
    cursor: str | None
    pages: int
    #: How often the backfill began again at the first page, for example because Yotpo no longer knew the cursor.
    restarts: int
    #: The number of customers, each counted once. It includes `sent`, `unchanged` and `skipped`.
    seen: int
    sent: int
    unchanged: int
    #: The number of skipped customers by reason.
    skipped: dict[str, int]
    #: How many requests for the next page have failed in a row.
    failures: int
    #: How many customers the store's last finished backfill has seen: an estimate for progress bars.
    total: int | None
    started_at: datetime
    page_at: datetime | None
    ended_at: datetime | None


_COLUMNS = ", ".join("pass as number" if field.name == "number" else field.name for field in fields(Backfill))


def start(
    connection: Connection, store_ids: Sequence[int], *, actor: str, reason: str, changed_only: bool
) -> list[int]:
    """Start a backfill for each of these stores; return the ids of the backfills.

    If one of the stores has an active backfill, the function starts no backfill and raises OperatorError.
    """
    with connection.transaction():
        rows = connection.execute(
            f"""
            insert into backfills (store_id, actor, reason, changed_only, total)
            select id, %s, %s, %s, {_seen_last("given.id")}
            from unnest(%s::int[]) as given (id)
            on conflict do nothing
            returning id, store_id
            """,
            (actor, reason, changed_only, list(store_ids)),
        ).fetchall()
        active = set(store_ids) - {row.store_id for row in rows}
        if active:
            raise OperatorError(
                f"a backfill of {_named(connection, active)} is running or paused already; see `connector backfill "
                "status`, and resume or cancel that one"
            )
    return [row.id for row in rows]


def _seen_last(store_id: LiteralString) -> LiteralString:
    """Return a query for the number of customers that the store's last finished backfill has seen."""
    return f"""
        (select seen from backfills done where done.store_id = {store_id} and done.state = 'done'
         order by done.id desc limit 1)
    """


def _named(connection: Connection, store_ids: Collection[int]) -> str:
    """Return the names of stores for a message: the first few, and how many more there are."""
    rows = connection.execute("select name from stores where id = any(%s) order by name", (list(store_ids),)).fetchall()
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return ", ".join(repr(row.name) for row in rows[:_NAMED]) + more


def start_reconciles(connection: Connection, at: str) -> list[int]:
    """Start the nightly backfill of changed customers for each connected store; return the ids of the backfills.

    `at` is a time of day in UTC, such as ``03:00``. A store is skipped if it has an active backfill, if it has never
    finished one, or if it has started one since the last `at`.
    """
    rows = connection.execute(
        f"""
        with newest as (
            select date_trunc('day', now() - %(at)s::interval, 'UTC') + %(at)s::interval as due_at)
        insert into backfills (store_id, actor, reason, changed_only, total)
        select account.store_id, 'connector', 'nightly reconcile', true, filled.seen
        from newest cross join yotpo_accounts account
        join stores on stores.id = account.store_id
        join lateral {_seen_last("account.store_id")} filled on true
        join lateral (select state, started_at from backfills where backfills.store_id = account.store_id
                      order by id desc limit 1) last on true
        where account.state = 'connected' and removed_at is null
          and last.started_at < due_at and last.state <> all(%(active)s)
        on conflict do nothing
        returning id
        """,
        {"at": at, "active": list(_ACTIVE)},
    )
    return [row.id for row in rows]


def running(connection: Connection, store_id: int) -> Backfill | None:
    """Return the running backfill of a store; None if there is none."""
    row = connection.execute(
        f"select {_COLUMNS} from backfills where store_id = %s and state = 'running'", (store_id,)
    ).fetchone()
    return Backfill(**row._asdict()) if row else None


def is_active(connection: Connection, backfill_id: int) -> bool:
    """Whether a backfill is running or paused.

    The function locks the backfill: it cannot be cancelled until the transaction ends. If a backfill is paused during
    the request for a page, it still accepts that page.
    """
    row = connection.execute(
        "select state = any(%s) as active from backfills where id = %s for update", (list(_ACTIVE), backfill_id)
    ).fetchone()
    return bool(row and row.active)


def record(connection: Connection, backfill: Backfill) -> None:
    """Store how far a backfill has come.

    The caller commits this together with the page's events, so that no page is lost or journaled twice.
    """
    connection.execute(
        """
        update backfills
        set state = case when %(state)s = 'running' then state else %(state)s end,
            failure = %(failure)s, pass = %(number)s, cursor = %(cursor)s, pages = %(pages)s,
            restarts = %(restarts)s, seen = %(seen)s, sent = %(sent)s, unchanged = %(unchanged)s,
            skipped = %(skipped)s, page_at = clock_timestamp(), failures = 0, paused_until = null, pause_reason = null,
            ended_at = case when %(state)s <> 'running' then clock_timestamp() end
        where id = %(id)s and state = any(%(active)s)
        """,
        {
            **{name: getattr(backfill, name) for name in _RECORDED},
            "skipped": orjson.dumps(backfill.skipped).decode(),
            "active": list(_ACTIVE),
        },
    )


_RECORDED = (
    "id",
    "state",
    "failure",
    "number",
    "cursor",
    "pages",
    "restarts",
    "seen",
    "sent",
    "unchanged",
)


def postpone(connection: Connection, backfill_id: int, *, seconds: float, reason: str) -> None:
    """Delay the next page by this many seconds, because the request for it failed."""
    connection.execute(
        """
        update backfills
        set failures = failures + 1, paused_until = clock_timestamp() + make_interval(secs => %s), pause_reason = %s
        where id = %s
        """,
        (seconds, reason, backfill_id),
    )


def change(connection: Connection, store_ids: Sequence[int], *, state: str) -> list[int]:
    """Pause, resume or cancel the active backfills of stores; return the ids of the backfills that have changed."""
    rows = connection.execute(
        """
        update backfills
        set state = %(state)s, ended_at = case when %(state)s = 'cancelled' then clock_timestamp() end
        where store_id = any(%(store_ids)s) and state = any(%(active)s) and state <> %(state)s
        returning id
        """,
        {"state": state, "store_ids": list(store_ids), "active": list(_ACTIVE)},
    )
    return sorted(row.id for row in rows)


#: SQL for the backfills. Each has the name of its store, the number of times that all pages are read, and the reason if
#: it makes no progress.
_STATUS: LiteralString = f"""
    select backfills.*, stores.name as store, least(pass + 1, readings) as reading, readings,
           coalesce(failure,
                    case when backfills.state <> 'running' then null
                         when account.state <> 'connected' then 'the account at Yotpo is ' || account.state
                         when account.paused_until > now()
                         then 'Yotpo is not asked until '
                              || to_char(account.paused_until at time zone 'UTC', 'HH24:MI:SS"Z"') || ': '
                              || account.pause_reason
                         when backfills.paused_until > now()
                         then 'the next page is not asked for until '
                              || to_char(backfills.paused_until at time zone 'UTC', 'HH24:MI:SS"Z"') || ': '
                              || backfills.pause_reason
                         when room.number >= %(room)s
                         then 'no page is read until fewer than ' || %(room)s || ' snapshots wait to be delivered'
                              || case when held then '; the store is held'
                                      when stores.paused_until > now() then '; ' || stores.pause_reason
                                      else '' end end) as note
    from backfills
    join stores on stores.id = store_id
    left join yotpo_accounts account using (store_id)
    left join lateral (select greatest(cardinality(account.expands), 1) as readings) expanded on true
    left join lateral ({accounts.waiting_snapshots("backfills.store_id")}) room on backfills.state = 'running'
"""


def reports(
    connection: Connection, *, backfill_ids: Sequence[int] = (), store_id: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return the newest backfills, newest first, each with the results for the customers that it has sent.

    `waiting`, `delivered` and `refused` count customers; `refused` are those with a dead letter. All pages are read
    `readings` times, and `reading` is the number of the current run. `note` is the reason if the backfill makes no
    progress.
    """
    rows = connection.execute(
        f"""
        select backfills.id, store, backfills.state, changed_only, seen, total, sent, unchanged, skipped,
               coalesce(fate.waiting, 0) as waiting, coalesce(fate.delivered, 0) as delivered,
               coalesce(fate.refused, 0) as refused,
               pages, reading, readings, restarts, started_at, page_at, ended_at, actor, reason, note
        from ({_STATUS}) backfills
        left join lateral (
            select count(distinct events.customer) filter (where queue.id is not null or owed.state = 'waiting')
                       as waiting,
                   count(distinct events.customer) filter (where owed.state = 'delivered') as delivered,
                   count(distinct events.customer) filter (where owed.state = 'dead') as refused
            from events
            left join queue on queue.bulk = events.bulk and queue.store_id = events.store_id
                           and queue.partition = events.partition and queue.id = events.id
            left join all_deliveries owed on owed.event_id = events.id
            where backfill_id = backfills.id
        ) fate on true
        where (%(ids)s::bigint[] = '{{}}' or backfills.id = any(%(ids)s))
          and (%(store_id)s::int is null or store_id = %(store_id)s)
        order by backfills.id desc
        limit %(limit)s
        """,
        {"ids": list(backfill_ids), "store_id": store_id, "limit": limit, "room": accounts.ROOM},
    )
    return [row._asdict() for row in rows]


def progress(connection: Connection, backfill_ids: Sequence[int]) -> list[Any]:
    """Return the values for the progress bar of each backfill, named as in `reports`.

    This query is cheaper than `reports`.
    """
    return connection.execute(
        f"""
        select id, store, state, seen, total, reading, readings, note
        from ({_STATUS}) backfills
        where id = any(%(ids)s) order by id
        """,
        {"ids": list(backfill_ids), "room": accounts.ROOM},
    ).fetchall()
