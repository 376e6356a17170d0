"""What Insider refuses for good becomes a dead letter with its message and the mapping rule, and can be replayed."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from connector import mapping
from connector.journal import story
from connector.model import partition_number
from connector.settings import DEFAULT_MAPPINGS
from tests.delivery.pipelines import NOW, Connector, changed

if TYPE_CHECKING:
    from pathlib import Path

    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.model import Store
    from tests.conftest import Insider

#: Customers of one partition, as many as Insider accepts in a batch.
EMAILS = [email for n in range(17_000) if partition_number(email := f"c{n}@example.com") == 3][:1000]
BAD = EMAILS[0:1] + EMAILS[100:105] + EMAILS[-1:]
RULE = "swell.points.changed.yaml:"


def story_of(connector: Connector, event_id: int) -> dict[str, Any]:
    with connector.database.connection() as connection:
        told = story.of_event(connection, event_id)
    assert told
    return told


@pytest.mark.parametrize("kind", ["fail_users", "400"])
def test_among_a_thousand_users_993_are_delivered_at_once_and_the_7_bad_ones_become_dead(
    connector: Connector, insider: Insider, kind: str
) -> None:
    insider.post("faults", kind=kind, emails=BAD, message="no good", error="events.0.event_params.*.required")
    connector.receive(*(changed(email, 1, NOW) for email in EMAILS))

    connector.pipeline.advance(seconds=60)

    assert connector.states() == {"delivered": 993, "dead": 7}
    assert len(insider.get("users")) == 993
    dead = connector.rows("select customer, reason, cause, rule from all_deliveries where state = 'dead' order by id")
    assert [row.customer for row in dead] == BAD
    assert len({(row.reason, row.cause, row.rule) for row in dead}) == 1
    assert dead[0].rule.startswith(RULE)
    if kind == "fail_users":
        assert (dead[0].reason, dead[0].cause) == ("no good", "events.event_params.required")
        assert len(insider.get("requests")) == 1
    else:
        assert dead[0].cause == "request.400"
        assert "Insider answered 400" in dead[0].reason


def test_a_failure_that_names_no_user_delivers_none_of_the_batch(connector: Connector, insider: Insider) -> None:
    insider.post("faults", kind="unattributed_fail", count=1, emails=[EMAILS[5]], message="something is wrong")
    ids = connector.receive(*(changed(email, 1, NOW) for email in EMAILS[:10]))

    connector.pipeline.advance(seconds=60)

    assert connector.states() == {"delivered": 9, "dead": 1}
    (delivery,) = story_of(connector, ids[5])["deliveries"]
    assert delivery["reason"].startswith("Insider refuses without naming a user: ")
    assert "something is wrong" in delivery["reason"]
    # The batch, its half, a quarter, and alone: the delivery has each attempt.
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["split"] * 4
    assert [attempt["users"] for attempt in delivery["attempts"]] == [10, 5, 2, 1]


def test_a_user_refused_only_for_the_phone_number_is_sent_once_more_without_it(
    connector: Connector, insider: Insider
) -> None:
    insider.post(
        "faults",
        kind="fail_users",
        emails=["ann@example.com"],
        error="identifiers.*.regexp(^\\+[1-9]\\d{6,14}$)",
        message="user has an invalid phone number: +1234567890",
        times=1,
    )
    ann = {"email": "ann@example.com", "phone_number": "+14155550100", "first_name": "Ann"}
    (event_id,) = connector.receive(ann, topic="customer/snapshot")
    connector.pipeline.advance(seconds=60)

    connector.pipeline.advance(seconds=60, low_priority=True)

    assert insider.user("ann@example.com")["identifiers"] == {"email": "ann@example.com"}
    (delivery,) = story_of(connector, event_id)["deliveries"]
    assert (delivery["state"], delivery["notes"]) == ("delivered", {"left_out": ["phone_number"]})
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["refused", "delivered"]


def test_a_user_with_only_a_bad_phone_number_becomes_dead(connector: Connector, insider: Insider) -> None:
    insider.post(
        "faults",
        kind="fail_users",
        indices=[0],
        error="identifiers.*.regexp(^\\+[1-9]\\d{6,14}$)",
        message="user has an invalid phone number: X",
    )
    connector.receive({"phone_number": "+14155550100", "first_name": "Ann"}, topic="customer/snapshot")
    connector.pipeline.advance(seconds=60)

    connector.pipeline.advance(seconds=60, low_priority=True)

    (dead,) = connector.rows("select cause, rule from all_deliveries where state = 'dead'")
    assert dead.cause == "identifiers.phone_number.regexp"
    assert dead.rule.startswith("customer.snapshot.yaml:")


def test_waiting_deliveries_keep_their_failed_attempts(connector: Connector, insider: Insider) -> None:
    insider.post("faults", kind="500", times=2)
    (event_id,) = connector.receive(changed("ann@example.com", 1, NOW))

    for _ in range(3):
        connector.pipeline.advance(seconds=60)
        connector.pause_is_over()

    (delivery,) = story_of(connector, event_id)["deliveries"]
    assert [(attempt["status"], attempt["outcome"]) for attempt in delivery["attempts"]] == [
        (500, "paused"),
        (500, "paused"),
        (200, "delivered"),
    ]


@pytest.fixture
def purchases(tmp_path: Path) -> Path:
    """Mappings in which one topic sends a purchase without the params that Insider requires."""
    directory = tmp_path / "mappings"
    shutil.copytree(DEFAULT_MAPPINGS, directory, ignore=shutil.ignore_patterns("examples"))
    (directory / "acme.purchase.yaml").write_text(
        "topic: acme/purchase\n"
        "description: A purchase.\n"
        "users:\n"
        "  - identifiers: {email: email}\n"
        "    events:\n"
        "      - label: Purchase\n"
        "        name: purchase\n"
        "        params:\n"
        "          product_id: {text: product}\n"
    )
    return directory


MENDED = """\
          event_group_id: {text: order}
          unit_sale_price: {number: price}
          currency: {always: EUR}
          quantity: {always: 1}
