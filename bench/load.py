"""Sends webhooks to a web server, faster than the server can answer: raw requests over a few open connections.

``python -m bench.load`` runs it in a process of its own, so that the measuring process has nothing else to do. It
prints one JSON object with the times. All times are seconds of the monotonic clock, which all processes share.
"""

# ruff: noqa: T201 - the command prints its result

from __future__ import annotations

import array
import asyncio
import json
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from connector.settings import DEFAULT_MAPPINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAMPLE = DEFAULT_MAPPINGS / "examples/swell.points.earned/documented.json"
_EMAIL = "c%08d@example.com"
_PERK = 10**8


class Template:
    """A documented webhook of 1.5 KB, in which only the customer and the perk change. All have the same length."""

    def __init__(self, path: str, host: str, *, customers: int) -> None:
        """`customers` is the number of customers. After this number of webhooks, the first customer comes again."""
        self._customers = customers
        sample: dict[str, Any] = json.loads(_SAMPLE.read_text(encoding="utf-8"))
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sample["email"] = sample["customer"]["email"] = "E" * len(_EMAIL % 0)
        self._placeholder = sample["email"].encode()
        sample["perk"] |= {"id": _PERK, "completed_at": now, "awarded_at": now, "created_at": now}
        sample["customer"]["last_seen_at"] = now
        body = json.dumps(sample).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._request = head.encode() + body

    def __call__(self, number: int) -> bytes:
        email = (_EMAIL % (number % self._customers)).encode()
        return self._request.replace(self._placeholder, email).replace(b"%d" % _PERK, b"%d" % (_PERK + number), 1)


class Load:
    """Sends webhooks with the numbers from `first` on. Each connection waits for a response before the next request."""

    def __init__(self, urls: Sequence[str], *, first: int, number: int, rate: float, customers: int) -> None:
        """The URLs of one server take turns. `rate` is the number of webhooks a second; 0 is as fast as it answers."""
        addresses = [urlsplit(url) for url in urls]
        self._address = addresses[0]
        self._templates = [Template(address.path, address.netloc, customers=customers) for address in addresses]
        self._first = first
        self._next = 0
        self._number = number
        self._rate = rate
        self.statuses: Counter[str] = Counter()
        self.sent_at = array.array("d", bytes(8 * number))
        self.answered_at = array.array("d", bytes(8 * number))

    async def run(self, connections: int) -> None:
        self._started = time.monotonic()
        await asyncio.gather(*(self._send() for _ in range(connections)))

    def request(self, position: int) -> bytes:
        """Return the webhook with this position, which begins with 0."""
        return self._templates[position % len(self._templates)](self._first + position)

    async def _send(self) -> None:
        connection = None
        while (position := self._next) < self._number:
            self._next += 1
            if self._rate:
                await asyncio.sleep(self._started + position / self._rate - time.monotonic())
            request = self.request(position)
            self.sent_at[position] = time.monotonic()
            status = None
            while status is None:
                connection = connection or await asyncio.open_connection(self._address.hostname, self._address.port)
                try:
                    status, is_open = await _answer(*connection, request)
                except (asyncio.IncompleteReadError, ConnectionError):
                    # The server has closed a connection between two requests.
                    is_open = False
                if not is_open:
                    connection[1].close()
                    connection = None
            self.answered_at[position] = time.monotonic()
            self.statuses[status] += 1
        if connection:
            connection[1].close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[str, bool]:
    """Send a request; return the status of the response, and whether the connection stays open."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    lines = head.split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    if length:
        await reader.readexactly(length)
    return lines[0].split()[1].decode(), b"connection: close" not in lines


@click.command()
@click.argument("urls", nargs=-1, required=True)
@click.option("--first", default=0, help="The number of the first webhook.")
@click.option("--number", required=True, type=int, help="How many webhooks to send.")
@click.option("--rate", default=0.0, help="Webhooks a second; 0: as fast as possible.")
@click.option("--customers", default=10**8, help="After this many webhooks, the customers come again.")
@click.option("--connections", default=32)
@click.option("--times", type=click.Path(path_type=Path), help="A file for the time of each request, as doubles.")
def main(  # noqa: PLR0917 - click passes them by name
    urls: tuple[str, ...], first: int, number: int, rate: float, customers: int, connections: int, times: Path | None
) -> None:
    """Send webhooks to the URLS of one server in turns."""
    load = Load(urls, first=first, number=number, rate=rate, customers=customers)
    asyncio.run(load.run(connections))
    latencies = sorted(answered - sent for sent, answered in zip(load.sent_at, load.answered_at, strict=True))
    if times:
        times.write_bytes(load.sent_at.tobytes())
    print(
        json.dumps(
            {
                "started": min(load.sent_at),
                "ended": max(load.answered_at),
                "statuses": load.statuses,
                "p50": latencies[len(latencies) // 2],
                "p99": latencies[len(latencies) * 99 // 100],
            }
        )
    )


if __name__ == "__main__":
    main()
