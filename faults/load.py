"""Sends a plan to the intake as Yotpo would: a customer's webhooks one after another, each until it is accepted."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.plan import Event, Plan

_THREADS = 8
#: Between two tries at the same webhook.
_AGAIN_SECONDS = 0.2
_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.02


class Load:
    """A pool of senders. Customers are dealt to the threads, so nothing of a customer overtakes itself."""

    def __init__(self, url: str, plan: Plan, *, rate: float, copies: int = 1) -> None:
        """`rate` is how many events are sent in a second at most; each of them is sent by so many threads."""
        self.events = [event for events in plan.values() for event in events]
        self._url = url
        self._rate = rate
        self._over = threading.Event()
        self._slots = itertools.count()
        self._started = time.monotonic()
        dealt: list[list[list[Event]]] = [[] for _ in range(_THREADS)]
        for position, events in enumerate(plan.values()):
            for copy in range(copies):
                # Neighbouring threads, so that no two copies are sent by the same one.
                dealt[(position + copy) % _THREADS].append(events)
        self._copies = copies
        self._threads = [threading.Thread(target=self._send, args=(_in_turns(mine),), daemon=True) for mine in dealt]

    def start(self) -> None:
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    @property
    def accepted(self) -> int:
        return sum(event.accepted_at is not None for event in self.events)

    def wait_for(self, share: float, seconds: float) -> bool:
        """Wait until a share of the events has been accepted; False where it takes too long."""
        deadline = time.monotonic() + seconds
        while self.accepted < share * len(self.events):
            if time.monotonic() > deadline or not self.is_alive():
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def is_alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def finish(self, seconds: float) -> None:
        """Wait until everything has been accepted, but not for ever."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.stop()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _send(self, events: Iterator[Event]) -> None:
        sender = _Sender(self._url)
        try:
            for event in events:
                self._pace()
                if not self._deliver(sender, event):
                    return
        finally:
            sender.close()

    def _pace(self) -> None:
        due = self._started + next(self._slots) / (self._rate * self._copies)
        self._over.wait(max(0.0, due - time.monotonic()))

    def _deliver(self, sender: _Sender, event: Event) -> bool:
        """Send a webhook until it is accepted; False where the time is over before that."""
        while not self._over.is_set():
            event.sent_at = event.sent_at or time.time()
            answer = sender.post(event.body)
            if answer is not None:
                event.journal_id = answer["id"]
                event.accepted_at = event.accepted_at or time.time()
                return True
            event.turned_away += 1
            self._over.wait(_AGAIN_SECONDS)
        return False


class _Sender:
    """One connection to the intake, opened anew where it breaks."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)

    def post(self, body: bytes) -> dict[str, Any] | None:
        """Return what a 200 says; None for any other answer, and for none at all."""
        try:
            self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None
        told: dict[str, Any] | None = orjson.loads(content) if answer.status == http.client.OK else None
        return told

    def close(self) -> None:
        self._connection.close()


def _in_turns(customers: list[list[Event]]) -> Iterator[Event]:
    """Yield the first event of each customer, then the second of each, and so on."""
    for turn in itertools.zip_longest(*customers):
        yield from (event for event in turn if event is not None)
