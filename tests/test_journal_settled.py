"""What became of deliveries: settled with their attempt, shown with their event, and from when Insider's values are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from test_journal_deliveries import append, owed, receive, taken

from connector.journal import deliveries, events, stores
from connector.model import Attempt, Settled

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database
    from connector.model import Store

STARTED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
ATTEMPT = Attempt(users=2, bytes=300, status=200, outcome="partly", duration_ms=12, excerpt="{}")


def rows(connection: Connection) -> list[Any]:
    columns = "id, state, reason, notes, attempt_id, settled_at is not null as settled"
    return connection.execute(f"select {columns} from deliveries order by id").fetchall()


def test_deliveries_are_settled_one_by_one(database: Database) -> None:
    done, dead, stale, waiting = append(database, *[owed(number) for number in range(4)])
    with database.connection() as connection:
        attempt_id = deliveries.attempted(connection, 1, STARTED_AT, ATTEMPT)
        settled = [
            Settled(id=done, state="delivered", notes={"stale": ["p"]}),
            Settled(id=dead, state="dead", reason="refused"),
            Settled(id=stale, state="delivered", notes={"too_old": ["e"]}, attempted=False),
        ]
        deliveries.settle(connection, settled, attempt_id)

        assert rows(connection) == [
            (done, "delivered", None, {"stale": ["p"]}, attempt_id, True),
            (dead, "dead", "refused", None, attempt_id, True),
            (stale, "delivered", None, {"too_old": ["e"]}, None, True),
            (waiting, "waiting", None, None, None, False),
        ]
    assert [delivery.id for delivery in taken(database)] == [waiting]


def test_deliveries_of_which_nothing_had_to_be_sent_are_settled_without_an_attempt(database: Database) -> None:
    (stale,) = append(database, owed(1))
    with database.connection() as connection:
        settled = Settled(id=stale, state="delivered", notes={"stale": ["p"]}, attempted=False)
        deliveries.settle(connection, [settled], None)

        assert rows(connection) == [(stale, "delivered", None, {"stale": ["p"]}, None, True)]


def test_settling_nothing_changes_nothing(database: Database) -> None:
    (waiting,) = append(database, owed(1))
    with database.connection() as connection:
        deliveries.settle(connection, [], None)

        assert rows(connection) == [(waiting, "waiting", None, None, None, False)]


def test_what_is_refused_by_the_mapping_is_dead_from_the_start(database: Database) -> None:
    (dead,) = append(database, owed(1, reason="no identifier"))
    with database.connection() as connection:
        assert rows(connection) == [(dead, "dead", "no identifier", None, None, True)]


@pytest.mark.parametrize("status", [200, None])
def test_an_attempt_is_kept_and_shown_with_the_deliveries_of_its_event(
    database: Database, store: Store, status: int | None
) -> None:
    with database.connection() as connection:
        receive(connection, store, 1, ago=1)
    tried, waiting = append(database, owed(1), owed(1))
    append(database, owed(2))
    attempt = Attempt(users=2, bytes=300, status=status, outcome="paused", duration_ms=12, excerpt="x")
    with database.connection() as connection:
        attempt_id = deliveries.attempted(connection, store.id, STARTED_AT, attempt)
        deliveries.settle(connection, [Settled(id=tried, state="dead", reason="refused")], attempt_id)
        kept = connection.execute("select store_id, started_at, bytes, outcome, excerpt from attempts").fetchall()
        first, second = deliveries.of_event(connection, 1)
        (dead,) = deliveries.dead(connection, store_id=store.id, limit=10)
        others = deliveries.dead(connection, store_id=store.id + 1, limit=10)

    assert kept == [(store.id, STARTED_AT, 300, "paused", "x")]
    assert (first["id"], first["state"], first["attempted_at"], first["status"]) == (tried, "dead", STARTED_AT, status)
    assert (first["users"], first["duration_ms"], first["reason"]) == (2, 12, "refused")
    assert (second["id"], second["state"], second["attempted_at"]) == (waiting, "waiting", None)
    assert (dead["id"], dead["store"], dead["topic"], dead["reason"]) == (tried, "acme", "a/b", "refused")
    assert others == []


def test_times_are_remembered_attribute_by_attribute(database: Database) -> None:
    with database.connection() as connection:
        deliveries.remember_times(connection, 1, {"a": {"p": 1, "q": 1}, "b": {"p": 5}})
        deliveries.remember_times(connection, 1, {"a": {"q": 2, "r": 2}, "c": {}})
        deliveries.remember_times(connection, 2, {"a": {"p": 9}})
        deliveries.remember_times(connection, 1, {})

        known = deliveries.attribute_times(connection, 1, ["a", "b", "c", "d"])
        assert known == {"a": {"p": 1, "q": 2, "r": 2}, "b": {"p": 5}}
        assert deliveries.attribute_times(connection, 1, ["b"]) == {"b": {"p": 5}}
        assert deliveries.attribute_times(connection, 2, ["a", "b"]) == {"a": {"p": 9}}
        assert deliveries.attribute_times(connection, 1, []) == {}


def test_the_lag_is_the_age_of_the_oldest_event_that_is_not_delivered(database: Database, store: Store) -> None:
    def lag() -> float:
        with database.connection() as connection:
            return deliveries.oldest_undelivered_seconds(connection)

    assert lag() == 0
    with database.connection() as connection:
        receive(connection, store, 1, ago=100)
        receive(connection, store, 2, ago=500)
        events.mark_mapped(connection, [(2, "hash", [])])
    assert 100 <= lag() < 160
    (waiting,) = append(database, replace(owed(2), store_id=store.id))
    assert 500 <= lag() < 560
    with database.connection() as connection:
        deliveries.settle(connection, [Settled(id=waiting, state="delivered")], 1)
    assert 100 <= lag() < 160
    with database.connection() as connection:
        stores.remove(connection, store)
    assert lag() == 0
