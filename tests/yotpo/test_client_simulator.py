"""The client against the simulator of Yotpo: all customers, look-ups, loyalty, and the rate that it counts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import CursorExpired, YotpoError, YotpoUnauthorized, YotpoUnavailable
from connector.http.outbound import Sender
from connector.model import YotpoAccount
from connector.yotpo.access import Access
from connector.yotpo.client import Hosts, StoreClient
from connector.yotpo.client import Yotpo as Client
from connector.yotpo.rate_limiter import RateLimiter
from tests.sandbox.yotpo.simulators import APP, Yotpo, simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.model import Json

WAYS = ("own", "oauth")


@pytest.fixture(scope="module")
def started() -> Iterator[Yotpo]:
    with simulator() as running_simulator:
        yield running_simulator


@pytest.fixture
def yotpo(started: Yotpo) -> Yotpo:
    return started.cleared()


def account(yotpo: Yotpo, way: str, **changes: Any) -> YotpoAccount:
    given: dict[str, Any] = {
        "store_id": 1,
        "app_key": "shop",
        "mode": way,
        "token": yotpo.installed() if way == "oauth" else None,
        "secret": "secret-of-shop" if way == "own" else None,
        "loyalty_guid": "guid-of-shop" if way == "own" else None,
        "loyalty_key": "key-of-shop" if way == "own" else None,
    }
    return YotpoAccount(**{**given, **changes})


def hosts(yotpo: Yotpo) -> Hosts:
    return Hosts(yotpo.url, yotpo.url, yotpo.url)


def hurried(yotpo: Yotpo, way: str, **changes: Any) -> StoreClient:
    """Return a client without waits, to a simulator without a rate limit."""
    sender = Sender(connect_seconds=1, read_seconds=5, bytes_limit=8_000_000)
    return StoreClient(Access(sender, hosts(yotpo), account(yotpo, way, **changes), RateLimiter(sleep=lambda _: None)))


def everybody(store_client: StoreClient, limit: int = 100) -> list[Json]:
    page = store_client.customers(expand="loyalty,reviews", limit=limit)
    found = page.customers
    while page.cursor:
        page = store_client.customers(cursor=page.cursor, limit=limit)
        found += page.customers
    return found


def truth(yotpo: Yotpo) -> list[Json]:
    """Return all customers as Core v3 returns them without custom properties."""
    return [{**each["core"], "custom_properties": None} for each in yotpo.truth()]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("limit", [100, 37])
def test_all_customers_are_read_even_if_a_cursor_allows_only_the_limit_beside_it(
    yotpo: Yotpo, way: str, limit: int
) -> None:
    yotpo.switch(strict_page_info=True)
    yotpo.tell("stores", {"app_key": "shop", "size": 250})

    assert everybody(hurried(yotpo, way), limit) == truth(yotpo)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("empty_as", ["list", "400"])
def test_a_customer_is_found_by_each_identifier_and_an_unknown_one_is_none(
    yotpo: Yotpo, way: str, empty_as: str
) -> None:
    yotpo.switch(empty_as=empty_as)
    core = yotpo.someone(email=True, phone_number=True, external_id=True)["core"]
    store_client = hurried(yotpo, way)
    found = [
        store_client.customer(email=f" {core['email'].upper()} ", expand="loyalty,reviews"),
        store_client.customer(phone=core["phone_number"], expand="loyalty,reviews"),
        store_client.customer(external_id=core["external_id"], expand="loyalty,reviews"),
    ]

    assert found == [{**core, "custom_properties": None}] * 3
    assert store_client.customer(email="nobody@example.com") is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("not_enrolled", [400, 404])
def test_loyalty_is_the_same_in_both_ways(yotpo: Yotpo, way: str, not_enrolled: int) -> None:
    yotpo.switch(not_enrolled=not_enrolled)
    named = [each for each in yotpo.truth() if each["core"]["email"]]
    member = next(each for each in named if each["loyalty"])
    other = next(each for each in named if not each["loyalty"])
    store_client = hurried(yotpo, way)
    found = store_client.loyalty(email=member["core"]["email"])

    assert found is not None
    assert {"email": found["email"], "points_balance": found["points_balance"]} == {
        name: member["loyalty"][name] for name in ("email", "points_balance")
    }
    assert store_client.loyalty(email=other["core"]["email"]) is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_customer_is_written_and_read_back(yotpo: Yotpo, way: str, status: int) -> None:
    yotpo.switch(visibility_seconds=0, patch_status=status)
    store_client = hurried(yotpo, way)
    store_client.info()
    store_client.upsert({"email": "new@example.com", "first_name": "Nora"})
    found = store_client.customer(email="new@example.com")

    assert found is not None
    assert found["first_name"] == "Nora"


@pytest.mark.parametrize("cursor_status", [400, 404, 410, 422])
def test_an_expired_cursor_is_an_error_of_its_own(yotpo: Yotpo, cursor_status: int) -> None:
    yotpo.switch(cursor_seconds=0, cursor_status=cursor_status)
    store_client = hurried(yotpo, "own")
    cursor = store_client.customers(limit=10).cursor

    with pytest.raises(CursorExpired):
        store_client.customers(cursor=cursor, limit=10)


def test_yotpo_never_refuses_the_clients_rate(yotpo: Yotpo) -> None:
    yotpo.switch(requests_per_second=5, rate_headers="both")
    client = Client(hosts=hosts(yotpo), connect_seconds=1, read_seconds=5)
    for way in (account(yotpo, "own"), account(yotpo, "own", token=yotpo.token)):
        store_client = client.store_client(way)
        for _ in range(6):
            store_client.customers(limit=1)

    assert yotpo.ask("stats")["requests"]["by_status"].get("429", 0) == 0
    assert len([asked for asked in yotpo.ask("requests") if asked["method"] == "GET"]) == 12


@pytest.mark.parametrize("rate_headers", ["draft", "retry_after", "both", "none"])
def test_a_client_that_is_too_fast_gets_the_seconds_to_wait(yotpo: Yotpo, rate_headers: str) -> None:
    yotpo.switch(requests_per_second=1, rate_headers=rate_headers)
    with contextlib.suppress(YotpoUnavailable):
        hurried(yotpo, "own", token=yotpo.token).customers(limit=1)
    with pytest.raises(YotpoUnavailable) as error:
        hurried(yotpo, "own", token=yotpo.token).customers(limit=1)

    assert error.value.limited
    assert (error.value.retry_after is None) == (rate_headers == "none")


def test_an_expired_token_is_renewed(yotpo: Yotpo) -> None:
    yotpo.switch(token_seconds=0.0)
    over = yotpo.new_token()
    yotpo.switch(token_seconds=None)
    store_client = hurried(yotpo, "own", token=over)

    assert len(store_client.customers(limit=3).customers) == 3
    assert store_client.renewed_token not in {None, over}


@pytest.mark.parametrize("way", WAYS)
def test_a_store_that_has_revoked_its_access_is_an_error(yotpo: Yotpo, way: str) -> None:
    store_client = hurried(yotpo, way, **({"token": yotpo.token} if way == "own" else {}))
    yotpo.switch(revoked=["shop"])

    with pytest.raises(YotpoUnauthorized):
        store_client.info()


def test_a_code_is_exchanged_once(yotpo: Yotpo) -> None:
    yotpo.tell("apps", APP)
    given = {
        "client_id": APP["client_id"],
        "client_secret": APP["client_secret"],
        "code": yotpo.decide()["code"],
        "redirect_uri": APP["redirect_url"],
    }
    client = Client(hosts=hosts(yotpo), connect_seconds=1, read_seconds=5)

    hurried(yotpo, "oauth", token=client.exchange(**given)).info()
    with pytest.raises(YotpoError, match="invalid_grant"):
        client.exchange(**given)


def test_review_webhooks_are_registered_listed_and_removed(yotpo: Yotpo) -> None:
    store_client = hurried(yotpo, "oauth")
    store_client.register_webhook("review_create", "https://connector.example/webhooks/1")
    ((webhook_id, url),) = store_client.webhooks().values()

    assert url == "https://connector.example/webhooks/1"
    store_client.remove_webhook(webhook_id)
    assert store_client.webhooks() == {}


@pytest.mark.parametrize("fault", ["500", "503", "429", "html", "truncated", "drop", "drop_after"])
def test_a_single_failure_is_retried_later(yotpo: Yotpo, fault: str) -> None:
    store_client = hurried(yotpo, "own", token=yotpo.token)
    yotpo.tell("faults", {"kind": fault, "times": 1})

    with pytest.raises(YotpoUnavailable):
        store_client.customers(limit=5)
    assert len(store_client.customers(limit=5).customers) == 5
