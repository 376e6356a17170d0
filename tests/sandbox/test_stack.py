"""The whole connector, by the lines of its Procfile: what happens to webhooks while parts of it are gone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from tests.sandbox.stores import PATIENCE, THREADS, Store, changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def store(stack: Stack) -> Store:
    # The limit of the intake is not tested here.
    requests.post(f"{stack.insider_url}/_sandbox/settings", json={"requests_per_minute": 10**7}, timeout=10)
    return Store(stack)


@pytest.fixture
def revived(stack: Stack) -> Iterator[Stack]:
    """The stack. All of its parts are started again afterwards."""
    yield stack
    if stack.redis:
        stack.redis.start()
    gone = [name for name in ("web", "worker", "beat") if name not in stack.group.alive()]
    stack.start(gone)


def test_the_older_webhook_that_arrives_last_leaves_the_newer_balance(store: Store) -> None:
    now = datetime.now(UTC)
    assert store.post(changed("ann@example.com", 200, now)) == 200
    store.wait_for(["ann@example.com"])

    assert store.post(changed("ann@example.com", 100, now - timedelta(minutes=1))) == 200

    patience = time.monotonic() + PATIENCE
    while len((user := store.users()["ann@example.com"])["events"]) < 2:
        assert time.monotonic() < patience
        time.sleep(0.05)
    assert user["custom"]["yotpo_point_balance"] == 200
    balances = {event["event_params"]["custom"]["yotpo_points_current_balance"] for event in user["events"]}
    assert balances == {100, 200}


def test_webhooks_that_come_while_redis_is_down_arrive_when_it_is_back(revived: Stack, store: Store) -> None:
    assert revived.redis
    emails = [f"c{number}@example.com" for number in range(500)]
    revived.redis.stop()

    answers = store.post_all(changed(email, 1) for email in emails)
    time.sleep(3)
    assert store.users() == {}
    revived.redis.start()

    assert set(answers) == {200}
    store.wait_for(emails)


def test_a_wiped_redis_costs_no_event(revived: Stack, store: Store) -> None:
    assert revived.redis
    emails = [f"c{number}@example.com" for number in range(300)]
    revived.group.kill("worker")
    assert set(store.post_all(changed(email, 1) for email in emails)) == {200}

    revived.redis.kill()
    revived.redis.start()
    revived.start(["worker"])

    store.wait_for(emails)


def test_a_worker_killed_in_the_middle_loses_no_event_and_no_order(revived: Stack, store: Store) -> None:
    emails = [f"c{number}@example.com" for number in range(200)]
    start = datetime.now(UTC) - timedelta(hours=1)
    webhooks = [changed(email, step, start + timedelta(seconds=step)) for step in range(1, 6) for email in emails]
    sending = threading.Thread(target=store.post_all, args=(webhooks,))
    sending.start()
    while len(store.users()) < 20:
        time.sleep(0.02)

    revived.group.kill("worker")
    sending.join()
    revived.start(["worker"])

    patience = time.monotonic() + PATIENCE
    while sum(len(user["events"]) for user in store.users().values()) < len(webhooks):
        assert time.monotonic() < patience
        time.sleep(0.2)
    users = store.users()
    assert {user["custom"]["yotpo_point_balance"] for user in users.values()} == {5}
    for user in users.values():
        balances = sorted(event["event_params"]["custom"]["yotpo_points_current_balance"] for event in user["events"])
        assert balances == [1, 2, 3, 4, 5]
    # Insider has the users before the step that sent them is recorded.
    while (mine := store.state())["received"] or mine["waiting"]:
        assert time.monotonic() < patience
        time.sleep(0.2)
    assert mine["dead"] == 0


def test_web_processes_killed_while_webhooks_come_lose_nothing_that_they_answered(revived: Stack, store: Store) -> None:
    emails = [f"c{number}@example.com" for number in range(400)]
    answered: list[str] = []

    def send(email: str) -> None:
        try:
            if store.post(changed(email, 1)) == 200:
                answered.append(email)
        except requests.RequestException:
            return

    with ThreadPoolExecutor(THREADS) as threads:
        futures = [threads.submit(send, email) for email in emails]
        while len(answered) < 50:
            time.sleep(0.01)
        revived.group.kill("web")
        revived.start(["web"])
        for future in futures:
            future.result()

    assert len(answered) >= 50
    store.wait_for(answered)
