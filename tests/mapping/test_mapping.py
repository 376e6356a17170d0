"""The engine: the result of mapping a webhook, with small mappings, and with all of ours and random webhooks."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mapping import MappingSet, TopicMapping, load
from connector.mapping.types.identities import IDENTITIES
from connector.mapping.types.lookup import at
from connector.mapping.types.rules import ALWAYS, TYPES
from connector.mapping.types.values import Parts, UnfitError, date_of_parts
from connector.model import Mapped, Options, UserUpdate, Value
from connector.workshop import goldens
from tests import MAPPINGS
from tests.mapping.distortions import ANYTHING, OBJECTS, OCCURRED_AT, OPTIONS
from tests.mapping.shipped import SET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from connector.mapping.running.compiling import Rule
    from connector.model import Json

    Small = Callable[..., TopicMapping]


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


def test_only_a_value_that_does_not_fit_is_left_out_and_the_note_does_not_contain_it(small: Small) -> None:
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


def test_a_user_without_attributes_and_events_is_skipped(small: Small) -> None:
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


# Random webhooks: the paths of a mapping lead to any value that JSON can have, and to some that it cannot.


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


@given(topic=st.sampled_from(SET.topics), body=OBJECTS, options=OPTIONS)
def test_every_value_is_what_one_of_the_paths_of_its_own_rule_holds(
    topic: str, body: dict[str, Any], options: Options
) -> None:
    mapping = SET.by_topic[topic]
    mapped = mapping.apply(body, OCCURRED_AT, options)

    derived = {(section, name): values for section, name, values in derivable(mapping, body, options)}
    for update in (*mapped.updates, *(update for update, _ in mapped.refused)):
        for section, found in (("identifiers", update.identifiers), ("attributes", update.attributes)):
            assert all(is_among(value, derived[section, name]) for name, value in found.items())
        for event in update.events:
            assert event.timestamp == "2026-01-01T12:00:00Z"
            assert all(is_among(value, derived[event.name, name]) for name, value in event.params.items())
    if mapped.notice:
        assert all(is_among(value, derived["details", name]) for name, value in mapped.notice[1].items())


def is_among(value: Any, values: list[Any]) -> bool:
    """Whether a value is one of these, by type too: True equals 1 in Python."""
    return any(type(other) is type(value) and other == value for other in values)


def derivable(mapping: TopicMapping, body: Json, options: Options) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield for each rule the converted value of each of its paths; for a constant, the constant."""
    found: dict[tuple[str, str], list[Any]] = {}
    for user in mapping.users:
        person = user.person_of(body) or {}
        sections = [("identifiers", user.identifiers), ("attributes", user.attributes)]
        for section, rules in [*sections, *((event.name, event.params) for event in user.events)]:
            for rule in rules:
                values = conversions(rule, person if rule.from_person else body, options)
                found.setdefault((section, rule.name), []).extend(values)
    for rule in mapping.notice.details if mapping.notice else ():
        found["details", rule.name] = conversions(rule, body, options)
    yield from ((section, name, values) for (section, name), values in found.items())


def conversions(rule: Rule, root: Json, options: Options) -> list[Any]:
    source = rule.source
    if source.type == ALWAYS:
        return [source.constant]
    if source.parts:
        years, months, days = ([None, *(at(root, path) for path in paths)] for paths in source.parts)
        triples = itertools.product(years, months, days)
        return [fitting(date_of_parts, Parts(*triple, options.standin_year)) for triple in triples]
    raws = [at(root, path) for path in source.paths]
    if source.type in IDENTITIES:
        with_region = source.type == "phone_number"
        return [fitting(IDENTITIES[source.type], (raw, options.phone_region) if with_region else raw) for raw in raws]
    return [fitting(TYPES[source.type].convert, raw) for raw in raws]


def fitting(become: Callable[[Any], Any], raw: Any) -> Any:
    try:
        return become(raw)
    except UnfitError:
        return None


@given(topic=st.sampled_from(SET.topics), body=OBJECTS, options=OPTIONS)
def test_what_no_rule_reads_changes_nothing(topic: str, body: dict[str, Any], options: Options) -> None:
    mapping = SET.by_topic[topic]
    tree = read_paths(mapping)

    assert mapping.apply(pruned(body, tree), OCCURRED_AT, options) == mapping.apply(body, OCCURRED_AT, options)


def read_paths(mapping: TopicMapping) -> dict[str, Any]:
    """Return the paths that a mapping reads from the top of the webhook, as a tree.

    The node where a path ends contains the key `WHOLE`.
    """
    tree: dict[str, Any] = {}
    for user in mapping.users:
        rules = [*user.identifiers, *user.attributes, *(param for event in user.events for param in event.params)]
        for rule in rules:
            for start in (user.person or ((),)) if rule.from_person else ((),):
                for path in rule.source.all_paths:
                    plant(tree, (*start, *path))
        for path in user.person:
            plant(tree, path, whole=False)
    for rule in mapping.notice.details if mapping.notice else ():
        for path in rule.source.all_paths:
            plant(tree, path)
    return tree


def plant(tree: dict[str, Any], path: tuple[str, ...], *, whole: bool = True) -> None:
    for step in path:
        tree = tree.setdefault(step, {})
    if whole:
        tree[WHOLE] = {}


#: Not a step of any path.
WHOLE = "the whole of it"


def pruned(value: Any, tree: dict[str, Any]) -> Any:
    """Return only the parts of a webhook that the tree leads to."""
    if WHOLE in tree:
        return value
    if isinstance(value, dict):
        return {key: pruned(inner, tree[key]) for key, inner in value.items() if key in tree}
    if isinstance(value, list):
        return [pruned(inner, tree.get(str(number), {})) for number, inner in enumerate(value)]
    return value if not isinstance(value, str) else "x"


@given(topic=st.sampled_from(SET.topics), first=OBJECTS, second=OBJECTS, options=OPTIONS)
def test_no_value_of_one_webhook_gets_into_the_result_of_another(
    topic: str, first: dict[str, Any], second: dict[str, Any], options: Options
) -> None:
    mapping = SET.by_topic[topic]
    before = mapping.apply(first, OCCURRED_AT, options)
    mapping.apply(second, OCCURRED_AT, options)

    assert mapping.apply(first, OCCURRED_AT, options) == before


@given(body=st.dictionaries(st.text(max_size=8), ANYTHING, max_size=5))
def test_json_without_known_paths_yields_only_constants(body: dict[str, Any]) -> None:
    body = {f"_{key}": value for key, value in body.items()}

    for mapping in SET.by_topic.values():
        mapped = mapping.apply(body, OCCURRED_AT, Options())
        assert not mapped.updates
        for update, refusal in mapped.refused:
            assert refusal.cause in {"person.missing", "identifier.missing"}
            assert not update.identifiers
            assert all(type(value) is bool for value in update.attributes.values())
            assert not any(event.params for event in update.events)


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
