"""Insider's published tables, row by row: which topics fill an attribute, a param, an event."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from connector.mapping.loading.checks import snake_case
from connector.workshop import goldens
from tests import MAPPINGS
from tests.mapping.shipped import SET

GOLDENS = list(goldens.goldens(MAPPINGS / "examples", SET))

#: The meaning of the table's short names.
LONG_NAMES = {"Na": "name", "Su": "surname"}
IDENTIFIERS = {"email"}
#: The name of the event itself, which Insider expects outside of the params.
NOT_PARAMS = {"event_name"}
#: Rows that no topic fills as the table says, each with the reason.
UNFILLED_EVENTS = {
    "Redemption Code Below Threshold": "sent to the merchant, without any customer; it becomes a notice",
}
UNFILLED: dict[str, str] = {}


def rows(table: str, column: str) -> list[str]:
    with (MAPPINGS / "tables" / table).open(encoding="utf-8") as file:
        return [row[column] for row in csv.DictReader(file)]


def filled_by() -> dict[str, dict[str, set[str]]]:
    """Return the topics that fill each name in the golden pairs; a rule in a file alone does not count."""
    found: dict[str, dict[str, set[str]]] = {"attributes": {}, "params": {}, "identifiers": {}}
    for golden in GOLDENS:
        expected: dict[str, Any] = json.loads(golden.expected.read_text())
        for user in expected.get("users", []):
            events = user.get("events", [])
            for section, names in (
                ("identifiers", user["identifiers"]),
                ("attributes", user.get("attributes", {})),
                *(("params", event.get("params", {})) for event in events),
            ):
                for name in names:
                    found[section].setdefault(name, set()).add(golden.topic)
    return found


FILLED_BY = filled_by()


@pytest.mark.parametrize("row", sorted(set(rows("insider-attributes.csv", "insider_attribute"))))
def test_attributes(row: str) -> None:
    name = LONG_NAMES.get(row, row)
    topics = FILLED_BY["identifiers" if name in IDENTIFIERS else "attributes"].get(name, set())

    assert topics or row in UNFILLED, f"no golden pair fills {name}"


@pytest.mark.parametrize("row", sorted(set(rows("insider-event-parameters.csv", "insider_event_parameter"))))
def test_params(row: str) -> None:
    assert FILLED_BY["params"].get(row) or row in NOT_PARAMS | UNFILLED.keys(), f"no golden pair fills {row}"


@pytest.mark.parametrize("label", rows("insider-events.csv", "insider_event_name"))
def test_events(label: str) -> None:
    written = {
        event.name: event.label for mapping in SET.by_topic.values() for user in mapping.users for event in user.events
    }

    assert written.get(snake_case(label)) == label or label in UNFILLED_EVENTS


@pytest.mark.parametrize(
    ("row", "topics"),
    [
        # The most informative names. The topics of other names may grow with Yotpo's webhooks.
        ("yotpo_total_reviews", {"customer/snapshot"}),
        ("yotpo_top_topics", {"customer/snapshot"}),
        ("yotpo_total_redemptions", {"customer/snapshot"}),
        ("yotpo_is_referred_by_other_customer", {"customer/snapshot"}),
        ("yotpo_amount_spent_cents", {"swell/tier/earned", "swell/tier/status/changed", "customer/snapshot"}),
        ("birthday", {"swell/birthday/captured", "customer/snapshot"}),
        ("anniversary_date", {"swell/anniversary/captured"}),
        ("amount_cents_in_customer_c_to_mt_vip", {"swell/tier/status/changed", "customer/snapshot"}),
        (
            "yotpo_loyalty_next_points_expire_on",
            {"loyalty/expiration/reminder", "swell/points/reminder", "customer/snapshot"},
        ),
    ],
)
def test_the_topics_that_fill_a_name(row: str, topics: set[str]) -> None:
    assert topics == FILLED_BY["attributes"][row]


def test_every_declared_name_is_in_some_golden_pair() -> None:
    assert SET.attributes.keys() == FILLED_BY["attributes"].keys()
    assert SET.params.keys() == FILLED_BY["params"].keys()


def test_names_fit_insiders_default_budget() -> None:
    # Insider's guide: 80 custom attributes and 80 custom event parameters for an account, over all its sources.
    assert len(SET.attributes) <= 50
    assert len(SET.params) <= 50
