"""Checks that the benchmark compares like with like: all ways return the same, and shortcuts do not change a result."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench import plot, report, scale
from bench.cdp import Arrivals
from bench.load import Load
from bench.mapping import (
    BY_HAND,
    CONNECTOR,
    GLOM,
    JMESPATH,
    OCCURRED_AT,
    OPTIONS,
    PLAIN,
    Speed,
    table,
    topic,
    variants,
    webhooks,
)
from bench.scenarios import Result
from connector.mapping.types import values
from connector.mapping.types.money import money
from connector.mapping.types.values import UnfitError
from connector.model import Options, times
from connector.settings import DEFAULT_MAPPINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERYTHING = topic()
WAYS = variants(EVERYTHING)
WEBHOOKS = [orjson.loads(webhook) for webhook in webhooks()]
#: Values that are missing, have the wrong type, or need a conversion.
ODD: list[Any] = [
    None, "", "  ", " x ", "x", "\x00", "5", "1,234.50", "$2,620", "rwrd.io/x", "2019-12-31",
    "2016-10-15T16:00:17.786Z", "0001-01-01 00:00:00 +0200", True, False, 0, -1, 7, 1.5, 2**63, -(2**63),
    1690360527923, [], ["a", 1], [{}], {}, {"x": 1},
]  # fmt: skip
INSTEAD_OF_OBJECTS: list[Any] = [None, {}, [], "text", {"email": "a@example.com"}]


def leaves_replaced(value: Any, odd: Any) -> Any:
    if isinstance(value, dict):
        return {name: leaves_replaced(inner, odd) for name, inner in value.items()}
    return odd


def objects_replaced(webhook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies of the webhook, each with one of its objects replaced by something else."""
    for name, value in webhook.items():
        if isinstance(value, dict):
            yield from ({**webhook, name: odd} for odd in INSTEAD_OF_OBJECTS)


def read_from(table_: str, column: str) -> set[str]:
    with (DEFAULT_MAPPINGS / "tables" / table_).open(encoding="utf-8") as file:
        return {row[column] for row in csv.DictReader(file)}


def test_the_rules_are_those_of_insiders_tables() -> None:
    (user,) = EVERYTHING.users
    (event,) = user.events
    attributes, params = {rule.name for rule in user.attributes}, {rule.name for rule in event.params}
    of_table = read_from("insider-attributes.csv", "insider_attribute") - {"email", "Na", "Su"} | {"name", "surname"}

    assert (len(attributes), len(params)) == (43, 32)
    assert attributes - of_table == {"yotpo_birthday_month"}
    assert of_table <= attributes
    assert params == read_from("insider-event-parameters.csv", "insider_event_parameter") - {"event_name"}


@pytest.mark.parametrize("way", [BY_HAND, JMESPATH, GLOM])
def test_all_ways_return_the_same_for_every_documented_webhook(way: str) -> None:
    for webhook in WEBHOOKS:
        assert WAYS[CONNECTOR](webhook, OCCURRED_AT, OPTIONS) == WAYS[way](webhook, OCCURRED_AT, OPTIONS)


def test_most_documented_webhooks_fill_many_names() -> None:
    results = [WAYS[CONNECTOR](webhook, OCCURRED_AT, OPTIONS) for webhook in WEBHOOKS]
    filled = [len(update.attributes) + len(update.events[0].params) for mapped in results for update in mapped.updates]

    assert len(filled) >= 29
    assert sum(filled) / len(filled) > 14


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_the_rules_by_hand_return_the_same_values_and_notes_for_odd_values(odd: Any) -> None:
    options = Options(standin_year=1904)
    for webhook in WEBHOOKS:
        changed = {**leaves_replaced(webhook, odd), "email": "a@example.com"}

        assert WAYS[CONNECTOR](changed, OCCURRED_AT, options) == WAYS[BY_HAND](changed, OCCURRED_AT, options)


