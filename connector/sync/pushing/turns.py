"""Takes turns at a store's Yotpo with everybody else who speaks to it: look-ups, backfills, other pushes.

A turn is one transaction that holds the right to speak. Between two of them the store is free for a moment.
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connector.errors import JournalUnavailable, OperatorError, YotpoUnauthorized, YotpoUnavailable
from connector.journal import partitions
from connector.journal.sync import accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.model import YotpoAccount
    from connector.yotpo.client import StoreClient, Yotpo

#: Between two turns, so that whoever waits for one finds the store free.
_BREATH_SECONDS = 0.3
#: How soon a store is tried again that somebody else speaks to.
_BUSY_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0


class Turns:
    """Takes turns at one store's Yotpo, and waits where that is not to be had."""

    def __init__(
        self, database: Database, vault: Vault, yotpo: Yotpo, store_id: int, *, waiting: Callable[[str], None]
    ) -> None:
        """`waiting` is told in a few words for what there is a wait."""
        self._database = database
        self._vault = vault
        self._yotpo = yotpo
        self._store_id = store_id
        self._waiting = waiting
        self._failures = 0
        self._free_since = float("-inf")

    def account(self) -> YotpoAccount:
        """Return the store's account with Yotpo. Raises OperatorError where it has none, or it is no good."""
        with self._database.transaction() as connection:
            return _good(accounts.by_store(connection, self._vault, self._store_id))

    @contextmanager
    def turn(self) -> Iterator[StoreClient | None]:
        """Lend a line to Yotpo as soon as it is to be had.

        None where it was not: somebody else speaks to the store, or PostgreSQL is away; some time has passed then. An
        answer that does not come ends the turn without an exception, after the wait that Yotpo asks for.

        Raises OperatorError where Yotpo does not take the credentials.
        """
        time.sleep(max(0.0, self._free_since + _BREATH_SECONDS - time.monotonic()))
        lent = False
        try:
            with self._held() as client:
                lent = True
                yield client
        except (YotpoUnavailable, JournalUnavailable) as error:
            self._failures += 1
            asked = error.retry_after if isinstance(error, YotpoUnavailable) else None
            self.wait(asked if asked is not None else _backoff(self._failures), f"{error}; trying again")
            if not lent:
                yield None
        except YotpoUnauthorized as error:
            raise OperatorError(
                f"{error}. Connect the store again, see `connector stores connect --help`; then run the same command "
                "again: it goes on where it has stopped"
            ) from None
        self._free_since = time.monotonic()

    def answered(self) -> None:
        """Forget the failures: the next wait is a short one again."""
        self._failures = 0

    def wait(self, seconds: float, reason: str) -> None:
        self._waiting(f"{reason} in {max(1, round(seconds))} s")
        time.sleep(seconds)

    @contextmanager
    def _held(self) -> Iterator[StoreClient | None]:
        problem: YotpoUnavailable | YotpoUnauthorized | None = None
        with self._database.transaction(idle_seconds=partitions.LEASE_SECONDS) as connection:
            held = partitions.hold_lease(connection, self._store_id)
            if held:
                account = _good(accounts.by_store(connection, self._vault, self._store_id))
                client = self._yotpo.store_client(account)
                try:
                    yield client
                    accounts.succeed(connection, account)
                except (YotpoUnavailable, YotpoUnauthorized) as error:
                    # What was found out is kept all the same: a new token, or that the credentials are no good.
                    problem = error
                    if isinstance(error, YotpoUnauthorized):
                        accounts.count_unauthorized(connection, account)
                if client.renewed_token:
                    accounts.keep_token(connection, self._vault, account, client.renewed_token)
        if problem:
            raise problem
        if not held:
            self.wait(_BUSY_SECONDS, "another process speaks to the store's Yotpo; trying again")
            yield None


def _good(account: YotpoAccount | None) -> YotpoAccount:
    if account is None or account.state == "disconnected":
        raise OperatorError("the store is not connected to Yotpo; see `connector stores connect --help`")
    if account.state != "connected":
        raise OperatorError("Yotpo has revoked the store's access; connect it: see `connector stores connect --help`")
    return account


def _backoff(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: twice as long each time, and not all at once."""
    longest = min(2.0 ** min(failures, 10) / 2, _LONGEST_WAIT_SECONDS)
    return longest * random.uniform(0.75, 1)  # noqa: S311 - nothing secret hangs on it
