"""PostgreSQL is down or killed, its connections are cut, or its disk is full.

Without PostgreSQL, no webhook gets a response with 200.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from connector.errors import OperatorError
from faults.disk import full, place_of
from faults.registry import scenario

if TYPE_CHECKING:
    from connector.sandbox.servers import EmbeddedPostgres
    from faults.run import Run

#: This number is higher than the number of WAL files that PostgreSQL keeps ready.
_LOG_FILES = 100
_BACK_SECONDS = 30.0
_POLL_SECONDS = 0.1


@scenario(lasting=10)
def postgres_stopped(run: Run) -> None:
    """PostgreSQL is shut down in the normal way, and started again after 10 s."""
    server = _server(run)
    server.stop()
    run.hold(10)
    server.start()


@scenario()
def postgres_killed(run: Run) -> None:
    """All processes of PostgreSQL are killed by SIGKILL. It is started again at once, and recovers from its log."""
    server = _server(run)
    server.kill()
    server.start()


@scenario()
def postgres_connections_cut(run: Run) -> None:
    """PostgreSQL ends all connections (pg_terminate_backend), five times within three seconds."""
    cut = (
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    with psycopg.connect(_server(run).url, autocommit=True) as connection:
        run.several_times(5, 0.6, lambda: connection.execute(cut))


@scenario(lasting=12, disk=400)
def postgres_disk_full(run: Run) -> None:
    """The disk of PostgreSQL is full for 10 s: no table can grow."""
    with full(place_of(run.stack.state)):
        run.hold(10)


@scenario(lasting=12, disk=400)
def postgres_disk_full_to_the_end(run: Run) -> None:
    """The disk is full for 10 s, and PostgreSQL stops because it cannot write its log. Then it is started by hand."""
    server = _server(run)
    with full(place_of(run.stack.state)):
        with suppress(psycopg.OperationalError), psycopg.connect(server.url, autocommit=True) as connection:
            for _ in range(_LOG_FILES):
                connection.execute("select pg_logical_emit_message(false, 'faults', 'something for the log')")
                connection.execute("select pg_switch_wal()")
        run.hold(10)
    run.over()
    _revive(run, server)


def _revive(run: Run, server: EmbeddedPostgres) -> None:
    """Start PostgreSQL as an operator would, if it does not come back by itself."""
    deadline = time.monotonic() + _BACK_SECONDS
    while time.monotonic() < deadline:
        try:
            with psycopg.connect(server.url, connect_timeout=2):
                return
        except psycopg.OperationalError:
            if not _is_running(server):
                run.notes.append("PostgreSQL had ended by itself")
                server.start()
        time.sleep(_POLL_SECONDS)
    raise OperatorError("PostgreSQL did not come back")


def _is_running(server: EmbeddedPostgres) -> bool:
    try:
        return bool(server.pid)
    except OperatorError:
        return False


def _server(run: Run) -> EmbeddedPostgres:
    assert run.stack.postgres is not None  # noqa: S101 - the runner always starts it
    return run.stack.postgres
