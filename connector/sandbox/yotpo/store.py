"""One store: its customers, its keys, and where its webhooks go.

However many customers a store has, only those that were changed or added are kept; all others are made when they are
asked for. They are in the order of their numbers, and who is added gets the next one, so that reading on after a number
neither repeats nor skips anybody.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, islice
from typing import NamedTuple
from zlib import crc32

from connector.sandbox.yotpo.people.generator import (
    Person,
    Shares,
    generate,
    number_of_email,
    number_of_external_id,
    number_of_phone,
)


class LoyaltyWebhook(NamedTuple):
    """What a merchant has pasted into the settings of the loyalty product: one URL for all its events."""

    url: str
    #: Sent with each webhook in the header of this name; None: no such header.
    secret: str | None
    header: str


class Wanted(NamedTuple):
    """Whom a look-up asks for: who has any of these. E-mail addresses are in lower case."""

    external_ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()

    def means(self, person: Person) -> bool:
        return (
            person.external_id in self.external_ids
            or (person.email is not None and person.email.lower() in self.emails)
            or person.phone in self.phones
        )

    def numbers(self) -> set[int]:
        """The generated customers that may be meant."""
        found = {number_of_external_id(each) for each in self.external_ids}
        found |= {number_of_email(each) for each in self.emails}
        found |= {number_of_phone(each) for each in self.phones}
        return {number for number in found if number is not None}


@dataclass
class Store:
    app_key: str
    #: How many customers it was born with.
    size: int
    #: What its customers are drawn from; 0: from the app key, so that two stores have different ones.
    seed: int = 0
    shares: Shares = field(default_factory=Shares)
    #: The API secret, for Core v3's own tokens.
    secret: str = ""
    #: The merchant's keys for the Loyalty API v2.
    loyalty_guid: str = ""
    loyalty_key: str = ""
    #: Event name to URL: one webhook for each event.
    review_webhooks: dict[str, str] = field(default_factory=dict)
    loyalty_webhook: LoyaltyWebhook | None = None
    #: The highest number in use.
    last: int = field(init=False)
    _kept: dict[int, Person] = field(default_factory=dict, init=False)
    _coming: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list, init=False)
    _turns: Iterator[int] = field(default_factory=count, init=False)

    def __post_init__(self) -> None:
        self.last = self.size
        self.seed = self.seed or crc32(self.app_key.encode())
        self.secret = self.secret or f"secret-of-{self.app_key}"
        self.loyalty_guid = self.loyalty_guid or f"guid-of-{self.app_key}"
        self.loyalty_key = self.loyalty_key or f"key-of-{self.app_key}"

    def person(self, number: int) -> Person:
        """Return a customer to look at; what is changed on it may be lost. Raises KeyError: there is none."""
        if not 1 <= number <= self.last:
            raise KeyError(number)
        return self._kept.get(number) or generate(self.seed, number, self.shares)

    def edit(self, number: int) -> Person:
        """Return a customer to change; it is kept from now on. Raises KeyError: there is none."""
        return self._kept.setdefault(number, self.person(number))

    def insert(self) -> Person:
        """Add the next generated customer to the end, and return it to be changed."""
        self.last += 1
        return self.edit(self.last)

    def add(self, make: Callable[[int], Person]) -> Person:
        """Add the customer that is made for the next number."""
        self.last += 1
        person = self._kept[self.last] = make(self.last)
        return person

    def after(self, number: int, limit: int) -> list[Person]:
        """Return the customers that follow a number, at most so many."""
        return [self.person(each) for each in range(number + 1, min(number + limit, self.last) + 1)]

    def found(self, wanted: Wanted, after: int = 0, limit: int = 1) -> list[Person]:
        """Return whom a look-up means, in order. Generated customers cost nothing, each changed one a glance."""
        return list(islice(self._found(wanted, after), limit))

    def later(self, seconds: float, change: Callable[[], None]) -> None:
        """Let a change happen once so much time has passed."""
        heappush(self._coming, (time.monotonic() + seconds, next(self._turns), change))
        self.settle()

    def settle(self) -> None:
        """Let happen what was to happen until now."""
        while self._coming and self._coming[0][0] <= time.monotonic():
            heappop(self._coming)[-1]()

    @property
    def kept(self) -> int:
        """How many customers are kept in memory."""
        return len(self._kept)

    def _found(self, wanted: Wanted, after: int) -> Iterator[Person]:
        changed = {number for number, person in self._kept.items() if wanted.means(person)}
        for number in sorted(changed | wanted.numbers()):
            if after < number <= self.last:
                person = self.person(number)
                if wanted.means(person):
                    yield person
