"""PostgreSQL for the tests: one server for all processes of a run, in which each test has a database of its own.

PostgreSQL needs a hundred times as long to make a database as to empty one. So most tests get an emptied database that
an earlier test has used. It is like a new one, including the next ids.
"""

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


#: Prepares the migrated database. `testing.empty` restores the rows and the sequences that the migrations have made.
#: It deletes the rows of small tables, because a truncation takes longer.
_PREPARE = """
    create schema testing;
    do $$
    declare name text; has_rows bool;
    begin
        for name in select tablename from pg_tables where schemaname = 'public' loop
            execute format('select exists (select from public.%1$I)', name) into has_rows;
            if has_rows then
                execute format('create table testing.%1$I as table public.%1$I', name);
            end if;
        end loop;
    end $$;
    create table testing."sequences of public" as
        select format('public.%I', sequencename) as name, start_value, last_value
        from pg_sequences where schemaname = 'public';
    create function testing.empty() returns void language plpgsql as $$
    declare name text;
    begin
        set local session_replication_role = replica;
        for name in select tablename from pg_tables where schemaname = 'public' loop
            if pg_relation_size(format('public.%I', name)) > 1000000 then
                execute format('truncate public.%I cascade', name);
            else
                execute format('delete from public.%I', name);
            end if;
        end loop;
        for name in select tablename from pg_tables
                    where schemaname = 'testing' and tablename <> 'sequences of public' loop
            execute format('insert into public.%1$I overriding system value table testing.%1$I', name);
        end loop;
        perform setval(saved.name, coalesce(last_value, start_value), last_value is not null)
        from testing."sequences of public" saved;
    end $$;
"""
#: Everything of a database that a test may have changed and that `testing.empty` does not restore.
_SHAPE = """
    select (select array_agg((relname, relkind, relnatts, reloptions) order by relname)::text
            from pg_class where relnamespace = 'public'::regnamespace) as relations,
           (select array_agg(setconfig order by setrole)::text
            from pg_db_role_setting join pg_database on pg_database.oid = setdatabase
            where datname = current_database()) as settings
"""
_DISCONNECT = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""


class Cluster:
    """A server with a migrated database, of which each test gets a copy."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.server = EmbeddedPostgres(state, durable=False)
        self._emptied: list[str] = []
        self._shape: tuple[object, ...] | None = None

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
        name = self._emptied.pop() if self._emptied else self._make()
        yield self._url(name)
        if self._empty(name):
            self._emptied.append(name)
        else:
            self._drop(name)

    @contextmanager
    def without_migrations(self) -> Iterator[str]:
        """Lend an empty database by its URL."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        yield self._url(name)
        self._drop(name)

    def _make(self) -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            # Copying the files takes half the time of the default, which writes each page to the log.
            connection.execute(f"create database {name} template migrated strategy file_copy")
        if self._shape is None:
            with psycopg.connect(self._url(name)) as connection:
                self._shape = connection.execute(_SHAPE).fetchone()
        return name

    def _empty(self, name: str) -> bool:
        """Empty a database; return False if it cannot be used again, because a test has changed more than rows."""
        try:
            with psycopg.connect(self._url(name)) as connection:
                connection.execute(_DISCONNECT)
                if connection.execute(_SHAPE).fetchone() != self._shape:
                    return False
                connection.execute("select testing.empty()")
        except psycopg.Error:
            return False
        return True

    def _drop(self, name: str) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")

    def _make_template(self) -> None:
        """Make the migrated database, without open connections, and drop the databases of a killed run."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            left = connection.execute("select datname from pg_database where datname ~ '^(test_|migrated$)'").fetchall()
            for (name,) in left:
                self._drop(name)
            connection.execute("create database migrated")
        migrate.migrate(self._url("migrated"))
        with psycopg.connect(self._url("migrated")) as connection:
            connection.execute(_PREPARE)

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
