"""Deliveries: taken in order, unchanged since they were appended; which of them share a request; attempts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.journal.results import attempts, deliveries, encoding
from connector.model import (
    Attempt,
    Delivery,
    Partition,
    Settled,
    UserEvent,
    UserUpdate,
)
from tests.journal.owed import CUSTOMER, CUSTOMERS, NOW, PARTITION, REFUSAL, append, owed, taken

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database


def test_a_delivery_is_taken_as_it_was_appended(database: Database) -> None:
    update = UserUpdate(
        identifiers={"email": CUSTOMER, "uuid": "7"},
        attributes={"zero": 0, "half": 0.5, "no": False, "tags": ["b", "a"], "text": "Ünn"},
        events=(
            UserEvent(name="b", timestamp="2026-01-01T12:00:00Z", params={"z": 1, "a": "x"}),
            UserEvent(name="a", timestamp="2026-01-01T12:00:00.5Z"),
        ),
        cleared=("tier", "age"),
    )
    (number,) = append(database, owed(7, topic="c/d", update=update, occurred_at=NOW - timedelta(milliseconds=1)))
    (delivery,) = taken(database)

    assert delivery == Delivery(
        id=number,
        event_id=7,
        topic="c/d",
        customer=CUSTOMER,
        update=update,
        occurred_at=NOW - timedelta(milliseconds=1),
        skip_hook=False,
        bytes=delivery.bytes,
    )
    assert list(delivery.update.attributes["tags"]) == ["b", "a"]  # type: ignore[arg-type]


def test_an_update_that_clears_nothing_is_stored_without_cleared(database: Database) -> None:
    append(database, owed(1))
    with database.connection() as connection:
        (row,) = connection.execute("select update, bytes from deliveries").fetchall()

    # As it was stored before attributes could be cleared.
    assert row.update == {"identifiers": {"email": CUSTOMER}, "attributes": {"name": "Ünn"}, "events": []}
    assert encoding.update_of(row.update) == owed(1).update
    assert row.bytes == len(
        '{"identifiers":{"email":"a@example.com"},"attributes":{"name":"Ünn"},"events":[]}'.encode()
    )


def test_the_length_of_a_delivery_is_in_bytes(database: Database) -> None:
    append(database, owed(1, update=UserUpdate(identifiers={}, attributes={"name": "e" * 50})))
    append(database, owed(1, update=UserUpdate(identifiers={}, attributes={"name": "é" * 50})))
    plain, accented = taken(database)

    assert accented.bytes - plain.bytes == 50
    assert plain.bytes > 50


def test_low_priority_deliveries_are_taken_separately(database: Database) -> None:
    low_priority, live, more_bulk, more_live = append(
        database, owed(1, low_priority=True), owed(2), owed(3, low_priority=True), owed(4)
    )

    assert [delivery.id for delivery in taken(database)] == [live, more_live]
    assert [delivery.id for delivery in taken(database, low_priority=True)] == [low_priority, more_bulk]
    assert [delivery.id for delivery in taken(database, low_priority=True, limit=1)] == [low_priority]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(group=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30), limit=st.integers(1, 9))
@example(group=[("a", False), ("b", False), ("a", True), ("a", False)], limit=9)
def test_a_request_has_one_skip_hook_and_keeps_each_customers_order(
    database: Database, group: list[tuple[str, bool]], limit: int
) -> None:
    append(database, *[owed(1, customer=name, skip_hook=skip_hook) for name, skip_hook in group])
    with database.connection() as connection:
        connection.execute("update deliveries set partition = %s", (PARTITION.number,))
    steps = []
    while step := taken(database, limit=limit):
        steps.append(step)
        with database.connection() as connection:
            deliveries.settle(connection, [Settled(id=delivery.id) for delivery in step])

    assert [(one.customer, one.skip_hook) for step in steps for one in step] == group
    assert all(len(step) <= limit and len({one.skip_hook for one in step}) == 1 for step in steps)


def test_only_waiting_deliveries_of_the_partition_are_taken(database: Database) -> None:
    append(database, owed(1, store_id=2), owed(2, customer=CUSTOMERS[1]), owed(3, refusal=REFUSAL))

    assert PARTITION.number != 1
    assert taken(database) == []
    assert [delivery.event_id for delivery in taken(database, Partition(2, PARTITION.number))] == [1]
    assert [delivery.event_id for delivery in taken(database, Partition(1, 1))] == [2]


def test_a_delivery_that_was_refused_alone_says_so_when_it_is_taken_again(database: Database) -> None:
    refused, other = append(database, owed(1), owed(2))
    with database.connection() as connection:
        deliveries.remember_refusal(connection, refused, 7)
        deliveries.remember_refusal(connection, refused, 8)

    assert [(one.id, one.refused_attempt_id) for one in taken(database)] == [(refused, 7), (other, None)]


def test_a_refusal_by_another_operation_replaces_the_first(database: Database) -> None:
    (refused,) = append(database, owed(1))
    noted = []
    with database.connection() as connection:
        attempt_ids = [add_attempt(connection, operation) for operation in ("upsert", "upsert", "clear", "clear")]
        for attempt_id in attempt_ids:
            deliveries.remember_refusal(connection, refused, attempt_id)
            (row,) = connection.execute("select refused_attempt_id from deliveries").fetchall()
            noted.append(attempt_ids.index(row.refused_attempt_id))

    assert noted == [0, 0, 2, 2]


@pytest.mark.parametrize(
    ("refused", "later", "asked", "expected"),
    [
        ("clear", "clear", "clear", True),
        ("upsert", "upsert", "upsert", True),
        # A successful upsert says nothing about clears, and a successful clear says nothing about upserts.
        ("clear", "upsert", "clear", False),
        ("upsert", "clear", "upsert", False),
        # A refused upsert is no evidence against the clear.
        ("upsert", "clear", "clear", False),
        ("clear", "upsert", "upsert", False),
    ],
)
def test_a_success_counts_only_for_its_own_operation(
    database: Database, refused: str, later: str, asked: str, *, expected: bool
) -> None:
    with database.connection() as connection:
        add_attempt(connection, asked)
        attempt_id = add_attempt(connection, refused, outcome="split")
        assert not attempts.delivered_since(connection, 1, attempt_id, operation=asked)
        add_attempt(connection, later)

        assert attempts.delivered_since(connection, 1, attempt_id, operation=asked) is expected


def add_attempt(connection: Connection, operation: str, outcome: str = "delivered") -> int:
    attempt = Attempt(users=1, bytes=9, status=200, outcome=outcome, duration_ms=1, excerpt="{}", operation=operation)
    return attempts.append(connection, 1, [attempt])[0]


def test_appending_no_deliveries_changes_nothing(database: Database) -> None:
    assert append(database) == []
    assert taken(database) == []
