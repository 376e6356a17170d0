"""Backfills in the journal: started one at a time, by an operator or each night; paused, cancelled, reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import OperatorError
from connector.journal import stores
from connector.journal.sync import accounts, backfills

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.model import Store

#: Far enough from a time of day that the duration of the test does not matter.
_AN_HOUR = timedelta(hours=1)


class Journal:
    """A connection that commits each statement, and stores that are connected to Yotpo."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self.connection = connection
        self.vault = vault

    def add(self, name: str) -> Store:
        store = stores.add(self.connection, self.vault, name=name, insider_partner="p", insider_token="t")
        accounts.connect(self.connection, self.vault, store_id=store.id, app_key=name, mode="own", secret="s")
        return store

    def start(self, *some: Store, changed_only: bool = False) -> list[int]:
        store_ids = [store.id for store in some]
        return backfills.start(self.connection, store_ids, actor="ann", reason="why", changed_only=changed_only)

    def filled(self, store: Store, *, started: timedelta, state: str = "done", seen: int = 7) -> int:
        """Journal a backfill that was started this long ago, by the database's clock."""
        row = self.connection.execute(
            """
            insert into backfills (store_id, actor, reason, changed_only, state, seen, started_at, ended_at)
            values (%s, 'ann', 'why', false, %s, %s, now() - %s,
                    case when %s in ('running', 'paused') then null else now() end)
            returning id
            """,
            (store.id, state, seen, started, state),
        ).fetchone()
        assert row
        return int(row.id)

    def reconcile(self, *, passed: timedelta = _AN_HOUR) -> list[int]:
        """Start the backfills that are due since this long ago, by the database's clock."""
        return backfills.start_reconciles(self.connection, f"{self.now() - passed:%H:%M}")

    def now(self) -> datetime:
        row = self.connection.execute("select now() as now").fetchone()
        assert row
        now: datetime = row.now.astimezone(UTC)
        return now

    def reports(self, **wanted: Any) -> list[dict[str, Any]]:
        return backfills.reports(self.connection, **wanted)


@pytest.fixture
def journal(database: Database, vault: Vault) -> Iterator[Journal]:
    with database.connection() as connection:
        yield Journal(connection, vault)


def test_all_backfills_are_started_or_none_and_the_error_names_the_active_ones(journal: Journal) -> None:
    first, second, third = (journal.add(name) for name in ("first", "second", "third"))
    journal.start(second, third)
    backfills.change(journal.connection, [third.id], state="paused")

    with pytest.raises(OperatorError, match="a backfill of 'second', 'third' is running or paused already"):
        journal.start(first, second, third)
    assert {report["store"] for report in journal.reports()} == {"second", "third"}
    assert len(journal.start(first)) == 1


def test_the_expected_total_is_the_count_of_the_last_finished_backfill(journal: Journal) -> None:
    store = journal.add("acme")
    journal.start(store)
    (first,) = journal.reports()
    backfills.change(journal.connection, [store.id], state="cancelled")
    for seen, state in ((900, "done"), (800, "done"), (5, "failed")):
        journal.filled(store, started=timedelta(days=3), seen=seen, state=state)

    assert first["total"] is None
    journal.start(store)
    assert journal.reports()[0]["total"] == 800
    backfills.change(journal.connection, [store.id], state="cancelled")
    journal.connection.execute("update backfills set started_at = now() - interval '3 days'")
    journal.reconcile()
    assert (journal.reports()[0]["reason"], journal.reports()[0]["total"]) == ("nightly reconcile", 800)


def test_a_store_is_reconciled_once_a_night(journal: Journal) -> None:
    store = journal.add("acme")
    journal.filled(store, started=timedelta(hours=20))

    (number,) = journal.reconcile()
    assert journal.reconcile() == []
    (report, _) = journal.reports()
    assert (report["id"], report["changed_only"], report["state"]) == (number, True, "running")
    assert (report["actor"], report["reason"]) == ("connector", "nightly reconcile")
    journal.connection.execute("update backfills set state = 'done', started_at = now() where id = %s", (number,))
    assert journal.reconcile() == []
    # The same, a day later.
    journal.connection.execute("update backfills set started_at = started_at - interval '1 day'")
    assert len(journal.reconcile()) == 1


def test_a_missed_reconcile_is_started_at_the_next_sweep(journal: Journal) -> None:
    journal.filled(journal.add("acme"), started=timedelta(days=3))

    # The time of day was hours ago.
    assert len(journal.reconcile(passed=timedelta(hours=11))) == 1


