"""The dictionary has every name that the mappings write, and the page in the docs is up to date."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.insider.wire import DEFAULT_ATTRIBUTES, DEFAULT_PARAMS
from connector.mapping import load_files
from connector.workshop import dictionary
from tests import ROOT
from tests.mapping.shipped import SET

if TYPE_CHECKING:
    from pathlib import Path

    from connector.workshop.dictionary import Entry

MAPPINGS = ROOT / "mappings"
MEANINGS = dictionary.meanings(MAPPINGS)
ENTRIES = dictionary.dictionary(SET, MEANINGS)

GROUPS = """\
customer:
  identifiers: {email: email}
  attributes:
    points: {number: [points, balance]}
    tier: {text: vip_tier_name, empty: clear}
"""
TOPIC = """\
topic: a/b
description: Something has happened.
users:
  - person: [referrer, customer]
    include: [customer]
    attributes:
      born: {date: {year: [y, year], month: m, day: d}}
      opted_in: {always: false}
    events:
      - label: It Happened
        name: it_happened
        params: {product_id: {text: product}, score: {number: score}}
      - label: Purchase
        name: purchase
        params: {score: {number: score}}
"""
OVERLAY = """\
topic: a/b
description: Something has happened.
users:
  - person: [referrer, customer]
    attributes: {tier: {text: level}, hobby: {list: hobbies}}
