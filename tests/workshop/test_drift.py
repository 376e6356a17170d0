"""Drift: fields that arrive without a rule, and rules whose fields never arrive; never a value."""

from __future__ import annotations

import json
import string
from dataclasses import fields as members
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import mapping
from connector.settings import DEFAULT_MAPPINGS
from connector.workshop import drift, goldens
from connector.workshop.drift import Report
from connector.workshop.drift.absences import Absent, UseInTopic
from connector.workshop.drift.fields import Field, InTopic, Seen
from connector.workshop.drift.report import TopicSample
from connector.workshop.drift.shapes import DEPTH_LIMIT, PATHS_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping import MappingSet

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TOPIC, OTHER = "swell/points/changed", "swell/points/earned"

GROUPS = """\
person:
  identifiers:
    email: email
  attributes:
    tier: {text: tier_name}
    spent: {number: [spent_cents, spent]}
"""
CHANGED = """\
topic: swell/points/changed
description: A customer's points have changed.
users:
  - person: [customer, buyer]
    include: [person]
    attributes:
      labels: {list: tags}
      first_product: {text: products.0.name}
    events:
      - label: Points Changed
        name: points_changed
        params:
          number: {number: difference}
"""
EARNED = """\
topic: swell/points/earned
description: A customer has earned points.
users:
  - person: customer
    include: [person]
  - person: friend
    optional: true
    include: [person]
"""
NOTICE = """\
topic: swell/codes
description: Codes run out.
notice:
  text: Codes run out.
  details:
    left: {number: codes.left}
"""
FILES = {
    "groups.yaml": GROUPS,
    "swell.points.changed.yaml": CHANGED,
    "swell.points.earned.yaml": EARNED,
    "swell.codes.yaml": NOTICE,
}
OUTLET = """\
topic: swell/points/changed
description: A customer's points have changed.
users:
  - person: [customer, buyer]
    attributes:
      colour: {text: customer.colour}
"""


@pytest.fixture(scope="module")
def small() -> MappingSet:
    files = {**FILES, "overlays/outlet/swell.points.changed.yaml": OUTLET}
    return mapping.load_files({name: text.encode() for name, text in files.items()})


def report_on(mappings: MappingSet, *bodies: Any, topic: str = TOPIC, overlay: str | None = None) -> Report:
    """Return the report on webhooks of one topic, received a minute apart."""
    return drift.report([(topic, NOW + n * MINUTE, body) for n, body in enumerate(bodies)], mappings, overlay=overlay)


def fields(report: Report, read_by: str = "nothing") -> dict[str, Field]:
    return {field.path: field for field in report.unmapped_fields if field.read_by == read_by}


def absent(report: Report, absence: str) -> dict[tuple[str, tuple[str, ...]], Absent]:
    return {(entry.name, entry.paths): entry for entry in report.never_came if entry.absence == absence}


def events(field: Field) -> dict[str, int]:
    return {type_: seen.events for type_, seen in field.types.items()}


def test_a_field_that_no_rule_maps_is_reported_with_its_types_its_share_and_its_times(small: MappingSet) -> None:
    report = report_on(small, {}, {"customer": {"colour": "red"}}, {"customer": {"colour": None}}, {"colour": ""})

    colour = fields(report)["customer.colour"]
    assert (colour.events, colour.share) == (2, 0.5)
    assert (colour.first_at, colour.last_at) == (NOW + MINUTE, NOW + 2 * MINUTE)
    assert events(colour) == {"null": 1, "string": 1}
    assert events(fields(report)["colour"]) == {"blank": 1}
    assert [(in_topic.topic, in_topic.events, in_topic.sampled) for in_topic in colour.topics] == [(TOPIC, 2, 4)]


def test_fields_that_the_mapping_reads_are_not_reported_wherever_the_person_is(small: MappingSet) -> None:
    body = {"email": "a@example.com", "tier_name": "Gold", "spent": 1}

    report = report_on(small, {"customer": body, "difference": 1}, {"buyer": body}, {"customer": None}, body)

    assert set(fields(report)) == {"tier_name", "spent"}
    assert set(fields(report, "intake")) == {"email"}