def test_all_ways_note_values_that_do_not_fit() -> None:
    webhook = {"email": "a@example.com", "customer": {"first_name": True, "birth_month": 13, "birth_day": 1}}
    mapped = [way(webhook, OCCURRED_AT, Options(standin_year=1904)) for way in WAYS.values()]

    assert [note.name for note in mapped[0].notes] == ["name", "birthday"]
    assert mapped == [mapped[0]] * len(WAYS)


def test_the_rules_by_hand_find_the_same_objects() -> None:
    for webhook in WEBHOOKS:
        for changed in objects_replaced(webhook):
            assert WAYS[CONNECTOR](changed, OCCURRED_AT, OPTIONS) == WAYS[BY_HAND](changed, OCCURRED_AT, OPTIONS)


def test_the_table_shows_the_ratios() -> None:
    speeds = [Speed(CONNECTOR, 80.0, 40.0), Speed(BY_HAND, 100.0, 80.0), Speed(PLAIN, 200.0, None)]
    speeds += [Speed(JMESPATH, 2.0, 1.0), Speed(GLOM, 0.2, 0.1)]
    lines = [line.split() for line in table(speeds)]

    assert lines[1] == ["connector", "80", "0.80", "40.00", "40", "0.50", "40.00"]
    assert lines[3] == ["by", "hand,", "plain", "dicts", "200", "2.00", "100.00"]


