"""Periods: `events` and `outcomes` have one table for each period of time, so that an old period is dropped whole.

PostgreSQL calls these tables partitions. A row whose time is in no period is in the table for kept rows: there are rows
of dropped periods that must not be dropped, and rows that came before their period was made.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from psycopg import sql

if TYPE_CHECKING:
    from connector.journal.database import Connection

Table = Literal["events", "outcomes"]
TABLES: tuple[Table, ...] = ("events", "outcomes")
#: How many periods are made ahead, beside the current one.
AHEAD = 2
#: A period is not made if more rows have come before it: moving them would hold up the webhooks. They stay where they
#: are.
EARLY_LIMIT = 5_000
_COLUMNS: dict[Table, str] = {"events": "received_at", "outcomes": "settled_at"}
#: Periods begin at multiples of their length after this time, a Monday. So weeks begin on Mondays.
_ORIGIN = datetime(2001, 1, 1, tzinfo=UTC)

#: `$$` quotes a regular expression that has single quotes.
_PERIODS = """
    select name, (bounds[1])::timestamptz as start, (bounds[2])::timestamptz as until
    from (select relname as name,
                 regexp_match(pg_get_expr(relpartbound, pg_class.oid), $$FROM \\('(.+)'\\) TO \\('(.+)'\\)$$) as bounds
          from pg_class join pg_inherits on inhrelid = pg_class.oid
          where inhparent = %s::regclass) partitions
    where bounds is not null
    order by start
"""


class Period(NamedTuple):
    """The table of one period."""

    name: str
    start: datetime
    until: datetime


def of(connection: Connection, table: Table) -> list[Period]:
    """Return the periods of a table, oldest first."""
    return [Period(row.name, row.start, row.until) for row in connection.execute(_PERIODS, (table,))]


def missing(
    connection: Connection, table: Table, *, length: timedelta, now: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the times without a period, from the current period to the next ones, each with its beginning and end."""
    known = of(connection, table)
    start = _ORIGIN + (now - _ORIGIN) // length * length
    until = now + AHEAD * length
    gaps = []
    while start < until:
        end = start + length
        # Periods of another length may begin or end between.
        overlapping = [period for period in known if period.start < end and period.until > start]
        if overlapping and overlapping[0].start <= start:
            start = overlapping[0].until
            continue
        end = min([end, *(period.start for period in overlapping)])
        gaps.append((start, end))
        start = end
    return gaps


def make(connection: Connection, table: Table, start: datetime, end: datetime) -> int:
    """Make the table for a period; return 1, or 0 if too many rows have come before it.

    It waits for the queries that use `table`, and later queries wait for it. So the caller limits the wait.
    """
    early = sql.SQL("select count(*) as n from (select from {} where {} >= %s and {} < %s limit %s) early").format(
        sql.Identifier(f"{table}_kept"), *[sql.Identifier(_COLUMNS[table])] * 2
    )
    row = connection.execute(early, (start, end, EARLY_LIMIT + 1)).fetchone()
    if row and row.n > EARLY_LIMIT:
        return 0
    connection.execute("select make_periods(%s, %s, %s, %s)", (table, start, end, end - start))
    return 1


def make_ahead(connection: Connection, *, length: timedelta, now: datetime) -> int:
    """Make the tables for the current period and the next ones, if they are missing; return their number."""
    return sum(
        make(connection, table, start, end)
        for table in TABLES
        for start, end in missing(connection, table, length=length, now=now)
    )


def drop(connection: Connection, table: Table, period: Period) -> None:
    """Drop the table of a period. Its rows that must be kept have to be copied before.

    It waits for the queries that use `table`, and later queries wait for it. So the caller limits the wait.
    """
    names = {"table": sql.Identifier(table), "period": sql.Identifier(period.name)}
    connection.execute(sql.SQL("alter table {table} detach partition {period}").format(**names))
    connection.execute(sql.SQL("drop table {period}").format(**names))
