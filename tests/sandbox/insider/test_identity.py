"""The simulator of Insider: how profiles are found, merged, changed, forgotten and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.simulators import UPSERT, Simulator, custom, event, person, simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with simulator() as running_simulator:
        yield running_simulator


@pytest.fixture
def insider(started: Simulator) -> Simulator:
    return started.cleared()


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
