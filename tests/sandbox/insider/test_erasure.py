"""The simulator of Insider: deleting attributes of many users, which the connector calls clearing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.sandbox.simulators import Simulator, person, simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

DELETE = "/api/user/v1/attribute/delete"
ANN, PHONE = {"email": "ann@example.com"}, {"phone_number": "+14155550100"}


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with simulator() as running_simulator:
        yield running_simulator


@pytest.fixture
def insider(started: Simulator) -> Simulator:
    return started.cleared()


def known(identifiers: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"identifiers": identifiers, "attributes": attributes}


def test_attributes_are_deleted_whole_or_in_part(insider: Simulator) -> None:
    insider.upsert(person(attributes={"name": "Ann", "age": 40, "custom": {"a": 1, "tags": ["x", "y"]}}))
    wanted = {"identifiers": ANN, "whole": ["name"], "custom": {"whole": ["a"], "partial": {"tags": ["x"]}}}
    answer = insider.call(DELETE, {"users": [wanted, {"identifiers": PHONE}]}).json()["data"]

    assert (answer["successful"], answer["fail"]["count"]) == ({"count": 1}, 1)
    assert (insider.user()["attributes"], insider.user()["custom"]) == ({"age": 40}, {"tags": ["y"]})


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"whole": ["age", "email"]}, "whole.email"),
        ({"partial": {"email": ["ann@example.com"]}, "whole": ["age"]}, "partial.email"),
        ({"whole": ["age"], "custom": {"whole": ["shopify_id"]}}, "custom.whole.shopify_id"),
    ],
)
def test_what_serves_as_an_identifier_cannot_be_deleted(insider: Simulator, wanted: Any, path: str) -> None:
    identifiers = ANN | {"custom": {"shopify_id": "7"}}
    insider.upsert(known(identifiers, age=40), known(PHONE, age=41))
    users = [{"identifiers": ANN} | wanted, {"identifiers": PHONE, "whole": ["age"]}]
    answer = insider.call(DELETE, {"users": users}).json()["data"]

    message = f"{path.rpartition('.')[2]} is an identifier and cannot be deleted"
    assert answer["fail"] == {"count": 1, "errors": {f"users.0.{path}.identifier": [message]}}
    assert answer["successful"] == {"count": 1}
    ann, other = insider.ask("users")
    # A user with any failure is not changed.
    assert (ann["identifiers"], ann["attributes"], other["attributes"]) == (identifiers, {"age": 40}, {})


def test_what_only_looks_like_an_identifier_can_be_deleted(insider: Simulator) -> None:
    insider.upsert(known(ANN, phone_number=PHONE["phone_number"], custom={"email": "own@example.com"}))
    wanted = {"identifiers": ANN, "whole": ["phone_number"], "custom": {"whole": ["email"]}}
    answer = insider.call(DELETE, {"users": [wanted]}).json()["data"]

    assert answer == {"successful": {"count": 1}, "fail": {}}
    assert (insider.user()["attributes"], insider.user()["custom"]) == ({}, {})


def test_a_name_is_deleted_only_where_it_stands(insider: Simulator) -> None:
    insider.upsert(known(ANN, age=40, custom={"tier": "Gold"}))
    wanted = {"identifiers": ANN, "whole": ["tier"], "custom": {"whole": ["age"]}}
    answer = insider.call(DELETE, {"users": [wanted]}).json()["data"]

    assert answer["successful"] == {"count": 1}
    assert (insider.user()["attributes"], insider.user()["custom"]) == ({"age": 40}, {"tier": "Gold"})


@pytest.mark.parametrize(
    ("user", "rule"),
    [
        ({"whole": ["age"]}, "identifiers.required"),
        ({"identifiers": {"email": "nobody"}, "whole": ["age"]}, r"identifiers.*.regexp(^.+@.+\..+$)"),
        ({"identifiers": {"email": "bea@example.com"}, "whole": ["age"]}, "identifiers.exists"),
        ("ann", "type(object)"),
    ],
)
def test_of_whom_nothing_can_be_deleted_is_refused_alone(insider: Simulator, user: Any, rule: str) -> None:
    insider.upsert(known(ANN, age=40))
    answer = insider.call(DELETE, {"users": [user, {"identifiers": ANN, "whole": ["age"]}]}).json()["data"]

    assert answer["successful"] == {"count": 1}
    assert f"users.0.{rule}" in answer["fail"]["errors"]
    assert insider.user()["attributes"] == {}


def test_deletions_of_attributes_have_the_limits_of_upserts(insider: Simulator) -> None:
    users = [{"identifiers": {"email": f"u{place}@example.com"}, "whole": ["name"]} for place in range(1001)]
    answers = [insider.call(DELETE, {"users": sent}) for sent in (users, users[:1000], [])]

    assert [answer.status_code for answer in answers] == [400, 200, 400]
    assert answers[2].json() == {"error": "users must be defined: bad request"}


def test_faults_hit_the_deletion_of_attributes_alone_and_the_log_shows_it(insider: Simulator) -> None:
    users = [person("a@example.com"), person("b@example.com")]
    wanted = [{"identifiers": user["identifiers"], "whole": ["name"]} for user in users]
    for fault in (
        {"kind": "429"},
        {"kind": "cut_after"},
        {"kind": "fail_users", "emails": ["a@example.com"], "error": "whole.0.type", "message": "no"},
        {"kind": "unattributed_fail", "count": 1, "message": "no"},
    ):
        insider.tell("faults", fault | {"path": DELETE, "times": 1})
        insider.upsert(*users)
        with contextlib.suppress(requests.ConnectionError):
            insider.call(DELETE, {"users": wanted})

    limited, cut, named, unnamed = (entry for entry in insider.ask("requests", full=1) if entry["path"] == DELETE)
    assert (limited["status"], cut["status"], cut["fault"]) == (429, None, "cut_after")
    assert named["answer"]["data"]["fail"] == {"count": 1, "errors": {"users.0.whole.0.type": ["no"]}}
    assert unnamed["answer"]["data"] == {
        "successful": {"count": 1},
        "fail": {"count": 1, "errors": {"users": ["no"]}},
    }
    assert (unnamed["users"], unnamed["body"]) == (2, {"users": wanted})
    # In the last request, the first user was accepted.
    assert [user["attributes"] for user in insider.ask("users")] == [{}, {"name": "Ann"}]
