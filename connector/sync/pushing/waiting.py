"""Takes the lease of one store again and again, and waits while Yotpo is not available.

Workers need the lease of the same store for look-ups and backfills. So each lease is short, and the store is free
between two leases.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connector.errors import JournalUnavailable, OperatorError, YotpoUnauthorized, YotpoUnavailable
from connector.http import backoff
from connector.journal.sync import accounts
from connector.sync import leases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.model import YotpoAccount
    from connector.yotpo.client import StoreClient, Yotpo

#: How long the store is free between two leases, so that other processes can take the lease.
_FREE_SECONDS = 0.3
#: How long to wait before the next try, if another process holds the lease.
_HELD_SECONDS = 0.5


class PatientStore:
    """A store whose lease can be taken again and again. It waits while Yotpo is not available."""

    def __init__(
        self, database: Database, vault: Vault, yotpo: Yotpo, store_id: int, *, waiting: Callable[[str], None]
    ) -> None:
        """`waiting` is called before each wait with a sentence that gives the reason and the seconds."""
        self._database = database
        self._vault = vault
        self._yotpo = yotpo
        self._store_id = store_id
        self._waiting = waiting
        self._failures = 0
        self._freed_at = float("-inf")

    def account(self) -> YotpoAccount:
        """Return the store's account at Yotpo. Raises OperatorError if the store is not connected."""
        with self._database.transaction() as connection:
            return _connected(accounts.by_store(connection, self._vault, self._store_id))

    @contextmanager
    def lease(self) -> Iterator[StoreClient | None]:
        """Yield a client for the store while its lease is held.

        Yields None after a wait if another process holds the lease, or if PostgreSQL cannot be reached. If Yotpo does
        not answer inside the block, the lease ends without an exception. Then this method waits for the time that Yotpo
        asks for, or else longer after each failure.

        Raises OperatorError if Yotpo does not accept the credentials.
        """
        time.sleep(max(0.0, self._freed_at + _FREE_SECONDS - time.monotonic()))
        yielded = False
        try:
            with self._client() as client:
                yielded = True
                yield client
        except (YotpoUnavailable, JournalUnavailable) as error:
            self._failures += 1
            asked = error.retry_after if isinstance(error, YotpoUnavailable) else None
            self.wait(asked if asked is not None else backoff.command_seconds(self._failures), f"{error}; trying again")
            if not yielded:
                yield None
        except YotpoUnauthorized as error:
            raise OperatorError(
                f"{error}. Connect the store again, see `connector stores connect --help`; then run the same command "
                "again: it goes on where it has stopped"
            ) from None
        self._freed_at = time.monotonic()

    def succeed(self) -> None:
        """Forget the failures so far, so that the next wait is short again."""
        self._failures = 0

    def wait(self, seconds: float, reason: str) -> None:
        self._waiting(f"{reason} in {max(1, round(seconds))} s")
        time.sleep(seconds)

    @contextmanager
    def _client(self) -> Iterator[StoreClient | None]:
        failure: YotpoUnavailable | YotpoUnauthorized | None = None
        with leases.lease(self._database, self._store_id) as connection:
            if connection:
                account = _connected(accounts.by_store(connection, self._vault, self._store_id))
                client = self._yotpo.store_client(account)
                try:
                    yield client
                except (YotpoUnavailable, YotpoUnauthorized) as error:
                    # This error is raised after the commit, so that a new token is saved, and a response of 401 is
                    # counted.
                    failure = error
                leases.settle(connection, self._vault, client, failure)
        if failure:
            raise failure
        if connection is None:
            self.wait(_HELD_SECONDS, "another process is sending requests to Yotpo for this store; trying again")
            yield None


def _connected(account: YotpoAccount | None) -> YotpoAccount:
    if account is None or account.state == "disconnected":
        raise OperatorError("the store is not connected to Yotpo; see `connector stores connect --help`")
    if account.state != "connected":
        raise OperatorError(
            "Yotpo has revoked the access; connect the store again: see `connector stores connect --help`"
        )
    return account
