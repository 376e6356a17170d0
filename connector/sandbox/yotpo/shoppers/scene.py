"""The environment of an action: the store, the clock, random numbers, and the simulator's memory of customers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.newcomers import newcomer
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Moment, Webhook
from connector.sandbox.yotpo.shoppers.payloads.review_payloads import Review
from connector.sandbox.yotpo.store import Store

#: The fields that only webhooks show. The names are those in a webhook's customer object.
_WEBHOOK_ONLY = (
    "is_affiliate",
    "accepts_marketing",
    "anniversary_month",
    "anniversary_day",
    "anniversary_year",
    "referral_discount_code",
)
_MS = timedelta(milliseconds=1)


@dataclass
class Memory:
    """The data about customers that is needed after an action. The keys are customer numbers."""

    #: New ids. The first id is the current time, so an earlier process has not used them in the same journal.
    ids: Iterator[int] = field(default_factory=lambda: count(int(datetime.now(UTC).timestamp() * 1000)))
    #: The last review of each customer.
    reviews: dict[int, Review] = field(default_factory=dict)
    _acted_at: dict[int, datetime] = field(default_factory=dict)
    #: The time of the newest webhook for a value, by customer number and name.
    _noted_at: dict[tuple[int, str], datetime] = field(default_factory=dict)

    def tick(self, number: int) -> datetime:
        """Return the current time, to the millisecond. It is always later than the previous action of this customer."""
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        now = self._acted_at[number] = max(now, self._acted_at.get(number, now - _MS) + _MS)
        return now

    def note(self, webhook: Webhook) -> None:
        """Save the values of a webhook in `Person.webhook_only` of its customers. Newer values stay."""
        for person, customer_object in webhook.subjects:
            person.webhooks += 1
            for name in _WEBHOOK_ONLY:
                self._note(person, name, customer_object.get(name), webhook.at)
        if not webhook.subjects:
            return
        person = webhook.subjects[0].person
        perk = webhook.body.get("perk") or {}
        for name in ("expires_at", "expired"):
            self._note(person, f"perk.{name}", perk.get(name), webhook.at)
        name = "days_to_point_expiration"
        self._note(person, name, webhook.body.get(name), webhook.at)

    def _note(self, person: Person, name: str, value: object, at: datetime) -> None:
        """Save one value. Null and empty text are ignored."""
        if value in {None, ""} or at < self._noted_at.get((person.number, name), at):
            return
        person.webhook_only[name] = value
        self._noted_at[person.number, name] = at


@dataclass
class Scene:
    store: Store
    dice: Random
    memory: Memory

    def moment(self, person: Person) -> Moment:
        """Return the moment of an action. The customer's last_seen_at and updated_at get its time, if they exist."""
        now = self.memory.tick(person.number)
        if person.loyalty:
            person.loyalty.last_seen_at = now
        if person.updated_at:
            person.updated_at = now
        return Moment(now, self.store.app_key, self.memory.ids)

    def newcomer(self, referred_by: Person | None = None) -> Person:
        """Add a new customer to the store, and return the customer. Another customer may be the referrer."""
        email = referred_by.email if referred_by else None
        now = datetime.now(UTC).replace(microsecond=0)
        return self.store.add(lambda number: newcomer(self.store.seed, number, now, email))

    def code(self) -> str:
        """Draw a coupon code."""
        return f"CODE{self.dice.randrange(16**8):08X}"

    def friend_of(self, person: Person) -> str:
        """Return a new e-mail address for a friend who is not a customer."""
        return f"friend{next(self.memory.ids)}.of.{person.number}@example.net"
