"""The simulator of Yotpo: its rate limit, the faults that tests inject, its log, and how it stops."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import requests

from tests.measuring import quickest
from tests.sandbox.yotpo.simulators import CUSTOMERS, KEYS, Yotpo, running, simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def started() -> Iterator[Yotpo]:
    with simulator("--store", "other:10") as running_simulator:
        yield running_simulator


@pytest.fixture
def yotpo(started: Yotpo) -> Yotpo:
    return started.cleared()


def get_customers(yotpo: Yotpo) -> requests.Response:
    return yotpo.get(CUSTOMERS, limit=1)


def test_a_store_takes_five_requests_in_any_second(yotpo: Yotpo) -> None:
    yotpo.tell("reset")
    yotpo.token = yotpo.new_token()
    time.sleep(1)
    yotpo.switch(requests_per_second=5)
    answers = [get_customers(yotpo) for _ in range(7)]

    assert [each.status_code for each in answers] == [200] * 5 + [429] * 2
    assert [each.headers["RateLimit-Remaining"] for each in answers] == ["4", "3", "2", "1", "0", "0", "0"]
    assert answers[-1].headers["RateLimit-Reset"] == "1"
    assert answers[-1].json() == {"message": "API rate limit exceeded"}
    assert yotpo.get("/api/v2/vip_tiers", KEYS).status_code == 429
    assert yotpo.post("/core/v3/stores/other/access_tokens", {"secret": "secret-of-other"}).status_code == 200
    time.sleep(1)
    assert get_customers(yotpo).status_code == 200
    shop = yotpo.ask("stats")["stores"]["shop"]
    assert shop == {"requests": 10, "refused": 3, "most_in_a_second": 8}


def test_a_client_within_the_rate_is_never_refused(yotpo: Yotpo) -> None:
    yotpo.switch(requests_per_second=5)
    time.sleep(1)
    for _ in range(11):
        assert get_customers(yotpo).status_code == 200
        time.sleep(0.22)

    assert yotpo.ask("stats")["stores"]["shop"]["most_in_a_second"] == 5


DRAFT, WAIT = {"RateLimit-Remaining", "RateLimit-Reset"}, {"Retry-After"}


@pytest.mark.parametrize(
    ("switch", "allowed", "refused"),
    [("draft", DRAFT, DRAFT), ("retry_after", set(), WAIT), ("both", DRAFT, DRAFT | WAIT), ("none", set(), set())],
)
def test_the_headers_of_the_rate_can_be_switched(
    yotpo: Yotpo, switch: str, allowed: set[str], refused: set[str]
) -> None:
    yotpo.switch(requests_per_second=2, rate_headers=switch)
    time.sleep(1)

    first, *_, last = [get_customers(yotpo) for _ in range(3)]

    assert (first.status_code, last.status_code) == (200, 429)
    assert {name for name in DRAFT | WAIT if name in first.headers} == allowed
    assert {name for name in DRAFT | WAIT if name in last.headers} == refused


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "text"),
    [
        ({"kind": "429"}, 429, "application/json", '{"message":"API rate limit exceeded"}'),
        ({"kind": "500"}, 500, "application/json", '{"error":"Internal Server Error"}'),
        ({"kind": "502"}, 502, "text/html; charset=utf-8", None),
        ({"kind": "503"}, 503, "text/plain; charset=utf-8", "Service Unavailable"),
        ({"kind": "418"}, 418, "text/plain; charset=utf-8", "Error 418"),
        ({"kind": "500", "body": {"message": "x"}}, 500, "application/json", '{"message":"x"}'),
        ({"kind": "html"}, 200, "text/html; charset=utf-8", None),
        ({"kind": "html", "status": 503}, 503, "text/html; charset=utf-8", None),
    ],
)
def test_a_fault_answers_in_place_of_yotpo(
    yotpo: Yotpo, fault: dict[str, Any], status: int, content_type: str, text: str | None
) -> None:
    yotpo.tell("faults", fault | {"times": 2})

    hit = [get_customers(yotpo) for _ in range(3)]

    assert [each.status_code for each in hit] == [status, status, 200]
    assert hit[0].headers["Content-Type"] == content_type
    assert hit[0].text == text if text else hit[0].text.startswith("<!DOCTYPE html>")


def test_a_truncated_answer_is_not_json(yotpo: Yotpo) -> None:
    whole = get_customers(yotpo).text
    yotpo.tell("faults", {"kind": "truncated", "times": 1})

    answer = get_customers(yotpo)
    assert answer.status_code == 200
    assert answer.text
    assert whole.startswith(answer.text)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(answer.content)


def test_an_answer_can_be_slow(yotpo: Yotpo) -> None:
    yotpo.tell("faults", {"kind": "slow", "delay_ms": 300, "times": 1})

    def measure() -> float:
        return get_customers(yotpo).elapsed.total_seconds()

    assert measure() > 0.3
    assert quickest(measure, below=0.3) < 0.3


@pytest.mark.parametrize(("kind", "took_effect"), [("drop", False), ("drop_after", True)])
def test_a_connection_can_be_dropped_before_and_after_the_work(yotpo: Yotpo, kind: str, took_effect: bool) -> None:  # noqa: FBT001 - a parameter of the test
    yotpo.switch(visibility_seconds=0)
    yotpo.tell("faults", {"kind": kind, "method": "PATCH"})

    with pytest.raises(requests.ConnectionError):
        yotpo.patch(email="new@example.com")

    assert bool(yotpo.customers(email="new@example.com")) is took_effect
    assert yotpo.ask("requests")[-2]["status"] is None


def test_a_fault_hits_only_matching_requests(yotpo: Yotpo) -> None:
    yotpo.tell("faults", {"kind": "503", "path": "customers$", "app_key": "shop", "method": "GET", "skip": 1})

    assert [get_customers(yotpo).status_code for _ in range(2)] == [200, 503]
    assert yotpo.patch(email="a@example.com").status_code == 200
    other = {"X-Yotpo-Token": yotpo.new_token("other")}
    assert yotpo.get("/core/v3/stores/other/customers", other).status_code == 200
    assert yotpo.ask("faults")[0]["hits"] == 1
    yotpo.tell("faults", method="DELETE")
    assert get_customers(yotpo).status_code == 200


def test_a_fault_can_hit_a_share_of_requests_for_some_time(yotpo: Yotpo) -> None:
    yotpo.tell("faults", {"kind": "500", "share": 0.5, "for_seconds": 1})

    hit = [get_customers(yotpo).status_code for _ in range(40)]
    assert 8 < hit.count(500) < 32
    time.sleep(1)
    assert get_customers(yotpo).status_code == 200


@pytest.mark.parametrize(("told_as", "shape"), [("seconds", "7"), ("date", " GMT")])
def test_a_fault_can_send_retry_after(yotpo: Yotpo, told_as: str, shape: str) -> None:
    yotpo.tell("faults", {"kind": "429", "retry_after": 7, "retry_after_as": told_as})

    assert get_customers(yotpo).headers["Retry-After"].endswith(shape)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "flood"}),
        ("faults", {"kind": "500", "times": "2"}),
        ("faults", {"kind": "500", "unknown": 1}),
        ("faults", {"kind": "500", "path": "("}),
        ("switches", {"unknown": 1}),
        ("switches", {"empty_as": "nothing"}),
        ("switches", {"zoneless": 1}),
        ("stores", {"app_key": "x"}),
        ("stores", {"app_key": "x", "size": "5"}),
        ("stores/unknown/loyalty-webhook", {"url": "x"}),
        ("apps", {"client_id": "x"}),
        ("uninstall", {}),
    ],
)
def test_wrong_control_requests_are_refused_with_a_sentence(yotpo: Yotpo, path: str, body: Any) -> None:
    answer = yotpo.session.post(f"{yotpo.url}/_sandbox/{path}", json=body, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_requests_are_logged_without_secrets(yotpo: Yotpo) -> None:
    token = yotpo.installed()
    yotpo.get("/v2/shop/info", {}, access_token=token)
    yotpo.get("/api/v2/vip_tiers", {}, guid="guid-of-shop", api_key="key-of-shop")
    yotpo.patch(email="someone@example.com")

    log = yotpo.ask("requests", full=1)
    assert [each["app_key"] for each in log] == ["shop", None, "shop", "shop", "shop"]
    assert [each["status"] for each in log] == [200] * 5
    assert log[-1]["body"] == {"customer": {"email": "someone@example.com"}}
    text = orjson.dumps(log).decode()
    assert not [secret for secret in (token, "secret-of-shop", "key-of-shop", "hidden") if secret in text]
    assert "body" not in yotpo.ask("requests", since=3)[0]
    assert [each["seq"] for each in yotpo.ask("requests", since=2, limit=2)] == [3, 4]


def test_the_log_is_bounded(yotpo: Yotpo) -> None:
    yotpo.switch(log_size=3)
    for _ in range(5):
        get_customers(yotpo)

    assert [each["seq"] for each in yotpo.ask("requests")] == [4, 5, 6]


def test_a_reset_restores_the_stores_of_the_start(yotpo: Yotpo) -> None:
    yotpo.tell("stores", {"app_key": "third", "size": 5})
    yotpo.tell("stores/shop/customers", {"count": 3})
    yotpo.switch(empty_as="400")

    yotpo.tell("reset")

    assert [(each["app_key"], each["customers"]) for each in yotpo.ask("stores")] == [("shop", 1_000), ("other", 10)]
    assert yotpo.ask("switches")["empty_as"] == "400"
    assert get_customers(yotpo).status_code == 401


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_on_a_signal(sent: signal.Signals) -> None:
    with running() as (url, process), requests.Session() as session:
        # An open connection does not keep the simulator running.
        assert session.get(f"{url}/_sandbox/health", timeout=10).json() == {"status": "ok"}
        process.send_signal(sent)

        assert process.wait(timeout=5) == 0
