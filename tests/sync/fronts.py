"""A proxy before the simulator of Yotpo: it gives answers that the simulator cannot give, and keeps the requests."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests

from connector.sync.scheduler import Scheduler
from connector.yotpo.client import Hosts
from connector.yotpo.client import Yotpo as Client
from tests.yotpo.answers import Answer, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from connector.journal.vault import Vault
    from tests.sync.shops import Shop

    #: Returns the answer; None lets the simulator answer.
    Hook = Callable[["Question"], Answer | None]


class Question(NamedTuple):
    """A request for customers, or another one."""

    method: str
    path: str
    query: dict[str, str]

    @property
    def is_page(self) -> bool:
        """Whether the request reads a page of all customers."""
        return self._is_core and not self.query.keys() & {"email", "phone_number"}

    @property
    def is_look_up(self) -> bool:
        return self._is_core and not self.is_page

    @property
    def is_loyalty(self) -> bool:
        return self.path == "/api/v2/customers"

    @property
    def _is_core(self) -> bool:
        return self.method == "GET" and self.path.startswith("/core/") and self.path.endswith("/customers")


class Front:
    """The proxy, and schedulers that ask it."""

    def __init__(self, shop: Shop, hook: Hook) -> None:
        self.url = ""
        self.asked: list[Question] = []
        self._shop = shop
        self._hook = hook

    def scheduler(self, *, settling: float = 0.0, vault: Vault | None = None) -> Scheduler:
        """Return a scheduler whose read time-out is longer than any test waits."""
        return Scheduler(
            database=self._shop.database,
            vault=vault or self._shop.vault,
            yotpo=Client(hosts=Hosts(self.url, self.url, self.url), connect_seconds=2, read_seconds=30),
            settling=timedelta(seconds=settling),
            quiet_seconds=0.5,
            public_url="https://connector.example",
            wake=lambda: None,
        )

    def take(self, times: int = 1, *, seconds: float = 20, settling: float = 0.0) -> None:
        """Run the scheduler until nothing is left to ask, deliver the snapshots, and end pauses."""
        for _ in range(times):
            self.scheduler(settling=settling).run(seconds=seconds)
            self._shop.deliver()
            self._shop.resume_account()

    def answer(self, handler: BaseHTTPRequestHandler) -> Answer:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        question = Question(handler.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))
        self.asked.append(question)
        return self._hook(question) or self._simulated(handler, body)

    def _simulated(self, handler: BaseHTTPRequestHandler, body: bytes) -> Answer:
        own = {"host", "content-length", "accept-encoding", "connection"}
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in own}
        reply = requests.request(
            handler.command, self._shop.yotpo.url + handler.path, data=body, headers=headers, timeout=30
        )
        return Answer(reply.status_code, reply.content)


@contextlib.contextmanager
def before(shop: Shop, hook: Hook = lambda _: None) -> Iterator[Front]:
    """Run a proxy before the simulator."""
    front = Front(shop, hook)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(front)) as listening:
        front.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield front
        finally:
            listening.shutdown()
            thread.join()


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            answer = front.answer(self)
            with contextlib.suppress(OSError):
                self.send_response_only(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler


def page(*customers: dict[str, Any], cursor: str | None = None) -> Answer:
    """Return an answer with these customers."""
    return told({"customers": list(customers), "pagination": {"next_page_info": cursor}})
