"""The journal's upkeep under load: retention drops old periods, and a migration is killed."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from connector.errors import OperatorError
from connector.journal import migrate
from connector.journal.upkeep import periods
from faults.registry import scenario
from faults.scenarios import old_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from connector.journal.database import Connection
    from connector.sandbox.stack import Stack
    from faults.checking import Findings
    from faults.run import Run

#: 0.0001 is the shortest time that the settings allow: 8.64 s. A period takes 17.28 s.
_SHORT = {"KEEP_EVENTS_DAYS": "0.0001", "KEEP_OUTCOMES_DAYS": "0.0001", "PERIOD_DAYS": "0.0002"}
#: The replay takes as long as three periods. So it still needs events of periods that are dropped.
_REPLAY_SECONDS = 50.0
_LONGEST_REPLAY_SECONDS = 120.0
_POLL_SECONDS = 0.2
#: The name of the process and of the database.
_MIGRATION, _OLD_JOURNAL = "migration", "old_journal"
_OLD_EVENTS, _OLD_CUSTOMERS = 40_000, 2_000
#: How many seconds each migration copies the journal until it is killed.
_MOMENTS = (0.2, 0.5, 1.0)
_COPYING_SECONDS, _MIGRATION_SECONDS = 60.0, 120.0

#: For each state of events and deliveries: how many there are, how many ids they have, and a digest of their contents.
_CONTENTS = """
    select state, count(*) as number, count(distinct id) as ids, md5(string_agg(content, '' order by id)) as digest
    from (select 'events ' || {state} as state, events.id,
                 md5(concat_ws('|', events.store_id, events.topic, events.customer, events.received_at, events.body))
                     as content
          from {events}
          union all
          select 'deliveries ' || state, id, md5(concat_ws('|', event_id, store_id, customer, created_at, settled_at))
          from {deliveries}) contents
    group by 1 order by 1
"""
_BEFORE = _CONTENTS.format(state="state", events="events", deliveries="deliveries")
_AFTER = _CONTENTS.format(
    state="case when queue.id > 0 then 'received' when last.state = 'unmapped' then 'unmapped' else 'mapped' end",
    events="events left join queue on queue.id = events.id left join mapping_results last on event_id = events.id",
    deliveries="all_deliveries",
)
#: Finds the connection of a migration that copies the journal, also after the process has been killed.
_COPYING = """
    select pid from pg_stat_activity
    where datname = current_database() and state = 'active' and query like '%create table new_events%'
      and backend_type = 'client backend' and pid <> pg_backend_pid()
