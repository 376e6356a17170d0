"""At most five requests a second for all holders of a lease, and fewer if Yotpo says that the rate is used up."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from connector.errors import YotpoUnavailable
from connector.yotpo.rate_limiter import RateLimiter
from tests.yotpo.answers import EXPIRED, NOBODY, RENEWAL, answering

#: On a busy machine, two arrivals may be closer by this much, because the first one may have been delayed.
HELD_UP_SECONDS = 0.1


class Clock:
    """A clock that advances when a sleep is called, and when a test changes it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def limiter(self) -> RateLimiter:
        return RateLimiter(clock=lambda: self.now, sleep=self.sleep)


def test_never_more_than_five_arrive_within_a_second_even_if_the_lease_changes_hands() -> None:
    with answering(EXPIRED, RENEWAL, NOBODY) as yotpo:
        client = yotpo.client()
        first = client.store_client(yotpo.account())
        for _ in range(4):
            first.customers()
        second = client.store_client(yotpo.account())
        for _ in range(3):
            second.customers()
            second.loyalty(email="ada@example.test")
    arrivals = [asked.arrived for asked in yotpo.asked]

    assert len(arrivals) == 12
    assert all(later - earlier > 0.2 - HELD_UP_SECONDS for earlier, later in pairwise(arrivals))
    assert all(later - earlier > 1.0 - HELD_UP_SECONDS for earlier, later in zip(arrivals, arrivals[5:], strict=False))


def test_two_stores_do_not_wait_for_each_other() -> None:
    with answering(NOBODY) as yotpo:
        client = yotpo.client()

        def ask(app_key: str) -> None:
            store_client = client.store_client(yotpo.account(app_key=app_key))
            for _ in range(3):
                store_client.customers()

        threads = [threading.Thread(target=ask, args=(app_key,)) for app_key in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    of_each = [[asked.arrived for asked in yotpo.asked if f"/{name}/" in asked.path] for name in ("one", "two")]

    assert [len(arrivals) for arrivals in of_each] == [3, 3]
    assert max(arrivals[0] for arrivals in of_each) < min(arrivals[-1] for arrivals in of_each)


def test_requests_start_a_fifth_of_a_second_apart_and_the_first_one_waits_as_long() -> None:
    clock = Clock()
    limiter = clock.limiter()
    clock.now += 60
    started = []
    for took in (0.0, 0.1, 0.5, 0.0):
        limiter.wait()
        started.append(round(clock.now - 1060, 3))
        clock.now += took

    assert started == [0.204, 0.408, 0.612, 1.112]
    assert len(clock.slept) == 3


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1"}, 1.0),
        ({"RateLimit-Remaining": " 0 ", "RateLimit-Reset": "1.5"}, 1.5),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "2"}, 2.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "0"}, 0.204),
        ({"RateLimit-Remaining": "0"}, 0.204),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "soon"}, 0.204),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1790000000"}, 0.204),
        ({"RateLimit-Remaining": "1", "RateLimit-Reset": "1"}, 0.204),
        ({"RateLimit-Reset": "1"}, 0.204),
        ({}, 0.204),
    ],
)
def test_when_the_rate_is_used_up_it_waits_until_yotpo_resets_the_count(headers: dict[str, str], waited: float) -> None:
    clock = Clock()
    limiter = clock.limiter()
    limiter.wait()
    limiter.update_from_headers(headers)
    limiter.wait()

    assert clock.slept == [pytest.approx(0.204), pytest.approx(waited)]


def test_a_rate_that_our_own_requests_have_used_up_needs_no_extra_wait() -> None:
    clock = Clock()
    limiter = clock.limiter()
    for _ in range(7):
        limiter.wait()
        limiter.update_from_headers(
            {"RateLimit-Remaining": "0", "RateLimit-Reset": "1"} if len(clock.slept) >= 5 else {}
        )

    assert clock.slept == [pytest.approx(0.204)] * 7


def test_a_slow_yotpo_with_a_used_up_rate_was_asked_by_others() -> None:
    clock = Clock()
    limiter = clock.limiter()
    for _ in range(6):
        limiter.wait()
        clock.now += 0.5
    limiter.update_from_headers({"RateLimit-Remaining": "0", "RateLimit-Reset": "1"})
    limiter.wait()

    assert clock.slept[-1] == pytest.approx(1.0)


def test_a_long_wait_is_left_to_the_caller() -> None:
    clock = Clock()
    limiter = clock.limiter()
    limiter.wait()
    limiter.update_from_headers({"RateLimit-Remaining": "0", "RateLimit-Reset": "30"})
    with pytest.raises(YotpoUnavailable, match="no more requests for this store for 30 s") as error:
        limiter.wait()
    clock.now += 29

    assert error.value.limited
    assert error.value.retry_after == pytest.approx(30)
    limiter.wait()
    assert clock.slept == [pytest.approx(0.204), pytest.approx(1)]


def test_yotpos_headers_are_heeded() -> None:
    spent = NOBODY._replace(headers={"ratelimit-remaining": "0", "ratelimit-reset": "30"})
    with answering(spent) as yotpo:
        store_client = yotpo.store_client()
        store_client.customers()
        with pytest.raises(YotpoUnavailable) as error:
            store_client.customers()

    assert error.value.retry_after == pytest.approx(30, abs=5)
    assert len(yotpo.asked) == 1
