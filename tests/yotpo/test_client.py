"""The client's requests, with the app and with a store's own secret, and how it reads responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import CursorExpired, YotpoRefused, YotpoUnavailable
from connector.yotpo.client import Page
from tests.yotpo.answers import APP_KEY, GUID, KEY, NOBODY, TOKEN, Answer, answering, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.yotpo.client import StoreClient
    from tests.yotpo.answers import Server

CUSTOMERS = f"/core/v3/stores/{APP_KEY}/customers"
ADA: dict[str, Any] = {"external_id": "7001", "email": "Ada@Example.test", "phone_number": "+14155550100"}
BEN: dict[str, Any] = {"external_id": None, "email": "ben@example.test", "phone_number": None}


def page(*customers: dict[str, Any], cursor: str | None = None) -> Answer:
    return told({"customers": list(customers), "pagination": {"next_page_info": cursor}})


def test_pages_are_read_one_after_the_other() -> None:
    with answering(page(ADA, cursor="bmV4dA=="), page(BEN)) as yotpo:
        store_client = yotpo.store_client()
        first = store_client.customers(expand="loyalty", limit=50)
        second = store_client.customers(cursor=first.cursor, limit=50)
        store_client.customers(cursor=first.cursor, expand="loyalty", limit=50)

    assert first == Page([ADA], "bmV4dA==")
    assert second == Page([BEN], None)
    assert [asked.query for asked in yotpo.asked] == [
        {"expand": "loyalty", "limit": "50"},
        {"page_info": "bmV4dA==", "limit": "50"},
        {"page_info": "bmV4dA==", "expand": "loyalty", "limit": "50"},
    ]


def test_a_stores_own_token_is_a_header_for_the_core_api() -> None:
    with answering(NOBODY) as yotpo:
        yotpo.store_client().customers()
    (asked,) = yotpo.asked

    assert (asked.method, asked.path) == ("GET", "/core-host" + CUSTOMERS)
    assert asked.headers["x-yotpo-token"] == TOKEN
    assert asked.query == {"limit": "100"}


def test_the_token_of_the_app_is_a_parameter_for_the_same_path_of_another_host() -> None:
    with answering(NOBODY) as yotpo:
        yotpo.app_store_client().customers()
    (asked,) = yotpo.asked

    assert (asked.method, asked.path) == ("GET", "/developers-host" + CUSTOMERS)
    assert asked.query == {"limit": "100", "access_token": TOKEN}
    assert "x-yotpo-token" not in asked.headers


@pytest.mark.parametrize("cursor", [None, "bmV4dA=="])
@pytest.mark.parametrize(
    "answer",
    [
        told({"customers": [], "pagination": {"next_page_info": "bmV4dA=="}}),
        told({"customers": None, "pagination": None}),
        told({"customers": []}),
        told({"error": "No results found"}, 400),
        told({"errors": [{"message": "There were no results found for this query."}]}, 400),
        Answer(400, b"no results found"),
    ],
)
def test_a_page_without_customers_is_the_last_page(answer: Answer, cursor: str | None) -> None:
    with answering(answer) as yotpo:
        assert yotpo.store_client().customers(cursor=cursor) == Page([], None)


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_refused_cursor_has_expired(status: int) -> None:
    with answering(told({"error": "invalid page_info"}, status)) as yotpo:
        with pytest.raises(CursorExpired, match="invalid page_info") as expired:
            yotpo.store_client().customers(cursor="b2xk")
        with pytest.raises(YotpoRefused) as refused:
            yotpo.store_client().customers()

    assert expired.value.status == refused.value.status == status
    assert type(refused.value) is YotpoRefused


@pytest.mark.parametrize(
    ("wanted", "query"),
    [
        ({"email": " ada@example.TEST "}, {"email": "ada@example.TEST"}),
        ({"phone": "+14155550100"}, {"phone_number": "+14155550100"}),
        ({"phone": "+1 415-555-0100"}, {"phone_number": "+1 415-555-0100"}),
        ({"external_id": "7001"}, {"external_ids": "7001"}),
    ],
)
def test_a_customer_is_looked_up(wanted: dict[str, str], query: dict[str, str]) -> None:
    with answering(page(BEN, ADA)) as yotpo:
        found = yotpo.store_client().customer(**wanted, expand="reviews")

    assert found == ADA
    assert yotpo.asked[0].query == {**query, "expand": "reviews"}


@pytest.mark.parametrize("wanted", [{"email": "da@example.test"}, {"phone": "+14155550101"}, {"external_id": "700"}])
@pytest.mark.parametrize("answer", [page(ADA, BEN), NOBODY, told({"error": "no results found"}, 400)])
def test_another_customer_is_no_match(wanted: dict[str, str], answer: Answer) -> None:
    with answering(answer) as yotpo:
        assert yotpo.store_client().customer(**wanted) is None


def test_a_look_up_without_an_identifier_is_an_error() -> None:
    with answering(NOBODY) as yotpo:
        with pytest.raises(ValueError, match="give email, phone or external_id"):
            yotpo.store_client().customer()
        with pytest.raises(ValueError, match="give email or phone"):
            yotpo.store_client().loyalty()

    assert yotpo.asked == []


FLAT = {"email": "ada@example.test", "points_balance": 120, "opt_in": True}


@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        ({"email": "ada@example.test"}, {"customer_email": "ada@example.test"}),
        ({"phone": "+14155550100"}, {"phone_number": "+14155550100"}),
    ],
)
def test_loyalty_is_asked_by_the_app_with_a_post_or_with_the_merchants_keys(
    wanted: dict[str, str], who: dict[str, str]
) -> None:
    with answering(told({"customers": FLAT}), told(FLAT)) as yotpo:
        by_app, by_keys = yotpo.app_store_client(), yotpo.store_client()

        assert by_app.has_loyalty
        assert by_keys.has_loyalty
        assert by_app.loyalty(**wanted) == by_keys.loyalty(**wanted) == FLAT
    app, keys = yotpo.asked
    assert (app.method, app.path) == ("POST", f"/developers-host/loyalty/v3/stores/{APP_KEY}/customers")
    assert (app.query, app.content) == ({"access_token": TOKEN}, {"customers": who, "with_referral_code": True})
    assert (keys.method, keys.path) == ("GET", "/loyalty-host/api/v2/customers")
    assert (keys.query, keys.content) == ({**who, "with_referral_code": "true"}, None)
    assert (keys.headers["x-guid"], keys.headers["x-api-key"]) == (GUID, KEY)
    assert "x-yotpo-token" not in keys.headers


def of_the_app(server: Server) -> StoreClient:
    return server.app_store_client()


def of_the_store(server: Server) -> StoreClient:
    return server.store_client()


@pytest.mark.parametrize("connected", [of_the_app, of_the_store])
@pytest.mark.parametrize(
    "answer",
    [
        told({"errors": [{"message": {"customer": "Could not find customer"}}]}, 404),
        told({"error": "Customer does not exist"}, 400),
        Answer(404, b""),
        told({"customers": None}),
        told({"customers": {}}),
    ],
)
def test_a_customer_that_has_not_joined_has_no_loyalty(
    answer: Answer, connected: Callable[[Server], StoreClient]
) -> None:
    with answering(answer) as yotpo:
        assert connected(yotpo).loyalty(email="ada@example.test") is None


@pytest.mark.parametrize("connected", [of_the_app, of_the_store])
def test_another_refusal_of_loyalty_is_raised(connected: Callable[[Server], StoreClient]) -> None:
    invalid = told({"error": "phone_number is invalid"}, 400)
    with answering(invalid) as yotpo, pytest.raises(YotpoRefused, match="phone_number is invalid"):
        connected(yotpo).loyalty(phone="+1")
    with answering(told({"error": "internal"})) as yotpo, pytest.raises(YotpoUnavailable, match="internal"):
        connected(yotpo).loyalty(phone="+1")


def test_loyalty_needs_the_merchants_keys() -> None:
    with answering(NOBODY) as yotpo:
        store_client = yotpo.store_client(loyalty_key=None)

        assert not store_client.has_loyalty
        with pytest.raises(YotpoRefused, match="no merchant keys"):
            store_client.loyalty(email="ada@example.test")
    assert not yotpo.app_store_client(token=None).has_loyalty
    assert yotpo.asked == []


@pytest.mark.parametrize(
    "answer", [told(ADA), told({}, 201), Answer(202, b""), Answer(204, b""), Answer(200, b"accepted")]
)
def test_a_customer_is_written(answer: Answer) -> None:
    with answering(answer) as yotpo:
        yotpo.store_client().upsert({"email": "ada@example.test", "tags": None})
    (asked,) = yotpo.asked

    assert (asked.method, asked.path) == ("PATCH", "/core-host" + CUSTOMERS)
    assert asked.content == {"customer": {"email": "ada@example.test", "tags": None}}
    assert asked.headers["content-type"] == "application/json"


def test_the_connection_is_tested_without_changing_anything() -> None:
    with answering(NOBODY) as yotpo:
        yotpo.app_store_client().info()
        yotpo.store_client().info()

    assert yotpo.paths == [f"GET /developers-host/v2/{APP_KEY}/info", "GET /core-host" + CUSTOMERS]
    assert yotpo.asked[1].query == {"limit": "1"}


@pytest.mark.parametrize("app_key", ["..", "a/b", "", "a?b=c", "a b", "ä"])
def test_an_id_that_leads_to_another_path_is_refused(app_key: str) -> None:
    with answering(NOBODY) as yotpo:
        for store_client in (yotpo.app_store_client(app_key=app_key), yotpo.store_client(app_key=app_key)):
            with pytest.raises(YotpoRefused, match="this is not an id of Yotpo"):
                store_client.info()

    assert yotpo.asked == []
