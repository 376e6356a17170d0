"""Plans: with a long history, no query of a webhook and no listing reads a table of the history from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from bench import history
from connector.journal import events, notices, partitions, stores
from connector.journal.database import Database
from connector.journal.results import attempts, customers, dead_letters, deliveries
from connector.journal.sync import refreshes
from connector.model import PARTITIONS, Attempt, Partitions, Profile, Progress, Settled, TrueAt
from tests.journal import owed
from tests.journal.received import incoming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.journal.database import Connection
    from tests.postgres import Cluster

    Question = Callable[[Connection], object]

EVENTS, CUSTOMERS = 60_000, 12_000
#: The tables that grow with the history. The first two have a table for each period.
HISTORY = ("events_", "outcomes_", "event_keys", "customers", "attempts")
HELD = Partitions(1, tuple(range(PARTITIONS)))
KNOWN = [f"h{number:08}@example.com" for number in range(20)]
#: What waits and what is dead, beside the history: 2,000 events, 2,000 deliveries, and 2,000 dead letters. One of 100
#: events has no mapping, and one of 20 belongs to a small store.
_WAITING = """
    insert into queue (id, received_at, bytes, store_id, partition, bulk, customer)
    select id, received_at, bytes, store_id, partition, bulk, customer from events order by id desc limit 2000;
    delete from outcomes where event_id in (select id from queue);
    insert into deliveries (event_id, store_id, customer, partition, occurred_at, update, bytes, skip_hook, mapping,
                            state, reason, cause, rule, created_at, topic, bulk, received_at, settled_at)
    select id, store_id, customer, partition, occurred_at, '{"identifiers": {}, "attributes": {}, "events": []}', 50,
           false, 'hash', state, case state when 'dead' then 'the reason' end, case state when 'dead' then 'a' end,
           case state when 'dead' then 'b' end, received_at, topic, false, received_at,
           case state when 'dead' then received_at end
    from (select *, case id % 2 when 0 then 'waiting' else 'dead' end as state from events
          where id <= (select min(id) from queue) order by id desc limit 4000) mapped;
    delete from outcomes where event_id in (select event_id from deliveries);
    update outcomes set state = 'unmapped', mapping = null, update = null where event_id % 100 = 0;
    insert into stores (name, insider_partner) select 'shop' || n, 'shop' || n from generate_series(1, 20) n;
    update events set store_id = 2 + id % 19 where id % 20 = 0;
    analyze;
"""


class Explaining:
    """A connection that also keeps the plan of each query, as JSON.

    PostgreSQL makes a plan for the given parameters. For a query that a connection repeats, it may take a plan for all
    parameters, the generic one. So that plan is kept too.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.plans: list[dict[str, Any]] = []
        self.generic_plans: list[dict[str, Any]] = []

    def execute(self, query: str, parameters: Any = None) -> Any:
        explained = self._connection.execute(f"explain (format json) {query}", parameters, prepare=False).fetchall()
        self.plans.append(explained[0][0][0]["Plan"])
        known = self._prepared()
        done = self._connection.execute(query, parameters, prepare=True)
        for name, count in (self._prepared() - known) or known:
            self.generic_plans.append(self._generic_plan(name, count))
        return done

    def _prepared(self) -> set[tuple[str, int]]:
        """Return the prepared statements, with the number of their parameters."""
        rows = self._connection.execute(
            "select name, cardinality(parameter_types) as count from pg_prepared_statements", prepare=False
        )
        return {(row.name, row.count) for row in rows}

    def _generic_plan(self, name: str, count: int) -> dict[str, Any]:
        """Return the generic plan of a prepared statement, for which the values of its parameters do not matter."""
        values = f"({', '.join(['null'] * count)})" if count else ""
        self._connection.execute("set local plan_cache_mode = force_generic_plan", prepare=False)
        explained = self._connection.execute(
            f'explain (format json) execute "{name}"{values}', prepare=False
        ).fetchall()
        self._connection.execute("set local plan_cache_mode = auto", prepare=False)
        return dict(explained[0][0][0]["Plan"])


@pytest.fixture(scope="module")
def grown(cluster: Cluster) -> Iterator[Database]:
    """A journal with a history in several periods, and with work that waits."""
    with cluster.database() as url:
        database = Database(url, connections=2, wait_seconds=5)
        with database.connection() as connection:
            history.fill(connection, store_id=1, events=EVENTS, customers=CUSTOMERS)
            connection.execute(_WAITING)
        yield database
        database.close()