def test_places_in_lists_are_one_path_and_a_list_is_mapped_with_its_items(small: MappingSet) -> None:
    products = [{"name": "one", "id": 1}, {"name": "two", "id": 2}]

    report = report_on(
        small, {"products": products, "tags": ["a", "b"], "orders": [1, "x"]}, {"tags": [{"label": "c"}]}
    )

    assert set(fields(report)) == {"products.*.id", "orders.*", "tags.*.label"}
    assert fields(report)["products.*.id"].events == 1
    assert events(fields(report)["orders.*"]) == {"number": 1, "string": 1}


def test_an_object_where_a_text_is_mapped_is_reported_by_its_content(small: MappingSet) -> None:
    report = report_on(small, {"customer": {"tier_name": {"label": "Gold"}}})

    assert set(fields(report)) == {"customer.tier_name.label"}


def test_an_empty_object_or_list_is_reported_itself_and_a_full_one_by_its_content(small: MappingSet) -> None:
    report = report_on(small, {"a": [], "b": {}, "c": []}, {"a": None, "c": [1]})

    assert {path: events(field) for path, field in fields(report).items()} == {
        "a": {"array": 1, "null": 1},
        "b": {"object": 1},
        "c.*": {"number": 1},
    }


def test_what_intake_reads_is_marked_and_comes_last(small: MappingSet) -> None:
    report = report_on(small, {"topic": TOPIC, "timestamp": 1, "zeta": 1, "current_balance": 3})

    assert [(field.path, field.read_by) for field in report.unmapped_fields] == [
        ("zeta", "nothing"),
        ("current_balance", "intake"),
        ("timestamp", "intake"),
        ("topic", "intake"),
    ]


def test_an_object_in_the_idempotency_key_is_read_by_intake_with_all_its_content(mappings: MappingSet) -> None:
    needed = {"vip_stats_needed_next": {"something_else": 1}}

    report = report_on(mappings, needed, topic="swell/tier/status/changed")

    assert fields(report, "intake").keys() == {"vip_stats_needed_next.something_else"}


def test_the_same_field_in_several_topics_is_reported_once_with_all_topics(small: MappingSet) -> None:
    sample = [(TOPIC, NOW, {"colour": "red"}), (OTHER, NOW + MINUTE, {"colour": 1}), (OTHER, NOW, {})]

    colour = fields(drift.report(sample, small))["colour"]

    assert (colour.events, colour.share) == (2, 0.6667)
    assert [(in_topic.topic, in_topic.events, in_topic.sampled) for in_topic in colour.topics] == [
        (TOPIC, 1, 1),
        (OTHER, 1, 2),
    ]
    assert events(colour) == {"number": 1, "string": 1}
    assert (colour.first_at, colour.last_at) == (NOW, NOW + MINUTE)


def test_new_fields_come_first_and_then_the_most_frequent_values(small: MappingSet) -> None:
    always = {"always": 1, "null": None}

    report = report_on(small, *[always] * 12, *[{**always, "fresh": 1}] * 3, {**always, "rare": 1})

    assert [(field.path, field.is_new) for field in report.unmapped_fields] == [
        ("fresh", True),
        ("always", False),
        ("rare", False),
        ("null", False),
    ]


def test_the_overlay_of_a_store_counts(small: MappingSet) -> None:
    body = {"customer": {"colour": "red"}}

    assert fields(report_on(small, body)).keys() == {"customer.colour"}
    assert not fields(report_on(small, body, overlay="outlet"))
    assert fields(report_on(small, body, overlay="none of them")).keys() == {"customer.colour"}


def test_a_topic_without_a_mapping_shows_its_fields_and_has_nothing_that_never_came(small: MappingSet) -> None:
    report = report_on(small, {"topic": "swell/new", "customer": {"email": "a@example.com"}}, topic="swell/new")

    assert [(in_topic.topic, in_topic.is_mapped) for in_topic in report.topics] == [("swell/new", False)]
    assert fields(report).keys() == {"customer.email"}
    assert report.never_came == ()


# ------------------------------------------------------------------------------------------------ never came


