"""Rules for all webhooks: where the topic comes from, and how time, customer and key are found in any content."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import WebhookRejected
from connector.yotpo.topics import TOPICS, recognise
from tests.yotpo.webhooks import DELIVERED, FULFILLED, JOHN, RECEIVED_AT, changed, seen, webhook


@pytest.mark.parametrize(
    ("body", "path_topic", "expected"),
    [
        ({"topic": "a/b", "event": "c", "trigger": {"type": "delivered"}}, "d", "a/b"),
        ({"event": "c", "trigger": {"type": "delivered"}}, "d", "c"),
        ({"topic": "", "event": "c"}, None, "c"),
        ({"topic": None, "event": 7, "trigger": {"type": "delivered"}}, FULFILLED, FULFILLED),
        ({"trigger": {"type": "delivered"}}, "d/e", DELIVERED),
        ({"trigger": {"type": "painted"}}, "d/e", "d/e"),
        ({"topic": "no topic", "trigger": {"type": "delivered"}}, None, DELIVERED),
        ({"trigger": {"type": "fulfilled"}}, "/", FULFILLED),
        ({"topic": "a" * 201}, "d", "d"),
        ({"topic": "a" * 200}, "d", "a" * 200),
    ],
)
def test_the_body_names_the_topic_then_a_known_path_then_the_trigger_then_any_path(
    body: dict[str, Any], path_topic: str | None, expected: str
) -> None:
    assert recognise(body, path_topic=path_topic, received_at=RECEIVED_AT).topic == expected


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"topic": "a b"},
        {"topic": "a\n"},
        {"topic": ["a"]},
        {"trigger": {"type": ["delivered"]}},
        {"trigger": "delivered"},
    ],
)
def test_a_webhook_without_a_topic_is_rejected(body: dict[str, Any]) -> None:
    with pytest.raises(WebhookRejected, match="no topic found") as rejected:
        recognise(body, path_topic="../..", received_at=RECEIVED_AT)
    assert rejected.value.code == "no_topic"


def test_an_unknown_topic_is_recognised_by_common_paths() -> None:
    body = {"topic": "communication.sms.subscribe", "timestamp": 1690360527923, "phone_number": "+14155550100"}
    found = recognise(body, received_at=RECEIVED_AT)

    assert (found.topic, found.customer, found.dated) == (body["topic"], "+14155550100", True)
    assert found.occurred_at == datetime(2023, 7, 26, 8, 35, 27, 923_000, tzinfo=UTC)
    assert recognise({**body, "channel": "sms"}, received_at=RECEIVED_AT).key != found.key


def test_the_event_id_is_the_key_with_topic_and_customer_whatever_else_the_body_says() -> None:
    body = webhook("loyalty/opt_in")
    first, again = (seen("", {**body, "n": n}, event_id="5f1c-7") for n in (1, 2))

    assert first.key == again.key == "eventid|5f1c-7|loyalty/opt_in|john.smith@example.com"
    assert first.dated
    assert seen("", body, event_id="5f1c-8").key != first.key
    for path, value in (("customer.email", "eve@example.com"), ("topic", "swell/points/changed")):
        assert seen("", changed(body, path, value), event_id="5f1c-7").key != first.key


@pytest.mark.parametrize("time", ["2026-01-01T12:30:00.001Z", "2026-06-01", 4102444800000])
def test_an_event_time_is_never_after_the_receipt(time: object) -> None:
    found = seen("", changed(webhook("swell/points/changed"), "timestamp", time))

    assert (found.happened_at(RECEIVED_AT), found.dated) == (RECEIVED_AT, True)


@pytest.mark.parametrize("time", ["0001-01-01 00:00:00 +0200", "soon", "9999-12-31T23:59:59-10:00", {}])
def test_without_a_time_the_receipt_is_the_time(time: object) -> None:
    body = webhook("swell/points/changed")
    body["timestamp"] = time

    assert (seen("", body).occurred_at, seen("", body).dated) == (None, False)
    assert seen("", body).happened_at(RECEIVED_AT) == RECEIVED_AT


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("part", ["timestamp", "previous_balance"])
def test_if_a_part_of_the_key_is_missing_the_whole_body_counts(part: str, value: object) -> None:
    body = webhook("swell/points/changed")
    body[part] = value

    assert seen("", body).key == seen("", dict(body)).key
    assert seen("", body).key != seen("", {**body, "reason": "another"}).key


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("x" * 1000, "x" * 1001),
        ("x" * 999 + "y", "x" * 999 + "z"),
        ("x\ny", "x\ty"),
        ("x\x00y", "x?y"),
        ("\u202ey", "y"),
    ],
)
def test_a_key_is_short_and_printable_and_still_unique(one: str, another: str) -> None:
    keys = [seen("", webhook("loyalty/opt_in"), event_id=event_id).key for event_id in (one, another, one)]

    assert all(len(key) <= 300 and key.isprintable() for key in keys)
    assert keys[0] == keys[2] != keys[1]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from([JOHN, "+14155550100", "2021-08-01T16:53:56.415+03:00", "9999-12-31T23:59:59-10:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
known = {path for topic in TOPICS.values() for path in (*topic.customer, *topic.time, *topic.key)}
paths = sorted(path for path in known if not path.startswith("@"))
changes = st.dictionaries(st.sampled_from(paths), json_values, max_size=6)


topics = st.sampled_from([*sorted(TOPICS), "un/known", None])


@given(topics, st.dictionaries(st.text(), json_values, max_size=3), changes)
def test_any_object_is_recognised_or_rejected(topic: str | None, body: dict[str, Any], changes: dict[str, Any]) -> None:
    for path, value in changes.items():
        *steps, last = path.split(".")
        inner = body
        for step in steps:
            inner[step] = inner[step] if isinstance(inner.get(step), dict) else {}
            inner = inner[step]
        inner[last] = value
    try:
        found = recognise(body, path_topic=topic, received_at=RECEIVED_AT)
    except WebhookRejected:
        assert topic is None
        return
    assert found.happened_at(RECEIVED_AT) <= RECEIVED_AT
    assert 0 < len(found.key) <= 300
    assert found.key.isprintable()
    assert found.customer is None or found.customer == found.customer.strip().lower()
