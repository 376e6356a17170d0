"""Samples of events: evenly spread, from every topic, limited in size, and read by indexes only."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.journal import events, samples
from connector.journal.samples import SUMMARIES_LIMIT, EventSummary
from connector.model import Incoming, Note
from tests.journal.owed import mark_mapped

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database
    from connector.journal.samples import Window

NOW = datetime(2026, 1, 8, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=7)


def fill(connection: Connection, number: int, *, rare_every: int = 1000, gap: int = 1) -> None:
    """Journal this many events over the last 14 days: every second one for store 2, and some of a rare topic."""
    connection.execute(
        """
        insert into events (id, store_id, topic, key, customer, partition, bulk, occurred_at, received_at, bytes,
                            body)
        select n * %(gap)s, 1 + n %% 2, case when n %% %(rare)s = 0 then 'rare' else 'often' end, 'key ' || n,
               'a@example.com', 1, false, at, at, 20, convert_to('{"n": ' || n || '}', 'utf8')
        from generate_series(1, %(number)s) n,
             lateral (select %(now)s - interval '14 days' * (%(number)s - n) / %(number)s as at) times
        """,
        {"number": number, "now": NOW, "rare": rare_every, "gap": gap},
    )
    connection.execute("analyze events")


def window(connection: Connection, since: datetime = SINCE, **wanted: Any) -> Window:
    return samples.window(connection, since=since, **wanted)


def receive(connection: Connection, topic: str, *keys: str) -> list[int]:
    incoming = [
        Incoming(
            store_id=1,
            topic=topic,
            key=key,
            dated=True,
            customer=None,
            occurred_at=NOW,
            body=f'{{"key": "{key}"}}'.encode(),
        )
        for key in keys
    ]
    return [one.id for one in events.append(connection, incoming)]


# ------------------------------------------------------------------------------------------------ window


def test_the_window_starts_at_the_first_event_received_since_that_time(database: Database) -> None:
    with database.connection() as connection:
        fill(connection, 1400, gap=3)

        whole = window(connection, NOW - timedelta(days=30))
        week = window(connection)
        nothing = window(connection, NOW + timedelta(hours=1))

    assert (whole.last_id, whole.is_small) == (4200, True)
    assert whole.first_id <= 3
    # Between two existing ids, the window may begin at any id.
    assert 2097 < week.first_id <= 2100
    assert nothing.numbers == 0


def test_an_empty_journal_has_an_empty_window(database: Database) -> None:
    with database.connection() as connection:
        empty = window(connection)

        assert empty.numbers == 0
        assert samples.summaries(connection, empty) == []
        assert samples.unmapped(connection, empty) == []
        assert samples.choose([], limit=10) == []


# ------------------------------------------------------------------------------------------------ looking


def test_a_small_window_returns_all_its_events_and_no_older_ones(database: Database) -> None:
    with database.connection() as connection:
        fill(connection, 1400, gap=3)

        looks = samples.summaries(connection, window(connection))

    assert len(looks) == 701  # with the one exactly a week ago
    assert [one.id for one in looks] == sorted(one.id for one in looks)
    assert {one.received_at >= SINCE for one in looks} == {True}
    assert Counter(one.topic for one in looks) == {"often": 700, "rare": 1}


def test_filters_by_store_and_topic_return_only_their_events(database: Database) -> None:
    with database.connection() as connection:
        fill(connection, 1400, rare_every=5)

        of_store = samples.summaries(connection, window(connection, store_id=2))
        of_topic = samples.summaries(connection, window(connection, topic="rare"))
        of_both = samples.summaries(connection, window(connection, store_id=2, topic="rare"))

    assert (len(of_store), len(of_topic), len(of_both)) == (350, 141, 70)


def test_a_large_window_returns_a_limited_number_of_events_spread_over_time(database: Database) -> None:
    with database.connection() as connection:
        fill(connection, 120_000, rare_every=97)

        looks = samples.summaries(connection, window(connection))
        of_topic = samples.summaries(connection, window(connection, topic="rare"))

    assert SUMMARIES_LIMIT * 0.9 <= len(looks) <= SUMMARIES_LIMIT
    days = Counter((one.received_at - SINCE).days for one in looks)
    assert min(days[day] for day in range(7)) > SUMMARIES_LIMIT / 7 * 0.9
    # For a single topic, more events are read to find as many samples.
    assert len(of_topic) > 2 * Counter(one.topic for one in looks)["rare"] > 0


def test_looking_goes_by_the_primary_key_and_counting_the_unmapped_by_their_index(database: Database) -> None:
    with database.connection() as connection:
        fill(connection, 60_000)
        plans = []
        for question in (samples.summaries, samples.unmapped):
            explaining: Any = _Explaining(connection)
            question(explaining, window(connection))
            plans.append(explaining.plan)

    looking, unmapped = plans
    assert "Index Scan using events_kept_pkey" in looking
    assert "store_id_event_id_idx on outcomes" in unmapped
    # The tables of the other periods are empty.
    assert "Seq Scan on events_kept" not in looking + unmapped


class _Explaining:
    """A connection that also keeps the plan of each query."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.plan = ""

    def execute(self, query: str, parameters: dict[str, Any]) -> Any:
        self.plan = "\n".join(row[0] for row in self._connection.execute(f"explain {query}", parameters))
        return self._connection.execute(query, parameters)


