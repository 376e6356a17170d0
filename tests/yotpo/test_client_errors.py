"""Responses that are no success, cannot be read, or do not end: the error that each of them raises."""

from __future__ import annotations

import time

import pytest

from connector.errors import YotpoError, YotpoRefused, YotpoUnauthorized, YotpoUnavailable
from connector.yotpo import refusals
from connector.yotpo.client import Hosts
from tests.yotpo.answers import NOBODY, Answer, answering, told


def raised(answer: Answer, *, read_seconds: float = 5) -> YotpoError:
    """Return the error that this response to a request for customers raises."""
    with answering(answer) as yotpo, pytest.raises(YotpoError) as error:
        yotpo.store_client(read_seconds=read_seconds, mode="oauth").customers()
    return error.value


@pytest.mark.parametrize("status", [400, 402, 404, 405, 409, 410, 413, 415, 422, 451, 499])
def test_another_4xx_is_a_refusal(status: int) -> None:
    error = raised(told({"error": "it is so"}, status))

    assert type(error) is YotpoRefused
    assert (error.status, str(error)) == (status, f"Yotpo refuses the request ({status}): it is so")


def test_401_is_about_the_credentials() -> None:
    assert type(raised(told({"error": "Unauthorized"}, 401))) is YotpoUnauthorized


def test_403_is_a_refusal_of_yotpos_or_of_a_firewall_before_it() -> None:
    assert type(raised(told({"error": "Not in your plan"}, 403))) is YotpoRefused
    assert type(raised(Answer(403, b" <html><title>Blocked</title></html>"))) is YotpoUnavailable


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 408, 425, 500, 501, 502, 503, 504, 520, 599])
def test_a_temporary_failure_is_retried_later(status: int) -> None:
    error = raised(Answer(status, b"" if status == 304 else b"later"))

    assert isinstance(error, YotpoUnavailable)
    assert (error.limited, error.retry_after) == (False, None)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry_After": "7", "RateLimit_Reset": "1"}, 7.0),
        ({"Retry_After": "0"}, 0.0),
        ({"Date": "Wed, 21 Oct 2099 07:28:00 GMT", "Retry_After": "Wed, 21 Oct 2099 07:29:30 GMT"}, 90.0),
        ({"RateLimit_Reset": "1"}, 1.0),
        ({"ratelimit_reset": "0.5"}, 0.5),
        ({"Retry_After": "soon", "RateLimit_Reset": "2"}, 2.0),
        ({"RateLimit_Reset": "1790000000"}, None),
        ({"RateLimit_Reset": "-1"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_yotpo_says_how_long_to_wait(status: int, headers: dict[str, str], expected: float | None) -> None:
    error = raised(told({"message": "API rate limit exceeded"}, status, **headers))

    assert isinstance(error, YotpoUnavailable)
    assert "API rate limit exceeded" in str(error)
    assert (error.limited, error.retry_after) == (status == 429, expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":"it is so"}', "it is so"),
        (b'{"error":{"code":7,"message":"it is so"}}', "it is so"),
        (b'{"error":"invalid_grant","error_description":"it is so"}', "invalid_grant: it is so"),
        (b'{"errors":[{"message":{"customer":"Could not find customer"}}]}', "customer: Could not find customer"),
        (b'{"errors":[{"message":"one"},{"message":"two"},{"code":3}]}', "one, two"),
        (b'{"errors":["one","two"]}', "one, two"),
        (b'{"errors":{"email":["is missing","is wrong"],"tags":"odd"}}', "email: is missing, is wrong, tags: odd"),
        (b'{"message":"it is so"}', "it is so"),
        (b'{"message":"so","errors":"so"}', "so"),
        (b'{"status":{"code":401,"message":"it is so","error_type":"x"}}', "it is so"),
        (b'{"status":"error","detail":"it is so"}', "it is so"),
        (b'"it is so"', "it is so"),
        (b'[{"error":"it is so"}]', "it is so"),
        (b'{"error":null,"errors":[],"message":3}', ""),
        (b'{"error":' + b"[" * 900 + b'"deep"' + b"]" * 900 + b"}", ""),
        (b"[" * 900 + b'"deep"' + b"]" * 900, ""),
        (b'{"status":' * 900 + b"{}" + b"}" * 900, ""),
        (b'{"customer":{"first_name":"Ada"}}', ""),
        (b"it\r\n  is\tso \x00", "it is so"),
        (b"it is \xff", "it is \ufffd"),
        (b" <!DOCTYPE html><html><head><title>\n502 Bad &amp; Gateway</title>", "an HTML page, “502 Bad & Gateway”"),
        (b"<html><body>busy", "an HTML page"),
        (b'{"customers":[{"first_name":"Ada"', "JSON that is cut off"),
        (b'[{"first_name":"Ada"', "JSON that is cut off"),
        (b"", ""),
        (b'{"error":"ada@example.test or +1 415 555 0100 is taken"}', "* or * is taken"),
        (b'{"error":"no route for ?email=ada%40example.test&x=1"}', "no route for *"),
        (b'{"error":"/customers?a=1&access_token=abc&b=2 utoken=def"}', "/customers?a=1&access_token=*&b=2 utoken=*"),
        (b'{"error":"the secret hush-hush is wrong"}', "the secret * is wrong"),
    ],
)  # fmt: skip
def test_yotpo_is_quoted_in_one_sentence_whatever_the_shape(body: bytes, expected: str) -> None:
    assert refusals.sentence(body, ("hush-hush", None, "")) == expected


def test_a_refusal_without_a_reason_says_so() -> None:
    assert str(raised(Answer(418, b""))) == "Yotpo refuses the request (418): Yotpo gives no reason"


@pytest.mark.parametrize("word", ["x", "x ", "x@y.z ", "+14155550100, ", "access_token=x "])
def test_a_sentence_is_short_even_if_the_message_is_long(word: str) -> None:
    error = raised(told({"error": word * 100_000}, 400))

    assert 100 < len(str(error)) <= 300
    assert "@" not in str(error)
    assert "1415" not in str(error)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "an empty body"),
        (b'{"customers":[{"first_name":"Ada","email":"ada@exam', "JSON that is cut off"),
        (b"<html><title>Maintenance</title>", "an HTML page, “Maintenance”"),
        (b'{"error":"it is so"}', "it is so"),
        (b'{"customers":{"first_name":"Ada"}}', "JSON with unexpected content"),
        (b'{"customer":[]}', "JSON with unexpected content"),
        (b"[]", "JSON with unexpected content"),
        (b"null", "JSON with unexpected content"),
    ],
)
def test_a_success_that_cannot_be_read_is_retried_later(body: bytes, said: str) -> None:
    error = raised(Answer(200, body))

    assert type(error) is YotpoUnavailable
    assert str(error) == f"Yotpo answers 200, but the response cannot be read: {said}"


