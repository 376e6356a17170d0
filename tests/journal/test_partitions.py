"""Partitions: which worker holds a partition, which ones are busy, and how customers share a step."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.errors import JournalUnavailable
from connector.journal import events, partitions, stores
from connector.journal.results import deliveries
from connector.model import PARTITIONS, Partition, Settled, partition_number
from tests.journal.owed import CUSTOMERS, PARTITION, REFUSAL, alone, append, incoming, mark_mapped, owed, receive, taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.model import Store

    Step = Callable[[Connection, int], list[int]]

SHARE = partitions.SHARE


def owe(connection: Connection, store: Store, partition: int, *, ago: float, **changes: Any) -> None:
    """Journal a delivery that has been waiting for this many seconds."""
    deliveries.append(connection, [owed(1, store_id=store.id, customer=CUSTOMERS[partition], **changes)])
    connection.execute(
        "update deliveries set created_at = now() - make_interval(secs => %s) where id = lastval()", (ago,)
    )


# ------------------------------------------------------------------------------------------------ holding


def test_a_partition_is_held_until_the_transaction_ends(database: Database) -> None:
    with database.transaction() as holder, database.transaction() as other:
        assert partitions.hold(holder, alone(PARTITION)).numbers
        assert partitions.hold(holder, alone(PARTITION)).numbers
        assert not partitions.hold(other, alone(PARTITION)).numbers
        assert partitions.hold(other, alone(Partition(1, (PARTITION.number + 1) % PARTITIONS))).numbers
        assert partitions.hold(other, alone(Partition(2, PARTITION.number))).numbers

    with database.transaction() as other:
        assert partitions.hold(other, alone(PARTITION)).numbers


def test_a_failed_transaction_releases_its_partition(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as holder:
            assert partitions.hold(holder, alone(PARTITION)).numbers
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with database.transaction() as other:
        assert partitions.hold(other, alone(PARTITION)).numbers


def test_a_killed_worker_releases_its_partition_and_its_work_is_rolled_back(
    database: Database, database_url: str
) -> None:
    (number,) = append(database, owed(1))

    def be_killed() -> None:
        with database.transaction() as holder:
            assert partitions.hold(holder, alone(PARTITION)).numbers
            deliveries.settle(holder, [Settled(id=number)])
            with psycopg.connect(database_url, autocommit=True) as operator:
                operator.execute("select pg_terminate_backend(%s, 10000)", (holder.info.backend_pid,))
            with database.transaction() as other:
                assert partitions.hold(other, alone(PARTITION)).numbers
                waiting = deliveries.take_waiting(other, alone(PARTITION), low_priority=False, limit=10).deliveries
                assert [delivery.id for delivery in waiting] == [number]
            partitions.hold(holder, alone(PARTITION))

    with pytest.raises(JournalUnavailable):
        be_killed()

    assert [delivery.id for delivery in taken(database)] == [number]


def test_one_worker_at_a_time_probes_a_store_even_if_others_hold_its_partitions(database: Database) -> None:
    with database.transaction() as holder, database.transaction() as other:
        assert all(partitions.hold(holder, alone(Partition(1, number))).numbers for number in range(PARTITIONS))
        assert partitions.hold_probe(other, 1)
        assert not partitions.hold_probe(holder, 1)
        assert partitions.hold_probe(holder, 2)


# --------------------------------------------------------------------------------------------------- busy


def test_busy_partitions_come_oldest_first_for_mapping_and_delivery(
    database: Database, vault: Vault, store: Store
) -> None:
    with database.connection() as connection:
        assert partitions.busy(connection) == []
        other = stores.add(connection, vault, name="other", insider_partner="o", insider_token="o")
        receive(connection, store, 3, ago=20)
        receive(connection, store, 3, ago=10)
        receive(connection, store, 1, ago=40)
        owe(connection, store, 5, ago=30)
        owe(connection, store, 3, ago=50)
        owe(connection, other, 5, ago=60)
        owe(connection, store, 7, ago=70, refusal=REFUSAL)

        assert partitions.busy(connection) == [(other.id, 5), (store.id, 3), (store.id, 1), (store.id, 5)]
        assert partitions.busy(connection, low_priority=True) == []


def test_partitions_with_low_priority_work_are_listed_separately(database: Database, store: Store) -> None:
    with database.connection() as connection:
        receive(connection, store, 1, ago=10)
        owe(connection, store, 2, ago=20)
        owe(connection, store, 2, ago=40, low_priority=True)
        owe(connection, store, 3, ago=50, low_priority=True)
        # `skip_hook` says nothing about priority, so this delivery is not low priority.
        owe(connection, store, 4, ago=5, skip_hook=True)
        owe(connection, store, 5, ago=60, low_priority=True, refusal=REFUSAL)

        assert partitions.busy(connection) == [(store.id, 2), (store.id, 1), (store.id, 4)]
        assert partitions.busy(connection, low_priority=True) == [(store.id, 3), (store.id, 2)]
        stores.hold(connection, store, held=True)
        assert partitions.busy(connection) == [(store.id, 1)]
        assert partitions.busy(connection, low_priority=True) == []


def test_a_partition_is_not_busy_once_all_is_mapped_and_settled(database: Database, store: Store) -> None:
    with database.connection() as connection:
        receive(connection, store, 1, ago=1)
        owe(connection, store, 2, ago=1)
        owe(connection, store, 3, ago=1, low_priority=True)
        mark_mapped(connection, [(1, "hash", [])])
        deliveries.settle(connection, [Settled(id=1, refusal=REFUSAL), Settled(id=2)])

        assert partitions.busy(connection) == partitions.busy(connection, low_priority=True) == []


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
def test_events_of_a_store_that_may_not_send_are_only_mapped(
    database: Database, store: Store, state: str, expected: list[int]
) -> None:
    with database.connection() as connection:
        receive(connection, store, 1, ago=1)
        owe(connection, store, 2, ago=2)
        owe(connection, store, 3, ago=2, low_priority=True)
        if state.startswith("paused"):
            stores.pause(connection, store, seconds=60 if state == "paused" else -1, reason="x")
        elif state.startswith("held"):
            stores.hold(connection, store, held=True)
            if state == "held and let go":
                stores.hold(connection, store, held=False)
        else:
            stores.remove(connection, store)

        assert partitions.busy(connection) == [(store.id, number) for number in expected]
        assert partitions.busy(connection, low_priority=True) == ([(store.id, 3)] if 2 in expected else [])


def test_every_partition_of_every_store_can_be_busy(database: Database, vault: Vault, store: Store) -> None:
    with database.connection() as connection:
        other = stores.add(connection, vault, name="other", insider_partner="o", insider_token="o")
        for number in range(PARTITIONS):
            for each in (store, other):
                receive(connection, each, number, ago=1)
                owe(connection, each, number, ago=1)
                owe(connection, each, number, ago=1, low_priority=True)

        expected = [(each.id, number) for each in (store, other) for number in range(PARTITIONS)]
        assert sorted(partitions.busy(connection)) == sorted(partitions.busy(connection, low_priority=True)) == expected


# ------------------------------------------------------------------------------------------------ sharing

#: Customers of one partition. `NOBODY` stands for events without a customer, and for customers with a single row.
ANN, BEN, *OTHERS = [
    name for name in (f"{n}@example.com" for n in range(200)) if partition_number(name) == PARTITION[1]
]
NOBODY = ""
NAMES = (name for name in map(str, itertools.count()) if partition_number(name) == PARTITION.number)


def map_step(connection: Connection, limit: int) -> list[int]:
    received = [
        event.id for event in events.take_received(connection, alone(PARTITION), limit=limit, size=10**9).events
    ]
    mark_mapped(connection, [(event_id, "hash", []) for event_id in received])
    return received


def deliver_step(connection: Connection, limit: int) -> list[int]:
    waiting = [
        one.id
        for one in deliveries.take_waiting(connection, alone(PARTITION), low_priority=False, limit=limit).deliveries
    ]
    deliveries.settle(connection, [Settled(id=delivery_id) for delivery_id in waiting])
    return waiting


def crowd(connection: Connection, step: Step, *runs: tuple[str, int]) -> dict[int, str]:
    """Journal this many rows of each customer, one customer after the other; return the customer of each row."""
    table = "events" if step is map_step else "deliveries"
    names = [customer for customer, rows in runs for _ in range(rows)]
    connection.execute(f"truncate {table}")
    if step is map_step:
        events.append(connection, [incoming(next(NAMES), customer=name or None) for name in names])
    else:
        deliveries.append(connection, [owed(1, customer=name or next(NAMES)) for name in names])
    ids = connection.execute(f"select id from {table} order by id").fetchall()
    return {row.id: name for row, name in zip(ids, names, strict=True)}


both_steps = pytest.mark.parametrize("step", [map_step, deliver_step])


@both_steps
def test_a_customer_with_thousands_of_rows_leaves_room_for_the_others(database: Database, step: Step) -> None:
    with database.connection() as connection:
        rows = crowd(connection, step, (BEN, 1), (ANN, 3000), (BEN, 2), (NOBODY, 3), (OTHERS[0], 1))

        first, second = ([rows[number] for number in step(connection, 500)] for _ in range(2))
    assert first == [BEN, *[ANN] * SHARE, BEN, BEN, *[NOBODY] * 3, OTHERS[0]]
    assert second == [ANN] * SHARE


@both_steps
def test_each_of_several_crowding_customers_gets_a_share(database: Database, step: Step) -> None:
    with database.connection() as connection:
        rows = crowd(connection, step, (ANN, 1000), (BEN, 1000), (OTHERS[0], 1))

        shares = Counter(rows[number] for number in step(connection, 500))
    assert shares == {ANN: SHARE, BEN: SHARE, OTHERS[0]: 1}


@both_steps
@pytest.mark.parametrize(
    "runs",
    [
        [(ANN, SHARE), (BEN, SHARE), (OTHERS[0], SHARE), (ANN, 10)],
        [(NOBODY, 3 * SHARE), (ANN, 1)],
        [(BEN, 1)],
    ],
)
def test_without_a_crowding_customer_the_oldest_rows_are_taken(
    database: Database, step: Step, runs: list[tuple[str, int]]
) -> None:
    limit = 3 * SHARE
    with database.connection() as connection:
        rows = crowd(connection, step, *runs)

        assert step(connection, limit) == list(rows)[:limit]


@both_steps
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
@given(
    runs=st.lists(
        st.tuples(st.sampled_from([ANN, BEN, OTHERS[0], NOBODY]), st.integers(1, 3 * SHARE)), min_size=1, max_size=8
    ),
    limit=st.sampled_from([1 + SHARE // 2, SHARE, SHARE + 20, 3 * SHARE]),
)
def test_each_customers_rows_are_taken_in_order_and_without_a_gap(
    database: Database, step: Step, runs: list[tuple[str, int]], limit: int
) -> None:
    with database.connection() as connection:
        left = crowd(connection, step, *runs)
        while left:
            ids = step(connection, limit)

            assert 0 < len(ids) <= limit
            assert ids == sorted(ids)
            # No step skips the oldest row of all, or the oldest row of a customer.
            assert ids[0] == min(left)
            for customer in {left[number] for number in ids}:
                his = [number for number in left if left[number] == customer]
                chosen = [number for number in ids if left[number] == customer]
                assert chosen == his[: len(chosen)]
            for number in ids:
                del left[number]
        assert step(connection, limit) == []