def shapes(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


@given(shapes(r"[0-9]{4}-[0-9W][0-9]-[0-9]{2}[T ][0-9]{2}:?[0-9]{2}:?[0-9]{2}[.,:][0-9]{3}[Z+-]") | st.text())
@example("2016-10-15T16:00:17.786Z")
@example("2016-10-15T16:00:17.000Z")
@example("2016-02-30T16:00:17.786Z")
@example("2016-10-15T24:00:00.000Z")
@example("1899-12-31T23:59:59.999Z")
@example("2200-12-31T23:59:59.999Z")
@example("0001-01-01T00:00:00.000Z")
@example("2016-W41-6T16:00:17.786Z")
@example("2016-10-15T16:00+01.786Z")
@example("\uff12016-10-15T16:00:17.786Z")
def test_a_time_that_is_passed_on_as_written_means_the_same_as_the_parsed_one(text: str) -> None:
    if written := times.as_written(text):
        moment = times.parse(text)

        assert moment
        assert times.rfc3339(moment) == written


@given(shapes(r"[0-9]{4}-[0-9W][0-9]-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)?") | st.text())
@example("2019-12-31")
@example("2019-02-29")
@example("2019-W01-1")
@example("1899-12-31")
@example("0001-01-01")
@example("2016-10-15T16:00:17.786Z")
def test_a_date_that_is_passed_on_as_written_means_the_same_as_the_parsed_one(text: str) -> None:
    if written := times.date_as_written(text):
        day = times.parse_date(text)

        assert day
        assert times.rfc3339_date(day) == written


@given(
    st.integers(0, 9_000_000_000).map(lambda ms: datetime(1950, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms * 800))
)
def test_times_in_the_usual_format_of_webhooks_are_passed_on_as_written(moment: datetime) -> None:
    written = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    assert times.as_written(written) == times.rfc3339(moment) == values.datetime(written)


@given(shapes(r"[$€£₪]?[0-9]{1,4}(,[0-9]{3}){0,5}(\.[0-9]{1,3})?") | shapes(r"[$€£₪ ]{0,2}[0-9.,]{1,20}"))
@example("$2,620")
@example("1,234.50")
@example("$1.234")
@example("999999999999999")
def test_the_shortcut_for_common_amounts_gives_the_same_as_the_full_parser(written: str) -> None:
    # A direction mark changes no amount, but keeps the text from being parsed by the shortcut for common amounts.
    def read(text: str) -> object:
        try:
            amount = money(text)
        except UnfitError as unfit:
            return str(unfit)
        return amount, type(amount)

    assert read(written) == read(f"\u200f{written}")


# ------------------------------------------------------------------------------------------------ load and report


def result(scenario: str, formation: str, rate: float = 1000.0, **cpu: float) -> Result:
    return Result(scenario=scenario, formation=formation, rate=rate, cpu=cpu, p50=0.01, p99=0.02, memory=500.0)


RESULTS = [
    result("burst", "connector", 1200.0, web=1.0, worker=0.5, beat=0.001, PostgreSQL=0.4, Redis=0.01),
    result("burst", "connector with 100 events", 600.0, web=1.0, worker=0.5, beat=0.0, PostgreSQL=0.8, Redis=0.01),
    result("burst", "Flask & Celery", 300.0, web=1.5, worker=4.5, Redis=0.3),
    result("steady 100/s", "connector", 100.0, web=2.0, worker=2.0, PostgreSQL=2.0),
]


def test_the_stores_of_a_load_take_turns() -> None:
    urls = [f"http://127.0.0.1:1/webhooks/{number}" for number in range(3)]
    load = Load(urls, first=0, number=6, rate=0, customers=10)
    requests = [load.request(position) for position in range(6)]

    assert [request.split()[1].decode() for request in requests] == ["/webhooks/0", "/webhooks/1", "/webhooks/2"] * 2
    assert Counter(b"c00000004@example.com" in request for request in requests) == {False: 5, True: 1}


def test_the_dummy_counts_users_and_notes_when_a_customer_arrives_first() -> None:
    arrivals = Arrivals()
    user = b'{"identifiers": {"email": "c00000007@example.com"}, "events": [{"event_name": "x"}]}'

    assert arrivals.note(b"[" + user + b", " + user + b"]") == 2
    first_at = dict(arrivals.first_at)
    arrivals.note(user)

    assert (arrivals.users, arrivals.events, arrivals.requests) == (3, 3, 2)
    assert list(first_at) == [7]
    assert arrivals.first_at == first_at


@given(st.floats(0.001, 1e7))
def test_an_axis_ends_shortly_after_the_largest_value(largest: float) -> None:
    marks = plot.ticks(largest)

    assert marks[0] == 0
    assert marks[-2] < largest <= marks[-1] * (1 + 1e-9)
    assert 3 <= len(marks) <= 7


def test_the_plot_has_a_bar_for_each_contender_inside_the_picture() -> None:
    root = ET.fromstring(report.picture(RESULTS))  # noqa: S314 - we have made it
    bars = [one for one in root.iter() if one.get("class") in {"ours", "others"}]
    right = [float(one.attrib["x"]) + float(one.attrib["width"]) for one in bars]

    assert [one.get("class") for one in bars] == ["ours", "ours", "others"] * 2
    assert max(right) < float(root.attrib["width"])
    assert float(bars[0].attrib["width"]) == pytest.approx(2 * float(bars[1].attrib["width"]), abs=0.2)
    assert {"Flask & Celery", "events a second", "1,200", "6.30"} <= {one.text for one in root.iter()}


def test_the_report_has_a_row_for_each_result_and_compares_the_history() -> None:
    text = report.markdown(report.Run(RESULTS, "2026-01-01", 5.0, 1.0, is_full=True))

    assert "Made by `FULL=1 make bench` on 2026-01-01" in text
    row = "| burst | connector | 1,200 | 1.91 | web 1.00, worker 0.50, PostgreSQL 0.40, Redis 0.01 | 10, 20 | 500 |"
    assert row in text.splitlines()
    assert "0.50 times the rate" in " ".join(text.split())
    assert "2.00 times its CPU time of PostgreSQL" in " ".join(text.split())


def test_the_slowest_part_limits_the_rate() -> None:
    cpu = {"web": 1.0, "worker": 0.5, "PostgreSQL": 0.4}

    found = scale.limits(cpu, 2, 2, 1)

    assert found == {
        kind: pytest.approx(rate) for kind, rate in (("web", 1400), ("worker", 2800), ("PostgreSQL", 1750))
    }
    assert scale.needed(cpu["web"], 1400) == 2
    assert scale.needed(cpu["web"], 1401) == 3
    assert scale.needed(cpu["worker"], 1) == 1
