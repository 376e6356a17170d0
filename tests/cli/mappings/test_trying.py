"""`connector mappings try`: with files alone, and with a journal."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests import EXAMPLES, MAPPINGS
from tests.cli.mappings.commands import TIER_EARNED, cells, copied, printed
from tests.delivery.pipelines import NOW, Connector, changed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import Cli


def test_each_value_is_shown_with_its_path_and_its_rule() -> None:
    output = cells(printed("try", "swell/tier/earned", TIER_EARNED))

    assert output[0] == ["swell/tier/earned", "swell.tier.earned/documented"]
    assert ["yotpo_vip_tier_name", '"GOLD"', "new_tier.name", "swell.tier.earned.yaml:#"] in output
    assert ["user event tier_earned, 2026-01-01T12:00:00Z"] in output
    assert not [line for line in output if line[0] == "birthday"]


def test_converted_unfit_and_cleared_values_are_shown() -> None:
    output = cells(printed("try", f"{EXAMPLES}/swell.points.changed/values_of_the_wrong_type.json"))
    by_name = {line[0]: line[1:3] for line in output}

    assert by_name["yotpo_credit_balance"] == ["0", 'customer.credit_balance "₪0"']
    assert by_name["yotpo_points_earned"] == [
        "unfit",
        "customer.points_earned true: The value is not a number, so it was left out.",
    ]
    assert by_name["yotpo_points_expire_at"] == ["cleared", "customer.points_expire_at null"]


def test_all_also_shows_rules_without_a_value() -> None:
    output = cells(printed("try", TIER_EARNED, "--all"))
    (birthday,) = (line for line in output if line[0] == "birthday")

    assert birthday[1] == "-"
    assert birthday[2].startswith("customer.birth_year absent, customer.birthday_year absent, ")


@pytest.mark.parametrize(
    "what", ["swell/tier/earned", "swell.tier.earned.yaml", str(MAPPINGS / "swell.tier.earned.yaml")]
)
def test_a_topic_or_a_file_is_tried_on_all_its_examples(what: str) -> None:
    output = json.loads(printed("try", what, "--format", "json"))

    assert [result["webhook"] for result in output] == [
        "swell.tier.earned/documented",
        "swell.tier.earned/thresholds_are_no_totals",
        "swell.tier.earned/with_a_coupon",
    ]


def test_control_characters_are_escaped(tmp_path: Path) -> None:
    webhook = tmp_path / "webhook.json"
    webhook.write_text(json.dumps({"topic": "loyalty/opt_in", "customer": {"first_name": "A\x1b[2J\x9b"}}))

    assert r"A\u001b[2J\u009b" in printed("try", str(webhook))


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ((), "say what to try"),
        (("swell/tier/earnt",), "did you mean 'swell/tier/earned'"),
        (("swell/tier/earned", TIER_EARNED, "--overlay", "outlet"), "there is no overlay 'outlet'"),
        (("swell/tier/lost", TIER_EARNED), "the webhook has the topic swell/tier/earned"),
        (("swell/tier/earned", "nowhere.json"), "No such file"),
        (("--event", "1"), "DATABASE_URL"),
    ],
)
def test_a_mistake_is_reported_in_one_sentence(arguments: tuple[str, ...], output: str) -> None:
    assert output in printed("try", *arguments, exit_code=1)


def test_a_topic_without_examples_is_reported(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    shutil.rmtree(copy / "examples")

    assert "there is no example of swell/tier/earned" in printed(
        "try", str(copy / "swell.tier.earned.yaml"), exit_code=1
    )


def test_events_of_the_journal_are_tried_with_the_options_of_their_store(cli: Cli, connector: Connector) -> None:
    first, second = connector.receive(*(changed(f"a{number}@example.com", number, NOW) for number in range(2)))

    (output,) = cli.json("mappings", "try", "--event", str(first))
    newest = cli.json("mappings", "try", "swell/points/changed", "--last", "5", "--store", "acme")
    other = cli.run("mappings", "try", "swell/points/earned", "--last", "5")
    as_store = cli.json("mappings", "try", TIER_EARNED, "--store", "acme")

    assert (output["webhook"], output["users"][0]["identifiers"][0]["value"]) == (f"event {first}", "a0@example.com")
    assert [result["webhook"] for result in newest] == [f"event {second}", f"event {first}"]
    assert "there is no such event" in other.stderr
    assert as_store[0]["webhook"] == "swell.tier.earned/documented"
