"""A customer with every value ends with all of Insider's 43 attributes, each from a source that has it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from connector.sandbox.expectations import ATTRIBUTES
from connector.sandbox.shop import APP_KEY, PARTNER, Shop
from connector.sandbox.stack import ROOT

if TYPE_CHECKING:
    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow

TABLE = ROOT / "mappings" / "tables" / "insider-attributes.csv"
#: The meaning of the table's two short names.
SYSTEM_NAMES = {"Na": "name", "Su": "surname"}
#: The customer's actions. Together they give each attribute a value.
DEEDS: tuple[dict[str, Any], ...] = (
    {"action": "opt_in", "accepts_marketing": True},
    {"action": "capture_birthday", "year": 1988},
    {"action": "capture_anniversary", "year": 2015},
    {"action": "purchase"},
    {"action": "be_awarded", "expires_in_days": 3},
    {"action": "earn_tier"},
    {"action": "be_reminded_of_expiry"},
    {"topic": "review_create"},
)


def wanted() -> set[str]:
    with TABLE.open(encoding="utf-8") as table:
        names = {row["insider_attribute"] for row in csv.DictReader(table)}
    return {SYSTEM_NAMES.get(name, name) for name in names}


def test_insiders_table_has_43_names_and_each_has_a_source() -> None:
    assert len(wanted()) == 43
    assert wanted() - {"email"} <= ATTRIBUTES.keys()


def test_a_customer_with_everything_ends_with_all_attributes(stack: Stack) -> None:
    shop = Shop(stack, customers=400)
    shop.connect()
    report = shop.fill()
    number = someone(stack)["number"]
    for deed in DEEDS:
        stack.tell_yotpo(f"stores/{APP_KEY}/send", number=number, **deed)
    shop.wait()
    comparison = shop.compare()
    (truth,) = stack.yotpo("customers", app_key=APP_KEY, after=number - 1, limit=1)
    (profile,) = stack.insider("users", partner=PARTNER, email=truth["core"]["email"].lower())
    filled = {**profile["attributes"], **profile["custom"], **profile["identifiers"]}

    assert report["state"] == "done"
    assert comparison.equal, comparison.summary()
    assert wanted() - filled.keys() == set()


def someone(stack: Stack) -> dict[str, Any]:
    """Return a member with reviews who can still reach a higher tier."""
    for one in stack.yotpo("customers", app_key=APP_KEY, limit=1000):
        reviews, program = one["core"]["yotpo_ugc"], one["core"]["yotpo_loyalty"]
        told = one["core"]["email"] and one["core"]["phone_number"] and reviews and program
        if told and None not in reviews.values() and reviews["top_topics"] and program["vip_tier_name"] is None:
            return dict(one)
    raise AssertionError("nobody has everything")