"""
SMALL = load_files(
    {
        "groups.yaml": GROUPS.encode(),
        "a.b.yaml": TOPIC.encode(),
        "overlays/outlet/a.b.yaml": OVERLAY.encode(),
    }
)


def entry(name: str, section: str = "attribute", entries: list[Entry] | None = None) -> Entry:
    wanted = entries or dictionary.dictionary(SMALL, {})
    (found,) = (item for item in wanted if (item.section, item.name) == (section, name))
    return found


def command(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["mappings", "table", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_page_in_the_docs_is_that_of_the_mappings() -> None:
    remedy = "the mappings have changed: run `connector mappings table > docs/dictionary.md`"

    assert command("--directory", str(MAPPINGS)) == (ROOT / "docs" / "dictionary.md").read_text(encoding="utf-8"), (
        remedy
    )


def test_every_name_of_the_set_has_its_entry() -> None:
    names: dict[str, set[str]] = {}
    for item in ENTRIES:
        names.setdefault(item.section, set()).add(item.name)

    events = {event.name for mapping in SET.by_topic.values() for user in mapping.users for event in user.events}
    assert names == {
        "identifier": {"email", "phone_number"},
        "attribute": set(SET.attributes),
        "param": set(SET.params),
        "event": events,
    }


def test_meanings_are_those_of_insiders_tables() -> None:
    assert entry("name", entries=ENTRIES).meaning == "Customer's first name"
    assert entry("yotpo_campaign_id", "param", ENTRIES).meaning == "Campaign ID of the event"
    assert entry("tier_lost", "event", ENTRIES).meaning == "Sent when a customer gets out of a tier."
    unknown = [item.name for item in ENTRIES if item.section == "attribute" and not item.meaning]
    # Our own additions to the tables: month and day, because a birthday is seldom a whole date.
    assert unknown == [f"yotpo_{date}_{part}" for date in ("birthday", "anniversary") for part in ("month", "day")]


def test_without_tables_there_are_no_meanings(tmp_path: Path) -> None:
    assert dictionary.meanings(tmp_path) == {}


def test_an_entry_has_its_type_its_paths_and_its_rules() -> None:
    points = entry("points")

    assert (points.data_type, points.display_name, points.is_default) == ("Number", "Points", False)
    (origin,) = points.origins
    assert (origin.topic, origin.place, origin.overlay) == ("a/b", "groups.yaml:4", None)
    assert origin.paths == ["referrer.points", "referrer.balance", "customer.points", "customer.balance"]
    assert entry("born").origins[0].paths == ["year: y", "year: year", "month: m", "day: d"]
    assert (entry("born").data_type, entry("opted_in").data_type) == ("Datetime", "Boolean")
    assert entry("score", "param").events == ("it_happened", "purchase")
    assert entry("it_happened", "event").display_name == "It Happened"


def test_an_overlay_is_an_origin_only_if_it_differs() -> None:
    assert [(origin.overlay, origin.place) for origin in entry("tier").origins] == [
        (None, "groups.yaml:5"),
        ("outlet", "overlays/outlet/a.b.yaml:5"),
    ]
    assert [origin.overlay for origin in entry("hobby").origins] == ["outlet"]
    assert [origin.overlay for origin in entry("it_happened", "event").origins] == [None]


def test_the_plan_leaves_out_what_insider_has() -> None:
    planned = {(item.section, item.name) for item in dictionary.to_create(ENTRIES)}

    assert planned == {
        *(("attribute", name) for name in SET.attributes.keys() - DEFAULT_ATTRIBUTES),
        *(("param", name) for name in SET.params.keys() - DEFAULT_PARAMS),
        *(("event", item.name) for item in ENTRIES if item.section == "event"),
    }
    small = {item.name for item in dictionary.to_create(dictionary.dictionary(SMALL, {}))}
    assert small == {"points", "tier", "born", "opted_in", "hobby", "score", "it_happened"}


def test_the_plan_as_csv_has_what_the_panel_asks_for() -> None:
    rows = {
        (row["kind"], row["system_name"]): row
        for row in csv.DictReader(command("--insider-plan", "--format", "csv").splitlines())
    }

    assert rows["attribute", "yotpo_point_balance"] == {
        "kind": "attribute",
        "system_name": "yotpo_point_balance",
        "display_name": "Yotpo Point Balance",
        "data_type": "Number",
        "events": "",
        "description": "The current point balance for the customer.",
    }
    assert rows["param", "yotpo_new_tier_name"]["events"] == "tier_earned tier_lost tier_status_changed"
    assert rows["event", "tier_earned"]["display_name"] == "Tier Earned"
    assert ("attribute", "birthday") not in rows


def test_the_plan_to_read_while_clicking_creates_each_param_once(tmp_path: Path) -> None:
    for name, content in SMALL.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)

    lines = command("--insider-plan", "--directory", str(tmp_path)).splitlines()

    assert "- [ ] `points`, Points, Number" in lines
    assert lines[-4:] == [
        "- [ ] `it_happened`, It Happened",
        "  - [ ] create `score`, Score, Number",
        "- `purchase`, which Insider has by default",
        "  - [ ] `score`",
    ]


@pytest.mark.parametrize("flags", [(), ("--insider-plan",)])
def test_every_format_has_every_name(flags: tuple[str, ...]) -> None:
    as_json: list[dict[str, Any]] = json.loads(command(*flags, "--format", "json"))
    as_csv = list(csv.DictReader(command(*flags, "--format", "csv").splitlines()))
    page = command(*flags)
    name = "system_name" if flags else "name"

    assert list(dict.fromkeys((row["kind"], row[name]) for row in as_csv)) == [
        (row["kind"], row[name]) for row in as_json
    ]
    assert not [row[name] for row in as_json if f"`{row[name]}`" not in page and f"### {row[name]}" not in page]


def test_a_row_of_the_table_says_where_a_value_comes_from() -> None:
    rows = list(csv.DictReader(command("--format", "csv").splitlines()))

    (row,) = (row for row in rows if (row["name"], row["topic"]) == ("yotpo_vip_tier_name", "swell/tier/lost"))

    assert row | {"place": "", "description": ""} == {
        "kind": "attribute",
        "name": "yotpo_vip_tier_name",
        "display_name": "Yotpo Vip Tier Name",
        "data_type": "String",
        "at_insider": "custom",
        "description": "",
        "topic": "swell/tier/lost",
        "overlay": "",
        "event": "",
        "type": "text",
        "paths": "new_tier.name",
        "constant": "",
        "clears_when": "absent",
        "group": "",
        "place": "",
    }
