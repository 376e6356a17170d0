"""Checks that the explanation of a webhook agrees with its mapping, and that each value has its path and its rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mapping import load_files
from connector.mapping.checking.explaining import Explanation, Reading, UserReading, explain, omissions, rule_text
from connector.mapping.grammar.schemas import groups as read_groups
from connector.mapping.reading import documents
from connector.mapping.reading.problems import Problems
from connector.model import Note, Options, UserEvent, UserUpdate
from connector.workshop import goldens
from tests import MAPPINGS
from tests.mapping.distortions import ANYTHING, EXAMPLES, OBJECTS, OCCURRED_AT, OPTIONS
from tests.mapping.shipped import SET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.mapping import TopicMapping
    from connector.model import Value

GROUPS = """\
customer:
  identifiers: {email: email}
  attributes:
    name: {text: [nickname, first_name]}
    tier: {text: vip_tier_name}
    ends_at: {datetime: ends_at, empty: clear}
    born: {date: {year: [birth_year, birthday_year], month: birth_month, day: birth_day}, empty: clear}
    link: {link: [referral_link.link, referral_link]}
  params:
    code: {text: code}
    tags: {list: tags}
perk:
  paths: webhook
  attributes:
    coupon_expires_at: {datetime: perk.expires_at}
    credit: {money: perk.credit}
  params:
    coupon_expires_at: {datetime: perk.expires_at}
"""
TOPIC = """\
topic: a/b
description: Something has happened.
users:
  - person: [referrer, customer]
    include: [customer, perk]
    identifiers: {email: [referrer.email, customer.email], phone_number: phone, uuid: id}
    attributes:
      tier: {text: [new_tier.name, tiers.0.name], absent: clear}
      opted_in: {always: false}
      gone_at: {date: [tiers.0.gone_at, gone_at], empty: clear}
    events:
      - label: It Happened
        name: it_happened
        include: [customer, perk]
        params:
          score: {number: [data.0.score, score]}
          code: {omit: true}
  - person: friend
    optional: true
    include: [customer]
"""
NOTICE = """\
topic: a/notice
description: Codes run out.
notice:
  text: Codes run out.
  details: {codes: {number: [codes, data.0.codes]}, name: {always: "5"}}
"""
OVERLAY_GROUPS = "customer: {attributes: {link: {omit: true}, name: {text: first_name}}}\n"
OVERLAY = """\
topic: a/b
description: Something has happened.
users:
  - person: [referrer, customer]
    attributes: {tier: {text: vip}}
"""
FILES = {
    "groups.yaml": GROUPS,
    "a.b.yaml": TOPIC,
    "a.notice.yaml": NOTICE,
    "overlays/outlet/groups.yaml": OVERLAY_GROUPS,
    "overlays/outlet/a.b.yaml": OVERLAY,
}
SMALL = load_files({name: text.encode() for name, text in FILES.items()})
WORDS = """
    referrer customer friend email phone id nickname first_name vip_tier_name ends_at birth_year birthday_year
    birth_month birth_day referral_link link code tags perk expires_at credit new_tier name tiers gone_at data score
    codes vip 0
