"""The simulator of Insider: requests as a whole, the faults that tests inject, its log, and its process.

A real process, asked over real HTTP; no doubles. What it does with users is in test_upsert.py.
"""

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.measuring import quickest
from tests.sandbox.simulators import PARTNER, UPSERT, Simulator, custom, person, running, simulator

DELETE = "/api/user/v1/attribute/delete"


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with simulator() as running_simulator:
        yield running_simulator


@pytest.fixture
def insider(started: Simulator) -> Simulator:
    return started.cleared()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-PARTNER-NAME": "Shop"},
        {"X-PARTNER-NAME": "my shop"},
        {"X-PARTNER-NAME": ""},
        {"X-REQUEST-TOKEN": ""},
    ],
)
def test_malformed_headers_are_refused(insider: Simulator, headers: dict[str, str]) -> None:
    answer = insider.call(UPSERT, {"users": [person()]}, **headers)

    message = "Access Denied. You do not have sufficient access to perform this action."
    assert (answer.status_code, answer.json()) == (403, {"success": False, "message": message})


def test_only_given_partners_with_their_tokens_may_send() -> None:
    body = {"users": [person()]}
    with simulator("--partner", "shop", "--token", "secret", "--partner", "other", "--token", "t2") as insider:
        statuses = [
            insider.call(UPSERT, body).status_code,
            insider.call(UPSERT, body, **{"X-PARTNER-NAME": "other"}).status_code,
            insider.call(UPSERT, body, **{"X-PARTNER-NAME": "other", "X-REQUEST-TOKEN": "t2"}).status_code,
        ]

    assert statuses == [200, 403, 200]


@pytest.mark.parametrize(
    ("raw", "content_type", "expected"),
    [
        (b'{"users":[{}]}', "text/plain", {"error": "content type must be application/json"}),
        (b"{users", "application/json", {"success": False, "message": "Request data is not in valid JSON format."}),
        (b"{}", "application/json", {"error": "users must be defined: bad request"}),
        (b"[]", "application/json", {"error": "users must be defined: bad request"}),
        (b'{"users":[]}', "application/json", {"error": "users must be defined: bad request"}),
        (
            b'{"users":[' + b"{}," * 1000 + b"{}]}",
            "application/json",
            {"error": "users must be at most 1000: bad request"},
        ),
        (
            b'{"users":[]}'.ljust(5_000_001),
            "application/json",
            {"error": "request body is bigger than maximum allowed size 5,000,000 bytes"},
        ),
        (b'{"users":[]}'.ljust(5_000_000), "application/json", {"error": "users must be defined: bad request"}),
    ],
)
def test_a_request_is_refused_as_a_whole(insider: Simulator, raw: bytes, content_type: str, expected: Any) -> None:
    headers = PARTNER | {"Content-Type": content_type}
    answer = insider.session.post(insider.url + UPSERT, data=raw, headers=headers, timeout=10)

    assert (answer.status_code, answer.json()) == (400, expected)


def test_requests_are_logged_in_order_and_bounded(insider: Simulator) -> None:
    insider.switch(log_size=3)
    for place in range(5):
        insider.upsert(person(f"u{place}@example.com"), skip_hook=place == 3)

    log = insider.ask("requests", full=1)
    assert [entry["seq"] for entry in log] == [3, 4, 5]
    assert [entry["skip_hook"] for entry in log] == [False, True, False]
    assert log[0]["body"] == {"users": [person("u2@example.com")], "skip_hook": False}
    assert log[0]["answer"] == {"data": {"successful": {"count": 1}, "fail": {}}}
    assert [entry["seq"] for entry in insider.ask("requests", since=3, limit=1)] == [4]
    assert insider.ask("requests", since=5) == []


def test_a_thousand_users_take_little_time(insider: Simulator) -> None:
    own = {f"n{place}": place for place in range(20)} | {f"t{place}": "Some text" for place in range(20)}
    users = [custom(**own) | {"identifiers": {"email": f"u{place}@example.com"}} for place in range(1000)]

    def measure() -> float:
        return insider.call(UPSERT, {"users": users}).elapsed.total_seconds()

    # Some 40 ms are usual; the rest is for a busy machine.
    assert quickest(measure, below=0.3) < 0.3
    assert insider.ask("stats")["profiles"]["total"] == 1000


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_when_told_to(sent: signal.Signals) -> None:
    with running() as (url, process), requests.Session() as session:
        # An open connection does not keep the simulator running.
        session.get(f"{url}/_sandbox/health", timeout=10)
        process.send_signal(sent)

        assert process.wait(timeout=5) == 0


