"""Retention: what is old is deleted, and what still waits, is dead or is replayed stays with its events."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal import audit, events, notices, replays, story
from connector.journal.database import Database
from connector.journal.replays import Selection
from connector.journal.results import attempts, deliveries
from connector.journal.upkeep import periods, retention
from connector.journal.upkeep.retention import Retention
from connector.model import Attempt, Partitions, Progress, Settled
from tests.journal.owed import PARTITION, REFUSAL, incoming, make_older, mark_mapped, owed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.journal.database import Connection
    from connector.model import Store

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
KEEP = Retention(events=30 * DAY, outcomes=30 * DAY, attempts=30 * DAY, rejected=30 * DAY, audit=60 * DAY, period=WEEK)


@pytest.fixture
def aged(database_url: str, store: Store) -> Iterator[Aged]:
    """A journal in which events can be received at any time. Its database is dropped after the test."""
    opened = Database(database_url, connections=8, wait_seconds=5)
    with opened.connection() as connection:
        # Ends the reuse of this database by other tests, because its tables change.
        connection.execute("create table changed ()")
    yield Aged(opened, store)
    opened.close()


class Aged:
    """A journal with old events."""

    def __init__(self, database: Database, store: Store) -> None:
        self.database = database
        self.store = store
        self.now = datetime.now(UTC)

    def receive(self, key: str, *, days: float) -> int:
        """Journal an event that was received this many days ago, in a period of its own."""
        with self.database.connection() as connection:
            at = self.now - timedelta(days=days)
            (newest_first, *_) = periods.of(connection, "events")
            if at < newest_first.start:
                for table in periods.TABLES:
                    start = newest_first.start - -(-(newest_first.start - at) // WEEK) * WEEK
                    connection.execute("select make_periods(%s, %s, %s, %s)", (table, start, newest_first.start, WEEK))
            (appended,) = events.append(connection, [incoming(key, store_id=self.store.id)])
            make_older(connection, days * 86_400, [appended.id])
            return appended.id

    def settle(self, event_id: int, *, days: float, **changes: Any) -> None:
        """Take an event out of the queue, and journal a delivery that Insider has accepted this many days ago."""
        at = self.now - timedelta(days=days)
        with self.database.connection() as connection:
            connection.execute("delete from queue where id = %s", (event_id,))
            delivery = owed(event_id, store_id=self.store.id, received_at=at, **changes)
            deliveries.append(connection, [delivery], {0: Progress(settled=Settled(id=-1))})
            connection.execute("update outcomes set settled_at = %s where event_id = %s", (at, event_id))

    def owe(self, event_id: int, *, refused: bool = False) -> None:
        """Take an event out of the queue, and journal a delivery that waits, or is dead."""
        with self.database.connection() as connection:
            connection.execute("delete from queue where id = %s", (event_id,))
            refusal = REFUSAL if refused else None
            deliveries.append(connection, [owed(event_id, store_id=self.store.id, refusal=refusal)])

    def keep_up(self, keep: Retention = KEEP, *, seconds: float = 60) -> dict[str, int] | None:
        return retention.keep_up(self.database, keep, seconds=seconds)

    def ids(self, table: str = "events", column: str = "id") -> list[int]:
        with self.database.connection() as connection:
            return sorted(row[0] for row in connection.execute(f"select {column} from {table}"))

    def tables(self) -> list[str]:
        with self.database.connection() as connection:
            return [period.name for table in periods.TABLES for period in periods.of(connection, table)]


# ----------------------------------------------------------------------------------------------------- periods


def test_the_next_periods_are_made_ahead_and_only_once(aged: Aged) -> None:
    before = aged.tables()

    with aged.database.connection() as connection:
        later = datetime.now(UTC) + 30 * DAY
        made = periods.make_ahead(connection, length=WEEK, now=later)
        again = periods.make_ahead(connection, length=WEEK, now=later)
        known = periods.of(connection, "events")

    assert (made > 0, again) == (True, 0)
    assert set(before) < set(aged.tables())
    assert all(period.until - period.start == WEEK for period in known)
    assert all(period.start.weekday() == 0 for period in known)
    assert known[-1].until >= later + periods.AHEAD * WEEK - WEEK


def test_after_a_change_of_their_length_periods_follow_without_gap_or_overlap(aged: Aged) -> None:
    with aged.database.connection() as connection:
        later = datetime.now(UTC) + 30 * DAY
        periods.make_ahead(connection, length=DAY, now=later)
        known = periods.of(connection, "events")

    assert later < known[-1].until
    # The time without the connector, in which no period was made, has no table.
    assert all(one.until <= two.start for one, two in itertools.pairwise(known))
    assert known[-1].until - known[-1].start == DAY


def test_events_that_came_before_their_period_was_made_move_into_it(aged: Aged) -> None:
    event_id = aged.receive("k", days=0)
    late = aged.now + 60 * DAY
    with aged.database.connection() as connection:
        connection.execute("update events set received_at = %s where id = %s", (late, event_id))
        assert where(connection, event_id) == "events_kept"

        periods.make_ahead(connection, length=WEEK, now=late)

        assert where(connection, event_id) != "events_kept"


def test_a_period_waits_for_no_long_query_and_is_made_the_next_time(aged: Aged) -> None:
    with aged.database.connection() as connection:
        periods.drop(connection, "events", periods.of(connection, "events")[-1])
    with aged.database.transaction() as reader:
        reader.execute("select from events limit 1")
        assert "periods_made" not in (aged.keep_up() or {})
        # It waits for nothing any more that could hold up webhooks.
        with aged.database.connection() as connection:
            connection.execute("set lock_timeout = '5s'")
            events.append(connection, [incoming("k", store_id=aged.store.id)])

    assert (aged.keep_up() or {})["periods_made"] == 1


def test_a_gap_between_periods_is_filled_and_periods_after_it_stay(aged: Aged) -> None:
    """The clock was far ahead for a while, so there are periods of a later year."""
    with aged.database.connection() as connection:
        periods.make_ahead(connection, length=WEEK, now=aged.now + 300 * DAY)
        later = aged.now + 60 * DAY
        assert periods.make_ahead(connection, length=5 * DAY, now=later) > 0
        known = periods.of(connection, "events")

    assert any(period.start <= later < period.until for period in known)
    assert all(one.until <= two.start for one, two in itertools.pairwise(known))


def test_a_period_before_which_too_many_rows_came_is_not_made(aged: Aged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periods, "EARLY_LIMIT", 1)
    ids = [aged.receive(str(number), days=0) for number in range(2)]
    late = aged.now + 60 * DAY
    with aged.database.connection() as connection:
        connection.execute("update events set received_at = %s", (late,))

        periods.make_ahead(connection, length=WEEK, now=late)

        assert {where(connection, event_id) for event_id in ids} == {"events_kept"}
        assert max(period.start for period in periods.of(connection, "events")) > late


def where(connection: Connection, event_id: int) -> str:
    row = connection.execute(
        "select tableoid::regclass::text as name from events where id = %s", (event_id,)
    ).fetchone()
    assert row is not None
    return str(row.name)


# --------------------------------------------------------------------------------------------------- retention


def test_settled_events_are_dropped_with_their_period(aged: Aged) -> None:
    old, edge, new = (aged.receive(str(days), days=days) for days in (60, 31, 1))
    for event_id, days in ((old, 60), (edge, 31), (new, 1)):
        aged.settle(event_id, days=days)
    before = aged.tables()

    done = aged.keep_up()

    assert done is not None
    assert done["events_periods_dropped"] == done["outcomes_periods_dropped"] > 0
    assert old not in aged.ids()
    # An event of a period that has not ended before the limit stays.
    assert new in aged.ids()
    assert aged.ids("outcomes", "event_id") == aged.ids()
    assert set(aged.ids("event_keys", "event_id")) <= {edge, new}
    assert len(aged.tables()) < len(before)
    assert "events_periods_dropped" not in (aged.keep_up() or {})


def test_what_waits_is_dead_or_is_replayed_stays_with_its_event(aged: Aged) -> None:
    queued, waiting, dead, replayed, settled = (aged.receive(name, days=60) for name in ("q", "w", "d", "r", "s"))
    aged.owe(waiting)
    aged.owe(dead, refused=True)
    aged.settle(replayed, days=60)
    aged.settle(settled, days=60)
    with aged.database.transaction() as connection:
        replays.start(
            connection, Selection(event_ids=[replayed]), actor="ann", reason="r", skip_hook=True, per_second=1
        )

    done = aged.keep_up()

    assert done is not None
    assert done["events_periods_dropped"] > 0
    assert aged.ids() == sorted([queued, waiting, dead, replayed])
    with aged.database.connection() as connection:
        assert {where(connection, event_id) for event_id in aged.ids()} == {"events_kept"}
        received = events.take_received(connection, Partitions(aged.store.id, (PARTITION.number,)), limit=9, size=9**9)
        assert [event.id for event in received.events] == [queued]
        assert received.events[0].body == b"{}"
        told = story.of_event(connection, dead)
        batch = replays.take(connection, 1, limit=9, size=9**9)
    assert told is not None
    assert [delivery["state"] for delivery in told["deliveries"]] == ["dead"]
    assert [event.id for event in batch.events] == [replayed]


def test_a_kept_event_is_deleted_once_it_is_needed_no_more(aged: Aged) -> None:
    dead = aged.receive("d", days=60)
    aged.owe(dead, refused=True)
    aged.keep_up()
    assert aged.ids() == [dead]

    with aged.database.connection() as connection:
        connection.execute("update deliveries set state = 'discarded', settled_at = now() - interval '31 days'")
    done = aged.keep_up()

    assert done == {"kept_events_deleted": 1, "dead_letters_deleted": 1}
    assert (aged.ids(), aged.ids("deliveries")) == ([], [])


def test_a_period_with_too_many_waiting_events_is_left_alone(aged: Aged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "KEPT_LIMIT", 1)
    ids = [aged.receive(str(number), days=60) for number in range(3)]
    settled = aged.receive("settled", days=60)
    aged.settle(settled, days=60)

    aged.keep_up()

    assert aged.ids() == [*ids, settled]


def test_a_period_that_is_in_use_is_left_for_the_next_time(aged: Aged) -> None:
    settled = aged.receive("settled", days=60)
    aged.settle(settled, days=60)
    with aged.database.transaction() as reader:
        reader.execute("select from events limit 1")
        aged.keep_up()
        assert aged.ids() == [settled]

    aged.keep_up()

    assert aged.ids() == []


def test_webhooks_and_steps_go_on_while_periods_are_dropped(aged: Aged) -> None:
    for days in range(200, 40, -7):
        aged.settle(aged.receive(str(days), days=days), days=days)
    stop = threading.Event()
    journaled: list[int] = []
    failures: list[BaseException] = []

    def run() -> None:
        number = 0
        while not stop.is_set():
            try:
                with aged.database.transaction() as connection:
                    (appended,) = events.append(connection, [incoming(f"new {number}", store_id=aged.store.id)])
                    held = Partitions(aged.store.id, (PARTITION.number,))
                    received = events.take_received(connection, held, limit=10, size=10**9)
                    assert received.events
                    events.remove_from_queue(connection, aged.store.id, received, low_priority=False)
                journaled.append(appended.id)
                number += 1
            except BaseException as failure:  # noqa: BLE001 - the test shows it
                failures.append(failure)
                return

    thread = threading.Thread(target=run)
    thread.start()
    while len(journaled) < 20 and not failures:
        stop.wait(0.01)
    done = aged.keep_up()
    stop.set()
    thread.join()

    assert failures == []
    assert done is not None
    assert done["events_periods_dropped"] >= 20
    assert set(journaled) == set(aged.ids())


def test_old_records_are_deleted_in_batches(aged: Aged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    attempt = Attempt(users=1, bytes=9, status=200, outcome="delivered", duration_ms=1, excerpt="{}")
    with aged.database.connection() as connection:
        attempts.append(connection, aged.store.id, [attempt] * 6)
        connection.execute("update attempts set started_at = now() - interval '31 days' where id <= 5")
        for _ in range(6):
            notices.reject(connection, store_id=aged.store.id, code="c", message="m", content_type="t", length=1)
            audit.write(connection, actor="ann", action="a", reason="r")
        connection.execute("update rejected_webhooks set received_at = now() - interval '31 days' where id <= 5")
        connection.execute("update audit set at = now() - interval '61 days' where id <= 5")
        notices.count(connection, [(aged.now - 61 * DAY, 0, "old", 1), (aged.now, 0, "new", 1)])

    done = aged.keep_up()

    assert done == {
        "attempts_deleted": 5,
        "rejected_deleted": 5,
        "audit_deleted": 5,
        "intake_counts_deleted": 1,
    }
    assert [aged.ids(table) for table in ("attempts", "rejected_webhooks", "audit")] == [[6], [6], [6]]


def test_replays_that_have_ended_long_ago_lose_their_list_of_events(aged: Aged) -> None:
    event_id = aged.receive("k", days=1)
    with aged.database.connection() as connection:
        mark_mapped(connection, [(event_id, "hash", [])])
    for _ in range(2):
        with aged.database.transaction() as connection:
            replays.start(
                connection, Selection(store_id=aged.store.id), actor="a", reason="r", skip_hook=True, per_second=1
            )
            connection.execute("update replayed_events set mapped_at = now()")
    with aged.database.connection() as connection:
        connection.execute("update replays set state = 'done', ended_at = now() - interval '31 days' where id = 1")

    assert aged.keep_up() == {"replayed_events_deleted": 1}
    assert aged.ids("replayed_events", "replay_id") == [2]


def test_only_one_process_at_a_time_keeps_up(aged: Aged) -> None:
    with aged.database.transaction() as other:
        other.execute("select pg_advisory_xact_lock(%s)", (retention.LOCK,))
        assert aged.keep_up() is None

    assert aged.keep_up() == {}


def test_it_is_due_until_everything_is_done(aged: Aged) -> None:
    with aged.database.connection() as connection:
        assert retention.is_due(connection, KEEP)
        aged.keep_up(seconds=0)
        assert retention.is_due(connection, KEEP)
        aged.keep_up()
        assert not retention.is_due(connection, KEEP)
        connection.execute("update upkeep set ended_at = ended_at - interval '2 hours'")
        assert retention.is_due(connection, KEEP)
        # The clock was wrong at the last time.
        connection.execute("update upkeep set ended_at = now() + interval '1 year'")
        assert retention.is_due(connection, KEEP)
        # With short periods, it is due soon again.
        connection.execute("update upkeep set ended_at = now() - interval '10 seconds'")
        assert retention.is_due(connection, replace(KEEP, period=timedelta(minutes=1)))


# ------------------------------------------------------------------------------------------ the journal's time


def test_the_journals_time_never_goes_back_for_a_store(aged: Aged) -> None:
    """PostgreSQL's clock goes back by ten minutes, as after a failover to another host."""
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    with aged.database.connection() as connection:
        (first,) = events.append(connection, [incoming("1", store_id=aged.store.id)])
        connection.execute("update events set received_at = %s where id = %s", (ahead, first.id))
        appended = events.append(
            connection,
            [
                incoming("2", store_id=aged.store.id, occurred_at=None, dated=False),
                incoming("3", store_id=aged.store.id, occurred_at=ahead - timedelta(minutes=1)),
                incoming("4", store_id=aged.store.id + 1, occurred_at=None),
            ],
        )
        rows = {row.id: row for row in connection.execute("select id, received_at, occurred_at from events").fetchall()}
    undated, dated, other = (rows[one.id] for one in appended)
    assert undated.received_at == undated.occurred_at == ahead
    # Its own time is not cut to that of the slow clock.
    assert (dated.received_at, dated.occurred_at) == (ahead, ahead - timedelta(minutes=1))
    assert other.received_at < ahead - timedelta(minutes=9)


def test_a_wrong_clock_of_the_past_does_not_date_what_comes(aged: Aged) -> None:
    with aged.database.connection() as connection:
        (first,) = events.append(connection, [incoming("1", store_id=aged.store.id)])
        connection.execute("update events set received_at = now() + interval '1 year' where id = %s", (first.id,))
        undated = incoming("u", store_id=aged.store.id, occurred_at=None, dated=False)
        (second,) = events.append(connection, [undated])
        (row,) = connection.execute("select received_at < now() as is_now from events where id = %s", (second.id,))
        connection.execute("update event_keys set received_at = now() - interval '3 days'")

        assert row.is_now
        assert not events.append(connection, [undated])[0].duplicate
