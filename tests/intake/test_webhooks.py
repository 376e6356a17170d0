"""The intake as Yotpo sees it: the real web process over HTTP. The results are read from the journal."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.intake.webhooks import Store, points_earned

if TYPE_CHECKING:
    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow

LIMIT = 1024 * 1024


@pytest.fixture(scope="module")
def store(stack: Stack) -> Store:
    return Store(stack)


def test_a_webhook_is_answered_200_with_its_event_and_kept_byte_by_byte(store: Store) -> None:
    body = json.dumps(points_earned(), indent=3).encode() + b"\n"

    answer = store.post(body)

    assert answer.status_code == 200
    event = store.events()[-1]
    assert answer.json() == {"id": event["id"], "duplicate": False}
    assert bytes(event["body"]) == body
    assert event["topic"] == "swell/points/earned"


def test_a_second_copy_is_answered_with_the_first_id(store: Store) -> None:
    webhook = points_earned()
    first = store.post(webhook).json()

    second = store.post(webhook)

    assert second.status_code == 200
    assert second.json() == {"id": first["id"], "duplicate": True}


def test_the_header_eventid_names_the_event_first(store: Store) -> None:
    number = secrets.token_hex(8)
    ann = points_earned()
    first = store.post(ann, headers={"eventid": number}).json()

    again = store.post({**ann, "more": 1}, headers={"eventid": number}).json()
    of_other = store.post(points_earned(), headers={"eventid": number}).json()

    assert again == {"id": first["id"], "duplicate": True}
    assert not of_other["duplicate"]


def test_a_review_request_takes_its_topic_from_the_path_or_from_its_trigger(store: Store) -> None:
    request = {
        "trigger": {"type": "delivered", "date": "2025-01-15T10:30:00Z"},
        "order_id": secrets.token_hex(4),
        "shopper_profile": {"email": "ann@example.com"},
    }
    store.post(request, path="/review_request.eligible.on_fulfillment")
    assert store.events()[-1]["topic"] == "review_request.eligible.on_fulfillment"

    for path in ("", "/", "/a/slip"):
        store.post({**request, "order_id": secrets.token_hex(4)}, path=path)
        assert store.events()[-1]["topic"] == "review_request.eligible.on_delivery"


def test_an_unknown_topic_is_kept_as_unmapped(store: Store) -> None:
    answer = store.post(
        {"topic": "swell/brand/new", "customer": {"email": "ann@example.com"}, "n": secrets.token_hex(4)}
    )

    assert answer.status_code == 200
    event_id = answer.json()["id"]
    found = store.eventually(
        f"select event_id as id from outcomes where store_id = (table store) and event_id = {event_id}"
        " and state = 'unmapped'"
    )
    assert found == [{"id": event_id}]


def test_a_merchant_topic_becomes_an_operator_notice(store: Store) -> None:
    answer = store.post(
        {"topic": "loyalty/integrations/integration_disabled", "integration_name": secrets.token_hex(4)}
    )

    assert answer.status_code == 200
    notices = store.eventually(
        f"select topic from notices where store_id = (table store) and event_id = {answer.json()['id']}"
    )
    assert notices == [{"topic": "loyalty/integrations/integration_disabled"}]
    assert not store.rows(
        f"select 1 from all_deliveries where event_id = {answer.json()['id']} and exists (table store)"
    )


def test_a_customer_without_identifier_becomes_a_dead_letter_with_its_reason(store: Store) -> None:
    answer = store.post(points_earned(email="[email protected]"))

    assert answer.status_code == 200
    (dead,) = store.eventually(
        f"select state, reason from deliveries where store_id = (table store) and event_id = {answer.json()['id']}"
    )
    assert dead["state"] == "dead"
    assert "e-mail" in dead["reason"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "not_json", id="empty"),
        pytest.param(b"topic=swell", "not_json", id="a form"),
        pytest.param(b'{"topic": "x"', "not_json", id="cut off"),
        pytest.param(b'{"n": NaN, "topic": "x"}', "not_json", id="not a number"),
        pytest.param(b'"text"', "not_an_object", id="text"),
        pytest.param(b"[]", "not_an_object", id="an empty array"),
        pytest.param(b"[1, 2]", "not_an_object", id="an array of numbers"),
        pytest.param(b"null", "not_an_object", id="null"),
        pytest.param(b"{}", "no_topic", id="no topic"),
        pytest.param(b'{"topic": 5}', "no_topic", id="a topic that is no text"),
        pytest.param(b'{"topic": "a b"}', "no_topic", id="a topic that is no name"),
        pytest.param(b'{"trigger": {"type": "painted"}}', "no_topic", id="an unknown trigger"),
        pytest.param(b"[" * 100_000, "not_json", id="too deep to be read"),
        pytest.param(b'{"topic": "a/b", "deep": ' + b"[" * 900 + b"]" * 900 + b"}", "too_deep", id="too deep"),
    ],
)
def test_an_invalid_webhook_is_answered_400_and_kept_without_its_body(store: Store, body: bytes, code: str) -> None:
    kept = len(store.events())

    answer = store.post(body, headers={"Content-Type": "text/odd"})

    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["error"]
    assert len(store.events()) == kept
    (record,) = store.eventually(
        f"""select code, bytes, content_type from rejected_webhooks
            where store_id = (table store) and bytes = {len(body)} and code = '{code}' limit 1"""
    )
    assert record == {"code": code, "bytes": len(body), "content_type": "text/odd"}


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_more_than_a_mebibyte_is_answered_413(store: Store, *, chunked: bool) -> None:
    webhook = json.dumps({**points_earned(), "filler": "x" * LIMIT}).encode()
    sent: Any = iter([webhook]) if chunked else webhook

    answer = requests.post(store.url, data=sent, timeout=10)

    assert answer.status_code == 413
    assert store.eventually("select 1 from rejected_webhooks where store_id = (table store) and code = 'too_large'")


def test_exactly_a_mebibyte_is_taken(store: Store) -> None:
    webhook = points_earned()
    room = LIMIT - len(json.dumps({**webhook, "filler": ""}))

    assert store.post({**webhook, "filler": "x" * room}).status_code == 200


def test_an_array_of_webhooks_is_taken_in_its_order(store: Store) -> None:
    webhooks = [points_earned() for _ in range(3)]

    answer = store.post(webhooks, headers={"eventid": secrets.token_hex(8)})

    assert answer.status_code == 200
    ids = [event["id"] for event in answer.json()["events"]]
    assert ids == sorted(set(ids))
    kept = {event["id"]: json.loads(bytes(event["body"])) for event in store.events()}
    assert [kept[number] for number in ids] == webhooks


def test_the_good_webhooks_of_an_array_are_kept_and_the_rest_is_rejected(store: Store) -> None:
    good = points_earned()

    answer = store.post([good, {"no": "topic"}])

    assert answer.status_code == 400
    assert answer.json()["code"] == "no_topic"
    (kept,) = answer.json()["events"]
    assert json.loads(bytes(store.events()[-1]["body"])) == good
    assert store.post(good).json() == {"id": kept["id"], "duplicate": True}


def test_an_unknown_token_learns_nothing_and_is_counted(stack: Stack, store: Store) -> None:
    unknown = requests.post(
        f"{stack.web_url}/webhooks/yotpo/{secrets.token_urlsafe(32)}", json=points_earned(), timeout=10
    )
    nowhere = requests.post(f"{stack.web_url}/nowhere", timeout=10)

    assert unknown.status_code == 404
    assert (unknown.json(), unknown.headers["Content-Type"]) == (nowhere.json(), nowhere.headers["Content-Type"])
    assert store.eventually(
        "select 1 from intake_counts where store_id = 0 and answer = 'unknown_token' and exists (table store)"
    )


def test_a_secret_is_demanded_in_the_header_that_the_store_names(stack: Stack) -> None:
    store = Store(stack, "--webhook-secret", "a long secret!".replace(" ", "-"), "--webhook-secret-header", "X-Secret")
    webhook = points_earned()

    assert store.post(webhook).status_code == 401
    assert store.post(webhook, headers={"X-Secret": "wrong"}).json() == {"error": "unauthorized"}
    assert store.post(webhook, headers={"Authorization": "a-long-secret!"}).status_code == 401
    assert store.events() == []
    assert store.post(webhook, headers={"X-Secret": "a-long-secret!"}).status_code == 200
    assert store.post(webhook, headers={"X-Secret": "bearer a-long-secret!"}).json()["duplicate"] is True
    assert store.eventually(
        "select 1 from intake_counts where store_id = (table store) and answer = 'unauthorized' and count = 3"
    )


def test_a_rotated_token_is_unknown_and_the_new_one_works(stack: Stack) -> None:
    store = Store(stack)
    old = store.url
    assert store.post(points_earned()).status_code == 200

    store.url = stack.command("stores", "rotate-token", store.name)["webhook_url"]

    assert store.post(points_earned()).status_code == 200
    patience = time.monotonic() + 10
    while (status := requests.post(old, json=points_earned(), timeout=10).status_code) == 200:
        assert time.monotonic() < patience
        time.sleep(0.2)
    assert status == 404


def test_a_removed_store_takes_no_more_webhooks(stack: Stack) -> None:
    store = Store(stack)
    stack.command("stores", "remove", store.name)

    assert store.post(points_earned()).status_code == 404


def test_health_says_whether_postgres_can_be_reached(stack: Stack) -> None:
    assert requests.get(f"{stack.web_url}/health", timeout=5).json() == {"status": "ok"}
    assert requests.get(f"{stack.web_url}/health/ready", timeout=5).status_code == 200


def test_no_log_holds_a_token_a_secret_or_an_address(stack: Stack, store: Store) -> None:
    store.post(points_earned(email="someone.special@example.com"))
    store.post(b"{")
    logs = "".join(path.read_text() for path in stack.state.glob("*.log"))

    assert "event.received" in logs
    assert store.url.rpartition("/")[2] not in logs
    assert "example.com" not in logs
    assert "a-long-secret!" not in logs
