"""What the pipeline does when Insider refuses, fails or is down, and when other workers run at the same time."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal import partitions, stores
from connector.model import Partitions, partition_number
from tests.delivery.pipelines import NOW, Connector, changed

if TYPE_CHECKING:
    from connector.journal.vault import Vault
    from connector.mapping import MappingSet
    from tests.conftest import Insider


def test_users_that_insider_refuses_become_dead_letters_and_the_others_are_delivered(
    connector: Connector, insider: Insider
) -> None:
    emails = [email for n in range(200) if partition_number(email := f"c{n}@example.com") == 3]
    bad = {emails[0], emails[4], emails[-1]}
    insider.post("faults", kind="fail_users", emails=sorted(bad), message="no such thing")
    connector.receive(*(changed(email, 1, NOW) for email in emails))

    connector.pipeline.advance(seconds=60)

    dead = connector.rows("select customer, reason from all_deliveries where state = 'dead'")
    assert {row.customer for row in dead} == bad
    assert all("no such thing" in row.reason for row in dead)
    assert {user["identifiers"]["email"] for user in insider.get("users")} == set(emails) - bad


@pytest.mark.parametrize(
    ("kind", "position"), [("400", 2), ("unattributed_fail", 1)], ids=["as a whole", "without naming a user"]
)
def test_a_batch_that_is_refused_is_bisected(connector: Connector, insider: Insider, kind: str, position: int) -> None:
    emails = [email for n in range(300) if partition_number(email := f"c{n}@example.com") == 3]
    bad = emails[position]
    insider.post("faults", kind=kind, emails=[bad])
    connector.receive(*(changed(email, 1, NOW) for email in emails))

    connector.pipeline.advance(seconds=60)

    assert [row.customer for row in connector.rows("select customer from all_deliveries where state = 'dead'")] == [bad]
    assert {user["identifiers"]["email"] for user in insider.get("users")} == {*emails} - {bad}
    assert len(insider.get("users")) == len(emails) - 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "429", "retry_after": 7},
        {"kind": "429", "variant": 1},
        {"kind": "500"},
        {"kind": "503"},
        {"kind": "cut_before"},
        {"kind": "cut_after"},
        {"kind": "html"},
        {"kind": "wrong_json"},
        {"kind": "empty"},
        {"kind": "slow", "delay_ms": 2500},
    ],
    ids=str,
)
def test_a_store_that_insider_fails_is_paused_and_tried_again(
    connector: Connector, insider: Insider, fault: dict[str, Any]
) -> None:
    insider.post("faults", **fault, times=1)
    connector.receive(changed("ann@example.com", 7, NOW))

    connector.pipeline.advance(seconds=60)
    connector.pipeline.advance(seconds=60)

    assert [attempt.outcome for attempt in connector.rows("select outcome from attempts")] == ["paused"]
    assert connector.states() == {"waiting": 1}
    while len(insider.get("requests")) < 1:  # A slow answer is still on its way when the client has given up.
        time.sleep(0.05)
    (paused,) = connector.rows("select paused_until - now() as left, failures, pause_reason from stores")
    assert paused.failures == 1
    if fault.get("retry_after"):
        assert timedelta(seconds=5) < paused.left <= timedelta(seconds=7)

    connector.pause_is_over()
    connector.pipeline.advance(seconds=60)

    assert connector.states() == {"delivered": 1}
    user = insider.user("ann@example.com")
    assert len(user["events"]) == 1
    assert connector.rows("select failures, pause_reason, paused_until from stores") == [(0, None, None)]


@pytest.mark.parametrize("status", [401, 403])
def test_bad_credentials_pause_the_store_for_long_and_nothing_is_lost(
    connector: Connector, insider: Insider, status: int
) -> None:
    insider.post("faults", kind=str(status))
    connector.receive(changed("ann@example.com", 7, NOW))

    connector.pipeline.advance(seconds=60)

    (paused,) = connector.rows("select paused_until - now() as left, pause_reason from stores")
    assert paused.left > timedelta(minutes=14)
    assert str(status) in paused.pause_reason
    assert connector.states() == {"waiting": 1}


def test_a_store_that_an_operator_holds_takes_and_maps_but_does_not_send(
    connector: Connector, insider: Insider
) -> None:
    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=True)
    connector.receive(changed("ann@example.com", 7, NOW))
    connector.pipeline.advance(seconds=60)
    assert (connector.states(), insider.get("requests")) == ({"waiting": 1}, [])

    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=False)
    connector.pipeline.advance(seconds=60)

    assert connector.states() == {"delivered": 1}


def test_one_stores_pause_does_not_delay_another(
    connector: Connector, vault: Vault, mappings: MappingSet, insider: Insider
) -> None:
    with connector.database.connection() as connection:
        other = stores.add(
            connection, vault, name="other", insider_partner="other", insider_token="t", insider_url=insider.url
        )
    insider.post("faults", kind="500", partner="acme")
    connector.receive(changed("ann@example.com", 1, NOW))
    Connector(connector.database, vault, mappings, other).receive(changed("ann@example.com", 2, NOW))

    connector.pipeline.advance(seconds=60)

    assert insider.user("ann@example.com", partner="other")["custom"]["yotpo_point_balance"] == 2
    assert connector.states() == {"delivered": 1, "waiting": 1}


def test_a_partition_that_another_worker_holds_is_left_alone(connector: Connector, insider: Insider) -> None:
    connector.receive(changed("ann@example.com", 7, NOW))
    partition = Partitions(connector.store.id, (partition_number("ann@example.com"),))

    with connector.database.transaction() as connection:
        assert partitions.hold(connection, partition) == partition
        connector.pipeline.advance(seconds=5)
        assert insider.get("requests") == []

    connector.pipeline.advance(seconds=60)
    assert len(insider.get("requests")) == 1


def test_a_store_that_failed_is_tried_by_one_batch_at_a_time(connector: Connector, insider: Insider) -> None:
    emails = [f"c{number}@example.com" for number in range(50)]
    insider.post("faults", kind="500")
    connector.receive(*(changed(email, 1, NOW) for email in emails))
    connector.pipeline.advance(seconds=10)
    connector.pause_is_over()

    connector.pipeline.advance(seconds=10)

    assert len(insider.get("requests")) == 2
    assert connector.rows("select failures from stores")[0].failures == 2


def test_every_upsert_is_journaled_as_an_attempt(connector: Connector, insider: Insider) -> None:
    insider.post("faults", kind="500", times=1)
    connector.receive(changed("ann@example.com", 7, NOW))
    connector.pipeline.advance(seconds=60)
    connector.pause_is_over()
    connector.pipeline.advance(seconds=60)

    attempts = connector.rows("select status, outcome, users, bytes, excerpt from attempts order by id")
    assert [(attempt.status, attempt.outcome, attempt.users) for attempt in attempts] == [
        (500, "paused", 1),
        (200, "delivered", 1),
    ]
    assert all(attempt.bytes > 100 for attempt in attempts)
    assert "ann@example.com" not in str(attempts)
    assert len(insider.get("requests")) == 2
