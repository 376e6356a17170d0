"""Decides which deliveries fit into a request, how they are merged into users, and what is too old to send.

These functions are pure: `sending` sends the users that they return. `outcomes` decides what a response means.
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
    from connector.model import Delivery, Profile, Refusal, Store, UserEvent, Value


class Destination(Protocol):
    """The methods of Insider's client that this package needs."""

    def upsert(self, store: Store, users: Sequence[bytes], *, skip_hook: bool) -> Response: ...

    def clear(self, store: Store, users: Sequence[bytes]) -> Response: ...


@dataclass(kw_only=True, slots=True)
class User:
    """The deliveries of one customer, merged into one user.

    An upsert sends the user's attributes and user events to Insider. A clear deletes the values of the attributes in
    `cleared`.
    """

    customer: str
    identifiers: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    events: list[UserEvent] = field(default_factory=list)
    #: The time of each attribute to send, and of each attribute that was already cleared at Insider.
    times: dict[str, TrueAt] = field(default_factory=dict)
    #: The attributes to clear at Insider, each with the time of its clear. None of them is in `attributes`.
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
        """False if nothing is left to send, because everything was stale, too old or already cleared."""
        return bool(self.attributes or self.events or self.cleared)

    @property
    def upsertable(self) -> bool:
        """False if there is nothing to upsert. Insider refuses a user that has only identifiers."""
        return bool(self.attributes or self.events)

    def settled(self, refusal: Refusal | None = None) -> list[Settled]:
        """Return the outcome of each delivery, with this refusal."""
        return [Settled(id=delivery_id, refusal=refusal, notes=notes) for delivery_id, notes in self.notes.items()]

    def without_phone_number(self) -> None:
        """Remove the phone number and note this. Insider refuses only the phone number of this user."""
        del self.identifiers["phone_number"]
        for notes in self.notes.values():
            notes["left_out"] = ["phone_number"]


def fitting(deliveries: Sequence[Delivery], limit: int) -> Sequence[Delivery]:
    """Return the first deliveries that together fit into a request of `limit` bytes. Return at least one."""
    size = 0
    for position, delivery in enumerate(deliveries):
        size += delivery.bytes
        if size > limit and position:
            return deliveries[:position]
    return deliveries


def merge(
    deliveries: Iterable[Delivery],
    profiles: Mapping[str, Profile],
    *,
    now: datetime,
    retention: timedelta,
) -> list[User]:
    """Merge deliveries, oldest first, into one user for each customer.

    `profiles` contains, by customer, what Insider has stored or cleared, and when. The function leaves out an older
    value or an older clear, and notes it as stale. It leaves out a user event that is older than the retention, and
    notes it as too old: Insider would ignore this user event without an error.
    """
    users: dict[str, User] = {}
    for delivery in deliveries:
        user = users.get(delivery.customer)
        if user is None:
            user = users[delivery.customer] = User(customer=delivery.customer)
            user.times.update(_known_times(profiles, delivery.customer))
        _add(user, delivery, oldest=now - retention)
    for user in users.values():
        _drop_needless_clears(user, _known_times(profiles, user.customer))
    return list(users.values())


def _known_times(profiles: Mapping[str, Profile], customer: str) -> Mapping[str, TrueAt]:
    return profiles[customer].times if customer in profiles else {}


def _add(user: User, delivery: Delivery, *, oldest: datetime) -> None:
    notes: dict[str, list[str]] = {}
    user.deliveries.append(delivery)
    user.notes[delivery.id] = notes
    user.identifiers.update(delivery.update.identifiers)
    true_at = TrueAt(round(delivery.occurred_at.timestamp() * 1000), delivery.event_id)
    # Clears are processed first. So if one update has both a clear and a value for an attribute, the value wins.
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
            # Insider may have stored this old value, in an attempt whose response was lost. So the attribute is
            # cleared.
            user.cleared[name] = newest
    for event in delivery.update.events:
        if datetime.fromisoformat(event.timestamp) > oldest:
            user.events.append(event)
        else:
            notes.setdefault("too_old", []).append(event.name)


def _drop_needless_clears(user: User, known_times: Mapping[str, TrueAt]) -> None:
    """Leave out clears that a newer value replaces, and clears of attributes that Insider has already cleared.

    A clear stays if one of the deliveries contains a value for its attribute. Insider may have stored that value in an
    attempt whose response was lost. Afterwards `times` contains only the attributes that are sent, and the attributes
    that Insider has already cleared.
    """
    over = {name for name in user.cleared if name not in user.attributes}
    with_value = {name for delivery in user.deliveries for name in delivery.update.attributes} if over else set()
    forgotten = {name for name in over - with_value if isinstance(known_times.get(name), ClearedAt)}
    user.cleared = {name: at for name, at in user.cleared.items() if name in over and name not in forgotten}
    user.times = {name: at for name, at in user.times.items() if name in user.attributes or name in forgotten}
