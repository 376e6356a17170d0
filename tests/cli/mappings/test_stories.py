"""`connector mappings try --explain`: the whole story of one value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests import EXAMPLES
from tests.cli.mappings.commands import TIER_EARNED, copied, printed

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_of_an_overlay_is_tried_with_it(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    file = str(copy / "overlays" / "outlet" / "swell.tier.earned.yaml")
    webhook = copy / "examples" / "swell.tier.earned" / "documented.json"
    webhook.write_text(json.dumps({**json.loads(webhook.read_text()), "outlet": {"tier": "Fox"}}))

    output = printed("try", file, str(webhook), "--explain", "yotpo_vip_tier_name")

    assert output.splitlines() == [
        "swell/tier/earned  swell.tier.earned/documented  overlay outlet",
        "yotpo_vip_tier_name, an attribute of user 1 at customer",
        "  rule       {text: outlet.tier}  overlays/outlet/swell.tier.earned.yaml:#",
        "  overrides  {text: new_tier.name}  swell.tier.earned.yaml:#",
        '  looked at  outlet.tier  "Fox"',
        '  Insider    gets "Fox", as String',
    ]


def test_an_omitted_name_is_explained_by_its_omit_rule(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    output = printed(
        "try", TIER_EARNED, "--directory", str(copy), "--overlay", "outlet", "--explain", "yotpo_points_earned"
    )

    assert output.splitlines()[-3:] == [
        "yotpo_points_earned, omitted",
        "  rule       {omit: true}  overlays/outlet/swell.tier.earned.yaml:#",
        "  omits      {number: points_earned}  groups.yaml:#, group customer",
    ]


@pytest.mark.parametrize(
    ("webhook", "name", "output"),
    [
        (
            TIER_EARNED,
            "yotpo_amount_spent_cents",
            """\
swell/tier/earned  swell.tier.earned/documented
yotpo_amount_spent_cents, an attribute of user 1 at customer
  rule       {number: vip_stats.amountSpentCents}  groups.yaml:#, group tier_change
  looked at  vip_stats.amountSpentCents  absent
  Insider    gets nothing, and keeps its value: no path has a value
yotpo_amount_spent_cents, a param of tier_earned of user 1 at customer
  rule       {number: [new_tier.amount_spent_cents, vip_stats.amountSpentCents]}  groups.yaml:#, group tier_change
  looked at  new_tier.amount_spent_cents  10000
             vip_stats.amountSpentCents   absent  (not needed)
  Insider    gets 10000, as Number
""",
        ),
        (
            f"{EXAMPLES}/swell.points.changed/money_with_thousands.json",
            "yotpo_credit_balance",
            """\
swell/points/changed  swell.points.changed/money_with_thousands
yotpo_credit_balance, an attribute of user 1 at customer
  rule       {money: credit_balance}  groups.yaml:#, group customer
  looked at  customer.credit_balance  "$2,620"
  becomes    2620
  Insider    gets 2620, as Number
""",
        ),
        (
            f"{EXAMPLES}/swell.points.changed/no_address.json",
            "yotpo_point_balance",
            """\
swell/points/changed  swell.points.changed/no_address
yotpo_point_balance, an attribute of user 1 at customer
  rule       {number: [current_balance, customer.points_balance]}  swell.points.changed.yaml:#
  overrides  {number: points_balance}  groups.yaml:#, group customer
  looked at  current_balance          460
             customer.points_balance  460  (not needed)
  Insider    gets nothing of this user: The person has no e-mail address.
""",
        ),
        (
            f"{EXAMPLES}/swell.tier.lost/no_tier_left.json",
            "yotpo_vip_tier_name",
            """\
swell/tier/lost  swell.tier.lost/no_tier_left
yotpo_vip_tier_name, an attribute of user 1 at customer
  rule       {text: new_tier.name, absent: clear}  swell.tier.lost.yaml:#
  looked at  new_tier.name  absent
  Insider    forgets the value: no path has a value, and the rule says absent: clear
""",
        ),
        (
            f"{EXAMPLES}/swell.birthday.captured/bad_day_holds_no_balance_back.json",
            "yotpo_birthday",
            """\
swell/birthday/captured  swell.birthday.captured/bad_day_holds_no_balance_back
No rule of swell/birthday/captured fills yotpo_birthday (did you mean 'yotpo_birthday_day'?).
""",
        ),
        (
            f"{EXAMPLES}/swell.referral.completed/without_friend.json",
            "yotpo_vip_tier_name",
            """\
swell/referral/completed  swell.referral.completed/without_friend
yotpo_vip_tier_name, an attribute of user 1 at referrer
  rule       {text: vip_tier_name, empty: clear}  groups.yaml:#, group tier
  looked at  referrer.vip_tier_name  absent
  Insider    gets nothing, and keeps its value: no path has a value
user 2 at friend or referred_customer is skipped: the user is optional and has no identifier
""",
        ),
        (
            f"{EXAMPLES}/swell.redemption_code.below_threshold/documented.json",
            "number_of_unused_codes",
            """\
swell/redemption_code/below_threshold  swell.redemption_code.below_threshold/documented
number_of_unused_codes, a detail of the notice
  rule       {number: number_of_unused_codes}  swell.redemption_code.below_threshold.yaml:#
  looked at  number_of_unused_codes  0
  operator   gets 0, as Number
""",
        ),
    ],
    ids=lambda text: "" if "\n" in text else text.rpartition("/")[2],
)
def test_the_whole_story_of_one_value(webhook: str, name: str, output: str) -> None:
    assert printed("try", webhook, "--explain", name) == output


def test_a_birthday_without_a_year_is_explained() -> None:
    output = printed("try", f"{EXAMPLES}/swell.birthday.captured/documented.json", "--explain", "birthday")

    assert output.endswith("keeps its value: the date has no year, and the store has no stand-in year\n")


def test_a_story_as_json_has_only_the_name() -> None:
    (output,) = json.loads(printed("try", TIER_EARNED, "--explain", "yotpo_vip_tier_name", "--format", "json"))

    (user,) = output["users"]
    (reading,) = user["attributes"]
    assert reading == {
        "name": "yotpo_vip_tier_name",
        "outcome": "filled",
        "value": "GOLD",
        "data_type": "String",
        "problem": None,
        "rule": {"written": "{text: new_tier.name}", "place": "swell.tier.earned.yaml:#", "group": None},
        "overrides": [],
        "alternatives": [{"part": "", "path": "new_tier.name", "state": "value", "raw": "GOLD", "counts": True}],
    }
    assert user["identifiers"] == []
