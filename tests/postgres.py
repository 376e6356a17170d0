"""PostgreSQL for the tests: one server for all processes of a run, in which each test has a database of its own."""

from __future__ import annotations

import fcntl
import itertools
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import psycopg

from connector.journal import migrate
from connector.sandbox.servers import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = itertools.count(1)


class Cluster:
    """A server with a migrated database, of which each test gets a copy."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.server = EmbeddedPostgres(state, durable=False)

    def __enter__(self) -> Self:
        self.server.start()
        try:
            self._make_template()
        except BaseException:
            self.server.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    @contextmanager
    def database(self) -> Iterator[str]:
        """Lend an empty journal by its URL."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            # Copying the files takes half the time of the default, which writes each page to the log.
            connection.execute(f"create database {name} template migrated strategy file_copy")
        yield self._url(name)
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")

    def _make_template(self) -> None:
        """Make the migrated database, without open connections, and drop the databases of a killed run."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            left = connection.execute("select datname from pg_database where datname ~ '^(test_|migrated$)'").fetchall()
            for (name,) in left:
                connection.execute(f"drop database {name} with (force)")
            connection.execute("create database migrated")
        migrate.migrate(self._url("migrated"))

    def _url(self, name: str) -> str:
        return self.server.url.replace("/connector?", f"/{name}?")


class SharedCluster:
    """The cluster of a run with several processes. The process that distributes the tests starts it.

    The other processes collect their tests meanwhile; a lock tells them when the cluster is ready.
    """

    def __init__(self, state: Path) -> None:
        self._cluster = Cluster(state)
        self._lock = _lock(state).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._failure: BaseException | None = None
        self._starting = threading.Thread(target=self._start)
        self._starting.start()

    def _start(self) -> None:
        try:
            self._cluster.__enter__()
        except BaseException as failure:  # noqa: BLE001 - it is raised by `stop`
            self._failure = failure
        finally:
            self._lock.close()

    def stop(self) -> None:
        self._starting.join()
        if self._failure:
            raise self._failure
        self._cluster.__exit__()


def shared(state: Path) -> Cluster:
    """Return the cluster that another process has started, once it is ready."""
    with _lock(state).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    return Cluster(state)


def _lock(state: Path) -> Path:
    return state / "starting.lock"
