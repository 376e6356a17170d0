"""Compares mapping sets: the changes, counted by topic, name and kind of change."""

from __future__ import annotations

import pytest

from connector.mapping import MappingSet, load_files
from connector.workshop import trying
from connector.workshop.changes import Example, count
from connector.workshop.comparing import compare
from connector.workshop.differences import Difference
from tests import MAPPINGS
from tests.mapping.shipped import SET

TRIALS = trying.examples(MAPPINGS, SET)


def edited(file: str, before: str, after: str) -> MappingSet:
    """Return our mappings with one text in one file replaced; without the file, if nothing is left of it."""
    content = SET.files[file].decode()
    assert before in content
    files = {**SET.files, file: content.replace(before, after).encode()}
    return load_files({name: text for name, text in files.items() if text})


def test_a_set_does_not_differ_from_itself() -> None:
    comparison = compare(SET, SET, TRIALS)

    assert (comparison.compared, comparison.differing, comparison.changes) == (len(TRIALS), 0, [])


TIER = "swell.tier.earned.yaml"
NEW_NAME = "{text: new_tier.name}"


@pytest.mark.parametrize(
    ("file", "before", "after", "changes"),
    [
        (
            TIER,
            NEW_NAME,
            "{text: [customer.vip_tier_name, new_tier.name]}",
            [("swell/tier/earned", "attribute", "yotpo_vip_tier_name", "changed", 3)],
        ),
        (
            TIER,
            NEW_NAME,
            "{text: tier.nowhere}",
            [("swell/tier/earned", "attribute", "yotpo_vip_tier_name", "removed", 3)],
        ),
        (
            TIER,
            NEW_NAME,
            "{text: tier.nowhere, absent: clear}",
            [("swell/tier/earned", "attribute", "yotpo_vip_tier_name", "cleared", 3)],
        ),
        (
            "groups.yaml",
            "    yotpo_new_tier_name: {text: new_tier.name}\n",
            "",
            [
                ("swell/tier/earned", "param", "tier_earned.yotpo_new_tier_name", "removed", 3),
                ("swell/tier/lost", "param", "tier_lost.yotpo_new_tier_name", "removed", 2),
            ],
        ),
        (
            TIER,
            "tier_earned\n",
            "tier_up\n",
            [
                ("swell/tier/earned", "user event", "tier_earned", "removed", 3),
                ("swell/tier/earned", "user event", "tier_up", "added", 3),
            ],
        ),
        (
            "swell.referral.completed.yaml",
            "    optional: true\n",
            "",
            [
                (
                    "swell/referral/completed",
                    "refusal",
                    "The webhook holds no person under friend or referred_customer, and no e-mail address.",
                    "added",
                    1,
                )
            ],
        ),
        (
            "swell.points.earned.yaml",
            "topic: swell/points/earned\n",
            "topic: swell/points/earned\nskip_hook: true\n",
            [("swell/points/earned", "journeys", "", "removed", 1)],
        ),
        (
            "swell.redemption_code.below_threshold.yaml",
            "{number: number_of_unused_codes}",
            "{number: redemption_option.amount}",
            [("swell/redemption_code/below_threshold", "detail", "number_of_unused_codes", "changed", 2)],
        ),
        (
            "loyalty.opt_in.yaml",
            SET.files["loyalty.opt_in.yaml"].decode(),
            "",
            [("loyalty/opt_in", "topic", "", "unmapped", 2)],
        ),
        (
            TIER,
            "    include: [customer, opt_in, tier_change, perk]\n",
            "    include: [customer, opt_in, tier_change, perk]\n    identifiers: {uuid: new_tier.id}\n",
            [("swell/tier/earned", "identifier", "uuid", "added", 3)],
        ),
    ],
    ids=lambda found: found if isinstance(found, str) and "\n" not in found else "",
)
def test_each_kind_of_change_is_counted(
    file: str, before: str, after: str, changes: list[tuple[str, str, str, str, int]]
) -> None:
    if "tier_up" in after:
        before, after = "label: Tier Earned\n        name: tier_earned\n", "label: Tier Up\n        name: tier_up\n"
    new = edited(file, before, after)

    comparison = compare(SET, new, TRIALS)

    assert [change[:5] for change in comparison.changes] == changes
    assert comparison.differing == sum(events for *_, name, _, events in changes if name != "tier_up")


def test_the_opposite_change_is_reported_the_other_way_round() -> None:
    new = edited("loyalty.opt_in.yaml", SET.files["loyalty.opt_in.yaml"].decode(), "")

    (change,) = compare(new, SET, TRIALS).changes

    assert (change.part, change.change) == ("topic", "mapped")


def test_an_example_shows_the_values_and_their_event() -> None:
    new = edited(TIER, NEW_NAME, "{text: [customer.vip_tier_name, new_tier.name]}")

    (change,) = compare(SET, new, TRIALS, examples=2).changes

    assert change.examples == [
        Example("swell.tier.earned/documented", "GOLD", "SILVER"),
        Example("swell.tier.earned/thresholds_are_no_totals", "GOLD", "SILVER"),
    ]


def test_the_most_frequent_comes_first_and_an_event_counts_once() -> None:
    rare = Difference("attribute", "rare", "added", None, 1)
    often = Difference("attribute", "often", "changed", 1, 2)

    changes = count([("a/b", 1, [rare, often, often]), ("a/b", 2, [often])])

    assert [(change.name, change.events) for change in changes] == [("often", 2), ("rare", 1)]
    assert changes[0].examples == [Example(1, 1, 2)]
