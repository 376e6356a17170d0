"""Which mapping set is in force: activation, rollback, the change in workers, and replays with an earlier set."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import pytest
import requests

from connector.errors import MappingError, OperatorError
from connector.journal import audit, mapping_sets
from connector.journal.database import Database
from connector.journal.results.encoding import update_of
from connector.workshop import activation
from tests.delivery.pipelines import NOW, changed, wait_for_a_lock
from tests.sandbox.stores import Store
from tests.workshop.activations import STRANGE, A, B, C, activate, activate_strange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.journal.database import Connection
    from connector.mapping import MappingSet
    from connector.sandbox.stack import Stack
    from connector.workshop.activation import Change
    from tests.workers.worker import Worker


#: The README promises this to operators.
_TAKEN_UP_SECONDS = 10


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connection() as opened:
        yield opened


def roll_back(connection: Connection, actor: str = "ann") -> Change:
    with connection.transaction():
        return activation.rollback(connection, actor=actor, reason="worse")


def active(connection: Connection) -> str | None:
    return mapping_sets.active(connection).version


def entries(connection: Connection) -> list[tuple[Any, ...]]:
    rows = reversed(audit.newest(connection, limit=99))
    return [(row["action"], row["details"]["before"], row["details"]["active"]) for row in rows]


# ------------------------------------------------------------------------------------------------ operators


def test_an_activated_set_is_active_and_in_the_audit_log(connection: Connection) -> None:
    assert activate(connection, A) == (A.version, "release", True)
    assert activate(connection, B) == (B.version, A.version, True)
    assert activate(connection, None) == ("release", B.version, True)

    assert active(connection) is None
    assert entries(connection) == [
        ("mappings.activate", "release", A.version),
        ("mappings.activate", A.version, B.version),
        ("mappings.activate", B.version, "release"),
    ]
    assert [(row["actor"], row["reason"]) for row in audit.newest(connection, limit=9)] == [("ann", "better")] * 3


@pytest.mark.parametrize("mappings", [A, None])
def test_activating_the_active_set_changes_nothing(connection: Connection, mappings: MappingSet | None) -> None:
    activate(connection, A)
    activate(connection, mappings)
    before = mapping_sets.active(connection)

    change = activate(connection, mappings, actor="bob")

    assert (change.active, change.changed) == (mappings.version if mappings else "release", False)
    assert mapping_sets.active(connection) == before
    assert all(row["actor"] == "ann" for row in audit.newest(connection, limit=9))


def test_only_a_set_that_loads_can_be_activated(connection: Connection) -> None:
    mapping_sets.keep(connection, "strange", STRANGE, topics=1)
    for version, message in (("strange", "a.b.yaml:4:1: "), ("unknown", "the journal keeps no mapping set 'unknown'")):
        with pytest.raises(MappingError, match=message), connection.transaction():
            activation.activate(connection, version, actor="ann", reason="why")

    assert active(connection) is None
    assert entries(connection) == []


def test_each_rollback_goes_one_set_back_and_never_returns_to_a_set_it_left(connection: Connection) -> None:
    for mappings in (A, B, C):
        activate(connection, mappings)

    assert roll_back(connection) == (B.version, C.version, True)
    assert roll_back(connection) == (A.version, B.version, True)
    # A is now the set before the next one. No rollback returns to B or C.
    activate(connection, C)
    assert [roll_back(connection).active for _ in range(2)] == [A.version, "release"]
    with pytest.raises(OperatorError, match="nothing was active before release"):
        roll_back(connection)
    assert active(connection) is None
    assert [before for action, before, _ in entries(connection) if action == "mappings.rollback"] == [
        C.version,
        B.version,
        C.version,
        A.version,
    ]


def test_a_rollback_goes_to_the_files_of_each_release_if_they_were_active(connection: Connection) -> None:
    for mappings in (A, None, B):
        activate(connection, mappings)

    assert [roll_back(connection).active for _ in range(3)] == ["release", A.version, "release"]


def test_a_rollback_to_a_set_that_cannot_be_loaded_changes_nothing(connection: Connection) -> None:
    activate_strange(connection)
    activate(connection, A)

    with pytest.raises(OperatorError, match=r"strange, which was .* cannot be loaded by this release \(a.b.yaml:4:1: "):
        roll_back(connection)

    assert active(connection) == A.version


def at_once(database: Database, first: Callable[[Connection], Any], second: Callable[[Connection], Any]) -> Any:
    """Run a second command before the first one is committed; return the result of the second."""

    def run() -> Any:
        with database.transaction() as connection:
            return second(connection)

    with ThreadPoolExecutor(1) as threads:
        with database.transaction() as connection:
            first(connection)
            waiting = threads.submit(run)
            wait_for_a_lock(database)
        return waiting.result()


def test_the_later_of_two_activations_at_once_wins_and_the_other_is_the_one_before(
    database: Database, connection: Connection
) -> None:
    change = at_once(database, lambda first: activate(first, A), lambda second: activate(second, B, actor="bob"))

    assert change == (B.version, A.version, True)
    assert active(connection) == B.version
    assert roll_back(connection).active == A.version


def test_one_of_two_activations_of_the_same_set_at_once_changes_nothing(
    database: Database, connection: Connection
) -> None:
    change = at_once(database, lambda first: activate(first, A), lambda second: activate(second, A))

    assert change == (A.version, A.version, False)
    assert entries(connection) == [("mappings.activate", "release", A.version)]


def test_only_one_of_two_rollbacks_at_once_is_done(database: Database, connection: Connection) -> None:
    for mappings in (A, B):
        activate(connection, mappings)

    with pytest.raises(OperatorError, match=f"bob has made {A.version} active just now, so nothing was rolled back"):
        at_once(database, lambda first: roll_back(first, actor="bob"), roll_back)

    assert active(connection) == A.version


# ------------------------------------------------------------------------------------------------ workers


class Load:
    """Sends webhooks of new customers all the time, in arrays, until its block ends."""

    def __init__(self, url: str) -> None:
        self.emails: list[str] = []
        self.pause = 0.02
        self._url = url
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self.pause):
            new = [f"c{len(self.emails) + number}@example.com" for number in range(20)]
            body = [changed(email, 1, NOW) for email in new]
            assert requests.post(self._url, json=body, timeout=30).status_code == requests.codes.ok
            self.emails += new


@pytest.fixture
def store(stack: Stack) -> Store:
    requests.post(f"{stack.insider_url}/_sandbox/settings", json={"requests_per_minute": 10**7}, timeout=10)
    return Store(stack)


@pytest.fixture
def journal(stack: Stack) -> Iterator[Connection]:
    """The journal of the stack. The files of the release are made active again afterwards."""
    database = Database(stack.environment["DATABASE_URL"], connections=1, wait_seconds=5)
    with database.connection() as opened:
        yield opened
        activate(opened, None)
    database.close()


@pytest.mark.slow
def test_sets_that_take_turns_under_load_each_map_whole_events_and_none_is_lost(
    worker: Worker, store: Store, journal: Connection
) -> None:
    worker.run()
    assert len(worker.process.children()) == 2
    activate(journal, A)
    time.sleep(_TAKEN_UP_SECONDS)
    ends_at = time.monotonic() + 10
    with Load(store.url) as load:
        while time.monotonic() < ends_at:
            for mappings in (A, B):
                activate(journal, mappings)
                time.sleep(0.1)
        activate(journal, A)
        activated_at = mapping_sets.active(journal).activated_at
        load.pause = 0.2
        time.sleep(_TAKEN_UP_SECONDS + 1)
    users = store.wait_for(load.emails)

    rows = journal.execute(
        """
        select customer, last.mapping as of_event, mapped_at, owed.*
        from events left join mapping_results last on last.event_id = events.id left join lateral (
            select array_agg(mapping) as mappings, jsonb_agg(update) as updates
            from all_deliveries where event_id = events.id) owed on true
        where store_id = (select id from stores where name = %s)
        """,
        (store.partner,),
    ).fetchall()
    names = {A.version: ["a_one", "a_two"], B.version: ["b_one", "b_two"]}
    assert len(load.emails) > 2000
    assert sorted(row.customer for row in rows) == sorted(load.emails)
    for row in rows:
        assert row.mappings == [row.of_event]
        assert [sorted(update_of(update).attributes) for update in row.updates] == [names[row.of_event]]
        assert sorted(users[row.customer]["custom"]) == names[row.of_event]
    by = Counter(row.of_event for row in rows)
    assert min(by[A.version], by[B.version]) > 500
    late = activated_at + timedelta(seconds=_TAKEN_UP_SECONDS)
    assert {row.of_event for row in rows if row.mapped_at > late} == {A.version}
