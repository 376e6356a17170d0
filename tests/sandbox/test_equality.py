"""The comparison of Insider with Yotpo finds each kind of difference, and none if there is none.

Two simulators as real processes, with profiles that are brought to Insider by hand; no doubles.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from connector.sandbox.equality import Comparison, Difference, compare
from connector.sandbox.expectations import ATTRIBUTES, YotpoCustomer, comparable, identifiers
from tests import ROOT
from tests.sandbox.simulators import Simulator
from tests.sandbox.simulators import simulator as insider_simulator
from tests.sandbox.yotpo.simulators import Yotpo
from tests.sandbox.yotpo.simulators import simulator as yotpo_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 200
#: Insider's own attributes. All others are custom attributes of the account.
OWN = {"name", "surname", "birthday"}


@pytest.fixture(scope="module")
def yotpo_started() -> Iterator[Yotpo]:
    with yotpo_simulator() as running_simulator:
        yield running_simulator


@pytest.fixture(scope="module")
def insider_started() -> Iterator[Simulator]:
    with insider_simulator() as running_simulator:
        yield running_simulator


class Both:
    """A store, and a partner of Insider that has all of it."""

    def __init__(self, yotpo: Yotpo, insider: Simulator) -> None:
        self.yotpo = yotpo
        self.insider = insider
        yotpo.tell("stores", {"app_key": "shop", "size": SIZE})
        yotpo.tell("stores/shop/loyalty-webhook", {"url": "http://127.0.0.1:9/nobody"})

    def bring(self) -> None:
        """Bring every customer to Insider with the expected attributes."""
        users = [user(truth) for truth in self.yotpo.truth() if identifiers(truth["core"])]
        assert self.insider.upsert(*users, not_append=True)["fail"] == {}

    def compared(self) -> Comparison:
        return compare(self.yotpo.url, "shop", self.insider.url, "shop")

    def one(self, *wanted: str) -> dict[str, Any]:
        """Return the first customer with an e-mail address who should have all of these attributes."""
        return next(
            truth
            for truth in self.yotpo.truth()
            if truth["core"]["email"]
            and all(ATTRIBUTES[name].of(YotpoCustomer.of(truth)) is not None for name in wanted)
        )

    def tell(self, truth: dict[str, Any], **attributes: Any) -> None:
        """Change attributes of a customer at Insider."""
        self.insider.upsert({"identifiers": identifiers(truth["core"]), "attributes": shaped(attributes)})

    def forget(self, truth: dict[str, Any], name: str) -> None:
        whole = {"whole": [name]} if name in OWN else {"custom": {"whole": [name]}}
        body = {"users": [{"identifiers": identifiers(truth["core"]), **whole}]}
        assert self.insider.call("/api/user/v1/attribute/delete", body).status_code == 200


def user(truth: dict[str, Any]) -> dict[str, Any]:
    customer = YotpoCustomer.of(truth)
    expected = {name: attribute.of(customer) for name, attribute in ATTRIBUTES.items()}
    return {"identifiers": identifiers(truth["core"]), "attributes": shaped(expected)}


def profile(of: dict[str, str]) -> dict[str, Any]:
    return {"identifiers": of, "attributes": {"name": "Ann"}}


def shaped(attributes: dict[str, Any]) -> dict[str, Any]:
    there = {name: value for name, value in attributes.items() if value is not None}
    custom = {name: value for name, value in there.items() if name not in OWN}
    return {name: value for name, value in there.items() if name in OWN} | {"custom": custom}


@pytest.fixture
def both(yotpo_started: Yotpo, insider_started: Simulator) -> Both:
    return Both(yotpo_started.cleared(), insider_started.cleared())


def test_every_attribute_of_insiders_table_is_stated() -> None:
    with (ROOT / "mappings" / "tables" / "insider-attributes.csv").open(encoding="utf-8") as table:
        names = {{"Na": "name", "Su": "surname"}.get(row["insider_attribute"], row["insider_attribute"])
                 for row in csv.DictReader(table)}  # fmt: skip

    assert len(names) == 43
    more = {f"yotpo_{occasion}_{part}" for occasion in ("birthday", "anniversary") for part in ("month", "day")}
    assert ATTRIBUTES.keys() == names - {"email"} | more


def test_what_each_attribute_must_be() -> None:
    core = json.loads((ROOT / "mappings" / "examples" / "customer.snapshot" / "documented.json").read_text())
    loyalty = {
        "total_spend_cents": 5_000, "total_purchases": 2, "perks_redeemed": 3, "next_points_expire_amount": 70,
        "last_purchase_at": "2026-05-01T10:00:00.000Z", "next_points_expire_on": "2026-07-01", "birthday_month": 8,
        "birth_day": 12, "birthday_year": 1990, "referral_code": {"expired": False},
        "referral_link": {"link": "rwrd.io/ref_X"}, "vip_tier_actions_completed": {"amount_spent_cents": 9,
        "purchases_made": 1}, "vip_tier_maintenance_requirements": {"amount_cents_needed_in_customer_currency": 11},
    }  # fmt: skip
    told = {
        "perk.expires_at": "2026-06-01T00:00:00.000Z", "perk.expired": False, "accepts_marketing": True,
        "is_affiliate": False, "anniversary_month": 1, "anniversary_day": 2, "anniversary_year": 2010,
        "days_to_point_expiration": 30,
    }  # fmt: skip
    customer = YotpoCustomer.of({"core": core, "loyalty": loyalty, "told": told, "webhooks": 1})

    assert {name: comparable(attribute.of(customer)) for name, attribute in ATTRIBUTES.items()} == {
        name: comparable(value) for name, value in EXPECTED.items()
    }


EXPECTED: dict[str, object] = {
    "name": "John",
    "surname": "Smith",
    "birthday": "1990-08-12T00:00:00Z",
    "anniversary_date": "2010-01-02T00:00:00Z",
    "amount_cents_in_customer_c_to_mt_vip": 11,
    "yotpo_total_reviews": 3,
    "yotpo_avg_product_rating": 4.67,
    "yotpo_avg_site_rating": 5.0,
    "yotpo_total_avg_rating": 4.75,
    "yotpo_avg_sentiment_product": 0.91,
    "yotpo_avg_sentiment_site": 0.84,
    "yotpo_total_avg_sentiment": 0.89,
    "yotpo_top_topics": ["quality", "delivery"],
    "yotpo_points_earned": 5200,
    "yotpo_point_balance": 4700,
    "yotpo_points_expire_at": "2027-05-21T22:57:46Z",
    "yotpo_total_redemptions": 2,
    "yotpo_total_points_redeemed": 500,
    "yotpo_vip_tier_name": "Gold",
    "yotpo_vip_tier_ends_at": "2026-12-31T00:00:00Z",
    "yotpo_successful_referrals": 1,
    "yotpo_referrals_made_and_clicked": 4,
    "yotpo_is_referred_by_other_customer": True,
    "yotpo_credit_balance": 47,
    "yotpo_credit_balance_in_customer_c": 47.5,
    "yotpo_loyalty_opt_in": True,
    "yotpo_loyalty_opt_in_date": "2020-04-01T00:00:00Z",
    "yotpo_amount_spent_cents": 9,
    "yotpo_purchases_made": 1,
    "yotpo_total_spend_cents": 5000,
    "yotpo_total_purchases": 2,
    "yotpo_perks_redeemed": 3,
    "yotpo_last_purchase_at": "2026-05-01T10:00:00Z",
    "yotpo_referral_code_expired": False,
    "yotpo_referral_link": "https://rwrd.io/ref_X",
    "yotpo_loyalty_next_points_expire_on": "2026-07-01T00:00:00Z",
    "yotpo_loyalty_next_points_expire_amount": 70,
    "yotpo_coupon_expires_at": "2026-06-01T00:00:00Z",
    "yotpo_coupon_expired": False,
    "yotpo_marketing_accepted": True,
    "yotpo_is_affiliate": False,
    "yotpo_days_to_point_expiration": 30,
    "yotpo_birthday_month": 8,
    "yotpo_birthday_day": 12,
    "yotpo_anniversary_month": 1,
    "yotpo_anniversary_day": 2,
}


def test_equal_is_equal(both: Both) -> None:
    both.bring()
    result = both.compared()

    assert result.equal, result.differences
    assert result.customers == SIZE
    reachable = [each for each in both.yotpo.truth() if identifiers(each["core"])]
    assert result.attributes == len(reachable) * len(ATTRIBUTES)
    assert result.not_compared == set()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("name", "Nobody"),
        ("yotpo_point_balance", -1),
        ("yotpo_top_topics", ["other"]),
        ("yotpo_loyalty_opt_in_date", "2001-01-01T00:00:00Z"),
        ("yotpo_referral_link", "rwrd.io/without-scheme"),
    ],
)
def test_a_wrong_value_is_found(both: Both, name: str, wrong: Any) -> None:
    both.bring()
    truth = both.one(name)
    both.insider.upsert(
        {"identifiers": identifiers(truth["core"]), "attributes": shaped({name: wrong}), "not_append": True}
    )

    expected = ATTRIBUTES[name].of(YotpoCustomer.of(truth))
    assert both.compared().differences == [Difference(truth["number"], name, expected, wrong)]


def test_the_same_instant_in_another_zone_is_equal(both: Both) -> None:
    both.bring()
    truth = both.one("yotpo_loyalty_opt_in_date")
    day = truth["core"]["yotpo_loyalty"]["opt_in_date"][:10]
    both.tell(truth, yotpo_loyalty_opt_in_date=f"{day}T03:00:00.000+03:00")

    assert both.compared().equal


def test_a_missing_value_and_one_too_many_are_found(both: Both) -> None:
    both.bring()
    truth = both.one("yotpo_points_earned")
    both.forget(truth, "yotpo_points_earned")
    both.tell(truth, yotpo_is_affiliate=False)

    earned = truth["core"]["yotpo_loyalty"]["points_earned"]
    assert both.compared().differences == [
        Difference(truth["number"], "yotpo_points_earned", earned, None),
        Difference(truth["number"], "yotpo_is_affiliate", None, False),  # noqa: FBT003 - the value of the attribute
    ]


def test_what_the_loyalty_api_alone_shows_may_be_missing_until_a_webhook_has_led_to_it(both: Both) -> None:
    both.bring()
    truth = both.one("yotpo_perks_redeemed", "yotpo_points_earned")
    both.forget(truth, "yotpo_perks_redeemed")
    assert both.compared().equal

    both.yotpo.tell("stores/shop/send", {"number": truth["number"], "action": "adjust", "difference": 0, "tries": 1})
    different = {each.attribute for each in both.compared().differences}
    assert "yotpo_perks_redeemed" in different
    # Only a webhook has this value.
    assert "yotpo_is_affiliate" in different


def test_a_missing_profile_is_found(both: Both) -> None:
    truth = both.one()
    both.bring()
    email = {"email": truth["core"]["email"].strip().lower()}
    assert both.insider.call("/api/user/v1/delete", {"identifiers": email}).status_code == 200

    assert both.compared().differences == [Difference(truth["number"], "profile", 1, 0)]


def test_a_customer_in_two_profiles_is_found(both: Both) -> None:
    truth = next(each for each in both.yotpo.truth() if each["core"]["email"] and each["core"]["phone_number"])
    both.insider.upsert(*(profile({name: value}) for name, value in identifiers(truth["core"]).items()))

    found = [each for each in both.compared().differences if each.number == truth["number"]]
    assert Difference(truth["number"], "profile", 1, 2) in found
    assert Difference(truth["number"], "phone_number", truth["core"]["phone_number"], None) in found


def test_a_profile_that_no_customer_explains_is_found(both: Both) -> None:
    both.bring()
    both.insider.upsert(profile({"email": "friend7.of.1@example.net"}))
    result = both.compared()

    assert not result.equal
    assert (result.different, result.strange) == (0, 1)
    assert result.unexplained == [both.insider.user("friend7.of.1@example.net")["insider_id"]]


def test_what_nothing_is_stated_of_is_named(both: Both) -> None:
    both.bring()
    both.tell(both.one(), yotpo_colour="red")
    result = both.compared()

    assert result.equal
    assert result.not_compared == {"yotpo_colour"}


def test_the_summary_holds_no_values(both: Both) -> None:
    both.bring()
    both.tell(both.one("name"), name="Somebody")

    assert both.compared().summary() == (
        f"{SIZE:,} customers, {both.compared().attributes:,} attributes, 1 differences in name, "
        "0 profiles without a customer"
    )
