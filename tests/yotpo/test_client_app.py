"""Requests that only Yotpo's app may send: the exchange of a code for a token, and review webhooks."""

from __future__ import annotations

import pytest

from connector.errors import YotpoRefused, YotpoUnauthorized, YotpoUnavailable
from tests.yotpo.answers import APP_KEY, CLIENT_SECRET, CODE, TOKEN, Answer, Server, answering, told

WEBHOOKS = f"/developers-host/v2/{APP_KEY}/webhooks"


def exchanged(yotpo: Server) -> str:
    return yotpo.client().exchange(
        client_id="app",
        client_secret=CLIENT_SECRET,
        code=CODE,
        redirect_uri="https://connector.example/yotpo/back",
    )


@pytest.mark.parametrize("more", [{}, {"token_type": "bearer", "scope": None}])
def test_a_code_is_exchanged_for_a_token(more: dict[str, str | None]) -> None:
    with answering(told({"access_token": TOKEN, **more})) as yotpo:
        assert exchanged(yotpo) == TOKEN
    (asked,) = yotpo.asked

    assert (asked.method, asked.path, asked.query) == ("POST", "/developers-host/v2/oauth2/token", {})
    assert asked.content == {
        "client_id": "app",
        "client_secret": CLIENT_SECRET,
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": "https://connector.example/yotpo/back",
    }


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (told({"error": "invalid_grant", "error_description": "code is used"}, 400), YotpoRefused, "code is used"),
        (told({"error": "invalid_client"}, 401), YotpoUnauthorized, "invalid_client"),
        (told({"message": "busy"}, 503), YotpoUnavailable, "busy"),
        (told({"token_type": "bearer"}), YotpoUnavailable, "JSON with unexpected content"),
        (told({"access_token": None}), YotpoUnavailable, "JSON with unexpected content"),
        (told({"access_token": "two\nlines"}), YotpoUnavailable, "JSON with unexpected content"),
        (told(["access_token"]), YotpoUnavailable, "cannot be read"),
        (Answer(200, b"<html><title>Log in</title>"), YotpoUnavailable, "an HTML page, “Log in”"),
    ],
)
def test_a_code_that_gives_no_token_is_an_error(answer: Answer, expected: type[Exception], said: str) -> None:
    with answering(answer) as yotpo, pytest.raises(expected, match=said) as raised:
        exchanged(yotpo)

    assert type(raised.value) is expected


def test_webhooks_are_listed_by_event() -> None:
    listed = [
        {"id": 17, "webhook_event_name": "review_create", "url": "https://a.example/x"},
        {"id": "b-2", "webhook_event_name": "review_updated", "url": "https://b.example/y"},
    ]
    with answering(told({"webhooks": {"webhooks": listed}}), told({"webhooks": listed})) as yotpo:
        store_client = yotpo.app_store_client()
        found = [store_client.webhooks(), store_client.webhooks()]

    assert (
        found
        == [{"review_create": ("17", "https://a.example/x"), "review_updated": ("b-2", "https://b.example/y")}] * 2
    )
    assert yotpo.paths == [f"GET {WEBHOOKS}"] * 2
    assert yotpo.asked[0].query == {"access_token": TOKEN}


def test_an_empty_list_of_webhooks_is_no_error() -> None:
    with answering(told({"webhooks": {"webhooks": []}})) as yotpo:
        assert yotpo.app_store_client().webhooks() == {}


@pytest.mark.parametrize("content", [{}, {"webhooks": None}, {"webhooks": {}}, {"webhooks": "none"}, []])
def test_a_list_of_webhooks_of_another_shape_is_an_error(content: object) -> None:
    with answering(told(content)) as yotpo, pytest.raises(YotpoUnavailable, match="cannot be read"):
        yotpo.app_store_client().webhooks()


def test_a_webhook_is_registered_and_removed() -> None:
    with answering(told({}, 201), Answer(204, b"")) as yotpo:
        store_client = yotpo.app_store_client()
        store_client.register_webhook("review_create", "https://a.example/x")
        store_client.remove_webhook("17")

    assert yotpo.paths == [f"POST {WEBHOOKS}", f"DELETE {WEBHOOKS}/17"]
    assert yotpo.asked[0].content == {"event_name": "review_create", "url": "https://a.example/x"}
    assert [asked.query for asked in yotpo.asked] == [{"access_token": TOKEN}] * 2


def test_an_event_that_another_has_taken_is_refused_with_yotpos_sentence() -> None:
    taken = told({"errors": {"event_name": ["has already been taken"]}}, 422)
    with answering(taken) as yotpo, pytest.raises(YotpoRefused, match="event_name: has already been taken"):
        yotpo.app_store_client().register_webhook("review_create", "https://a.example/x")


def test_a_stores_own_secret_cannot_manage_webhooks() -> None:
    with answering(told({})) as yotpo:
        store_client = yotpo.store_client()
        for ask in (
            store_client.webhooks,
            lambda: store_client.register_webhook("review_create", "https://a.example/x"),
            lambda: store_client.remove_webhook("17"),
        ):
            with pytest.raises(YotpoRefused, match="needs Yotpo's app"):
                ask()

    assert yotpo.asked == []
