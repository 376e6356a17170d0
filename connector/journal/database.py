"""Connections to PostgreSQL, transactions, and what becomes of an unreachable server: JournalUnavailable."""

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

_Answer = TypeVar("_Answer")

#: Rows are named tuples, so that callers write `row.occurred_at`.
Connection = psycopg.Connection[Any]

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)

#: A transaction that idles longer than this is ended by the server, and with it the lock that a vanished worker held.
#: It is longer than a send may take with its time-outs at their limits: 10 s to connect, twice 20 s to read.
IDLE_SECONDS = 60


#: What a server says that restarts, has failed over, or has ended our transaction; and what its silence becomes.
_BROKEN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)


class Database:
    """A small pool of connections. Made without connecting; after a fork, each process makes its own."""

    def __init__(self, url: str, *, connections: int, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._pool = ConnectionPool(
            url,
            min_size=0,
            max_size=connections,
            timeout=wait_seconds,
            # The pool gives up early instead of backing off, and tries anew at the next request: a PostgreSQL that is
            # back is found at once.
            reconnect_timeout=0.1,
            max_idle=300,
            open=False,
            kwargs={
                "autocommit": True,
                "row_factory": namedtuple_row,
                # A pooler in transaction mode knows nothing of the statements that another connection has prepared.
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
        """Lend a connection in autocommit. Raises JournalUnavailable where PostgreSQL cannot be reached."""
        if self._pool.closed:
            self._pool.open()
        try:
            with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise JournalUnavailable(_told(error)) from error
        except _BROKEN as error:
            # Where one connection has gone stale, the others have too: the next to ask should meet fresh ones.
            self._pool.drain()
            raise JournalUnavailable(_told(error)) from error

    @contextmanager
    def transaction(self, *, idle_seconds: int = IDLE_SECONDS) -> Iterator[Connection]:
        """Lend a connection within a transaction, committed at the end and rolled back on an exception."""
        with self.connection() as connection, connection.transaction():
            connection.execute(
                "select set_config('idle_in_transaction_session_timeout', %s, true)", (f"{idle_seconds}s",)
            )
            yield connection

    def ask(self, question: Callable[[Connection], _Answer]) -> _Answer:
        """Ask what may be asked twice. Raises JournalUnavailable.

        A connection that went stale while PostgreSQL restarted is found out by using it; the next one is fresh.
        """
        try:
            with self.connection() as connection:
                return question(connection)
        except JournalUnavailable:
            with self.connection() as connection:
                return question(connection)

    def ping(self) -> None:
        """Raise JournalUnavailable where PostgreSQL does not answer."""
        self.ask(lambda connection: connection.execute("select 1"))

    def close(self) -> None:
        self._pool.close()


def _told(error: Exception) -> str:
    """Return the first line, because the others may quote values."""
    return "PostgreSQL cannot be reached: " + (str(error).splitlines() or [type(error).__name__])[0]
