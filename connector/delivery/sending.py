"""Sends one batch of deliveries to Insider, and records the outcome of each delivery.

All requests happen within the transaction that holds the partition. An upsert sends the users first, and Insider
creates the new users. A clear then deletes the attributes that no longer have a value, for the users that Insider has
accepted. After the last request for a user, the user's deliveries are settled: each is delivered or a dead letter. If
Insider refuses a batch without naming a user, the batch is halved until the refused delivery is alone in its request.
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

#: A batch starts new requests for this time. If no delivery is settled yet, it continues after this time.
BATCH_SECONDS = 15.0
#: After this time, a batch starts no request at all. So the worker's task can end before its time limit.
LONGEST_SECONDS = 50.0
#: After this number of deliveries that Insider refused alone, a refused half is not halved further, but set aside. It
#: is sent again at the end if another request has succeeded.
_ENOUGH_ALONE = 8
#: A success proves that Insider accepts other users, but only for this number of attempts after it. To halve a full
#: batch down to one delivery, this number of attempts is enough.
_FRESH_ATTEMPTS = 12

_log = observability.logger("delivery")


@dataclass(kw_only=True, slots=True)
class _Operation:
    """The upserts or the clears of a batch, with their results. A successful upsert proves nothing about clears."""

    name: str
    encode: Callable[[UserUpdate], bytes]
    request: Callable[[Sequence[bytes]], Response]
    #: Deliveries that Insider refused alone, each with its refusal and the attempt's id. They stay in this list until a
    #: success proves that Insider accepts other users.
    refused_alone: list[tuple[User, Refusal, int]] = field(default_factory=list)
    #: Groups of refused users that were not halved further.
    set_aside: list[Sequence[User]] = field(default_factory=list)
    attempts_since_success: int = _FRESH_ATTEMPTS
    succeeded: bool = False


class Sending:
    """Sends deliveries of one partition, and records the outcome of each."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        insider: Destination,
        *,
        mappings: MappingSet,
        known_times: dict[str, dict[str, TrueAt]],
        retention: timedelta,
    ) -> None:
        """`known_times` contains, by customer, the time of each attribute that Insider has stored or cleared."""
        self._connection = connection
        self._store = store
        self._mappings = mappings
        self._skip_hook = True
        self._known_times = known_times
        self._retention = retention
        self._started = time.monotonic()
        self._stopped = False
        self._upsert = _Operation(
            name=outcomes.UPSERT,
            encode=wire.encode_user,
            request=lambda users: insider.upsert(store, users, skip_hook=self._skip_hook),
        )
        self._clear = _Operation(
            name=outcomes.CLEAR, encode=wire.encode_cleared, request=lambda users: insider.clear(store, users)
        )
        #: How many calls of `_halve_user` are running, one within the other.
        self._user_depth = 0
        #: The reason of the last response that refused a request without naming a user.
        self._last_split_reason: str | None = None
        #: By delivery: the ids of those attempts that are not recorded yet.
        self._attempt_ids: dict[int, list[int]] = {}
        #: By customer: the times of the attributes that this batch has sent or cleared. They are recorded at the end.
        self._new_times: dict[str, dict[str, TrueAt]] = {}
        self.settled = 0
        self.delivered = False

    def send(self, waiting: Sequence[Delivery]) -> str | None:
        """Send the new content of these deliveries. Deliveries that are not settled continue to wait.

        Return a reason if Insider accepted nothing, and it is unclear why: either these deliveries are wrong, or
        Insider accepts nothing at all from this store. Otherwise return None.
        """
        self._skip_hook = waiting[0].skip_hook
        self._send_merged(waiting)
        for operation in (self._upsert, self._clear):
            if operation.succeeded:
                set_aside, operation.set_aside = operation.set_aside, []
                for users in set_aside:
                    self._send(operation, users)
        if self.delivered and self._store.failures and not self._stopped:
            stores.end_pause(self._connection, self._store)
        unclear = [
            refusal
            for operation in (self._upsert, self._clear)
            for user, refusal, attempt_id in operation.refused_alone
            if not self._make_dead_if_proven(operation, user, refusal, attempt_id)
        ]
        deliveries.remember_attempts(self._connection, self._attempt_ids)
        deliveries.remember_times(self._connection, self._store.id, self._new_times)
        if self._stopped or self.delivered:
            return None
        if unclear:
            return unclear[0].reason
        # If the time was too short to halve the batch down to one delivery, only the last refusal is known.
        return None if self.settled else self._last_split_reason

    def _make_dead_if_proven(self, operation: _Operation, user: User, refusal: Refusal, attempt_id: int) -> bool:
        """Make a refused delivery dead if Insider has accepted other deliveries since its first refusal.

        Only refusals in a request with this delivery alone count. If Insider has accepted no other delivery since the
        first refusal, remember this refusal. Return whether the delivery is dead.
        """
        (delivery,) = user.deliveries
        first_id = delivery.refused_attempt_id
        if first_id and deliveries.delivered_since(
            self._connection, self._store.id, first_id, operation=operation.name
        ):
            self._blame(operation, user, refusal)
            return True
        deliveries.remember_refusal(self._connection, delivery.id, attempt_id)
        return False

    def _send_merged(self, waiting: Sequence[Delivery]) -> None:
        users = merging.merge(waiting, self._known_times, now=datetime.now(UTC), retention=self._retention)
        nothing_new = [user for user in users if not user.sendable]
        self._remember_times((user.customer, user.times) for user in nothing_new)
        self._settle(nothing_new)
        self._send(self._upsert, [user for user in users if user.upsertable])
        self._send(self._clear, [user for user in users if user.cleared and not user.upsertable])

    def _send(self, operation: _Operation, users: Sequence[User]) -> None:
        if not users or self._is_over():
            return
        encoded = [operation.encode(user.update) for user in users]
        response = operation.request(encoded)
        ruling = outcomes.rule(response, len(users), operation.name)
        size = sum(map(len, encoded))
        attempt = outcomes.attempt(response, ruling, users=len(users), size=size, operation=operation.name)
        attempt_id = deliveries.add_attempt(self._connection, self._store.id, attempt)
        for delivery_id in (delivery_id for user in users for delivery_id in user.notes):
            self._attempt_ids.setdefault(delivery_id, []).append(attempt_id)
        _log.info(
            "delivery.attempted",
            store=self._store.name,
            operation=operation.name,
            users=len(users),
            status=response.status,
            outcome=ruling.outcome,
            duration_ms=response.duration_ms,
        )
        operation.attempts_since_success += 1
        if ruling.pause:
            self._pause(*ruling.pause, response.retry_after)
        elif ruling.split:
            self._halve(operation, users, ruling.split, attempt_id)
        else:
            self._record(operation, users, ruling.refused)

    def _halve(self, operation: _Operation, users: Sequence[User], refusal: Refusal, attempt_id: int) -> None:
        """Send each half of a refused request, until the refused delivery is alone in its request."""
        self._last_split_reason = refusal.reason
        # The parts of one user are never set aside, because later deliveries of the user would be sent before them.
        if len(operation.refused_alone) >= _ENOUGH_ALONE and not self._user_depth:
            operation.set_aside.append(users)
            return
        if len(users) > 1:
            middle = len(users) // 2
            self._send(operation, users[:middle])
            self._send(operation, users[middle:])
        elif not self._halve_user(users[0]):
            if operation.attempts_since_success < _FRESH_ATTEMPTS:
                self._blame(operation, users[0], refusal)
            else:
                operation.refused_alone.append((users[0], refusal, attempt_id))

    def _halve_user(self, user: User) -> bool:
        """Send the deliveries of one user in two parts. Return False if the user has only one delivery."""
        middle = len(user.deliveries) // 2
        if middle:
            self._user_depth += 1
            self._send_merged(user.deliveries[:middle])
            self._send_merged(user.deliveries[middle:])
            self._user_depth -= 1
        return middle > 0

    def _record(self, operation: _Operation, users: Sequence[User], refused: Mapping[int, Sequence[Failure]]) -> None:
        """Record a response that names the refused users, by index. Insider has accepted all other users."""
        accepted = [user for index, user in enumerate(users) if index not in refused]
        if accepted:
            self._note_success(operation)
            if operation is self._upsert:
                self._remember_times((user.customer, user.times) for user in accepted)
                self._settle_delivered([user for user in accepted if not user.cleared])
                self._send(self._clear, [user for user in accepted if user.cleared])
            else:
                self._remember_times((user.customer, {**user.times, **user.cleared}) for user in accepted)
                self._settle_delivered(accepted)
        without_phone = []
        for index, failures in refused.items():
            user = users[index]
            # Maybe only one of the user's deliveries is wrong. The other deliveries should still reach Insider.
            if self._halve_user(user):
                continue
            if outcomes.is_phone_only(failures, user.update):
                user.without_phone_number()
                without_phone.append(user)
            else:
                mapping = self._mapping_of(user)
                self._settle([user], outcomes.refusal(failures, user.update, mapping, operation.name))
        self._send(operation, without_phone)

    def _note_success(self, operation: _Operation) -> None:
        """Note a success. It proves that Insider accepts users, so deliveries that were refused alone become dead."""
        operation.succeeded = True
        operation.attempts_since_success = 0
        for user, refusal, _ in operation.refused_alone:
            self._blame(operation, user, refusal)
        operation.refused_alone.clear()

    def _blame(self, operation: _Operation, user: User, refusal: Refusal) -> None:
        """Make the deliveries of a user dead. Insider refused them in a request with this user alone."""
        self._settle([user], outcomes.blamed(refusal, user.update, self._mapping_of(user), operation.name))

    def _settle_delivered(self, users: Sequence[User]) -> None:
        """Settle the deliveries of users whose attributes, user events and clears Insider has all accepted."""
        self._settle(users)
        self.delivered |= bool(users)

    def _remember_times(self, accepted: Iterable[tuple[str, dict[str, TrueAt]]]) -> None:
        """Note the times of attributes that Insider has stored or cleared, so that no older value is sent later."""
        for customer, times in accepted:
            for remembered in (self._known_times, self._new_times):
                remembered.setdefault(customer, {}).update(times)

    def _mapping_of(self, user: User) -> TopicMapping | None:
        return self._mappings.get(user.deliveries[0].topic, self._store.options.overlay)

    def _settle(self, users: Sequence[User], refusal: Refusal | None = None) -> None:
        settled = [delivery for user in users for delivery in user.settled(self._attempt_ids, refusal)]
        deliveries.settle(self._connection, settled)
        for delivery in settled:
            self._attempt_ids.pop(delivery.id, None)
        self.settled += len(settled)

    def _pause(self, asked: float, reason: str, retry_after: float | None) -> None:
        self._stopped = True
        pause(self._connection, self._store, asked=asked, retry_after=retry_after, reason=reason)

    def _is_over(self) -> bool:
        elapsed = time.monotonic() - self._started
        return self._stopped or elapsed > LONGEST_SECONDS or (self.settled > 0 and elapsed > BATCH_SECONDS)


def pause(
    connection: Connection, store: Store, *, asked: float = 0.0, retry_after: float | None = None, reason: str
) -> None:
    """Pause a store's deliveries.

    The pause lasts `asked` seconds if this number is not 0. Otherwise it lasts `retry_after` seconds, as Insider asks.
    If both are missing, the pause is longer after each failure in a row.
    """
    seconds = backoff.pause_seconds(asked, retry_after, failures=store.failures)
    stores.pause(connection, store, seconds=seconds, reason=reason)
    _log.warning("store.paused", store=store.name, seconds=round(seconds, 1), reason=reason)