@pytest.mark.parametrize("paths", [[UPSERT] * 6, [UPSERT, DELETE] * 3])
def test_a_token_has_a_rate_that_upserts_and_deletions_share(insider: Simulator, paths: list[str]) -> None:
    insider.switch(requests_per_minute=2)
    statuses = [insider.call(path, {"users": [person()]}).status_code for path in paths]

    # If a new minute begins in between, two more requests pass.
    assert statuses[:2] == [200, 200]
    assert statuses.count(429) >= 2


def emails(insider: Simulator) -> list[str]:
    return [user["identifiers"]["email"] for user in insider.ask("users")]


DENIED = "Access Denied. You do not have sufficient access to perform this action."
UNKNOWN = "The request processing has failed because of an unknown error."


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ({"kind": "400"}, 400, {"error": "no valid identifier: bad request"}),
        ({"kind": "401"}, 401, {"success": False, "message": "Partner token authentication failed."}),
        ({"kind": "403"}, 403, {"success": False, "message": DENIED}),
        ({"kind": "status", "status": 429}, 429, {"error": "rejected: too many requests"}),
        ({"kind": "429", "variant": 1}, 429, {"message": "Too Many Requests", "status": 429}),
        ({"kind": "500"}, 500, {"success": False, "message": UNKNOWN}),
        ({"kind": "503"}, 503, None),
        ({"kind": "418", "body": {"short": "stout"}}, 418, {"short": "stout"}),
        ({"kind": "wrong_json"}, 200, {"unexpected": ["neither data nor error"]}),
        ({"kind": "html", "status": 502}, 502, None),
        ({"kind": "empty"}, 200, None),
    ],
)
@pytest.mark.parametrize("processed", [False, True])
def test_an_answer_is_replaced(insider: Simulator, fault: Any, status: int, body: Any, *, processed: bool) -> None:
    insider.tell("faults", fault | {"times": 1, "processed": processed})
    answer = insider.call(UPSERT, {"users": [person()]})
    stored = emails(insider)
    after = insider.call(UPSERT, {"users": [person("bea@example.com")]})

    assert (answer.status_code, after.status_code) == (status, 200)
    assert body is None or answer.json() == body
    assert stored == (["ann@example.com"] if processed else [])
    assert [(entry["status"], entry["fault"] is None) for entry in insider.ask("requests")] == [
        (status, False),
        (200, True),
    ]


def test_useless_answers_are_what_they_say(insider: Simulator) -> None:
    insider.tell("faults", {"kind": "html", "times": 1})
    insider.tell("faults", {"kind": "empty", "times": 1})
    html, empty = (insider.call(UPSERT, {"users": [person()]}) for _ in range(2))

    assert html.text.startswith("<!DOCTYPE html>")
    assert html.headers["Content-Type"].startswith("text/html")
    assert empty.content == b""


def test_retry_after_is_absent_or_seconds_or_a_date(insider: Simulator) -> None:
    for fault in ({}, {"retry_after": 2}, {"retry_after": 30, "retry_after_as": "date"}):
        insider.tell("faults", {"kind": "429", "times": 1} | fault)
    none, seconds, date = (insider.call(UPSERT, {"users": [person()]}).headers.get("Retry-After") for _ in range(3))

    assert (none, seconds) == (None, "2")
    assert date is not None
    assert parsedate_to_datetime(date) - datetime.now(UTC) == pytest.approx(
        timedelta(seconds=30), abs=timedelta(seconds=5)
    )


@pytest.mark.parametrize(("kind", "stored"), [("cut_before", []), ("cut_after", ["ann@example.com"])])
def test_a_connection_is_cut(insider: Simulator, kind: str, stored: list[str]) -> None:
    insider.tell("faults", {"kind": kind, "times": 1})
    with pytest.raises(requests.ConnectionError):
        insider.call(UPSERT, {"users": [person()]})

    assert emails(insider) == stored
    (entry,) = insider.ask("requests")
    assert (entry["status"], entry["answer"], entry["fault"]) == (None, None, kind)
    assert insider.ask("stats")["requests"] == {"total": 1, "by_status": {"cut": 1}}


@pytest.mark.parametrize("processed", [False, True])
def test_a_slow_request_is_processed_before_or_after_its_delay(insider: Simulator, *, processed: bool) -> None:
    insider.tell("faults", {"kind": "slow", "delay_ms": 2000, "processed": processed})
    with pytest.raises(requests.ReadTimeout):
        insider.session.post(insider.url + UPSERT, json={"users": [person()]}, headers=PARTNER, timeout=0.2)
    stored_early = emails(insider)

    assert stored_early == (["ann@example.com"] if processed else [])
    patience = time.monotonic() + 60
    while emails(insider) != ["ann@example.com"]:
        assert time.monotonic() < patience
        time.sleep(0.05)


