"""Refreshes in the journal: scheduled, due, finished; and no deadlocks between the workers that do so."""

from __future__ import annotations

import time
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from connector.errors import JournalUnavailable
from connector.journal import stores
from connector.journal.sync import accounts, refreshes
from connector.journal.sync.refreshes import Due

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.model import Store

#: In the order of their bytes. A collation for a language would sort them differently.
FIRST, MIDDLE, LAST = "B@example.com", "a@example.com", "é@example.com"


@pytest.fixture
def store(store: Store, database: Database, vault: Vault) -> Store:
    """A store that is connected to Yotpo."""
    with database.connection() as connection:
        accounts.connect(connection, vault, store_id=store.id, app_key="shop", mode="own", secret="s")
    return store


def schedule(connection: Connection, store: Store, *customers: str, quiet: float = 0.0, longest: float = 300.0) -> None:
    refreshes.schedule(connection, store.id, customers, quiet_seconds=quiet, longest_seconds=longest)


def due(connection: Connection, store: Store, limit: int = 100) -> list[Due]:
    return refreshes.due(connection, store.id, limit=limit)


def test_a_customer_with_many_webhooks_is_looked_up_once(database: Database, store: Store) -> None:
    with database.connection() as connection:
        schedule(connection, store, "a@example.com", "b@example.com", "a@example.com")
        schedule(connection, store, "b@example.com")
        schedule(connection, store)
        found = due(connection, store)

    assert sorted(found) == [Due("a@example.com", 1), Due("b@example.com", 2)]


def test_the_longest_overdue_customer_comes_first_and_others_wait(database: Database, store: Store) -> None:
    with database.connection() as connection:
        for customer, quiet in (("later", 60.0), ("second", 0.0), ("first", -1.0)):
            schedule(connection, store, customer, quiet=quiet)

        assert [one.customer for one in due(connection, store)] == ["first", "second"]
        assert [one.customer for one in due(connection, store, limit=1)] == ["first"]


def test_a_customer_that_a_webhook_touches_during_the_look_up_waits_again(database: Database, store: Store) -> None:
    with database.connection() as connection:
        schedule(connection, store, "served", "touched", "other")
        served = [one for one in due(connection, store) if one.customer != "other"]
        schedule(connection, store, "touched")
        refreshes.finish(connection, store.id, served, quiet_seconds=60)

        assert [one.customer for one in due(connection, store)] == ["other"]
        (waits,) = connection.execute(
            "select webhooks, due_at - since = interval '60 seconds' as anew from refreshes where customer = 'touched'"
        )
    assert (waits.webhooks, waits.anew) == (2, True)


def test_stores_do_not_share_customers(database: Database, store: Store, vault: Vault) -> None:
    with database.connection() as connection:
        other = stores.add(connection, vault, name="other", insider_partner="p", insider_token="t")
        accounts.connect(connection, vault, store_id=other.id, app_key="other", mode="own", secret="s")
        for one in (store, other):
            schedule(connection, one, "a@example.com")
        refreshes.finish(connection, store.id, due(connection, store), quiet_seconds=60)
        lag = {row["store"]: row["waiting"] for row in refreshes.lag(connection)}

    assert lag == {"acme": 0, "other": 1}


def test_an_account_that_is_disconnected_or_removed_has_no_lag(database: Database, store: Store, vault: Vault) -> None:
    with database.connection() as connection:
        assert len(refreshes.lag(connection)) == 1
        stores.remove(connection, store)
        assert refreshes.lag(connection) == []
        other = stores.add(connection, vault, name="other", insider_partner="p", insider_token="t")
        accounts.connect(connection, vault, store_id=other.id, app_key="other", mode="own", secret="s")
        accounts.disconnect(connection, other.id)
        assert refreshes.lag(connection) == []


@pytest.mark.parametrize("order", ["schedule, finish", "finish, schedule", "schedule, schedule"])
def test_workers_that_schedule_and_finish_at_the_same_time_never_deadlock(
    database: Database, store: Store, order: str
) -> None:
    with database.connection() as connection:
        schedule(connection, store, LAST, FIRST, MIDDLE)
        found = due(connection, store)
    steps: dict[str, Callable[[Connection], None]] = {
        "schedule": lambda connection: schedule(connection, store, LAST, MIDDLE, FIRST),
        "finish": lambda connection: refreshes.finish(connection, store.id, found, quiet_seconds=60),
    }
    failures = []

    def work(step: str) -> None:
        try:
            with database.transaction() as connection:
                steps[step](connection)
        except JournalUnavailable as error:
            failures.append(error)

    workers = [Thread(target=work, args=(step,)) for step in order.split(", ")]
    # Both have begun, and neither can end while this transaction holds the row in the middle.
    with database.transaction() as holder:
        holder.execute("select from refreshes where customer = %s for update", (MIDDLE,))
        for number, worker in enumerate(workers, start=1):
            worker.start()
            wait_for_waiting(database, number)
    for worker in workers:
        worker.join(30)

    assert failures == []


def wait_for_waiting(database: Database, number: int) -> None:
    """Wait until this many transactions of the database wait for locks of others."""
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    patience = time.monotonic() + 20
    with database.connection() as connection:
        while len(connection.execute(waiting).fetchall()) < number:
            assert time.monotonic() < patience
            time.sleep(0.01)
