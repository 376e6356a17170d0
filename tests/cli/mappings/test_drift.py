"""`connector mappings drift`: what it shows as text and as JSON, and that it never shows a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.cli.mappings import drift_text
from tests.delivery.pipelines import NOW, Connector, changed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import Cli
    from tests.conftest import Insider


@pytest.fixture
def journal(connector: Connector, insider: Insider) -> Connector:
    """Three changes of points, one with a value that does not fit, and a webhook of a topic without a mapping."""
    assert insider.url
    webhooks = [changed(f"ann{number}@example.com", number, NOW) for number in range(3)]
    webhooks[0]["favourite_colour"] = "a-secret-colour"
    webhooks[1]["customer"]["total_purchases"] = "a-secret-number"
    webhooks[2]["customer"]["total_purchases"] = 7
    webhooks[2]["customer"]["orders_by_day"] = {"2026-01-01": 1, "bob@example.com": 2}
    webhooks.append({"topic": "swell/something/new", "customer": {"email": "eve@example.com", "level": 3}})
    connector.receive(*webhooks)
    connector.pipeline.advance(seconds=60)
    return connector


def paths(result: dict[str, Any], read_by: str = "nothing") -> set[str]:
    return {field["path"] for field in result["unmapped_fields"] if field["read_by"] == read_by}


@pytest.mark.usefixtures("journal")
def test_json_has_everything_of_the_sample(cli: Cli) -> None:
    result = cli.json("mappings", "drift")

    assert (result["sampled"], result["looked_at"], result["is_every_event_looked_at"]) == (4, 4, True)
    assert paths(result) == {"favourite_colour", "customer.orders_by_day.*", "customer.level", "customer.email"}
    assert paths(result, "intake") == {"topic", "timestamp"}
    (purchases,) = result["type_changes"]
    assert (purchases["path"], purchases["read_by"]) == ("customer.total_purchases", "mapping")
    assert {type_: seen["events"] for type_, seen in purchases["types"].items()} == {"number": 1, "string": 1}
    (failed,) = result["failed_conversions"]
    assert (failed["name"], failed["values"]) == ("yotpo_total_purchases", 1)
    assert failed["problem"] == "The value is not a number, so it was left out."
    assert failed["place"].startswith("groups.yaml:")
    assert [in_topic["topic"] for in_topic in failed["topics"]] == ["swell/points/changed"]
    (new,) = result["unmapped_topics"]
    assert (new["topic"], new["events"]) == ("swell/something/new", 1)
    assert "swell/tier/earned" in result["silent_topics"]
    assert "swell/points/changed" not in result["silent_topics"]
    surname = next(absent for absent in result["never_came"] if absent["name"] == "surname")
    assert (surname["absence"], surname["paths"], surname["sampled"]) == ("rule", ["last_name"], 3)


@pytest.mark.usefixtures("journal")
def test_text_fits_a_terminal_and_never_shows_a_value(cli: Cli) -> None:
    done = cli.run("mappings", "drift")

    assert done.returncode == 0, done.stderr
    assert "4 events sampled of 4 looked at" in done.stdout
    assert "favourite_colour" in done.stdout
    assert "swell/something/new" in done.stdout
    # The fields of a topic without a mapping are shown only with --topic.
    assert "customer.level" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
    for form in ("text", "json"):
        everything = cli.run("mappings", "drift", "--format", form).stdout
        assert "a-secret" not in everything
        assert "@" not in everything
        assert "2026-01-01" not in everything


@pytest.mark.usefixtures("journal")
def test_a_single_topic_can_be_shown_even_without_a_mapping(cli: Cli) -> None:
    new = cli.run("mappings", "drift", "--topic", "swell/something/new").stdout
    silent = cli.json("mappings", "drift", "--topic", "swell/tier/earned")

    assert "1 event sampled" in new
    assert "customer.level" in new
    assert "favourite_colour" not in new
    assert (silent["sampled"], silent["silent_topics"], silent["unmapped_topics"]) == (0, ["swell/tier/earned"], [])


@pytest.mark.usefixtures("journal")
def test_the_window_and_the_size_of_the_sample_can_be_set(cli: Cli) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert cli.json("mappings", "drift", "--since", tomorrow)["sampled"] == 0
    small = cli.json("mappings", "drift", "--sample", "2", "--since", "1h")
    assert (small["sampled"], small["looked_at"]) == (2, 4)
    assert cli.run("mappings", "drift", "--sample", "0").returncode == 2


def test_a_store_is_compared_with_its_overlay(cli: Cli, journal: Connector, tmp_path: Path) -> None:
    (tmp_path / "swell.points.changed.yaml").write_text(FILE.format(attribute="name", path="customer.first_name"))
    overlay = tmp_path / "overlays" / "outlet"
    overlay.mkdir(parents=True)
    (overlay / "swell.points.changed.yaml").write_text(FILE.format(attribute="colour", path="favourite_colour"))
    cli.environment["MAPPINGS_DIR"] = str(tmp_path)

    shared = cli.json("mappings", "drift")
    without = cli.json("mappings", "drift", "--store", journal.store.name)
    journal.rows("update stores set options = %s::jsonb returning id", '{"overlay": "outlet"}')
    laid_over = cli.json("mappings", "drift", "--store", journal.store.name)
    journal.rows("update stores set options = %s::jsonb returning id", '{"overlay": "gone"}')
    gone = cli.json("mappings", "drift", "--store", journal.store.name)

    assert "favourite_colour" in paths(shared) & paths(without) & paths(gone)
    assert "favourite_colour" not in paths(laid_over)
    assert (laid_over["overlay"], laid_over["is_overlay_missing"]) == ("outlet", False)
    assert (gone["overlay"], gone["is_overlay_missing"]) == ("gone", True)
    assert "has no overlay 'gone'" in cli.run("mappings", "drift", "--store", journal.store.name).stdout


FILE = """\
topic: swell/points/changed
description: A customer's points have changed.
users:
  - person: customer
    identifiers: {{email: customer.email}}
    attributes:
      {attribute}: {{text: {path}}}
"""


@pytest.mark.usefixtures("journal")
def test_the_active_set_is_used(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "swell.points.changed.yaml").write_text(FILE.format(attribute="colour", path="favourite_colour"))
    done = cli.run("mappings", "activate", str(tmp_path), "--reason", "a test")
    assert done.returncode == 0, done.stderr

    result = cli.json("mappings", "drift")

    assert "favourite_colour" not in paths(result)
    assert "customer.points_balance" in paths(result)


def test_an_empty_journal_gives_an_empty_report(cli: Cli) -> None:
    result = cli.json("mappings", "drift")

    assert (result["sampled"], result["unmapped_fields"], result["never_came"]) == (0, [], [])
    assert "swell/points/changed" in result["silent_topics"]
    assert "0 events sampled of 0 looked at" in cli.run("mappings", "drift").stdout


def test_an_unknown_store_is_reported(cli: Cli) -> None:
    done = cli.run("mappings", "drift", "--store", "nobody")

    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no store named 'nobody'" in done.stderr


def test_a_wide_table_shortens_its_longest_cells_in_the_middle() -> None:
    rows = [{"path": "customer." + "x" * 200 + ".name", "rule": "groups.yaml:12"}, {"path": "short", "rule": "-"}]

    head, long, short = drift_text.lines(rows)

    assert len(long) == 118  # and an indent of two
    assert long.startswith("customer.xxx")
    assert long.endswith("x.name  groups.yaml:12")
    assert head.split() == ["path", "rule"]
    assert short.split() == ["short", "-"]
