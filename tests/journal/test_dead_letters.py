"""Dead letters: how they are grouped by cause, listed, discarded, and made by an operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal import stores
from connector.journal.results import dead_letters, deliveries
from connector.model import Refusal, Settled
from tests.journal.owed import CUSTOMER, NOW, REFUSAL, append, owed

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.model import Store

OTHER_CAUSE = replace(REFUSAL, cause="identifiers.email.regexp")
OTHER_RULE = replace(REFUSAL, rule="groups.yaml:8")


@pytest.fixture
def other(database: Database, vault: Vault) -> Store:
    with database.connection() as connection:
        return stores.add(connection, vault, name="other", insider_partner="o", insider_token="o")


def die(database: Database, store: Store, event_id: int, refusal: Refusal = REFUSAL, **changes: Any) -> int:
    (dead,) = append(database, owed(event_id, store_id=store.id, refusal=refusal, **changes))
    return dead


def groups(database: Database, store: Store | None = None, limit: int = 9) -> list[dict[str, Any]]:
    with database.connection() as connection:
        return dead_letters.groups(connection, store_id=store.id if store else None, limit=limit)


def group_of(database: Database, store: Store) -> str:
    """The name of a store's only group."""
    (group,) = groups(database, store)
    return str(group["group"])


def states(connection: Connection) -> dict[int, str]:
    return {row.id: row.state for row in connection.execute("select id, state from all_deliveries order by id")}


def test_dead_letters_with_the_same_cause_are_one_group(database: Database, store: Store, other: Store) -> None:
    die(database, store, 1)
    die(database, store, 2, OTHER_CAUSE)
    die(database, store, 3, OTHER_RULE)
    die(database, store, 4, topic="c/d")
    die(database, other, 5)
    # The reason may quote a value, so it does not count for the group.
    die(database, store, 6, replace(REFUSAL, reason="another address"))
    append(database, owed(7, store_id=store.id))

    told = [
        (row["store"], row["topic"], row["cause"], row["rule"], row["count"], row["event_id"], row["reason"])
        for row in groups(database)
    ]
    assert sorted(told) == [
        ("acme", "a/b", "attributes.name.type", "groups.yaml:7", 2, 6, "another address"),
        ("acme", "a/b", "attributes.name.type", "groups.yaml:8", 1, 3, REFUSAL.reason),
        ("acme", "a/b", "identifiers.email.regexp", "groups.yaml:7", 1, 2, REFUSAL.reason),
        ("acme", "c/d", "attributes.name.type", "groups.yaml:7", 1, 4, REFUSAL.reason),
        ("other", "a/b", "attributes.name.type", "groups.yaml:7", 1, 5, REFUSAL.reason),
    ]
    assert len({row["group"] for row in groups(database)}) == 5
    assert [row["store"] for row in groups(database, other)] == ["other"]


def test_the_group_with_the_newest_dead_letter_comes_first(database: Database, store: Store) -> None:
    for refusal, days in ((REFUSAL, 3), (OTHER_CAUSE, 2), (OTHER_RULE, 4), (REFUSAL, 1)):
        dead = die(database, store, 1, refusal)
        with database.connection() as connection:
            connection.execute(
                "update deliveries set settled_at = %s where id = %s", (NOW - timedelta(days=days), dead)
            )

    told = [(row["cause"], row["rule"], row["first_at"], row["last_at"]) for row in groups(database)]
    assert told == [
        (REFUSAL.cause, REFUSAL.rule, NOW - timedelta(days=3), NOW - timedelta(days=1)),
        (OTHER_CAUSE.cause, OTHER_CAUSE.rule, NOW - timedelta(days=2), NOW - timedelta(days=2)),
        (OTHER_RULE.cause, OTHER_RULE.rule, NOW - timedelta(days=4), NOW - timedelta(days=4)),
    ]
    assert len(groups(database, limit=2)) == 2


def test_a_group_keeps_its_name_as_long_as_its_cause_is_the_same(database: Database, store: Store) -> None:
    die(database, store, 1)
    name = group_of(database, store)
    die(database, store, 2, replace(REFUSAL, reason="another sentence"), mapping="another hash")
    assert group_of(database, store) == name
    with database.connection() as connection:
        assert dead_letters.discard(connection, name) == ("acme", 2)
    die(database, store, 3)

    assert group_of(database, store) == name
    assert len(name) == 8


