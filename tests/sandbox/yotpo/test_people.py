"""The simulator of Yotpo: the customers that it generates, and how few of them it keeps in memory."""

from __future__ import annotations

import re
from dataclasses import fields
from time import process_time
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from connector.sandbox.yotpo.people.generator import (
    Person,
    Shares,
    generate,
    number_of_email,
    number_of_external_id,
    number_of_phone,
)
from tests import ROOT
from tests.sandbox.yotpo.simulators import Yotpo, running

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = range(1, 200_001)
SAMPLE = NUMBERS[::97]
KINDS = [entry.name for entry in fields(Shares)]


def test_a_customer_is_the_same_every_time_it_is_generated() -> None:
    made = {number: generate(7, number) for number in SAMPLE}

    assert {number: generate(7, number) for number in reversed(SAMPLE)} == made
    assert generate(8, 1) != generate(7, 1)


def test_each_identifier_is_unique() -> None:
    people = [generate(7, number) for number in SAMPLE]

    for name in ("email", "phone", "external_id"):
        values = [getattr(person, name) for person in people if getattr(person, name) is not None]
        assert len(values) > len(people) / 3
        assert len(set(values)) == len(values)


def test_identifiers_contain_the_customers_number() -> None:
    for number in SAMPLE:
        person = generate(7, number)
        assert person.email is None or number_of_email(person.email) == number
        assert person.phone is None or number_of_phone(person.phone) == number
        assert person.external_id is None or number_of_external_id(person.external_id) == number


def test_addresses_have_example_domains() -> None:
    for number in SAMPLE:
        email = generate(7, number).email
        assert email is None or re.fullmatch(r"[a-z]+\.[a-z]+\.\d+@example\.(com|net|org)", email.lower())


def test_every_kind_of_customer_is_there() -> None:
    people = [generate(7, number) for number in NUMBERS[::20]]
    members = [person.loyalty for person in people if person.loyalty]

    def some(share: float) -> bool:
        return 0.005 < share < 0.6

    assert some(share_of(people, lambda each: each.external_id is None))
    assert some(share_of(people, lambda each: each.updated_at is None))
    assert some(share_of(people, lambda each: each.email is None and each.phone is not None))
    assert some(share_of(people, lambda each: each.email is None and each.phone is None))
    assert some(share_of(people, lambda each: each.loyalty is None and each.reviews is not None))
    assert some(share_of(people, lambda each: ",," in (each.tags or "")))
    assert some(share_of(people, lambda each: not (each.last_name or "").isascii()))
    assert some(share_of(people, lambda each: len(each.last_name or "") > 40))
    assert some(sum(not each.is_opt_in for each in members) / len(members))
    assert some(sum(each.vip_tier_name is None for each in members) / len(members))
    assert some(sum(bool(each.birthday_day and not each.birthday_year) for each in members) / len(members))


def share_of(people: list[Person], is_so: Callable[[Person], bool]) -> float:
    return sum(map(is_so, people)) / len(people)


@pytest.mark.parametrize("kind", KINDS)
def test_the_share_of_each_kind_can_change_without_changing_names(kind: str) -> None:
    without, only = (Shares(**{kind: share}) for share in (0, 1))

    for number in SAMPLE[:50]:
        names = {
            (each.first_name, each.last_name) for each in (generate(7, number, without), generate(7, number, only))
        }
        assert len(names) == 1
    assert any(generate(7, number, without) != generate(7, number, only) for number in SAMPLE[:50])


def test_generating_a_customer_is_fast() -> None:
    fastest = min(timed(start) for start in range(1, 5_000, 500))

    # About 30 µs is usual; the limit allows for a busy machine.
    assert fastest < 120e-6


def timed(start: int) -> float:
    begun = process_time()
    for number in range(start, start + 500):
        generate(7, number)
    return (process_time() - begun) / 500


def test_reading_a_store_of_a_million_keeps_none_of_it() -> None:
    with running("--store", "shop:1000000", "--switch", "requests_per_second=1000000") as (url, process):
        with requests.Session() as session:
            yotpo = Yotpo(url, session).cleared()
            read = 0
            for page in yotpo.pages(expand="loyalty,reviews"):
                read += len(page)
                if read == 20_000:
                    break
            (store,) = yotpo.ask("stores")
            core = next(each["core"] for each in yotpo.truth(after=999_900) if each["core"]["email"])
            assert yotpo.customers(email=core["email"])[0]["last_name"] == core["last_name"]
        assert psutil.Process(process.pid).memory_info().rss < 150_000_000
        assert (store["customers"], store["kept"]) == (1_000_000, 0)


def test_the_shares_of_a_store_can_be_set() -> None:
    shares = {"unreachable": 1, "with_loyalty": 0}
    with running("--switch", 'shares={"no_updated_at": 1}') as (url, _), requests.Session() as session:
        yotpo = Yotpo(url, session)
        yotpo.tell("stores", {"app_key": "a", "size": 50})
        yotpo.tell("stores", {"app_key": "b", "size": 50, "seed": 3, "shares": shares})

        assert {each["core"]["account_updated_at"] for each in yotpo.truth("a")} == {None}
        assert {each["core"]["email"] for each in yotpo.truth("b")} == {None}
        assert {each["loyalty"] is None for each in yotpo.truth("b")} == {True}
        refused = session.post(f"{url}/_sandbox/switches", json={"shares": {"tall": 1}}, timeout=10)
        assert refused.status_code == 400


def test_two_stores_have_different_customers() -> None:
    with running("--store", "a:50", "--store", "b:50") as (url, _), requests.Session() as session:
        yotpo = Yotpo(url, session)

        names = [[each["core"]["first_name"] for each in yotpo.truth(app_key)] for app_key in ("a", "b")]
        assert names[0] != names[1]


@pytest.mark.parametrize(
    ("simulator", "allowed"),
    [
        ("yotpo", ("yotpo", "simulation")),
        ("insider", ("insider", "simulation")),
        ("simulation", ("simulation",)),
    ],
)
def test_the_simulator_shares_no_code_with_the_connector(simulator: str, allowed: tuple[str, ...]) -> None:
    folder = ROOT / "connector" / "sandbox" / simulator
    imported = {
        line.split()[1]
        for file in folder.rglob("*.py")
        for line in file.read_text("utf-8").splitlines()
        if re.match(r"\s*(from|import) connector\b", line)
    }

    own = tuple(f"connector.sandbox.{each}" for each in allowed)
    assert imported
    assert {name for name in imported if not name.startswith(own)} == set()
