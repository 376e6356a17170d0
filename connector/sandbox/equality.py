"""Compares Insider with Yotpo: the state of the two simulators, customer by customer, attribute by attribute.

expectations.py says what each attribute must be. A comparison contains personal data: use it only in tests with
generated customers, and never log it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from connector.sandbox.expectations import ATTRIBUTES, Source, YotpoCustomer, comparable, identifiers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

_PAGE_SIZE = 1_000
#: Each list of the result keeps at most this many entries; all further entries are only counted.
_MAX_KEPT = 1_000
_TIMEOUT_SECONDS = 60


class Difference(NamedTuple):
    #: The customer's number in the simulator of Yotpo.
    number: int
    #: An attribute, an identifier, or `profile`.
    attribute: str
    #: The expected value; None if the attribute must be absent.
    expected: object
    #: The value at Insider; None if the attribute is absent.
    found: object


@dataclass
class Comparison:
    """The result of a comparison.

    `different` and `strange` count all cases; each list keeps only the first thousand.
    """

    customers: int = 0
    #: How many values were compared, including absent values.
    attributes: int = 0
    #: How many differences there are.
    different: int = 0
    differences: list[Difference] = field(default_factory=list)
    #: How many profiles at Insider belong to no customer.
    strange: int = 0
    #: The insider_ids of these profiles.
    unexplained: list[str] = field(default_factory=list)
    #: For each attribute: how many profiles have it.
    filled: Counter[str] = field(default_factory=Counter)
    #: The names of attributes that profiles have, but expectations.py does not list.
    not_compared: set[str] = field(default_factory=set)

    @property
    def equal(self) -> bool:
        return not (self.different or self.strange)

    def summary(self) -> str:
        """Return the result in one line, without any value."""
        names = sorted({difference.attribute for difference in self.differences})
        return (
            f"{self.customers:,} customers, {self.attributes:,} attributes, {self.different:,} differences"
            f"{' in ' + ', '.join(names) if names else ''}, {self.strange:,} profiles without a customer"
        )

    def coverage(self) -> str:
        """Return one line for each source: how many attributes it fills, and which attributes no profile has."""
        lines = []
        for source in Source:
            names = [name for name, attribute in ATTRIBUTES.items() if attribute.source is source]
            missing = [name for name in names if not self.filled[name]]
            filled = f"{len(names) - len(missing)} of {len(names)} attributes filled by the {source}"
            lines.append(f"{filled}{', no profile has ' + ', '.join(missing) if missing else ''}")
        return "\n".join(lines)

    def add_difference(self, number: int, attribute: str, expected: object, found: object) -> None:
        self.different += 1
        if len(self.differences) < _MAX_KEPT:
            self.differences.append(Difference(number, attribute, expected, found))


def compare(yotpo_url: str, app_key: str, insider_url: str, partner: str) -> Comparison:
    """Compare every customer of a store with the profiles of a partner at Insider.

    The comparison needs only a few bytes of memory for each customer. Raises requests.RequestException if a simulator
    does not answer.
    """
    result = Comparison()
    #: The `born` numbers of the profiles that belong to a customer. The simulator gives each profile such a number.
    matched: set[int] = set()
    with requests.Session() as session:
        session.trust_env = False
        for page in _pages(session, f"{yotpo_url}/_sandbox/customers", {"app_key": app_key}, "number"):
            for truth, profiles in _joined(session, insider_url, partner, page):
                matched.update(profile["born"] for profile in profiles)
                _compare_customer(result, truth, profiles)
        for page in _pages(session, f"{insider_url}/_sandbox/profiles", {"partner": partner}, "born"):
            strange = [profile["insider_id"] for profile in page if profile["born"] not in matched]
            result.strange += len(strange)
            result.unexplained += strange[: _MAX_KEPT - len(result.unexplained)]
    return result


def _pages(session: requests.Session, url: str, filters: Mapping[str, str], key: str) -> Iterator[list[Json]]:
    """Yield all pages.

    `key` is the field with an entry's number; the next page starts after the last entry's number.
    """
    after = 0
    while True:
        params = {**filters, "after": str(after), "limit": str(_PAGE_SIZE)}
        response = session.get(url, params=params, timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        page: list[Json] = response.json()
        if not page:
            return
        yield page
        after = page[-1][key]


def _joined(session: requests.Session, url: str, partner: str, page: list[Json]) -> Iterator[tuple[Json, list[Json]]]:
    """Yield each customer with the profiles that have one of the customer's identifiers; one profile is expected."""
    search = {"partner": partner, "identifiers": [identifiers(truth["core"]) for truth in page]}
    response = session.post(f"{url}/_sandbox/profiles", json=search, timeout=_TIMEOUT_SECONDS)
    response.raise_for_status()
    yield from zip(page, response.json(), strict=True)


def _compare_customer(result: Comparison, truth: Json, profiles: list[Json]) -> None:
    result.customers += 1
    number, expected_identifiers = truth["number"], identifiers(truth["core"])
    expected_profiles = 1 if expected_identifiers else 0
    if len(profiles) != expected_profiles:
        result.add_difference(number, "profile", expected_profiles, len(profiles))
    if not profiles:
        return
    profile = profiles[0]
    for name in ("email", "phone_number"):
        expected_identifier, identifier = expected_identifiers.get(name), profile["identifiers"].get(name)
        if expected_identifier != identifier:
            result.add_difference(number, name, expected_identifier, identifier)
    values = profile["custom"] | profile["attributes"]
    result.not_compared.update(values.keys() - ATTRIBUTES.keys())
    customer = YotpoCustomer.of(truth)
    for name, attribute in ATTRIBUTES.items():
        result.attributes += 1
        expected, value = attribute.of(customer), comparable(values.get(name))
        result.filled[name] += value is not None
        if comparable(expected) != value and not (value is None and attribute.may_be_missing(customer)):
            result.add_difference(number, name, expected, values.get(name))
