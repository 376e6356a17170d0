"""Customers pushed to the simulator of Yotpo: beside other processes, through failures, and read back."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import OperatorError
from connector.journal import partitions
from connector.journal.sync import accounts
from connector.sync.pushing import sending
from connector.sync.pushing.reading import Row
from connector.sync.pushing.results import EarlierRuns, Result
from connector.sync.pushing.waiting import PatientStore
from connector.yotpo.client import Hosts, Yotpo
from tests.sandbox.yotpo.simulators import Yotpo as Simulator
from tests.sandbox.yotpo.simulators import simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.model import Store


@pytest.fixture(scope="module")
def started() -> Iterator[Simulator]:
    with simulator("--switch", "visibility_seconds=0") as running:
        yield running


@pytest.fixture
def yotpo(started: Simulator) -> Simulator:
    simulated = started.cleared()
    simulated.tell("faults", method="DELETE")
    # The simulator refuses requests above the rate. A push keeps to the rate.
    simulated.switch(requests_per_second=5)
    return simulated


class Pushing:
    """Pushes to the store `shop`, and remembers what it waited for."""

    def __init__(self, database: Database, vault: Vault, store: Store, yotpo: Simulator) -> None:
        self.database = database
        self.yotpo = yotpo
        self.store_id = store.id
        self.waits: list[str] = []
        client = Yotpo(
            hosts=Hosts(core=yotpo.url, developers=yotpo.url, loyalty=yotpo.url), connect_seconds=2, read_seconds=5
        )
        self.leased = PatientStore(database, vault, client, store.id, waiting=self.waits.append)
        with database.transaction() as connection:
            accounts.connect(connection, vault, store_id=store.id, app_key="shop", mode="own", secret="secret-of-shop")

    def push(self, *customers: dict[str, Any] | None, **options: Any) -> list[Result]:
        rows = [Row(number, customer, None if customer else "broken") for number, customer in enumerate(customers, 1)]
        return list(sending.push(rows, self.leased, **options))

    def patched(self) -> list[dict[str, Any]]:
        """Return the customers of all change requests, failed ones included."""
        found = self.yotpo.ask("requests", full=1)
        return [request["body"]["customer"] for request in found if request["method"] == "PATCH"]

    def shown(self, external_id: str) -> dict[str, Any]:
        self.yotpo.switch(requests_per_second=1_000)
        (customer,) = self.yotpo.customers(external_ids=external_id)
        return customer


@pytest.fixture
def pushing(database: Database, vault: Vault, store: Store, yotpo: Simulator) -> Pushing:
    return Pushing(database, vault, store, yotpo)


def _customers(number: int) -> list[dict[str, Any]]:
    return [
        {"external_id": f"new-{one}", "email": f"new-{one}@example.org", "first_name": "Ada"} for one in range(number)
    ]


def _told(results: list[Result]) -> list[tuple[int, str]]:
    return [(result.line, result.outcome) for result in results]


def test_customers_arrive_in_order_and_at_yotpos_rate(pushing: Pushing) -> None:
    customers = _customers(18)

    results = pushing.push(*customers)

    assert _told(results) == [(line, "sent") for line in range(1, 19)]
    assert pushing.patched() == customers
    stats = pushing.yotpo.ask("stats")
    assert "429" not in stats["requests"]["by_status"]
    assert pushing.shown("new-17")["first_name"] == "Ada"


def test_a_line_that_is_wrong_or_refused_holds_up_no_other(pushing: Pushing) -> None:
    pushing.yotpo.tell("faults", {"kind": "422", "method": "PATCH", "skip": 1, "times": 1, "body": {"error": "no Bob"}})
    good, refused, last = _customers(3)

    results = pushing.push(good, None, {"external_id": "1", "gender": "?"}, refused, last)

    assert _told(sorted(results)) == [(1, "sent"), (2, "invalid"), (3, "invalid"), (4, "refused"), (5, "sent")]
    by_line = {result.line: result for result in results}
    assert by_line[2].problems == ("broken",)
    assert by_line[3].problems == ("gender: has to be one of F, M, Other",)
    assert "no Bob" in by_line[4].problems[0]
    assert by_line[4].who == "external_id new-1"


def test_the_same_customer_twice_is_sent_twice_in_order(pushing: Pushing) -> None:
    pushing.push({"external_id": "twice", "first_name": "Old"}, {"external_id": "twice", "first_name": "New"})

    assert pushing.shown("twice")["first_name"] == "New"
    assert len(pushing.patched()) == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "503", "times": 2},
        {"kind": "429", "times": 1, "retry_after": 1},
        {"kind": "html", "times": 1, "status": 500},
        {"kind": "drop", "times": 1},
        {"kind": "drop_after", "times": 1},
    ],
)
def test_a_customer_is_sent_again_until_yotpo_answers(pushing: Pushing, fault: dict[str, Any]) -> None:
    pushing.push(_customers(1)[0])
    pushing.yotpo.tell("faults", {"method": "PATCH", "skip": 1, **fault})

    results = pushing.push(*_customers(3))

    assert _told(results) == [(1, "sent"), (2, "sent"), (3, "sent")]
    sent = [customer["external_id"] for customer in pushing.patched()][1:]
    assert sent == ["new-0", *["new-1"] * (fault["times"] + 1), "new-2"]
    assert len(pushing.waits) == fault["times"]
    assert all("; trying again in " in told for told in pushing.waits)


def test_credentials_that_yotpo_rejects_end_the_push_with_a_remedy(pushing: Pushing) -> None:
    assert _told(pushing.push(_customers(1)[0])) == [(1, "sent")]
    pushing.yotpo.switch(revoked=["shop"])

    with pytest.raises(OperatorError, match="run the same command again: it goes on where it has stopped"):
        pushing.push(*_customers(2))

    with pushing.database.connection() as connection:
        assert connection.execute("select unauthorized from yotpo_accounts").fetchone().unauthorized == 1  # type: ignore[union-attr]


def test_a_fetched_token_is_kept_for_the_next_lease(pushing: Pushing) -> None:
    pushing.push(_customers(1)[0])
    pushing.push(_customers(1)[0])

    paths = Counter(request["path"].rpartition("/")[2] for request in pushing.yotpo.ask("requests"))
    # The client of the tests has fetched a token, too.
    assert paths["access_tokens"] == 2


@pytest.mark.parametrize(("state", "told"), [(None, "not connected"), ("revoked", "has revoked")])
def test_a_store_without_a_connected_account_is_reported(pushing: Pushing, state: str | None, told: str) -> None:
    with pushing.database.connection() as connection:
        connection.execute(
            "update yotpo_accounts set state = %s, ended_at = now()" if state else "delete from yotpo_accounts",
            (state,) if state else (),
        )
    with pytest.raises(OperatorError, match=told):
        pushing.push(_customers(1)[0])


def test_it_waits_while_another_process_holds_the_lease(pushing: Pushing) -> None:
    with pushing.database.transaction() as connection:
        assert partitions.hold_lease(connection, pushing.store_id)
        results: list[Result] = []
        thread = threading.Thread(target=lambda: results.extend(pushing.push(_customers(1)[0])))
        thread.start()
        time.sleep(1.2)
        assert pushing.patched() == []
    thread.join()

    assert _told(results) == [(1, "sent")]
    assert "another process is sending requests to Yotpo for this store" in pushing.waits[0]


def test_it_goes_on_when_postgresql_is_back(pushing: Pushing) -> None:
    results: list[Result] = []
    thread = threading.Thread(target=lambda: results.extend(pushing.push(*_customers(6))))
    thread.start()
    while len(pushing.patched()) < 2:
        time.sleep(0.05)
    with pushing.database.connection() as connection:
        connection.execute(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()
            """
        )
    thread.join()

    assert _told(results) == [(line, "sent") for line in range(1, 7)]
    assert [customer["external_id"] for customer in pushing.patched()] == [f"new-{one}" for one in range(6)]
    assert "PostgreSQL" in pushing.waits[0]


