"""Tokens: fetched if there is none, renewed once if they have expired, and never more often than that."""

from __future__ import annotations

import pytest

from connector.errors import YotpoRefused, YotpoUnauthorized, YotpoUnavailable
from connector.yotpo.client import Page
from tests.yotpo.answers import APP_KEY, EXPIRED, NOBODY, RENEWAL, RENEWED, SECRET, TOKEN, Answer, answering, told

CUSTOMERS = f"/core-host/core/v3/stores/{APP_KEY}/customers"
ASK, FETCH = f"GET {CUSTOMERS}", f"POST /core-host/core/v3/stores/{APP_KEY}/access_tokens"


def test_a_missing_token_is_fetched() -> None:
    with answering(RENEWAL, NOBODY) as yotpo:
        store_client = yotpo.store_client(token=None)
        store_client.token()
        store_client.token()
        store_client.customers()

    assert store_client.renewed_token == store_client.account.token == RENEWED
    assert yotpo.paths == [FETCH, ASK]
    assert yotpo.asked[0].content == {"secret": SECRET}
    assert "x-yotpo-token" not in yotpo.asked[0].headers
    assert yotpo.asked[1].headers["x-yotpo-token"] == RENEWED


def test_an_existing_token_is_used() -> None:
    with answering(NOBODY) as yotpo:
        store_client = yotpo.store_client()
        store_client.token()
        store_client.customers()

    assert store_client.renewed_token is None
    assert yotpo.paths == [ASK]


def test_a_token_that_is_over_is_renewed_and_the_request_repeated() -> None:
    with answering(EXPIRED, RENEWAL, NOBODY) as yotpo:
        store_client = yotpo.store_client()

        assert store_client.customers(expand="reviews") == Page([], None)
        store_client.customers()
    assert store_client.renewed_token == RENEWED
    assert yotpo.paths == [ASK, FETCH, ASK, ASK]
    assert yotpo.asked[2].query == yotpo.asked[0].query
    assert [asked.headers.get("x-yotpo-token") for asked in yotpo.asked] == [TOKEN, None, RENEWED, RENEWED]


def test_a_write_is_repeated_with_the_renewed_token() -> None:
    with answering(EXPIRED, RENEWAL, Answer(204, b"")) as yotpo:
        yotpo.store_client().upsert({"email": "ada@example.test"})

    assert yotpo.asked[2].content == {"customer": {"email": "ada@example.test"}}


def test_a_refusal_with_the_renewed_token_is_raised() -> None:
    with answering(EXPIRED, RENEWAL, EXPIRED) as yotpo:
        store_client = yotpo.store_client()
        with pytest.raises(YotpoUnauthorized, match="401"):
            store_client.customers()

    assert store_client.renewed_token == RENEWED
    assert yotpo.paths == [ASK, FETCH, ASK]


def test_a_token_that_was_fetched_just_now_is_not_renewed() -> None:
    with answering(RENEWAL, EXPIRED) as yotpo, pytest.raises(YotpoUnauthorized):
        yotpo.store_client(token=None).customers()

    assert yotpo.paths == [FETCH, ASK]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (told({"error": "secret is wrong"}, 401), YotpoUnauthorized),
        (told({"error": "no such store"}, 404), YotpoRefused),
        (told({}, 500), YotpoUnavailable),
        (told({"token": "x"}), YotpoUnavailable),
    ],
)
def test_a_token_that_cannot_be_fetched_or_renewed_is_an_error(answer: Answer, expected: type[Exception]) -> None:
    with answering(answer) as yotpo, pytest.raises(expected):
        yotpo.store_client(token=None).token()
    with answering(EXPIRED, answer) as yotpo, pytest.raises(expected):
        yotpo.store_client().customers()

    assert yotpo.paths == [ASK, FETCH]


def test_without_a_secret_no_token_can_be_fetched() -> None:
    with answering(EXPIRED) as yotpo:
        for token in (None, TOKEN):
            with pytest.raises(YotpoUnauthorized, match="no API secret"):
                yotpo.store_client(secret=None, token=token).customers()

    assert yotpo.paths == [ASK]


def test_the_token_of_the_app_is_not_renewed() -> None:
    with answering(EXPIRED) as yotpo:
        store_client = yotpo.app_store_client()
        for ask in (
            store_client.customers,
            store_client.info,
            store_client.webhooks,
            lambda: store_client.loyalty(email="ada@example.test"),
        ):
            with pytest.raises(YotpoUnauthorized):
                ask()

    assert len(yotpo.asked) == 4
    assert store_client.renewed_token is None


def test_without_a_token_of_the_app_no_request_is_sent() -> None:
    with answering(NOBODY) as yotpo:
        store_client = yotpo.app_store_client(token=None)
        store_client.token()
        with pytest.raises(YotpoUnauthorized, match="connect the account again"):
            store_client.customers()

    assert yotpo.asked == []


def test_wrong_keys_of_the_merchant_do_not_cost_a_token() -> None:
    with answering(EXPIRED) as yotpo, pytest.raises(YotpoUnauthorized):
        yotpo.store_client().loyalty(email="ada@example.test")

    assert len(yotpo.asked) == 1
