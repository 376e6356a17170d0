"""The journal for `intake`: each call returns or fails within a limited time, even if PostgreSQL does not answer.

The event loop and the threads that handle requests never use PostgreSQL themselves: other threads do this for them. So
a request gets a 503 within two seconds, even if PostgreSQL neither answers nor closes the connection.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from connector import observability
from connector.intake.appending import Appender, CircuitBreaker
from connector.journal import notices, stores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.model import Appended, Incoming, Store

#: How long a store is cached. A rotated token or a changed secret takes effect after this time at the latest.
_STORE_SECONDS = 5.0
#: A store is looked up again this long before it is too old.
_REFRESH_SECONDS = 1.5
_GRACE_SECONDS = 0.05
#: How often counts are written.
_COUNT_SECONDS = 2.0
_THREADS = 4

_Result = TypeVar("_Result")

_log = observability.logger("reception")


class Reception:
    """Finds stores, journals webhooks, and records rejections and counts. Each process creates one after the fork."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._appender = Appender(database)
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="reception")
        self._stores: dict[str, tuple[float, Store]] = {}
        self._refreshing: set[str] = set()
        self._breaker = CircuitBreaker()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._counting = threading.Lock()
        threading.Thread(target=self._write_counts_forever, name="counts", daemon=True).start()

    def store(self, token: str, *, timeout_seconds: float) -> Store | None:
        """Return the store with this token, or None. Raises JournalUnavailable."""
        valid_until, store = self._stores.get(token, (0.0, None))
        # A store that `knows` has just found is at hand for a moment longer.
        if time.monotonic() < valid_until + _GRACE_SECONDS:
            return store
        store = self._ask(lambda: self._find(token), timeout_seconds)
        self._keep(token, store)
        return store

    def _refresh(self, token: str) -> None:
        try:
            self._keep(token, self._find(token))
        finally:
            self._refreshing.discard(token)

    def _keep(self, token: str, store: Store | None) -> None:
        if store is None:
            # Unknown tokens are not cached: a client that guesses tokens must not fill the memory.
            self._stores.pop(token, None)
        else:
            self._stores[token] = (time.monotonic() + _STORE_SECONDS, store)

    def knows(self, token: str) -> bool:
        """Return whether `store` has this token's store at hand, and will not wait for PostgreSQL.

        While webhooks come, a store is looked up again in the background before it gets too old.
        """
        valid_until, _ = self._stores.get(token, (0.0, None))
        left = valid_until - time.monotonic()
        if 0 < left < _REFRESH_SECONDS and token not in self._refreshing:
            self._refreshing.add(token)
            self._executor.submit(_logged, lambda: self._refresh(token))
        return left > 0

    def append(self, incoming: Sequence[Incoming]) -> Future[list[Appended]]:
        """Begin to journal webhooks, all or none, in order. Raises JournalUnavailable."""
        return self._appender.append(incoming)

    def appended(self, appending: Future[list[Appended]], *, timeout_seconds: float) -> list[Appended]:
        """Return the result of `append`. Raises JournalUnavailable if it is not there after the time-out."""
        return self._appender.result(appending, timeout_seconds=timeout_seconds)

    def reject(self, store: Store, *, code: str, message: str, content_type: str, length: int) -> None:
        """Record a rejection without the webhook's body. Another thread writes it, and only logs an error."""

        def write() -> None:
            with self._database.connection() as connection:
                notices.reject(
                    connection, store_id=store.id, code=code, message=message, content_type=content_type, length=length
                )

        self._executor.submit(_logged, write)

    def count(self, answer: str, store: Store | None = None) -> None:
        """Count a request that the journal does not record in any other way."""
        with self._counting:
            self._counts[store.id if store else 0, answer] += 1

    def ping(self) -> None:
        """Raise JournalUnavailable if PostgreSQL does not answer."""
        self._ask(self._database.ping, 1.0)

    def _find(self, token: str) -> Store | None:
        return self._database.ask(lambda connection: stores.by_token(connection, self._vault, token))

    def _ask(self, query: Callable[[], _Result], timeout_seconds: float) -> _Result:
        self._breaker.check()
        return self._breaker.wait(self._executor.submit(query), timeout_seconds)

    def _write_counts_forever(self) -> None:
        while True:
            time.sleep(_COUNT_SECONDS)
            _logged(self._write_counts)

    def _write_counts(self) -> None:
        with self._counting:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        day = datetime.now(UTC)
        # The rows are sorted: processes that lock the same rows in different orders could deadlock.
        rows = [(day, store_id, answer, number) for (store_id, answer), number in sorted(counts.items())]
        try:
            with self._database.transaction() as connection:
                notices.count(connection, rows)
        except Exception:
            with self._counting:
                self._counts.update(counts)
            raise


def _logged(write: Callable[[], None]) -> None:
    """Run a write that no request waits for, and log its failure."""
    try:
        write()
    except Exception as error:  # noqa: BLE001 - there is no caller to raise to
        _log.warning("reception.failed", exc_info=error)
