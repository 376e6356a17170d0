"""Retention: deletes what is older than the settings say, in small steps, each in a transaction of its own.

Periods of events and outcomes are dropped whole. Other old rows are deleted in batches. What still waits or is dead is
never deleted, and neither are the events that it belongs to.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, LiteralString, Self

import psycopg
from psycopg import sql

from connector import observability
from connector.journal import events
from connector.journal.events import IS_QUEUED
from connector.journal.upkeep import periods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from connector.journal.database import Connection, Database
    from connector.journal.upkeep.periods import Period, Table
    from connector.settings import Settings

    _Step = Callable[[Connection], int]

#: The most rows that one step deletes or keeps.
BATCH = 5_000
#: If a period has more events that must be kept, it is not dropped: copying them would hold up the webhooks.
KEPT_LIMIT = 5_000
#: The key of an advisory lock: only one process at a time does the upkeep.
LOCK = 0x7570_6B65_6570
#: Making and dropping a period wait this long for running queries. New webhooks wait behind them.
_LOCK_MILLISECONDS = 200
#: A step that takes longer is cancelled.
_STEP_SECONDS = 10
#: The pause after each step, in which the others use the disk.
_REST_SECONDS = 0.05
#: The upkeep runs about twenty times in the shortest retention or period, within these limits.
_SHORTEST_REST = timedelta(seconds=5)
_LONGEST_REST = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long the journal keeps what is settled."""

    events: timedelta
    outcomes: timedelta
    attempts: timedelta
    rejected: timedelta
    audit: timedelta
    #: The length of a period. An event is deleted together with its period, so it is kept longer by up to this time.
    period: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            events=timedelta(days=settings.keep_events_days),
            outcomes=timedelta(days=settings.keep_outcomes_days),
            attempts=timedelta(days=settings.keep_attempts_days),
            rejected=timedelta(days=settings.keep_rejected_days),
            audit=timedelta(days=settings.keep_audit_days),
            period=timedelta(days=settings.period_days),
        )


#: A query for the ids of the events that must be kept, because there is still work to do for them.
_NEEDED: LiteralString = """
    select id from queue
    union select event_id from deliveries where state in ('waiting', 'dead')
    union select event_id from replayed_events where mapped_at is null
"""


def _oldest_by_id(table: LiteralString, column: LiteralString) -> LiteralString:
    """Return a query that deletes old rows of a table whose ids follow their times in `column`."""
    return f"""
        delete from {table} where id in (
            select id from (select id, {column} from {table} order by id limit %(batch)s) oldest
            where {column} < %(before)s)
    """


def _older(table: LiteralString, column: LiteralString) -> LiteralString:
    """Return a query that deletes old rows of a table without ids, by their times in `column`."""
    return f"""
        delete from {table} where ctid = any(array(
            select ctid from {table} where {column} < %(before)s limit %(batch)s))
    """


#: By the name that is reported: the age that counts, and a query that deletes up to `%(batch)s` rows that are older
#: than `%(before)s`. Large tables are read from their oldest rows on, so that a query soon finds rows to delete.
_DELETES: Mapping[str, tuple[str, LiteralString]] = {
    "event_keys": (
        "events",
        _older("event_keys", "received_at"),
    ),
    "kept_events": (
        "events",
        f"""
        delete from events_kept where (id, received_at) in (
            select id, received_at from events_kept events
            where received_at < %(before)s
              and not {IS_QUEUED}
              and not exists (select from deliveries where event_id = events.id and state in ('waiting', 'dead'))
              and not exists (select from replayed_events where event_id = events.id and mapped_at is null)
            limit %(batch)s)
        """,
    ),
    "notices": (
        "events",
        _oldest_by_id("notices", "created_at"),
    ),
    "kept_outcomes": (
        "outcomes",
        _older("outcomes_kept", "settled_at"),
    ),
    "dead_letters": (
        "outcomes",
        """
        delete from deliveries where id in (
            select id from deliveries
            where state in ('replayed', 'discarded') and settled_at < %(before)s
            order by settled_at limit %(batch)s)
        """,
    ),
    "replayed_events": (
        "outcomes",
        """
        delete from replayed_events where (replay_id, event_id) in (
            select replay_id, event_id from replayed_events
            where replay_id in (select id from replays where ended_at < %(before)s) limit %(batch)s)
        """,
    ),
    "attempts": (
        "attempts",
        _oldest_by_id("attempts", "started_at"),
    ),
    "rejected": (
        "rejected",
        _oldest_by_id("rejected_webhooks", "received_at"),
    ),
    "audit": (
        "audit",
        _oldest_by_id("audit", "at"),
    ),
    "intake_counts": (
        "audit",
        "delete from intake_counts where day < (%(before)s::timestamptz at time zone 'UTC')::date",
    ),
}

_log = observability.logger("upkeep")