def sequential(plan: dict[str, Any]) -> Iterator[str]:
    """Yield the tables that a plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from sequential(part)


def read_whole(connection: Connection, plans: list[dict[str, Any]]) -> set[str]:
    """Return the tables of the history that have rows and that one of the plans reads from end to end."""
    rows = connection.execute("select relname from pg_class where reltuples > 0").fetchall()
    filled = {row.relname for row in rows if row.relname.startswith(HISTORY)}
    return {table for plan in plans for table in sequential(plan)} & filled


def append(connection: Connection) -> object:
    new = [incoming(f"new {number}", customer=KNOWN[number % 20]) for number in range(50)]
    return events.append(connection, [*new, *new[:5]])


def append_known(connection: Connection) -> object:
    ids = connection.execute("select id from events where store_id = 1 order by id limit 20").fetchall()
    appended = events.append(connection, [incoming(f"history|{row.id}") for row in ids])
    assert {one.duplicate for one in appended} == {True}
    return appended


def take_received(connection: Connection) -> object:
    received = events.take_received(connection, HELD, limit=1000, size=8_000_000)
    assert len(received.events) == 1000
    return received


def take_received_of_a_hot_customer(connection: Connection) -> object:
    connection.execute("update queue set customer = 'a@example.com'")
    return events.take_received(connection, HELD, limit=1000, size=8_000_000)


def take_waiting(connection: Connection) -> object:
    waiting = deliveries.take_waiting(connection, HELD, low_priority=False, limit=1000)
    assert len(waiting.deliveries) == 1000
    return waiting


def remove_from_queue(connection: Connection) -> None:
    received = events.take_received(connection, HELD, limit=1000, size=8_000_000)
    events.remove_from_queue(connection, 1, received, low_priority=False)


def find_profiles(connection: Connection) -> object:
    found = customers.profiles(connection, 1, KNOWN)
    assert len(found) == len(KNOWN)
    return found


def write_profiles(connection: Connection) -> None:
    profile = Profile(identifiers={}, attributes={"name": "Ann"}, times={"name": TrueAt(1, 1)})
    customers.write(connection, 1, dict.fromkeys([*KNOWN, "new@example.com"], profile))


def record_new(connection: Connection) -> None:
    attempt = Attempt(users=1, bytes=1, status=200, outcome="delivered", duration_ms=1, excerpt="")
    attempts.append(connection, 1, [attempt])
    new = [owed.owed(number) for number in range(2)]
    deliveries.append(connection, new, {0: Progress(settled=Settled(id=-1), attempt_ids=[1])})


def settle_waiting(connection: Connection) -> None:
    waiting = deliveries.take_waiting(connection, HELD, low_priority=False, limit=200).deliveries
    settled = [Settled(id=one.id, refusal=owed.REFUSAL if number % 2 else None) for number, one in enumerate(waiting)]
    deliveries.remember_attempts(connection, {one.id: [1] for one in waiting[:3]})
    deliveries.remember_refusal(connection, waiting[0].id, 1)
    deliveries.settle(connection, settled)


def was_delivered_since(connection: Connection) -> object:
    (row,) = connection.execute("select max(id) - 100 as id from attempts").fetchall()
    return attempts.delivered_since(connection, 1, row.id)


def find_work(connection: Connection) -> object:
    partitions.without_webhooks(connection, HELD)
    return partitions.busy(connection), partitions.steps(connection, limit=1000)


def status(connection: Connection) -> object:
    lag = deliveries.oldest_undelivered_seconds(connection)
    return stores.states(connection), lag, notices.counts(connection), refreshes.lag(connection)


def listed(**filters: Any) -> Question:
    given: dict[str, Any] = {"store_id": None, "state": None, "customer": None, "limit": 20}
    return lambda connection: events.newest(connection, **given | filters)


def dead_letters_listed(connection: Connection) -> object:
    return dead_letters.groups(connection, store_id=None, limit=20)


#: Long-lived processes ask these, so PostgreSQL may use a generic plan.
REPEATED: dict[str, Question] = {
    "append": append,
    "append known ones": append_known,
    "take received": take_received,
    "take received, one hot customer": take_received_of_a_hot_customer,
    "take waiting": take_waiting,
    "remove from the queue": remove_from_queue,
    "find profiles": find_profiles,
    "write profiles": write_profiles,
    "record new deliveries": record_new,
    "settle waiting deliveries": settle_waiting,
    "delivered since": was_delivered_since,
    "find work": find_work,
}
#: A command asks these once.
LISTINGS: dict[str, Question] = {
    "status": status,
    "events list": listed(),
    "events list --store": listed(store_id=1),
    "events list --store of a small one": listed(store_id=7),
    "events list --customer": listed(customer=KNOWN[0]),
    "events list --store --customer": listed(store_id=1, customer=KNOWN[0]),
    "events list --customer unknown": listed(customer="nobody@example.com"),
    "events list --state received": listed(state="received"),
    "events list --state mapped": listed(state="mapped"),
    "events list --state unmapped": listed(state="unmapped"),
    "events list --store --state received": listed(store_id=7, state="received"),
    "events list --store --state unmapped": listed(store_id=7, state="unmapped"),
    "dead-letters list": dead_letters_listed,
}


@pytest.mark.parametrize("name", REPEATED)
def test_no_query_of_a_webhook_reads_a_table_of_the_history(grown: Database, name: str) -> None:
    with grown.connection() as connection, connection.transaction(force_rollback=True):
        explaining = Explaining(connection)
        REPEATED[name](cast("Connection", explaining))

        assert len(explaining.generic_plans) >= len(explaining.plans) > 0
        assert read_whole(connection, explaining.plans) == set()
        assert read_whole(connection, explaining.generic_plans) == set()


@pytest.mark.parametrize("name", LISTINGS)
def test_no_listing_reads_a_table_of_the_history(grown: Database, name: str) -> None:
    with grown.connection() as connection, connection.transaction(force_rollback=True):
        explaining = Explaining(connection)
        LISTINGS[name](cast("Connection", explaining))

        assert explaining.plans
        assert read_whole(connection, explaining.plans) == set()


def test_a_query_that_reads_a_table_of_the_history_is_seen(grown: Database) -> None:
    with grown.connection() as connection, connection.transaction(force_rollback=True):
        explaining = Explaining(connection)
        explaining.execute("select from events where bytes = %s", (1,))

        found = read_whole(connection, explaining.plans)

        assert len(found) >= history.WEEKS
        assert read_whole(connection, explaining.generic_plans) == found
