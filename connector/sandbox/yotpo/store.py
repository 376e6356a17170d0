"""One store: its customers, its keys, and the URLs of its webhooks.

A store of any size keeps only the customers that were changed or added. It generates all others on demand. Customers
are in the order of their numbers, and a new customer gets the next number. So a client that continues after a number
gets every customer exactly once.
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
    """The webhook that a merchant has set in the loyalty product. All events of the product go to its URL."""

    url: str
    #: The value of the header `header`, which each webhook has. None: the webhooks do not have this header.
    secret: str | None
    #: The name of the header that contains the secret.
    header: str


class Lookup(NamedTuple):
    """A look-up by identifiers. It finds each customer who has one of them. E-mail addresses are in lower case."""

    external_ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()

    def matches(self, person: Person) -> bool:
        return (
            person.external_id in self.external_ids
            or (person.email is not None and person.email.lower() in self.emails)
            or person.phone in self.phones
        )

    def numbers(self) -> set[int]:
        """Return the customer numbers that appear in the identifiers.

        The identifiers of a generated customer contain its number. So a generated customer with another number cannot
        match.
        """
        numbers = {number_of_external_id(external_id) for external_id in self.external_ids}
        numbers |= {number_of_email(email) for email in self.emails}
        numbers |= {number_of_phone(phone) for phone in self.phones}
        return {number for number in numbers if number is not None}


@dataclass
class Store:
    app_key: str
    #: The number of customers at the start.
    size: int
    #: The seed of the generated customers. 0: the app key gives the seed, so two stores have different customers.
    seed: int = 0
    shares: Shares = field(default_factory=Shares)
    #: The API secret. Merchants exchange it for tokens of Core v3.
    secret: str = ""
    #: The merchant's keys for the Loyalty API v2.
    loyalty_guid: str = ""
    loyalty_key: str = ""
    #: The URL of the review webhook of each event, by event name.
    review_webhooks: dict[str, str] = field(default_factory=dict)
    loyalty_webhook: LoyaltyWebhook | None = None
    #: The highest customer number in use.
    last: int = field(init=False)
    #: The customers that were changed or added, by number.
    _kept: dict[int, Person] = field(default_factory=dict, init=False)
    #: A heap of changes that are not due yet. Each entry has the due time, the order, and the change.
    _scheduled: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list, init=False)
    #: The order of entries with the same due time. Without it, the heap would compare functions.
    _sequence: Iterator[int] = field(default_factory=count, init=False)

    def __post_init__(self) -> None:
        self.last = self.size
        self.seed = self.seed or crc32(self.app_key.encode())
        self.secret = self.secret or f"secret-of-{self.app_key}"
        self.loyalty_guid = self.loyalty_guid or f"guid-of-{self.app_key}"
        self.loyalty_key = self.loyalty_key or f"key-of-{self.app_key}"

    def person(self, number: int) -> Person:
        """Return a customer for reading. Changes to it may be lost. Raises KeyError if the number does not exist."""
        if not 1 <= number <= self.last:
            raise KeyError(number)
        return self._kept.get(number) or generate(self.seed, number, self.shares)

    def edit(self, number: int) -> Person:
        """Return a customer for a change. The store keeps the object. Raises KeyError if the number does not exist."""
        return self._kept.setdefault(number, self.person(number))

    def insert(self) -> Person:
        """Add the next generated customer, and return the object. The caller may change it."""
        self.last += 1
        return self.edit(self.last)

    def add(self, make: Callable[[int], Person]) -> Person:
        """Call `make` with the next number, add the customer that it returns, and return this customer."""
        self.last += 1
        person = self._kept[self.last] = make(self.last)
        return person

    def customers_after(self, number: int, limit: int) -> list[Person]:
        """Return the first `limit` customers after a number, or fewer if there are fewer."""
        return [self.person(following) for following in range(number + 1, min(number + limit, self.last) + 1)]

    def search(self, lookup: Lookup, after: int = 0, limit: int = 1) -> list[Person]:
        """Return the first customers after a number who match a look-up, in the order of their numbers.

        The identifiers of a generated customer contain the customer's number, so this search is fast. The search
        compares all kept customers.
        """
        return list(islice(self._search(lookup, after), limit))

    def schedule(self, seconds: float, change: Callable[[], None]) -> None:
        """Apply a change after a number of seconds. 0 applies it now."""
        heappush(self._scheduled, (time.monotonic() + seconds, next(self._sequence), change))
        self.apply_due_changes()

    def apply_due_changes(self) -> None:
        """Apply the scheduled changes that are due."""
        while self._scheduled and self._scheduled[0][0] <= time.monotonic():
            heappop(self._scheduled)[-1]()

    @property
    def kept(self) -> int:
        """The number of customers in memory."""
        return len(self._kept)

    def _search(self, lookup: Lookup, after: int) -> Iterator[Person]:
        kept = {number for number, person in self._kept.items() if lookup.matches(person)}
        for number in sorted(kept | lookup.numbers()):
            if after < number <= self.last:
                person = self.person(number)
                if lookup.matches(person):
                    yield person
