"""Deliveries: who holds a partition, which are busy, and what is taken first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from connector.errors import JournalUnavailable
from connector.journal import deliveries, events, stores
from connector.model import (
    PARTITIONS,
    Delivery,
    Incoming,
    Owed,
    Partition,
    Settled,
    UserEvent,
    UserUpdate,
    partition_number,
)

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.model import Store

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CUSTOMER = "a@example.com"
PARTITION = Partition(1, partition_number(CUSTOMER))
#: A customer of each partition.
CUSTOMERS = {partition_number(f"{number}@example.com"): f"{number}@example.com" for number in range(500)}


def owed(event_id: int, **changes: Any) -> Owed:
    given: dict[str, Any] = {
        "event_id": event_id,
        "store_id": 1,
        "customer": CUSTOMER,
        "occurred_at": NOW,
        "update": UserUpdate(identifiers={"email": CUSTOMER}, attributes={"name": "Ünn"}),
        "skip_hook": False,
        "mapping": "hash",
    }
    return Owed(**given | changes)


def append(database: Database, *group: Owed) -> list[int]:
    """Append deliveries and return their ids."""
    with database.connection() as connection:
        deliveries.append(connection, group)
        rows = connection.execute("select id from deliveries order by id desc limit %s", (len(group),)).fetchall()
        return [row.id for row in reversed(rows)]


def taken(database: Database, partition: Partition = PARTITION, limit: int = 100) -> list[Delivery]:
    with database.connection() as connection:
        return deliveries.take_waiting(connection, partition, limit)


# ------------------------------------------------------------------------------------------------ holding


def test_a_held_partition_is_nobody_elses_until_the_transaction_ends(database: Database) -> None:
    with database.transaction() as holder, database.transaction() as other:
        assert deliveries.hold(holder, PARTITION)
        assert deliveries.hold(holder, PARTITION)
        assert not deliveries.hold(other, PARTITION)
        assert deliveries.hold(other, Partition(1, (PARTITION.number + 1) % PARTITIONS))
        assert deliveries.hold(other, Partition(2, PARTITION.number))

    with database.transaction() as other:
        assert deliveries.hold(other, PARTITION)


def test_a_partition_is_let_go_by_a_transaction_that_fails(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as holder:
            assert deliveries.hold(holder, PARTITION)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with database.transaction() as other:
        assert deliveries.hold(other, PARTITION)


def test_a_killed_workers_partition_is_free_and_its_work_undone(database: Database, database_url: str) -> None:
    (number,) = append(database, owed(1))

    def be_killed() -> None:
        with database.transaction() as holder:
            assert deliveries.hold(holder, PARTITION)
            deliveries.settle(holder, [Settled(id=number, state="delivered")], 1)
            with psycopg.connect(database_url, autocommit=True) as operator:
                operator.execute("select pg_terminate_backend(%s, 10000)", (holder.info.backend_pid,))
            with database.transaction() as other:
                assert deliveries.hold(other, PARTITION)
                assert [delivery.id for delivery in deliveries.take_waiting(other, PARTITION, 10)] == [number]
            deliveries.hold(holder, PARTITION)

    with pytest.raises(JournalUnavailable):
        be_killed()

    assert [delivery.id for delivery in taken(database)] == [number]


def test_one_at_a_time_probes_a_store_whoever_holds_its_partitions(database: Database) -> None:
    with database.transaction() as holder, database.transaction() as other:
        assert all(deliveries.hold(holder, Partition(1, number)) for number in range(PARTITIONS))
        assert deliveries.hold_probe(other, 1)
        assert not deliveries.hold_probe(holder, 1)
        assert deliveries.hold_probe(holder, 2)


# --------------------------------------------------------------------------------------------------- busy


def receive(connection: Connection, store: Store, partition: int, *, ago: float) -> None:
    """Journal an event that was received so many seconds ago."""
    received_at = datetime.now(UTC) - timedelta(seconds=ago)
    events.append(
        connection,
        [
            Incoming(
                store_id=store.id,
                topic="a/b",
                key=f"{partition} {ago}",
                dated=True,
                customer=CUSTOMERS[partition],
                occurred_at=NOW,
                received_at=received_at,
                body=b"{}",
            )
        ],
    )


def owe(connection: Connection, store: Store, partition: int, *, ago: float, reason: str | None = None) -> None:
    """Journal a delivery that has been waiting for so many seconds."""
    deliveries.append(connection, [owed(1, store_id=store.id, customer=CUSTOMERS[partition], reason=reason)])
    connection.execute(
        "update deliveries set created_at = now() - make_interval(secs => %s) where id = lastval()", (ago,)
    )


def test_busy_partitions_come_oldest_first_whatever_they_have_to_do(
    database: Database, vault: Vault, store: Store
) -> None:
    with database.connection() as connection:
        assert deliveries.busy(connection) == []
        other = stores.add(connection, vault, name="other", insider_partner="o", insider_token="o")
        receive(connection, store, 3, ago=20)
        receive(connection, store, 3, ago=10)
        receive(connection, store, 1, ago=40)
        owe(connection, store, 5, ago=30)
        owe(connection, store, 3, ago=50)
        owe(connection, other, 5, ago=60)
        owe(connection, store, 7, ago=70, reason="dead from the start")
        expected = [(other.id, 5), (store.id, 3), (store.id, 1), (store.id, 5)]

        assert deliveries.busy(connection) == expected


def test_what_was_mapped_and_settled_is_not_busy(database: Database, store: Store) -> None:
    with database.connection() as connection:
        receive(connection, store, 1, ago=1)
        owe(connection, store, 2, ago=1)
        events.mark_mapped(connection, [(1, "hash", [])])
        deliveries.settle(connection, [Settled(id=1, state="dead", reason="x")], 1)

        assert deliveries.busy(connection) == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("paused", [1]),
        ("paused until a moment ago", [2, 1]),
        ("held", [1]),
        ("held and let go", [2, 1]),
        ("removed", []),
    ],
)
def test_a_store_that_may_not_send_is_mapped_only(
    database: Database, store: Store, state: str, expected: list[int]
) -> None:
    with database.connection() as connection:
        receive(connection, store, 1, ago=1)
        owe(connection, store, 2, ago=2)
        later = datetime.now(UTC) + timedelta(minutes=1)
        if state.startswith("paused"):
            until = later if state == "paused" else later - timedelta(minutes=2)
            stores.pause(connection, store, until=until, reason="x")
        elif state.startswith("held"):
            stores.hold(connection, store, held=True)
            if state == "held and let go":
                stores.hold(connection, store, held=False)
        else:
            stores.remove(connection, store)

        assert deliveries.busy(connection) == [(store.id, number) for number in expected]


def test_every_partition_of_every_store_can_be_busy(database: Database, vault: Vault, store: Store) -> None:
    with database.connection() as connection:
        other = stores.add(connection, vault, name="other", insider_partner="o", insider_token="o")
        for number in range(PARTITIONS):
            for each in (store, other):
                receive(connection, each, number, ago=1)
                owe(connection, each, number, ago=1)

        busy = deliveries.busy(connection)
    assert sorted(busy) == [(each.id, number) for each in (store, other) for number in range(PARTITIONS)]


# --------------------------------------------------------------------------------------- appended and taken


def test_a_delivery_is_taken_as_it_was_appended(database: Database) -> None:
    update = UserUpdate(
        identifiers={"email": CUSTOMER, "uuid": "7"},
        attributes={"zero": 0, "half": 0.5, "no": False, "tags": ["b", "a"], "text": "Ünn"},
        events=(
            UserEvent(name="b", timestamp="2026-01-01T12:00:00Z", params={"z": 1, "a": "x"}),
            UserEvent(name="a", timestamp="2026-01-01T12:00:00.5Z"),
        ),
    )
    (number,) = append(database, owed(7, update=update, occurred_at=NOW - timedelta(milliseconds=1)))
    (delivery,) = taken(database)

    assert delivery == Delivery(
        id=number,
        event_id=7,
        customer=CUSTOMER,
        update=update,
        occurred_at=NOW - timedelta(milliseconds=1),
        skip_hook=False,
        bytes=delivery.bytes,
    )
    assert list(delivery.update.attributes["tags"]) == ["b", "a"]  # type: ignore[arg-type]


def test_the_length_of_a_delivery_is_in_bytes(database: Database) -> None:
    append(database, owed(1, update=UserUpdate(identifiers={}, attributes={"name": "e" * 50})))
    append(database, owed(1, update=UserUpdate(identifiers={}, attributes={"name": "é" * 50})))
    plain, accented = taken(database)

    assert accented.bytes - plain.bytes == 50
    assert plain.bytes > 50


def test_live_deliveries_are_taken_before_those_that_must_not_start_journeys(database: Database) -> None:
    quiet, live, also_quiet, also_live = append(
        database, owed(1, skip_hook=True), owed(2), owed(3, skip_hook=True), owed(4)
    )

    assert [delivery.id for delivery in taken(database)] == [live, also_live]
    assert [delivery.id for delivery in taken(database, limit=1)] == [live]
    with database.connection() as connection:
        deliveries.settle(connection, [Settled(id=number, state="delivered") for number in (live, also_live)], 1)
    assert [(delivery.id, delivery.skip_hook) for delivery in taken(database)] == [(quiet, True), (also_quiet, True)]


def test_only_what_waits_in_the_partition_is_taken(database: Database) -> None:
    append(database, owed(1, store_id=2), owed(2, customer=CUSTOMERS[1]), owed(3, reason="no identifier"))

    assert PARTITION.number != 1
    assert taken(database) == []
    assert [delivery.event_id for delivery in taken(database, Partition(2, PARTITION.number))] == [1]
    assert [delivery.event_id for delivery in taken(database, Partition(1, 1))] == [2]
