"""The engine: what a mapping makes of a webhook, on small mappings, and on all of ours with webhooks out of a hat."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector import goldens
from connector.mapping import MappingSet, TopicMapping, load
from connector.model import Mapped, Options, UserUpdate, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Small = Callable[..., TopicMapping]

MAPPINGS = Path(__file__).parent.parent / "mappings"
SET = load(MAPPINGS)
OCCURRED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)

GROUPS = """\
customer:
  identifiers: {email: email}
  attributes:
    name: {text: first_name}
    surname: {text: last_name}
  params:
    discount_code: {text: discount_code}
perk:
  paths: webhook
  attributes:
    coupon_expired: {boolean: perk.expired}
"""
TOPIC = """\
topic: a/b
description: Something has happened.
users:
  - person: customer
    include: [customer, perk]
    attributes:
      name: {text: [nickname, customer.nickname]}
      opted_in: {always: false}
    events:
      - label: It Happened
        name: it_happened
        include: [customer]
        params:
          score: {number: [data.0.score, score]}
"""


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """Compile a topic file next to the groups above."""

    def compile_(topic: str = TOPIC, groups: str = GROUPS) -> TopicMapping:
        (tmp_path / "groups.yaml").write_text(groups)
        (tmp_path / "a.b.yaml").write_text(topic)
        mapping = load(tmp_path).get("a/b")
        assert mapping
        return mapping

    return compile_


def apply(mapping: TopicMapping, body: dict[str, Any], **options: Any) -> Mapped:
    return mapping.apply(body, OCCURRED_AT, Options(**options))


def test_groups_start_at_the_person_or_at_the_top_and_own_rules_override(small: Small) -> None:
    body = {
        "customer": {"email": "A@Example.com", "first_name": "Ann", "last_name": "Lee", "nickname": "Annie"},
        "perk": {"expired": True},
        "data": [{"score": "5"}],
    }

    (update,) = apply(small(), body).updates

    assert update.identifiers == {"email": "a@example.com"}
    assert update.attributes == {"name": "Annie", "surname": "Lee", "coupon_expired": True, "opted_in": False}
    (event,) = update.events
    assert (event.name, event.timestamp, event.params) == ("it_happened", "2026-01-01T12:00:00Z", {"score": 5})


def test_the_first_path_that_holds_something_counts(small: Small) -> None:
    def score(body: dict[str, Any]) -> Any:
        (update,) = apply(small(), {"customer": {"email": "a@example.com"}, **body}).updates
        return update.events[0].params.get("score")

    assert score({"data": [{"score": 0}], "score": 3}) == 0
    assert score({"data": [{"score": None}], "score": 3}) == 3
    assert score({"data": [{"score": ""}], "score": 3}) == 3
    assert score({"data": [{"score": "  "}], "score": 3}) == 3
    assert score({"data": [], "score": 3}) == 3
    assert score({"data": {"0": {"score": 4}}, "score": 3}) == 4
    assert score({"data": "text"}) is None


def test_a_value_that_does_not_fit_is_left_out_alone_and_noted_without_itself(small: Small) -> None:
    body = {"customer": {"email": "a@example.com", "first_name": "Ann", "last_name": {"secret": 1}}, "score": "secret"}

    mapped = apply(small(TOPIC.replace("      name: {text: [nickname, customer.nickname]}\n", "")), body)

    (update,) = mapped.updates
    assert update.attributes == {"name": "Ann", "opted_in": False}
    assert [(note.name, note.problem, note.rule) for note in mapped.notes] == [
        ("surname", "The value is not text, so it was left out.", "groups.yaml:5"),
        ("score", "The value is not a number, so it was left out.", "a.b.yaml:13"),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "The webhook holds no person under customer, and no e-mail address."),
        ({"customer": "someone"}, "The webhook holds no person under customer, and no e-mail address."),
        ({"customer": {}}, "The person has no e-mail address."),
        ({"customer": {"email": " "}}, "The person has no e-mail address."),
        ({"customer": {"email": "undefined"}}, "The e-mail address of the person is not valid."),
    ],
)
def test_a_user_without_a_valid_identifier_is_refused_with_all_that_would_have_been_sent(
    small: Small, body: dict[str, Any], reason: str
) -> None:
    mapped = apply(small(), body)

    assert not mapped.updates
    ((update, why),) = mapped.refused
    assert why.reason == reason
    assert not update.identifiers
    assert update.attributes == {"opted_in": False}
    assert len(update.events) == 1


def test_an_optional_user_is_skipped_without_being_refused(small: Small) -> None:
    mapping = small(TOPIC.replace("    include: [customer, perk]", "    optional: true\n    include: [customer, perk]"))

    assert apply(mapping, {}) == Mapped()
    assert apply(mapping, {"customer": {"first_name": "Ann"}}) == Mapped()


def test_a_user_of_whom_nothing_is_told_is_skipped(small: Small) -> None:
    mapping = small(
        "topic: a/b\ndescription: Something has happened.\nusers:\n  - person: [friend, customer]\n"
        "    include: [customer]\n",
        GROUPS[: GROUPS.index("perk:")],
    )

    assert apply(mapping, {"customer": {"email": "a@example.com"}}) == Mapped()
    assert apply(mapping, {"friend": [], "customer": {"email": "a@example.com", "first_name": "Ann"}}) == Mapped(
        updates=(UserUpdate(identifiers={"email": "a@example.com"}, attributes={"name": "Ann"}),)
    )


@pytest.mark.parametrize(
    ("written", "constant"),
    [
        ("true", True),
        ("false", False),
        ("5", 5),
        ("-5", -5),
        ("1.5", 1.5),
        ('"true"', "true"),
        ("'5'", "5"),
        ("NO", "NO"),
        ("2020-01-01", "2020-01-01"),
    ],
)
def test_constants(small: Small, written: str, constant: Value) -> None:
    (update,) = apply(
        small(TOPIC.replace("{always: false}", f"{{always: {written}}}")), {"customer": {"email": "a@example.com"}}
    ).updates

    assert update.attributes["opted_in"] == constant
    assert type(update.attributes["opted_in"]) is type(constant)


def test_phone_numbers_are_read_with_the_stores_region() -> None:
    snapshot = SET.by_topic["customer/snapshot"]
    body = {"phone_number": "(415) 555-0100", "first_name": "Ann"}

    assert apply(snapshot, body).refused
    assert apply(snapshot, body, phone_region="US").updates[0].identifiers == {"phone_number": "+14155550100"}


def test_a_mapping_leaves_its_webhook_alone() -> None:
    for golden in goldens.goldens(MAPPINGS / "examples", SET):
        text = golden.webhook.read_text()
        body = json.loads(text)
        SET.by_topic[golden.topic].apply(body, OCCURRED_AT, golden.options)

        assert body == json.loads(text)


# Webhooks out of a hat: where a mapping looks there is anything that JSON can hold, and some things that it can't.

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**20, max_value=10**60)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(
        ["", " ", "$2,620", "1.234 €", "0001-01-01 00:00:00 +0200", "9999-12-31T23:59:59-14:00", "\ud800", "9" * 400]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from keys(inner)


EXAMPLES = [json.loads(golden.webhook.read_bytes()) for golden in goldens.goldens(MAPPINGS / "examples", SET)]
KEYS = sorted({key for example in EXAMPLES for key in keys(example)})


@st.composite
def distorted(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one of the examples with some of its values replaced."""

    def distort(value: Any) -> Any:
        if draw(st.integers(0, 9)) == 0:
            return draw(ANYTHING)
        if isinstance(value, dict):
            return {key: distort(inner) for key, inner in value.items()}
        return value

    found = distort(draw(st.sampled_from(EXAMPLES)))
    return found if isinstance(found, dict) else {"customer": found}


