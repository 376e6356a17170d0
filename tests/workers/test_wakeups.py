"""Wake-ups: many become few, none is lost, and a sender that fails is tried again."""

from __future__ import annotations

import threading
import time

from connector.workers.wakeups import WakeUps

INTERVAL, REST = 0.05, 1.0


class Sender:
    """Receives wake-ups, or fails for as long as it should, and remembers when each came."""

    def __init__(self, *, failures: int = 0) -> None:
        self.tried_at: list[float] = []
        self.sent = threading.Event()
        self._failures = failures

    def __call__(self) -> None:
        self.tried_at.append(time.monotonic())
        if len(self.tried_at) <= self._failures:
            raise ConnectionError
        self.sent.set()


def test_a_wake_up_is_sent_at_once_and_once() -> None:
    sender = Sender()
    wake = WakeUps(sender)
    time.sleep(2 * INTERVAL)
    assert sender.tried_at == []

    wake()
    assert sender.sent.wait(5)
    time.sleep(5 * INTERVAL)
    assert len(sender.tried_at) == 1


def test_many_wake_ups_become_few_and_the_last_is_not_lost() -> None:
    sender = Sender()
    wake = WakeUps(sender)
    started = time.monotonic()
    wished = 0
    while time.monotonic() < started + 10 * INTERVAL:
        wake()
        wished += 1
    sender.sent.clear()
    last = time.monotonic()
    wake()

    assert sender.sent.wait(5)
    assert sender.tried_at[-1] >= last
    assert wished > 100
    assert 2 <= len(sender.tried_at) <= 13
    pauses = [later - earlier for earlier, later in zip(sender.tried_at, sender.tried_at[1:], strict=False)]
    assert min(pauses) >= INTERVAL * 0.9


def test_a_failed_wake_up_is_sent_again_by_itself() -> None:
    sender = Sender(failures=2)
    WakeUps(sender)()

    assert sender.sent.wait(10)
    assert len(sender.tried_at) == 3
    assert sender.tried_at[2] - sender.tried_at[0] >= 2 * REST * 0.9


def test_after_a_failure_nothing_is_sent_for_a_while() -> None:
    sender = Sender(failures=1000)
    wake = WakeUps(sender)
    ends_at = time.monotonic() + REST * 0.8
    while time.monotonic() < ends_at:
        wake()
        time.sleep(0.01)

    assert len(sender.tried_at) == 1


def test_after_a_failure_it_is_as_quick_as_before() -> None:
    sender = Sender(failures=1)
    wake = WakeUps(sender)
    wake()
    assert sender.sent.wait(10)
    sender.sent.clear()
    asked = time.monotonic()
    wake()

    assert sender.sent.wait(5)
    assert sender.tried_at[-1] - asked < REST * 0.9


def test_a_wake_up_while_another_is_being_sent_is_not_lost() -> None:
    sending, let_go, sent = threading.Event(), threading.Event(), threading.Semaphore(0)

    def send() -> None:
        sending.set()
        let_go.wait(10)
        sent.release()

    wake = WakeUps(send)
    wake()
    assert sending.wait(5)
    wake()
    let_go.set()

    assert sent.acquire(timeout=5)
    assert sent.acquire(timeout=5)
    assert not sent.acquire(timeout=3 * INTERVAL)


def test_a_caller_does_not_wait_for_a_slow_sender() -> None:
    let_go = threading.Event()

    def send() -> None:
        let_go.wait(10)

    wake = WakeUps(send)
    started = time.monotonic()
    for _ in range(1000):
        wake()
    took = time.monotonic() - started
    let_go.set()

    assert took < 1
