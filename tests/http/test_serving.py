"""The web process and its clients: slow ones, large bodies, and a SIGTERM while requests are under way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from connector.sandbox.processes import free_port
from tests.intake.webhooks import Store, points_earned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow

SLOW = 200
#: A byte each second keeps a client far below any limit for idle connections.
TRICKLE_SECONDS = 1.0


@pytest.fixture(scope="module")
def store(stack: Stack) -> Store:
    return Store(stack)


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    return socket.create_connection((address.hostname, address.port), timeout=60)


def request(url: str, body: bytes, *, version: str = "1.1") -> bytes:
    address = urlsplit(url)
    head = f"POST {address.path} HTTP/{version}\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Content-Type: application/json\r\n\r\n" + body


def webhook() -> bytes:
    return json.dumps(points_earned()).encode()


@contextlib.contextmanager
def slow_clients(url: str, first: bytes, trickle: bytes) -> Iterator[None]:
    """Keep many connections open. Each has sent `first`, and sends a byte of `trickle` now and then."""
    ended = threading.Event()
    with contextlib.ExitStack() as exits:
        clients = [exits.enter_context(connect(url)) for _ in range(SLOW)]
        for client in clients:
            client.sendall(first)

        def send() -> None:
            for byte in trickle:
                if ended.wait(TRICKLE_SECONDS):
                    return
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.sendall(bytes([byte]))

        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield
        finally:
            ended.set()
            sender.join()


def idle(_url: str) -> tuple[bytes, bytes]:
    return b"", b""


def trickling_headers(url: str) -> tuple[bytes, bytes]:
    whole = request(url, webhook())
    return whole[:20], whole[20:]


def trickling_bodies(url: str) -> tuple[bytes, bytes]:
    whole = request(url, webhook())
    end = whole.index(b"\r\n\r\n") + 4
    return whole[:end], whole[end:]


def unknown_token(url: str) -> tuple[bytes, bytes]:
    return trickling_bodies(url.rpartition("/")[0] + "/" + "x" * 43)


def lingering(url: str) -> tuple[bytes, bytes]:
    """An old client that does not close its connection after the response."""
    return request(url, webhook(), version="1.0"), b""


@pytest.mark.parametrize("kind", [idle, trickling_headers, trickling_bodies, unknown_token, lingering])
def test_two_hundred_slow_clients_hold_up_no_other(store: Store, kind: Callable[[str], tuple[bytes, bytes]]) -> None:
    with slow_clients(store.url, *kind(store.url)):
        time.sleep(2)
        started = time.monotonic()
        answers = [store.post(points_earned()).status_code for _ in range(20)]
        seconds = time.monotonic() - started

    assert answers == [200] * 20
    # With a thread for each client, the first of them waits ten seconds and more.
    assert seconds < 5


def test_a_client_that_does_not_end_its_body_is_sent_away(store: Store) -> None:
    first, _ = trickling_bodies(store.url)
    with connect(store.url) as client:
        client.sendall(first)

        assert client.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_sends_far_too_much_can_read_the_response(store: Store) -> None:
    body = b'{"topic": "' + b"x" * 5_000_000 + b'"}'
    with connect(store.url) as client:
        client.sendall(request(store.url, body))

        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_sigterm_lets_two_hundred_requests_under_way_finish(stack: Stack, store: Store) -> None:
    port = str(free_port())
    stack.launch("another-web", "web", PORT=port, WEB_CONCURRENCY="2", INTAKE_TIMEOUT_SECONDS="1.9")
    url = f"http://127.0.0.1:{port}{urlsplit(store.url).path}"
    stack.group.wait_for_http("another-web", f"http://127.0.0.1:{port}/health")

    def post(_number: int) -> bytes:
        with connect(url) as client:
            client.sendall(request(url, webhook()))
            return client.recv(100)

    with psycopg.connect(stack.environment["DATABASE_URL"]) as locker, ThreadPoolExecutor(200) as clients:
        locker.execute("lock table events in access exclusive mode")
        answers = [clients.submit(post, number) for number in range(200)]
        time.sleep(0.7)
        os.kill(stack.group.pid("another-web"), signal.SIGTERM)
        time.sleep(0.3)
        locker.rollback()
        statuses = {answer.result()[:12] for answer in answers}

    # A request may have waited too long for PostgreSQL. Then the client sends it again.
    assert statuses <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}
    assert stack.group.wait_for_exit("another-web", 25) == 0


def test_a_wrong_setting_is_told_in_one_sentence(stack: Stack) -> None:
    stack.launch("wrong-web", "web", PORT=str(free_port()), SECRET_KEY="short")

    assert stack.group.wait_for_exit("wrong-web", 60) == 1
    log = stack.group.tail("wrong-web")
    assert "error: SECRET_KEY: it must be 16 characters or more." in log
    assert "Traceback" not in log