OBJECTS = distorted() | st.dictionaries(
    st.sampled_from(KEYS), ANYTHING | st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=10), max_size=10
)
OPTIONS = st.builds(
    Options, standin_year=st.none() | st.sampled_from([1903, 1904]), phone_region=st.sampled_from([None, "US"])
)


@settings(max_examples=300, deadline=None)
@given(topic=st.sampled_from(SET.topics), body=OBJECTS, options=OPTIONS)
def test_no_webhook_makes_a_mapping_raise_or_yield_what_is_not_declared(
    topic: str, body: dict[str, Any], options: Options
) -> None:
    mapped = SET.by_topic[topic].apply(body, OCCURRED_AT, options)

    for update in (*mapped.updates, *(update for update, _ in mapped.refused)):
        assert_declared(update.attributes, SET.attributes)
        for event in update.events:
            assert_declared(event.params, SET.params)
        orjson.dumps({"identifiers": dict(update.identifiers), "attributes": dict(update.attributes)})
    assert all(update.identifiers and (update.attributes or update.events) for update in mapped.updates)
    assert all(not update.identifiers and refusal.reason.endswith(".") for update, refusal in mapped.refused)
    assert all(note.problem.endswith(", so it was left out.") and ".yaml:" in note.rule for note in mapped.notes)


def assert_declared(found: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    for name, value in found.items():
        assert type(value) in KINDS[kinds[name]]
        if kinds[name] == "time":
            assert datetime.fromisoformat(value).tzinfo is UTC
            assert value.endswith("Z")
        if kinds[name] == "list":
            assert all(isinstance(item, str) for item in value) or not any(isinstance(item, str) for item in value)


KINDS: dict[str, set[type]] = {
    "text": {str},
    "time": {str},
    "number": {int, float},
    "boolean": {bool},
    "list": {list},
}


def test_a_set_knows_its_topics() -> None:
    assert isinstance(SET, MappingSet)
    assert len(SET.topics) == 32
    assert SET.get("swell/nothing") is None