def test_the_dead_letters_of_a_group_are_shown_newest_first(database: Database, store: Store, other: Store) -> None:
    first = die(database, store, 1)
    die(database, store, 2, OTHER_CAUSE)
    die(database, other, 3)
    (second,) = append(database, owed(4, store_id=store.id, customer="b@example.com"))
    with database.connection() as connection:
        deliveries.settle(connection, [Settled(id=second, refusal=REFUSAL, attempt_ids=[7, 9])])
        name = next(row["group"] for row in groups(database, store) if row["cause"] == REFUSAL.cause)
        newest, oldest = dead_letters.of_group(connection, name, limit=9)

        assert [row["id"] for row in dead_letters.of_group(connection, name, limit=1)] == [second]
        assert dead_letters.of_group(connection, "nothing", limit=9) == []
    assert oldest | {"settled_at": None} == {
        "id": first,
        "store": "acme",
        "topic": "a/b",
        "event_id": 1,
        "customer": CUSTOMER,
        "cause": REFUSAL.cause,
        "rule": REFUSAL.rule,
        "reason": REFUSAL.reason,
        "occurred_at": NOW,
        "settled_at": None,
        "attempts": 0,
    }
    assert datetime.now(UTC) - oldest["settled_at"] < timedelta(minutes=1)
    assert (newest["id"], newest["customer"], newest["attempts"]) == (second, "b@example.com", 2)


def test_only_the_dead_letters_of_the_group_are_discarded(database: Database, store: Store, other: Store) -> None:
    first, second = die(database, store, 1), die(database, store, 2)
    another, others = die(database, store, 3, OTHER_CAUSE), die(database, other, 4)
    (waiting,) = append(database, owed(5, store_id=store.id))
    name = next(row["group"] for row in groups(database, store) if row["count"] == 2)
    with database.connection() as connection:
        assert dead_letters.discard(connection, name) == ("acme", 2)
        assert dead_letters.discard(connection, name) == ("", 0)

        assert states(connection) == {
            first: "discarded",
            second: "discarded",
            another: "dead",
            others: "dead",
            waiting: "waiting",
        }
        kept = connection.execute("select reason, cause from all_deliveries where id = %s", (first,)).fetchone()
    assert kept == (REFUSAL.reason, REFUSAL.cause)
    assert name not in {row["group"] for row in groups(database)}


def test_an_operator_buries_the_waiting_deliveries_of_an_event(database: Database, store: Store) -> None:
    waiting, low_priority, delivered, others = append(
        database,
        *[
            owed(number, store_id=store.id, low_priority=low_priority)
            for number, low_priority in ((1, False), (1, True), (1, False), (2, False))
        ],
    )
    dead = die(database, store, 1)
    with database.connection() as connection:
        deliveries.settle(connection, [Settled(id=delivered)])
        assert dead_letters.bury(connection, 1, reason="it holds up all others") == 2
        assert dead_letters.bury(connection, 1, reason="again") == 0

        assert states(connection) == {
            waiting: "dead",
            low_priority: "dead",
            delivered: "delivered",
            others: "waiting",
            dead: "dead",
        }
    told = [(row["cause"], row["rule"], row["reason"], row["count"]) for row in groups(database)]
    assert sorted(told) == [(*_cause(REFUSAL), 1), ("operator", "", "it holds up all others", 2)]


def _cause(refusal: Refusal) -> tuple[str, str, str]:
    return refusal.cause, refusal.rule, refusal.reason


def test_dead_letters_from_before_causes_existed_are_a_group(database: Database, store: Store) -> None:
    dead = die(database, store, 1)
    with database.connection() as connection:
        connection.execute("update deliveries set cause = 'unknown', rule = null")
        name = group_of(database, store)

        assert [row["id"] for row in dead_letters.of_group(connection, name, limit=9)] == [dead]
        assert dead_letters.discard(connection, name) == ("acme", 1)
