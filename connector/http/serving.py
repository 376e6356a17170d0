"""Runs a WSGI application on granian. It reads each request whole before a thread handles it.

A thread that reads a slow client's body cannot do anything else, so a few slow clients would stall all others. Here the
event loop reads the bodies of all clients at the same time, each with a deadline and a limit.

The event loop itself runs the application for paths that are quick. Such a request may be answered later, when another
thread has done some work for it (`Later`). To hand each webhook to a thread and back costs a third of the web process.
"""

from __future__ import annotations

import asyncio
import gc
import io
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: The deadline for a client that sends its body slowly.
_BODY_SECONDS = 20.0
_TIMEOUT = 408
#: How many objects more than before there are when the garbage collector looks at the new ones.
_GC_THRESHOLD = 20_000
#: How often deadlines are checked.
_CHECK_SECONDS = 0.1
#: How many more bytes are read of a body that is too large. If the connection were closed while the client still sends,
#: the client could not read the response.
_DRAIN_LIMIT = 32 * 1024 * 1024
_WITHOUT_PREFIX = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}
#: In the WSGI environment of a request that is handled on the event loop: a list, in which the application may leave
#: its `Later`. Other servers have no such key.
LATER = "connector.later"

#: Status, headers and body.
Answer = tuple[int, list[tuple[str, str]], bytes]


@dataclass(frozen=True, slots=True)
class Later:
    """The application's promise to answer when another thread has done some work. No thread waits meanwhile."""

    work: Future[Any]
    #: After this time the response is made even if the work is not done.
    seconds: float
    respond: Callable[[], Answer]


class Application(NamedTuple):
    """A WSGI application."""

    wsgi: Wsgi
    #: Returns whether the application handles a path without waiting for anything, so that the event loop may run it.
    is_quick: Callable[[str], bool]


class Served:
    """An application for granian's interface RSGI (version 1.6 of its specification)."""

    def __init__(self, create: Callable[[], Application], *, threads: int, body_limit: int) -> None:
        """`create` makes the application in each web process. `body_limit` is in bytes.

        The application gets one byte more than the limit of a body that is too large, and refuses it.
        """
        self._create = create
        self._threads = threads
        self._body_limit = body_limit
        self._application: Application
        self._executor: ThreadPoolExecutor
        self._deadlines: _Deadlines

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._application = self._create()
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="request")
        self._deadlines = _Deadlines(loop)
        # What was made until now lives as long as the process. The garbage collector need not look at it again, and
        # less often at the objects of requests: nearly all of them are gone when a request ends.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        body = await self._read(protocol)
        if body is None:
            protocol.response_empty(_TIMEOUT, [("connection", "close")])
            return
        environ = _environ(scope, body)
        if self._application.is_quick(scope.path):
            environ[LATER] = []
            answer = self._call(environ)
            for later in environ[LATER]:
                answer = await self._wait_for(later)
        else:
            answer = await asyncio.get_running_loop().run_in_executor(self._executor, self._call, environ)
        protocol.response_bytes(*answer)

    async def _read(self, protocol: Any) -> bytes | None:
        """Return the body; None if the client is too slow."""
        body = bytearray()
        size = 0
        task = asyncio.current_task()
        self._deadlines.add(task, _BODY_SECONDS)
        try:
            async for chunk in protocol:
                size += len(chunk)
                body += chunk[: self._body_limit + 1 - len(body)]
                if size > self._body_limit + _DRAIN_LIMIT:
                    break
        except asyncio.CancelledError:
            if self._deadlines.is_over(task):
                return None
            raise
        finally:
            self._deadlines.remove(task)
        return bytes(body)

    async def _wait_for(self, later: Later) -> Answer:
        done = asyncio.wrap_future(later.work)
        self._deadlines.add(done, later.seconds)
        try:
            await done
        except asyncio.CancelledError:
            if not self._deadlines.is_over(done):
                raise
        except Exception:  # noqa: BLE001, S110 - `respond` finds the error in the future
            pass
        finally:
            self._deadlines.remove(done)
        return later.respond()

    def _call(self, environ: dict[str, Any]) -> Answer:
        """Return the application's response."""
        started: list[tuple[str, list[tuple[str, str]]]] = []
        chunks = self._application.wsgi(environ, lambda status, headers, *_: started.append((status, headers)))
        try:
            content = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        ((status, headers),) = started
        return int(status.partition(" ")[0]), [(name.lower(), value) for name, value in headers], content


class _Deadlines:
    """Cancels tasks and futures that take too long.

    One timer checks all of them, because a timer for each request would cost as much as the request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ends_at: dict[Any, float] = {}
        self._check()

    def add(self, task: Any, seconds: float) -> None:
        self._ends_at[task] = self._loop.time() + seconds

    def remove(self, task: Any) -> None:
        del self._ends_at[task]

    def is_over(self, task: Any) -> bool:
        return self._ends_at[task] <= self._loop.time()

    def _check(self) -> None:
        now = self._loop.time()
        for task in [task for task, ends_at in self._ends_at.items() if ends_at <= now]:
            task.cancel()
        self._loop.call_later(_CHECK_SECONDS, self._check)


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
