"""Look-ups whose answers are odd, late or missing: a customer that fails does not affect the others."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import JournalUnavailable
from connector.journal.sync import refreshes
from connector.model.times import rfc3339
from tests.delivery.pipelines import wait_for_a_lock
from tests.sync import fronts
from tests.yotpo.answers import Answer, told

if TYPE_CHECKING:
    from tests.conftest import Insider
    from tests.sync.fronts import Question
    from tests.sync.shops import Shop

BOTH = ["loyalty,reviews"]
FAILED = told({}, 500)
#: Without keys for Loyalty, only the Core API is asked.
CORE_ONLY = {"mode": "own", "secret": "secret-of-shop"}


def emails(shop: Shop) -> list[str]:
    return [one["core"]["email"].lower() for one in shop.yotpo.truth() if one["core"]["email"]]


def member(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = shop.yotpo.someone(yotpo_loyalty=True, yotpo_ugc=True, email=True)["core"]
    return found


def webhook(shop: Shop, email: str, *, seconds_ago: float, **told_of: Any) -> None:
    """Receive, map and deliver a webhook."""
    at = rfc3339(datetime.now(UTC) - timedelta(seconds=seconds_ago))
    shop.connector.receive({"topic": "swell/points/changed", "customer": {"email": email, **told_of}, "timestamp": at})
    shop.connector.pipeline.advance(seconds=60)


def touch_in_order(shop: Shop, *customers: str) -> None:
    """Make these customers due for a look-up, in this order."""
    for number, customer in enumerate(customers):
        shop.touch(customer)
        shop.connector.rows(
            "update refreshes set due_at = now() - interval '1 hour' + make_interval(secs => %s) where customer = %s "
            "returning customer",
            number,
            customer,
        )


def waiting(shop: Shop) -> dict[str, int]:
    """Return the customers that wait for a look-up, each with its failures in a row."""
    return {row.customer: row.failures for row in shop.connector.rows("select customer, failures from refreshes")}


def snapshots(shop: Shop) -> list[datetime]:
    rows = shop.connector.rows("select occurred_at from events where topic = 'customer/snapshot' order by 1")
    return [row.occurred_at for row in rows]


def test_an_unsettled_core_answer_overwrites_nothing_newer_beside_loyalty(shop: Shop, insider: Insider) -> None:
    shop.connect(expands=BOTH)
    shown = member(shop)
    email = shown["email"].lower()
    webhook(shop, email, seconds_ago=20, first_name="Fresh", points_balance=3)
    shop.are_due()

    def loyalty_is_ahead(question: Question) -> Answer | None:
        return told({"email": email, "points_balance": 4321}) if question.is_loyalty else None

    with fronts.before(shop, loyalty_is_ahead) as front:
        front.take(settling=60)
    user = insider.user(email)
    core_at, loyalty_at = snapshots(shop)

    assert shown["first_name"] != "Fresh"
    assert user["attributes"]["name"] == "Fresh"
    assert user["custom"]["yotpo_point_balance"] == 4321
    assert user["custom"]["yotpo_total_reviews"] == shown["yotpo_ugc"]["total_reviews"]
    assert (loyalty_at - core_at).total_seconds() == pytest.approx(60, abs=10)


def test_a_looked_up_customer_is_sent_again_by_the_next_backfill_of_changes(shop: Shop, insider: Insider) -> None:
    shop.connect(expands=BOTH, **CORE_ONLY)
    shop.start()
    shop.read()
    shown = member(shop)
    email = shown["email"].lower()
    # The webhook has an older name, but Core's answer is dated earlier because it may not have settled.
    webhook(shop, email, seconds_ago=1, first_name="Of before")
    shop.are_due()
    shop.new_scheduler(settling=60).run(seconds=20)
    shop.deliver()
    assert insider.user(email)["attributes"]["name"] == "Of before"
    shop.start(changed_only=True)
    shop.read()

    assert shop.report()["sent"] == 1
    assert insider.user(email)["attributes"]["name"] == shown["first_name"]


def test_a_customer_named_by_phone_number_is_sent_again_too(shop: Shop) -> None:
    shop.connect(expands=BOTH, **CORE_ONLY)
    shop.start()
    shop.read()
    number = shop.yotpo.someone(email=True, phone_number=True)["core"]["phone_number"]
    with shop.database.connection() as connection:
        refreshes.schedule(connection, shop.store_id, [number], quiet_seconds=0, longest_seconds=0)
    shop.read()
    assert waiting(shop) == {}
    shop.start(changed_only=True)
    shop.read()

    assert shop.report()["sent"] == 1


@pytest.mark.parametrize(("status", "waits"), [(422, False), (500, True)])
def test_a_failing_loyalty_api_costs_only_its_own_part(
    shop: Shop, insider: Insider, status: int, *, waits: bool
) -> None:
    shop.connect(expands=BOTH)
    shown = member(shop)
    email = shown["email"].lower()
    touch_in_order(shop, email)
    with fronts.before(shop, lambda asked: told({"error": "no"}, status) if asked.is_loyalty else None) as front:
        front.scheduler().run(seconds=20)
        shop.deliver()

    assert waiting(shop) == ({email: 1} if waits else {})
    assert insider.user(email)["custom"]["yotpo_total_reviews"] == shown["yotpo_ugc"]["total_reviews"]
    assert (shop.account().state, shop.account().failures) == ("connected", 0)
    # The next webhook, or the next try, looks the customer up again; then Loyalty answers.
    shop.touch(email, timestamp="2026-01-02T00:00:00Z")
    shop.are_due()
    shop.read()
    assert waiting(shop) == {}
    assert "yotpo_total_spend_cents" in insider.user(email)["custom"]


def test_a_snapshot_that_was_never_journaled_does_not_count_as_unchanged(shop: Shop, insider: Insider) -> None:
    shop.connect(expands=["loyalty", "reviews"])
    shown = member(shop)
    email = shown["email"].lower()
    touch_in_order(shop, email)

    def refuse_the_second(question: Question) -> Answer | None:
        is_second = question.is_look_up and question.query["expand"] == "reviews"
        return told({}, 422) if is_second or question.is_loyalty else None

    with fronts.before(shop, refuse_the_second) as front:
        front.take()
    assert snapshots(shop) == []
    shop.start(changed_only=True)
    shop.read()

    assert (shop.report()["state"], shop.report()["unchanged"]) == ("done", 0)
    assert insider.user(email)["custom"]["yotpo_total_redemptions"] == shown["yotpo_loyalty"]["total_redemptions"]


def test_a_failing_customer_delays_neither_other_customers_nor_the_backfill(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    poison, *others = emails(shop)[:4]
    touch_in_order(shop, poison, *others)
    shop.start()
    with fronts.before(shop, lambda asked: FAILED if asked.query.get("email") == poison else None) as front:
        front.take()

    assert waiting(shop).keys() == {poison}
    assert shop.report()["state"] == "done"
    assert shop.account().failures == 0


def test_three_failing_customers_in_a_row_pause_the_store_and_then_wait(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    *poisons, other = emails(shop)[:4]
    touch_in_order(shop, *poisons, other)
    with fronts.before(shop, lambda asked: FAILED if asked.query.get("email") in poisons else None) as front:
        front.scheduler().run(seconds=20)
        assert (shop.account().paused, shop.account().failures) == (True, 1)
        assert waiting(shop) == dict.fromkeys(poisons, 1) | {other: 0}
        shop.connector.rows("update refreshes set due_at = due_at + interval '1 minute' where failures > 0 returning 1")
        shop.resume_account()
        front.take()

    assert waiting(shop) == dict.fromkeys(poisons, 1)
    assert shop.account().failures == 0


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0.5), (6, 32), (12, 2048), (13, 3600), (5000, 3600)])
def test_the_wait_for_a_failing_customer_grows_up_to_an_hour(shop: Shop, failures: int, seconds: float) -> None:
    shop.connect(expands=BOTH)
    (poison,) = emails(shop)[:1]
    touch_in_order(shop, poison)
    shop.connector.rows("update refreshes set failures = %s returning customer", failures)
    with fronts.before(shop, lambda asked: FAILED if asked.is_look_up else None) as front:
        front.scheduler().run(seconds=0.1)
    (row,) = shop.connector.rows("select failures, extract(epoch from due_at - now())::float as seconds from refreshes")

    assert row.failures == failures + 1
    assert seconds - 15 < row.seconds <= seconds


def test_a_customer_that_is_nested_too_deep_is_not_looked_up_again(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    *others, nested = emails(shop)[:3]
    touch_in_order(shop, *others, nested)
    shown = b'{"customers":[{"email":"%s","custom_properties":%s}]}' % (nested.encode(), b"[" * 300 + b"]" * 300)
    with fronts.before(shop, lambda asked: Answer(body=shown) if asked.query.get("email") == nested else None) as front:
        front.scheduler().run(seconds=20)

    assert waiting(shop) == {}
    assert shop.account().failures == 0
    assert sum(asked.is_look_up for asked in front.asked) == 3


@pytest.mark.parametrize("slow", ["the look-up", "a page after it"])
def test_a_webhook_is_mapped_at_once_during_a_look_up_of_its_customer(shop: Shop, slow: str) -> None:
    shop.connect(expands=BOTH)
    (email,) = emails(shop)[:1]
    touch_in_order(shop, email)
    shop.start()
    asked, mapped = Event(), Event()

    def wait_for_the_mapping(question: Question) -> None:
        if question.is_look_up if slow == "the look-up" else question.is_page:
            asked.set()
            mapped.wait(120)

    with fronts.before(shop, wait_for_the_mapping) as front:
        worker = Thread(target=front.scheduler().run, kwargs={"seconds": 1})
        worker.start()
        assert asked.wait(60)
        started = time.monotonic()
        shop.touch(email, timestamp="2026-01-02T00:00:00Z")
        took = time.monotonic() - started
        mapped.set()
        worker.join()

    # The request ended only after the webhook was mapped. A mapping that waited for it would have taken 120 s.
    assert took < 100
    (webhook, _) = [row.id for row in shop.connector.rows("select id from events where not bulk order by id")]
    assert shop.connector.story(webhook)["state"] == "mapped"
    assert shop.connector.rows("select id from queue where not bulk") == []


def test_finished_and_postponed_look_ups_are_locked_in_one_order(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    failures = []
    with shop.database.connection() as connection:
        refreshes.schedule(connection, shop.store_id, ["a", "b", "c"], quiet_seconds=0, longest_seconds=0)
        due = {one.customer: one for one in refreshes.due(connection, shop.store_id, limit=3)}

    def ask() -> None:
        try:
            with shop.database.transaction() as connection:
                refreshes.schedule(connection, shop.store_id, ["a", "c"], quiet_seconds=0, longest_seconds=0)
        except JournalUnavailable as error:
            failures.append(error)

    asking = Thread(target=ask)
    with shop.database.transaction() as serving:
        with shop.database.transaction() as holder:
            holder.execute("select from refreshes where customer = 'c' for update")
            # It holds the first row and waits for the last.
            asking.start()
            wait_for_a_lock(shop.database)
        refreshes.finish(serving, shop.store_id, [due["c"]], quiet_seconds=0, waits={due["a"]: 60})
    asking.join()

    assert failures == []
    assert waiting(shop) == {"a": 1, "b": 0, "c": 0}
