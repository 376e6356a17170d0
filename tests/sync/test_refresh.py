"""Customers that webhooks have touched are looked up once they are quiet; their snapshots go to Insider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal.sync import refreshes
from connector.model.times import rfc3339

if TYPE_CHECKING:
    from tests.conftest import Insider
    from tests.sync.shops import Shop

BOTH = ["loyalty,reviews"]
MEMBER = {"yotpo_loyalty": True, "yotpo_ugc": True, "email": True}


@pytest.fixture
def member(shop: Shop) -> dict[str, Any]:
    """A customer of a connected store with a value in every field."""
    shop.connect(expands=BOTH)
    return shop.yotpo.someone(**MEMBER)


def email_of(member: dict[str, Any]) -> str:
    return str(member["core"]["email"]).lower()


def asked(shop: Shop) -> list[str]:
    return [f"{one['method']} {one['path']}" for one in shop.asked() if "access_tokens" not in one["path"]]


def test_a_webhook_brings_the_attributes_that_no_webhook_has(
    shop: Shop, insider: Insider, member: dict[str, Any]
) -> None:
    shop.touch(email_of(member))
    shop.are_due()
    shop.read()
    custom = insider.user(email_of(member))["custom"]

    assert custom["yotpo_total_reviews"] == member["core"]["yotpo_ugc"]["total_reviews"]
    assert custom["yotpo_total_redemptions"] == member["core"]["yotpo_loyalty"]["total_redemptions"]
    assert custom["yotpo_total_spend_cents"] == member["loyalty"]["total_spend_cents"]
    assert custom["yotpo_referral_link"] == member["loyalty"]["referral_link"]["link"]


def test_many_webhooks_are_one_look_up(shop: Shop, member: dict[str, Any]) -> None:
    for minute in range(5):
        shop.touch(email_of(member), timestamp=rfc3339(datetime.now(UTC) - timedelta(minutes=minute)))
    shop.are_due()
    shop.read()

    assert asked(shop) == ["GET /core/v3/stores/shop/customers", "GET /api/v2/customers"]
    assert shop.connector.rows("select from refreshes") == []


def test_a_look_up_waits_for_quiet_but_never_longer_than_the_limit(shop: Shop, member: dict[str, Any]) -> None:
    email = email_of(member)
    shop.touch(email, timestamp="2026-01-01T00:00:00Z")
    (first,) = shop.connector.rows("select since, due_at, webhooks from refreshes")
    shop.touch(email, timestamp="2026-01-02T00:00:00Z")
    (second,) = shop.connector.rows("select since, due_at, webhooks from refreshes")
    shop.connector.rows("update refreshes set since = now() - interval '1 hour' returning customer")
    shop.touch(email, timestamp="2026-01-03T00:00:00Z")
    (third,) = shop.connector.rows("select due_at <= now() as due, webhooks from refreshes")

    assert (first.due_at - first.since).total_seconds() == pytest.approx(0.5)
    assert second.since == first.since
    assert second.due_at > first.due_at
    assert (first.webhooks, second.webhooks, third.webhooks) == (1, 2, 3)
    assert third.due


def test_a_webhook_during_a_look_up_leads_to_another_one(shop: Shop, member: dict[str, Any]) -> None:
    shop.touch(email_of(member), timestamp="2026-01-01T00:00:00Z")
    shop.are_due()
    with shop.database.transaction() as connection:
        due = refreshes.due(connection, shop.store_id, limit=5)
    shop.touch(email_of(member), timestamp="2026-01-02T00:00:00Z")
    with shop.database.transaction() as connection:
        refreshes.finish(connection, shop.store_id, due, quiet_seconds=30)
    (waits,) = shop.connector.rows("select due_at > now() + interval '20 seconds' as later from refreshes")

    assert waits.later


def test_a_store_that_is_not_connected_asks_nothing(shop: Shop) -> None:
    shop.touch("ann@example.com")

    assert shop.connector.rows("select from refreshes") == []


@pytest.mark.parametrize("status", [400, 404])
def test_not_enrolled_is_an_answer(shop: Shop, insider: Insider, status: int) -> None:
    shop.yotpo.switch(not_enrolled=status)
    shop.connect(expands=BOTH)
    stranger = next(one["core"] for one in shop.yotpo.truth() if one["core"]["email"] and not one["loyalty"])
    shop.touch(stranger["email"].lower())
    shop.are_due()
    shop.read()

    assert insider.user(stranger["email"].lower())["attributes"]["name"] == stranger["first_name"]
    assert shop.connector.rows("select from refreshes") == []
    assert not shop.account().failures


@pytest.mark.parametrize("empty", ["list", "400"])
def test_a_customer_unknown_to_yotpo_is_not_looked_up_again(shop: Shop, empty: str) -> None:
    shop.yotpo.switch(empty_as=empty)
    shop.connect(expands=BOTH)
    shop.touch("nobody@example.com")
    shop.are_due()
    shop.read()

    assert shop.connector.rows("select from refreshes") == []
    assert [row.topic for row in shop.connector.rows("select topic from events")] == ["swell/points/changed"]


def test_attributes_that_ended_are_cleared_at_insider(shop: Shop, insider: Insider, member: dict[str, Any]) -> None:
    email = email_of(member)
    shop.connector.receive(
        {
            "topic": "swell/points/changed",
            "customer": {
                "email": email,
                "vip_tier_name": "Gold",
                "points_balance": 1,
                "points_expire_at": "2030-01-01",
            },
            "timestamp": rfc3339(datetime.now(UTC) - timedelta(seconds=30)),
        }
    )
    shop.connector.pipeline.advance(seconds=60)
    assert insider.user(email)["custom"]["yotpo_vip_tier_name"] == "Gold"
    assert member["loyalty"]["vip_tier_name"] is None
    shop.are_due()
    shop.read()

    assert "yotpo_vip_tier_name" not in insider.user(email)["custom"]
    assert insider.user(email)["custom"]["yotpo_point_balance"] == member["loyalty"]["points_balance"]


def test_a_webhook_that_is_newer_than_the_look_up_is_not_overwritten(
    shop: Shop, insider: Insider, member: dict[str, Any]
) -> None:
    email = email_of(member)
    shop.touch(email, timestamp="2026-01-01T00:00:00Z")
    shop.are_due()
    shop.scheduler.run(seconds=20)
    # Looked up, but not delivered yet. Meanwhile a webhook with a newer value comes.
    shop.connector.receive(
        {
            "topic": "swell/points/changed",
            "customer": {"email": email, "points_balance": 987_654},
            "timestamp": rfc3339(datetime.now(UTC)),
        }
    )
    shop.deliver()
    custom = insider.user(email)["custom"]

    assert custom["yotpo_point_balance"] == 987_654
    assert custom["yotpo_total_reviews"] == member["core"]["yotpo_ugc"]["total_reviews"]


def test_an_unsettled_core_answer_overwrites_nothing_newer_without_loyalty(
    shop: Shop, insider: Insider, member: dict[str, Any]
) -> None:
    shop.connect(mode="own", secret="secret-of-shop")
    shop.connect(mode="own", secret="secret-of-shop", expands=BOTH)
    email = email_of(member)
    just_now = rfc3339(datetime.now(UTC) - timedelta(seconds=20))
    shop.connector.receive(
        {
            "topic": "swell/points/changed",
            "customer": {"email": email, "points_balance": 987_654},
            "timestamp": just_now,
        }
    )
    shop.connector.pipeline.advance(seconds=60)
    shop.are_due()
    shop.new_scheduler(settling=60).run(seconds=20)
    shop.deliver()
    custom = insider.user(email)["custom"]

    assert custom["yotpo_point_balance"] == 987_654
    assert custom["yotpo_total_reviews"] == member["core"]["yotpo_ugc"]["total_reviews"]
    assert "yotpo_total_spend_cents" not in custom


def test_refused_loyalty_keys_cost_only_the_loyalty_attributes(
    shop: Shop, insider: Insider, member: dict[str, Any]
) -> None:
    shop.connect(mode="own", secret="secret-of-shop", loyalty_guid="wrong", loyalty_key="wrong", expands=BOTH)
    shop.touch(email_of(member))
    shop.are_due()
    shop.read()
    account = shop.account()

    assert insider.user(email_of(member))["custom"]["yotpo_total_reviews"]
    assert (account.state, account.unauthorized) == ("connected", 0)


def test_a_customer_that_yotpo_refuses_does_not_delay_the_others(shop: Shop, insider: Insider) -> None:
    shop.connect(expands=BOTH)
    refused, shown = [one["core"]["email"].lower() for one in shop.yotpo.truth() if one["core"]["email"]][:2]
    shop.touch(refused)
    shop.are_due()
    shop.touch(shown)
    shop.are_due()
    shop.yotpo.tell("faults", {"kind": "status", "status": 422, "times": 1, "path": "customers"})
    shop.read()

    assert insider.user(shown)["attributes"]["name"]
    assert shop.connector.rows("select from refreshes") == []


def test_look_ups_come_before_pages_and_pages_still_come(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    emails = [one["core"]["email"].lower() for one in shop.yotpo.truth() if one["core"]["email"]][:7]
    for email in emails:
        shop.touch(email)
    shop.are_due()
    shop.start()
    shop.read()
    asked = [one for one in shop.asked() if (one["method"], one["path"].startswith("/core")) == ("GET", True)]
    kinds = ["look-up" if "email" in one["query"] else "page" for one in asked]

    assert kinds[:7] == ["look-up"] * 5 + ["page", "look-up"]
    assert kinds.count("look-up") == 7
    assert shop.report()["state"] == "done"


def test_status_shows_the_lag(shop: Shop, member: dict[str, Any]) -> None:
    shop.touch(email_of(member))
    shop.connector.rows("update refreshes set due_at = now() - interval '90 seconds' returning customer")
    with shop.database.connection() as connection:
        (lag,) = refreshes.lag(connection)

    assert (lag["store"], lag["yotpo"], lag["waiting"], lag["due"]) == ("acme", "connected", 1, 1)
    assert lag["lag_seconds"] == pytest.approx(90, abs=10)
