"""The client against the simulator of Insider, and against a bare socket where the simulator is too well-behaved."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from connector.insider import wire
from connector.insider.client import Insider
from connector.model import Store, UserUpdate
from tests.insider.servers import TOKEN, bare, person, store_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Insider as Simulator

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 52\r\n\r\n{"data":{"successful":{"count":1},"fail":{}}}       '


@pytest.fixture
def acme(insider: Simulator) -> Store:
    return store_at(insider.url)


@pytest.fixture
def client() -> Insider:
    return Insider(url="http://127.0.0.1:9", connect_seconds=1, read_seconds=5)


@pytest.fixture
def only_acme(insider: Simulator) -> Iterator[None]:
    """Let Insider accept only the store acme with its token."""
    insider.post("settings", partners={"acme": TOKEN})
    yield
    insider.post("settings", partners={})


def test_users_arrive(client: Insider, acme: Store, insider: Simulator) -> None:
    users = [person(name="Ann"), person("b@example.com", yotpo_point_balance=7)]
    answer = client.upsert(acme, users, skip_hook=True)

    assert (answer.status, answer.verdict, answer.message, answer.retry_after) == (200, wire.Verdict(), "", None)
    assert insider.user("a@example.com")["attributes"] == {"name": "Ann"}
    assert insider.user("b@example.com")["custom"] == {"yotpo_point_balance": 7}
    (logged,) = insider.get("requests")
    assert (logged["partner"], logged["skip_hook"], logged["users"]) == ("acme", True, 2)
    assert logged["bytes"] == len(wire.encode_request(users, skip_hook=True))


@pytest.mark.usefixtures("only_acme")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"insider_token": "another"}, 403),
        ({"insider_partner": "other"}, 403),
        ({"insider_partner": "Acme"}, 403),
    ],
)
def test_the_stores_own_credentials_are_sent(
    client: Insider, acme: Store, changes: dict[str, str], status: int
) -> None:
    answer = client.upsert(replace(acme, **changes), [person()], skip_hook=False)  # type: ignore[arg-type]

    assert answer.status == status
    assert answer.message.startswith("Access Denied.") is (status == 403)
    assert answer.verdict == (wire.Verdict() if status == 200 else None)


def test_a_request_is_what_insider_documents(client: Insider, acme: Store) -> None:
    with bare(OK) as server:
        answer = client.upsert(replace(acme, insider_url=server.url + "/"), [person()], skip_hook=False)
    head, _, body = server.received.partition(b"\r\n\r\n")
    first, *lines = head.decode().splitlines()

    assert answer.verdict == wire.Verdict()
    assert first == "POST /api/user/v1/upsert HTTP/1.1"
    assert {f"X-PARTNER-NAME: {acme.insider_partner}", f"X-REQUEST-TOKEN: {TOKEN}"} <= set(lines)
    assert "Content-Type: application/json" in lines
    assert json.loads(body) == {"skip_hook": False, "users": [json.loads(person())]}


def forgotten(email: str = "a@example.com") -> bytes:
    return wire.encode_cleared(UserUpdate(identifiers={"email": email}, cleared=("name", "tier")))


def test_cleared_attributes_are_forgotten(client: Insider, acme: Store, insider: Simulator) -> None:
    client.upsert(acme, [person(name="Ann", surname="Roe", tier="Gold")], skip_hook=False)
    answer = client.clear(acme, [forgotten(), forgotten("nobody@example.com")])

    failure = wire.Failure("identifiers.exists", "no such user for these identifiers: no data")
    assert (answer.status, answer.verdict) == (200, wire.Verdict({1: [failure]}))
    user = insider.user("a@example.com")
    assert (user["attributes"], user["custom"]) == ({"surname": "Roe"}, {})


def test_a_request_to_clear_is_what_insider_documents(client: Insider, acme: Store) -> None:
    with bare(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as server:
        answer = client.clear(replace(acme, insider_url=server.url), [forgotten()])
    head, _, body = server.received.partition(b"\r\n\r\n")
    first, *lines = head.decode().splitlines()

    assert (answer.status, answer.verdict) == (200, wire.Verdict())
    assert first == "POST /api/user/v1/attribute/delete HTTP/1.1"
    assert {f"X-PARTNER-NAME: {acme.insider_partner}", f"X-REQUEST-TOKEN: {TOKEN}"} <= set(lines)
    assert "Content-Type: application/json" in lines
    assert json.loads(body) == {"users": [json.loads(forgotten())]}


def test_a_store_without_a_host_of_its_own_is_sent_to_the_common_one(acme: Store, insider: Simulator) -> None:
    client = Insider(url=insider.url, connect_seconds=1, read_seconds=5)

    assert client.upsert(replace(acme, insider_url=None), [person()], skip_hook=False).status == 200
    assert client.clear(replace(acme, insider_url=None), [forgotten()]).status == 200


def test_refused_users_are_named(client: Insider, acme: Store) -> None:
    answer = client.upsert(acme, [person(), person("no address")], skip_hook=False)

    failure = wire.Failure(r"identifiers.*.regexp(^.+@.+\..+$)", "not a valid email address: no address")
    assert answer.verdict == wire.Verdict({1: [failure]})


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "429", "variant": 0}, (429, "rejected: too many requests")),
        ({"kind": "429", "variant": 1}, (429, "Too Many Requests")),
        ({"kind": "400"}, (400, "no valid identifier: bad request")),
        ({"kind": "401"}, (401, "Partner token authentication failed.")),
        ({"kind": "500"}, (500, "The request processing has failed because of an unknown error.")),
        ({"kind": "503"}, (503, "")),
        ({"kind": "html"}, (200, "")),
        ({"kind": "wrong_json"}, (200, "")),
        ({"kind": "empty"}, (200, "")),
        ({"kind": "cut_before"}, (None, "ConnectionError")),
        ({"kind": "cut_after"}, (None, "ConnectionError")),
    ],
)
def test_failures_are_responses_and_not_exceptions(
    client: Insider, acme: Store, insider: Simulator, fault: dict[str, Any], expected: tuple[int | None, str]
) -> None:
    insider.post("faults", **fault, times=1)
    answer = client.upsert(acme, [person()], skip_hook=False)

    assert (answer.status, answer.message) == expected
    assert answer.verdict is None
    assert client.upsert(acme, [person()], skip_hook=False).status == 200
    insider.post("faults", **fault, times=1)
    answer = client.clear(acme, [forgotten()])
    assert (answer.status, answer.message, answer.verdict) == (*expected, None)


def test_a_slow_insider_is_given_up(acme: Store, insider: Simulator) -> None:
    insider.post("faults", kind="slow", delay_ms=4000, times=1)
    answer = Insider(url="", connect_seconds=1, read_seconds=0.2).upsert(acme, [person()], skip_hook=False)

    assert (answer.status, answer.message) == (None, "ReadTimeout")
    # Before it would have answered.
    assert 200 <= answer.duration_ms < 4000
    # What is still on its way would reach Insider in the middle of the next test.
    while not insider.get("requests"):
        time.sleep(0.05)


def test_an_unreachable_server_is_a_response_too(client: Insider, acme: Store) -> None:
    assert client.upsert(replace(acme, insider_url=None), [person()], skip_hook=False).status is None
    assert client.upsert(replace(acme, insider_url="https://["), [person()], skip_hook=False).status is None


@pytest.mark.parametrize(("form", "least"), [("seconds", 90), ("date", 80)])
def test_insider_says_how_long_to_wait(
    client: Insider, acme: Store, insider: Simulator, form: str, least: float
) -> None:
    insider.post("faults", kind="429", retry_after=90, retry_after_as=form)
    retry_after = client.upsert(acme, [person()], skip_hook=False).retry_after

    assert retry_after is not None
    assert least <= retry_after <= 90


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"0", 0.0),
        (b" 7 ", 7.0),
        (b"Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        (b"Wed, 21 Oct 99999 07:28:00 GMT", None),
        (b"soon", None),
        (b"-5", None),
        (b"", None),
        pytest.param(b"\xb2", None),
    ],
)
def test_a_wait_that_cannot_be_read_is_none(
    client: Insider, acme: Store, header: bytes, expected: float | None
) -> None:
    with bare(b"HTTP/1.1 503 Busy\r\nRetry-After: " + header + b"\r\nContent-Length: 0\r\n\r\n") as server:
        answer = client.upsert(replace(acme, insider_url=server.url), [person()], skip_hook=False)

    assert (answer.status, answer.retry_after) == (503, expected)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (b"Wed, 21 Oct 2099 07:28:00 GMT", 90),
        (b"Wed, 21 Oct 2099 07:28:00 -0000", 90),
        (b"Wed, 21 Oct 2099 09:28:00 +0200", 90),
        (b"Wed, 21 Oct 2099 07:30:00 GMT", 0),
    ],
)
def test_a_retry_after_date_is_read_by_insiders_clock(
    client: Insider, acme: Store, date: bytes, expected: float
) -> None:
    until = b"Retry-After: Wed, 21 Oct 2099 07:29:30 GMT"
    with bare(b"HTTP/1.1 503 Busy\r\n" + until + b"\r\nDate: " + date + b"\r\nContent-Length: 0\r\n\r\n") as server:
        answer = client.upsert(replace(acme, insider_url=server.url), [person()], skip_hook=False)

    assert answer.retry_after == expected


def test_a_redirect_is_not_followed(client: Insider, acme: Store, insider: Simulator) -> None:
    location = f"{insider.url}/api/user/v1/upsert".encode()
    with bare(b"HTTP/1.1 307 Moved\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n") as server:
        answer = client.upsert(replace(acme, insider_url=server.url), [person()], skip_hook=False)

    assert answer.status == 307
    assert insider.get("requests") == []


def test_the_environment_does_not_say_where_credentials_go(
    client: Insider, acme: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    assert client.upsert(acme, [person()], skip_hook=False).status == 200
