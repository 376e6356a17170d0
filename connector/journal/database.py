"""Connections to PostgreSQL and transactions. If the server cannot be reached, they raise JournalUnavailable."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from connector.errors import JournalUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Result = TypeVar("_Result")

#: Rows are named tuples, so that callers write `row.occurred_at`.
Connection = psycopg.Connection[Any]

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)

#: The server ends a transaction that idles longer than this, and so frees the locks of a worker that has vanished.
#: It is longer than a request to Insider may take with the largest time-outs: 10 s to connect, twice 20 s to read.
IDLE_SECONDS = 60

#: Errors of a server that restarts, has failed over, has ended our transaction, or does not answer.
_BROKEN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)


class Database:
    """A small pool of connections. Creating one does not connect. After a fork, each process has to create its own."""

    def __init__(self, url: str, *, connections: int, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._pool = ConnectionPool(
            url,
            min_size=0,
            max_size=connections,
            timeout=wait_seconds,
            # The pool gives up early instead of backing off, and connects again at the next request: so it notices at
            # once that PostgreSQL is back.
            reconnect_timeout=0.1,
            max_idle=300,
            open=False,
            kwargs={
                "autocommit": True,
                "row_factory": namedtuple_row,
                # Behind a pooler in transaction mode, statements that were prepared on another connection do not exist.
                "prepare_threshold": None,
                "application_name": "connector",
                "connect_timeout": 2,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 30_000,
            },
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
            # If one connection is broken, the others probably are too: the next caller should get a fresh one.
            self._pool.drain()
            raise JournalUnavailable(_message(error)) from error

    @contextmanager
    def transaction(self, *, idle_seconds: int = IDLE_SECONDS) -> Iterator[Connection]:
        """Lend a connection within a transaction, committed at the end and rolled back on an exception."""
        with self.connection() as connection, connection.transaction():
            connection.execute(
                "select set_config('idle_in_transaction_session_timeout', %s, true)", (f"{idle_seconds}s",)
            )
            yield connection

    def ask(self, query: Callable[[Connection], _Result]) -> _Result:
        """Return the result of a query that may run twice. Raises JournalUnavailable.

        If PostgreSQL has restarted, only the use of a connection shows that it is broken; the second one is fresh.
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
    """Return the first line of the error only, because the others may quote values."""
    return "PostgreSQL cannot be reached: " + (str(error).splitlines() or [type(error).__name__])[0]
