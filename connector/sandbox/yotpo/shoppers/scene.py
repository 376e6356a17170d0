"""Where shoppers act: one store, its clock, the dice, and what the simulator has to remember of its customers."""

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

#: What no look-up can tell of a customer, by its name in the customer of a webhook.
_ONLY_TOLD = (
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
    """What has to outlive one action, by the customer's number."""

    #: Unlike any that an earlier process may have used for the same journal.
    ids: Iterator[int] = field(default_factory=lambda: count(int(datetime.now(UTC).timestamp() * 1000)))
    reviews: dict[int, Review] = field(default_factory=dict)
    _acted_at: dict[int, datetime] = field(default_factory=dict)
    _told_at: dict[tuple[int, str], datetime] = field(default_factory=dict)

    def tick(self, number: int) -> datetime:
        """Return now, to the millisecond, and later than whatever this customer did before."""
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        now = self._acted_at[number] = max(now, self._acted_at.get(number, now - _MS) + _MS)
        return now

    def note(self, webhook: Webhook) -> None:
        """Keep with the customers what this webhook tells them to be: the newest by Yotpo's clock counts."""
        for person, shown in webhook.about:
            person.webhooks += 1
            for name in _ONLY_TOLD:
                self._note(person, name, shown.get(name), webhook.at)
        if not webhook.about:
            return
        person = webhook.about[0].person
        perk = webhook.body.get("perk") or {}
        for name in ("expires_at", "expired"):
            self._note(person, f"perk.{name}", perk.get(name), webhook.at)
        name = "days_to_point_expiration"
        self._note(person, name, webhook.body.get(name), webhook.at)

    def _note(self, person: Person, name: str, value: object, at: datetime) -> None:
        """Neither null nor an empty text tells anything."""
        if value in {None, ""} or at < self._told_at.get((person.number, name), at):
            return
        person.told[name] = value
        self._told_at[person.number, name] = at


@dataclass
class Scene:
    store: Store
    dice: Random
    memory: Memory

    def moment(self, person: Person) -> Moment:
        """Return when the customer acts, who is seen by this."""
        now = self.memory.tick(person.number)
        if person.loyalty:
            person.loyalty.last_seen_at = now
        if person.updated_at:
            person.updated_at = now
        return Moment(now, self.store.app_key, self.memory.ids)

    def newcomer(self, referred_by: Person | None = None) -> Person:
        """Add a customer to the store who has come just now."""
        email = referred_by.email if referred_by else None
        now = datetime.now(UTC).replace(microsecond=0)
        return self.store.add(lambda number: newcomer(self.store.seed, number, now, email))

    def code(self) -> str:
        """Draw a coupon code."""
        return f"CODE{self.dice.randrange(16**8):08X}"

    def friend_of(self, person: Person) -> str:
        """Make the address of somebody who is no customer."""
        return f"friend{next(self.memory.ids)}.of.{person.number}@example.net"
