"""The two steps, map and deliver, on a real journal against the simulator of Insider."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.insider.client import Insider as Client
from connector.journal import deliveries, events, stores
from connector.journal.events import Incoming
from connector.model import Partition, partition_number
from connector.pipeline import Pipeline
from connector.times import rfc3339
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from conftest import Insider

    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.mapping import MappingSet
    from connector.model import Store

NOW = datetime.now(UTC).replace(microsecond=0)


class Connector:
    """A journal, a pipeline and a store."""

    def __init__(self, database: Database, vault: Vault, mappings: MappingSet, store: Store) -> None:
        self.database = database
        self.store = store
        self.pipeline = Pipeline(
            database=database,
            vault=vault,
            mappings=mappings,
            insider=Client(url="http://127.0.0.1:9", connect_seconds=1, read_seconds=2),
            batch_size=1000,
            retention=timedelta(days=90),
        )

    def receive(self, *webhooks: dict[str, Any], topic: str | None = None) -> list[int]:
        incoming = []
        for webhook in webhooks:
            seen = recognise(webhook, path_topic=topic, received_at=datetime.now(UTC))
            incoming.append(
                Incoming(
                    store_id=self.store.id,
                    topic=seen.topic,
                    key=seen.key,
                    dated=seen.dated,
                    customer=seen.customer,
                    occurred_at=seen.occurred_at,
                    received_at=datetime.now(UTC),
                    body=json.dumps(webhook).encode(),
                )
            )
        with self.database.connection() as connection:
            return [appended.id for appended in events.append(connection, incoming)]

    def rows(self, query: str, *parameters: Any) -> list[Any]:
        with self.database.connection() as connection:
            return connection.execute(query, parameters).fetchall()

    def states(self) -> dict[str, int]:
        return {row.state: row.n for row in self.rows("select state, count(*) as n from deliveries group by state")}

    def pause_is_over(self) -> None:
        self.rows("update stores set paused_until = now() where paused_until is not null returning id")


@pytest.fixture
def connector(database: Database, vault: Vault, mappings: MappingSet, store: Store, insider: Insider) -> Connector:
    assert store.insider_url == insider.url
    return Connector(database, vault, mappings, store)


def changed(email: str, balance: int, at: datetime) -> dict[str, Any]:
    return {
        "topic": "swell/points/changed",
        "customer": {"email": email, "points_balance": balance, "vip_tier_name": "Gold"},
        "current_balance": balance,
        "timestamp": rfc3339(at),
    }


def test_an_event_becomes_a_user_with_attributes_and_a_user_event(connector: Connector, insider: Insider) -> None:
    connector.receive(changed("Ann@Example.com", 7, NOW))

    connector.pipeline.advance(seconds=10)

    user = insider.user("ann@example.com")
    assert user["custom"] == {"yotpo_point_balance": 7, "yotpo_vip_tier_name": "Gold"}
    assert [event["event_name"] for event in user["events"]] == ["points_changed"]
    assert user["events"][0]["timestamp"] == rfc3339(NOW)
    assert connector.states() == {"delivered": 1}


def test_many_customers_share_one_upsert_for_each_partition(connector: Connector, insider: Insider) -> None:
    emails = [f"customer.{number}@example.com" for number in range(400)]
    connector.receive(*(changed(email, number, NOW) for number, email in enumerate(emails)))

    connector.pipeline.advance(seconds=30)

    assert {user["identifiers"]["email"] for user in insider.get("users", partner="acme")} == set(emails)
    assert len(insider.get("requests")) == len({partition_number(email) for email in emails})


def test_an_older_webhook_that_comes_last_changes_nothing_but_its_event_arrives(
    connector: Connector, insider: Insider
) -> None:
    connector.receive(changed("ann@example.com", 200, NOW))
    connector.pipeline.advance(seconds=10)
    (late,) = connector.receive(changed("ann@example.com", 100, NOW - timedelta(minutes=5)))
    connector.pipeline.advance(seconds=10)

    user = insider.user("ann@example.com")
    assert user["custom"]["yotpo_point_balance"] == 200
    assert [event["event_params"]["custom"]["yotpo_points_current_balance"] for event in user["events"]] == [200, 100]
    (delivery,) = connector.rows("select notes from deliveries where event_id = %s", late)
    assert "yotpo_point_balance" in delivery.notes["stale"]


def test_within_one_batch_the_newest_wins_and_the_events_keep_their_order(
    connector: Connector, insider: Insider
) -> None:
    connector.receive(
        changed("ann@example.com", 1, NOW - timedelta(minutes=3)),
        changed("ann@example.com", 3, NOW - timedelta(minutes=1)),
        changed("ann@example.com", 2, NOW - timedelta(minutes=2)),
    )

    connector.pipeline.advance(seconds=10)

    user = insider.user("ann@example.com")
    assert user["custom"]["yotpo_point_balance"] == 3
    assert [event["event_params"]["custom"]["yotpo_points_current_balance"] for event in user["events"]] == [1, 3, 2]
    assert len(insider.get("requests")) == 1


def test_an_absent_attribute_overwrites_nothing(connector: Connector, insider: Insider) -> None:
    connector.receive(changed("ann@example.com", 1, NOW - timedelta(minutes=3)))
    connector.pipeline.advance(seconds=10)
    without_tier = changed("ann@example.com", 2, NOW)
    del without_tier["customer"]["vip_tier_name"]
    connector.receive(without_tier)

    connector.pipeline.advance(seconds=10)

    assert insider.user("ann@example.com")["custom"] == {"yotpo_point_balance": 2, "yotpo_vip_tier_name": "Gold"}


def test_a_user_event_that_is_too_old_is_noted_and_not_sent(connector: Connector, insider: Insider) -> None:
    (event_id,) = connector.receive(changed("ann@example.com", 7, NOW - timedelta(days=91)))

    connector.pipeline.advance(seconds=10)

    user = insider.user("ann@example.com")
    assert user["custom"]["yotpo_point_balance"] == 7
    assert user["events"] == []
    (sent,) = insider.get("requests", full=1)
    assert "events" not in sent["body"]["users"][0]
    (delivery,) = connector.rows("select state, notes from deliveries where event_id = %s", event_id)
    assert (delivery.state, delivery.notes) == ("delivered", {"too_old": ["points_changed"]})


def test_a_referral_updates_the_referrer_with_the_event_and_the_friend_without(
    connector: Connector, insider: Insider
) -> None:
    connector.receive(
        {
            "topic": "swell/referral/completed",
            "email": "ann@example.com",
            "perk": {"id": 1, "completed_at": rfc3339(NOW)},
            "referrer": {"email": "ann@example.com", "points_balance": 5},
            "referred_customer": {"email": "fred@example.com", "points_balance": 1},
        }
    )

    connector.pipeline.advance(seconds=10)

    assert [event["event_name"] for event in insider.user("ann@example.com")["events"]] == ["referral_completed"]
    friend = insider.user("fred@example.com")
    assert (friend["custom"]["yotpo_point_balance"], friend["events"]) == (1, [])


def test_a_snapshot_starts_no_journeys_and_gives_way_to_live_events(connector: Connector, insider: Insider) -> None:
    connector.receive({"email": "ann@example.com", "first_name": "Ann"}, topic="customer/snapshot")
    connector.receive(changed("ann@example.com", 7, NOW))

    connector.pipeline.advance(seconds=10)

    assert [request["skip_hook"] for request in insider.get("requests")] == [False, True]


def test_an_unknown_topic_stays_unmapped_until_it_is_mapped_again(connector: Connector, insider: Insider) -> None:
    (event_id,) = connector.receive({"topic": "swell/brand/new", "customer": {"email": "ann@example.com"}})
    connector.pipeline.advance(seconds=10)
    assert connector.rows("select state from events where id = %s", event_id)[0].state == "unmapped"

    # As if a release had brought a mapping for it: the same event under a topic that has one.
    connector.rows("update events set topic = 'swell/points/changed' where id = %s returning id", event_id)
    with connector.database.connection() as connection:
        again = events.map_again(connection, store_id=connector.store.id, state="unmapped", topic=None)
    connector.pipeline.advance(seconds=10)

    assert again == 1
    (request,) = insider.get("requests")
    assert request["skip_hook"] is True
    assert insider.user("ann@example.com")["events"][0]["event_name"] == "points_changed"


def test_users_that_insider_refuses_become_dead_letters_and_the_others_are_delivered(
    connector: Connector, insider: Insider
) -> None:
    emails = [email for n in range(200) if partition_number(email := f"c{n}@example.com") == 3]
    bad = {emails[0], emails[4], emails[-1]}
    insider.post("faults", kind="fail_users", emails=sorted(bad), message="no such thing")
    connector.receive(*(changed(email, 1, NOW) for email in emails))

    connector.pipeline.advance(seconds=10)

    dead = connector.rows("select customer, reason from deliveries where state = 'dead'")
    assert {row.customer for row in dead} == bad
    assert all("no such thing" in row.reason for row in dead)
    assert {user["identifiers"]["email"] for user in insider.get("users")} == set(emails) - bad


def test_a_batch_that_is_refused_as_a_whole_is_bisected(connector: Connector, insider: Insider) -> None:
    emails = [email for n in range(300) if partition_number(email := f"c{n}@example.com") == 3]
    insider.post("faults", kind="400", emails=[emails[2]])
    connector.receive(*(changed(email, 1, NOW) for email in emails))

    connector.pipeline.advance(seconds=10)

    assert [row.customer for row in connector.rows("select customer from deliveries where state = 'dead'")] == [
        emails[2]
    ]
    assert len(insider.get("users")) == len(emails) - 1


def test_a_failure_that_names_no_user_is_bisected_too(connector: Connector, insider: Insider) -> None:
    emails = [email for n in range(300) if partition_number(email := f"c{n}@example.com") == 3]
    insider.post("faults", kind="unattributed_fail", emails=[emails[1]])
    connector.receive(*(changed(email, 1, NOW) for email in emails))

    connector.pipeline.advance(seconds=10)

    assert [row.customer for row in connector.rows("select customer from deliveries where state = 'dead'")] == [
        emails[1]
    ]
    assert {user["identifiers"]["email"] for user in insider.get("users")} == {*emails} - {emails[1]}


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

    connector.pipeline.advance(seconds=10)
    connector.pipeline.advance(seconds=10)

    assert [attempt.outcome for attempt in connector.rows("select outcome from attempts")] == ["paused"]
    assert connector.states() == {"waiting": 1}
    while len(insider.get("requests")) < 1:  # A slow answer is still on its way when the client has given up.
        time.sleep(0.05)
    (paused,) = connector.rows("select paused_until - now() as left, failures, pause_reason from stores")
    assert paused.failures == 1
    if fault.get("retry_after"):
        assert timedelta(seconds=5) < paused.left <= timedelta(seconds=7)

    connector.pause_is_over()
    connector.pipeline.advance(seconds=10)

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

    connector.pipeline.advance(seconds=10)

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
    connector.pipeline.advance(seconds=10)
    assert (connector.states(), insider.get("requests")) == ({"waiting": 1}, [])

    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=False)
    connector.pipeline.advance(seconds=10)

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

    connector.pipeline.advance(seconds=10)

    assert insider.user("ann@example.com", partner="other")["custom"]["yotpo_point_balance"] == 2
    assert connector.states() == {"delivered": 1, "waiting": 1}


def test_a_partition_that_another_worker_holds_is_left_alone(connector: Connector, insider: Insider) -> None:
    connector.receive(changed("ann@example.com", 7, NOW))
    partition = Partition(connector.store.id, partition_number("ann@example.com"))

    with connector.database.transaction() as connection:
        assert deliveries.hold(connection, partition)
        connector.pipeline.advance(seconds=10)
        assert insider.get("requests") == []

    connector.pipeline.advance(seconds=10)
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
    connector.pipeline.advance(seconds=10)
    connector.pause_is_over()
    connector.pipeline.advance(seconds=10)

    attempts = connector.rows("select status, outcome, users, bytes, excerpt from attempts order by id")
    assert [(attempt.status, attempt.outcome, attempt.users) for attempt in attempts] == [
        (500, "paused", 1),
        (200, "delivered", 1),
    ]
    assert all(attempt.bytes > 100 for attempt in attempts)
    assert "ann@example.com" not in str(attempts)
    assert len(insider.get("requests")) == 2
