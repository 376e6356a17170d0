"""Sends the webhooks of a plan to the intake, as Yotpo would.

The webhooks of a customer are sent one by one. Each webhook is sent again until it is accepted.
"""

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
#: The wait before the same webhook is sent again.
_RETRY_SECONDS = 0.2
_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.02


class Load:
    """A pool of sending threads. A customer's webhooks are never divided between threads, so they stay in order."""

    def __init__(self, url: str, plan: Plan, *, rate: float, copies: int = 1) -> None:
        """Send at most `rate` events in a second. `copies` is the number of threads that send each event."""
        self.events = [event for events in plan.values() for event in events]
        self._url = url
        self._rate = rate
        self._over = threading.Event()
        self._slots = itertools.count()
        self._started = time.monotonic()
        shares: list[list[list[Event]]] = [[] for _ in range(_THREADS)]
        for position, events in enumerate(plan.values()):
            for copy in range(copies):
                # The copies go to different threads.
                shares[(position + copy) % _THREADS].append(events)
        self._copies = copies
        self._threads = [threading.Thread(target=self._send, args=(_in_turns(share),), daemon=True) for share in shares]

    def start(self) -> None:
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    @property
    def accepted(self) -> int:
        return sum(event.accepted_at is not None for event in self.events)

    def wait_for(self, share: float, seconds: float) -> bool:
        """Wait until a share of the events has been accepted; return False if that takes too long."""
        deadline = time.monotonic() + seconds
        while self.accepted < share * len(self.events):
            if time.monotonic() > deadline or not self.is_alive():
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def is_alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def finish(self, seconds: float) -> None:
        """Wait until everything has been accepted, but at most `seconds`, and stop."""
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
        """Send a webhook until it is accepted; return False if the load is stopped before that."""
        while not self._over.is_set():
            event.sent_at = event.sent_at or time.time()
            receipt = sender.post(event.body)
            if receipt is not None:
                event.journal_id = receipt["id"]
                event.accepted_at = event.accepted_at or time.time()
                return True
            event.turned_away += 1
            self._over.wait(_RETRY_SECONDS)
        return False


class _Sender:
    """One connection to the intake; it is opened again if it breaks."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)

    def post(self, body: bytes) -> dict[str, Any] | None:
        """Return the JSON of a response with 200; None for any other response, or if there is no response."""
        try:
            self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None
        receipt: dict[str, Any] | None = orjson.loads(content) if response.status == http.client.OK else None
        return receipt

    def close(self) -> None:
        self._connection.close()


def _in_turns(customers: list[list[Event]]) -> Iterator[Event]:
    """Yield the first event of each customer, then the second of each, and so on."""
    for turn in itertools.zip_longest(*customers):
        yield from (event for event in turn if event is not None)
