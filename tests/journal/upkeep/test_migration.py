"""The migration of a journal whose rows were updated into one whose rows are written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from connector.journal import events, migrate, replays, story
from connector.journal.replays import Selection
from connector.journal.results import customers, dead_letters, deliveries
from connector.model import ClearedAt, Incoming, Partitions, TrueAt
from faults.scenarios import old_journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.journal.database import Connection
    from tests.postgres import Cluster

EVENTS = 1000
ALL = Partitions(1, tuple(range(16)))


@pytest.fixture(scope="module")
def journal(cluster: Cluster) -> Iterator[Connection]:
    """An old journal after its migration. The tests of this file do not change it."""
    with cluster.without_migrations() as url:
        migrate.migrate(url, revision=old_journal.REVISION)
        with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as connection:
            old_journal.fill(connection, EVENTS, customers=100)
            migrate.migrate(url)
            yield connection


@pytest.fixture
def connection(journal: Connection) -> Iterator[Connection]:
    with journal.transaction(force_rollback=True):
        yield journal


def count(connection: Connection, query: str) -> int:
    (row,) = connection.execute(f"select count(*) as n from {query}").fetchall()
    return int(row.n)


def test_no_event_is_lost_and_each_has_its_state(connection: Connection) -> None:
    states = {
        state: len(events.newest(connection, store_id=1, state=state, customer=None, limit=EVENTS))
        for state in ("received", "unmapped", "mapped", None)
    }

    assert states == {"received": 40, "unmapped": 40, "mapped": 920, None: EVENTS}


def test_what_waited_still_waits_in_order(connection: Connection) -> None:
    received = events.take_received(connection, ALL, limit=EVENTS, size=10**9).events
    waiting = deliveries.take_waiting(connection, ALL, low_priority=False, limit=EVENTS).deliveries

    assert [event.id for event in received] == [n for n in range(1, EVENTS + 1) if n % 50 in {0, 1}]
    assert received[0].customer == "c1@example.com"
    assert b'"current_balance" : 1' in received[0].body
    assert [delivery.event_id for delivery in waiting] == [n for n in range(1, EVENTS + 1) if n % 50 == 5]
    assert waiting[0].update.attributes == {"yotpo_point_balance": 5}


def test_dead_letters_are_listed_and_replayed_ones_are_not(connection: Connection) -> None:
    (group,) = dead_letters.groups(connection, store_id=1, limit=9)

    assert (group["count"], group["cause"], group["reason"]) == (20, "cause", "no")
    assert count(connection, "deliveries where state = 'replayed'") == 20
    assert count(connection, "outcomes where state = 'delivered'") == 920 - 20 * 4


@pytest.mark.parametrize(
    ("event_id", "expected"),
    [
        (1, ("received", None, None, [])),
        (3, ("unmapped", None, [{"name": "p", "problem": "q", "rule": "r"}], [])),
        (4, ("mapped", "set", None, [])),
        (5, ("mapped", "set", None, ["waiting"])),
        (6, ("mapped", "set", None, ["dead"])),
        (7, ("mapped", "set", None, ["replayed"])),
        (13, ("mapped", "set", [{"name": "p", "problem": "q", "rule": "r"}], ["delivered"])),
    ],
)
def test_the_story_of_an_event_is_told_as_before(
    connection: Connection, event_id: int, expected: tuple[Any, ...]
) -> None:
    told = story.of_event(connection, event_id)

    assert told is not None
    states = [delivery["state"] for delivery in told["deliveries"]]
    assert (told["state"], told["mapping"], told["notes"], states) == expected


def test_what_was_sent_is_kept(connection: Connection) -> None:
    told = story.of_event(connection, 9)

    assert told is not None
    (delivery,) = told["deliveries"]
    assert delivery["update"]["attributes"] == {"yotpo_point_balance": 9}
    assert delivery["notes"] == {"stale": ["p"]}


@pytest.mark.parametrize(("key", "is_known"), [("key 8", True), ("eventid|14|a/b|x", False), ("key 9999", False)])
def test_a_webhook_that_comes_again_is_recognised(connection: Connection, key: str, *, is_known: bool) -> None:
    assert send(connection, key=key) == is_known


def test_an_eventid_is_recognised_with_its_topic_and_customer(connection: Connection) -> None:
    assert send(connection, key="eventid|14|swell/points/changed|c14@example.com")


def send(connection: Connection, key: str) -> bool:
    """Journal an event; return whether it is a duplicate."""
    incoming = Incoming(store_id=1, topic="a/b", key=key, dated=True, customer="x", occurred_at=None, body=b"{}")
    (appended,) = events.append(connection, [incoming])
    return appended.duplicate


def test_the_times_of_attributes_count_and_their_values_are_unknown(connection: Connection) -> None:
    profile = customers.profiles(connection, 1, ["c7@example.com"])["c7@example.com"]

    assert profile.times == {
        "yotpo_point_balance": TrueAt(1700000000007, 7),
        "yotpo_vip_tier_name": TrueAt(1700000000007, 7),
        "birthday": ClearedAt(1600000000000, 0),
    }
    assert profile.attributes == {"yotpo_point_balance": None, "yotpo_vip_tier_name": None}


def test_old_events_can_be_replayed_by_the_set_that_mapped_them(connection: Connection) -> None:
    versions = replays.versions(connection, Selection(store_id=1))
    # The 40 received events and the 20 that wait for their delivery are on their way.
    assert versions == {"set": 900, None: 40}


def test_new_ids_follow_the_old_ones(connection: Connection) -> None:
    assert not send(connection, key="new")

    (newest,) = events.newest(connection, store_id=1, state=None, customer=None, limit=1)
    assert newest["id"] > EVENTS


def test_the_old_rows_are_in_periods(connection: Connection) -> None:
    rows = connection.execute(
        "select tableoid::regclass::text as name, count(*) as n from events group by 1"
    ).fetchall()

    assert sum(row.n for row in rows) == EVENTS
    assert 3 <= len(rows) <= 4
    assert not any(row.name.endswith("_kept") for row in rows)
