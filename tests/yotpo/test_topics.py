"""How each of Yotpo's documented webhooks is recognised: customer, time and key.

The webhooks are those of `mappings/examples`; the tables say what Yotpo's "Webhook events" page makes of them.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest

from connector.yotpo.topics import SNAPSHOT, TOPICS
from tests.yotpo.webhooks import DELIVERED, FRED, FULFILLED, JOHN, RECEIVED_AT, changed, seen, webhook

STORE = "B02uug6tF2uEA0Denhj0c9PV73y5PEOuKFmTCGb1"
CHANGED_AT = "2021-08-01T16:53:56.415+03:00"
REFERRED_AT = "2024-08-08T07:38:27.000Z"
SEEN_AT = "2019-12-09T16:41:26.214Z"
#: A part of a key that is a digest, of the body or of something in it.
DIGEST = "<digest>"

#: Topic, example, customer, time (None: the receipt's), and the parts of the key after the topic.
DOCUMENTED: list[tuple[str, str, str | None, str | None, list[str]]] = [
    (FULFILLED, "documented", JOHN, "2025-01-15T10:30:00Z", [STORE, "fulfilled", "ORD-12345"]),
    (DELIVERED, "documented", JOHN, "2025-01-15T10:30:00Z", [STORE, "delivered", "ORD-12345"]),
    ("review_create", "documented", JOHN, "2024-01-15T10:30:00Z", ["12345"]),
    ("review_create", "legacy_texts", JOHN, "2018-02-20T14:12:13Z", ["12345"]),
    ("review_create", "anonymous", None, "2024-01-15T10:30:00Z", ["12345"]),
    ("review_updated", "documented", JOHN, "2024-01-20T14:45:00Z", ["12345", "2024-01-20T14:45:00Z", DIGEST]),
    ("swell/redemption/created", "awarded", JOHN, "2016-10-15T16:00:17.786Z", ["2"]),
    ("swell/redemption/created", "redeemed", JOHN, "2016-10-15T15:56:01.692Z", ["1"]),
    ("loyalty/custom/reward/created", "documented", JOHN, "2016-10-15T15:56:01.692Z", ["1"]),
    ("swell/customer/birthday", "documented", JOHN, "2016-09-23T00:47:40Z", ["2"]),
    ("swell/customer/birthday", "without_a_gift", JOHN, None, ["", DIGEST]),
    ("swell/birthday/captured", "with_year", JOHN, None, [JOHN, "8", "12", "1985", "2016-09-23T00:55:35.000Z"]),
    ("swell/birthday/captured", "documented", JOHN, None, [JOHN, "8", "12", "", "2016-09-23T00:55:35.000Z", DIGEST]),
    ("swell/customer/anniversary", "documented", JOHN, "2016-09-23T00:47:40Z", ["2"]),
    ("swell/anniversary/captured", "with_year", JOHN, None, [JOHN, "1", "1", "2015", "2020-08-03T16:58:44.000Z"]),
    ("swell/anniversary/captured", "documented", JOHN, None, [JOHN, "1", "1", "", "2020-08-03T16:58:44.000Z", DIGEST]),
    ("loyalty/donation/created", "documented", JOHN, "2020-09-16T11:39:28.974Z", ["16977423"]),
    ("swell/account/created", "documented", JOHN, "2025-11-28T13:10:06.508Z", [JOHN, "2025-11-28T13:10:06.508+00:00"]),
    ("loyalty/opt_in", "documented", JOHN, None, [JOHN, "2020-05-04", SEEN_AT]),
    ("loyalty/opt_out", "documented", JOHN, None, [JOHN, SEEN_AT, DIGEST]),
    ("swell/points/changed", "documented", JOHN, "2021-08-01T13:53:56.415Z", [JOHN, CHANGED_AT, "960", "460"]),
    ("swell/points/earned", "documented", JOHN, "2016-10-15T15:29:27.911Z", ["1"]),
    ("swell/points/reminder", "documented", JOHN, None, [JOHN, "149", "2026-01-01"]),
    ("loyalty/expiration/reminder", "documented", JOHN, "2023-07-26T08:35:27.923Z", [JOHN, "2023-08-25", "30"]),
    ("swell/redemption_code/below_threshold", "documented", None, None, ["149", "0", "2026-01-01"]),
    ("swell/point_redemption/cancellation_request", "documented", JOHN, None, ["10869305"]),
    ("swell/redemption/reminder", "documented", JOHN, None, [JOHN, "149", "2026-01-01"]),
    ("swell/referral/completed", "documented", JOHN, "2016-10-15T16:02:56.142Z", ["9", FRED]),
    ("yotpo/referral/completed", "documented", JOHN, REFERRED_AT, ["CODE22", FRED, REFERRED_AT]),
    ("swell/tier/earned", "documented", JOHN, None, [JOHN, "1", "2", "2017-10-31"]),
    ("swell/tier/lost", "documented", JOHN, None, [JOHN, "2", "1", "2017-10-31"]),
    ("swell/tier/lost", "no_tier_left", JOHN, None, [JOHN, "2", "", "2017-10-31", DIGEST]),
    ("swell/tier/status/changed", "documented", JOHN, None, [JOHN, DIGEST, DIGEST, DIGEST]),
    ("loyalty/integrations/integration_disabled", "documented", None, None, ["Commerce Cloud", "2026-01-01T12"]),
    # Topics that the page omits: the sharing person is the customer, the top-level e-mail address is the friend's.
    ("swell/referral/share", "documented", JOHN, None, [DIGEST]),
    ("yotpo/referral/shared", "documented", JOHN, None, [DIGEST]),
    ("loyalty/referral/product_share", "documented", JOHN, None, [DIGEST]),
    ("loyalty/referral/product_share/reminder", "documented", JOHN, None, [DIGEST]),
    ("customer/snapshot", "documented", JOHN, None, [DIGEST]),
    ("customer/snapshot", "phone_number_alone", "+14155550100", None, [DIGEST]),
]  # fmt: skip

#: For each topic, the parts of its key, and other paths that the key must not depend on.
PARTS: list[tuple[str, list[str], list[str]]] = [
    (DELIVERED, ["source_app_key", "order_id"], ["order_date", "shopper_profile.locale"]),
    ("review_create", ["data.id"], ["data.content", "data.updated_at"]),
    ("review_updated", ["data.id", "data.updated_at", "data.content"], []),
    ("loyalty/donation/created", ["redemption.id"], ["customer.points_balance", "redemption.approved"]),
    ("swell/customer/birthday", ["perk.id"], ["customer.points_balance"]),
    ("swell/account/created", ["customer.email", "published_at"], ["customer.points_balance"]),
    ("loyalty/opt_in", ["customer.email", "customer.loyalty_opt_in_date", "customer.last_seen_at"], ["name"]),
    ("loyalty/opt_out", ["customer.email", "customer.last_seen_at", "customer.points_balance"], []),
    ("swell/points/changed", ["customer.email", "timestamp", "previous_balance", "current_balance"], ["reason"]),
    ("swell/points/earned", ["perk.id"], ["perk.reward_points", "customer.points_balance"]),
    ("swell/points/reminder", ["customer.email", "redemption_option.id"], ["points_needed", "customer.points_balance"]),
    ("loyalty/expiration/reminder", ["loyalty_next_points_expire_on", "days_to_point_expiration"], ["timestamp"]),
    ("swell/redemption_code/below_threshold", ["redemption_option_id", "number_of_unused_codes"], ["website_url"]),
    ("swell/point_redemption/cancellation_request", ["point_redemption_id"], ["reward_text"]),
    ("swell/referral/completed", ["perk.id", "referred_customer.email"], ["referrer.points_balance"]),
    ("yotpo/referral/completed", ["referral_code.code", "friend.email", "perk.completed_at"], ["published_at"]),
    ("swell/tier/earned", ["customer.email", "old_tier.id", "new_tier.id", "customer.vip_tier_ends_at"], ["name"]),
    ("swell/tier/status/changed", ["vip_stats", "vip_stats_needed_maintain", "vip_stats_needed_next"], ["name"]),
    ("loyalty/integrations/integration_disabled", ["integration_name"], ["website_url"]),
    ("swell/referral/share", ["email", "customer.points_balance"], []),
]  # fmt: skip


@pytest.mark.parametrize(("topic", "case", "customer", "time", "parts"), DOCUMENTED)
def test_documented_webhooks_are_recognised(
    topic: str, case: str, customer: str | None, time: str | None, parts: list[str]
) -> None:
    found = seen(topic, webhook(topic, case))

    assert (found.topic, found.customer, found.dated) == (topic, customer, time is not None)
    assert found.occurred_at == (datetime.fromisoformat(time) if time else None)
    pattern = re.escape("|".join([topic, *parts])).replace(re.escape(DIGEST), "[0-9a-f]{32}")
    assert re.fullmatch(pattern, found.key)


def test_every_topic_is_in_the_table_above() -> None:
    documented = {topic for topic, *_ in DOCUMENTED}

    assert documented == set(TOPICS)
    assert len(documented - {SNAPSHOT} - {topic for topic in documented if "share" in topic}) == 27


@pytest.mark.parametrize(("topic", "parts", "others"), PARTS)
def test_the_key_depends_on_its_parts_and_on_nothing_else(topic: str, parts: list[str], others: list[str]) -> None:
    body = webhook(topic)
    key = seen(topic, body).key

    assert [part for part in parts if seen(topic, changed(body, part)).key == key] == []
    assert [other for other in others if seen(topic, changed(body, other)).key != key] == []


@pytest.mark.parametrize(("topic", "case"), [(topic, case) for topic, case, *_ in DOCUMENTED])
def test_the_key_does_not_depend_on_the_order_of_json_keys(topic: str, case: str) -> None:
    body = webhook(topic, case)
    turned = json.loads(json.dumps(body), object_pairs_hook=lambda pairs: dict(reversed(pairs)))

    assert list(turned) != list(body)
    assert seen(topic, turned) == seen(topic, body)


@pytest.mark.parametrize(
    ("topic", "later", "same"),
    [
        ("swell/points/reminder", timedelta(hours=11), True),
        ("swell/points/reminder", timedelta(hours=12), False),
        ("swell/redemption/reminder", timedelta(days=1), False),
        ("swell/redemption_code/below_threshold", timedelta(days=1), False),
        ("loyalty/integrations/integration_disabled", timedelta(minutes=29), True),
        ("loyalty/integrations/integration_disabled", timedelta(minutes=30), False),
    ],
)
def test_reminders_repeat_by_day_and_alerts_by_hour(topic: str, later: timedelta, *, same: bool) -> None:
    body = webhook(topic)
    again = seen(topic, body, received_at=RECEIVED_AT + later)

    assert (again.key == seen(topic, body).key) is same


def test_the_day_of_a_key_is_in_utc() -> None:
    received_at = datetime.fromisoformat("2026-01-02T01:30:00+03:00")

    assert seen("", webhook("swell/points/reminder"), received_at=received_at).key.endswith("|2026-01-01")


@pytest.mark.parametrize(
    ("topic", "case"),
    [
        ("swell/referral/share", "documented"),
        ("loyalty/referral/product_share", "documented"),
        ("loyalty/referral/product_share/reminder", "documented"),
        ("yotpo/referral/shared", "documented"),
        ("yotpo/referral/shared", "customer_is_the_friend"),
    ],
)
@pytest.mark.parametrize("absent", [(), ("customer",), ("from",), ("customer", "from", "referral_code")])
def test_the_friend_is_never_the_customer_of_a_share(topic: str, case: str, absent: tuple[str, ...]) -> None:
    body = {name: value for name, value in webhook(topic, case).items() if name not in absent}

    assert body["email"] == FRED
    assert seen(topic, body).customer == (None if {"customer", "from"} <= set(absent) else JOHN)


@pytest.mark.parametrize(
    ("topic", "path", "customer"),
    [
        ("yotpo/referral/completed", "referral_code.customer.email", "rita@example.org"),
        ("swell/referral/completed", "referrer.email", "rita@example.org"),
        ("swell/points/changed", "customer.email", " Rita@Example.ORG "),
    ],
)
def test_the_customers_address_wins_over_the_top_level_address(topic: str, path: str, customer: str) -> None:
    body = webhook(topic)

    assert seen(topic, changed(body, path, customer)).customer == "rita@example.org"
    assert seen(topic, changed(body, path, "no address")).customer == JOHN
