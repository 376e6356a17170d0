"""One batch on its way to Insider: sent, halved where Insider does not say who is meant, recorded piece by piece.

All of it happens within the transaction that holds the partition.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from connector import delivery, observability, outcomes
from connector.insider import wire
from connector.journal import deliveries, stores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from connector.delivery import Destination, User
    from connector.insider.wire import Failure
    from connector.journal.database import Connection
    from connector.mapping import MappingSet, TopicMapping
    from connector.model import Delivery, Refusal, Store, TrueAt

#: A batch that is halved goes on for so long, and beyond it until something is settled…
BATCH_SECONDS = 15.0
#: …but never longer than this, which leaves a task the time to end by itself.
LONGEST_SECONDS = 50.0
#: After so many single refusals without any success halves are still tried, but halved only once there is a success.
_ENOUGH_ALONE = 8
#: A success counts as a sign that Insider takes others for so many attempts: as many as halving a full batch needs.
_FRESH_ATTEMPTS = 12

_log = observability.logger("delivery")


class Sending:
    """Sends deliveries of one partition, and records what becomes of each."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        insider: Destination,
        *,
        mappings: MappingSet,
        known: dict[str, dict[str, TrueAt]],
        retention: timedelta,
    ) -> None:
        self._connection = connection
        self._store = store
        self._insider = insider
        self._mappings = mappings
        self._skip_hook = True
        self._known = known
        self._retention = retention
        self._started = time.monotonic()
        self._stopped = False
        #: Deliveries that stand alone and are refused, while nothing shows that Insider takes others.
        self._alone: list[tuple[User, Refusal, int]] = []
        #: Refused users who were not halved any more.
        self._aside: list[Sequence[User]] = []
        #: How deep within one user's deliveries.
        self._dividing = 0
        self._attempts_since_success = _FRESH_ATTEMPTS
        self._last_split: str | None = None
        #: The attempts of each delivery, until they are recorded.
        self._attempts: dict[int, list[int]] = {}
        self.settled = 0
        self.delivered = False

    def send(self, waiting: Sequence[Delivery]) -> str | None:
        """Send what of these deliveries is new; what is not settled stays waiting.

        Return the reason for which nothing was taken, where nothing tells whether the deliveries are to blame, or
        whether Insider takes nothing at all from this store.
        """
        self._skip_hook = waiting[0].skip_hook
        self._send_merged(waiting)
        if self.delivered:
            aside, self._aside = self._aside, []
            for users in aside:
                self._send(users)
        if self.delivered and self._store.failures and not self._stopped:
            stores.end_pause(self._connection, self._store)
        unclear = [refusal for user, refusal, attempt_id in self._alone if not self._bury(user, refusal, attempt_id)]
        deliveries.remember_attempts(self._connection, self._attempts)
        if self._stopped or self.delivered:
            return None
        if unclear:
            return unclear[0].reason
        # Where not even one delivery came to stand alone in the time, the last refusal is all that is known.
        return None if self.settled else self._last_split

    def _bury(self, user: User, refusal: Refusal, attempt_id: int) -> bool:
        """Bury a delivery that was refused alone before, if Insider has taken others since; else remember that."""
        (waiting,) = user.deliveries
        before = waiting.refused_attempt_id
        if before and deliveries.delivered_since(self._connection, self._store.id, before):
            self._settle([user], self._blamed(user, refusal))
            return True
        deliveries.remember_refusal(self._connection, waiting.id, attempt_id)
        return False

    def _send_merged(self, waiting: Sequence[Delivery]) -> None:
        users = delivery.merge(waiting, self._known, now=datetime.now(UTC), retention=self._retention)
        self._settle([user for user in users if not user.sendable])
        self._send([user for user in users if user.sendable])

    def _send(self, users: Sequence[User]) -> None:
        if not users or self._is_over():
            return
        encoded = [wire.encode_user(user.update) for user in users]
        answer = self._insider.upsert(self._store, encoded, skip_hook=self._skip_hook)
        ruling = outcomes.rule(answer, len(users))
        attempt = outcomes.attempt(answer, ruling, users=len(users), size=sum(map(len, encoded)))
        attempt_id = deliveries.attempted(self._connection, self._store.id, attempt)
        for delivery_id in (delivery_id for user in users for delivery_id in user.notes):
            self._attempts.setdefault(delivery_id, []).append(attempt_id)
        _log.info(
            "delivery.attempted",
            store=self._store.name,
            users=len(users),
            status=answer.status,
            outcome=ruling.outcome,
            duration_ms=answer.duration_ms,
        )
        self._attempts_since_success += 1
        if ruling.pause:
            self._pause(*ruling.pause, answer.retry_after)
        elif ruling.split:
            self._halve(users, ruling.split, attempt_id)
        else:
            self._record(users, ruling.refused)

    def _halve(self, users: Sequence[User], refusal: Refusal, attempt_id: int) -> None:
        """Send halves, until the one delivery stands alone that is refused."""
        self._last_split = refusal.reason
        # Of a user who is divided already nothing is set aside: what follows in him would overtake it.
        if len(self._alone) >= _ENOUGH_ALONE and not self._dividing:
            self._aside.append(users)
            return
        if len(users) > 1:
            middle = len(users) // 2
            self._send(users[:middle])
            self._send(users[middle:])
        elif not self._halve_user(users[0]):
            if self._attempts_since_success < _FRESH_ATTEMPTS:
                self._settle(users, self._blamed(users[0], refusal))
            else:
                self._alone.append((users[0], refusal, attempt_id))

    def _halve_user(self, user: User) -> bool:
        """Send the deliveries of one user in two parts; False where there is but one."""
        middle = len(user.deliveries) // 2
        if middle:
            self._dividing += 1
            self._send_merged(user.deliveries[:middle])
            self._send_merged(user.deliveries[middle:])
            self._dividing -= 1
        return middle > 0

    def _record(self, users: Sequence[User], refused: Mapping[int, Sequence[Failure]]) -> None:
        taken = [user for index, user in enumerate(users) if index not in refused]
        self._settle(taken)
        for user in taken:
            self._known.setdefault(user.customer, {}).update(user.times)
        deliveries.remember_times(self._connection, self._store.id, {user.customer: user.times for user in taken})
        if taken:
            self._succeed()
        without_phone = []
        for index, failures in refused.items():
            user = users[index]
            # Whoever is refused with several deliveries may owe it to one of them; the others shall not suffer for it.
            if self._halve_user(user):
                continue
            if outcomes.is_phone_only(failures, user.update):
                user.without_phone_number()
                without_phone.append(user)
            else:
                self._settle([user], outcomes.refusal(failures, user.update, self._mapping_of(user)))
        self._send(without_phone)

    def _succeed(self) -> None:
        """Insider takes others: whoever was refused alone is to blame himself."""
        self.delivered = True
        self._attempts_since_success = 0
        for user, refusal, _ in self._alone:
            self._settle([user], self._blamed(user, refusal))
        self._alone.clear()

    def _blamed(self, user: User, refusal: Refusal) -> Refusal:
        """Name the place of the mapping, where Insider has not said what it was that it does not take."""
        mapping = self._mapping_of(user)
        return replace(refusal, rule=mapping.place_of("", "") if mapping else "")

    def _mapping_of(self, user: User) -> TopicMapping | None:
        return self._mappings.get(user.deliveries[0].topic)

    def _settle(self, users: Sequence[User], refusal: Refusal | None = None) -> None:
        settled = [one for user in users for one in user.settled(self._attempts, refusal)]
        deliveries.settle(self._connection, settled)
        for one in settled:
            self._attempts.pop(one.id, None)
        self.settled += len(settled)

    def _pause(self, asked: float, reason: str, retry_after: float | None) -> None:
        self._stopped = True
        pause(self._connection, self._store, asked=asked, retry_after=retry_after, reason=reason)

    def _is_over(self) -> bool:
        spent = time.monotonic() - self._started
        return self._stopped or spent > LONGEST_SECONDS or (self.settled > 0 and spent > BATCH_SECONDS)


def pause(
    connection: Connection, store: Store, *, asked: float = 0.0, retry_after: float | None = None, reason: str
) -> None:
    """Send nothing for a store for a while, the longer the more often it has failed in a row."""
    jitter = random.random()  # noqa: S311 - nothing secret hangs on it
    seconds = delivery.pause_seconds(asked, retry_after, failures=store.failures, jitter=jitter)
    stores.pause(connection, store, seconds=seconds, reason=reason)
    _log.warning("store.paused", store=store.name, seconds=round(seconds, 1), reason=reason)
