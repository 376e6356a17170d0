"""The policy of delivery, pure: what shares a request, what is too old to send, what an answer means, how long to wait.

It neither sends nor stores nor sleeps; `sending` does what it says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from connector.model import Attempt, Settled, UserUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    from connector.insider.client import Answer
    from connector.model import Delivery, Store, UserEvent, Value

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0
_LONGEST_RETRY_AFTER_SECONDS = 3600.0
#: Credentials do not mend themselves; a try now and then notices that they work again.
_CREDENTIALS_PAUSE_SECONDS = 900.0

_OK, _BAD_REQUEST, _TOO_LARGE = 200, 400, 413
_CREDENTIALS = frozenset({401, 403})
_PARTNER_INVALID = "partner is invalid"


class Destination(Protocol):
    """All that delivery needs of Insider."""

    def upsert(self, store: Store, users: Sequence[bytes], *, skip_hook: bool) -> Answer: ...


@dataclass(kw_only=True, slots=True)
class User:
    """The deliveries of one customer, merged into one user of an upsert."""

    customer: str
    identifiers: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    events: list[UserEvent] = field(default_factory=list)
    #: From when each of the attributes is, in milliseconds since 1970.
    times: dict[str, int] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    #: What is to be noted of each delivery, by its id.
    notes: dict[int, dict[str, list[str]]] = field(default_factory=dict)

    @property
    def update(self) -> UserUpdate:
        return UserUpdate(identifiers=self.identifiers, attributes=self.attributes, events=tuple(self.events))

    @property
    def sendable(self) -> bool:
        """False where everything in it was stale or too old."""
        return bool(self.attributes or self.events)

    def settled(self, state: str, reason: str | None = None) -> list[Settled]:
        """Return what became of each delivery."""
        return [
            Settled(id=delivery_id, state=state, reason=reason, notes=notes, attempted=self.sendable)
            for delivery_id, notes in self.notes.items()
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What an answer means for the users that were sent."""

    outcome: str
    #: Insider's reason for each user that it refuses for good, by index. All others are delivered, unless…
    refused: dict[int, str] = field(default_factory=dict)
    #: …nobody can say who is meant: send halves, until the one stands alone that is refused for this reason.
    split: str | None = None
    #: …or nothing counts as delivered, and the store waits so long, for this reason.
    pause: tuple[float, str] | None = None


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
    known: Mapping[str, Mapping[str, int]],
    *,
    now: datetime,
    retention: timedelta,
) -> list[User]:
    """Merge deliveries, oldest first, into one user for each customer.

    `known` says for each customer from when each attribute is that Insider has, in milliseconds since 1970. An older
    value is left out and noted as stale. A user event older than the retention is left out and noted as too old,
    because Insider would drop it without a word.
    """
    users: dict[str, User] = {}
    for delivery in deliveries:
        user = users.get(delivery.customer)
        if user is None:
            user = users[delivery.customer] = User(customer=delivery.customer)
            user.times.update(known.get(delivery.customer, {}))
        notes: dict[str, list[str]] = {}
        user.deliveries.append(delivery)
        user.notes[delivery.id] = notes
        user.identifiers.update(delivery.update.identifiers)
        true_at = round(delivery.occurred_at.timestamp() * 1000)
        for name, value in delivery.update.attributes.items():
            if user.times.get(name, true_at) <= true_at:
                user.attributes[name] = value
                user.times[name] = true_at
            else:
                notes.setdefault("stale", []).append(name)
        for event in delivery.update.events:
            if datetime.fromisoformat(event.timestamp) > now - retention:
                user.events.append(event)
            else:
                notes.setdefault("too_old", []).append(event.name)
    for user in users.values():
        user.times = {name: true_at for name, true_at in user.times.items() if name in user.attributes}
    return list(users.values())


def rule(answer: Answer, users: int) -> Ruling:
    """Say what an answer to an upsert of so many users means, after Insider's list of answers and errors."""
    verdict = answer.verdict
    if answer.status == _OK and verdict is not None:
        if verdict.unattributed:
            said = "; ".join(message for messages in verdict.failed.values() for message in messages)
            return Ruling(outcome="split", split=f"Insider refuses without naming a user: {said or answer.excerpt}")
        refused = {index: "; ".join(messages) for index, messages in verdict.failed.items()}
        return Ruling(outcome=_outcome(len(refused), users), refused=refused)
    reason = f"Insider answered {answer.status}: {answer.message}" if answer.status else f"no answer: {answer.message}"
    if answer.status in _CREDENTIALS or _PARTNER_INVALID in answer.message.lower():
        return Ruling(outcome="unauthorized", pause=(_CREDENTIALS_PAUSE_SECONDS, reason))
    if answer.status in {_BAD_REQUEST, _TOO_LARGE}:
        return Ruling(outcome="split", split=reason)
    return Ruling(outcome="paused", pause=(0.0, reason))


def attempt(answer: Answer, ruling: Ruling, *, users: int, size: int) -> Attempt:
    """Return what is to be journaled of an upsert."""
    return Attempt(
        users=users,
        bytes=size,
        status=answer.status,
        outcome=ruling.outcome,
        duration_ms=answer.duration_ms,
        excerpt=answer.excerpt or answer.message,
    )


def pause_seconds(asked: float, retry_after: float | None, *, failures: int, jitter: float) -> float:
    """Return how long to wait: what the ruling or Insider asks for, else exponentially longer with full jitter.

    `failures` is how many came before in a row, `jitter` a random number from 0 to 1.
    """
    if asked:
        return asked
    if retry_after is not None:
        return min(max(retry_after, _FIRST_PAUSE_SECONDS), _LONGEST_RETRY_AFTER_SECONDS)
    ceiling = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(failures + 1, 30))
    return max(_FIRST_PAUSE_SECONDS, ceiling * jitter)


def _outcome(refused: int, users: int) -> str:
    if not refused:
        return "delivered"
    return "refused" if refused == users else "partly"
