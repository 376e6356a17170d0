"""Appends webhooks: all that wait together share one statement and one commit.

A web process has many threads and one appender. While one group is being committed the next one gathers, so that the
cost of a commit is shared exactly when there is much to do, and a single webhook never waits for company.
The threads wait a limited time, whatever PostgreSQL does: that is what keeps the promise of a 503 within two seconds.
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

_GROUP = 500
#: After a failure everybody is answered at once for so long, instead of queueing threads behind a server that is away.
_DOWN_SECONDS = 0.5

_Answer = TypeVar("_Answer")
_Waiting = tuple["Sequence[Incoming]", "Future[list[Appended]]"]


class CircuitBreaker:
    """Waits for PostgreSQL a limited time; once it was in vain, nobody waits for a moment."""

    def __init__(self) -> None:
        self._down_until = 0.0

    def check(self) -> None:
        """Raise JournalUnavailable where somebody has just waited in vain."""
        if time.monotonic() < self._down_until:
            raise JournalUnavailable("PostgreSQL did not answer a moment ago")

    def wait(self, answer: Future[_Answer], timeout_seconds: float) -> _Answer:
        """Return the answer, or drop the question where it has not been begun. Raises JournalUnavailable."""
        try:
            return answer.result(timeout_seconds)
        except (FutureTimeoutError, CancelledError):
            answer.cancel()
            self.lose()
            raise JournalUnavailable("PostgreSQL did not answer in time") from None

    def lose(self) -> None:
        """Let nobody wait for a moment."""
        self._down_until = time.monotonic() + _DOWN_SECONDS


class Appender:
    """Writes webhooks of many threads in groups, from a thread of its own. Made after the fork, one a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._breaker = CircuitBreaker()
        threading.Thread(target=self._run, name="appender", daemon=True).start()

    def append(self, incoming: Sequence[Incoming], *, timeout_seconds: float) -> list[Appended]:
        """Journal the webhooks of one request, all or none, in order.

        Raises JournalUnavailable where PostgreSQL has not answered in time.
        """
        self._breaker.check()
        done: Future[list[Appended]] = Future()
        self._waiting.put((incoming, done))
        # What is being written when the time is over may yet be committed, and is a duplicate next time.
        return self._breaker.wait(done, timeout_seconds)

    def _run(self) -> None:
        while True:
            self._write(self._gather())

    def _gather(self) -> list[_Waiting]:
        group = [self._waiting.get()]
        size = len(group[0][0])
        while size < _GROUP:
            try:
                group.append(self._waiting.get_nowait())
            except queue.Empty:
                break
            size += len(group[-1][0])
        return [waiting for waiting in group if waiting[1].set_running_or_notify_cancel()]

    def _write(self, group: list[_Waiting]) -> None:
        if not group:
            return
        try:
            appended = iter(self._append([one for incoming, _ in group for one in incoming]))
        except psycopg.DataError as error:
            self._isolate(group, error)
        except Exception as error:  # noqa: BLE001 - whatever it was, each waiting thread is told
            if isinstance(error, JournalUnavailable):
                self._breaker.lose()
            for _, done in group:
                done.set_exception(error)
        else:
            for incoming, done in group:
                done.set_result([next(appended) for _ in incoming])

    def _append(self, incoming: list[Incoming]) -> list[Appended]:
        return self._database.ask(lambda connection: events.append(connection, incoming))

    def _isolate(self, group: list[_Waiting], error: psycopg.DataError) -> None:
        """Write each request's webhooks alone, so that one which PostgreSQL refuses does not fail its neighbours."""
        if len(group) == 1:
            group[0][1].set_exception(error)
            return
        for incoming, done in group:
            try:
                done.set_result(self._append(list(incoming)))
            except Exception as alone:  # noqa: BLE001 - as above
                done.set_exception(alone)
