"""Turns: each store's Yotpo is spoken to by one worker at a time, which keeps to Yotpo's rate without asking others.

A turn is one transaction that holds the right to speak. In it an account is tried out that is new; then customers are
looked up who are due; then a running backfill reads its next page. So look-ups come first, and no backfill starves.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from connector import backfill, delivery, observability, refresh, trial
from connector.errors import JournalUnavailable, SecretsError, YotpoError, YotpoUnauthorized, YotpoUnavailable
from connector.journal import lanes, yotpo_accounts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.journal.yotpo_accounts import Busy
    from connector.model import YotpoAccount
    from connector.yotpo.client import Line, Yotpo

#: Stores that one process speaks to at the same time; each has a thread and a connection to PostgreSQL.
STORES = 6
#: How soon a backfill looks again whether there is room for its next page.
_ROOM_SECONDS = 0.25
#: Several questions may come one after another without a word to PostgreSQL.
_IDLE_SECONDS = 300
#: A store of which a turn ended in a way that nobody has thought of is left alone for so long.
_FAULT_SECONDS = 60.0

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
        """Take turns until there is nothing to ask, or the time is over; return whether there is more to ask."""
        ends_at = time.monotonic() + seconds
        with ThreadPoolExecutor(STORES, thread_name_prefix="turns") as threads:
            while time.monotonic() < ends_at:
                busy = self._busy()
                if not busy:
                    return False
                if not any(list(threads.map(partial(self._attend, ends_at=ends_at), busy))):
                    time.sleep(_ROOM_SECONDS)
        return True

    def _busy(self, store_id: int | None = None) -> list[Busy]:
        with self._database.connection() as connection:
            return yotpo_accounts.busy(connection, store_id=store_id)

    def _attend(self, busy: Busy, *, ends_at: float) -> bool:
        """Take turns at one store until it has nothing more to ask, another worker speaks to it, or time is over.

        Return whether any turn was taken.
        """
        taken = False
        now: list[Busy] = [busy]
        while now and now[0].can_ask and time.monotonic() < ends_at:
            snapshots = self._turn(now[0])
            if snapshots is None:
                break
            taken = True
            if snapshots:
                self._wake()
            now = self._busy(busy.store_id)
        return taken

    def _turn(self, busy: Busy) -> int | None:
        """Take one turn; return how many snapshots it journaled, None where it was not ours or failed."""
        try:
            with self._database.transaction(idle_seconds=_IDLE_SECONDS) as connection:
                if not lanes.hold_yotpo(connection, busy.store_id):
                    return None
                account = yotpo_accounts.by_store(connection, self._vault, busy.store_id)
                if account is None or account.state != "connected" or account.paused:
                    return None
                line = self._yotpo.line(account)
                journaled, failure = self._ask(connection, account, line, busy)
                if line.renewed_token:
                    yotpo_accounts.keep_token(connection, self._vault, account, line.renewed_token)
                _settle(connection, account, failure)
                return None if failure else journaled
        except JournalUnavailable:
            raise
        except SecretsError as error:
            _log.error("store.failed", store_id=busy.store_id, error=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other stores' turns go on
            _log.error("turn.failed", store_id=busy.store_id, exc_info=error)
            self._leave_alone(busy.store_id, type(error).__name__)
        return None

    def _ask(
        self, connection: Connection, account: YotpoAccount, line: Line, busy: Busy
    ) -> tuple[int, YotpoError | None]:
        journaled = 0
        try:
            if account.expands is None:
                trial.try_out(connection, self._vault, account, line, public_url=self._public_url)
            elif busy.live:
                looked = refresh.look_up(
                    connection, account, line, settling=self._settling, quiet_seconds=self._quiet_seconds
                )
                journaled = looked.snapshots
                if looked.failure:
                    return journaled, looked.failure
            if busy.backfill:
                journaled += backfill.read_page(connection, account, line, settling=self._settling)
        except YotpoError as error:
            return journaled, error
        return journaled, None

    def _leave_alone(self, store_id: int, reason: str) -> None:
        with self._database.transaction() as connection:
            account = yotpo_accounts.by_store(connection, self._vault, store_id)
            if account:
                yotpo_accounts.pause(connection, account, seconds=_FAULT_SECONDS, reason=reason)


def _settle(connection: Connection, account: YotpoAccount, failure: YotpoError | None) -> None:
    """Note how Yotpo has answered: when it may be asked again, or that the account is no good any more."""
    if failure is None:
        yotpo_accounts.succeed(connection, account)
        return
    if isinstance(failure, YotpoUnauthorized) and yotpo_accounts.count_unauthorized(connection, account):
        _log.error("account.revoked", store_id=account.store_id, error=str(failure))
        return
    retry_after = failure.retry_after if isinstance(failure, YotpoUnavailable) else None
    jitter = random.random()  # noqa: S311 - nothing secret hangs on it
    seconds = delivery.pause_seconds(0.0, retry_after, failures=account.failures, jitter=jitter)
    yotpo_accounts.pause(connection, account, seconds=seconds, reason=str(failure))
    _log.warning("account.paused", store_id=account.store_id, seconds=round(seconds, 1), reason=str(failure))
