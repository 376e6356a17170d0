"""A server that sends given responses in Yotpo's place, one after the other, and keeps the requests it received."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from connector.http.outbound import Sender
from connector.model import YotpoAccount
from connector.yotpo.access import Access
from connector.yotpo.client import Hosts, StoreClient, Yotpo
from connector.yotpo.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOKEN = "token-of-the-store-1a2b3c"
RENEWED = "token-that-is-new-4d5e6f"
SECRET = "secret-of-the-store-7g8h9i"
GUID, KEY = "guid-of-the-merchant-0j1k", "key-of-the-merchant-2l3m"
CODE, CLIENT_SECRET = "code-of-the-redirect-4n5o", "secret-of-the-app-6p7q"
SECRETS = (TOKEN, RENEWED, SECRET, GUID, KEY, CODE, CLIENT_SECRET)
APP_KEY = "Xk3PqLmN8vRtYwZa5BcD7EfGh2JiKoUs4TnWx6Vy"


class Answer(NamedTuple):
    """A response. `length` is its Content-Length, which may be wrong; None leaves the header out."""

    status: int = 200
    #: ``<echo>`` in it is replaced by the whole request: the URL, the body, and the headers.
    body: bytes = b"{}"
    headers: Mapping[str, str] = {}
    length: int | None = -1
    pieces: int = 1
    pause_seconds: float = 0


def told(content: object, status: int = 200, **headers: str) -> Answer:
    """Return a response in JSON. `headers` have underscores instead of hyphens."""
    return Answer(
        status, json.dumps(content).encode(), {name.replace("_", "-"): value for name, value in headers.items()}
    )


RENEWAL = told({"access_token": RENEWED})
EXPIRED = told({"error": "Unauthorized"}, 401)
NOBODY = told({"customers": [], "pagination": {"next_page_info": None}})


class Asked(NamedTuple):
    """A request as it was received."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: Any
    arrived: float


@dataclass
class Server:
    """The server's URL, its next responses (the last one repeats), and the requests it received."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def account(self, **changes: Any) -> YotpoAccount:
        """Return an account of a store's own secret, with a token and merchant keys."""
        given: dict[str, Any] = {
            "store_id": 1,
            "app_key": APP_KEY,
            "mode": "own",
            "token": TOKEN,
            "secret": SECRET,
            "loyalty_guid": GUID,
            "loyalty_key": KEY,
        }
        return YotpoAccount(**{**given, **changes})

    @property
    def hosts(self) -> Hosts:
        return Hosts(f"{self.url}/core-host", f"{self.url}/developers-host/", f"{self.url}/loyalty-host")

    def client(self) -> Yotpo:
        return Yotpo(hosts=self.hosts, connect_seconds=1, read_seconds=5)

    def store_client(self, *, read_seconds: float = 5, hosts: Hosts | None = None, **changes: Any) -> StoreClient:
        """Return a client without waits, so that the tests are fast."""
        sender = Sender(connect_seconds=1, read_seconds=read_seconds, bytes_limit=8_000_000)
        return StoreClient(
            Access(sender, hosts or self.hosts, self.account(**changes), RateLimiter(sleep=lambda _: None))
        )

    def app_store_client(self, **changes: Any) -> StoreClient:
        """Return the client of a store that has connected Yotpo's app."""
        return self.store_client(
            **{"mode": "oauth", "secret": None, "loyalty_guid": None, "loyalty_key": None, **changes}
        )

    @property
    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


@contextlib.contextmanager
def answering(*answers: Answer) -> Iterator[Server]:
    """Serve these answers."""
    server = Server(answers=list(answers))
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(server)) as listening:
        listening.daemon_threads = True
        server.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            arrived = time.monotonic()
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            content = json.loads(body) if body else None
            server.asked.append(Asked(self.command, parts.path, query, headers, content, arrived))
            answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
            echo = f"{self.path} {body.decode()} {headers}".replace('"', "'").encode()
            with contextlib.suppress(OSError):
                self._send(answer._replace(body=answer.body.replace(b"<echo>", echo)))

        def _send(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.length is not None and answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body) if answer.length < 0 else answer.length))
            self.end_headers()
            size = max(1, len(answer.body) // answer.pieces)
            for start in range(0, len(answer.body) if answer.status != 204 else 0, size):
                self.wfile.write(answer.body[start : start + size])
                time.sleep(answer.pause_seconds)
            self.close_connection = answer.length is None or answer.length > len(answer.body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
