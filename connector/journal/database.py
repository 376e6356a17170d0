"""Connections to PostgreSQL and transactions. Both raise JournalUnavailable if the server cannot be reached."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

import orjson
import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from connector.errors import JournalUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.settings import Settings

_Result = TypeVar("_Result")

#: Rows are named tuples, so that callers can write `row.occurred_at`.
Connection = psycopg.Connection[Any]

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)

#: The server ends a transaction that is idle for longer than this. So the locks of a worker that has vanished become
#: free. A request to Insider takes less time even with the largest time-outs: 10 s to connect, twice 20 s to read.
IDLE_SECONDS = 60

#: A statement is prepared when a connection runs it for this time again.
_PREPARE_AFTER = 3

#: Errors of a server that restarts, has failed over, has ended our transaction, or does not answer.
_BROKEN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)


class Database:
    """A small pool of connections.

    A new pool does not connect yet. After a fork, each process has to create its own pool.
    """

    def __init__(self, url: str, *, connections: int, wait_seconds: float, prepares: bool = True) -> None:
        """With `prepares`, each connection lets PostgreSQL keep the plans of the statements that it repeats.

        A pooler in transaction mode may change the server's connection. If it does not know prepared statements,
        `prepares` has to be False.
        """
        self._wait_seconds = wait_seconds
        self._pool = ConnectionPool(
            url,
            min_size=0,
            max_size=connections,
            timeout=wait_seconds,
            # The pool stops trying early, and connects again at the next request. With growing waits between its tries,
            # it would notice too late that PostgreSQL is back.
            reconnect_timeout=0.1,
            max_idle=300,
            open=False,
            kwargs={
                "autocommit": True,
                "row_factory": namedtuple_row,
                "prepare_threshold": _PREPARE_AFTER if prepares else None,
                "application_name": "connector",
                "connect_timeout": 2,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 30_000,
            },
        )

    @classmethod
    def of(cls, settings: Settings, *, connections: int, wait_seconds: float) -> Self:
        return cls(
            settings.database_url,
            connections=connections,
            wait_seconds=wait_seconds,
            prepares=settings.prepare_statements,
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection in autocommit mode. Raises JournalUnavailable if PostgreSQL cannot be reached."""
        if self._pool.closed:
            self._pool.open()
        try:
            with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise JournalUnavailable(_message(error)) from error
        except _BROKEN as error:
            # If one connection is broken, the others probably are too. So the next caller gets a new connection.
            self._pool.drain()
            raise JournalUnavailable(_message(error)) from error

    @contextmanager
    def transaction(self, *, idle_seconds: int = IDLE_SECONDS) -> Iterator[Connection]:
        """Lend a connection in a transaction, which is committed at the end, or rolled back after an exception."""
        with self.connection() as connection, connection.transaction():
            connection.execute(
                "select set_config('idle_in_transaction_session_timeout', %s, true)", (f"{idle_seconds}s",)
            )
            yield connection

    def ask(self, query: Callable[[Connection], _Result]) -> _Result:
        """Run a query and return its result; if the first run fails, run it again. Raises JournalUnavailable.

        If PostgreSQL has restarted, the connections in the pool are broken, and only their use shows this. The second
        run gets a new connection.
        """
        try:
            with self.connection() as connection:
                return query(connection)
        except JournalUnavailable:
            with self.connection() as connection:
                return query(connection)

    def ping(self) -> None:
        """Raise JournalUnavailable if PostgreSQL does not answer."""
        self.ask(lambda connection: connection.execute("select 1"))

    def close(self) -> None:
        self._pool.close()


def _message(error: Exception) -> str:
    """Return only the first line of the error, because the other lines may quote values."""
    return "PostgreSQL cannot be reached: " + (str(error).splitlines() or [type(error).__name__])[0]
