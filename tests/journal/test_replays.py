"""Replays: which events they take, how fast, which worker takes each event, and what is reported."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal import events, replays, stores
from connector.journal.replays import Selection
from connector.journal.results import dead_letters, deliveries
from connector.model import Event, Settled, UserUpdate
from tests.journal.owed import CUSTOMER, CUSTOMERS, NOW, REFUSAL, incoming, mark_mapped, owed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.model import Store

LARGE = 10**9
HOURS = [NOW + timedelta(hours=number) for number in range(6)]


@pytest.fixture
def connection(database: Database, store: Store) -> Iterator[Connection]:
    assert store.id == 1
    with database.connection() as opened:
        yield opened


def receive(connection: Connection, key: str, *, mapping: str | None = "hash", **changes: Any) -> int:
    """Journal an event that is mapped, or unmapped without a mapping."""
    (appended,) = events.append(connection, [incoming(key, **changes)])
    mark_mapped(connection, [(appended.id, mapping, [])])
    return appended.id


def receive_many(connection: Connection, number: int) -> list[int]:
    return [receive(connection, str(position)) for position in range(number)]


def owe(connection: Connection, event_id: int, state: str, **changes: Any) -> int:
    """Journal a delivery of an event in this state."""
    refusal = REFUSAL if state == "dead" else None
    deliveries.append(connection, [owed(event_id, refusal=refusal, **changes)])
    (row,) = connection.execute("select max(id) as id from all_deliveries").fetchall()
    if state == "delivered":
        deliveries.settle(connection, [Settled(id=row.id)])
    return int(row.id)


def start(connection: Connection, *, per_second: float = 1000, seconds: float = 60, **wanted: Any) -> int:
    """Start a replay. Change its record, as if it had taken events for the last time `seconds` seconds ago."""
    chosen = Selection(**wanted)
    replay_id, _ = replays.start(
        connection, chosen, actor="ann", reason="mended", skip_hook=True, per_second=per_second
    )
    feed(connection, replay_id, seconds)
    return replay_id


def feed(connection: Connection, replay_id: int, seconds: float) -> None:
    connection.execute(
        "update replays set fed_at = now() - make_interval(secs => %s) where id = %s", (seconds, replay_id)
    )


def step(connection: Connection, replay_id: int, *, limit: int = 500, size: int = LARGE) -> list[int]:
    """Take the next events of a replay and mark them as mapped again; return their ids."""
    with connection.transaction():
        taken = replays.take(connection, replay_id, limit=limit, size=size)
        ids = [event.id for event in taken.events]
        replays.mark_processed(connection, replay_id, ids)
        replays.resolve(connection, replay_id, ids)
    return ids


def told(connection: Connection, replay_id: int) -> dict[str, Any]:
    (row,) = replays.newest(connection, replay_id=replay_id)
    return row


# ------------------------------------------------------------------------------------------------ selection


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"event_ids": [0, 3, 5]}, [0, 3]),
        ({"store_id": 1}, [0, 1, 2, 3]),
        ({"store_id": 2}, [4]),
        ({"topic": "c/d"}, [1, 4]),
        ({"customer": CUSTOMERS[1]}, [1, 4]),
        ({"since": HOURS[2]}, [2, 3, 4]),
        ({"until": HOURS[2]}, [0, 1]),
        ({"since": HOURS[1], "until": HOURS[3]}, [1, 2]),
        ({"state": "mapped"}, [0, 1, 3, 4]),
        ({"state": "unmapped"}, [2]),
        ({"state": "delivered"}, [0, 1]),
        ({"state": "dead"}, [1, 3, 4]),
        ({"store_id": 1, "topic": "c/d", "state": "dead"}, [1]),
        ({"event_ids": [0, 1], "customer": CUSTOMERS[2]}, []),
        ({"group": REFUSAL}, [1, 3]),
        ({"group": REFUSAL, "event_ids": [0, 1]}, [1]),
        ({"group": "nothing"}, []),
    ],
)
def test_a_selected_event_matches_all_filters(
    connection: Connection, vault: Vault, wanted: dict[str, Any], expected: list[int]
) -> None:
    stores.add(connection, vault, name="other", insider_partner="o", insider_token="o")
    ids = [
        receive(connection, "0"),
        receive(connection, "1", topic="c/d", customer=CUSTOMERS[1]),
        receive(connection, "2", mapping=None),
        receive(connection, "3"),
        receive(connection, "4", topic="c/d", customer=CUSTOMERS[1], store_id=2),
    ]
    # It waits for its mapping, and is on its way without a replay.
    ids += [one.id for one in events.append(connection, [incoming("5")])]
    for number, event_id in enumerate(ids):
        connection.execute("update events set received_at = %s where id = %s", (HOURS[number], event_id))
    for number, state in ((0, "delivered"), (1, "delivered"), (1, "dead"), (3, "dead")):
        owe(connection, ids[number], state)
    owe(connection, ids[4], "dead", store_id=2)
    given = dict(wanted)
    if "event_ids" in given:
        given["event_ids"] = [*[ids[number] for number in given["event_ids"]], 10**6]
    if given.get("group") is REFUSAL:
        (given["group"],) = [row["group"] for row in dead_letters.groups(connection, store_id=1, limit=9)]
    selection = Selection(**given)
    chosen = [ids[number] for number in expected]

    assert selection.is_empty is (not wanted)
    assert replays.count(connection, selection, retention_days=90)["events"] == len(chosen)
    assert [event.id for event, *_ in replays.sample(connection, selection, limit=99)] == chosen
    replay_id = start(connection, **given)
    assert told(connection, replay_id)["events"] == len(chosen)
    assert step(connection, replay_id) == chosen


def test_an_event_with_a_waiting_delivery_is_on_its_way_and_not_replayed(connection: Connection) -> None:
    waiting, settled, low_priority = receive_many(connection, 3)
    owe(connection, waiting, "delivered")
    owe(connection, waiting, "waiting")
    owe(connection, settled, "delivered")
    owe(connection, low_priority, "waiting", low_priority=True)

    counts = replays.count(connection, Selection(store_id=1), retention_days=90)
    assert counts == {"events": 1, "too_old": counts["too_old"], "on_their_way": 2}
    assert [event.id for event, *_ in replays.sample(connection, Selection(store_id=1), limit=9)] == [settled]
    assert step(connection, start(connection, store_id=1)) == [settled]


def test_events_older_than_insiders_retention_are_counted(connection: Connection) -> None:
    for days in (89, 91, 400):
        receive(connection, str(days), occurred_at=datetime.now(UTC) - timedelta(days=days))
    owe(connection, receive(connection, "way", occurred_at=NOW - timedelta(days=999)), "waiting")

    for retention, too_old in ((90, 2), (30, 3), (1000, 0)):
        counts = replays.count(connection, Selection(topic="a/b"), retention_days=retention)
        assert counts == {"events": 3, "too_old": too_old, "on_their_way": 1}


def test_a_sample_has_the_newest_events_with_their_last_updates(connection: Connection) -> None:
    old, never, once, again = receive_many(connection, 4)
    body = b'{"topic": "a/b", "n": 1}'
    connection.execute("update events set body = %s where id = %s", (body, again))
    for event_id, replay_id, customer in (
        (old, None, "old"),
        (once, None, "once"),
        (once, None, "another of once"),
        (again, None, "again"),
        (again, 1, "first replay"),
        (again, 2, "second replay"),
        (again, 2, "another of the second"),
    ):
        owe(connection, event_id, "delivered", replay_id=replay_id, update=UserUpdate(identifiers={"uuid": customer}))
    sample = replays.sample(connection, Selection(store_id=1), limit=3)

    assert [(event.id, [update["identifiers"]["uuid"] for update in updates]) for event, updates, _ in sample] == [
        (never, []),
        (once, ["once", "another of once"]),
        (again, ["second replay", "another of the second"]),
    ]
    newest, *_ = sample[-1]
    assert newest == Event(
        id=again,
        store_id=1,
        topic="a/b",
        occurred_at=NOW,
        received_at=newest.received_at,
        body=body,
        customer=CUSTOMER,
    )


# --------------------------------------------------------------------------------------------------- taking


@pytest.mark.parametrize(
    ("per_second", "seconds", "limit", "expected"),
    [
        (1, 0, 500, 0),
        (1, 1.5, 500, 1),
        (1, 4.5, 500, 4),
        (0.5, 1, 500, 0),
        (0.5, 2.5, 500, 1),
        # A replay does not catch up on the time in which no worker ran.
        (0.8, 3600, 500, 8),
        # A step needs at least one second's share of events.
        (1000, 0.9, 500, 0),
        (1000, 3600, 500, 12),
        (1000, 3600, 7, 7),
        # Even a very slow replay goes on.
        (0.1, 3600, 500, 2),
    ],
)
def test_a_replay_keeps_to_its_rate(
    connection: Connection, per_second: float, seconds: float, limit: int, expected: int
) -> None:
    ids = receive_many(connection, 12)
    # now() does not change within a transaction.
    with connection.transaction():
        replay_id = start(connection, event_ids=ids, per_second=per_second, seconds=seconds)

        assert step(connection, replay_id, limit=limit) == ids[:expected]


def test_a_rate_is_used_up_until_time_has_passed(connection: Connection) -> None:
    ids = receive_many(connection, 5)
    with connection.transaction():
        replay_id = start(connection, event_ids=ids, per_second=0.5, seconds=4.5)

        assert [step(connection, replay_id) for _ in range(2)] == [ids[:2], []]
        feed(connection, replay_id, 2.5)
        assert [step(connection, replay_id) for _ in range(2)] == [ids[2:3], []]
        feed(connection, replay_id, 60)
        assert step(connection, replay_id) == ids[3:]


def test_a_batch_is_limited_in_bytes_but_has_at_least_one_event(connection: Connection) -> None:
    ids = [receive(connection, f"{number}", body=b"x" * length) for number, length in enumerate((600, 300, 300))]

    replay_id = start(connection, event_ids=ids)
    taken = [replays.take(connection, replay_id, limit=9, size=size).events for size in (1, 900, 1199, 1200)]
    assert [[event.id for event in one] for one in taken] == [ids[:1], ids[:2], ids[:2], ids]


def test_a_replayed_event_is_unchanged_and_comes_with_the_operators_skip_hook(connection: Connection) -> None:
    event_id = receive(connection, "k", body=b' {"a": 1}\n')
    chosen = Selection(event_ids=[event_id])
    replay_id, _ = replays.start(connection, chosen, actor="ann", reason="x", skip_hook=False, per_second=1000)
    feed(connection, replay_id, 60)
    (event,), skip_hook, then = replays.take(connection, replay_id, limit=9, size=LARGE)

    assert (event.id, event.body, event.occurred_at) == (event_id, b' {"a": 1}\n', NOW)
    assert (skip_hook, then) == (False, None)


def test_two_workers_never_take_the_same_events_of_a_replay(database: Database, connection: Connection) -> None:
    ids = receive_many(connection, 12)
    replay_id, other = start(connection, event_ids=ids[:6]), start(connection, event_ids=ids[6:])
    with database.transaction() as first, database.transaction() as second:
        taken = replays.take(first, replay_id, limit=4, size=LARGE)
        replays.mark_processed(first, replay_id, [event.id for event in taken.events])

        assert replays.take(second, replay_id, limit=4, size=LARGE).events == []
        # Another replay is taken independently.
        assert len(replays.take(second, other, limit=4, size=LARGE).events) == 4
    feed(connection, replay_id, 60)
    assert [event.id for event in taken.events] + step(connection, replay_id) == ids[:6]


def test_a_later_worker_takes_the_remaining_events_of_a_replay(database: Database, connection: Connection) -> None:
    ids = receive_many(connection, 6)
    replay_id = start(connection, event_ids=ids)
    with database.transaction() as late:
        # From here on now() does not change for it.
        time.sleep(0.01)
        assert step(connection, replay_id, limit=4) == ids[:4]

        taken = replays.take(late, replay_id, limit=4, size=LARGE)
        assert [event.id for event in taken.events] == ids[4:]


# ------------------------------------------------------------------------------------------------- the end


def test_a_replay_is_done_once_all_its_events_are_taken(connection: Connection) -> None:
    first, second = (start(connection, event_ids=[event_id]) for event_id in receive_many(connection, 2))
    assert replays.running(connection) == [first, second]
    step(connection, first)
    assert told(connection, first)["state"] == "running"
    feed(connection, first, 60)
    assert step(connection, first) == []

    ended = told(connection, first)
    assert (ended["state"], ended["ended_at"] >= ended["created_at"]) == ("done", True)
    assert replays.running(connection) == [second]
    assert replays.take(connection, first, limit=9, size=LARGE).events == []


def test_a_cancelled_replay_takes_no_more_events(connection: Connection) -> None:
    ids = receive_many(connection, 5)
    replay_id = start(connection, event_ids=ids)
    assert step(connection, replay_id, limit=2) == ids[:2]

    assert replays.cancel(connection, replay_id) == 3
    assert replays.cancel(connection, replay_id) is None
    assert replays.cancel(connection, replay_id + 99) is None
    feed(connection, replay_id, 60)
    assert step(connection, replay_id) == []
    row = told(connection, replay_id)
    assert (row["state"], row["events"], row["mapped"], row["ended_at"] is None) == ("cancelled", 2, 2, False)
    assert step(connection, start(connection, event_ids=ids)) == ids


def test_an_event_that_waits_in_another_replay_is_on_its_way(connection: Connection) -> None:
    ids = receive_many(connection, 5)
    first = start(connection, event_ids=ids[:3])

    counts = replays.count(connection, Selection(store_id=1), retention_days=90)
    assert (counts["events"], counts["on_their_way"]) == (2, 3)
    assert step(connection, start(connection, store_id=1)) == ids[3:]
    assert step(connection, first) == ids[:3]
    assert replays.count(connection, Selection(store_id=1), retention_days=90)["events"] == 5


def test_deleted_events_do_not_block_a_replay(connection: Connection) -> None:
    ids = receive_many(connection, 4)
    replay_id = start(connection, event_ids=ids)
    connection.execute("delete from events where id = any(%s)", (ids[:2],))

    taken = []
    while told(connection, replay_id)["state"] == "running":
        feed(connection, replay_id, 60)
        taken += step(connection, replay_id, limit=2)
    assert taken == ids[2:]


def test_only_the_older_dead_letters_of_events_that_were_taken_are_replayed(connection: Connection) -> None:
    taken, left = receive_many(connection, 2)
    replay_id = start(connection, event_ids=[taken, left])
    dead, delivered, of_another, of_this, not_taken, discarded = (
        owe(connection, taken, "dead"),
        owe(connection, taken, "delivered"),
        owe(connection, taken, "dead", replay_id=replay_id + 1),
        owe(connection, taken, "dead", replay_id=replay_id),
        owe(connection, left, "dead"),
        owe(connection, taken, "dead"),
    )
    connection.execute("update deliveries set state = 'discarded' where id = %s", (discarded,))
    assert step(connection, replay_id, limit=1) == [taken]

    assert {row.id: row.state for row in connection.execute("select id, state from all_deliveries")} == {
        dead: "replayed",
        delivered: "delivered",
        of_another: "replayed",
        of_this: "dead",
        not_taken: "dead",
        discarded: "discarded",
    }


def test_an_event_may_be_replayed_again_and_each_replay_reports_its_own_results(connection: Connection) -> None:
    ids = receive_many(connection, 3)
    first = start(connection, event_ids=ids[:2])
    assert step(connection, first) == ids[:2]
    owe(connection, ids[0], "dead", replay_id=first)
    stale = owe(connection, ids[1], "delivered", replay_id=first)
    connection.execute("""update outcomes set notes = '{"stale": ["p"]}' where id = %s""", (stale,))
    second = start(connection, store_id=1)
    assert step(connection, second) == ids
    owe(connection, ids[0], "waiting", replay_id=second, low_priority=True)
    late = owe(connection, ids[1], "delivered", replay_id=second)
    connection.execute("""update outcomes set notes = '{"too_old": ["e"]}' where id = %s""", (late,))

    newer, older = replays.newest(connection, limit=9)
    assert [row["id"] for row in replays.newest(connection)] == [newer["id"]] == [second]
    assert replays.newest(connection, replay_id=second + 1) == []
    assert (older["actor"], older["reason"], older["skip_hook"], older["per_second"]) == ("ann", "mended", True, 1000)
    assert (older["selection"], newer["selection"]) == ({"event_ids": ids[:2]}, {"store_id": 1})
    counts = ("events", "mapped", "waiting", "delivered", "dead", "with_stale_attributes", "with_events_too_old")
    # The second replay has replayed the dead letters of the first.
    assert [older[name] for name in counts] == [2, 2, 0, 1, 0, 1, 0]
    assert [newer[name] for name in counts] == [3, 3, 1, 1, 0, 0, 1]


# ------------------------------------------------------------------------------------------------ by which set


def test_a_replay_with_then_returns_the_set_of_each_event(connection: Connection) -> None:
    ids = [receive(connection, str(number), mapping=mapping) for number, mapping in enumerate(("a", "b", "a", None))]
    chosen = Selection(event_ids=ids)

    assert replays.versions(connection, chosen) == {"a": 2, "b": 1, None: 1}
    assert [version for *_, version in replays.sample(connection, chosen, limit=9)] == ["a", "b", "a", None]
    replay_id, _ = replays.start(
        connection, chosen, actor="ann", reason="x", skip_hook=True, per_second=1000, mapping="then"
    )
    feed(connection, replay_id, 60)
    taken = replays.take(connection, replay_id, limit=9, size=LARGE)
    assert taken.versions == dict(zip(ids, ("a", "b", "a", None), strict=True))
    # Events that were processed without a set have a count of their own. They neither come again nor are on their way.
    replays.mark_processed(connection, replay_id, ids, without_set=ids[3:])
    row = told(connection, replay_id)
    assert (row["mapping"], row["events"], row["mapped"], row["without_set"]) == ("then", 4, 3, 1)
    assert replays.count(connection, chosen, retention_days=90)["on_their_way"] == 0
    assert replays.versions(connection, chosen) == {"a": 2, "b": 1, None: 1}
