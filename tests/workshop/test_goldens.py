"""Runs all golden pairs of `mappings/examples`, and lists the pairs that guard each trap of Yotpo's webhooks."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from connector.errors import OperatorError
from connector.workshop import goldens
from tests import MAPPINGS
from tests.mapping.shipped import SET

if TYPE_CHECKING:
    from pathlib import Path

    from connector.model import Refusal

EXAMPLES = MAPPINGS / "examples"
GOLDENS = list(goldens.goldens(EXAMPLES, SET))

#: Addresses in the examples of people who are in a webhook but are not its customer.
THIRD_PERSONS = ("rita.referrer@example.org", "paula.past@example.net")
FRIEND = "fred.friend@example.net"

#: Each trap with its pairs; at least one of them fails if the mapping falls into the trap.
TRAPS = {
    "birthday_day and birth_day, birthday_year and birth_year": ["swell.birthday.captured/under_the_other_names"],
    "a birthday without a year": [
        "swell.birthday.captured/documented",
        "swell.birthday.captured/without_year_in_a_store_with_a_standin_year",
    ],
    "an anniversary without a year": [
        "swell.anniversary.captured/documented",
        "swell.anniversary.captured/without_year_in_a_store_with_a_standin_year",
    ],
    "an opt-out whose customer is still shown as opted in, since the year 0001": [
        "loyalty.opt_out/documented",
        "loyalty.opt_out/opt_in_date_of_before",
    ],
    "a new tier whose customer is still shown in the old one": [
        "swell.tier.earned/documented",
        "swell.tier.lost/customer_still_in_the_old_tier",
    ],
    "a lost tier with none below": ["swell.tier.lost/no_tier_left"],
    "thresholds of a tier that look like a customer's totals": ["swell.tier.earned/thresholds_are_no_totals"],
    "money as it is displayed": [
        "loyalty.referral.product_share/documented",
        "swell.points.changed/money_with_thousands",
    ],
    "links without a scheme, empty, or as an object": [
        "swell.account.created/documented",
        "swell.points.changed/referral_link_as_an_object",
        "yotpo.referral.completed/documented",
    ],
    "milliseconds since 1970": ["loyalty.expiration.reminder/documented"],
    "two dates of expiry in one webhook": ["loyalty.expiration.reminder/documented"],
    "a balance of the moment before": ["swell.points.changed/zero_and_false_count"],
    "`expired` of a coupon and of a referral code": [
        "swell.redemption.created/only_the_coupon_has_expired",
        "swell.redemption.created/only_the_referral_code_has_expired",
    ],
    "the redemption option inside the perk": [
        "swell.redemption.created/option_only_inside_the_perk",
        "yotpo.referral.completed/documented",
    ],
    "referral codes of the newer shape": [
        "swell.points.changed/referral_code_of_the_newer_shape",
        "yotpo.referral.completed/consent_unknown_and_code_expired",
    ],
    "null, empty and absent": [
        "swell.points.changed/null_and_empty_overwrite_nothing",
        "swell.points.changed/absent_overwrites_nothing",
    ],
    "consent that is unknown": ["swell.account.created/documented"],
    "a friend's address at the top": [
        "swell.referral.share/documented",
        "loyalty.referral.product_share/documented",
        "loyalty.referral.product_share.reminder/documented",
        "yotpo.referral.shared/customer_is_the_friend",
    ],
    "a referrer who is nowhere but the friend's address is": [
        "swell.referral.share/referrer_is_absent",
        "loyalty.referral.product_share/referrer_without_address",
    ],
    "a referrer under the referral code": ["yotpo.referral.completed/documented"],
    "a friend under either name, or none": [
        "yotpo.referral.completed/friend_as_referred_customer",
        "swell.referral.completed/referred_customer_as_friend",
        "yotpo.referral.completed/without_friend",
        "yotpo.referral.completed/friend_without_address",
    ],
    "a request to cancel, without an address at the top": ["swell.point_redemption.cancellation_request/documented"],
    "an anonymous review": ["review_create/anonymous"],
    "a review whose every value is a text": ["review_create/legacy_texts"],
    "notices for the merchant": [
        "swell.redemption_code.below_threshold/documented",
        "loyalty.integrations.integration_disabled/documented",
    ],
    "consent to e-mails, which is not acceptance of marketing": ["customer.snapshot/documented"],
}


@pytest.mark.parametrize("golden", GOLDENS, ids=str)
def test_golden_pairs(golden: goldens.Golden) -> None:
    difference = goldens.difference(golden, SET)

    assert not difference, f"{golden} (`connector mappings test --accept` takes it over)\n{difference}"


@pytest.mark.parametrize("topic", SET.topics)
def test_every_topic_has_its_documented_webhook(topic: str) -> None:
    cases = {golden.case for golden in GOLDENS if golden.topic == topic}

    assert "documented" in cases or cases >= {"awarded", "redeemed"}


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_its_pairs(trap: str) -> None:
    assert set(TRAPS[trap]) <= {str(golden) for golden in GOLDENS}


def test_every_expectation_has_its_webhook() -> None:
    written = set(EXAMPLES.glob("*/*.expected.json"))

    assert {golden.expected for golden in GOLDENS} == written


def test_every_cause_of_a_refusal_has_its_pair() -> None:
    causes = {refusal.cause for golden in GOLDENS for refusal in refusals(golden)}

    assert causes == {"person.missing", "identifier.missing", "identifier.invalid"}


def refusals(golden: goldens.Golden) -> list[Refusal]:
    body = json.loads(golden.webhook.read_bytes())
    mapped = SET.by_topic[golden.topic].apply(body, goldens.RECEIVED_AT, golden.options)
    return [refusal for _, refusal in mapped.refused]


def test_every_way_in_which_a_value_is_unfit_or_cleared_has_its_pair() -> None:
    expected = [json.loads(golden.expected.read_text()) for golden in GOLDENS]

    assert any(pair.get("notes") for pair in expected)
    assert any(pair.get("notice") for pair in expected)
    assert any(user.get("cleared") for pair in expected for user in pair.get("users", []))


@pytest.mark.parametrize("golden", GOLDENS, ids=str)
def test_third_persons_are_never_forwarded(golden: goldens.Golden) -> None:
    expected = golden.expected.read_text()

    assert not [address for address in THIRD_PERSONS if address in expected]


@pytest.mark.parametrize("golden", [golden for golden in GOLDENS if "share" in golden.topic], ids=str)
def test_a_share_never_makes_a_profile_of_the_friend(golden: goldens.Golden) -> None:
    expected = json.loads(golden.expected.read_text())
    users = [*expected.get("users", []), *expected.get("refused", [])]

    assert users
    for user in users:
        assert user.get("identifiers", {}).get("email") != FRIEND
        assert FRIEND not in json.dumps(user.get("attributes", {}))


def test_a_pair_that_fails_is_shown_as_a_diff_and_can_be_accepted(tmp_path: Path) -> None:
    case = tmp_path / "swell.points.changed"
    case.mkdir()
    shutil.copy(EXAMPLES / "swell.points.changed" / "documented.json", case)
    (golden,) = goldens.goldens(tmp_path, SET)

    assert (
        "  users.0.events.0.params.yotpo_points_difference: -500, expected: nothing"
        in goldens.difference(golden, SET).splitlines()
    )
    assert goldens.accept(golden, SET)
    assert not goldens.accept(golden, SET)
    assert not goldens.difference(golden, SET)


def test_true_and_one_are_not_the_same(tmp_path: Path) -> None:
    case = tmp_path / "loyalty.opt_in"
    case.mkdir()
    shutil.copy(EXAMPLES / "loyalty.opt_in" / "documented.json", case)
    (golden,) = goldens.goldens(tmp_path, SET)
    goldens.accept(golden, SET)
    golden.expected.write_text(
        golden.expected.read_text().replace('"yotpo_loyalty_opt_in": true', '"yotpo_loyalty_opt_in": 1')
    )

    assert goldens.difference(golden, SET) == "  users.0.attributes.yotpo_loyalty_opt_in: true, expected: 1\n"


def test_a_webhook_in_the_wrong_directory_is_reported(tmp_path: Path) -> None:
    case = tmp_path / "swell.points.earned"
    case.mkdir()
    shutil.copy(EXAMPLES / "swell.points.changed" / "documented.json", case)
    (golden,) = goldens.goldens(tmp_path, SET)

    with pytest.raises(OperatorError, match="swell/points/changed"):
        goldens.run(golden, SET)
    assert "the webhook has the topic swell/points/changed" in goldens.difference(golden, SET)


def test_a_directory_without_a_topic_is_reported(tmp_path: Path) -> None:
    case = tmp_path / "swell.nothing"
    case.mkdir()
    (case / "documented.json").write_text("{}")

    with pytest.raises(OperatorError, match="no mapping file"):
        list(goldens.goldens(tmp_path, SET))


def test_options_that_no_store_has_are_reported(tmp_path: Path) -> None:
    case = tmp_path / "loyalty.opt_in"
    case.mkdir()
    shutil.copy(EXAMPLES / "loyalty.opt_in" / "documented.json", case)
    (case / "documented.options.json").write_text('{"overlay": "outlet"}')

    with pytest.raises(OperatorError, match=r"documented\.options\.json:1:1: example-options: there is no overlay"):
        list(goldens.goldens(tmp_path, SET))


def test_a_part_that_is_absent_on_one_side_is_reported_value_by_value(tmp_path: Path) -> None:
    case = tmp_path / "loyalty.opt_in"
    case.mkdir()
    shutil.copy(EXAMPLES / "loyalty.opt_in" / "documented.json", case)
    (golden,) = goldens.goldens(tmp_path, SET)
    goldens.accept(golden, SET)
    expected = json.loads(golden.expected.read_text())
    expected["users"].append({"identifiers": {"email": "ann@example.com"}})
    del expected["users"][0]["events"]
    golden.expected.write_text(json.dumps(expected))

    lines = goldens.difference(golden, SET).splitlines()

    assert '  users.0.events.0.name: "loyalty_opt_in", expected: nothing' in lines
    assert '  users.1.identifiers.email: nothing, expected: "ann@example.com"' in lines