def test_what_the_mapping_step_has_noted_is_seen(database: Database) -> None:
    note = Note(name="spent", problem="The value is not a number, so it was left out.", rule="groups.yaml:6")
    with database.connection() as connection:
        first, second = receive(connection, "a/b", "first", "second")
        mark_mapped(connection, [(first, "version", [note]), (second, "version", [])])

        looks = samples.summaries(connection, window(connection))

    assert [list(one.notes) for one in looks] == [
        [{"name": "spent", "problem": note.problem, "rule": "groups.yaml:6"}],
        [],
    ]
    assert [one.bytes for one in looks] == [len('{"key": "first"}'), len('{"key": "second"}')]


# ------------------------------------------------------------------------------------------------ choosing


def looked_at(size: int = 100, **topics: int) -> list[EventSummary]:
    names = [name for name, number in topics.items() for _ in range(number)]
    return [EventSummary(n, name, NOW, size, ()) for n, name in enumerate(names)]


def chosen(looks: list[EventSummary], **limits: int) -> Counter[str]:
    return Counter(looks[number].topic for number in samples.choose(looks, **limits))


def test_each_topic_gets_as_many_as_the_others_unless_it_has_fewer() -> None:
    assert chosen(looked_at(a=1000, b=1000, c=10), limit=110) == {"a": 50, "b": 50, "c": 10}
    assert chosen(looked_at(a=5, b=5), limit=100) == {"a": 5, "b": 5}


def test_the_chosen_are_spread_evenly_over_those_of_the_topic() -> None:
    assert samples.choose(looked_at(a=1000), limit=4) == [0, 250, 500, 750]


def test_of_more_topics_than_wanted_those_with_the_most_events_are_chosen() -> None:
    assert chosen(looked_at(a=3, b=1, c=2), limit=2) == {"a": 1, "c": 1}


def test_large_bodies_make_the_sample_smaller_and_leave_one_of_each_topic() -> None:
    looks = [*looked_at(size=10, a=10), *(EventSummary(10 + n, "b", NOW, 1000, ()) for n in range(10))]

    assert chosen(looks, limit=100, size=4000) == {"a": 10, "b": 2}
    assert chosen(looks, limit=100, size=20) == {"a": 1, "b": 1}


@given(
    topics=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 50)),
    limit=st.integers(1, 100),
    size=st.integers(1, 10_000),
)
def test_the_limits_hold(topics: dict[str, int], limit: int, size: int) -> None:
    looks = looked_at(size=100, **topics)

    numbers = samples.choose(looks, limit=limit, size=size)

    assert numbers == sorted(set(numbers))
    assert len(numbers) <= limit
    assert len({looks[number].topic for number in numbers}) == min(limit, len(topics))
    assert len(numbers) * 100 <= max(size, 100 * len(topics))


# ------------------------------------------------------------------------------------------------ reading


def test_the_bodies_come_in_the_order_in_which_they_were_received(database: Database) -> None:
    with database.connection() as connection:
        fill(connection, 300)
        ids = [one.id for one in samples.summaries(connection, window(connection))]

        read = list(samples.read(connection, ids))

    assert len(read) == len(ids) > 100
    assert [one.received_at for one in read] == sorted(one.received_at for one in read)
    assert (read[-1].topic, read[-1].body) == ("often", b'{"n": 300}')


def test_the_unmapped_are_counted_by_topic_within_window_and_store(database: Database) -> None:
    with database.connection() as connection:
        ids = receive(connection, "new/one", "a", "b") + receive(connection, "new/two", "c")
        ids += receive(connection, "mapped", "d")
        mark_mapped(connection, [(ids[-1], "version", []), *((one, None, []) for one in ids[:-1])])
        connection.execute("update events set received_at = received_at - interval '1 hour' where id = %s", (ids[0],))

        counted = samples.unmapped(connection, window(connection))
        of_topic = samples.unmapped(connection, window(connection, topic="new/two"))
        of_other = samples.unmapped(connection, window(connection, store_id=2))

    assert [(one.topic, one.events) for one in counted] == [("new/one", 2), ("new/two", 1)]
    assert counted[0].last_at - counted[0].first_at > timedelta(minutes=59)
    assert [one.topic for one in of_topic] == ["new/two"]
    assert of_other == []


def test_the_transaction_changes_nothing(database: Database) -> None:
    with database.connection() as connection, connection.transaction():
        samples.begin(connection)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), connection.transaction():
            receive(connection, "a/b", "key")
