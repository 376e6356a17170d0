"""The appender: what waits together is written together, and nobody waits too long, whatever PostgreSQL does.

PostgreSQL is really paused, stopped and started here; each test leaves it running.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest

from connector.errors import JournalUnavailable
from connector.intake import appending
from connector.intake.appending import Appender
from connector.journal.database import Database
from connector.journal.packing import unpack
from tests.conftest import STATE
from tests.journal.received import bodies, incoming
from tests.measuring import quickest
from tests.postgres import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from connector.model import Appended, Incoming
    from connector.sandbox.servers import EmbeddedPostgres

THREADS = 20


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """PostgreSQL for these tests alone, since they stop it."""
    with Cluster(STATE / "appending") as started:
        yield started
        started.server.remove()


@pytest.fixture
def database_url(own_cluster: Cluster) -> Iterator[str]:
    with own_cluster.database() as url:
        yield url


@pytest.fixture
def postgres(own_cluster: Cluster) -> EmbeddedPostgres:
    return own_cluster.server


@pytest.fixture
def appender(database: Database) -> Appender:
    return Appender(database)


def journal(appender: Appender, group: list[Incoming], *, timeout_seconds: float) -> list[Appended]:
    return appender.result(appender.append(group), timeout_seconds=timeout_seconds)


@contextmanager
def paused(postgres: EmbeddedPostgres) -> Iterator[None]:
    postgres.pause()
    try:
        yield
    finally:
        postgres.resume()


@contextmanager
def stopped(postgres: EmbeddedPostgres) -> Iterator[None]:
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Lock the events, so that webhooks wait together."""
    with psycopg.connect(database_url) as connection:
        connection.execute("lock table events in exclusive mode")
        yield


def together(
    database_url: str, append: Callable[[Incoming], list[Appended]], group: list[Incoming]
) -> list[Future[list[Appended]]]:
    """Append each webhook from its own thread, while the first of them keeps the others waiting."""
    with ThreadPoolExecutor(len(group)) as threads:
        with locked(database_url):
            done = [threads.submit(append, one) for one in group]
            time.sleep(0.5)
        return done


def count(database: Database, key: str) -> int:
    with database.connection() as connection:
        row = connection.execute("select count(*) as number from events where key = %s", (key,)).fetchone()
    assert row
    return int(row.number)


