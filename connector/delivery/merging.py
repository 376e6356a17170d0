"""The policy of delivery, pure: what shares a request, what is stale or too old to send, how long to wait.

It neither sends nor stores nor sleeps; `sending` does what it says. What an answer means is in `outcomes`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from connector.model import ClearedAt, Settled, TrueAt, UserUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    from connector.insider.client import Response
    from connector.model import Delivery, Refusal, Store, UserEvent, Value


class Destination(Protocol):
    """All that delivery needs of Insider."""

    def upsert(self, store: Store, users: Sequence[bytes], *, skip_hook: bool) -> Response: ...

    def clear(self, store: Store, users: Sequence[bytes]) -> Response: ...


@dataclass(kw_only=True, slots=True)
class User:
    """The deliveries of one customer, merged into one user of an upsert, and of a clear where attributes are over."""

    customer: str
    identifiers: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    events: list[UserEvent] = field(default_factory=list)
    #: From when each of the attributes is, and since when those have been over that Insider has forgotten already.
    times: dict[str, TrueAt] = field(default_factory=dict)
    #: The attributes that Insider is to forget, each with the time since when it is over; none is among `attributes`.
    cleared: dict[str, TrueAt] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    #: What is to be noted of each delivery, by its id.
    notes: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    @property
    def update(self) -> UserUpdate:
        return UserUpdate(
            identifiers=self.identifiers,
            attributes=self.attributes,
            events=tuple(self.events),
            cleared=tuple(self.cleared),
        )

    @property
    def sendable(self) -> bool:
        """False where everything in it was stale, too old or forgotten already."""
        return bool(self.attributes or self.events or self.cleared)

    @property
    def upsertable(self) -> bool:
        """False where there is nothing to upsert: of bare identifiers Insider takes none."""
        return bool(self.attributes or self.events)

    def settled(self, attempts: Mapping[int, Sequence[int]], refusal: Refusal | None = None) -> list[Settled]:
        """Return what became of each delivery; `attempts` has the ids of those that each was part of."""
        return [
            Settled(id=delivery_id, refusal=refusal, notes=notes, attempt_ids=attempts.get(delivery_id, ()))
            for delivery_id, notes in self.notes.items()
        ]

    def without_phone_number(self) -> None:
        """Leave the phone number out, which is all that Insider refuses of this user."""
        del self.identifiers["phone_number"]
        for notes in self.notes.values():
            notes["left_out"] = ["phone_number"]


def fitting(deliveries: Sequence[Delivery], limit: int) -> Sequence[Delivery]:
    """Return the first deliveries that fit into a request of `limit` bytes together, at least one."""
    size = 0
    for position, delivery in enumerate(deliveries):
        size += delivery.bytes
        if size > limit and position:
            return deliveries[:position]
    return deliveries


def merge(
    deliveries: Iterable[Delivery],
    known: Mapping[str, Mapping[str, TrueAt]],
    *,
    now: datetime,
    retention: timedelta,
) -> list[User]:
    """Merge deliveries, oldest first, into one user for each customer.

    `known` says for each customer from when each attribute is that Insider has, or has forgotten. An older value is
    left out and noted as stale, and so is an older word that an attribute is over. A user event older than the
    retention is left out and noted as too old, because Insider would drop it without a word.
    """
    users: dict[str, User] = {}
    for delivery in deliveries:
        user = users.get(delivery.customer)
        if user is None:
            user = users[delivery.customer] = User(customer=delivery.customer)
            user.times.update(known.get(delivery.customer, {}))
        _add(user, delivery, oldest=now - retention)
    for user in users.values():
        _leave_out_what_is_over(user, known.get(user.customer, {}))
    return list(users.values())


def _add(user: User, delivery: Delivery, *, oldest: datetime) -> None:
    notes: dict[str, list[str]] = {}
    user.deliveries.append(delivery)
    user.notes[delivery.id] = notes
    user.identifiers.update(delivery.update.identifiers)
    true_at = TrueAt(round(delivery.occurred_at.timestamp() * 1000), delivery.event_id)
    # What is over comes first: should one update say both, the value that is there counts.
    for name in delivery.update.cleared:
        if user.times.get(name, true_at) <= true_at:
            user.attributes.pop(name, None)
            user.times[name] = user.cleared[name] = ClearedAt(*true_at)
        else:
            notes.setdefault("stale", []).append(name)
    for name, value in delivery.update.attributes.items():
        newest = user.times.get(name, true_at)
        if newest <= true_at:
            user.attributes[name] = value
            user.times[name] = true_at
            continue
        notes.setdefault("stale", []).append(name)
        if isinstance(newest, ClearedAt):
            # Insider may have this value all the same: from an attempt whose answer did not come.
            user.cleared[name] = newest
    for event in delivery.update.events:
        if datetime.fromisoformat(event.timestamp) > oldest:
            user.events.append(event)
        else:
            notes.setdefault("too_old", []).append(event.name)


def _leave_out_what_is_over(user: User, known: Mapping[str, TrueAt]) -> None:
    """Keep the times of what is sent. Insider need not be asked to forget what it has forgotten already.

    Unless a value was under way since, which Insider may have taken without an answer that came.
    """
    over = {name for name in user.cleared if name not in user.attributes}
    valued = {name for one in user.deliveries for name in one.update.attributes} if over else set()
    still_over = {name for name in over - valued if isinstance(known.get(name), ClearedAt)}
    user.cleared = {name: at for name, at in user.cleared.items() if name in over and name not in still_over}
    user.times = {name: at for name, at in user.times.items() if name in user.attributes or name in still_over}
