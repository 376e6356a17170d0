"""One batch on its way to Insider: sent, halved where Insider does not say who is meant, recorded piece by piece.

All of it happens within the transaction that holds the partition.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from connector import delivery, observability
from connector.insider import wire
from connector.journal import deliveries, stores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.delivery import Destination, User
    from connector.journal.database import Connection
    from connector.model import Delivery, Settled, Store

#: A batch that is halved goes on for so long, and beyond it until something is settled, lest it begin anew for ever…
_SECONDS = 15.0
#: …but never longer than this, which leaves a task the time to end by itself.
_LONGEST_SECONDS = 50.0
#: So many single refusals without any success say enough: it is not they who are to blame.
_ENOUGH_ALONE = 8

_log = observability.logger("delivery")


class Sending:
    """Sends deliveries of one partition, and records what becomes of each."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        insider: Destination,
        *,
        skip_hook: bool,
        known: dict[str, dict[str, int]],
        retention: timedelta,
    ) -> None:
        self._connection = connection
        self._store = store
        self._insider = insider
        self._skip_hook = skip_hook
        self._known = known
        self._retention = retention
        self._started = time.monotonic()
        self._stopped = False
        self._delivered = False
        self._alone: list[tuple[User, str, int]] = []
        self.settled = 0

    def send(self, waiting: Sequence[Delivery]) -> str | None:
        """Send what of these deliveries is new; what is not settled stays waiting.

        Return the reason for which a single delivery was refused, where nothing tells whether it is to blame or whether
        Insider takes nothing at all from this store.
        """
        self._send_merged(waiting)
        if self._delivered and self._store.failures:
            stores.end_pause(self._connection, self._store.id)
        if not self._alone:
            return None
        if not self._delivered and not deliveries.delivers(self._connection, self._store.id):
            return self._alone[0][1]
        for user, reason, attempt_id in self._alone:
            self._settle(user.settled("dead", reason), attempt_id)
        return None

    def _send_merged(self, waiting: Sequence[Delivery]) -> None:
        users = delivery.merge(waiting, self._known, now=datetime.now(UTC), retention=self._retention)
        self._settle([one for user in users if not user.sendable for one in user.settled("delivered")], None)
        self._send([user for user in users if user.sendable])

    def _send(self, users: Sequence[User]) -> None:
        if not users or self._is_over():
            return
        started_at = datetime.now(UTC)
        encoded = [wire.encode_user(user.update) for user in users]
        answer = self._insider.upsert(self._store, encoded, skip_hook=self._skip_hook)
        ruling = delivery.rule(answer, len(users))
        attempt = delivery.attempt(answer, ruling, users=len(users), size=sum(map(len, encoded)))
        attempt_id = deliveries.attempted(self._connection, self._store.id, started_at, attempt)
        _log.info(
            "delivery.attempted",
            store=self._store.name,
            users=len(users),
            status=answer.status,
            outcome=ruling.outcome,
            duration_ms=answer.duration_ms,
        )
        if ruling.pause:
            self._pause(*ruling.pause, answer.retry_after)
        elif ruling.split:
            self._halve(users, ruling.split, attempt_id)
        else:
            self._record(users, ruling.refused, attempt_id)

    def _halve(self, users: Sequence[User], reason: str, attempt_id: int) -> None:
        """Send halves, until the one delivery stands alone that is refused."""
        if len(users) > 1:
            middle = len(users) // 2
            self._send(users[:middle])
            self._send(users[middle:])
        elif not self._halve_user(users[0]):
            self._alone.append((users[0], reason, attempt_id))

    def _halve_user(self, user: User) -> bool:
        """Send the deliveries of one user in two parts; False where there is but one."""
        middle = len(user.deliveries) // 2
        if middle:
            self._send_merged(user.deliveries[:middle])
            self._send_merged(user.deliveries[middle:])
        return middle > 0

    def _record(self, users: Sequence[User], refused: dict[int, str], attempt_id: int) -> None:
        taken = [user for index, user in enumerate(users) if index not in refused]
        self._settle([one for user in taken for one in user.settled("delivered")], attempt_id)
        for user in taken:
            self._known.setdefault(user.customer, {}).update(user.times)
        deliveries.remember_times(self._connection, self._store.id, {user.customer: user.times for user in taken})
        self._delivered = self._delivered or bool(taken)
        for index, reason in refused.items():
            # Whoever is refused with several deliveries may owe it to one of them; the others shall not suffer for it.
            if not self._halve_user(users[index]):
                self._settle(users[index].settled("dead", reason), attempt_id)

    def _settle(self, settled: Sequence[Settled], attempt_id: int | None) -> None:
        deliveries.settle(self._connection, settled, attempt_id)
        self.settled += len(settled)

    def _pause(self, asked: float, reason: str, retry_after: float | None) -> None:
        self._stopped = True
        pause(self._connection, self._store, asked=asked, retry_after=retry_after, reason=reason)

    def _is_over(self) -> bool:
        if len(self._alone) >= _ENOUGH_ALONE and not self._delivered:
            return True
        spent = time.monotonic() - self._started
        return self._stopped or spent > _LONGEST_SECONDS or (self.settled > 0 and spent > _SECONDS)


def pause(
    connection: Connection, store: Store, *, asked: float = 0.0, retry_after: float | None = None, reason: str
) -> None:
    """Send nothing for a store for a while, the longer the more often it has failed in a row."""
    jitter = random.random()  # noqa: S311 - nothing secret hangs on it
    seconds = delivery.pause_seconds(asked, retry_after, failures=store.failures, jitter=jitter)
    stores.pause(connection, store.id, until=datetime.now(UTC) + timedelta(seconds=seconds), reason=reason)
    _log.warning("store.paused", store=store.name, seconds=round(seconds, 1), reason=reason)
