"""The scheduler: one worker at a time asks a store's Yotpo, keeps to its rate, and pauses after failures."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import pytest

from connector.journal import partitions
from connector.journal.sync import accounts

if TYPE_CHECKING:
    from tests.sync.shops import Shop

BOTH = ["loyalty,reviews"]


def test_a_new_account_is_tried_out_before_anything_else(shop: Shop) -> None:
    shop.connect()
    shop.start()
    shop.read()

    assert shop.account().expands == ("loyalty,reviews",)
    assert shop.report()["state"] == "done"


@pytest.mark.parametrize(
    ("switches", "expands"),
    [
        ({"expand": "both"}, ("loyalty,reviews",)),
        ({"expand": "loyalty_only"}, ("loyalty", "reviews")),
        ({"expand": "reviews_only"}, ("loyalty", "reviews")),
        ({"expand": "single_only_400"}, ("loyalty", "reviews")),
        ({"no_loyalty": ["shop"]}, ("loyalty", "reviews")),
    ],
)
def test_the_trial_finds_the_values_of_expand(
    shop: Shop, switches: dict[str, object], expands: tuple[str, ...]
) -> None:
    shop.yotpo.switch(**switches)
    shop.connect()
    shop.scheduler.run(seconds=20)

    assert shop.account().expands == expands


def test_two_workers_together_ask_no_more_than_five_times_a_second(shop: Shop) -> None:
    shop.yotpo.switch(requests_per_second=5)
    shop.connect(expands=BOTH)
    shop.start()
    workers = [Thread(target=shop.new_scheduler().run, kwargs={"seconds": 6}) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    stats = shop.yotpo.ask("stats")

    assert stats["stores"]["shop"]["most_in_a_second"] <= 5
    assert "429" not in stats["requests"]["by_status"]
    assert shop.report()["state"] == "done"


def test_nobody_else_asks_while_a_lease_is_held(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    with shop.database.transaction() as connection:
        assert partitions.hold_lease(connection, shop.store_id)
        shop.scheduler.run(seconds=1)
        assert shop.asked() == []
    shop.read()

    assert shop.report()["state"] == "done"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429, "retry_after": 2},
        {"kind": "html"},
        {"kind": "truncated"},
        {"kind": "drop"},
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_a_failing_yotpo_pauses_the_store(shop: Shop, fault: dict[str, object]) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.yotpo.tell("faults", {**fault, "times": 1, "path": "customers"})
    assert not shop.scheduler.run(seconds=5)
    account, report = shop.account(), shop.report()
    # A used-up rate concerns all requests for the store; other failures may concern only this page.
    assert (account.paused, account.state) == (fault.get("status") == 429, "connected")
    assert " asked " in report["note"]
    assert "until" in report["note"]
    assert report["pages"] == 0
    shop.resume_account()
    shop.read()

    assert (shop.report()["state"], shop.report()["note"]) == ("done", None)
    assert shop.account().failures == 0


def test_an_expired_token_is_renewed_and_kept(shop: Shop) -> None:
    shop.connect(expands=BOTH, mode="own", secret="secret-of-shop", token="a token of long ago")
    shop.start()
    shop.read()

    assert shop.report()["state"] == "done"
    assert shop.account().token not in {None, "a token of long ago"}
    assert [one["path"] for one in shop.asked()].count("/core/v3/stores/shop/access_tokens") == 1


def test_after_three_refusals_an_account_counts_as_revoked_and_is_not_asked_again(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.yotpo.switch(revoked=["shop"])
    for _ in range(3):
        assert shop.account().state == "connected"
        shop.scheduler.run(seconds=5)
        shop.resume_account()
    before = len(shop.asked())
    shop.scheduler.run(seconds=2)
    with shop.database.connection() as connection:
        assert accounts.connected(connection) == []

    assert shop.account().state == "revoked"
    assert len(shop.asked()) == before
    assert shop.report()["note"] == "the account at Yotpo is revoked"


def test_customers_touched_while_revoked_are_looked_up_after_reconnecting(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.connector.rows("update yotpo_accounts set state = 'revoked' returning store_id")
    shop.touch("ann@example.com")
    shop.are_due()
    shop.scheduler.run(seconds=1)
    assert shop.asked() == []
    shop.connect(expands=BOTH)
    shop.read()

    assert [one["query"]["email"] for one in shop.asked() if "email" in one["query"]] == [["ann@example.com"]]


def test_a_reconnected_account_goes_on(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.yotpo.switch(revoked=["shop"])
    for _ in range(3):
        shop.scheduler.run(seconds=5)
        shop.resume_account()
    shop.yotpo.switch(revoked=[])
    shop.connect()
    shop.read()

    assert shop.report()["state"] == "done"


def test_two_refusals_and_an_answer_are_no_revocation(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    for _ in range(2):
        shop.yotpo.switch(revoked=["shop"])
        shop.scheduler.run(seconds=5)
        shop.scheduler.run(seconds=5)
        shop.resume_account()
        shop.yotpo.switch(revoked=[])
        shop.scheduler.run(seconds=0.1)

    assert (shop.account().state, shop.account().unauthorized) == ("connected", 0)


def test_a_disconnected_account_is_asked_nothing_and_forgets_its_keys(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    shop.touch("ann@example.com")
    with shop.database.transaction() as connection:
        assert accounts.disconnect(connection, shop.store_id)
    shop.scheduler.run(seconds=2)
    account = shop.account()

    assert (account.state, account.token, account.secret, account.loyalty_key) == ("disconnected", None, None, None)
    assert shop.report()["state"] == "cancelled"
    assert shop.connector.rows("select from refreshes") == []
    assert shop.asked() == []
