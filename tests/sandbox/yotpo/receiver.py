"""A server that receives webhooks as the connector would, and keeps them."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.yotpo.simulators import Yotpo

_REVIEWS = ("review_create", "review_updated")


class Arrived(NamedTuple):
    at: float
    path: str
    #: By lower-case name.
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def topic(self) -> str:
        trigger = self.body.get("trigger", {}).get("type", "")
        return str(self.body.get("topic") or self.body.get("event") or trigger)


class Receiver:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.arrived: list[Arrived] = []
        #: The statuses of the next responses; 200 if none is left.
        self.statuses: list[int] = []
        self._lock = threading.Lock()

    def take(self, arrived: Arrived) -> int:
        with self._lock:
            self.arrived.append(arrived)
            return self.statuses.pop(0) if self.statuses else 200

    def cleared(self) -> Receiver:
        self.arrived, self.statuses = [], []
        return self

    def subscribed(self, yotpo: Yotpo, size: int = 300, **pasted: str) -> Yotpo:
        """Open the store anew. Its review webhooks go to /reviews of this server, all others to /loyalty."""
        reviews = dict.fromkeys(_REVIEWS, f"{self.url}/reviews")
        yotpo.tell("stores", {"app_key": "shop", "size": size, "review_webhooks": reviews})
        yotpo.tell("stores/shop/loyalty-webhook", {"url": f"{self.url}/loyalty"} | pasted)
        return yotpo

    def after(self, count: int, seconds: float = 20) -> list[Arrived]:
        """Wait until this many webhooks have arrived, and return them."""
        deadline = time.monotonic() + seconds
        while len(self.arrived) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return list(self.arrived)


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiving.take(Arrived(time.time(), self.path, headers, raw)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiving = Receiver(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiving
        finally:
            server.shutdown()
            thread.join()
