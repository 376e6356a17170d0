"""Turns: each store's Yotpo is spoken to by one worker at a time, which keeps to Yotpo's rate without asking others.

A turn is one transaction that holds the right to speak. In it an account is tried out that is new, or customers are
looked up who are due, or a running backfill reads its next page. Look-ups come first; between two turns of theirs a
page is read, so that no backfill starves.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from connector import observability
from connector.delivery import merging
from connector.errors import JournalUnavailable, SecretsError, YotpoError, YotpoUnauthorized, YotpoUnavailable
from connector.journal import partitions
from connector.journal.sync import accounts, backfills
from connector.sync import backfill, refresh, trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from connector.journal.database import Connection, Database
    from connector.journal.sync.accounts import Busy
    from connector.journal.vault import Vault
    from connector.model import YotpoAccount
    from connector.yotpo.client import StoreClient, Yotpo

    #: One thing that is done in a turn; returns how many snapshots it has journaled, and why Yotpo is to be left alone.
    Step = Callable[[Connection, YotpoAccount, StoreClient], tuple[int, YotpoError | None]]

#: Stores that one process speaks to at the same time; each has a thread and a connection to PostgreSQL.
STORES = 6
#: A store is spoken to for so long, then others have their turn.
_STORE_SECONDS = 2.0
#: How soon it is looked again for stores with something to ask.
_LOOK_SECONDS = 0.25
#: A store of which a turn ended in a way that nobody has thought of, or whose secrets cannot be read, is left alone.
_FAULT_SECONDS = 60.0
#: After an answer of 401, so that three of them in a row are no matter of a moment.
_UNAUTHORIZED_SECONDS = 20.0

_log = observability.logger("turns")


class Turns:
    """Takes turns at the stores' Yotpo."""

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
        """`database` lends STORES connections and one more. `wake` is called after snapshots were journaled."""
        self._database = database
        self._vault = vault
        self._yotpo = yotpo
        self._settling = settling
        self._quiet_seconds = quiet_seconds
        self._public_url = public_url
        self._wake = wake

    def take(self, *, seconds: float) -> bool:
        """Take turns until there is nothing to ask, or the time is over; return whether there may be more to ask."""
        ends_at = time.monotonic() + seconds
        attended: dict[int, Future[None]] = {}
        with ThreadPoolExecutor(STORES, thread_name_prefix="turns") as threads:
            while time.monotonic() < ends_at:
                under_way = {store_id: future for store_id, future in attended.items() if not future.done()}
                for ended in attended.keys() - under_way.keys():
                    attended[ended].result()
                # Those under way would be the first of them: their turns are not over, so the last was long ago.
                asking = [one for one in self._busy() if one.can_ask and one.store_id not in under_way]
                if not asking and not under_way:
                    return False
                for one in asking[: STORES - len(under_way)]:
                    under_way[one.store_id] = threads.submit(self._attend, one, ends_at)
                attended = under_way
                started = time.monotonic()
                wait(attended.values(), timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
                # Another worker may speak to the one that there is: it is not to be asked again at once.
                time.sleep(max(0.0, _LOOK_SECONDS / 5 - (time.monotonic() - started)))
        return True

    def _busy(self, store_id: int | None = None) -> list[Busy]:
        with self._database.connection() as connection:
            return accounts.busy(connection, store_id=store_id)

    def _attend(self, busy: Busy, ends_at: float) -> None:
        """Take turns at one store until it has nothing more to ask, another worker speaks to it, or time is over."""
        ends_at = min(ends_at, time.monotonic() + _STORE_SECONDS)
        now: list[Busy] = [busy]
        while now and now[0].can_ask:
            for step in self._steps(now[0]):
                if not self._turn(busy.store_id, step):
                    return
            # Only after both: where look-ups alone fill the time, a page would never have its turn.
            if time.monotonic() > ends_at:
                return
            now = self._busy(busy.store_id)

    def _steps(self, busy: Busy) -> list[Step]:
        steps: list[Step] = []
        if busy.live:
            steps.append(self._look_up)
        if busy.backfill:
            steps.append(self._read_page)
        return steps

    def _turn(self, store_id: int, step: Step) -> bool:
        """Take one turn; False where it was not ours, or Yotpo is to be left alone."""
        try:
            with self._database.transaction(idle_seconds=partitions.LEASE_SECONDS) as connection:
                if not partitions.hold_lease(connection, store_id):
                    return False
                account = accounts.by_store(connection, self._vault, store_id)
                if account is None or account.state != "connected" or account.paused:
                    return False
                client = self._yotpo.store_client(account)
                journaled, failure = step(connection, account, client)
                if client.renewed_token:
                    accounts.keep_token(connection, self._vault, account, client.renewed_token)
                _settle(connection, account, failure)
        except JournalUnavailable:
            raise
        except SecretsError as error:
            _log.error("store.failed", store_id=store_id, error=str(error))
            self._leave_alone(store_id, str(error))
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the other stores' turns go on
            _log.error("turn.failed", store_id=store_id, exc_info=error)
            self._leave_alone(store_id, type(error).__name__)
            return False
        if journaled:
            self._wake()
        return failure is None

    def _look_up(
        self, connection: Connection, account: YotpoAccount, client: StoreClient
    ) -> tuple[int, YotpoError | None]:
        """Look up who is due; before that, try out an account that is new."""
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

    def _leave_alone(self, store_id: int, reason: str) -> None:
        with self._database.transaction() as connection:
            accounts.leave_alone(connection, store_id, seconds=_FAULT_SECONDS, reason=reason)


def are_wanted(connection: Connection, *, reconcile_at: str = "") -> bool:
    """Whether there is anything to ask of Yotpo. At `reconcile_at`, such as 03:00, the nightly backfills begin."""
    if reconcile_at:
        backfills.start_reconciles(connection, reconcile_at)
    return any(one.can_ask for one in accounts.busy(connection))


def _settle(connection: Connection, account: YotpoAccount, failure: YotpoError | None) -> None:
    """Note how Yotpo has answered: when it may be asked again, or that the account is no good any more."""
    if failure is None:
        accounts.succeed(connection, account)
        return
    if isinstance(failure, YotpoUnauthorized) and accounts.count_unauthorized(connection, account):
        _log.error("account.revoked", store_id=account.store_id, error=str(failure))
        return
    asked = _UNAUTHORIZED_SECONDS if isinstance(failure, YotpoUnauthorized) else 0.0
    retry_after = failure.retry_after if isinstance(failure, YotpoUnavailable) else None
    jitter = random.random()  # noqa: S311 - nothing secret hangs on it
    seconds = merging.pause_seconds(asked, retry_after, failures=account.failures, jitter=jitter)
    accounts.pause(connection, account, seconds=seconds, reason=str(failure))
    _log.warning("account.paused", store_id=account.store_id, seconds=round(seconds, 1), reason=str(failure))
