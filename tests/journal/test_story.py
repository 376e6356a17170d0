"""The story of an event, from its receipt to the last attempt."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from connector.journal import events, notices, replays, story
from connector.journal.replays import Selection
from connector.journal.results import attempts, deliveries
from connector.model import Attempt, Note, Partitions, Settled
from tests.journal.owed import CUSTOMER, CUSTOMERS, NOW, REFUSAL, append, mark_mapped, owed, receive

if TYPE_CHECKING:
    from connector.journal.database import Database
    from connector.model import Store


def told(database: Database, event_id: int) -> dict[str, Any]:
    with database.connection() as connection:
        found = story.of_event(connection, event_id)
    assert found is not None
    return found


def test_an_unknown_event_has_no_story(database: Database) -> None:
    with database.connection() as connection:
        assert story.of_event(connection, 7) is None


def test_a_new_event_has_no_deliveries_in_its_story(database: Database, store: Store) -> None:
    body = b' {"topic" : "a/b", "name":"\xc3\xbc\\u0000"}\n'
    with database.connection() as connection:
        event_id = receive(connection, store, 3, ago=10, body=body, key="the key", customer=None)
    found = told(database, event_id)

    assert isinstance(found.pop("received_at"), datetime)
    assert found == {
        "id": event_id,
        "store": "acme",
        "topic": "a/b",
        "state": "received",
        "customer": None,
        "key": "the key",
        "occurred_at": NOW,
        "mapped_at": None,
        "mapping": None,
        "notes": None,
        "body": body,
        "notice": None,
        "replays": [],
        "deliveries": [],
    }


def test_the_story_has_the_result_of_the_mapping(database: Database, store: Store) -> None:
    with database.connection() as connection:
        event_id = receive(connection, store, 3, ago=10)
        (event,) = events.take_received(connection, Partitions(store.id, (3,)), limit=9, size=10**6).events
        for text in ("Connect it again.", "Connect it a second time."):
            notices.post(connection, event, text, {"name": "Ünn", "number": 7})
        mark_mapped(connection, [(event_id, "hash", [Note(name="n", problem="p", rule="groups.yaml:7")])])
    found = told(database, event_id)

    assert (found["state"], found["mapping"], found["customer"]) == ("mapped", "hash", CUSTOMERS[3])
    assert found["mapped_at"] >= found["received_at"]
    assert found["notes"] == [{"name": "n", "problem": "p", "rule": "groups.yaml:7"}]
    # A notice is posted once for an event, even if the event is replayed.
    assert found["notice"] == {"text": "Connect it again.", "details": {"name": "Ünn", "number": 7}}


def test_the_story_has_each_delivery_with_its_own_attempts_in_order(database: Database, store: Store) -> None:
    with database.connection() as connection:
        event_id, other_id = (receive(connection, store, 3, ago=ago) for ago in (20, 10))
        made = [
            Attempt(
                users=2, bytes=300, status=status, outcome=outcome, duration_ms=12, excerpt="{}", operation=operation
            )
            for status, outcome, operation in (
                (None, "paused", "upsert"),
                (200, "partly", "upsert"),
                (200, "delivered", "clear"),
            )
        ]
        paused, partly, later = attempts.append(connection, store.id, made)
    dead, delivered, waiting, _ = append(
        database,
        *[owed(number, store_id=store.id) for number in (event_id, event_id, event_id, other_id)],
    )
    with database.connection() as connection:
        deliveries.remember_attempts(connection, {dead: [paused], waiting: [paused]})
        deliveries.settle(connection, [Settled(id=dead, refusal=REFUSAL, attempt_ids=[partly])])
        deliveries.settle(connection, [Settled(id=delivered, notes={"stale": ["p"]}, attempt_ids=[partly, later])])
    first, second, third = told(database, event_id)["deliveries"]

    assert [one["id"] for one in (first, second, third)] == [dead, delivered, waiting]
    assert [[tried["id"] for tried in one["attempts"]] for one in (first, second, third)] == [
        [paused, partly],
        [partly, later],
        [paused],
    ]
    assert [one["state"] for one in (first, second, third)] == ["dead", "delivered", "waiting"]
    assert (first["reason"], first["cause"], first["rule"]) == (REFUSAL.reason, REFUSAL.cause, REFUSAL.rule)
    assert (second["reason"], second["notes"], third["settled_at"]) == (None, {"stale": ["p"]}, None)
    assert (first["customer"], first["mapping"], first["skip_hook"], first["replay_id"]) == (
        CUSTOMER,
        "hash",
        False,
        None,
    )
    assert first["update"] == {"identifiers": {"email": CUSTOMER}, "attributes": {"name": "Ünn"}, "events": []}
    assert [tried["operation"] for tried in second["attempts"]] == ["upsert", "clear"]
    tried = first["attempts"][0]
    assert datetime.fromisoformat(tried.pop("started_at")).tzinfo is not None
    assert tried == {
        "id": paused,
        "operation": "upsert",
        "duration_ms": 12,
        "users": 2,
        "bytes": 300,
        "status": None,
        "outcome": "paused",
        "excerpt": "{}",
    }


def test_the_story_has_each_replay_with_its_actor_and_reason(database: Database, store: Store) -> None:
    with database.connection() as connection:
        event_id, other_id = (receive(connection, store, 3, ago=ago) for ago in (20, 10))
        mark_mapped(connection, [(event_id, "hash", []), (other_id, "hash", [])])
        numbers: list[int] = []
        for chosen, actor in ((event_id, "ann"), (other_id, "cem"), (event_id, "ben")):
            replays.mark_processed(connection, len(numbers), [event_id])
            selection = Selection(event_ids=[chosen])
            started = replays.start(connection, selection, actor=actor, reason="mended", skip_hook=True, per_second=1)
            numbers.append(started[0])
        first, _, second = numbers
    append(database, owed(event_id, store_id=store.id, replay_id=first, low_priority=True, skip_hook=True))
    found = told(database, event_id)

    assert [(one["id"], one["actor"], one["reason"]) for one in found["replays"]] == [
        (first, "ann", "mended"),
        (second, "ben", "mended"),
    ]
    assert [one["mapped_at"] is None for one in found["replays"]] == [False, True]
    assert [(one["replay_id"], one["skip_hook"]) for one in found["deliveries"]] == [(first, True)]


def test_a_store_that_was_removed_still_has_its_story(database: Database, store: Store) -> None:
    with database.connection() as connection:
        event_id = receive(connection, store, 3, ago=10)
        connection.execute("update stores set removed_at = now()")

    assert told(database, event_id)["store"] == "acme"