def test_a_rule_that_never_found_a_value_differs_from_a_path_that_never_did(small: MappingSet) -> None:
    report = report_on(small, {"customer": {"email": "a@example.com", "spent": 1, "tier_name": " "}}, {"difference": 2})

    tier = absent(report, "rule")["tier", ("tier_name",)]
    assert (tier.place, tier.section, tier.from_person) == ("groups.yaml:5", "attributes", True)
    assert (tier.sampled, tier.empty) == (2, 1)
    assert [(in_topic.topic, in_topic.sampled, in_topic.empty) for in_topic in tier.topics] == [(TOPIC, 2, 1)]
    assert absent(report, "rule").keys() == {
        ("tier", ("tier_name",)),
        ("labels", ("tags",)),
        ("first_product", ("products.0.name",)),
    }
    assert absent(report, "alternative").keys() == {("spent", ("spent_cents",)), ("person", ("buyer",))}
    # Fields that were never there come first, then fields that were null or blank.
    assert [absence.name for absence in report.never_came][:3] == ["labels", "first_product", "tier"]


def test_a_rule_of_a_group_that_comes_in_another_topic_is_the_least_severe(small: MappingSet) -> None:
    person = {"email": "a@example.com", "spent": 1, "spent_cents": 1}
    sample = [(TOPIC, NOW, {"customer": {**person, "tier_name": "Gold"}}), (OTHER, NOW, {"customer": person})]

    report = drift.report(sample, small)

    tier = absent(report, "elsewhere")["tier", ("tier_name",)]
    assert [in_topic.topic for in_topic in tier.topics] == [OTHER]
    assert report.never_came[-1] == tier


def test_a_person_who_never_comes_is_reported_once_and_not_for_each_rule(small: MappingSet) -> None:
    everything = {"email": "a@example.com", "spent": 1, "spent_cents": 1, "tier_name": "Gold"}

    report = report_on(small, {"customer": everything, "friend": "Bob"}, topic=OTHER)

    (friend,) = report.never_came
    assert (friend.absence, friend.section, friend.paths) == ("rule", "person", ("friend",))
    assert friend.place == "swell.points.earned.yaml:6"
    assert [in_topic.person for in_topic in friend.topics] == ["friend"]
    assert fields(report).keys() == {"friend"}


def test_what_a_notice_reads_is_mapped_too(small: MappingSet) -> None:
    report = report_on(small, {"codes": {"used": 1}}, topic="swell/codes")

    assert fields(report).keys() == {"codes.used"}
    assert absent(report, "rule")["left", ("codes.left",)].section == "details"


def test_topics_without_events_are_not_reported(small: MappingSet) -> None:
    report = report_on(small)

    assert (report.sampled, report.topics) == (0, ())
    assert (*report.unmapped_fields, *report.never_came, *report.type_changes) == ()


# ------------------------------------------------------------------------------------------------ types, failures


def test_a_path_with_more_than_one_type_is_reported_with_counts_and_times_of_each(small: MappingSet) -> None:
    spent = [1, 2, "3", None, ""]

    report = report_on(small, *({"customer": {"spent": amount}, "customer_id": amount} for amount in spent))

    (mapped, unmapped) = report.type_changes
    assert (mapped.path, mapped.read_by) == ("customer.spent", "mapping")
    assert (unmapped.path, unmapped.read_by) == ("customer_id", "nothing")
    assert events(mapped) == {"blank": 1, "null": 1, "number": 2, "string": 1}
    assert (mapped.types["number"].first_at, mapped.types["number"].last_at) == (NOW, NOW + MINUTE)
    assert mapped.types["string"].first_at == NOW + 2 * MINUTE


def test_null_and_blank_are_no_change_of_type_and_neither_are_whole_and_broken_numbers(small: MappingSet) -> None:
    report = report_on(small, {"a": None, "b": "", "c": 1}, {"a": 1, "b": 2, "c": 1.5})

    assert report.type_changes == ()


