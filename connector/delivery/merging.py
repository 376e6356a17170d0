"""Policy, pure: which deliveries fit into a request, how they merge into users, and what is too old to send.

`sending` carries this out. What a response means is in `outcomes`.
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
    """What delivery needs from Insider's client."""

    def upsert(self, store: Store, users: Sequence[bytes], *, skip_hook: bool) -> Response: ...

    def clear(self, store: Store, users: Sequence[bytes]) -> Response: ...


@dataclass(kw_only=True, slots=True)
class User:
    """The deliveries of one customer, merged into one user of an upsert and, if attributes are over, of a clear."""

    customer: str
    identifiers: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    events: list[UserEvent] = field(default_factory=list)
    #: The time of each attribute to send, and of each attribute that Insider has already forgotten.
    times: dict[str, TrueAt] = field(default_factory=dict)
    #: The attributes that Insider is to forget, each with the time it ended. None of them is among `attributes`.
    cleared: dict[str, TrueAt] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    #: The notes to record with each delivery, by the delivery's id.
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
        """False if everything in it was stale, too old or already forgotten."""
        return bool(self.attributes or self.events or self.cleared)

    @property
    def upsertable(self) -> bool:
        """False if there is nothing to upsert: Insider accepts no user that has only identifiers."""
        return bool(self.attributes or self.events)

    def settled(self, attempts: Mapping[int, Sequence[int]], refusal: Refusal | None = None) -> list[Settled]:
        """Return the outcome of each delivery. `attempts` has the ids of each delivery's attempts."""
        return [
            Settled(id=delivery_id, refusal=refusal, notes=notes, attempt_ids=attempts.get(delivery_id, ()))
            for delivery_id, notes in self.notes.items()
        ]

    def without_phone_number(self) -> None:
        """Leave the phone number out and note it: it is all that Insider refuses of this user."""
        del self.identifiers["phone_number"]
        for notes in self.notes.values():
            notes["left_out"] = ["phone_number"]


def fitting(deliveries: Sequence[Delivery], limit: int) -> Sequence[Delivery]:
    """Return the first deliveries that together fit into a request of `limit` bytes, but at least one."""
    size = 0
    for position, delivery in enumerate(deliveries):
        size += delivery.bytes
        if size > limit and position:
            return deliveries[:position]
    return deliveries


def merge(
    deliveries: Iterable[Delivery],
    known_times: Mapping[str, Mapping[str, TrueAt]],
    *,
    now: datetime,
    retention: timedelta,
) -> list[User]:
    """Merge deliveries, oldest first, into one user for each customer.

    `known_times` has, for each customer, the time of each attribute that Insider has or has forgotten. An older value
    or an older clear is left out and noted as stale. A user event older than the retention is left out and noted as too
    old, because Insider would drop it silently.
    """
    users: dict[str, User] = {}
    for delivery in deliveries:
        user = users.get(delivery.customer)
        if user is None:
            user = users[delivery.customer] = User(customer=delivery.customer)
            user.times.update(known_times.get(delivery.customer, {}))
        _add(user, delivery, oldest=now - retention)
    for user in users.values():
        _drop_needless_clears(user, known_times.get(user.customer, {}))
    return list(users.values())


def _add(user: User, delivery: Delivery, *, oldest: datetime) -> None:
    notes: dict[str, list[str]] = {}
    user.deliveries.append(delivery)
    user.notes[delivery.id] = notes
    user.identifiers.update(delivery.update.identifiers)
    true_at = TrueAt(round(delivery.occurred_at.timestamp() * 1000), delivery.event_id)
    # Clears come first: if one update has both a clear and a value, the value wins.
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
            # Insider may have this value anyway, from an attempt whose response was lost. So it is cleared.
            user.cleared[name] = newest
    for event in delivery.update.events:
        if datetime.fromisoformat(event.timestamp) > oldest:
            user.events.append(event)
        else:
            notes.setdefault("too_old", []).append(event.name)


def _drop_needless_clears(user: User, known_times: Mapping[str, TrueAt]) -> None:
    """Leave out clears that a newer value replaces, and clears of attributes that Insider has already forgotten.

    A clear stays if one of the deliveries has a value for its attribute: Insider may have taken that value, in an
    attempt whose response was lost. Afterwards `times` has only attributes that are sent or still forgotten.
    """
    over = {name for name in user.cleared if name not in user.attributes}
    with_value = {name for delivery in user.deliveries for name in delivery.update.attributes} if over else set()
    forgotten = {name for name in over - with_value if isinstance(known_times.get(name), ClearedAt)}
    user.cleared = {name: at for name, at in user.cleared.items() if name in over and name not in forgotten}
    user.times = {name: at for name, at in user.times.items() if name in user.attributes or name in forgotten}
