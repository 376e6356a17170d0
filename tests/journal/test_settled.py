"""Settled deliveries with their attempts and reasons, the times of attributes, and the lag."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal import stores
from connector.journal.results import attempts, deliveries
from connector.model import Attempt, Settled
from tests.journal.owed import REFUSAL, append, mark_mapped, owed, receive, taken

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database
    from connector.model import Store

ATTEMPT = Attempt(users=2, bytes=300, status=200, outcome="partly", duration_ms=12, excerpt="{}")
TOLD = (REFUSAL.reason, REFUSAL.cause, REFUSAL.rule)
NOT_TOLD = (None, None, None)


def rows(connection: Connection) -> list[Any]:
    columns = "id, state, reason, cause, rule, notes, attempt_ids, settled_at is not null as settled"
    return connection.execute(f"select {columns} from all_deliveries order by id").fetchall()


def attempt_ids(connection: Connection) -> list[list[int]]:
    return [row.attempt_ids for row in rows(connection)]


# ------------------------------------------------------------------------------------------------- settled


def test_deliveries_are_settled_one_by_one(database: Database) -> None:
    done, dead, stale, waiting = append(database, *[owed(number) for number in range(4)])
    with database.connection() as connection:
        settled = [
            Settled(id=done, notes={"stale": ["p"]}, attempt_ids=[3, 7]),
            Settled(id=dead, refusal=REFUSAL, attempt_ids=[7]),
            Settled(id=stale, notes={"too_old": ["e"]}),
        ]
        deliveries.settle(connection, settled)

        assert rows(connection) == [
            (done, "delivered", *NOT_TOLD, {"stale": ["p"]}, [3, 7], True),
            (dead, "dead", *TOLD, None, [7], True),
            (stale, "delivered", *NOT_TOLD, {"too_old": ["e"]}, [], True),
            (waiting, "waiting", *NOT_TOLD, None, [], False),
        ]
    assert [delivery.id for delivery in taken(database)] == [waiting]


def test_settling_nothing_changes_nothing(database: Database) -> None:
    (waiting,) = append(database, owed(1))
    with database.connection() as connection:
        deliveries.settle(connection, [])
        deliveries.remember_attempts(connection, {})

        assert rows(connection) == [(waiting, "waiting", *NOT_TOLD, None, [], False)]


def test_a_delivery_that_the_mapping_refuses_is_dead_from_the_start(database: Database) -> None:
    (dead,) = append(database, owed(1, refusal=REFUSAL))
    with database.connection() as connection:
        assert rows(connection) == [(dead, "dead", *TOLD, None, [], True)]


# ------------------------------------------------------------------------------------------------ attempts


def test_the_attempts_of_a_delivery_are_kept_in_order(database: Database) -> None:
    first, second, third = append(database, *[owed(number) for number in range(3)])
    with database.connection() as connection:
        deliveries.remember_attempts(connection, {first: [1, 2], second: [2]})
        deliveries.remember_attempts(connection, {first: [3], third: []})
        assert attempt_ids(connection) == [[1, 2, 3], [2], []]
        deliveries.settle(connection, [Settled(id=first, attempt_ids=[4, 5]), Settled(id=second, refusal=REFUSAL)])

        assert attempt_ids(connection) == [[1, 2, 3, 4, 5], [2], []]
    assert [delivery.id for delivery in taken(database)] == [third]


@pytest.mark.parametrize(
    ("before", "added", "kept"),
    [(0, 50, range(50)), (49, 1, range(50)), (50, 1, range(1, 51)), (20, 200, range(170, 220)), (60, 0, range(10, 60))],
)
def test_the_newest_fifty_attempts_are_kept(database: Database, before: int, added: int, kept: range) -> None:
    waiting, settled = append(database, owed(1), owed(2))
    old, new = list(range(before)), list(range(before, before + added))
    with database.connection() as connection:
        deliveries.remember_attempts(connection, {waiting: old, settled: old})
        deliveries.remember_attempts(connection, {waiting: new})
        deliveries.settle(connection, [Settled(id=settled, attempt_ids=new)])

        assert attempt_ids(connection) == [list(kept), list(kept)]


@pytest.mark.parametrize("status", [200, None])
def test_an_attempt_is_kept_with_the_time_it_began(database: Database, status: int | None) -> None:
    attempt = Attempt(users=2, bytes=300, status=status, outcome="paused", duration_ms=60_000, excerpt="x")
    with database.connection() as connection:
        (attempt_id,) = attempts.append(connection, 7, [attempt])
        (kept,) = connection.execute("select * from attempts").fetchall()

    started_at = kept.started_at
    assert {**kept._asdict(), "ended": attempt.ended} == {
        "id": attempt_id,
        "store_id": 7,
        "started_at": started_at,
        **asdict(attempt),
    }
    assert timedelta(seconds=60) <= datetime.now(UTC) - started_at < timedelta(seconds=120)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("delivered", True), ("partly", True), ("refused", False), ("split", False), ("paused", False)],
)
def test_only_a_later_success_of_the_same_store_counts(database: Database, outcome: str, *, expected: bool) -> None:
    success, later = ATTEMPT, replace(ATTEMPT, outcome=outcome, ended=time.monotonic())
    with database.connection() as connection:
        _, attempt_id = attempts.append(connection, 1, [success, success])
        attempts.append(connection, 2, [success])
        assert not attempts.delivered_since(connection, 1, attempt_id)
        attempts.append(connection, 1, [later])

        assert attempts.delivered_since(connection, 1, attempt_id) is expected


# --------------------------------------------------------------------------------------- times and the lag


def test_the_lag_is_the_age_of_the_oldest_event_that_is_not_delivered(database: Database, store: Store) -> None:
    def lag() -> float:
        with database.connection() as connection:
            return deliveries.oldest_undelivered_seconds(connection)

    assert lag() == 0
    with database.connection() as connection:
        receive(connection, store, 1, ago=100)
        event_id = receive(connection, store, 2, ago=500)
        mark_mapped(connection, [(event_id, "hash", [])])
    assert 100 <= lag() < 160
    # The age of a replay's delivery counts from its creation.
    received_at = datetime.now(UTC) - timedelta(seconds=500)
    append(database, owed(event_id, store_id=store.id, received_at=received_at, replay_id=1))
    assert 100 <= lag() < 160
    (waiting,) = append(database, owed(event_id, store_id=store.id, received_at=received_at))
    assert 500 <= lag() < 560
    with database.connection() as connection:
        deliveries.settle(connection, [Settled(id=waiting)])
    assert 100 <= lag() < 160
    with database.connection() as connection:
        stores.remove(connection, store)
    assert lag() == 0
