"""Appends webhooks to the journal in groups: one statement and one commit for all webhooks that wait together.

A web process has one appender. While a group is being committed, the next webhooks queue up and become the next group.
So many webhooks share a commit under load, and a single webhook never waits for others. Each request waits for a
limited time. If PostgreSQL does not answer, the client gets a 503 within two seconds.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, TypeVar

import psycopg

from connector.errors import JournalUnavailable
from connector.journal import events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal.database import Database
    from connector.model import Appended, Incoming

_GROUP_LIMIT = 500
#: If PostgreSQL hangs, at most this number of bytes waits in memory. Further requests fail at once.
_WAITING_BYTES = 32 * 1024 * 1024
#: The memory of a webhook beside its body.
_OVERHEAD = 1000
#: How long all requests fail at once after a failure. So threads do not queue up for a server that cannot be reached.
_OPEN_SECONDS = 0.5

_Result = TypeVar("_Result")
#: The webhooks of one request, and the future that the request waits for.
_Waiting = tuple["Sequence[Incoming]", "Future[list[Appended]]"]


class CircuitBreaker:
    """Waits for PostgreSQL, with a time-out. After a failure, all calls fail at once for half a second."""

    def __init__(self) -> None:
        self._open_until = 0.0

    def check(self) -> None:
        """Raise JournalUnavailable if PostgreSQL has just failed to answer."""
        if time.monotonic() < self._open_until:
            raise JournalUnavailable("PostgreSQL has just failed to answer")

    def wait(self, future: Future[_Result], timeout_seconds: float) -> _Result:
        """Return the future's result, and wait for it if the time-out is not 0.

        After the time-out, cancel the work if it has not begun, and raise JournalUnavailable.
        """
        try:
            return future.result(timeout_seconds)
        except (FutureTimeoutError, CancelledError):
            future.cancel()
            self.open()
            raise JournalUnavailable("PostgreSQL did not answer in time") from None

    def open(self) -> None:
        """Make all calls fail at once for half a second."""
        self._open_until = time.monotonic() + _OPEN_SECONDS


class Appender:
    """Writes the webhooks of many requests in groups, from its own thread. Each process creates one after the fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._counting = threading.Lock()
        self._breaker = CircuitBreaker()
        threading.Thread(target=self._run, name="appender", daemon=True).start()

    def append(self, incoming: Sequence[Incoming]) -> Future[list[Appended]]:
        """Begin to journal the webhooks of one request, all or none, in order. Pass the future to `result`.

        Raises JournalUnavailable if PostgreSQL has just failed to answer, or if too much waits already.
        """
        self._breaker.check()
        with self._counting:
            if self._waiting_bytes > _WAITING_BYTES:
                raise JournalUnavailable("too many webhooks wait for PostgreSQL")
            self._waiting_bytes += _bytes(incoming)
        done: Future[list[Appended]] = Future()
        self._waiting.put((incoming, done))
        return done

    def result(self, appending: Future[list[Appended]], *, timeout_seconds: float) -> list[Appended]:
        """Return the result of `append`. Raises JournalUnavailable if PostgreSQL does not answer in time."""
        # After a time-out, a statement that is already running may still be committed. If Yotpo then sends the webhook
        # again, it is a duplicate.
        return self._breaker.wait(appending, timeout_seconds)

    def _run(self) -> None:
        while True:
            self._write(self._gather())

    def _gather(self) -> list[_Waiting]:
        group = [self._waiting.get()]
        size = len(group[0][0])
        while size < _GROUP_LIMIT:
            try:
                group.append(self._waiting.get_nowait())
            except queue.Empty:
                break
            size += len(group[-1][0])
        with self._counting:
            self._waiting_bytes -= sum(_bytes(incoming) for incoming, _ in group)
        return [waiting for waiting in group if waiting[1].set_running_or_notify_cancel()]

    def _write(self, group: list[_Waiting]) -> None:
        if not group:
            return
        try:
            appended = iter(self._append([webhook for incoming, _ in group for webhook in incoming]))
        except psycopg.DataError as error:
            self._isolate(group, error)
        except Exception as error:  # noqa: BLE001 - each waiting request gets the error
            if isinstance(error, JournalUnavailable):
                self._breaker.open()
            for _, done in group:
                done.set_exception(error)
        else:
            for incoming, done in group:
                done.set_result([next(appended) for _ in incoming])

    def _append(self, incoming: list[Incoming]) -> list[Appended]:
        return self._database.ask(lambda connection: events.append(connection, incoming))

    def _isolate(self, group: list[_Waiting], error: psycopg.DataError) -> None:
        """Write the webhooks of each request separately.

        If PostgreSQL refuses some data, only the request with these data fails.
        """
        if len(group) == 1:
            group[0][1].set_exception(error)
            return
        for incoming, done in group:
            try:
                done.set_result(self._append(list(incoming)))
            except Exception as own_error:  # noqa: BLE001 - as above
                done.set_exception(own_error)


def _bytes(incoming: Sequence[Incoming]) -> int:
    """Return about how much memory webhooks take."""
    return sum(len(webhook.body) + _OVERHEAD for webhook in incoming)
