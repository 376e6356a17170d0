"""`connector mappings diff`: with files alone, and with a journal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests import MAPPINGS
from tests.cli.mappings.commands import cells, copied, printed
from tests.delivery.pipelines import NOW, Connector, changed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import Cli


def test_the_difference_to_a_changed_copy_is_shown(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    file = copy / "swell.tier.earned.yaml"
    file.write_text(file.read_text().replace("{text: new_tier.name}", "{text: customer.vip_tier_name}"))
    (copy / "loyalty.opt_in.yaml").unlink()

    output = cells(printed("diff", "--directory", str(copy), "--against", str(MAPPINGS), "--examples", "2"))

    assert output[2][0].endswith("examples compared, 5 would differ.")
    assert output[5:] == [
        ["loyalty/opt_in", "topic", "unmapped", "2", "loyalty.opt_in/customer_still_shown_as_opted_out"],
        ["loyalty.opt_in/documented"],
        [
            "swell/tier/earned",
            "attribute yotpo_vip_tier_name",
            "changed",
            "3",
            '"GOLD"',
            '"SILVER"',
            "swell.tier.earned/documented",
        ],
        ['"GOLD"', '"SILVER"', "swell.tier.earned/thresholds_are_no_totals"],
    ]


def test_the_same_difference_as_json(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    file = copy / "swell.tier.earned.yaml"
    file.write_text(file.read_text().replace("{text: new_tier.name}", "{text: customer.vip_tier_name}"))

    output = json.loads(
        printed(
            "diff",
            "--directory",
            str(copy),
            "--against",
            str(MAPPINGS),
            "--topic",
            "swell/tier/earned",
            "--format",
            "json",
        )
    )

    assert (output["over"], output["compared"], output["differing"]) == ("examples", 3, 3)
    (change,) = output["changes"]
    assert change["examples"] == [{"event": "swell.tier.earned/documented", "before": "GOLD", "after": "SILVER"}]


def test_without_a_journal_there_is_no_active_set() -> None:
    assert "DATABASE_URL" in printed("diff", exit_code=1)
    assert "DATABASE_URL" in printed("diff", "--store", "acme", "--against", str(MAPPINGS), exit_code=1)
    assert "leave out" in printed("diff", "--samples", "--store", "acme", exit_code=1)


def test_stored_events_are_compared_with_the_active_set(cli: Cli, connector: Connector, tmp_path: Path) -> None:
    copy = copied(tmp_path)
    ids = connector.receive(*(changed(f"a{number}@example.com", number, NOW) for number in range(3)))
    file = copy / "swell.points.changed.yaml"
    file.write_text(file.read_text().replace("[current_balance, customer.points_balance]", "difference"))

    output = cli.json("mappings", "diff", "--directory", str(copy))
    of_store = cli.json("mappings", "diff", "--directory", str(copy), "--store", "acme", "--last", "2")
    over_samples = cli.json("mappings", "diff", "--directory", str(copy), "--samples", "--topic", "swell/points/earned")

    assert output["old"]["name"].startswith("active (")
    assert (output["over"], output["compared"], output["differing"]) == ("events", 3, 3)
    (change,) = output["changes"]
    assert (change["part"], change["name"], change["change"], change["events"]) == (
        "attribute",
        "yotpo_point_balance",
        "removed",
        3,
    )
    assert change["examples"] == [{"event": f"event {ids[2]}", "before": 2, "after": None}]
    assert of_store["compared"] == 2
    assert (over_samples["over"], over_samples["differing"]) == ("examples", 0)
