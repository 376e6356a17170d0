"""Plans the webhooks of each customer, and the data that Insider must have after they have arrived.

A customer's events are numbered by Yotpo's clock. The webhook contains the number as the points balance. So the user
event and the attribute that are made from the webhook contain the number as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from connector.model.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The number and time of each of a customer's events, in the order in which the webhooks are sent.
Schedule = list[tuple[int, datetime]]
Arrangement = Callable[[Schedule, Random], Schedule]

CHANGED = "swell/points/changed"
EARNED = "swell/points/earned"
BALANCE = "yotpo_point_balance"
SPENT = "yotpo_total_spend_cents"

_EARNED_EVERY, _EARNED_FIRST = 5, 2
#: Only every third webhook contains this value: a missing value must not overwrite the value at Insider.
_SPENT_EVERY = 3
_NUMBERS = {"points_changed": "yotpo_points_current_balance", "points_earned": "yotpo_event_reward_point"}


@dataclass(slots=True, eq=False)
class Event:
    """An event of a customer, and what happened to its webhook."""

    customer: str
    number: int
    #: When the event happened, by Yotpo's clock.
    at: datetime
    topic: str
    body: bytes
    #: Seconds since 1970, like Insider's times of receipt.
    sent_at: float | None = None
    accepted_at: float | None = None
    #: How often the intake gave no response, or a response other than 200.
    turned_away: int = 0
    journal_id: int | None = None


#: The events of each customer in the order in which they are sent.
Plan = dict[str, list[Event]]


def make(events: int, customers: Iterable[str], seed: int, arrange: Arrangement | None = None) -> Plan:
    """Return a plan that divides events evenly among customers.

    A customer's events are a second apart, and the time of the last event is now.
    """
    random = Random(seed)  # noqa: S311 - no secret depends on it
    names = list(customers)
    now = datetime.now(UTC).replace(microsecond=0)
    plan: Plan = {}
    for position, customer in enumerate(names):
        count = events // len(names) + (position < events % len(names))
        schedule = [(number, now - timedelta(seconds=count - number)) for number in range(1, count + 1)]
        if arrange:
            schedule = arrange(schedule, random)
        plan[customer] = [_event(customer, number, at) for number, at in schedule]
    return plan


def shuffled(schedule: Schedule, random: Random) -> Schedule:
    """Put the webhooks of a customer into a random order."""
    return random.sample(schedule, len(schedule))


def half_late(schedule: Schedule, _: Random) -> Schedule:
    """Move every second event to the day before, so that its webhook comes late."""
    return [(number, at - timedelta(days=1) if number % 2 == 0 else at) for number, at in schedule]


def attributes(events: Iterable[Event]) -> dict[str, int]:
    """Return the attributes that a customer must have at Insider after these events."""
    expected: dict[str, int] = {}
    for event in sorted(events, key=lambda event: event.at):
        expected[BALANCE] = event.number
        if _has_spending(event.number):
            expected[SPENT] = _spent(event.number)
    return expected


def number_of(user_event: dict[str, Any]) -> int | None:
    """Return the number of the event from which a user event at Insider was made; None for other user events."""
    number = user_event["event_params"].get("custom", {}).get(_NUMBERS.get(user_event["event_name"], ""))
    return number if isinstance(number, int) else None


def _event(customer: str, number: int, at: datetime) -> Event:
    topic = EARNED if number % _EARNED_EVERY == _EARNED_FIRST else CHANGED
    person: dict[str, Any] = {"email": customer, "points_balance": number}
    if _has_spending(number):
        person["total_spend_cents"] = _spent(number)
    webhook: dict[str, Any] = {"topic": topic, "customer": person}
    if topic == CHANGED:
        webhook |= {"previous_balance": number - 1, "current_balance": number, "timestamp": rfc3339(at)}
    else:
        milliseconds = round(at.timestamp() * 1000)
        webhook["perk"] = {"id": f"{customer}-{number}", "reward_points": number, "awarded_at": milliseconds}
    return Event(customer, number, at, topic, orjson.dumps(webhook))


def _has_spending(number: int) -> bool:
    return number % _SPENT_EVERY == 1


def _spent(number: int) -> int:
    return number * 100
