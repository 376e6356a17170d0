"""Processes whose clocks are wrong by minutes lose nothing, delay nothing and keep the order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis

from connector.sandbox.processes import free_port
from connector.sandbox.stack import ROOT, Stack
from tests import SECRET_KEY
from tests.sandbox.stores import PATIENCE, Store, changed
from tests.workers.worker import LINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.sandbox.servers import EmbeddedRedis

pytestmark = pytest.mark.slow

FIVE_MINUTES = timedelta(minutes=5)
#: Python runs this module at the start of each process. It sets another clock, which can be set again at SIGUSR1.
CLOCK = """
import signal, time_machine
from datetime import UTC, datetime, timedelta
clock = time_machine.travel(datetime.now(UTC) + timedelta(seconds={seconds}), tick=True).start()
if {later}:
    signal.signal(signal.SIGUSR1, lambda *_: clock.shift({later}) or print("the clock is set", flush=True))
"""


def wrong_clocks(directory: Path, ahead: timedelta, *, later: timedelta = timedelta(0)) -> str:
    """Return a PYTHONPATH whose processes run with their clock ahead, and at SIGUSR1 further ahead by `later`."""
    text = CLOCK.format(seconds=ahead.total_seconds(), later=later.total_seconds())
    (directory / "sitecustomize.py").write_text(text, encoding="utf-8")
    return f"{directory}{os.pathsep}{ROOT}"


@pytest.fixture
def store(stack: Stack) -> Store:
    return Store(stack)


@pytest.fixture
def repaired(stack: Stack, name: str) -> Iterator[Stack]:
    """The stack. Restart the stack's process of this name with the right clock afterwards."""
    yield stack
    stack.group.kill(name)
    stack.start([name])


def tier(email: str, name: str) -> dict[str, Any]:
    """A webhook without a time of its own."""
    return {
        "topic": "swell/tier/earned",
        "customer": {"email": email, "vip_tier_name": name},
        "new_tier": {"id": name, "name": name},
    }


@pytest.mark.parametrize("ahead", [FIVE_MINUTES, -FIVE_MINUTES], ids=["ahead", "behind"])
@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_with_one_clock_wrong_everything_arrives_within_seconds(
    repaired: Stack, store: Store, tmp_path: Path, name: str, ahead: timedelta
) -> None:
    repaired.group.kill(name)
    environment = repaired.environment
    right = environment["PYTHONPATH"]
    environment["PYTHONPATH"] = wrong_clocks(tmp_path, ahead)
    try:
        repaired.start([name])
    finally:
        environment["PYTHONPATH"] = right
    emails = [f"c{number}@example.com" for number in range(30)]

    answers = store.post_all(
        webhook for email in emails for webhook in (changed(email, 1), tier(email.replace("c", "d"), "Gold"))
    )

    assert set(answers) == {200}
    store.wait_for([*emails, *(email.replace("c", "d") for email in emails)])
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        rows = connection.execute(
            "select dated, occurred_at, events.received_at, now() "
            "from events join event_keys on event_id = events.id join stores on stores.id = events.store_id "
            "where stores.name = %s",
            (store.partner,),
        ).fetchall()
    assert len(rows) == 60
    for dated, occurred_at, received_at, now in rows:
        assert now - timedelta(minutes=1) < received_at <= now
        assert occurred_at < received_at if dated else occurred_at == received_at


def test_webhooks_of_two_web_processes_keep_their_order_despite_their_clocks(
    stack: Stack, store: Store, tmp_path: Path
) -> None:
    port = str(free_port())
    environment = stack.environment
    ahead = {"PYTHONPATH": wrong_clocks(tmp_path, FIVE_MINUTES), "PORT": port}
    stack.group.start("web-ahead", LINES["web"], {**environment, **ahead})
    stack.group.wait_for_http("web-ahead", f"http://127.0.0.1:{port}/health")
    right = store.url
    emails = [f"c{number}@example.com" for number in range(10)]
    try:
        store.url = right.replace(environment["PORT"], port)
        assert set(store.post_all(tier(email, "Gold") for email in emails)) == {200}
        store.wait_for(emails)
        store.url = right
        assert set(store.post_all(tier(email, "Silver") for email in emails)) == {200}
    finally:
        stack.group.terminate(10, "web-ahead")

    patience = time.monotonic() + PATIENCE
    while any(len(user["events"]) < 2 for user in store.users().values()):
        assert time.monotonic() < patience
        time.sleep(0.2)
    assert {user["custom"]["yotpo_vip_tier_name"] for user in store.users().values()} == {"Silver"}


@pytest.mark.parametrize("later", [FIVE_MINUTES, -FIVE_MINUTES], ids=["forward", "back"])
def test_sweeps_go_on_when_the_clock_is_set(redis_server: EmbeddedRedis, tmp_path: Path, later: timedelta) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": "postgresql:///none",
        "REDIS_URL": redis_server.url,
        "SECRET_KEY": SECRET_KEY,
        "PYTHONPATH": wrong_clocks(tmp_path, timedelta(0), later=later),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with (
        redis.Redis.from_url(redis_server.url) as client,
        subprocess.Popen(
            ["sh", "-c", LINES["beat"]], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as beat,
    ):
        assert beat.stdout
        try:
            client.flushall()
            wait_for_sweeps(client, 2)
            beat.send_signal(signal.SIGUSR1)
            assert any("the clock is set" in line for line in beat.stdout)
            wait_for_sweeps(client, client.llen("connector") + 2)
        finally:
            beat.terminate()


def wait_for_sweeps(client: redis.Redis, number: int) -> None:
    """Wait for this many wake-ups, but not so long that a clock which was set back by minutes catches up."""
    patience = time.monotonic() + PATIENCE
    while client.llen("connector") < number:
        assert time.monotonic() < patience
        time.sleep(0.1)
