"""Sends webhooks slowly, so that many requests are under way at the same time."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import orjson

from connector.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults.plan import Event

#: The end of each body is sent byte by byte, in about three seconds.
_SLOW_BYTES, _PAUSE_SECONDS = 12, 0.25
#: The web process waits 20 s for a body.
_UNDER_WAY_SECONDS = 15.0
_TIMEOUT_SECONDS = 30.0
_POLL_SECONDS = 0.02

#: Stands for the status of a response that did not come.
NONE = "none"


class SlowSenders:
    """A thread and a connection for each event. As a context manager, it waits at the end until all have ended."""

    def __init__(self, url: str, events: Sequence[Event]) -> None:
        self._address = urlsplit(url)
        self._events = events
        self._under_way: set[Event] = set()
        self._ends: dict[Event, str] = {}
        self._go_on = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(event,), daemon=True) for event in events]

    def __enter__(self) -> Self:
        """Begin to send, and wait until the web process reads all bodies. Raises OperatorError if it does not."""
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + _UNDER_WAY_SECONDS
        while len(self._under_way) < len(self._events):
            if time.monotonic() > deadline or self._ends:
                self.__exit__()
                raise OperatorError(f"only {len(self._under_way)} of {len(self._events)} requests were under way")
            time.sleep(_POLL_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        for thread in self._threads:
            thread.join()

    def go_on(self) -> None:
        """Send the rest of the bodies, byte by byte."""
        self._go_on.set()

    @property
    def under_way(self) -> int:
        """How many requests have no response yet."""
        return len(self._events) - len(self._ends)

    def responses(self) -> Counter[str]:
        """Count the responses by their status. `NONE` counts the connections that were cut without a response."""
        return Counter(self._ends.values())

    def _send(self, event: Event) -> None:
        event.sent_at = time.time()
        try:
            status = self._exchange(event)
        except (OSError, http.client.HTTPException):
            status = NONE
        event.turned_away += event.accepted_at is None
        self._ends[event] = status

    def _exchange(self, event: Event) -> str:
        """Send a webhook and return the status of the response."""
        address, body = self._address, event.body
        with socket.create_connection((address.hostname, address.port), timeout=_TIMEOUT_SECONDS) as client:
            head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
            # With this header, the web process answers 100 when it begins to read the body.
            head += "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
            client.sendall(head.encode() + body[:-_SLOW_BYTES])
            if not client.recv(100).startswith(b"HTTP/1.1 100 "):
                raise http.client.HTTPException("the web process does not read the body")
            self._under_way.add(event)
            self._go_on.wait(_TIMEOUT_SECONDS)
            for byte in body[-_SLOW_BYTES:]:
                time.sleep(_PAUSE_SECONDS)
                client.sendall(bytes([byte]))
            response = http.client.HTTPResponse(client)
            response.begin()
            content = response.read()
        if response.status == http.client.OK:
            event.journal_id = orjson.loads(content)["id"]
            event.accepted_at = time.time()
        return str(response.status)
