"""Wake-ups to the workers, in a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import redis

from connector.journal.sync import accounts, backfills
from tests import ROOT, SECRET_KEY

if TYPE_CHECKING:
    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.model import Store
    from connector.sandbox.servers import EmbeddedRedis


def test_while_no_worker_runs_wake_ups_do_not_fill_redis(redis_server: EmbeddedRedis) -> None:
    program = "from connector.workers import tasks; [(tasks.wake(), tasks.sweep.apply_async()) for _ in range(100)]"
    environment = {"DATABASE_URL": "postgresql:///none", "REDIS_URL": redis_server.url, "SECRET_KEY": SECRET_KEY}
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={**os.environ, **environment}, check=True)

        assert client.llen("connector") == 64
        wake_ups = [json.loads(message)["headers"] for message in client.lrange("connector", 0, -1)]
    assert {wake_up["task"] for wake_up in wake_ups} == {"connector.advance", "connector.sweep"}
    # The wake-ups must not expire soon. Otherwise a worker whose clock is ahead would discard every wake-up.
    for wake_up in wake_ups:
        left = datetime.fromisoformat(wake_up["expires"]) - datetime.now(UTC)
        assert timedelta(minutes=50) < left <= timedelta(hours=1)


def test_without_redis_a_wake_up_fails_soon() -> None:
    program = "from connector.workers import tasks; tasks.wake()"
    environment = {"DATABASE_URL": "postgresql:///none", "REDIS_URL": "redis://127.0.0.1:9/0", "SECRET_KEY": SECRET_KEY}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 1
    assert "OperationalError" in done.stderr


@pytest.fixture
def connected(database: Database, vault: Vault, store: Store) -> Store:
    """A store that is connected to Yotpo and has no requests to send there."""
    with database.connection() as connection:
        accounts.connect(connection, vault, store_id=store.id, app_key="shop", mode="own", secret="s")
        account = accounts.by_store(connection, vault, store.id)
        assert account
        accounts.keep_findings(connection, account, expands=["loyalty,reviews"], review_webhooks={})
        connection.execute("update upkeep set ended_at = now()")
    return store


def sweep(database_url: str, redis_server: EmbeddedRedis, **variables: str) -> dict[str, list[str]]:
    """Run one sweep, and return the tasks that it has sent, by queue."""
    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_server.url, "SECRET_KEY": SECRET_KEY, **variables}
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        subprocess.run(
            [sys.executable, "-c", "from connector.workers import tasks; tasks.sweep()"],
            cwd=ROOT,
            env={**os.environ, **environment},
            check=True,
        )
        return {
            queue: [json.loads(message)["headers"]["task"] for message in client.lrange(queue, 0, -1)]
            for queue in ("connector", "connector-bulk", "connector-yotpo")
            if client.llen(queue)
        }


def test_the_upkeep_is_woken_when_it_is_due(database: Database, database_url: str, redis_server: EmbeddedRedis) -> None:
    with database.connection() as connection:
        connection.execute("update upkeep set ended_at = now() - interval '30 minutes'")

        assert sweep(database_url, redis_server) == {}
        # Shorter times make it due sooner.
        assert sweep(database_url, redis_server, PERIOD_DAYS="0.1") == {"connector-bulk": ["connector.keep_up"]}


_WOKEN = {"connector-yotpo": ["connector.advance_yotpo"]}


@pytest.mark.parametrize(
    ("due_in", "account", "woken"),
    [
        (-1, "connected_at = now()", _WOKEN),
        (60, "connected_at = now()", {}),
        (60, "expands = null", _WOKEN),
        (-1, "paused_until = now() + interval '1 minute'", {}),
        (-1, "state = 'revoked'", {}),
    ],
    ids=["a look-up is due", "none is due yet", "the account is not tried out", "it is paused", "it is revoked"],
)
def test_workers_for_yotpo_are_woken_if_there_is_work_for_them(
    *,
    connected: Store,
    database: Database,
    database_url: str,
    redis_server: EmbeddedRedis,
    due_in: int,
    account: str,
    woken: dict[str, list[str]],
) -> None:
    with database.connection() as connection:
        connection.execute(
            "insert into refreshes values (%s, 'ann@example.com', now(), now() + make_interval(secs => %s))",
            (connected.id, due_in),
        )
        connection.execute(f"update yotpo_accounts set {account}")

    assert sweep(database_url, redis_server) == woken


def test_changed_customers_are_read_each_night_if_that_is_set(
    connected: Store, database: Database, database_url: str, redis_server: EmbeddedRedis
) -> None:
    with database.connection() as connection:
        backfills.start(connection, [connected.id], actor="ann", reason="why", changed_only=False)
        connection.execute("update backfills set state = 'done', started_at = now() - interval '3 days'")

        assert sweep(database_url, redis_server) == {}
        for _ in range(2):
            assert sweep(database_url, redis_server, RECONCILE_AT="03:00") == _WOKEN
        reports = backfills.reports(connection)

    assert [(one["reason"], one["changed_only"], one["state"]) for one in reports] == [
        ("nightly reconcile", True, "running"),
        ("why", False, "done"),
    ]
