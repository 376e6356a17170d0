"""The steps, map and deliver, with a real journal and the simulator of Insider."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from connector.model import partition_number
from connector.model.times import rfc3339
from tests.delivery.pipelines import NOW, Connector, changed

if TYPE_CHECKING:
    from tests.conftest import Insider


def test_an_event_becomes_a_user_with_attributes_and_a_user_event(connector: Connector, insider: Insider) -> None:
    connector.receive(changed("Ann@Example.com", 7, NOW))

    connector.pipeline.advance(seconds=60)

    user = insider.user("ann@example.com")
    assert user["custom"] == {"yotpo_point_balance": 7, "yotpo_vip_tier_name": "Gold"}
    assert [event["event_name"] for event in user["events"]] == ["points_changed"]
    assert user["events"][0]["timestamp"] == rfc3339(NOW)
    assert connector.states() == {"delivered": 1}


def test_many_customers_share_one_upsert(connector: Connector, insider: Insider) -> None:
    emails = [f"customer.{number}@example.com" for number in range(400)]
    connector.receive(*(changed(email, number, NOW) for number, email in enumerate(emails)))

    connector.pipeline.advance(seconds=60)

    assert {user["identifiers"]["email"] for user in insider.get("users", partner="acme")} == set(emails)
    assert len({partition_number(email) for email in emails}) > 1
    assert len(insider.get("requests")) == 1


def test_an_older_webhook_that_comes_last_changes_nothing_but_its_event_arrives(
    connector: Connector, insider: Insider
) -> None:
    connector.receive(changed("ann@example.com", 200, NOW))
    connector.pipeline.advance(seconds=60)
    (late,) = connector.receive(changed("ann@example.com", 100, NOW - timedelta(minutes=5)))
    connector.pipeline.advance(seconds=60)

    user = insider.user("ann@example.com")
    assert user["custom"]["yotpo_point_balance"] == 200
    assert [event["event_params"]["custom"]["yotpo_points_current_balance"] for event in user["events"]] == [200, 100]
    (delivery,) = connector.rows("select notes from all_deliveries where event_id = %s", late)
    assert "yotpo_point_balance" in delivery.notes["stale"]


def test_within_one_batch_the_newest_wins_and_the_events_keep_their_order(
    connector: Connector, insider: Insider
) -> None:
    connector.receive(
        changed("ann@example.com", 1, NOW - timedelta(minutes=3)),
        changed("ann@example.com", 3, NOW - timedelta(minutes=1)),
        changed("ann@example.com", 2, NOW - timedelta(minutes=2)),
    )

    connector.pipeline.advance(seconds=60)

    user = insider.user("ann@example.com")
    assert user["custom"]["yotpo_point_balance"] == 3
    assert [event["event_params"]["custom"]["yotpo_points_current_balance"] for event in user["events"]] == [1, 3, 2]
    assert len(insider.get("requests")) == 1


def test_an_absent_attribute_overwrites_nothing(connector: Connector, insider: Insider) -> None:
    connector.receive(changed("ann@example.com", 1, NOW - timedelta(minutes=3)))
    connector.pipeline.advance(seconds=60)
    without_tier = changed("ann@example.com", 2, NOW)
    del without_tier["customer"]["vip_tier_name"]
    connector.receive(without_tier)

    connector.pipeline.advance(seconds=60)

    assert insider.user("ann@example.com")["custom"] == {"yotpo_point_balance": 2, "yotpo_vip_tier_name": "Gold"}


def test_a_user_event_that_is_too_old_is_noted_and_not_sent(connector: Connector, insider: Insider) -> None:
    (event_id,) = connector.receive(changed("ann@example.com", 7, NOW - timedelta(days=91)))

    connector.pipeline.advance(seconds=60)

    user = insider.user("ann@example.com")
    assert user["custom"]["yotpo_point_balance"] == 7
    assert user["events"] == []
    (sent,) = insider.get("requests", full=1)
    assert "events" not in sent["body"]["users"][0]
    (delivery,) = connector.rows("select state, notes from all_deliveries where event_id = %s", event_id)
    assert (delivery.state, delivery.notes) == ("delivered", {"too_old": ["points_changed"]})


def test_a_delivery_with_nothing_left_to_send_is_settled_without_a_request(
    connector: Connector, insider: Insider
) -> None:
    request = {"trigger": {"type": "delivered", "date": rfc3339(NOW - timedelta(days=91))}, "order_id": "1"}
    connector.receive(request | {"shopper_profile": {"email": "ann@example.com"}})

    connector.pipeline.advance(seconds=60)

    assert insider.get("requests") == []
    (delivery,) = connector.rows("select state, notes, attempt_ids from all_deliveries")
    assert (delivery.state, delivery.attempt_ids) == ("delivered", [])
    assert delivery.notes == {"too_old": ["review_request_eligible"]}


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

    connector.pipeline.advance(seconds=60)

    assert [event["event_name"] for event in insider.user("ann@example.com")["events"]] == ["referral_completed"]
    friend = insider.user("fred@example.com")
    assert (friend["custom"]["yotpo_point_balance"], friend["events"]) == (1, [])


def test_a_snapshot_starts_no_journeys_and_is_low_priority(connector: Connector, insider: Insider) -> None:
    connector.receive({"email": "ann@example.com", "first_name": "Ann"}, topic="customer/snapshot")
    connector.receive(changed("ann@example.com", 7, NOW))

    advanced = connector.pipeline.advance(seconds=60)
    assert advanced == (False, True)  # The caller has to wake the low-priority workers.
    assert connector.pipeline.advance(seconds=60, low_priority=True) == (False, False)

    assert [request["skip_hook"] for request in insider.get("requests")] == [False, True]


def test_an_unknown_topic_stays_unmapped_until_it_is_mapped_again(connector: Connector, insider: Insider) -> None:
    (event_id,) = connector.receive({"topic": "swell/brand/new", "customer": {"email": "ann@example.com"}})
    connector.pipeline.advance(seconds=60)
    assert connector.story(event_id)["state"] == "unmapped"

    # As if a release had brought a mapping for it: the same event under a topic that has one.
    connector.rows("update events set topic = 'swell/points/changed' where id = %s returning id", event_id)
    connector.replay(state="unmapped")
    connector.pipeline.advance(seconds=60, low_priority=True)

    assert connector.story(event_id)["state"] == "mapped"
    (request,) = insider.get("requests")
    assert request["skip_hook"] is True
    assert insider.user("ann@example.com")["events"][0]["event_name"] == "points_changed"
