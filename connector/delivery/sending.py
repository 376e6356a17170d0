"""One batch on its way to Insider: sent, halved where Insider does not say who is meant, recorded piece by piece.

All of it happens within the transaction that holds the partition. Users are upserted first, which makes those who are
new; of those who were taken, Insider is then asked to clear the attributes that are over; only then are they settled.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from connector import observability
from connector.delivery import merging, outcomes
from connector.http import backoff
from connector.insider import wire
from connector.journal import deliveries, stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import timedelta

    from connector.delivery.merging import Destination, User
    from connector.insider.client import Response
    from connector.insider.wire import Failure
    from connector.journal.database import Connection
    from connector.mapping import MappingSet, TopicMapping
    from connector.model import Delivery, Refusal, Store, TrueAt, UserUpdate

#: A batch that is halved goes on for so long, and beyond it until something is settled…
BATCH_SECONDS = 15.0
#: …but never longer than this, which leaves a task the time to end by itself.
LONGEST_SECONDS = 50.0
#: After so many single refusals without any success halves are still tried, but halved only once there is a success.
_ENOUGH_ALONE = 8
#: A success counts as a sign that Insider takes others for so many attempts: as many as halving a full batch needs.
_FRESH_ATTEMPTS = 12

_log = observability.logger("delivery")


@dataclass(kw_only=True, slots=True)
class _Operation:
    """What Insider is asked, and what this batch has shown of how it takes that: upserts tell nothing of clears."""

    name: str
    encode: Callable[[UserUpdate], bytes]
    ask: Callable[[Sequence[bytes]], Response]
    #: Deliveries that stand alone and are refused, while nothing shows that Insider takes others.
    alone: list[tuple[User, Refusal, int]] = field(default_factory=list)
    #: Refused users who were not halved any more.
    aside: list[Sequence[User]] = field(default_factory=list)
    attempts_since_success: int = _FRESH_ATTEMPTS
    succeeded: bool = False


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
        self._mappings = mappings
        self._skip_hook = True
        self._known = known
        self._retention = retention
        self._started = time.monotonic()
        self._stopped = False
        self._upsert = _Operation(
            name=outcomes.UPSERT,
            encode=wire.encode_user,
            ask=lambda users: insider.upsert(store, users, skip_hook=self._skip_hook),
        )
        self._clear = _Operation(
            name=outcomes.CLEAR, encode=wire.encode_cleared, ask=lambda users: insider.clear(store, users)
        )
        #: How deep within one user's deliveries.
        self._dividing = 0
        self._last_split: str | None = None
        #: The attempts of each delivery, until they are recorded.
        self._attempts: dict[int, list[int]] = {}
        #: From when Insider has, or has forgotten, what it has taken of each customer; recorded at the end.
        self._times: dict[str, dict[str, TrueAt]] = {}
        self.settled = 0
        self.delivered = False

    def send(self, waiting: Sequence[Delivery]) -> str | None:
        """Send what of these deliveries is new; what is not settled stays waiting.

        Return the reason for which nothing was taken, where nothing tells whether the deliveries are to blame, or
        whether Insider takes nothing at all from this store.
        """
        self._skip_hook = waiting[0].skip_hook
        self._send_merged(waiting)
        for operation in (self._upsert, self._clear):
            if operation.succeeded:
                aside, operation.aside = operation.aside, []
                for users in aside:
                    self._send(operation, users)
        if self.delivered and self._store.failures and not self._stopped:
            stores.end_pause(self._connection, self._store)
        unclear = [
            refusal
            for operation in (self._upsert, self._clear)
            for user, refusal, attempt_id in operation.alone
            if not self._bury(operation, user, refusal, attempt_id)
        ]
        deliveries.remember_attempts(self._connection, self._attempts)
        deliveries.remember_times(self._connection, self._store.id, self._times)
        if self._stopped or self.delivered:
            return None
        if unclear:
            return unclear[0].reason
        # Where not even one delivery came to stand alone in the time, the last refusal is all that is known.
        return None if self.settled else self._last_split

    def _bury(self, operation: _Operation, user: User, refusal: Refusal, attempt_id: int) -> bool:
        """Bury a delivery that was refused alone before, if Insider has taken others since; else remember that."""
        (waiting,) = user.deliveries
        before = waiting.refused_attempt_id
        if before and deliveries.delivered_since(self._connection, self._store.id, before, operation=operation.name):
            self._blame(operation, user, refusal)
            return True
        deliveries.remember_refusal(self._connection, waiting.id, attempt_id)
        return False

    def _send_merged(self, waiting: Sequence[Delivery]) -> None:
        users = merging.merge(waiting, self._known, now=datetime.now(UTC), retention=self._retention)
        nothing_new = [user for user in users if not user.sendable]
        self._remember((user.customer, user.times) for user in nothing_new)
        self._settle(nothing_new)
        self._send(self._upsert, [user for user in users if user.upsertable])
        self._send(self._clear, [user for user in users if user.cleared and not user.upsertable])

    def _send(self, operation: _Operation, users: Sequence[User]) -> None:
        if not users or self._is_over():
            return
        encoded = [operation.encode(user.update) for user in users]
        answer = operation.ask(encoded)
        ruling = outcomes.rule(answer, len(users), operation.name)
        size = sum(map(len, encoded))
        attempt = outcomes.attempt(answer, ruling, users=len(users), size=size, operation=operation.name)
        attempt_id = deliveries.add_attempt(self._connection, self._store.id, attempt)
        for delivery_id in (delivery_id for user in users for delivery_id in user.notes):
            self._attempts.setdefault(delivery_id, []).append(attempt_id)
        _log.info(
            "delivery.attempted",
            store=self._store.name,
            operation=operation.name,
            users=len(users),
            status=answer.status,
            outcome=ruling.outcome,
            duration_ms=answer.duration_ms,
        )
        operation.attempts_since_success += 1
        if ruling.pause:
            self._pause(*ruling.pause, answer.retry_after)
        elif ruling.split:
            self._halve(operation, users, ruling.split, attempt_id)
        else:
            self._record(operation, users, ruling.refused)

    def _halve(self, operation: _Operation, users: Sequence[User], refusal: Refusal, attempt_id: int) -> None:
        """Send halves, until the one delivery stands alone that is refused."""
        self._last_split = refusal.reason
        # Of a user who is divided already nothing is set aside: what follows in him would overtake it.
        if len(operation.alone) >= _ENOUGH_ALONE and not self._dividing:
            operation.aside.append(users)
            return
        if len(users) > 1:
            middle = len(users) // 2
            self._send(operation, users[:middle])
            self._send(operation, users[middle:])
        elif not self._halve_user(users[0]):
            if operation.attempts_since_success < _FRESH_ATTEMPTS:
                self._blame(operation, users[0], refusal)
            else:
                operation.alone.append((users[0], refusal, attempt_id))

    def _halve_user(self, user: User) -> bool:
        """Send the deliveries of one user in two parts; False where there is but one."""
        middle = len(user.deliveries) // 2
        if middle:
            self._dividing += 1
            self._send_merged(user.deliveries[:middle])
            self._send_merged(user.deliveries[middle:])
            self._dividing -= 1
        return middle > 0

    def _record(self, operation: _Operation, users: Sequence[User], refused: Mapping[int, Sequence[Failure]]) -> None:
        taken = [user for index, user in enumerate(users) if index not in refused]
        if taken:
            self._succeed(operation)
            if operation is self._upsert:
                self._remember((user.customer, user.times) for user in taken)
                self._deliver([user for user in taken if not user.cleared])
                self._send(self._clear, [user for user in taken if user.cleared])
            else:
                self._remember((user.customer, {**user.times, **user.cleared}) for user in taken)
                self._deliver(taken)
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
                mapping = self._mapping_of(user)
                self._settle([user], outcomes.refusal(failures, user.update, mapping, operation.name))
        self._send(operation, without_phone)

    def _succeed(self, operation: _Operation) -> None:
        """Insider takes others: whoever was refused alone is to blame himself."""
        operation.succeeded = True
        operation.attempts_since_success = 0
        for user, refusal, _ in operation.alone:
            self._blame(operation, user, refusal)
        operation.alone.clear()

    def _blame(self, operation: _Operation, user: User, refusal: Refusal) -> None:
        self._settle([user], outcomes.blamed(refusal, user.update, self._mapping_of(user), operation.name))

    def _deliver(self, users: Sequence[User]) -> None:
        """Settle users of whom Insider has taken everything."""
        self._settle(users)
        self.delivered |= bool(users)

    def _remember(self, taken: Iterable[tuple[str, dict[str, TrueAt]]]) -> None:
        """Note from when Insider has, or has forgotten, attributes of customers: nothing older shall come after."""
        for customer, times in taken:
            for noted in (self._known, self._times):
                noted.setdefault(customer, {}).update(times)

    def _mapping_of(self, user: User) -> TopicMapping | None:
        return self._mappings.get(user.deliveries[0].topic, self._store.options.overlay)

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
    seconds = backoff.pause_seconds(asked, retry_after, failures=store.failures)
    stores.pause(connection, store, seconds=seconds, reason=reason)
    _log.warning("store.paused", store=store.name, seconds=round(seconds, 1), reason=reason)
