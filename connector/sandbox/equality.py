"""Does Insider end equal to Yotpo? Compares what two simulators hold, customer by customer, attribute by attribute.

What each attribute must be stands in expectations.py. What it returns holds people's data: it is for tests on generated
customers, and for no log.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from connector.sandbox.expectations import ATTRIBUTES, Known, Source, comparable, identifiers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

_PAGE = 1_000
#: Differences and profiles beyond this are counted, not kept.
_KEPT = 1_000
_SECONDS = 60


class Difference(NamedTuple):
    #: The customer's number in the simulator of Yotpo.
    number: int
    #: An attribute, an identifier, or `profile`.
    attribute: str
    #: None: it must not be there.
    expected: object
    #: None: it is not there.
    found: object


@dataclass
class Comparison:
    """What came out; `different` and `strange` count, the lists hold no more than the first thousand of each."""

    customers: int = 0
    #: How many values were held against each other, the absent ones with them.
    attributes: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)
    #: Profiles at Insider that no customer explains, by their insider_id.
    strange: int = 0
    unexplained: list[str] = field(default_factory=list)
    #: How many profiles have each attribute.
    filled: Counter[str] = field(default_factory=Counter)
    #: What profiles hold besides, of which nothing is stated here.
    not_compared: set[str] = field(default_factory=set)

    @property
    def equal(self) -> bool:
        return not (self.different or self.strange)

    def summary(self) -> str:
        """Tell in one line what came out, without any value."""
        names = sorted({each.attribute for each in self.differences})
        return (
            f"{self.customers:,} customers, {self.attributes:,} attributes, {self.different:,} differences"
            f"{' in ' + ', '.join(names) if names else ''}, {self.strange:,} profiles that no customer explains"
        )

    def coverage(self) -> str:
        """Tell in one line a source how many attributes it fills, and which nobody has."""
        lines = []
        for source in Source:
            names = [name for name, attribute in ATTRIBUTES.items() if attribute.source is source]
            missing = [name for name in names if not self.filled[name]]
            filled = f"{len(names) - len(missing)} of {len(names)} attributes filled by the {source}"
            lines.append(f"{filled}{', nobody has ' + ', '.join(missing) if missing else ''}")
        return "\n".join(lines)

    def differ(self, number: int, attribute: str, expected: object, found: object) -> None:
        self.different += 1
        if len(self.differences) < _KEPT:
            self.differences.append(Difference(number, attribute, expected, found))


def compare(yotpo_url: str, app_key: str, insider_url: str, partner: str) -> Comparison:
    """Hold every customer of a store against what Insider's partner has.

    Memory does not grow with the customers, but for some bytes each. Raises requests.RequestException where a
    simulator does not answer.
    """
    result = Comparison()
    explained: set[int] = set()
    with requests.Session() as session:
        session.trust_env = False
        for page in _pages(session, f"{yotpo_url}/_sandbox/customers", {"app_key": app_key}, "number"):
            for truth, profiles in _joined(session, insider_url, partner, page):
                explained.update(each["born"] for each in profiles)
                _compare_customer(result, truth, profiles)
        for page in _pages(session, f"{insider_url}/_sandbox/profiles", {"partner": partner}, "born"):
            strange = [each["insider_id"] for each in page if each["born"] not in explained]
            result.strange += len(strange)
            result.unexplained += strange[: _KEPT - len(result.unexplained)]
    return result


def _pages(session: requests.Session, url: str, wanted: Mapping[str, str], key: str) -> Iterator[list[Json]]:
    after = 0
    while True:
        answer = session.get(url, params={**wanted, "after": str(after), "limit": str(_PAGE)}, timeout=_SECONDS)
        answer.raise_for_status()
        page: list[Json] = answer.json()
        if not page:
            return
        yield page
        after = page[-1][key]


def _joined(session: requests.Session, url: str, partner: str, page: list[Json]) -> Iterator[tuple[Json, list[Json]]]:
    """Yield each customer with the profiles that his identifiers lead to; there should be one."""
    wanted = [identifiers(truth["core"]) for truth in page]
    answer = session.post(
        f"{url}/_sandbox/profiles", json={"partner": partner, "identifiers": wanted}, timeout=_SECONDS
    )
    answer.raise_for_status()
    yield from zip(page, answer.json(), strict=True)


def _compare_customer(result: Comparison, truth: Json, profiles: list[Json]) -> None:
    result.customers += 1
    number, names = truth["number"], identifiers(truth["core"])
    wanted = 1 if names else 0
    if len(profiles) != wanted:
        result.differ(number, "profile", wanted, len(profiles))
    if not profiles:
        return
    profile = profiles[0]
    for name in ("email", "phone_number"):
        if names.get(name) != profile["identifiers"].get(name):
            result.differ(number, name, names.get(name), profile["identifiers"].get(name))
    found = profile["custom"] | profile["attributes"]
    result.not_compared.update(found.keys() - ATTRIBUTES.keys())
    known = Known.of(truth)
    for name, attribute in ATTRIBUTES.items():
        result.attributes += 1
        expected, there = attribute.of(known), comparable(found.get(name))
        result.filled[name] += there is not None
        if comparable(expected) != there and not (there is None and attribute.may_be_missing(known)):
            result.differ(number, name, expected, found.get(name))
