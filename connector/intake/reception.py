"""The journal as intake sees it: every question is answered within a limited time, whatever PostgreSQL does.

The threads of a web process ask; other threads talk to PostgreSQL. A thread that asks gives up in time, which keeps the
promise of a 503 within two seconds, even where the server neither answers nor hangs up.
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

    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.model import Appended, Incoming, Store

#: A store is looked up again after this, so a rotated token or a changed secret counts after this at the latest.
_STORE_SECONDS = 5.0
_COUNT_SECONDS = 2.0
_THREADS = 4

_Answer = TypeVar("_Answer")

_log = observability.logger("reception")


class Reception:
    """Looks stores up, journals webhooks, keeps records and counts of those turned away. Made after the fork."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._appender = Appender(database)
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="reception")
        self._stores: dict[str, tuple[float, Store]] = {}
        self._breaker = CircuitBreaker()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._counting = threading.Lock()
        threading.Thread(target=self._run, name="counts", daemon=True).start()

    def store(self, token: str, *, timeout_seconds: float) -> Store | None:
        """Return the store whose token this is. Raises JournalUnavailable."""
        good_until, store = self._stores.get(token, (0.0, None))
        if time.monotonic() < good_until:
            return store
        found = self._ask(lambda: self._find(token), timeout_seconds)
        if found is None:
            # Unknown tokens are not remembered: whoever guesses must not fill our memory.
            self._stores.pop(token, None)
        else:
            self._stores[token] = (time.monotonic() + _STORE_SECONDS, found)
        return found

    def append(self, incoming: Sequence[Incoming], *, timeout_seconds: float) -> list[Appended]:
        """Journal webhooks, all or none, in order. Raises JournalUnavailable."""
        return self._appender.append(incoming, timeout_seconds=timeout_seconds)

    def reject(self, store: Store, *, code: str, message: str, content_type: str, length: int) -> None:
        """Keep a record of a rejected webhook soon, without its body."""

        def write() -> None:
            with self._database.connection() as connection:
                notices.reject(
                    connection, store_id=store.id, code=code, message=message, content_type=content_type, length=length
                )

        self._executor.submit(_logged, write)

    def count(self, answer: str, store: Store | None = None) -> None:
        """Count a request that leaves no other trace in the journal."""
        with self._counting:
            self._counts[store.id if store else 0, answer] += 1

    def ping(self) -> None:
        """Raise JournalUnavailable where PostgreSQL does not answer."""
        self._ask(self._database.ping, 1.0)

    def _find(self, token: str) -> Store | None:
        return self._database.ask(lambda connection: stores.by_token(connection, self._vault, token))

    def _ask(self, question: Callable[[], _Answer], timeout_seconds: float) -> _Answer:
        self._breaker.check()
        return self._breaker.wait(self._executor.submit(question), timeout_seconds)

    def _run(self) -> None:
        while True:
            time.sleep(_COUNT_SECONDS)
            _logged(self._write_counts)

    def _write_counts(self) -> None:
        with self._counting:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        day = datetime.now(UTC)
        # In one order in all processes, which would wait for each other otherwise.
        rows = [(day, store_id, answer, number) for (store_id, answer), number in sorted(counts.items())]
        try:
            with self._database.transaction() as connection:
                notices.count(connection, rows)
        except Exception:
            with self._counting:
                self._counts.update(counts)
            raise


def _logged(write: Callable[[], None]) -> None:
    """Write what no request waits for."""
    try:
        write()
    except Exception as error:  # noqa: BLE001 - a thread of its own has nobody else to tell
        _log.warning("reception.failed", exc_info=error)