def test_failed_conversions_are_counted_by_rule_and_sentence_in_all_topics() -> None:
    bad = {"name": "spent", "problem": "The value is not a number, so it was left out.", "rule": "groups.yaml:6"}
    other = {**bad, "rule": "groups.yaml:7"}
    noted = [(TOPIC, NOW, [bad, other]), (OTHER, NOW + MINUTE, [bad, bad]), (OTHER, NOW, [])]

    (first, second) = drift.failures(noted)

    assert (first.name, first.place, first.problem) == ("spent", "groups.yaml:6", bad["problem"])
    assert (first.values, first.first_at, first.last_at) == (3, NOW, NOW + MINUTE)
    assert [(in_topic.topic, in_topic.values) for in_topic in first.topics] == [(OTHER, 2), (TOPIC, 1)]
    assert (second.place, second.values) == ("groups.yaml:7", 1)


# ------------------------------------------------------------------------------------------------ keys that are data


@pytest.mark.parametrize(
    "key",
    [
        "12345",
        "ann@example.com",
        "+15551234567",
        "example.com",
        "Ann Example",
        "3f2a9c1e-0000-4000-8000-0123456789ab",
        "order_5731669",
        "2026-01-01",
        "Zoë",
        "",
        "a" * 41,
        "\ud800",
    ],
)
def test_a_key_that_looks_like_data_is_not_shown(small: MappingSet, key: str) -> None:
    report = report_on(small, {"points": {key: {"amount": 1}}})

    assert fields(report).keys() == {"points.*.amount"}


@pytest.mark.parametrize("key", ["address1", "amountSpentCents", "utf8_name", "x-forwarded-for", "_id", "UPPER"])
def test_a_key_that_looks_like_a_name_is_shown(small: MappingSet, key: str) -> None:
    assert fields(report_on(small, {key: 1})).keys() == {key}


def test_a_key_that_a_rule_reads_is_a_name_whatever_it_looks_like() -> None:
    changed = CHANGED.replace("difference", "stats.last_365_days")
    files = {"groups.yaml": GROUPS, "swell.points.changed.yaml": changed}
    mappings = mapping.load_files({name: text.encode() for name, text in files.items()})

    report = report_on(mappings, {"stats": {"last_365_days": 1, "last_999_days": 2}})

    assert fields(report).keys() == {"stats.*"}
    assert "number" not in {absence.name for absence in report.never_came}


def letters(number: int) -> str:
    """Return a name of letters for a number."""
    return string.ascii_lowercase[number // 26] + string.ascii_lowercase[number % 26]


def test_many_keys_in_one_object_count_as_data_and_once_for_each_event(small: MappingSet) -> None:
    names = {letters(number): {"amount": 1} for number in range(150)}

    report = report_on(small, {"customer": {**names, "spent": 1}}, {"customer": {"aa": {"amount": "2"}}}, {})

    assert {path: field.events for path, field in fields(report).items()} == {"customer.*.amount": 2}
    assert [field.path for field in report.type_changes] == ["customer.*.amount"]
    assert ("spent", ("spent", "spent_cents")) not in absent(report, "rule")


def test_keys_count_as_data_if_each_event_has_only_a_few_of_them(small: MappingSet) -> None:
    scores = [{"scores": {letters(number): number if number % 2 else "x"}} for number in range(40)]
    record = {letters(number): 1 for number in range(40)}

    assert fields(report_on(small, *scores)).keys() == {"scores.*"}
    assert (
        report_on(small, *scores).type_changes == ()
    )  # two different keys do not count as one field that changes its type
    assert len(fields(report_on(small, {"record": record}, {"record": record}))) == 40


def test_the_number_of_paths_is_limited_but_never_for_mapped_paths(small: MappingSet) -> None:
    wide = {letters(a): {letters(b): 1 for b in range(80)} for a in range(80)}

    report = report_on(small, wide, {"customer": {"spent": 1}})

    assert [in_topic.is_cut_off for in_topic in report.topics] == [True]
    assert PATHS_LIMIT - 100 < len(report.unmapped_fields) <= PATHS_LIMIT
    assert ("spent", ("spent_cents",)) in absent(report, "alternative")
    assert [in_topic.is_cut_off for in_topic in report_on(small, {"a": 1}).topics] == [False]


def test_the_depth_of_paths_is_limited(small: MappingSet) -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = {"a": [deep]}

    report = report_on(small, deep)

    assert [in_topic.is_cut_off for in_topic in report.topics] == [True]
    assert [field.path.count(".") for field in report.unmapped_fields] == [DEPTH_LIMIT - 1]


# ------------------------------------------------------------------------------------------------ whatever comes

NAMES = st.sampled_from(["customer", "buyer", "spent", "tags", "products", "name", "a", "b", "topic", "timestamp", "*"])
KEYS = NAMES | st.text() | st.emails() | st.integers().map(str)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.emails() | NAMES,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=30),
    max_leaves=60,
)
#: Every word of a report that comes from the code, and not from the mapping files or the webhooks.
WORDS = {"null", "blank", "boolean", "number", "string", "array", "object", "nothing", "intake", "mapping", "person"}
WORDS |= {
    name.name for part in (Report, TopicSample, Field, InTopic, Seen, Absent, UseInTopic) for name in members(part)
}
WORDS |= {"rule", "alternative", "elsewhere", "identifiers", "attributes", "params", "details"}


