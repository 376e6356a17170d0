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


def make_ahead(connection: Connection, *, length: timedelta, now: datetime) -> int:
    """Make the tables for the current period and the next ones, if they are missing; return their number."""
    made = 0
    for table in TABLES:
        known = of(connection, table)
        since = _ORIGIN + (now - _ORIGIN) // length * length
        if known:
            # After a change of the length, the first new period begins where the last old one ends.
            since = max(known[-1].until, since)
        until = now + AHEAD * length
        if since < until:
            row = connection.execute(
                "select make_periods(%s, %s, %s, %s) as made", (table, since, until, length)
            ).fetchone()
            made += row.made if row else 0
    return made


def drop(connection: Connection, table: Table, period: Period) -> None:
    """Drop the table of a period. Its rows that must be kept have to be copied before.

    It waits for the queries that use `table`, and later queries wait for it. So the caller limits the wait.
    """
    names = {"table": sql.Identifier(table), "period": sql.Identifier(period.name)}
    connection.execute(sql.SQL("alter table {table} detach partition {period}").format(**names))
    connection.execute(sql.SQL("drop table {period}").format(**names))