def is_due(connection: Connection, retention: Retention) -> bool:
    """Return whether the last upkeep was so long ago that there may be something to do."""
    rest = min(retention.period, *_ages(retention)) / 20
    # If the clock was wrong at the last upkeep, its end may be in the future.
    query = "select ended_at is null or ended_at not between now() - %s and now() as is_due from upkeep"
    row = connection.execute(query, (min(max(rest, _SHORTEST_REST), _LONGEST_REST),)).fetchone()
    return bool(row and row.is_due)


def keep_up(database: Database, retention: Retention, *, seconds: float) -> dict[str, int] | None:
    """Make the next periods, then prune for up to `seconds`; return what was done, by name.

    Returns None if another process is doing the upkeep now. What is left is done the next time.
    """
    with database.connection() as connection:
        now = events.now(connection)
    ends_at = time.monotonic() + seconds
    done: Counter[str] = Counter()
    for name, step in _steps(database, retention, now):
        number = BATCH
        while number >= BATCH and time.monotonic() < ends_at:
            with database.transaction() as connection:
                row = connection.execute("select pg_try_advisory_xact_lock(%s) as held", (LOCK,)).fetchone()
                if not (row and row.held):
                    return None
                connection.execute(f"set local statement_timeout = '{_STEP_SECONDS}s'")
                number = _run(connection, name, step)
            done[name] += number
            time.sleep(_REST_SECONDS)
    result = {name: number for name, number in done.items() if number}
    if time.monotonic() < ends_at:
        with database.connection() as connection:
            connection.execute("update upkeep set ended_at = now()")
    return result


def _run(connection: Connection, name: str, step: _Step) -> int:
    """Run a step; return how much it has done. If others are in its way, it does nothing until the next time."""
    try:
        with connection.transaction():
            return step(connection)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled) as error:
        _log.info("upkeep.postponed", step=name, error=type(error).__name__)
        return 0


def _ages(retention: Retention) -> tuple[timedelta, ...]:
    return (retention.events, retention.outcomes, retention.attempts, retention.rejected, retention.audit)


def _steps(database: Database, retention: Retention, now: datetime) -> Iterator[tuple[str, _Step]]:
    """Yield the steps with their names. Each returns how many rows or periods it has made or deleted."""
    for table in periods.TABLES:
        with database.connection() as connection:
            gaps = periods.missing(connection, table, length=retention.period, now=now)
        for start, end in gaps:
            yield "periods_made", partial(_make, table=table, start=start, end=end)
    ages: tuple[tuple[Table, timedelta], ...] = (("events", retention.events), ("outcomes", retention.outcomes))
    for table, age in ages:
        with database.connection() as connection:
            old = [period for period in periods.of(connection, table) if period.until < now - age]
        for period in old:
            yield f"{table}_periods_dropped", partial(_drop, table=table, period=period)
    for name, (age_of, query) in _DELETES.items():
        yield f"{name}_deleted", partial(_delete, query=query, before=now - getattr(retention, age_of))
    yield "analyzed", _analyze


def _analyze(connection: Connection) -> int:
    """Renew the statistics of the tables with periods, which autovacuum leaves alone."""
    connection.execute("analyze events, outcomes")
    return 0


def _delete(connection: Connection, *, query: LiteralString, before: datetime) -> int:
    return connection.execute(query, {"before": before, "batch": BATCH}).rowcount


def _make(connection: Connection, *, table: Table, start: datetime, end: datetime) -> int:
    """Make a period; return 1 if it is made."""
    connection.execute(f"set local lock_timeout = '{_LOCK_MILLISECONDS}ms'")
    return periods.make(connection, table, start, end)


def _drop(connection: Connection, *, table: Table, period: Period) -> int:
    """Drop a period, and keep the events that must be kept; return 1 if it is dropped.

    A period with too many events that must be kept is left alone.
    """
    if table == "events":
        return _drop_events(connection, period)
    _lock(connection, table)
    periods.drop(connection, table, period)
    return 1


def _drop_events(connection: Connection, period: Period) -> int:
    needed = sql.SQL("select {period}.* from {period} join ({needed}) needed using (id)").format(
        period=sql.Identifier(period.name), needed=sql.SQL(_NEEDED)
    )
    counted = sql.SQL("select count(*) as n from ({} limit {}) counted").format(needed, KEPT_LIMIT + 1)
    (row,) = connection.execute(counted).fetchall()
    if row.n > KEPT_LIMIT:
        _log.warning("period.needed", table="events", period=period.name, limit=KEPT_LIMIT)
        return 0
    _lock(connection, "events")
    connection.execute(sql.SQL("create temporary table needed_events on commit drop as {}").format(needed))
    periods.drop(connection, "events", period)
    connection.execute("insert into events select * from needed_events")
    return 1


def _lock(connection: Connection, table: Table) -> None:
    """Lock a table, so that nothing can need more rows of it. Raises LockNotAvailable if it is in use for long."""
    connection.execute(f"set local lock_timeout = '{_LOCK_MILLISECONDS}ms'")
    connection.execute(sql.SQL("lock table {} in access exclusive mode").format(sql.Identifier(table)))