def test_a_slow_request_holds_up_no_other(insider: Simulator) -> None:
    insider.tell("faults", {"kind": "slow", "delay_ms": 2000, "times": 1})
    with pytest.raises(requests.ReadTimeout):
        insider.session.post(insider.url + UPSERT, json={"users": [person()]}, headers=PARTNER, timeout=0.1)

    # Less than the rest of the delay.
    assert insider.call(UPSERT, {"users": [person()]}).elapsed < timedelta(seconds=1.5)


def test_chosen_users_fail_and_are_not_stored(insider: Simulator) -> None:
    fault = {"kind": "fail_users", "indices": [0, -1, 9], "emails": ["u2@example.com"], "message": "no"}
    insider.tell("faults", fault | {"times": 1})
    users = [person(f"u{place}@example.com") for place in range(5)]
    answer = insider.upsert(*users)

    errors = {f"users.{place}.attributes.*.type(string)": ["no"] for place in (0, 2, 4)}
    assert answer == {"successful": {"count": 2}, "fail": {"count": 3, "errors": errors}}
    assert emails(insider) == ["u1@example.com", "u3@example.com"]


def test_users_fail_without_being_named(insider: Simulator) -> None:
    insider.tell("faults", {"kind": "unattributed_fail", "count": 1, "message": "no", "times": 1})
    answer = insider.upsert(person("a@example.com"), person("b@example.com"))

    assert answer == {"successful": {"count": 1}, "fail": {"count": 1, "errors": {"users": ["no"]}}}
    assert emails(insider) == ["a@example.com"]


def test_a_fault_hits_only_requests_that_hold_its_email(insider: Simulator) -> None:
    insider.tell("faults", {"kind": "400", "emails": ["poison@example.com"]})
    batches = [["a@example.com", "poison@example.com"], ["a@example.com"], ["poison@example.com"]]
    statuses = [insider.call(UPSERT, {"users": [person(each) for each in batch]}).status_code for batch in batches]

    assert statuses == [400, 200, 400]


def test_a_fault_hits_only_its_partner_and_path(insider: Simulator) -> None:
    insider.tell("faults", {"kind": "500", "partner": "other"})
    insider.tell("faults", {"kind": "503", "path": "/api/user/v1/delete"})

    assert insider.call(UPSERT, {"users": [person()]}).status_code == 200
    assert insider.call(UPSERT, {"users": [person()]}, **{"X-PARTNER-NAME": "other"}).status_code == 500
    assert insider.call("/api/user/v1/delete", person()).status_code == 503


def test_a_share_of_the_requests_is_hit_the_same_in_every_run(insider: Simulator) -> None:
    runs = []
    for _ in range(2):
        insider.tell("faults", method="DELETE")
        insider.tell("faults", {"kind": "500", "share": 0.3, "seed": 7})
        runs.append([insider.call(UPSERT, {"users": [person()]}).status_code for _ in range(100)])

    assert runs[0] == runs[1]
    assert 15 <= runs[0].count(500) <= 45
    assert [fault["hits"] for fault in insider.ask("faults")] == [runs[0].count(500)]


def test_faults_follow_each_other_and_end(insider: Simulator) -> None:
    insider.tell("faults", {"kind": "500", "times": 2})
    insider.tell("faults", {"kind": "429", "for_seconds": 2})
    statuses = [insider.call(UPSERT, {"users": [person()]}).status_code for _ in range(3)]
    time.sleep(2.1)
    statuses.append(insider.call(UPSERT, {"users": [person()]}).status_code)

    assert statuses == [500, 500, 429, 200]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "unheard-of"}),
        ("faults", {"kind": "500", "tims": 1}),
        ("faults", {"kind": "500", "times": "1"}),
        ("faults", {}),
        ("settings", {"mismatch": "explode"}),
        ("settings", {"unheard_of": 1}),
        ("settings", {"retention": 1}),
        ("settings", {"panel": {"points": "money"}}),
    ],
)
def test_what_tests_describe_wrongly_is_refused(insider: Simulator, path: str, body: Any) -> None:
    answer = insider.session.post(f"{insider.url}/_sandbox/{path}", json=body, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert insider.ask("faults") == []
    assert insider.ask("settings") == insider.defaults


def test_a_reset_forgets_all_but_the_settings(insider: Simulator) -> None:
    insider.switch(strict_null=True)
    insider.tell("faults", {"kind": "slow"})
    insider.upsert(custom(points=1))
    insider.tell("reset")

    assert [insider.ask(path) for path in ("users", "requests", "faults")] == [[], [], []]
    assert insider.ask("stats")["requests"]["total"] == 0
    assert insider.ask("settings")["strict_null"] is True