def test_other_processes_get_the_lease_in_between(pushing: Pushing) -> None:
    thread = threading.Thread(target=pushing.push, args=_customers(32))
    thread.start()
    leased = 0
    while thread.is_alive():
        with pushing.database.transaction() as connection:
            leased += partitions.hold_lease(connection, pushing.store_id)
        time.sleep(0.05)

    assert len(pushing.patched()) == 32
    # 32 customers, 15 under each lease.
    assert leased >= 2


def test_a_customer_that_an_earlier_run_sent_is_sent_again_only_if_changed(pushing: Pushing) -> None:
    first, second, third = _customers(3)
    earlier = EarlierRuns()
    for result in pushing.push(first, second):
        earlier.keep(result.line, result.outcome, result.digest)

    results = pushing.push(first, {**second, "first_name": "New"}, third, earlier=earlier)

    assert _told(results) == [(1, "earlier"), (2, "sent"), (3, "sent")]
    assert [customer["external_id"] for customer in pushing.patched()] == ["new-0", "new-1", "new-1", "new-2"]


def test_customers_are_read_back_and_compared(pushing: Pushing) -> None:
    pushing.yotpo.switch(visibility_seconds=1)
    pushing.push({"external_id": "known", "first_name": "Old", "email": "known@example.org"})
    time.sleep(1.2)
    # The simulator accepts these two and does not apply them.
    pushing.yotpo.tell("faults", {"kind": "202", "method": "PATCH", "skip": 1, "times": 2})

    results = pushing.push(
        {"external_id": "good", "tags": ["a", "b"], "account_created_at": "2020-04-01T18:58:01Z"},
        {"external_id": "known", "first_name": "New", "email": "known@example.org"},
        {"email": "lost@example.org"},
        {"phone_number": "+12015550123", "address": {"city": "X"}},
        verify_seconds=1.5,
    )

    assert _told(results[:4]) == [(1, "sent"), (2, "sent"), (3, "sent"), (4, "sent")]
    assert _told(results[4:]) == [(1, "verified"), (2, "differs"), (3, "missing"), (4, "verified")]
    assert results[5].problems == ("first_name: Yotpo shows another value than was sent",)


def test_the_later_of_two_lines_of_a_customer_is_compared(pushing: Pushing) -> None:
    results = pushing.push(
        {"external_id": "twice", "first_name": "Old", "tags": "a"},
        {"external_id": "twice", "first_name": "New"},
        verify_seconds=1,
    )

    assert _told(results[2:]) == [(1, "verified"), (2, "verified")]


def test_reading_back_goes_on_in_the_next_run(pushing: Pushing) -> None:
    earlier = EarlierRuns()
    first, second = pushing.push(*_customers(2))
    earlier.keep(1, "verified", first.digest)
    earlier.keep(2, "sent", second.digest)

    results = pushing.push(*_customers(2), earlier=earlier, verify_seconds=0.5)

    assert _told(results) == [(1, "earlier"), (2, "earlier"), (2, "verified")]
    assert len(pushing.patched()) == 2
