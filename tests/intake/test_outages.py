"""What intake answers while PostgreSQL is down, and to slow clients."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from tests.intake.webhooks import Store, points_earned
from tests.measuring import quickest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(stack: Stack) -> Store:
    return Store(stack)


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_without_postgres_the_answer_is_503_within_two_seconds_and_later_200(
    stack: Stack, store: Store, how: str
) -> None:
    assert stack.postgres
    webhook = points_earned()
    assert store.post(points_earned()).status_code == 200

    stack.postgres.stop() if how == "stopped" else stack.postgres.pause()
    try:
        answers: list[requests.Response] = []

        def measure() -> float:
            more = [store.post(webhook) for _ in range(6)]
            answers.extend(more)
            return max(answer.elapsed.total_seconds() for answer in more)

        slowest = quickest(measure, below=2)
    finally:
        stack.postgres.start() if how == "stopped" else stack.postgres.resume()

    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert slowest < 2
    patience = time.monotonic() + 120
    # Each web process finds out by itself that PostgreSQL is back, half a second after its last failure.
    ids: set[int] = set()
    good_since = time.monotonic()
    while time.monotonic() < good_since + 1.5:
        assert time.monotonic() < patience
        answer = store.post(webhook)
        if answer.status_code == 200:
            ids.add(answer.json()["id"])
        else:
            good_since = time.monotonic()
    assert len(ids) == 1
    key = f"swell/points/earned|{webhook['perk']['id']}"
    assert len(store.rows(f"select 1 from events where store_id = (table store) and key = '{key}'")) == 1


def test_a_slow_client_is_served_and_delays_no_other(store: Store) -> None:
    webhook = json.dumps(points_earned()).encode()

    def slowly() -> Iterator[bytes]:
        yield webhook[:10]
        time.sleep(2.5)
        yield webhook[10:]

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(requests.post, store.url, data=slowly(), timeout=10)
        while not slow.done():
            assert store.post(points_earned()).status_code == 200
            time.sleep(0.1)

    assert slow.result().status_code == 200
