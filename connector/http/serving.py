"""Runs a WSGI application on granian. It reads each request whole before a thread handles it.

A thread that reads a slow client's body cannot do anything else, so a few slow clients would stall all others. Here the
event loop reads the bodies of all clients at the same time, each with a deadline and a limit.
"""

from __future__ import annotations

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: The deadline for a client that sends its body slowly.
_BODY_SECONDS = 20.0
_TIMEOUT = 408
#: How many more bytes are read of a body that is too large. If the connection were closed while the client still sends,
#: the client could not read the response.
_DRAIN_LIMIT = 32 * 1024 * 1024
_WITHOUT_PREFIX = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


class Served:
    """An application for granian's interface RSGI (version 1.6 of its specification)."""

    def __init__(self, create: Callable[[], Wsgi], *, threads: int, body_limit: int) -> None:
        """`create` makes the application in each web process. `body_limit` is in bytes.

        The application gets one byte more than the limit of a body that is too large, and refuses it.
        """
        self._create = create
        self._threads = threads
        self._body_limit = body_limit
        self._application: Wsgi
        self._executor: ThreadPoolExecutor

    def __rsgi_init__(self, _loop: asyncio.AbstractEventLoop) -> None:
        self._application = self._create()
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="request")

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await self._read(protocol)
        except TimeoutError:
            protocol.response_empty(_TIMEOUT, [("connection", "close")])
            return
        loop = asyncio.get_running_loop()
        protocol.response_bytes(*await loop.run_in_executor(self._executor, self._call, scope, body))

    async def _read(self, protocol: Any) -> bytes:
        body = bytearray()
        size = 0
        async for chunk in protocol:
            size += len(chunk)
            body += chunk[: self._body_limit + 1 - len(body)]
            if size > self._body_limit + _DRAIN_LIMIT:
                break
        return bytes(body)

    def _call(self, scope: Any, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return the status, the headers and the body of the application's response."""
        started: list[tuple[str, list[tuple[str, str]]]] = []
        chunks = self._application(_environ(scope, body), lambda status, headers, *_: started.append((status, headers)))
        try:
            content = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        ((status, headers),) = started
        return int(status.partition(" ")[0]), [(name.lower(), value) for name, value in headers], content


def _environ(scope: Any, body: bytes) -> dict[str, Any]:
    """Return the request as WSGI describes it (PEP 3333)."""
    host, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        # granian has decoded the path already. WSGI wants its bytes as Latin-1.
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        key = _WITHOUT_PREFIX.get(name) or "HTTP_" + name.upper().replace("-", "_")
        separator = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    return environ
