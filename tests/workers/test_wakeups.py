"""Wake-ups: many become few, none is lost, and a sender that fails is tried again."""

from __future__ import annotations

import threading
import time

from connector.workers.wakeups import WakeUps
from tests.measuring import quickest

INTERVAL, REST = 0.05, 1.0
PATIENCE = 60.0


class Sender:
    """Receives wake-ups and records the time of each call. The first `failures` calls fail."""

    def __init__(self, *, failures: int = 0, unwanted: int = 0) -> None:
        self.tried_at: list[float] = []
        self.sent = threading.Event()
        self._failures = failures
        self._unwanted = unwanted

    def __call__(self) -> bool:
        self.tried_at.append(time.monotonic())
        if len(self.tried_at) <= self._failures:
            raise ConnectionError
        if len(self.tried_at) <= self._unwanted:
            return False
        self.sent.set()
        return True


def test_a_wake_up_is_sent_at_once_and_once() -> None:
    sender = Sender()
    wake = WakeUps(sender)
    time.sleep(2 * INTERVAL)
    assert sender.tried_at == []

    wake()
    assert sender.sent.wait(PATIENCE)
    time.sleep(5 * INTERVAL)
    assert len(sender.tried_at) == 1


def test_many_wake_ups_become_few_and_the_last_is_not_lost() -> None:
    sender = Sender()
    wake = WakeUps(sender)
    started = time.monotonic()
    wished = 0
    while time.monotonic() < started + 10 * INTERVAL or wished <= 100:
        wake()
        wished += 1
    last = time.monotonic()
    wake()

    patience = last + PATIENCE
    while sender.tried_at[-1] < last:
        assert time.monotonic() < patience
        time.sleep(0.01)
    assert wished > 100
    assert 2 <= len(sender.tried_at) <= (sender.tried_at[-1] - started) / INTERVAL + 3
    pauses = [later - earlier for earlier, later in zip(sender.tried_at, sender.tried_at[1:], strict=False)]
    assert min(pauses) >= INTERVAL * 0.9


def test_a_failed_wake_up_is_sent_again_by_itself() -> None:
    sender = Sender(failures=2)
    WakeUps(sender)()

    assert sender.sent.wait(PATIENCE)
    assert len(sender.tried_at) == 3
    assert sender.tried_at[2] - sender.tried_at[0] >= 2 * REST * 0.9


def test_a_wake_up_that_is_not_wanted_now_is_sent_a_little_later() -> None:
    sender = Sender(unwanted=3)
    WakeUps(sender)()

    assert sender.sent.wait(PATIENCE)
    time.sleep(5 * INTERVAL)
    assert len(sender.tried_at) == 4


def test_after_a_failure_nothing_is_sent_for_a_while() -> None:
    sender = Sender(failures=1000)
    wake = WakeUps(sender)
    while len(sender.tried_at) < 2:
        wake()
        time.sleep(0.01)

    first, second = sender.tried_at[:2]
    assert second - first >= REST * 0.9


def test_after_a_failure_it_is_as_quick_as_before() -> None:
    sender = Sender(failures=1)
    wake = WakeUps(sender)
    wake()
    assert sender.sent.wait(PATIENCE)

    def measure() -> float:
        sender.sent.clear()
        asked = time.monotonic()
        wake()
        assert sender.sent.wait(PATIENCE)
        return sender.tried_at[-1] - asked

    assert quickest(measure, below=REST * 0.9) < REST * 0.9


def test_a_wake_up_while_another_is_being_sent_is_not_lost() -> None:
    sending, let_go, sent = threading.Event(), threading.Event(), threading.Semaphore(0)

    def send() -> None:
        sending.set()
        let_go.wait(PATIENCE)
        sent.release()

    wake = WakeUps(send)
    wake()
    assert sending.wait(PATIENCE)
    wake()
    let_go.set()

    assert sent.acquire(timeout=PATIENCE)
    assert sent.acquire(timeout=PATIENCE)
    assert not sent.acquire(timeout=3 * INTERVAL)


def test_a_caller_does_not_wait_for_a_slow_sender() -> None:
    sending, let_go, sent = threading.Event(), threading.Event(), threading.Event()

    def send() -> None:
        sending.set()
        let_go.wait(PATIENCE)
        sent.set()

    wake = WakeUps(send)
    wake()
    assert sending.wait(PATIENCE)
    for _ in range(1000):
        wake()

    assert not sent.is_set()
    let_go.set()
