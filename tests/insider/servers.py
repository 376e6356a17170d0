"""Servers in the place of Insider that send the response a test needs, and users to send to them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.insider import wire
from connector.model import Options, Store, UserUpdate

if TYPE_CHECKING:
    from collections.abc import Iterator
TOKEN = "the-token-of-the-store"


class Bare:
    """A server for one connection: it keeps the request, and sends a given response byte by byte."""

    def __init__(self, listening: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.received = b""
        self._listening = listening

    def answer(self, parts: tuple[bytes, ...], pause_seconds: float) -> None:
        with contextlib.suppress(OSError), self._listening.accept()[0] as connection:
            while not self.received.endswith(b"]}"):
                self.received += connection.recv(65_536)
            for part in parts:
                connection.sendall(part)
                time.sleep(pause_seconds)


@contextlib.contextmanager
def bare(*parts: bytes, pause_seconds: float = 0) -> Iterator[Bare]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Bare(listening)
        thread = threading.Thread(target=server.answer, args=(parts, pause_seconds))
        thread.start()
        try:
            yield server
        finally:
            thread.join()


def store_at(insider_url: str) -> Store:
    return Store(
        id=1,
        name="acme",
        webhook_token="the-token-of-the-webhooks",
        webhook_secret="the-secret-of-the-webhooks",
        webhook_secret_header="Authorization",
        insider_partner="acme",
        insider_token=TOKEN,
        insider_url=insider_url,
        options=Options(),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def person(email: str = "a@example.com", **attributes: Any) -> bytes:
    return wire.encode_user(UserUpdate(identifiers={"email": email}, attributes=attributes or {"name": "Ann"}))