"""
KEYS = WORDS.split()
VALUES = (
    ANYTHING
    | st.sampled_from(["ann@example.com", "+14155550100", "4155550100", "2020-02-30", "2020-02-29", "$1.50", "a,b"])
    | st.integers(0, 40)
    | st.just("0001-01-01 00:00:00 +0200")
)
BODIES = st.dictionaries(
    st.sampled_from(KEYS),
    VALUES
    | st.dictionaries(st.sampled_from(KEYS), VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=12)
    | st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=2),
    max_size=12,
)


def explained(mapping: TopicMapping | None, body: dict[str, Any], options: Options | None = None) -> Explanation:
    assert mapping
    options = options or Options()
    return explain(mapping, body, mapping.apply(body, OCCURRED_AT, options), options)


def values(readings: Iterable[Reading]) -> dict[str, Value]:
    return {reading.rule.name: reading.value for reading in readings if reading.value is not None}


def update(user: UserReading) -> UserUpdate:
    return UserUpdate(
        identifiers={name: str(value) for name, value in values(user.identifiers).items()},
        attributes=values(user.attributes),
        events=tuple(
            UserEvent(name=event.mapping.name, timestamp="2026-01-01T12:00:00Z", params=values(event.params))
            for event in user.events
        ),
        cleared=tuple(reading.rule.name for reading in user.attributes if reading.clears),
    )


def assert_agrees_with_mapping(explanation: Explanation) -> None:
    """Compare the explanation with the result of the mapping: their representations, because in Python True == 1."""
    mapped = explanation.mapped
    users = explanation.users
    readings = [*(reading for user in users for reading in user.readings), *explanation.details]
    noted = [
        Note(name=reading.rule.name, problem=reading.problem, rule=reading.rule.place)
        for reading in readings
        if reading.problem
    ]

    assert repr([update(user) for user in users if user.fate == "sent"]) == repr(list(mapped.updates))
    assert repr([(update(user), user.refusal) for user in users if user.fate == "refused"]) == repr(
        list(mapped.refused)
    )
    assert noted == list(mapped.notes)
    if mapped.notice:
        assert repr(values(explanation.details)) == repr(mapped.notice[1])
    for reading in readings:
        assert sum((reading.value is not None, bool(reading.problem), reading.clears)) <= 1


@pytest.mark.parametrize("golden", list(goldens.goldens(MAPPINGS / "examples", SET)), ids=str)
def test_the_explanation_of_each_golden_pair_agrees_with_its_mapping(golden: goldens.Golden) -> None:
    body = json.loads(golden.webhook.read_bytes())

    assert_agrees_with_mapping(explained(SET.get(golden.topic), body, golden.options))


@given(topic=st.sampled_from(SET.topics), body=OBJECTS | st.sampled_from(EXAMPLES), options=OPTIONS)
def test_the_explanation_of_any_webhook_agrees_with_our_mappings(
    topic: str, body: dict[str, Any], options: Options
) -> None:
    assert_agrees_with_mapping(explained(SET.get(topic), body, options))


@given(topic=st.sampled_from(SMALL.topics), overlay=st.sampled_from([None, "outlet"]), body=BODIES, options=OPTIONS)
def test_the_explanation_of_any_webhook_agrees_with_every_kind_of_rule(
    topic: str, overlay: str | None, body: dict[str, Any], options: Options
) -> None:
    assert_agrees_with_mapping(explained(SMALL.get(topic, overlay), body, options))


@pytest.mark.parametrize(
    "person",
    [
        # A blank month is not None, so the date is converted, and its wrong year is noted.
        {"birth_year": "soon", "birth_month": " "},
        {"birth_year": "soon"},
        {"birth_year": "soon", "birth_month": 2, "birth_day": 1},
        {"birth_month": "", "birth_day": None},
        {"ends_at": ""},
        {"ends_at": "0001-01-01 00:00:00 +0200"},
    ],
)
def test_the_explanation_of_rare_values_agrees_with_the_mapping(person: dict[str, Any]) -> None:
    assert_agrees_with_mapping(explained(SMALL.get("a/b"), {"customer": {"email": "ann@example.com", **person}}))


def test_a_value_has_its_path_the_paths_without_a_value_and_its_rule() -> None:
    body = {
        "customer": {"email": "Ann@Example.com", "nickname": None, "first_name": " Ann ", "birth_month": 2},
        "perk": {"credit": "$2,620"},
        "data": [{"score": " "}],
        "score": "7",
    }

    (user, friend) = explained(SMALL.get("a/b"), body).users

    assert (user.fate, user.person, friend.fate, friend.person) == ("sent", ("customer",), "skipped", None)
    by_name = {reading.rule.name: reading for reading in user.readings}
    assert [tuple(alternative) for alternative in by_name["name"].alternatives] == [
        ("", ("customer", "nickname"), "null", None, False),
        ("", ("customer", "first_name"), "value", " Ann ", True),
    ]
    assert (by_name["name"].value, by_name["name"].rule.place) == ("Ann", "groups.yaml:4")
    assert (by_name["credit"].value, by_name["credit"].alternatives[0].raw) == (2620, "$2,620")
    assert [(alternative.state, alternative.counts) for alternative in by_name["score"].alternatives] == [
        ("empty", False),
        ("value", True),
    ]
    assert [(alternative.part, alternative.state) for alternative in by_name["born"].alternatives] == [
        ("year", "absent"),
        ("year", "absent"),
        ("month", "value"),
        ("day", "absent"),
    ]
    assert by_name["born"].problem == "The date has a month or a day, but not both, so it was left out."
    assert by_name["tier"].clears
    assert "code" not in by_name


def test_without_a_person_the_paths_start_at_the_first_path_to_the_person() -> None:
    (user, _) = explained(SMALL.get("a/b"), {}).users

    assert (user.fate, user.person) == ("refused", None)
    assert user.refusal
    assert user.refusal.cause == "person.missing"
    name = next(reading for reading in user.attributes if reading.rule.name == "name")
    assert [alternative.path for alternative in name.alternatives] == [
        ("referrer", "nickname"),
        ("referrer", "first_name"),
    ]
    assert {alternative.state for alternative in name.alternatives} == {"absent"}


def chain(mapping: TopicMapping | None, name: str) -> list[tuple[str, str | None, str]]:
    assert mapping
    rules = []
    rule = next((rule for rule in mapping.users[0].attributes if rule.name == name), None)
    while rule:
        rules.append((rule.place, rule.group, rule_text(rule)))
        rule = rule.overrides
    return rules


def test_a_rule_has_the_rules_that_it_overrides() -> None:
    own = ("a.b.yaml:8", None, "{text: [new_tier.name, tiers.0.name], absent: clear}")
    group = ("groups.yaml:5", "customer", "{text: vip_tier_name}")

    assert chain(SMALL.get("a/b"), "tier") == [own, group]
    assert chain(SMALL.get("a/b", "outlet"), "tier") == [
        ("overlays/outlet/a.b.yaml:5", None, "{text: vip}"),
        own,
        group,
    ]
    assert chain(SMALL.get("a/b", "outlet"), "name") == [
        ("overlays/outlet/groups.yaml:1", "customer", "{text: first_name}"),
        ("groups.yaml:4", "customer", "{text: [nickname, first_name]}"),
    ]
    assert chain(SMALL.get("a/b"), "born") == [
        (
            "groups.yaml:7",
            "customer",
            "{date: {year: [birth_year, birthday_year], month: birth_month, day: birth_day}, empty: clear}",
        )
    ]


def test_omissions_are_found_with_the_rules_that_they_remove() -> None:
    assert [
        (rule.name, rule.place, rule.overrides and rule.overrides.place) for rule in omissions(SMALL, "a/b", None)
    ] == [("code", "a.b.yaml:17", "groups.yaml:10")]
    # Once for each of the two users.
    assert {(rule.name, rule.place) for rule in omissions(SMALL, "a/b", "outlet")} == {
        ("link", "overlays/outlet/groups.yaml:1"),
        ("code", "a.b.yaml:17"),
    }
    assert omissions(SMALL, "a/notice", "outlet") == ()


def test_a_rule_is_written_in_the_syntax_of_mapping_files() -> None:
    rules = [rule for mapping in SET.by_topic.values() for user in mapping.users for rule in user.attributes]
    lines = "".join(f"    {rule.name}: {rule_text(rule)}\n" for rule in {rule.name: rule for rule in rules}.values())
    document = documents.read("groups.yaml", f"group:\n  attributes:\n{lines}".encode(), Problems())
    assert document

    read = read_groups(document)

    assert read
    assert read["group"].attributes == {rule.name: rule.source for rule in rules}