def eventually(append: Callable[[], list[Appended]]) -> list[Appended]:
    """Append like a client that sends again after a 503."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return append()
        except JournalUnavailable:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def test_webhooks_of_a_request_are_journaled_in_order(appender: Appender, database: Database) -> None:
    first = journal(appender, [incoming("1", body=b"1"), incoming("2", body=b"2")], timeout_seconds=10)
    second = journal(appender, [incoming("3", body=b"3"), incoming("1", body=b"4")], timeout_seconds=10)

    assert [one.duplicate for one in first + second] == [False, False, False, True]
    assert second[1].id == first[0].id
    assert bodies(database) == [b"1", b"2", b"3"]


def test_each_thread_gets_the_ids_of_its_own_webhooks(appender: Appender, database: Database) -> None:
    groups = [[incoming(f"{number}", body=b"%d" % number), incoming("shared")] for number in range(100)]
    with ThreadPoolExecutor(THREADS) as threads:
        told = list(threads.map(lambda group: journal(appender, group, timeout_seconds=30), groups))

    with database.connection() as connection:
        rows = {row.id: unpack(row.body) for row in connection.execute("select id, body from events")}
    assert [rows[own.id] for own, _ in told] == [b"%d" % number for number in range(100)]
    assert sorted(shared.duplicate for _, shared in told) == [False] + [True] * 99
    assert len({shared.id for _, shared in told}) == 1


def test_webhooks_that_wait_together_share_a_commit(database_url: str, database: Database, appender: Appender) -> None:
    group = [incoming(str(number)) for number in range(THREADS)]
    done = together(database_url, lambda one: journal(appender, [one], timeout_seconds=30), group)

    assert [one.result()[0].duplicate for one in done] == [False] * THREADS
    with database.connection() as connection:
        row = connection.execute("select count(*), count(distinct xmin::text) as commits from events").fetchone()
    assert row
    assert row.count == THREADS
    assert row.commits <= 3


@pytest.mark.parametrize("bad", [{"topic": "a\x00b"}, {"store_id": 2**40}])
def test_a_webhook_that_postgresql_refuses_fails_alone(
    database_url: str, database: Database, appender: Appender, bad: dict[str, object]
) -> None:
    group = [incoming(str(number), **(bad if number == THREADS // 2 else {})) for number in range(THREADS)]
    done = together(database_url, lambda one: journal(appender, [one], timeout_seconds=30), group)

    failed = [number for number, one in enumerate(done) if isinstance(one.exception(), psycopg.DataError)]
    assert failed == [THREADS // 2]
    assert all(not one.result()[0].duplicate for number, one in enumerate(done) if number not in failed)
    assert len(bodies(database)) == THREADS - 1


def test_a_refused_webhook_fails_its_whole_request(database: Database, appender: Appender) -> None:
    with pytest.raises(psycopg.DataError):
        journal(appender, [incoming("good"), incoming("bad", topic="a\x00b")], timeout_seconds=10)

    assert bodies(database) == []
    assert not journal(appender, [incoming("good")], timeout_seconds=10)[0].duplicate


def test_two_processes_can_write_the_same_webhooks_in_different_orders(database_url: str) -> None:
    databases = [Database(database_url, connections=2, wait_seconds=10) for _ in range(2)]
    appenders = [Appender(database) for database in databases]
    group = [incoming(f"{number:03}") for number in range(400)]

    def append(place: int) -> list[Appended]:
        return journal(appenders[place], group[:: 1 - 2 * place], timeout_seconds=30)

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(lambda place: eventually(lambda: append(place)), range(2))

    assert [a.id for a in one] == [a.id for a in reversed(other)]
    assert [a.duplicate for a in one] == [not a.duplicate for a in reversed(other)]
    assert len(bodies(databases[0])) == 400
    for database in databases:
        database.close()


def test_while_postgresql_does_not_answer_every_request_fails_in_time(
    postgres: EmbeddedPostgres, database: Database, appender: Appender
) -> None:
    journal(appender, [incoming("before")], timeout_seconds=10)
    with paused(postgres):
        started = time.monotonic()
        with pytest.raises(JournalUnavailable):
            journal(appender, [incoming("written or not")], timeout_seconds=0.3)
        told = time.monotonic()
        with pytest.raises(JournalUnavailable):
            journal(appender, [incoming("not even tried")], timeout_seconds=30)
        told_at_once = time.monotonic()
        time.sleep(0.6)
        with pytest.raises(JournalUnavailable):
            journal(appender, [incoming("given up")], timeout_seconds=0.3)

    assert 0.3 <= told - started < 5
    assert told_at_once - told < 5
    assert eventually(lambda: journal(appender, [incoming("after")], timeout_seconds=10))
    assert eventually(lambda: journal(appender, [incoming("written or not")], timeout_seconds=10))
    keys = ("before", "after", "written or not", "not even tried", "given up")
    assert [count(database, key) for key in keys] == [1, 1, 1, 0, 0]


def test_a_stopped_postgresql_is_an_error_until_it_is_back(
    postgres: EmbeddedPostgres, database: Database, appender: Appender
) -> None:
    journal(appender, [incoming("before")], timeout_seconds=10)
    with stopped(postgres):

        def measure() -> float:
            started = time.monotonic()
            with pytest.raises(JournalUnavailable):
                journal(appender, [incoming("meanwhile")], timeout_seconds=1.5)
            return time.monotonic() - started

        assert quickest(measure, below=3) < 3
        time.sleep(1)
        with pytest.raises(JournalUnavailable):
            journal(appender, [incoming("meanwhile")], timeout_seconds=1.5)
    back = time.monotonic()

    assert not eventually(lambda: journal(appender, [incoming("meanwhile")], timeout_seconds=1.5))[0].duplicate
    assert time.monotonic() - back < 5
    assert [count(database, key) for key in ("before", "meanwhile")] == [1, 1]


def test_an_unnoticed_restart_of_postgresql_costs_no_webhook(
    postgres: EmbeddedPostgres, database: Database, appender: Appender
) -> None:
    journal(appender, [incoming("before")], timeout_seconds=10)
    with stopped(postgres):
        pass

    assert not journal(appender, [incoming("after")], timeout_seconds=10)[0].duplicate
    assert [count(database, key) for key in ("before", "after")] == [1, 1]


def test_a_restart_costs_no_webhook_even_if_all_connections_are_stale(
    postgres: EmbeddedPostgres, database: Database, appender: Appender
) -> None:
    with database.connection(), database.connection(), database.connection(), database.connection():
        pass
    with stopped(postgres):
        pass

    assert not journal(appender, [incoming("after")], timeout_seconds=10)[0].duplicate


def test_if_postgresql_hangs_only_some_bytes_wait_in_memory(
    appender: Appender, monkeypatch: pytest.MonkeyPatch, postgres: EmbeddedPostgres
) -> None:
    monkeypatch.setattr(appending, "_WAITING_BYTES", 10_000)
    journal(appender, [incoming("before")], timeout_seconds=10)
    with paused(postgres):
        begun = appender.append([incoming("written or not")])
        while not begun.running():
            time.sleep(0.01)
        begin = [partial(appender.append, [incoming(str(number))]) for number in range(11)]
        for append in begin[:10]:
            append()
        with pytest.raises(JournalUnavailable, match="too many webhooks wait"):
            begin[10]()

    assert not eventually(lambda: journal(appender, [incoming("after")], timeout_seconds=10))[0].duplicate