def keys(body: Any) -> Iterator[str]:
    for key, inner in body.items() if isinstance(body, dict) else ():
        yield key
        yield from keys(inner)
    for inner in body if isinstance(body, list) else ():
        yield from keys(inner)


def texts(content: Any) -> Iterator[str]:
    """Yield all texts, keys too."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, inner in content.items():
            yield from (key, *texts(inner))
    elif isinstance(content, list):
        for inner in content:
            yield from texts(inner)


def as_json(report: Report) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(orjson.dumps(report))
    return shown


@given(bodies=st.lists(JSON, max_size=6), topic=st.sampled_from([TOPIC, OTHER, "swell/codes", "unknown"]))
def test_no_webhook_raises_or_shows_a_value_and_the_counts_add_up(
    small: MappingSet, bodies: list[Any], topic: str
) -> None:
    report = report_on(small, *bodies, topic=topic)

    assert report.sampled == len(bodies)
    known = {key for body in bodies for key in keys(body)} | {"*"}
    for field in (*report.unmapped_fields, *report.type_changes):
        assert known.issuperset(field.path.split("."))
        assert "@" not in field.path
        assert field.events == sum(in_topic.events for in_topic in field.topics)
        for in_topic in field.topics:
            assert 0 < in_topic.events <= in_topic.sampled == len(bodies)
            assert max(seen.events for seen in in_topic.types.values()) <= in_topic.events
            assert in_topic.events <= sum(seen.events for seen in in_topic.types.values())
            if "*" not in field.path:
                assert in_topic.events == sum(seen.events for seen in in_topic.types.values())
    shown = set(texts(as_json(report)))
    of_files = {word for text in FILES.values() for word in text.replace("[", " ").replace("]", " ").split()}
    paths = {field.path for field in (*report.unmapped_fields, *report.type_changes)}
    vocabulary = WORDS | {word.strip(":{},") for word in of_files} | {small.version, topic, "customer or buyer"}
    assert not {text for text in shown - paths - vocabulary if not text.startswith(("2026-", *FILES))}


@given(body=JSON)
def test_no_value_of_a_webhook_is_anywhere_in_the_report(small: MappingSet, body: Any) -> None:
    def marked(content: Any) -> Any:
        if isinstance(content, dict):
            return {key: marked(inner) for key, inner in content.items()}
        if isinstance(content, list):
            return [marked(inner) for inner in content]
        return "secret-value" if isinstance(content, str) else content

    assert b"secret-value" not in orjson.dumps(report_on(small, marked(body), marked(body)))


def test_the_examples_of_all_topics_stay_within_the_limits(mappings: MappingSet) -> None:
    pairs = list(goldens.goldens(DEFAULT_MAPPINGS / "examples", mappings))
    bodies = [(pair.topic, json.loads(pair.webhook.read_bytes())) for pair in pairs]

    report = drift.report([(topic, NOW, body) for topic, body in bodies], mappings)

    assert {in_topic.topic for in_topic in report.topics} == set(mappings.topics)
    assert not any(in_topic.is_cut_off for in_topic in report.topics)
    assert not any("*" in field.path.replace(".*", "") for field in report.unmapped_fields)
    # Data of other people, which is not forwarded: the report has its path, and never its value.
    assert "customer.referral_code.completed_referral_customers.*.email" in fields(report)
    assert "@" not in str(as_json(report))