"""


@scenario(lasting=60, environment=_SHORT)
def period_dropped(run: Run) -> None:
    """Retention drops periods while webhooks come and a replay runs.

    A period takes 17 s, and the journal keeps events and outcomes for 9 s.
    """
    rate = max(1.0, min(1000.0, run.load.accepted / _REPLAY_SECONDS))
    options = ("--reason", "the fault suite", "--by", "the fault suite", "--rate", f"{rate:g}")
    with _journal(run.stack) as connection:
        before = _names(connection)
        replay = run.stack.command("replays", "start", "--store", run.store, *options)
        mapped, kept = _wait_for_replay(run, connection, replay["id"])
        dropped = before - _names(connection)
    for table in periods.TABLES:
        number = sum(name.startswith(f"{table}_") for name in dropped)
        run.notes.append(f"{number} periods of {table} were dropped during the replay")
        if not number:
            run.problems.append(f"no period of {table} was dropped during the replay")
    run.notes.append(f"{mapped} events were replayed, and up to {kept} events were in the table for kept rows")
    if mapped != replay["events"]:
        run.problems.append(f"the replay has mapped {mapped} of {replay['events']} events")
    if not kept:
        run.problems.append("the replay needed no event of a dropped period")
    failures = _failures(run.stack)
    if failures:
        run.problems.append(f"the upkeep failed {len(failures)} times: {failures[0]}")
    run.measures.append(lambda findings: _replayed(run, findings, replay["events"]))


@scenario(lasting=40, share=0.5)
def migration_killed(run: Run) -> None:
    """The migration of an old journal, in a database of its own, is killed by SIGKILL three times, and run again.

    At the end, it must have the same events and deliveries as before.
    """
    with _old_journal(run.stack) as url, _connected(url) as connection:
        before = _contents(connection, _BEFORE)
        killed: set[int] = set()
        for seconds in _MOMENTS:
            _start_migration(run, url)
            pid = _wait_until_copying(run, connection, killed)
            killed.add(pid)
            run.hold(seconds)
            run.stack.group.kill(_MIGRATION)
            if pid not in _copying(connection):
                run.problems.append(f"the migration was over before it was killed, after {seconds} s")
        _start_migration(run, url)
        started = time.monotonic()
        code = run.stack.group.wait_for_exit(_MIGRATION, _MIGRATION_SECONDS)
        run.notes.append(f"after {len(killed)} kills, the migration took {time.monotonic() - started:.1f} s")
        if code:
            raise OperatorError(f"the migration failed: {run.stack.group.tail(_MIGRATION, 1)}")
        after = _contents(connection, _AFTER)
    run.notes.append(", ".join(f"{number} {state}" for state, (number, *_) in after.items()))
    if after != before:
        run.problems.append(f"the journal had {before} before the migration, and has {after}")


def _names(connection: Connection) -> set[str]:
    return {period.name for table in periods.TABLES for period in periods.of(connection, table)}


def _wait_for_replay(run: Run, connection: Connection, replay_id: int) -> tuple[int, int]:
    """Wait for the end of a replay. Return how many events it has mapped, and the most kept events at any time."""
    query = """
        select state, (select count(mapped_at) from replayed_events where replay_id = replays.id) as mapped,
               (select count(*) from events_kept) as kept
        from replays where id = %s
    """
    deadline = time.monotonic() + _LONGEST_REPLAY_SECONDS
    most_kept = 0
    while True:
        (replay,) = connection.execute(query, (replay_id,)).fetchall()
        most_kept = max(most_kept, replay.kept)
        if replay.state != "running":
            return replay.mapped, most_kept
        if time.monotonic() > deadline:
            run.problems.append(f"the replay {replay_id} is not over after {_LONGEST_REPLAY_SECONDS:g} s")
            return replay.mapped, most_kept
        time.sleep(_POLL_SECONDS)


def _failures(stack: Stack) -> list[str]:
    """Return the lines of the log that say that the upkeep failed."""
    lines = stack.group.log("bulk").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "event=task.failed" in line and "retention.py" in line]


def _replayed(run: Run, findings: Findings, events: int) -> Iterator[str]:
    """Record a problem if Insider did not get each replayed event again."""
    yield f"Insider got {findings.sent_again} user events again"
    if findings.sent_again < events:
        run.problems.append(f"Insider got {findings.sent_again} user events again, fewer than the {events} replayed")


@contextmanager
def _old_journal(stack: Stack) -> Iterator[str]:
    """Make a database with an old journal, and drop it at the end of the block. Its URL is yielded."""
    server = stack.environment["DATABASE_URL"]
    url = urlsplit(server)._replace(path=f"/{_OLD_JOURNAL}").geturl()
    name = sql.Identifier(_OLD_JOURNAL)
    drop = sql.SQL("drop database if exists {} with (force)").format(name)
    with _connected(server) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("create database {}").format(name))
        migrate.migrate(url, revision=old_journal.REVISION)
        with _connected(url) as filled:
            old_journal.fill(filled, _OLD_EVENTS, customers=_OLD_CUSTOMERS)
        try:
            yield url
        finally:
            connection.execute(drop)


def _start_migration(run: Run, url: str) -> None:
    command = [sys.executable, "-m", "connector", "migrate"]
    run.stack.group.start(_MIGRATION, command, {**run.stack.environment, "DATABASE_URL": url})


def _wait_until_copying(run: Run, connection: Connection, killed: set[int]) -> int:
    """Wait until a migration copies the journal, and return the id of its connection's process in PostgreSQL.

    The connections of the killed migrations may still be at work. The new migration waits for them.
    """
    deadline = time.monotonic() + _COPYING_SECONDS
    while not (copying := _copying(connection) - killed):
        if time.monotonic() > deadline or run.stack.group.exit_code(_MIGRATION) is not None:
            raise OperatorError(f"the migration copies nothing: {run.stack.group.tail(_MIGRATION, 1)}")
        time.sleep(_POLL_SECONDS / 10)
    return copying.pop()


def _copying(connection: Connection) -> set[int]:
    return {row.pid for row in connection.execute(_COPYING)}


def _contents(connection: Connection, query: str) -> dict[str, tuple[int, int, str]]:
    return {row.state: (row.number, row.ids, row.digest) for row in connection.execute(query)}


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as connection:
        yield connection


def _journal(stack: Stack) -> AbstractContextManager[Connection]:
    return _connected(stack.environment["DATABASE_URL"])
