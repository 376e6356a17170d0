"""The simulator of Insider: which users it accepts, refuses and keeps.

A real process, asked over real HTTP; no doubles. Requests as a whole are in test_faults.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.simulators import UPSERT, Simulator, ago, custom, event, person, simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with simulator() as running_simulator:
        yield running_simulator


@pytest.fixture
def insider(started: Simulator) -> Simulator:
    return started.cleared()


def test_a_user_is_stored_as_sent(insider: Simulator) -> None:
    identifiers = {"email": "ann@example.com", "phone_number": "+14155550100", "custom": {"shopify_id": "77"}}
    own = {"points": 12.5, "tier": "Gold", "vip": False, "tags": ["a", "b"], "since": "2020-01-01T00:00:00+02:00"}
    attributes = {"name": "Ann", "birthday": "1990-05-04T00:00:00Z", "email_optin": True}
    happened = event(currency="EUR", custom={"yotpo_points": 20})

    answer = insider.upsert(
        {"identifiers": identifiers, "attributes": attributes | {"custom": own}, "events": [happened]}
    )

    assert answer == {"successful": {"count": 1}, "fail": {}}
    user = insider.user()
    (stored,) = user["events"]
    assert (user["partner"], user["identifiers"]) == ("shop", identifiers)
    assert (user["attributes"], user["custom"]) == (attributes, own)
    assert {name: stored[name] for name in happened} == happened
    assert stored["transmissions"] == 1
    assert stored["received_at"] == pytest.approx(time.time(), abs=10)


EMAIL_RULE = r"identifiers.*.regexp(^.+@.+\..+$)"
PHONE_RULE = r"identifiers.*.regexp(^\+[1-9]\d{6,14}$)"
NAME_RULE = "event_name.*.regexp(^[a-z0-9][a-zA-Z0-9._-]*$)"
NO_IDENTIFIERS = ["either insider_id or idenifiers must be specified"]
NAMES = ["key must be one of phone_number(pn), email(em) or uuid"]
LACKING: dict[str, Any] = {"unit_sale_price": 5, "currency": "EUR"}


@pytest.mark.parametrize(
    ("user", "errors"),
    [
        (
            {"attributes": {"name": "A"}},
            {"identifiers.required": NO_IDENTIFIERS, "insider_id.required": NO_IDENTIFIERS},
        ),
        (person(identifiers={}), {"identifiers.required": NO_IDENTIFIERS, "insider_id.required": NO_IDENTIFIERS}),
        (person("ann"), {EMAIL_RULE: ["not a valid email address: ann"]}),
        (person(identifiers={"pn": "0415"}), {PHONE_RULE: ["user has an invalid phone number: 0415"]}),
        (
            person(identifiers={"phone_number": "+0415555010"}),
            {PHONE_RULE: ["user has an invalid phone number: +0415555010"]},
        ),
        (person(identifiers={"uuid": 12345}), {"identifiers.*.type(string)": ["uuid must be string: 12345"]}),
        (person(identifiers={"shopify_id": "7"}), {"identifiers.*.in(defaults_column)": NAMES}),
        (person(attributes={}), {"attributes.required": ["at least one attribute must be specified"]}),
        (person(attributes={"custom": {}}), {"attributes.required": ["at least one attribute must be specified"]}),
        (person(events=[event("Tier")]), {f"events.0.{NAME_RULE}": ["invalid event name: Tier"]}),
        (person(events=[event("homepageView")]), {f"events.0.{NAME_RULE}": ["invalid event name: homepageView"]}),
        (person(events=[event(), event("a b")]), {f"events.1.{NAME_RULE}": ["invalid event name: a b"]}),
        (
            person(events=[event("purchase", **LACKING)]),
            {
                "events.0.event_params.*.required": [
                    "event_group_id parameter is required on purchase event",
                    "quantity parameter is required on purchase event",
                ]
            },
        ),
        (
            person(events=[event("cart_page_view", **LACKING)]),
            {"events.0.event_params.*.required": ["event_group_id parameter is required on cart_page_view event"]},
        ),
        (
            person(events=[event(timestamp="2026-01-01 10:00:00")]),
            {"events.0.timestamp.rfc3339": ["timestamp must be in RFC 3339 format: 2026-01-01 10:00:00"]},
        ),
    ],
)
def test_a_user_with_a_failure_is_refused_alone(insider: Simulator, user: Any, errors: dict[str, list[str]]) -> None:
    answer = insider.upsert(person("before@example.com"), user, person("after@example.com"))

    expected = {f"users.1.{rule}": messages for rule, messages in errors.items()}
    assert answer == {"successful": {"count": 2}, "fail": {"count": 1, "errors": expected}}
    stored = [each["identifiers"]["email"] for each in insider.ask("users")]
    assert stored == ["before@example.com", "after@example.com"]


def test_a_user_needs_attributes_or_events(insider: Simulator) -> None:
    answer = insider.upsert({"identifiers": {"email": "ann@example.com"}, "events": []})

    assert answer["successful"] == {}
    assert set(answer["fail"]["errors"]) == {"users.0.attributes.required", "users.0.events.required"}


@pytest.mark.parametrize(
    ("at_user", "at_top", "expected"),
    [
        ({}, {}, ["a", "b", "c"]),
        ({"not_append": True}, {}, ["c", "a"]),
        ({"append": False}, {}, ["c", "a"]),
        ({"append": True, "not_append": True}, {}, ["a", "b", "c"]),
        ({}, {"not_append": True}, ["c", "a"]),
        ({"append": True}, {"not_append": True}, ["a", "b", "c"]),
    ],
)
def test_arrays_are_added_to_or_overwritten(
    insider: Simulator, at_user: dict[str, bool], at_top: dict[str, bool], expected: list[str]
) -> None:
    insider.upsert(custom(tags=["a", "b"], tier="Gold"))
    insider.upsert(custom(tags=["c", "a"], tier="Silver") | at_user, **at_top)

    assert insider.user()["custom"] == {"tags": expected, "tier": "Silver"}


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"birthday": "1990-05-04"}, "type"),
        ({"birthday": "1990-05-04T00:00:00+00:00"}, "type"),
        ({"birthday": "1990-02-30T00:00:00Z"}, "type"),
        ({"email_optin": "true"}, "type"),
        ({"age": "40"}, "type"),
        ({"age": True}, "type"),
        ({"language": "en-US"}, "type"),
        ({"country": "Germany"}, "type"),
        ({"static_segment_id": ["1"]}, "type"),
        ({"surname": None}, "null"),
        ({"yotpo_points": 5}, "misplaced"),
    ],
)
def test_what_does_not_fit_at_the_root_is_left_out_silently(
    insider: Simulator, attributes: dict[str, Any], reason: str
) -> None:
    answer = insider.upsert(person(attributes={"name": "Ann"} | attributes))

    assert answer["successful"] == {"count": 1}
    assert insider.user()["attributes"] == {"name": "Ann"}
    assert insider.ask("stats")["dropped"] == {reason: {next(iter(attributes)): 1}}


@pytest.mark.parametrize(
    ("mismatch", "stored"), [("drop", {"points": 1}), ("create", {"points": "2"}), ("fail", {"points": 1})]
)
def test_the_first_value_declares_a_custom_attribute(insider: Simulator, mismatch: str, stored: dict[str, Any]) -> None:
    insider.switch(mismatch=mismatch)
    insider.upsert(custom(points=1))
    answer = insider.upsert(custom(points="2"))

    assert insider.user()["custom"] == stored
    errors = {"users.0.attributes.custom.points.type": ["points must be number"]}
    assert answer["fail"] == ({"count": 1, "errors": errors} if mismatch == "fail" else {})


def test_a_panel_keeps_only_what_it_declares(insider: Simulator) -> None:
    insider.switch(panel={"points": "number", "ends": "datetime", "tags": "string_array"})
    insider.upsert(custom(points=1, ends="2026-01-01T00:00:00Z", tags=[], vip=True))
    insider.upsert(custom(ends="tomorrow"))

    assert insider.user()["custom"] == {"points": 1, "ends": "2026-01-01T00:00:00Z", "tags": []}
    assert insider.ask("stats")["dropped"] == {"unknown": {"custom.vip": 1}, "type": {"custom.ends": 1}}


def test_null_and_nested_values_are_left_out(insider: Simulator) -> None:
    insider.upsert(custom(points=1))
    insider.upsert(custom(points=None, address={"city": "Bonn"}, lines=[{"sku": 1}], mixed=[1, "a"], none=[]))

    assert insider.user()["custom"] == {"points": 1}
    dropped = insider.ask("stats")["dropped"]
    assert dropped["null"] == {"custom.points": 1}
    assert set(dropped["nested"]) == {"custom.address", "custom.lines", "custom.mixed"}
    assert set(dropped["empty"]) == {"custom.none"}


def test_a_refused_user_leaves_no_trace(insider: Simulator) -> None:
    insider.switch(strict_null=True)
    answer = insider.upsert(custom(fresh=1, points=None) | {"events": [event(currency=None)]})

    assert answer["fail"]["errors"] == {
        "users.0.attributes.custom.points.null": ["points must not be null"],
        "users.0.events.*.event_params.currency.null": ["currency must not be null"],
    }
    assert insider.ask("users") == []
    assert insider.ask("stats")["declared"]["shop"]["attributes"] == {}


def test_eighty_names_are_the_budget_of_attributes_and_of_params(insider: Simulator) -> None:
    names = [f"n{place}" for place in range(81)]
    insider.upsert(custom(**dict.fromkeys(names, 1)) | {"events": [event(custom=dict.fromkeys(names, "x"))]})

    user = insider.user()
    assert list(user["custom"]) == names[:80]
    assert list(user["events"][0]["event_params"]["custom"]) == names[:80]
    assert insider.ask("stats")["dropped"] == {"budget": {"custom.n80": 1, "event_params.custom.n80": 1}}


def test_default_params_have_their_types(insider: Simulator) -> None:
    insider.upsert(person(events=[event(quantity=1.5, shipping_cost=3, currency="EUR", taxonomy="a", points=1)]))

    assert insider.user()["events"][0]["event_params"] == {"currency": "EUR"}
    assert insider.ask("stats")["dropped"] == {
        "type": {"event_params.quantity": 1, "event_params.shipping_cost": 1, "event_params.taxonomy": 1},
        "misplaced": {"event_params.points": 1},
    }


def test_an_identical_event_is_stored_once(insider: Simulator) -> None:
    at, other = ago(days=1), ago(days=2)
    for sent in (event(timestamp=at, custom={"a": 1, "b": 2}), event(timestamp=at, custom={"b": 2, "a": 1})):
        insider.upsert(person(events=[sent]))
    insider.upsert(person(events=[event(timestamp=at, custom={"a": 1, "b": 3}), event(timestamp=other)]))

    assert [each["transmissions"] for each in insider.user()["events"]] == [2, 1, 1]
    assert insider.ask("stats")["events"] == {"stored": 3, "duplicate": 1, "too_old": 0}


@pytest.mark.parametrize(
    ("name", "days", "stored"),
    [("own", 89, True), ("own", 91, False), ("own", -30, True), ("sign_up", 364, True), ("sign_up", 366, False)],
)
def test_an_event_older_than_its_retention_is_not_stored(
    insider: Simulator, name: str, days: int, *, stored: bool
) -> None:
    answer = insider.upsert(person(events=[event(name, ago(days=days))]))

    assert answer["successful"] == {"count": 1}
    assert bool(insider.user()["events"]) is stored
    assert insider.ask("stats")["events"]["too_old"] == (not stored)


def test_retention_and_strict_names_can_be_switched_off(insider: Simulator) -> None:
    insider.switch(retention=False, strict_event_names=False)
    insider.upsert(person(events=[event("tierEarned", "2016-01-01T00:00:00+03:00")]))

    assert [each["event_name"] for each in insider.user()["events"]] == ["tierEarned"]


def test_partners_do_not_share_profiles(insider: Simulator) -> None:
    insider.upsert(person())
    insider.call(UPSERT, {"users": [person(attributes={"name": "Bea"})]}, **{"X-PARTNER-NAME": "other"})

    names = {user["partner"]: user["attributes"]["name"] for user in insider.ask("users")}
    assert names == {"shop": "Ann", "other": "Bea"}
    assert [user["partner"] for user in insider.ask("users", partner="other")] == ["other"]


def test_profiles_are_paged_in_the_order_of_their_birth_without_their_events(insider: Simulator) -> None:
    insider.upsert(*(person(f"ann.{number}@example.com", events=[event()]) for number in range(5)))
    first = insider.ask("profiles", partner="shop", limit=3)
    second = insider.ask("profiles", partner="shop", limit=3, after=first[-1]["born"])

    emails = [each["identifiers"]["email"] for each in first + second]
    assert emails == [f"ann.{number}@example.com" for number in range(5)]
    assert not any("events" in each for each in first)
    assert insider.ask("profiles", partner="shop", after=second[-1]["born"]) == []


def test_many_identifiers_are_looked_up_at_once(insider: Simulator) -> None:
    phone = {"phone_number": "+14155550100"}
    insider.upsert(person("ann@example.com"), person(identifiers=phone))
    wanted = [{"email": "nobody@example.com"}, {"email": "ann@example.com"} | phone, {}]
    found = insider.tell("profiles", {"partner": "shop", "identifiers": wanted})

    assert [len(each) for each in found] == [0, 2, 0]
    assert found[1][0]["attributes"] == {"name": "Ann"}
