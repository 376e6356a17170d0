"""The simulator of Insider: what it takes, refuses, keeps and forgets of users.

A real process, asked over real HTTP; no doubles. Requests as a whole are in test_sandbox_insider_faults.py.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

UPSERT = "/api/user/v1/upsert"
PARTNER = {"X-PARTNER-NAME": "shop", "X-REQUEST-TOKEN": "secret"}


class Simulator:
    def __init__(self, url: str, session: requests.Session) -> None:
        self.url = url
        self.session = session
        self.defaults = self.ask("settings")

    def cleared(self) -> "Simulator":
        self.tell("settings", self.defaults)
        self.tell("reset")
        return self

    def call(self, path: str, body: Any, method: str = "POST", **headers: str) -> requests.Response:
        return self.session.request(method, self.url + path, json=body, headers=PARTNER | headers, timeout=10)

    def upsert(self, *users: Any, **top: Any) -> dict[str, Any]:
        answer = self.call(UPSERT, {"users": users, **top})
        assert answer.status_code == 200
        data: dict[str, Any] = answer.json()["data"]
        return data

    def ask(self, path: str, **wanted: Any) -> Any:
        answer = self.session.get(f"{self.url}/_sandbox/{path}", params=wanted, timeout=10)
        assert answer.status_code == 200
        return answer.json()

    def tell(self, path: str, body: Any = None, method: str = "POST") -> Any:
        answer = self.session.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def switch(self, **switches: Any) -> None:
        self.tell("settings", switches)

    def user(self, email: str = "ann@example.com") -> dict[str, Any]:
        (user,) = self.ask("users", email=email)
        return dict(user)


@contextmanager
def running(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "connector.sandbox.insider", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().removeprefix("insider sandbox listening on ").strip(), process
        finally:
            process.kill()


@contextmanager
def simulator(*arguments: str) -> Iterator[Simulator]:
    with running(*arguments) as (url, _), requests.Session() as session:
        yield Simulator(url, session)


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with simulator() as running_simulator:
        yield running_simulator


@pytest.fixture
def insider(started: Simulator) -> Simulator:
    return started.cleared()


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def person(email: str = "ann@example.com", **parts: Any) -> dict[str, Any]:
    return {"identifiers": {"email": email}, "attributes": {"name": "Ann"}} | parts


def event(name: str = "tier_earned", timestamp: str | None = None, **params: Any) -> dict[str, Any]:
    return {"event_name": name, "timestamp": timestamp or ago(days=1), "event_params": params}


def custom(**values: Any) -> dict[str, Any]:
    return person(attributes={"custom": values})


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


ANN, PHONE = {"email": "ann@example.com"}, {"phone_number": "+14155550100"}


def known(identifiers: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"identifiers": identifiers, "attributes": attributes}


def test_any_identifier_leads_to_the_profile(insider: Simulator) -> None:
    insider.upsert(known(ANN | PHONE, name="Ann"), known({"pn": PHONE["phone_number"], "custom": {"id": "7"}}, age=40))
    insider.upsert(known({"custom": {"id": "7"}}, city="Bonn"))

    (user,) = insider.ask("users")
    assert user["attributes"] == {"name": "Ann", "age": 40, "city": "Bonn"}
    assert user["identifiers"] == ANN | PHONE | {"custom": {"id": "7"}}


def test_an_insider_id_leads_to_its_profile(insider: Simulator) -> None:
    insider.upsert(person())
    insider.upsert({"insider_id": insider.user()["insider_id"], "attributes": {"age": 40}})

    assert insider.user()["attributes"] == {"name": "Ann", "age": 40}


def test_emails_are_compared_exactly_as_sent(insider: Simulator) -> None:
    insider.upsert(person("Ann@example.com"), person("ann@example.com"))

    assert insider.ask("stats")["profiles"]["total"] == 2


def test_profiles_that_turn_out_to_be_one_are_merged_into_the_older(insider: Simulator) -> None:
    same = event()
    insider.upsert(known(PHONE, name="Old", age=40) | {"events": [same]}, known(ANN, name="New") | {"events": [same]})
    older = insider.ask("users")[0]["insider_id"]
    insider.upsert(known(ANN | PHONE, city="Bonn"))

    (user,) = insider.ask("users")
    assert user["insider_id"] == older
    assert user["identifiers"] == ANN | PHONE
    assert user["attributes"] == {"name": "New", "age": 40, "city": "Bonn"}
    assert [each["transmissions"] for each in user["events"]] == [2]


def test_profiles_with_different_emails_stay_apart_and_keep_their_identifiers(insider: Simulator) -> None:
    bea = {"email": "bea@example.com"}
    insider.upsert(known(ANN, name="Ann"), known(bea | PHONE, name="Bea"))
    insider.upsert(known(ANN | PHONE, city="Bonn"))

    first, second = insider.ask("users")
    assert (first["identifiers"], first["attributes"]) == (ANN, {"name": "Ann", "city": "Bonn"})
    assert (second["identifiers"], second["attributes"]) == (bea | PHONE, {"name": "Bea"})
    assert insider.ask("stats")["profiles"]["merges_refused"] == 1


def test_an_upsert_never_changes_an_identifier(insider: Simulator) -> None:
    insider.upsert(known(ANN | PHONE, name="Ann"))
    insider.upsert(known(PHONE | {"email": "new@example.com"}, age=40))

    (user,) = insider.ask("users")
    assert (user["identifiers"], user["attributes"]) == (ANN | PHONE, {"name": "Ann", "age": 40})


def test_identifiers_that_are_not_enabled_do_not_identify(insider: Simulator) -> None:
    insider.switch(identifiers=["email"])
    insider.upsert(known(ANN | PHONE, name="Ann"))
    answer = insider.call(UPSERT, {"users": [person("bea@example.com"), known(PHONE, name="Cid")]})

    assert (answer.status_code, answer.json()) == (400, {"error": "no valid identifier: bad request"})
    assert [user["identifiers"] for user in insider.ask("users")] == [ANN]


IDENTITY = "/api/user/v1/identity"
NO_SUCH_USER = {"error": "no such user for these identifiers: no data"}


@pytest.mark.parametrize(
    ("old", "new", "status", "error"),
    [
        (ANN, {"email": "new@example.com"}, 200, None),
        (ANN, ANN, 400, "identifier values are the same: bad request"),
        (ANN, PHONE, 400, "there must be exactly 1 entry for both new and old identifiers: bad request"),
        (ANN, {"email": "bea@example.com"}, 400, "new identifier already has a user assigned to it: bad request"),
        (ANN, {"email": "nobody"}, 400, "not a valid email address: nobody"),
        ({"email": "x@example.com"}, {"email": "y@example.com"}, 404, NO_SUCH_USER["error"]),
    ],
)
def test_an_identifier_is_changed(insider: Simulator, old: Any, new: Any, status: int, error: str | None) -> None:
    insider.upsert(person(), person("bea@example.com"))
    answer = insider.call(IDENTITY, {"old_identifier": old, "new_identifier": new}, "PATCH")

    assert (answer.status_code, answer.json()) == (status, {"error": error} if error else {})
    assert insider.ask("users")[0]["identifiers"] == (ANN if error else new)


def test_an_identifier_is_deleted_unless_it_is_the_last(insider: Simulator) -> None:
    insider.upsert(known(ANN | PHONE, name="Ann"))
    first = insider.call(IDENTITY, {"identifiers": PHONE}, "DELETE")
    second = insider.call(IDENTITY, {"identifiers": ANN}, "DELETE")

    assert first.status_code == 200
    assert second.json() == {"error": "you cannot delete the sole identifier specified for a user: bad request"}
    assert insider.user()["identifiers"] == ANN


def test_attributes_are_deleted_whole_or_in_part(insider: Simulator) -> None:
    insider.upsert(person(attributes={"name": "Ann", "age": 40, "custom": {"a": 1, "tags": ["x", "y"]}}))
    wanted = {"identifiers": ANN, "whole": ["name"], "custom": {"whole": ["a"], "partial": {"tags": ["x"]}}}
    answer = insider.call("/api/user/v1/attribute/delete", {"users": [wanted, {"identifiers": PHONE}]}).json()["data"]

    assert (answer["successful"], answer["fail"]["count"]) == ({"count": 1}, 1)
    assert (insider.user()["attributes"], insider.user()["custom"]) == ({"age": 40}, {"tags": ["y"]})


def test_a_user_is_deleted_and_may_come_back_new(insider: Simulator) -> None:
    insider.upsert(person(attributes={"age": 40}))
    answer = insider.call("/api/user/v1/delete", {"identifiers": ANN})
    insider.upsert(person())

    assert (answer.status_code, answer.json()) == (200, {})
    assert insider.user()["attributes"] == {"name": "Ann"}


def test_personal_data_is_deleted(insider: Simulator) -> None:
    insider.upsert(known(ANN | {"uuid": "7"}, name="Ann", language="en_US"))
    answer = insider.call("/api/user/v1/anonymize", {"identifiers": ANN})
    missing = insider.call("/api/user/v1/anonymize", {"identifiers": ANN})

    (user,) = insider.ask("users")
    assert answer.status_code == 200
    assert (user["identifiers"], user["attributes"]) == ({"uuid": "7"}, {"language": "en_US"})
    assert (missing.status_code, missing.json()) == (404, NO_SUCH_USER)


def test_a_profile_is_read_with_prefixed_custom_names(insider: Simulator) -> None:
    old, new = event(timestamp="2026-01-01T00:00:00Z"), event(timestamp="2026-01-03T00:00:00Z", custom={"points": 5})
    insider.switch(retention=False)
    insider.upsert(custom(points=1) | {"events": [old, new]})
    days = {"start_date": 1767312000, "end_date": 1767484800}
    wanted = [{"event_name": "tier_earned", "params": ["timestamp", "c_points"]}]
    asked = {"attributes": ["email", "c_points", "points"], "events": days | {"wanted": wanted}, "quota": True}
    answer = insider.call("/api/user/v1/profile", {"identifiers": ANN} | asked)

    at = "2026-01-03T00:00:00Z"
    assert answer.json() == {
        "attributes": {"email": "ann@example.com", "c_points": 1},
        "events": {"tier_earned": [{"timestamp": at, "c_points": 5, "created_date": at}]},
        "quota": {"cost": 2.5, "used": 2.5, "total": 1000.0},
    }
