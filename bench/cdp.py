"""A dummy customer data platform: accepts every user, as fast as it can, and notes when each customer arrived.

``python -m bench.cdp --port N`` runs it. ``GET /arrivals?first=N&number=N`` returns the times of these customers of the
load (`bench.load`) as doubles, ``GET /count`` the numbers of customers, users, user events and requests, ``GET
/reset?delay_ms=N`` forgets them. A user is counted each time it comes.
"""

from __future__ import annotations

import array
import asyncio
import json
import re
import time
from urllib.parse import parse_qs, urlsplit

import click

_NUMBERS = re.compile(rb"c(\d{8})@example\.com")
_EVENTS = re.compile(rb'"event_name"')


class Arrivals:
    """What has arrived since the last reset."""

    def __init__(self) -> None:
        self.reset(0.0)

    def reset(self, delay_seconds: float) -> None:
        self.delay_seconds = delay_seconds
        self.requests = 0
        self.events = 0
        self.users = 0
        self.last_at = 0.0
        self.first_at: dict[int, float] = {}

    def note(self, body: bytes) -> int:
        """Note the customers in a request, and return how many users it has."""
        now = time.monotonic()
        self.requests += 1
        self.events += len(_EVENTS.findall(body))
        self.last_at = now
        for number in _NUMBERS.findall(body):
            self.first_at.setdefault(int(number), now)
        users = body.count(b'"identifiers"')
        self.users += users
        return users


class Server(asyncio.Protocol):
    """One connection."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is a TCP connection
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end]).split(b"\r\n")
            length = next((int(line[15:]) for line in head if line[:15].lower() == b"content-length:"), 0)
            if len(self._received) < end + 4 + length:
                if any(line.lower() == b"expect: 100-continue" for line in head):
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = bytes(self._received[end + 4 : end + 4 + length])
            del self._received[: end + 4 + length]
            method, target, _ = head[0].decode().split(" ")
            self._answer(method, target, body)

    def _answer(self, method: str, target: str, body: bytes) -> None:
        url = urlsplit(target)
        if url.path == "/reset":
            self._arrivals.reset(float(parse_qs(url.query).get("delay_ms", ["0"])[0]) / 1000)
            self._write(b"{}")
        elif url.path == "/count":
            arrivals = self._arrivals
            count = {"customers": len(arrivals.first_at), "users": arrivals.users, "events": arrivals.events}
            self._write(json.dumps({**count, "requests": arrivals.requests, "last_at": arrivals.last_at}).encode())
        elif url.path == "/arrivals":
            wanted = parse_qs(url.query)
            first, number = int(wanted["first"][0]), int(wanted["number"][0])
            numbers = range(first, first + number)
            times = array.array("d", (self._arrivals.first_at.get(number, 0.0) for number in numbers))
            self._write(times.tobytes())
        elif method == "POST":
            users = self._arrivals.note(body)
            response = b'{"data":{"successful":{"count":%d},"fail":{"count":0,"errors":{}}}}' % users
            if self._arrivals.delay_seconds:
                asyncio.get_running_loop().call_later(self._arrivals.delay_seconds, self._write, response)
            else:
                self._write(response)

    def _write(self, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )


@click.command()
@click.option("--port", required=True, type=int)
def main(port: int) -> None:
    """Listen on PORT of this machine."""
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    arrivals = Arrivals()
    server = await asyncio.get_running_loop().create_server(lambda: Server(arrivals), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    main()
