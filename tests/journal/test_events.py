"""Events in the journal: each once and in order, how long a key is valid, and which events are taken for mapping."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal import events, story
from connector.journal.database import Database
from connector.model import Appended, Event, Incoming, Note, Partition, partition_number
from tests.journal.owed import alone, mark_mapped
from tests.journal.received import NOW, append, bodies, incoming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.model import Store

WINDOW = timedelta(hours=48)
MINUTE = timedelta(minutes=1)
THREADS = 12


@pytest.fixture
def crowd(database_url: str) -> Iterator[Database]:
    """A database with a connection for each of many threads."""
    opened = Database(database_url, connections=THREADS, wait_seconds=10)
    yield opened
    opened.close()


def pass_time(database: Database, time: timedelta) -> None:
    """Make the events of the journal older by this time."""
    with database.connection() as connection:
        connection.execute("update events set received_at = received_at - %s", (time,))
        connection.execute("update event_keys set received_at = received_at - %s", (time,))


def at_once(database: Database, groups: list[list[Incoming]]) -> list[list[Appended]]:
    """Append each group from a thread of its own, all at the same moment."""
    barrier = threading.Barrier(len(groups))

    def run(group: list[Incoming]) -> list[Appended]:
        with database.connection() as connection:
            barrier.wait(10)
            return events.append(connection, group)

    with ThreadPoolExecutor(len(groups)) as threads:
        return list(threads.map(run, groups))


def test_an_event_is_stored_unchanged(database: Database) -> None:
    body = b' {"topic" : "a/b", "name":"\xc3\xbc\\u0000"}\n'
    (appended,) = append(database, incoming("k", body=body, occurred_at=NOW.astimezone()))

    with database.connection() as connection:
        partition = Partition(1, partition_number("a@example.com"))
        (event,) = events.take_received(connection, alone(partition), limit=10, size=10**6).events
        (now,) = connection.execute("select now()").fetchone() or (event.received_at,)
    assert event == Event(
        id=appended.id,
        store_id=1,
        topic="a/b",
        occurred_at=NOW,
        received_at=event.received_at,
        body=body,
        customer="a@example.com",
    )
    assert now - timedelta(minutes=1) < event.received_at < now
    assert not appended.duplicate


@pytest.mark.parametrize("ahead", [None, timedelta(minutes=5), timedelta(days=3650)])
def test_an_event_time_is_never_after_the_receipt_by_the_journals_clock(
    database: Database, ahead: timedelta | None
) -> None:
    append(database, incoming("k", occurred_at=ahead and datetime.now(UTC) + ahead), incoming("l"))

    with database.connection() as connection:
        (event, other) = connection.execute("select occurred_at, received_at from events order by id").fetchall()
    assert event.occurred_at == event.received_at
    assert other.occurred_at == NOW


def test_ids_follow_the_order_of_the_group(database: Database) -> None:
    keys = [f"{number * 7919 % 500:03}" for number in range(500)]
    appended = append(database, *[incoming(key, body=key.encode()) for key in keys])

    assert [one.id for one in appended] == sorted({one.id for one in appended})
    assert bodies(database) == [key.encode() for key in keys]
    assert append(database, incoming("later"))[0].id > appended[-1].id


def test_the_first_of_several_copies_in_a_group_is_kept(database: Database) -> None:
    first, copy, other, again = append(
        database, incoming("k", body=b"1"), incoming("k", body=b"2"), incoming("l"), incoming("k", body=b"3")
    )

    assert [one.duplicate for one in (first, copy, other, again)] == [False, True, False, True]
    assert first.id == copy.id == again.id != other.id
    assert bodies(database)[0] == b"1"


def test_the_first_copy_is_kept_across_groups(database: Database) -> None:
    (first,) = append(database, incoming("k", body=b"1"))
    fresh, copy = append(database, incoming("l", body=b"2"), incoming("k", body=b"3"))

    assert (copy, fresh.duplicate) == (Appended(first.id, duplicate=True), False)
    assert bodies(database) == [b"1", b"2"]


def test_stores_do_not_share_keys(database: Database) -> None:
    appended = append(database, incoming("k"), incoming("k", store_id=2), incoming("k", store_id=2))

    assert [one.duplicate for one in appended] == [False, False, True]
    assert appended[0].id != appended[1].id == appended[2].id


def test_a_group_is_appended_completely_or_not_at_all(database: Database) -> None:
    with pytest.raises(Exception, match="out of range"):
        append(database, incoming("k"), incoming("l", store_id=2**40))

    assert bodies(database) == []


def test_exactly_one_of_many_threads_with_the_same_key_appends_a_new_event(crowd: Database) -> None:
    for key in ("j", "k", "l"):
        appended = [one for (one,) in at_once(crowd, [[incoming(key)] for _ in range(THREADS)])]

        assert sorted(one.duplicate for one in appended) == [False] + [True] * (THREADS - 1)
        assert len({one.id for one in appended}) == 1


@pytest.mark.parametrize(
    ("dated", "later", "duplicate"),
    [
        (False, timedelta(0), True),
        (False, WINDOW - MINUTE, True),
        (False, WINDOW, False),
        (False, timedelta(days=365), False),
        (True, WINDOW, True),
        (True, timedelta(days=3650), True),
    ],
)
def test_the_key_of_an_event_without_a_time_expires_after_two_days_and_others_never(
    database: Database, *, dated: bool, later: timedelta, duplicate: bool
) -> None:
    (first,) = append(database, incoming("k", dated=dated))
    pass_time(database, later)
    (again,) = append(database, incoming("k", dated=dated))

    assert again.duplicate is duplicate
    assert (again.id == first.id) is duplicate


def test_an_expired_key_is_valid_for_two_more_days_once_reused(database: Database) -> None:
    appended = append(database, incoming("k", dated=False))
    for time in (2 * WINDOW, WINDOW - MINUTE, 2 * MINUTE, MINUTE):
        pass_time(database, time)
        appended += append(database, incoming("k", dated=False))

    assert [one.duplicate for one in appended] == [False, False, True, False, True]
    assert [one.id for one in appended[1:3]] == [appended[1].id] * 2
    assert len(bodies(database)) == 3


def test_one_of_several_copies_of_an_expired_key_is_new(database: Database) -> None:
    append(database, incoming("k", dated=False), incoming("dated"), incoming("k", dated=False, store_id=2))
    pass_time(database, 2 * WINDOW)
    group = [incoming(key, dated=key == "dated") for key in ("dated", "k", "new", "k")]
    appended = append(database, *group)

    assert [one.duplicate for one in appended] == [True, False, False, True]
    assert appended[1].id == appended[3].id
    assert len(bodies(database)) == 4
    assert len(bodies(database, store_id=2)) == 1


def test_exactly_one_of_many_threads_with_an_expired_key_appends_a_new_event(crowd: Database) -> None:
    (old,) = append(crowd, incoming("k", dated=False))
    pass_time(crowd, 2 * WINDOW)
    appended = [one for (one,) in at_once(crowd, [[incoming("k", dated=False)] for _ in range(THREADS)])]

    assert sorted(one.duplicate for one in appended) == [False] + [True] * (THREADS - 1)
    assert len({one.id for one in appended} | {old.id}) == 2


@pytest.mark.usefixtures("store")
def test_only_waiting_events_of_a_partition_are_taken_and_in_order(database: Database) -> None:
    ids = [one.id for one in append(database, *[incoming(str(number)) for number in range(5)])]
    append(database, incoming("other", store_id=2), incoming("another", customer="f@example.com"))
    partition = Partition(1, partition_number("a@example.com"))
    assert partition_number("f@example.com") != partition.number

    with database.connection() as connection:
        mark_mapped(connection, [(ids[1], "hash", []), (ids[2], None, [Note(name="n", problem="p")])])
        assert [
            event.id for event in events.take_received(connection, alone(partition), limit=10, size=10**6).events
        ] == [
            ids[0],
            ids[3],
            ids[4],
        ]
        assert [
            event.id for event in events.take_received(connection, alone(partition), limit=2, size=10**6).events
        ] == [
            ids[0],
            ids[3],
        ]
        mapped, unmapped = story.of_event(connection, ids[1]), story.of_event(connection, ids[2])
    assert mapped
    assert unmapped
    assert (mapped["state"], mapped["mapping"], mapped["notes"]) == ("mapped", "hash", None)
    assert (unmapped["state"], unmapped["mapping"]) == ("unmapped", None)
    assert unmapped["notes"] == [{"name": "n", "problem": "p", "rule": ""}]


def test_the_key_decides_the_partition_of_an_event_without_a_customer(database: Database) -> None:
    append(database, incoming("k", customer=None))

    with database.connection() as connection:
        assert (
            len(
                events.take_received(
                    connection, alone(Partition(1, partition_number("k"))), limit=10, size=10**6
                ).events
            )
            == 1
        )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"limit": 2}, [4, 3]),
        ({"customer": "f@example.com"}, [3]),
        ({"state": "received"}, [4, 3, 0]),
        ({"state": "mapped"}, [1]),
        ({"state": "unmapped"}, [2]),
        ({"state": "mapped", "customer": "f@example.com"}, []),
        ({"store_id": 2}, []),
    ],
)
def test_the_newest_events_are_listed_by_the_given_filters(
    database: Database, store: Store, wanted: dict[str, Any], expected: list[int]
) -> None:
    customers = ["a@example.com", "a@example.com", None, "f@example.com", "a@example.com"]
    group = [incoming(str(number), store_id=store.id, customer=name) for number, name in enumerate(customers)]
    ids = [one.id for one in append(database, *group)]
    with database.connection() as connection:
        note = Note(name="n", problem="p")
        mark_mapped(connection, [(ids[1], "hash", []), (ids[2], None, [note])])
        rows = events.newest(connection, **{"store_id": None, "state": None, "customer": None, "limit": 9} | wanted)

    assert [row["id"] for row in rows] == [ids[number] for number in expected]
    assert {row["store"] for row in rows} <= {"acme"}
    assert all(row["notes"] == (None if row["id"] != ids[2] else [asdict(note)]) for row in rows)
    assert not any("body" in row for row in rows)


def test_a_batch_is_limited_in_bytes_but_has_at_least_one_event(database: Database) -> None:
    with database.connection() as connection:
        bodies = [b"x" * 600, b"x" * 300, b"x" * 300]
        events.append(connection, [incoming(f"k{n}", body=body) for n, body in enumerate(bodies)])
        partition = Partition(1, partition_number("a@example.com"))

        taken = {
            size: len(events.take_received(connection, alone(partition), limit=10, size=size).events)
            for size in (1, 900, 1200)
        }
    assert taken == {1: 1, 900: 2, 1200: 3}