def test_entries_that_are_no_customers_are_left_out_of_a_page() -> None:
    with answering(told({"customers": [None, "x", {"email": "ada@example.test"}, []], "pagination": []})) as yotpo:
        assert yotpo.store_client().customers().customers == [{"email": "ada@example.test"}]


def test_a_response_that_is_cut_off_is_an_error() -> None:
    error = raised(NOBODY._replace(length=4_000))

    assert isinstance(error, YotpoUnavailable)
    assert str(error) == "Yotpo gives no complete response: ProtocolError"


@pytest.mark.parametrize("length", [None, -1])
def test_a_response_that_is_too_long_is_an_error(length: int | None) -> None:
    error = raised(Answer(200, b'"' + b"x" * 9_000_000 + b'"', length=length))

    assert isinstance(error, YotpoUnavailable)
    assert str(error) == "Yotpo gives no complete response: AnswerTooLong"


@pytest.mark.parametrize("pause_seconds", [0.1, 2])
def test_a_response_that_takes_too_long_is_an_error(pause_seconds: float) -> None:
    started = time.monotonic()
    error = raised(Answer(200, b"x" * 30, pieces=30, pause_seconds=pause_seconds), read_seconds=0.4)

    assert isinstance(error, YotpoUnavailable)
    # Long before the whole response has come, which takes three seconds or a minute.
    assert time.monotonic() - started < max(5, 30 * pause_seconds / 2)


def test_an_unreachable_server_is_a_temporary_error() -> None:
    with answering(NOBODY) as yotpo:
        pass
    for url in (yotpo.url, "http://["):
        with pytest.raises(YotpoUnavailable, match="no complete response"):
            yotpo.store_client(hosts=Hosts(url, url, url)).customers()


def test_a_redirect_is_not_followed() -> None:
    with answering(NOBODY) as other, answering(Answer(307, b"", {"Location": f"{other.url}/x"})) as yotpo:
        for store_client in (yotpo.store_client(), yotpo.app_store_client()):
            with pytest.raises(YotpoUnavailable, match="Yotpo answers 307"):
                store_client.customers()

    assert other.asked == []


def test_the_environment_cannot_redirect_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with answering(NOBODY._replace(headers={"Set-Cookie": "session=1; Path=/"})) as yotpo:
        store_client = yotpo.store_client()
        store_client.customers()
        store_client.customers()

    assert "cookie" not in yotpo.asked[1].headers