def test_before_the_time_of_day_nothing_is_started(journal: Journal) -> None:
    journal.filled(journal.add("acme"), started=timedelta(hours=20))

    assert journal.reconcile(passed=timedelta(hours=23)) == []
    assert journal.reconcile(passed=timedelta(hours=-1)) == []


def test_a_backfill_by_an_operator_counts_as_the_nightly_one(journal: Journal) -> None:
    store = journal.add("acme")
    journal.filled(store, started=timedelta(days=2))
    journal.filled(store, started=timedelta(minutes=30))

    assert journal.reconcile() == []


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_a_store_without_a_finished_backfill_is_not_reconciled(journal: Journal, state: str) -> None:
    journal.add("untouched")
    journal.filled(journal.add("acme"), started=timedelta(days=2), state=state)

    assert journal.reconcile() == []


@pytest.mark.parametrize("state", ["running", "paused"])
def test_while_a_backfill_is_active_no_other_is_started(journal: Journal, state: str) -> None:
    store = journal.add("acme")
    journal.filled(store, started=timedelta(days=4))
    journal.filled(store, started=timedelta(days=2), state=state)

    assert journal.reconcile() == []


def test_only_connected_stores_are_reconciled(journal: Journal) -> None:
    disconnected, revoked, removed, good = (journal.add(name) for name in ("off", "revoked", "removed", "good"))
    for store in (disconnected, revoked, removed, good):
        journal.filled(store, started=timedelta(days=2))
    accounts.disconnect(journal.connection, disconnected.id)
    journal.connection.execute("update yotpo_accounts set state = 'revoked' where store_id = %s", (revoked.id,))
    stores.remove(journal.connection, removed)

    journal.reconcile()
    assert [report["store"] for report in journal.reports(limit=1)] == ["good"]
    assert sum(report["reason"] == "nightly reconcile" for report in journal.reports()) == 1


def test_two_sweeps_at_once_start_one(journal: Journal, database: Database) -> None:
    journal.filled(journal.add("acme"), started=timedelta(days=2))
    at, barrier, found = f"{journal.now() - _AN_HOUR:%H:%M}", Barrier(2), []

    def sweep() -> None:
        with database.connection() as connection:
            barrier.wait(10)
            found.extend(backfills.start_reconciles(connection, at))

    sweeps = [Thread(target=sweep) for _ in range(2)]
    for one in sweeps:
        one.start()
    for one in sweeps:
        one.join()

    assert len(found) == 1


def test_a_backfill_that_has_ended_is_neither_paused_nor_resumed_nor_cancelled(journal: Journal) -> None:
    store = journal.add("acme")
    (number,) = journal.start(store)

    def change(state: str) -> list[int]:
        return backfills.change(journal.connection, [store.id], state=state)

    assert (change("running"), change("paused"), change("paused")) == ([], [number], [])
    assert change("cancelled") == [number]
    assert journal.reports()[0]["ended_at"]
    assert [change(state) for state in ("running", "paused", "cancelled")] == [[], [], []]


def test_a_page_that_was_being_read_counts_unless_the_backfill_was_cancelled(journal: Journal) -> None:
    store = journal.add("acme")
    journal.start(store)
    for state in ("paused", "cancelled"):
        page = backfills.running(journal.connection, store.id)
        assert page
        page.seen += 100
        backfills.change(journal.connection, [store.id], state=state)
        backfills.record(journal.connection, page)
        (report,) = journal.reports()

        assert (report["state"], report["seen"]) == (state, 100)
        backfills.change(journal.connection, [store.id], state="running")


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ("state = 'revoked'", "the account at Yotpo is revoked"),
        (
            "paused_until = now() + interval '1 hour', pause_reason = 'it fails'",
            "Yotpo is not asked until {}: it fails",
        ),
        ("paused_until = now() - interval '1 hour', pause_reason = 'it fails'", None),
    ],
)
def test_a_report_says_why_a_backfill_makes_no_progress(journal: Journal, change: str, note: str | None) -> None:
    store = journal.add("acme")
    ids = journal.start(store)
    journal.connection.execute(f"update yotpo_accounts set {change}")
    (row,) = backfills.progress(journal.connection, ids)

    assert journal.reports()[0]["note"] == row.note
    assert row.note == (note and note.format(f"{until(journal):%H:%M:%SZ}"))
    backfills.change(journal.connection, [store.id], state="paused")
    assert journal.reports()[0]["note"] is None


def until(journal: Journal) -> datetime:
    row = journal.connection.execute("select coalesce(paused_until, now()) as at from yotpo_accounts").fetchone()
    assert row
    at: datetime = row.at.astimezone(UTC)
    return at