"""


def purchase(email: str) -> dict[str, Any]:
    return {"topic": "acme/purchase", "email": email, "product": "7", "order": "8", "price": 9.5}


def test_after_a_mapping_is_fixed_its_dead_letters_are_replayed(
    database: Database, vault: Vault, store: Store, insider: Insider, purchases: Path
) -> None:
    before = Connector(database, vault, mapping.load(purchases), store)
    before.receive(*(changed(email, 1, NOW) for email in EMAILS[:93]), *map(purchase, EMAILS[93:100]))
    before.pipeline.advance(seconds=60)
    (group,) = before.groups()
    assert (group["topic"], group["count"], group["cause"]) == ("acme/purchase", 7, "events.event_params.required")
    assert group["rule"] == "acme.purchase.yaml:6"
    assert "is required on purchase event" in group["reason"]

    file = purchases / "acme.purchase.yaml"
    file.write_text(file.read_text() + MENDED)
    after = Connector(database, vault, mapping.load(purchases), store)
    replay_id = after.replay(group=group["group"])
    after.pipeline.advance(seconds=60, low_priority=True)

    assert after.groups() == []
    assert after.states() == {"delivered": 100, "replayed": 7}
    for email in EMAILS[93:100]:
        (event,) = insider.user(email)["events"]
        assert event["event_params"]["event_group_id"] == "8"
    replayed = story_of(after, group["event_id"])
    assert [one["state"] for one in replayed["deliveries"]] == ["replayed", "delivered"]
    assert [(one["id"], one["actor"]) for one in replayed["replays"]] == [(replay_id, "ann")]


def test_a_replay_sends_no_attribute_older_than_what_insider_has_and_collides_with_nothing(
    connector: Connector, insider: Insider
) -> None:
    (old,) = connector.receive(changed("ann@example.com", 1, NOW - timedelta(minutes=5)))
    connector.receive(changed("ann@example.com", 2, NOW))
    connector.pipeline.advance(seconds=60)

    for _ in range(2):
        connector.replay(old)
        connector.pipeline.advance(seconds=60, low_priority=True)

    user = insider.user("ann@example.com")
    assert user["custom"]["yotpo_point_balance"] == 2
    assert len(user["events"]) == 2  # Insider stores identical events once.
    told = story_of(connector, old)
    assert [one["state"] for one in told["deliveries"]] == ["delivered"] * 3
    assert all("yotpo_point_balance" in one["notes"]["stale"] for one in told["deliveries"][1:])
    assert [request["skip_hook"] for request in insider.get("requests")] == [False, True, True]


def test_what_is_older_than_insiders_retention_is_reported_and_not_sent(connector: Connector, insider: Insider) -> None:
    (event_id,) = connector.receive(changed("ann@example.com", 1, NOW - timedelta(days=91)))
    connector.pipeline.advance(seconds=60)

    replay_id = connector.replay(event_id)
    connector.pipeline.advance(seconds=60, low_priority=True)

    (replay,) = connector.replays(replay_id)
    assert (replay["events"], replay["delivered"], replay["with_events_too_old"]) == (1, 1, 1)
    assert insider.user("ann@example.com")["events"] == []


def test_live_events_go_before_those_of_a_replay(connector: Connector, insider: Insider) -> None:
    ids = connector.receive(*(changed(email, 1, NOW - timedelta(minutes=1)) for email in EMAILS[:50]))
    connector.pipeline.advance(seconds=60)
    requests.post(f"{insider.url}/_sandbox/reset", timeout=10)
    connector.replay(*ids)
    connector.receive(changed(EMAILS[60], 1, NOW))

    connector.pipeline.advance(seconds=60)

    assert [user["identifiers"]["email"] for user in insider.get("users")] == [EMAILS[60]]
    connector.pipeline.advance(seconds=60, low_priority=True)
    assert len(insider.get("users")) == 51


def test_replaying_the_first_of_two_webhooks_of_one_second_keeps_the_balance_of_the_second(
    connector: Connector, insider: Insider
) -> None:
    first, _ = connector.receive(changed("ann@example.com", 1, NOW), changed("ann@example.com", 2, NOW))
    connector.pipeline.advance(seconds=60)

    connector.replay(first)
    connector.pipeline.advance(seconds=60, low_priority=True)

    assert insider.user("ann@example.com")["custom"]["yotpo_point_balance"] == 2


def test_a_customers_other_phone_number_does_not_suffer_for_a_bad_one(connector: Connector, insider: Insider) -> None:
    insider.post(
        "faults",
        kind="fail_users",
        emails=["ann@example.com"],
        error="identifiers.*.regexp(^\\+[1-9]\\d{6,14}$)",
        message="user has an invalid phone number: X",
        times=2,
    )
    for number in ("+14155550100", "+14155550101"):
        ann = {"email": "ann@example.com", "phone_number": number, "first_name": "Ann"}
        connector.receive(ann, topic="customer/snapshot")
    connector.pipeline.advance(seconds=60)

    connector.pipeline.advance(seconds=60, low_priority=True)

    # The two together and the first alone are refused; the first goes without its number, the second with it.
    noted = [row.notes for row in connector.rows("select notes from all_deliveries order by id")]
    assert noted == [{"left_out": ["phone_number"]}, None]
    assert insider.user("ann@example.com")["identifiers"]["phone_number"] == "+14155550101"


def test_replays_leave_alone_a_partition_with_live_work(connector: Connector, insider: Insider) -> None:
    ids = connector.receive(changed(EMAILS[0], 1, NOW - timedelta(minutes=1)))
    connector.pipeline.advance(seconds=60)
    connector.replay(*ids)
    connector.receive(changed(EMAILS[1], 1, NOW))

    connector.pipeline.advance(seconds=60, low_priority=True)

    assert len(insider.get("requests")) == 1
    connector.pipeline.advance(seconds=60)
    connector.pipeline.advance(seconds=60, low_priority=True)
    assert [request["skip_hook"] for request in insider.get("requests")] == [False, False, True]


def test_a_replay_that_fails_holds_up_no_other(connector: Connector) -> None:
    first, second = connector.receive(*(changed(email, 1, NOW) for email in EMAILS[:2]))
    connector.pipeline.advance(seconds=60)
    replays = [connector.replay(one, begun=False) for one in (first, second)]
    # As if another release had written it.
    with connector.database.connection() as connection:
        connection.execute("alter table replays drop constraint replays_per_second_check")
        connection.execute("update replays set per_second = 'NaN' where id = %s", (replays[0],))

    assert connector.pipeline.map_replayed() == 1

    assert connector.replays(replays[1])[0]["mapped"] == 1
