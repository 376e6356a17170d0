"""Sends one batch of deliveries to Insider, and notes what becomes of each. It does not use the journal.

An upsert sends the users first, and Insider creates the new users. A clear then deletes the attributes that no longer
have a value, for the users that Insider has accepted. After the last request for a user, the user's deliveries are
settled: each is delivered or a dead letter. If Insider refuses a batch without naming a user, the batch is halved until
the refused delivery is alone in its request.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.delivery import merging, outcomes
from connector.insider import wire
from connector.model import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import timedelta

    from connector.delivery.merging import Destination, User
    from connector.insider.client import Response
    from connector.insider.wire import Failure
    from connector.mapping import MappingSet, TopicMapping
    from connector.model import Attempt, Delivery, Refusal, Settled, Store, UserUpdate

#: After this time, a batch starts no more requests if at least one of its deliveries is settled. If no delivery is
#: settled yet, the batch continues.
BATCH_SECONDS = 15.0
#: After this time, a batch starts no more requests, even if no delivery is settled. So the worker's task can end before
#: its time limit.
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
    #: Deliveries that Insider refused alone, each with its refusal and the attempt's number. They stay in this list
    #: until a success proves that Insider accepts other users.
    refused_alone: list[tuple[User, Refusal, int]] = field(default_factory=list)
    #: Groups of refused users that were not halved further.
    set_aside: list[Sequence[User]] = field(default_factory=list)
    attempts_since_success: int = _FRESH_ATTEMPTS
    succeeded: bool = False


class Pause(NamedTuple):
    """Why a store has to pause, and for how long."""

    reason: str
    #: The length of the pause; 0: it is longer after each failure in a row.
    seconds: float = 0.0
    #: How many seconds Insider asks us to wait, if it does.
    retry_after: float | None = None


class Sending:
    """Sends deliveries of some partitions of a store, and notes what becomes of each.

    An attempt has a number here, its position in `attempts`. It gets its id when it is recorded.
    """

    def __init__(
        self,
        store: Store,
        insider: Destination,
        *,
        mappings: MappingSet,
        profiles: dict[str, Profile],
        retention: timedelta,
        was_delivered_since: Callable[[int, str], bool],
        keep_alive: Callable[[], object],
    ) -> None:
        """`profiles` contains the profiles of the customers of all deliveries. The batch changes them.

        `was_delivered_since` tells whether Insider has accepted an update of the store after the attempt with this id,
        in an attempt with the same operation. `keep_alive` is called after each request, because PostgreSQL ends a
        transaction that is idle for the time of a long batch.
        """
        self._store = store
        self._was_delivered_since = was_delivered_since
        self._keep_alive = keep_alive
        self._mappings = mappings
        self._skip_hook = True
        self._profiles = profiles
        self._retention = retention
        self._started = time.monotonic()
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
        self.attempts: list[Attempt] = []
        #: By delivery: the numbers of its attempts.
        self.tried: dict[int, list[int]] = {}
        #: By delivery: its outcome.
        self.settled: dict[int, Settled] = {}
        #: By delivery: the number of the attempt in which Insider refused it alone. These deliveries still wait.
        self.refused_alone: dict[int, int] = {}
        #: By customer: the profiles that have changed, because Insider has accepted something.
        self.changed_profiles: dict[str, Profile] = {}
        #: True if Insider has accepted at least one delivery.
        self.delivered = False
        self.pause: Pause | None = None

    def send(self, waiting: Sequence[Delivery]) -> str | None:
        """Send the new content of these deliveries. Deliveries without an outcome continue to wait.

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
        unclear = [
            refusal
            for operation in (self._upsert, self._clear)
            for user, refusal, attempt in operation.refused_alone
            if not self._make_dead_if_proven(operation, user, refusal, attempt)
        ]
        if self.pause or self.delivered:
            return None
        if unclear:
            return unclear[0].reason
        # If the time was too short to halve the batch down to one delivery, only the last refusal is known.
        return None if self.settled else self._last_split_reason

    def _make_dead_if_proven(self, operation: _Operation, user: User, refusal: Refusal, attempt: int) -> bool:
        """Make a refused delivery dead if Insider has accepted other deliveries since its first refusal.

        A refusal counts only if this delivery was alone in the request. If Insider has accepted no other delivery since
        the first refusal, remember this refusal. Return whether the delivery is dead.
        """
        (delivery,) = user.deliveries
        first_id = delivery.refused_attempt_id
        if first_id and self._was_delivered_since(first_id, operation.name):
            self._blame(operation, user, refusal)
            return True
        self.refused_alone[delivery.id] = attempt
        return False

    def _send_merged(self, waiting: Sequence[Delivery]) -> None:
        users = merging.merge(waiting, self._profiles, now=datetime.now(UTC), retention=self._retention)
        nothing_new = [user for user in users if not user.sendable]
        for user in nothing_new:
            # A clear of an attribute that Insider has already cleared is not sent, but its time counts.
            if user.times:
                self._profile(user).times.update(user.times)
        self._settle(nothing_new)
        self._send(self._upsert, [user for user in users if user.upsertable])
        self._send(self._clear, [user for user in users if user.cleared and not user.upsertable])

    def _send(self, operation: _Operation, users: Sequence[User]) -> None:
        if not users or self._is_over():
            return
        encoded = [operation.encode(user.update) for user in users]
        response = operation.request(encoded)
        self._keep_alive()
        ruling = outcomes.rule(response, len(users), operation.name)
        size = sum(map(len, encoded))
        attempt = len(self.attempts)
        self.attempts.append(outcomes.attempt(response, ruling, users=len(users), size=size, operation=operation.name))
        for delivery_id in (delivery_id for user in users for delivery_id in user.notes):
            self.tried.setdefault(delivery_id, []).append(attempt)
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
            seconds, reason = ruling.pause
            self.pause = Pause(reason, seconds, response.retry_after)
        elif ruling.split:
            self._halve(operation, users, ruling.split, attempt)
        else:
            self._record(operation, users, ruling.refused)

    def _halve(self, operation: _Operation, users: Sequence[User], refusal: Refusal, attempt: int) -> None:
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
                operation.refused_alone.append((users[0], refusal, attempt))

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
                self._remember(accepted)
                self._settle_delivered([user for user in accepted if not user.cleared])
                self._send(self._clear, [user for user in accepted if user.cleared])
            else:
                self._remember(accepted, cleared=True)
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

    def _remember(self, accepted: Iterable[User], *, cleared: bool = False) -> None:
        """Add to the profiles what Insider has stored, or `cleared`, so that no older value is sent later."""
        for user in accepted:
            profile = self._profile(user)
            profile.identifiers.update(user.identifiers)
            profile.attributes.update(user.attributes)
            profile.times.update(user.times)
            if cleared:
                profile.times.update(user.cleared)

    def _profile(self, user: User) -> Profile:
        """Return the profile of a user, which is about to change."""
        profile = self._profiles.setdefault(user.customer, Profile())
        self.changed_profiles[user.customer] = profile
        return profile

    def _mapping_of(self, user: User) -> TopicMapping | None:
        return self._mappings.get(user.deliveries[0].topic, self._store.options.overlay)

    def _settle(self, users: Sequence[User], refusal: Refusal | None = None) -> None:
        self.settled |= {delivery.id: delivery for user in users for delivery in user.settled(refusal)}

    def _is_over(self) -> bool:
        elapsed = time.monotonic() - self._started
        return bool(self.pause or elapsed > LONGEST_SECONDS or (self.settled and elapsed > BATCH_SECONDS))
