"""The scheduler decides for which store the next requests to Yotpo are sent, and what they do.

Each step runs under the store's lease (`leases`). A step tries out a new account, looks up the customers that are due,
or reads the next page of a running backfill. Look-ups come first. After each step of look-ups, a backfill reads one
page, so that it always makes progress.
"""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from connector import observability
from connector.errors import JournalUnavailable, SecretsError, YotpoError, YotpoUnauthorized, YotpoUnavailable
from connector.http import backoff
from connector.journal.sync import accounts, backfills
from connector.sync import backfill, leases, refresh, trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from connector.journal.database import Connection, Database
    from connector.journal.sync.accounts import Busy
    from connector.journal.vault import Vault
    from connector.model import YotpoAccount
    from connector.yotpo.client import StoreClient, Yotpo

    #: A step runs under a lease. It returns how many snapshots it journaled, and the failure for which the store is
    #: paused.
    Step = Callable[[Connection, YotpoAccount, StoreClient], tuple[int, YotpoError | None]]

#: For how many stores one process sends requests at the same time. Each store needs a thread and a connection to
#: PostgreSQL.
STORES = 6
#: How long the steps of one store run before other stores get their turn.
_STORE_SECONDS = 2.0
#: How often the scheduler looks for stores that have work.
_POLL_SECONDS = 0.25
#: How long a store is paused after an unexpected exception, or if its secrets cannot be read.
_FAULT_SECONDS = 60.0
#: How long a store is paused after a response with status 401. After three of them in a row the account counts as
#: revoked, so they must not follow each other quickly.
_UNAUTHORIZED_SECONDS = 20.0

_log = observability.logger("scheduler")


class Scheduler:
    """Sends requests to Yotpo for several stores at the same time. Each store has a thread of its own."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        yotpo: Yotpo,
        settling: timedelta,
        quiet_seconds: float,
        public_url: str,
        wake: Callable[[], None],
    ) -> None:
        """`database` has to lend STORES connections and one more. `wake` is called after snapshots were journaled."""
        self._database = database
        self._vault = vault
        self._yotpo = yotpo
        self._settling = settling
        self._quiet_seconds = quiet_seconds
        self._public_url = public_url
        self._wake = wake

    def run(self, *, seconds: float) -> bool:
        """Run steps until no work is left, or until `seconds` have passed. Return whether work may be left."""
        ends_at = time.monotonic() + seconds
        threads_by_store: dict[int, Future[None]] = {}
        with ThreadPoolExecutor(STORES, thread_name_prefix="scheduler") as threads:
            while time.monotonic() < ends_at:
                running = {store_id: future for store_id, future in threads_by_store.items() if not future.done()}
                for store_id in threads_by_store.keys() - running.keys():
                    threads_by_store[store_id].result()
                # Leave out the stores that are running. They would come first in the list, because their present turn
                # is not committed yet.
                stores = [store for store in self._busy() if store.can_ask and store.store_id not in running]
                if not stores and not running:
                    return False
                for store in stores[: STORES - len(running)]:
                    running[store.store_id] = threads.submit(self._ask_store, store, ends_at)
                threads_by_store = running
                started = time.monotonic()
                wait(running.values(), timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
                # Another worker may hold the lease of the only busy store. Do not try this store again at once.
                time.sleep(max(0.0, _POLL_SECONDS / 5 - (time.monotonic() - started)))
        return True

    def _busy(self, store_id: int | None = None) -> list[Busy]:
        with self._database.connection() as connection:
            return accounts.busy(connection, store_id=store_id)

    def _ask_store(self, store: Busy, ends_at: float) -> None:
        """Run the steps of one store until no work is left, another worker holds the lease, or the time has passed."""
        ends_at = min(ends_at, time.monotonic() + _STORE_SECONDS)
        stores: list[Busy] = [store]
        while stores and stores[0].can_ask:
            for step in self._steps(stores[0]):
                if not self._run_step(store.store_id, step):
                    return
            # Check the time only after both steps. Otherwise look-ups may use all the time, and no page would ever be
            # read.
            if time.monotonic() > ends_at:
                return
            stores = self._busy(store.store_id)

    def _steps(self, store: Busy) -> list[Step]:
        steps: list[Step] = []
        if store.live:
            steps.append(self._look_up)
        if store.backfill:
            steps.append(self._read_page)
        return steps

    def _run_step(self, store_id: int, step: Step) -> bool:
        """Run one step under the store's lease; False if another process holds the lease, or the store is paused."""
        try:
            with leases.lease(self._database, store_id) as connection:
                if connection is None:
                    return False
                account = accounts.by_store(connection, self._vault, store_id)
                if account is None or account.state != "connected" or account.paused:
                    return False
                client = self._yotpo.store_client(account)
                journaled, failure = step(connection, account, client)
                revoked = leases.settle(connection, self._vault, client, failure)
                if failure:
                    _pause_account(connection, account, failure, revoked=revoked)
        except JournalUnavailable:
            raise
        except SecretsError as error:
            _log.error("store.failed", store_id=store_id, error=str(error))
            self._pause_store(store_id, str(error))
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the other stores are asked all the same
            _log.error("lease.failed", store_id=store_id, exc_info=error)
            self._pause_store(store_id, type(error).__name__)
            return False
        if journaled:
            self._wake()
        return failure is None

    def _look_up(
        self, connection: Connection, account: YotpoAccount, client: StoreClient
    ) -> tuple[int, YotpoError | None]:
        """Look up the customers that are due, or try out an account that is new."""
        if account.expands is not None:
            return refresh.look_up(
                connection, account, client, settling=self._settling, quiet_seconds=self._quiet_seconds
            )
        try:
            trial.try_out(connection, self._vault, account, client, public_url=self._public_url)
        except YotpoError as error:
            return 0, error
        return 0, None

    def _read_page(
        self, connection: Connection, account: YotpoAccount, client: StoreClient
    ) -> tuple[int, YotpoError | None]:
        try:
            return backfill.read_page(connection, account, client, settling=self._settling), None
        except YotpoError as error:
            return 0, error

    def _pause_store(self, store_id: int, reason: str) -> None:
        with self._database.transaction() as connection:
            accounts.pause_store(connection, store_id, seconds=_FAULT_SECONDS, reason=reason)


def is_wanted(connection: Connection, *, reconcile_at: str = "") -> bool:
    """Whether a store needs requests to Yotpo.

    If the nightly backfills are due, they are started first. They are due at `reconcile_at`, such as 03:00.
    """
    if reconcile_at:
        backfills.start_reconciles(connection, reconcile_at)
    return any(store.can_ask for store in accounts.busy(connection))


def _pause_account(connection: Connection, account: YotpoAccount, failure: YotpoError, *, revoked: bool) -> None:
    """Pause the account after a failure. A revoked account is not paused, but has to be connected again."""
    if revoked:
        _log.error("account.revoked", store_id=account.store_id, error=str(failure))
        return
    asked = _UNAUTHORIZED_SECONDS if isinstance(failure, YotpoUnauthorized) else 0.0
    retry_after = failure.retry_after if isinstance(failure, YotpoUnavailable) else None
    seconds = backoff.pause_seconds(asked, retry_after, failures=account.failures)
    accounts.pause(connection, account, seconds=seconds, reason=str(failure))
    _log.warning("account.paused", store_id=account.store_id, seconds=round(seconds, 1), reason=str(failure))
