"""A backfill reads every customer once, page by page, whatever happens in between."""

from __future__ import annotations

from contextlib import closing
from threading import Timer
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import requests

from connector.errors import JournalUnavailable, OperatorError
from tests.sync.shops import SHOP

if TYPE_CHECKING:
    from tests.conftest import Insider
    from tests.sync.shops import Shop

BOTH = ["loyalty,reviews"]
_KILL = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where state = 'idle in transaction' and datname = current_database()
"""


def named(truth: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["core"] for one in truth if one["core"]["email"] or one["core"]["phone_number"]]


def profiles(insider: Insider) -> list[dict[str, Any]]:
    return insider.get("profiles", partner="acme", limit=1000)


def test_every_customer_is_sent_once_and_the_report_says_so(shop: Shop, insider: Insider) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.read()
    truth = shop.yotpo.truth()
    report = shop.report()

    assert len(truth) == SHOP
    assert report["state"] == "done"
    assert report["pages"] == 4
    assert (report["seen"], report["sent"]) == (SHOP, len(named(truth)))
    assert report["skipped"] == {"neither e-mail nor phone number": SHOP - len(named(truth))}
    assert (report["waiting"], report["delivered"], report["refused"]) == (0, len(named(truth)), 0)
    assert len(profiles(insider)) == len(named(truth))


def test_insider_gets_what_yotpo_has_and_no_journey_starts(shop: Shop, insider: Insider) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.read()
    someone = shop.yotpo.someone(yotpo_loyalty=True, yotpo_ugc=True, email=True)["core"]
    attributes = insider.user(someone["email"].lower())["custom"]

    assert attributes["yotpo_point_balance"] == someone["yotpo_loyalty"]["points_balance"]
    assert attributes["yotpo_total_reviews"] == someone["yotpo_ugc"]["total_reviews"]
    assert all(one["skip_hook"] for one in insider.get("requests") if one["path"].endswith("upsert"))


def test_all_pages_are_read_twice_if_both_blocks_cannot_be_read_at_once(shop: Shop, insider: Insider) -> None:
    shop.yotpo.switch(expand="single_only")
    shop.connect()
    shop.start()
    shop.read()
    report = shop.report()
    someone = shop.yotpo.someone(yotpo_loyalty=True, yotpo_ugc=True, email=True)["core"]
    attributes = insider.user(someone["email"].lower())["custom"]

    assert shop.account().expands == ("loyalty", "reviews")
    assert (report["state"], report["pages"], report["seen"]) == ("done", 8, SHOP)
    assert report["sent"] == report["delivered"] == len(named(shop.yotpo.truth()))
    assert attributes["yotpo_point_balance"] == someone["yotpo_loyalty"]["points_balance"]
    assert attributes["yotpo_total_reviews"] == someone["yotpo_ugc"]["total_reviews"]


def test_a_worker_that_dies_while_reading_a_page_loses_and_repeats_nothing(shop: Shop, database_url: str) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    # After each answer the connection to PostgreSQL is cut once, so the page's transaction ends without a commit.
    for _ in range(3):
        shop.yotpo.tell("faults", {"kind": "slow", "delay_ms": 1000, "times": 1})
        with closing(psycopg.connect(database_url, autocommit=True)) as killer:
            timer = Timer(0.7, killer.execute, [_KILL])
            timer.start()
            with pytest.raises(JournalUnavailable):
                shop.scheduler.run(seconds=3)
            timer.join()
    shop.read()
    report = shop.report()

    assert (report["state"], report["seen"], report["pages"]) == ("done", SHOP, 4)
    assert shop.connector.rows("select count(*) as n from events")[0].n == report["sent"]


def test_customers_added_during_a_backfill_are_read_too(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.scheduler.run(seconds=0.1)
    assert 0 < shop.report()["seen"] < SHOP
    shop.yotpo.tell("stores/shop/customers", {"count": 7})
    shop.read()

    assert shop.report()["seen"] == SHOP + 7


def test_an_expired_cursor_restarts_the_backfill_and_sends_nothing_twice(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.scheduler.run(seconds=0.1)
    before = shop.report()
    shop.yotpo.switch(cursor_seconds=0.001)
    shop.scheduler.run(seconds=0.1)
    shop.yotpo.switch(cursor_seconds=None)
    shop.read()
    report = shop.report()

    assert 0 < before["seen"] < SHOP
    assert (report["state"], report["seen"]) == ("done", SHOP)
    assert report["restarts"] >= 1
    assert (
        report["sent"] == len(named(shop.yotpo.truth())) == shop.connector.rows("select count(*) as n from events")[0].n
    )
    assert sum(report["skipped"].values()) == SHOP - report["sent"]


def test_a_backfill_fails_if_each_cursor_expires_before_the_next_page(shop: Shop) -> None:
    shop.yotpo.switch(cursor_seconds=0.001)
    shop.connect(expands=BOTH)
    shop.start()
    shop.read(seconds=60)
    report = shop.report()

    assert report["state"] == "failed"
    assert report["note"] == "Yotpo's cursors expire before the last page is read"


def test_a_second_backfill_of_changes_sends_only_changed_customers(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.read()
    first = shop.report()
    changed = next(one for one in shop.yotpo.truth() if one["core"]["email"] and one["core"]["yotpo_loyalty"])
    shop.yotpo.patch(email=changed["core"]["email"], first_name="Renamed")
    shop.start(changed_only=True)
    shop.read()
    report = shop.report()

    assert (report["seen"], report["total"]) == (SHOP, first["seen"])
    assert (report["sent"], report["unchanged"]) == (1, first["sent"] - 1)


def test_a_second_full_backfill_sends_all_customers_again(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    for _ in range(2):
        shop.start()
        shop.read()

    assert shop.report()["sent"] == shop.report()["delivered"] == len(named(shop.yotpo.truth()))


def test_a_backfill_is_paused_resumed_and_cancelled(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    backfill_id = shop.start()
    shop.scheduler.run(seconds=0.1)
    assert shop.change("paused") == [backfill_id]
    paused = shop.report()
    shop.scheduler.run(seconds=0.1)
    assert shop.report()["pages"] == paused["pages"]
    assert shop.change("running") == [backfill_id]
    shop.scheduler.run(seconds=0.1)
    assert shop.report()["pages"] > paused["pages"]
    assert shop.change("cancelled") == [backfill_id]
    shop.read()

    assert shop.report()["state"] == "cancelled"
    assert shop.report()["seen"] < SHOP


def test_a_store_has_one_backfill_at_a_time(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()

    with pytest.raises(OperatorError, match="running or paused already"):
        shop.start()


def test_no_page_is_read_while_many_snapshots_wait(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.journal.sync.accounts.ROOM", 150)
    shop.connect(expands=BOTH)
    shop.start()
    shop.scheduler.run(seconds=3)

    assert 150 <= shop.report()["waiting"] < 300
    shop.deliver()
    shop.scheduler.run(seconds=1)
    assert shop.report()["seen"] == SHOP


def test_a_customer_that_insider_refuses_is_counted_as_refused(shop: Shop, insider: Insider) -> None:
    emails = [one["core"]["email"] for one in shop.yotpo.truth() if one["core"]["email"]]
    requests.post(
        f"{insider.url}/_sandbox/faults",
        json={"kind": "fail_users", "emails": [emails[3].lower()]},
        timeout=10,
    )
    shop.connect(expands=BOTH)
    shop.start()
    shop.read()
    report = shop.report()

    assert report["refused"] == 1
    assert report["delivered"] == report["sent"] - 1
