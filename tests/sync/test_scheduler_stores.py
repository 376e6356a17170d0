"""Stores that are slow, endless, refused or unreadable delay neither other stores nor a worker."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal import stores
from connector.journal.sync import accounts, backfills
from connector.journal.vault import Vault
from tests.sync import fronts
from tests.yotpo.answers import Answer, told

if TYPE_CHECKING:
    from connector.model import Store
    from tests.sync.fronts import Question
    from tests.sync.shops import Shop

BOTH = ["loyalty,reviews"]
FIREWALL = Answer(403, b"<html><title>Attention Required</title></html>")


@pytest.fixture
def other(shop: Shop) -> Store:
    """Another store, connected to another store of the simulator with three pages of customers."""
    return add(shop, "other")


def add(shop: Shop, name: str) -> Store:
    shop.yotpo.tell("stores", {"app_key": name, "size": 300})
    keys = {"secret": f"secret-of-{name}", "loyalty_guid": f"guid-of-{name}", "loyalty_key": f"key-of-{name}"}
    with shop.database.transaction() as connection:
        store = stores.add(connection, shop.vault, name=name, insider_partner=name, insider_token="token")
        accounts.connect(connection, shop.vault, store_id=store.id, app_key=name, mode="own", **keys)
        account = accounts.by_store(connection, shop.vault, store.id)
        assert account
        accounts.keep_findings(connection, account, expands=BOTH, review_webhooks={})
    return store


def touch(shop: Shop, store_id: int, number: int = 1) -> None:
    """Make this many customers of a store due for a look-up; Yotpo knows none of them."""
    shop.connector.rows(
        "insert into refreshes (store_id, customer, since, due_at) "
        "select %s, 'nobody-' || n || '@example.com', now(), now() from generate_series(1, %s) as n returning customer",
        store_id,
        number,
    )


def fill(shop: Shop, store_id: int) -> None:
    with shop.database.transaction() as connection:
        backfills.start(connection, [store_id], actor="ann", reason="a test", changed_only=False)


def report(shop: Shop, store_id: int) -> dict[str, Any]:
    with shop.database.connection() as connection:
        return backfills.reports(connection, store_id=store_id, limit=1)[0]


@pytest.mark.parametrize("step", ["page", "look-up"])
def test_a_slow_store_does_not_delay_the_look_ups_of_others(
    shop: Shop, other: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    # One thread is left. The slow store must not get it, although it was asked longest ago.
    monkeypatch.setattr("connector.sync.scheduler.STORES", 2)
    shop.connect(expands=BOTH)
    asked, answered = Event(), Event()

    def slow(question: Question) -> None:
        if "/shop/" in question.path and (question.is_page or question.is_look_up):
            asked.set()
            answered.wait(20)

    if step == "page":
        shop.start()
    else:
        touch(shop, shop.store_id)
    with fronts.before(shop, slow) as front:
        worker = Thread(target=front.scheduler().run, kwargs={"seconds": 20})
        worker.start()
        assert asked.wait(20)
        # Both have been asked, the slow one longest ago.
        shop.connector.rows(
            "update yotpo_accounts set turn_at = now() - case store_id when %s then interval '1 hour' else '1 s' end "
            "returning store_id",
            shop.store_id,
        )
        touch(shop, other.id)
        fill(shop, other.id)
        patience = time.monotonic() + 15
        while report(shop, other.id)["state"] != "done" and time.monotonic() < patience:
            time.sleep(0.05)
        state = report(shop, other.id)["state"]
        left = shop.connector.rows("select from refreshes where store_id = %s", other.id)
        answered.set()
        worker.join()

    assert (state, left) == ("done", [])


def test_endless_look_ups_of_one_store_starve_neither_anothers_backfill_nor_its_own(
    shop: Shop, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.sync.scheduler.STORES", 1)
    shop.connect(expands=BOTH)
    touch(shop, shop.store_id, 500)
    shop.start()
    fill(shop, other.id)
    with fronts.before(shop) as front:
        patience = time.monotonic() + 60
        while "running" in {report(shop, shop.store_id)["state"], report(shop, other.id)["state"]}:
            assert time.monotonic() < patience
            front.scheduler().run(seconds=3)
            # As many customers become due as are looked up.
            shop.connector.rows("delete from refreshes returning customer")
            touch(shop, shop.store_id, 500)

    assert {report(shop, store_id)["state"] for store_id in (shop.store_id, other.id)} == {"done"}
    assert sum(question.is_look_up for question in front.asked) >= 5


def test_a_firewalls_page_revokes_nothing(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    touch(shop, shop.store_id, 20)
    with fronts.before(shop, lambda question: FIREWALL if question.is_page or question.is_look_up else None) as front:
        front.take(6, seconds=1)
        account = shop.account()

    assert (account.state, account.unauthorized) == ("connected", 0)
    assert account.failures
    assert shop.report()["state"] == "running"
    shop.resume_account()
    shop.read()
    assert shop.report()["state"] == "done"


def test_three_refused_credentials_revoke_but_not_within_a_moment(shop: Shop) -> None:
    shop.connect(expands=BOTH, mode="oauth", token="a token")
    shop.start()
    with fronts.before(shop, lambda question: told({}, 401) if question.is_page else None) as front:
        for times in (1, 2):
            # The store is paused: more runs send no request.
            for _ in range(3):
                front.scheduler().run(seconds=0.5)
            account = shop.account()
            assert (account.state, account.unauthorized, len(front.asked)) == ("connected", times, times)
            (row,) = shop.connector.rows("select extract(epoch from paused_until - now()) as wait from yotpo_accounts")
            assert 10 < row.wait <= 20
            shop.resume_account()
        front.scheduler().run(seconds=0.5)

    assert (shop.account().state, len(front.asked)) == ("revoked", 3)


def test_unreadable_secrets_are_logged_once_a_minute(
    shop: Shop, other: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    with fronts.before(shop) as front:
        scheduler = front.scheduler(vault=Vault(["a key that has sealed nothing of all this"]))
        capfd.readouterr()
        for _ in range(3):
            assert not scheduler.run(seconds=2)
    (row,) = shop.connector.rows(
        "select failures, extract(epoch from paused_until - now()) as wait, pause_reason from yotpo_accounts "
        "where store_id = %s",
        shop.store_id,
    )
    told_of = capfd.readouterr()

    assert (told_of.out + told_of.err).count("store.failed") == 1
    assert (row.failures, front.asked) == (1, [])
    assert 40 < row.wait <= 60
    assert "SECRET_KEY" in row.pause_reason
    assert other.id != shop.store_id


def test_a_store_that_waits_for_room_frees_the_worker(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.journal.sync.accounts.ROOM", 100)
    shop.connect(expands=BOTH)
    shop.start()
    shop.scheduler.run(seconds=20)
    pages = shop.report()["pages"]
    assert 0 < pages < 4
    started = time.monotonic()

    assert not shop.scheduler.run(seconds=60)
    assert time.monotonic() - started < 50
    assert shop.report()["pages"] == pages
    shop.deliver()
    shop.scheduler.run(seconds=20)
    assert shop.report()["pages"] > pages
