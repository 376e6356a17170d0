"""The wire format: what an update looks like in an upsert, and what a response says about each user."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.insider import wire
from connector.insider.wire import Failure, Verdict
from connector.model import UserEvent, UserUpdate, Value
from tests import EXAMPLES

NOW = "2026-01-01T12:00:00Z"


def encoded(update: UserUpdate) -> Any:
    return json.loads(wire.encode_user(update))


def test_default_attributes_stand_at_the_root_and_all_others_under_custom() -> None:
    attributes: dict[str, Value] = {
        "name": "Ann",
        "birthday": "1990-05-04T00:00:00Z",
        "yotpo_point_balance": 0,
        "email_optin": False,
    }
    update = UserUpdate(identifiers={"email": "a@example.com", "uuid": "7"}, attributes=attributes)

    assert encoded(update) == {
        "identifiers": {"email": "a@example.com", "uuid": "7"},
        "not_append": True,
        "attributes": {
            "name": "Ann",
            "birthday": "1990-05-04T00:00:00Z",
            "email_optin": False,
            "custom": {"yotpo_point_balance": 0},
        },
    }


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"surname": "Roe"}, {"surname": "Roe"}),
        ({"tags": ["vip", "ü"]}, {"custom": {"tags": ["vip", "ü"]}}),
        # These are default params, but not default attributes.
        ({"url": "https://x.io", "product_id": "7"}, {"custom": {"url": "https://x.io", "product_id": "7"}}),
    ],
)
def test_custom_is_left_out_if_it_is_empty(attributes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert encoded(UserUpdate(identifiers={"uuid": "7"}, attributes=attributes))["attributes"] == expected


def test_events_are_in_order_with_default_params_at_the_root() -> None:
    events = (
        UserEvent(name="tier_earned", timestamp=NOW, params={"product_id": "7", "yotpo_points": 1.5, "birthday": "x"}),
        UserEvent(name="opt_in", timestamp=NOW),
    )

    assert encoded(UserUpdate(identifiers={"uuid": "7"}, events=events)) == {
        "identifiers": {"uuid": "7"},
        "not_append": True,
        "events": [
            {
                "event_name": "tier_earned",
                "timestamp": NOW,
                "event_params": {"product_id": "7", "custom": {"yotpo_points": 1.5, "birthday": "x"}},
            },
            {"event_name": "opt_in", "timestamp": NOW},
        ],
    }


@pytest.mark.parametrize(
    ("cleared", "expected"),
    [
        (("name",), {"whole": ["name"]}),
        (("tier",), {"custom": {"whole": ["tier"]}}),
        (("tier", "surname", "tags", "age"), {"whole": ["surname", "age"], "custom": {"whole": ["tier", "tags"]}}),
    ],
)
def test_cleared_attributes_stand_under_whole_and_custom_ones_under_custom(
    cleared: tuple[str, ...], expected: Any
) -> None:
    identifiers = {"email": "a@example.com", "uuid": "7"}
    update = UserUpdate(identifiers=identifiers, attributes={"points": 7}, cleared=cleared)

    assert json.loads(wire.encode_cleared(update)) == {"identifiers": identifiers, **expected}
    assert "cleared" not in encoded(update)
    assert encoded(update)["attributes"] == {"custom": {"points": 7}}


def test_a_request_to_clear_has_no_skip_hook() -> None:
    updates = [UserUpdate(identifiers={"uuid": str(number)}, cleared=("age",)) for number in range(3)]
    body = wire.encode_request([wire.encode_cleared(update) for update in updates])

    assert json.loads(body) == {
        "users": [{"identifiers": {"uuid": str(number)}, "whole": ["age"]} for number in range(3)]
    }


@given(st.lists(st.sampled_from(["name", "age", "tier", "yotpo_vip_tier_name"]), min_size=1, unique=True))
def test_a_clear_is_hardly_larger_on_the_wire_than_stored(cleared: list[str]) -> None:
    update = UserUpdate(identifiers={"email": "a@example.com"}, cleared=tuple(cleared))

    assert len(wire.encode_cleared(update)) <= len(orjson.dumps(asdict(update))) + 64


@pytest.mark.parametrize("skip_hook", [True, False])
def test_a_request_holds_its_users_in_order(*, skip_hook: bool) -> None:
    updates = [UserUpdate(identifiers={"uuid": str(number)}, attributes={"age": number}) for number in range(3)]
    body = wire.encode_request([wire.encode_user(update) for update in updates], skip_hook=skip_hook)

    assert json.loads(body) == {"skip_hook": skip_hook, "users": [encoded(update) for update in updates]}


def golden_updates() -> list[Any]:
    """All users that the mappings of the examples yield, refused ones too."""
    updates = []
    for path in sorted(EXAMPLES.glob("*/*.expected.json")):
        expected = json.loads(path.read_bytes())
        for place, user in enumerate([*expected.get("users", ()), *expected.get("refused", ())]):
            events = tuple(UserEvent(**event) for event in user.get("events", ()))
            update = UserUpdate(
                identifiers=user.get("identifiers", {}), attributes=user.get("attributes", {}), events=events
            )
            case = path.stem.removesuffix(".expected")
            updates.append(pytest.param(update, id=f"{path.parent.name}/{case}[{place}]"))
    return updates


@pytest.mark.parametrize("update", golden_updates())
def test_a_user_is_hardly_larger_on_the_wire_than_stored(update: UserUpdate) -> None:
    stored = orjson.dumps(asdict(update))

    # A batch has up to nine tenths of a request's bytes, as stored, and 1,000 users: 64 more bytes for each user fit.
    assert len(wire.encode_user(update)) <= len(stored) + 64
    assert len(wire.encode_user(update)) <= len(stored) * 10 / 9 + 40
    assert wire.BYTES_LIMIT * 9 // 10 + 1000 * 64 < wire.BYTES_LIMIT


def counted(successful: object, fail: object) -> bytes:
    return orjson.dumps({"data": {"successful": successful, "fail": fail}})


@pytest.mark.parametrize(
    ("answer", "users", "expected"),
    [
        (counted({"count": 2}, {}), 2, Verdict()),
        (counted({"count": 2, "more": 1}, {"count": 0}), 2, Verdict()),
        (orjson.dumps({"data": {"successful": {"count": 1}, "fail": {}, "more": 1}, "more": 1}), 1, Verdict()),
        (
            counted({"count": 1}, {"count": 1, "errors": {"users.0.identifiers.*.type(string)": ["a", "b"]}}),
            2,
            Verdict({0: [Failure("identifiers.*.type(string)", "a"), Failure("identifiers.*.type(string)", "b")]}),
        ),
        (
            counted({}, {"count": 2, "errors": {"users.1.a.b": ["x"], "users.0.a": "y", "users.1.c": [7]}}),
            2,
            Verdict({1: [Failure("a.b", "x"), Failure("c", "7")], 0: [Failure("a", "y")]}),
        ),
        (
            counted({"count": 989}, {"count": 1, "errors": {"users.12.a": ["x"]}}),
            990,
            Verdict({12: [Failure("a", "x")]}),
        ),
        (counted({}, {"count": 1, "errors": {"users.0.": ["x"]}}), 1, Verdict({0: [Failure("", "x")]})),
        (counted({}, {"count": 1, "errors": {"users.0.users.1.a": "x"}}), 1, Verdict({0: [Failure("users.1.a", "x")]})),
        # Failures that name no user: no index, an index that was not sent, more failures than names, too few users.
        (counted({"count": 1}, {"count": 1, "errors": {"users": ["x"]}}), 2, Verdict({}, unattributed=True)),
        (counted({"count": 1}, {"count": 1, "errors": {"users.2.a": ["x"]}}), 2, Verdict({}, unattributed=True)),
        (counted({"count": 1}, {"count": 1, "errors": {"my.users.0.a": ["x"]}}), 2, Verdict({}, unattributed=True)),
        (counted({"count": 1}, {"count": 1}), 2, Verdict({}, unattributed=True)),
        (
            counted({}, {"count": 2, "errors": {"users.0.a": ["x"]}}),
            2,
            Verdict({0: [Failure("a", "x")]}, unattributed=True),
        ),
        (counted({"count": 2}, {"count": 1}), 2, Verdict({}, unattributed=True)),
        (counted({"count": 1}, {}), 2, Verdict({}, unattributed=True)),
        (counted({}, {}), 1, Verdict({}, unattributed=True)),
    ],
)
def test_an_answer_is_read_user_by_user(answer: bytes, users: int, expected: Verdict) -> None:
    assert wire.read_response(answer, users) == expected


@pytest.mark.parametrize("fail", ["", ',"fail":null', ',"fail":{"errors":null}', ',"fail":{}'])
def test_a_side_without_failures_may_look_in_several_ways(fail: str) -> None:
    answer = f'{{"data":{{"successful":{{"count":2}}{fail}}}}}'.encode()

    assert wire.read_response(answer, 2) == Verdict()
    assert wire.read_response(answer, 3) == Verdict(unattributed=True)


@pytest.mark.parametrize("answer", [b"{}", b" { }\n"])
def test_an_empty_object_is_a_success_of_a_clear_and_no_answer_to_an_upsert(answer: bytes) -> None:
    assert wire.read_cleared(answer, 2) == Verdict()
    assert wire.read_response(answer, 2) is None


@pytest.mark.parametrize(
    "answer",
    [
        counted({"count": 1}, {}),
        counted({}, {"count": 1, "errors": {"users.0.whole": ["x"]}}),
        counted({}, {}),
        b'{"data":{}}',
        b"",
        b"[]",
        b"<html></html>",
    ],
)
def test_any_other_answer_to_a_clear_is_read_like_that_to_an_upsert(answer: bytes) -> None:
    assert wire.read_cleared(answer, 1) == wire.read_response(answer, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"\xff",
        b"<html></html>",
        b"null",
        b"[]",
        b"7",
        b"{}",
        b'{"data":null}',
        b'{"data":[]}',
        b'{"data":{}}',
        b'{"data":{"fail":{}}}',
        counted(1, {}),
        counted({"count": "many"}, {}),
        counted({"count": None}, {}),
        counted({"count": 1}, {"errors": ["x"]}),
        b"[" * 100_000,
    ],
)
def test_a_body_without_insiders_shape_is_no_response(answer: bytes) -> None:
    assert wire.read_response(answer, 1) is None


def test_an_index_of_many_digits_names_no_user() -> None:
    answer = counted({}, {"count": 1, "errors": {f"users.{'9' * 5000}.a": ["x"]}})

    assert wire.read_response(answer, 1) == Verdict({}, unattributed=True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "fail", "errors", "count", "users.0.a", "message"]), inner, max_size=3
        )
    ),
)


@given(json_values, json_values)
def test_any_body_is_read_without_an_exception(successful: object, fail: object) -> None:
    for answer in (orjson.dumps(fail), counted(successful, fail)):
        verdict = wire.read_response(answer, 2)

        assert verdict is None or set(verdict.failed) <= {0, 1}
        assert isinstance(wire.read_message(answer), str)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'{"error":"rejected: too many requests"}', "rejected: too many requests"),
        (b'{"message":"Too Many Requests","status":429}', "Too Many Requests"),
        (b'{"success":false,"message":"Partner is invalid."}', "Partner is invalid."),
        (b'{"errors":"no data"}', "no data"),
        (b'{"error":{"code":7},"message":"told"}', "told"),
        (b'{"errors":[{"message":"x"}]}', ""),
        (b'{"data":{}}', ""),
        (b'["error"]', ""),
        (b"Service Unavailable", ""),
        (b"", ""),
    ],
)
def test_the_sentence_of_an_error_is_found_in_every_shape(answer: bytes, expected: str) -> None:
    assert wire.read_message(answer) == expected
