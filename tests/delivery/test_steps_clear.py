"""Attributes that have ended: Insider is asked to clear them after the upsert, and no older value brings them back."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from connector.journal import stores, story
from connector.journal.results import attempts, deliveries
from connector.journal.results.encoding import stored_update
from connector.model import Attempt, NewDelivery, UserEvent, UserUpdate, partition_number
from connector.model.times import rfc3339
from tests.delivery.pipelines import NOW, Connector, changed

if TYPE_CHECKING:
    from connector.mapping import MappingSet
    from tests.conftest import Insider

UPSERT, CLEAR = "/api/user/v1/upsert", "/api/user/v1/attribute/delete"
TOPIC = "swell/points/changed"
ANN = "ann@example.com"
#: They share a partition.
EMAILS = [email for n in range(2000) if partition_number(email := f"c{n}@example.com") == 3]
OTHER_LANE = next(email for n in range(99) if partition_number(email := f"d{n}@example.com") != 3)
_numbers = itertools.count(1)


def owed(
    connector: Connector,
    email: str,
    *cleared: str,
    seconds: float = 0,
    events: tuple[UserEvent, ...] = (),
    **attributes: Any,
) -> NewDelivery:
    """Return a delivery with attributes that were true a minute ago, plus `seconds`."""
    return NewDelivery(
        event_id=next(_numbers),
        received_at=NOW,
        store_id=connector.store.id,
        topic=TOPIC,
        customer=email,
        occurred_at=NOW - timedelta(seconds=60 - seconds),
        update=UserUpdate(identifiers={"email": email}, attributes=attributes, events=events, cleared=cleared),
        skip_hook=False,
        low_priority=False,
        mapping="hash",
    )


def owe(connector: Connector, *group: NewDelivery) -> None:
    with connector.database.connection() as connection:
        deliveries.append(connection, group)


def deliver(connector: Connector, *group: NewDelivery) -> None:
    owe(connector, *group)
    connector.pipeline.advance(seconds=60)


def deliver_again(connector: Connector) -> None:
    connector.pause_is_over()
    connector.pipeline.advance(seconds=60)


def paths(insider: Insider) -> list[str]:
    return [request["path"] for request in insider.get("requests")]


def bodies(insider: Insider, path: str) -> list[Any]:
    return [request["body"] for request in insider.get("requests", full=1) if request["path"] == path]


def fault(insider: Insider, kind: str, *, path: str = CLEAR, **described: Any) -> None:
    """Let requests of one operation fail."""
    wanted = {"kind": kind, "path": path, **described}
    requests.post(f"{insider.url}/_sandbox/faults", json=wanted, timeout=10).raise_for_status()


def upsert(insider: Insider, user: dict[str, Any]) -> None:
    """Send Insider an update that the connector does not know of."""
    headers = {"X-PARTNER-NAME": "acme", "X-REQUEST-TOKEN": "token"}
    answer = requests.post(f"{insider.url}{UPSERT}", json={"users": [user]}, headers=headers, timeout=10)
    assert answer.json()["data"]["successful"]["count"] == 1


def mend(insider: Insider) -> None:
    requests.delete(f"{insider.url}/_sandbox/faults", timeout=10)


def tried(connector: Connector) -> list[tuple[str, str, int]]:
    rows = connector.rows("select operation, outcome, users from attempts order by id")
    return [(row.operation, row.outcome, row.users) for row in rows]


def dead(connector: Connector) -> list[Any]:
    return connector.rows("select customer, reason, cause, rule from all_deliveries where state = 'dead' order by id")


# -------------------------------------------------------------------------------------------- newest wins


def test_an_attribute_that_is_over_is_cleared_after_the_upsert(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, name="Ann", age=40, tier="Gold", points=7))
    deliver(connector, owed(connector, ANN, "tier", "age", seconds=1, points=8))

    user = insider.user(ANN)
    assert (user["attributes"], user["custom"]) == ({"name": "Ann"}, {"points": 8})
    assert paths(insider) == [UPSERT, UPSERT, CLEAR]
    forgotten = {"identifiers": {"email": ANN}, "whole": ["age"], "custom": {"whole": ["tier"]}}
    assert bodies(insider, CLEAR) == [{"users": [forgotten]}]
    assert tried(connector)[1:] == [("upsert", "delivered", 1), ("clear", "delivered", 1)]
    assert connector.states() == {"delivered": 2}


def test_a_tier_that_is_lost_is_forgotten_and_no_late_webhook_brings_it_back(
    connector: Connector, insider: Insider
) -> None:
    lost = {"topic": "swell/tier/lost", "customer": {"email": ANN}, "new_tier": None, "timestamp": rfc3339(NOW)}
    connector.receive(changed(ANN, 7, NOW - timedelta(minutes=2)))
    connector.pipeline.advance(seconds=60)
    assert insider.user(ANN)["custom"] == {"yotpo_point_balance": 7, "yotpo_vip_tier_name": "Gold"}

    connector.receive(lost)
    connector.pipeline.advance(seconds=60)
    connector.receive(changed(ANN, 8, NOW - timedelta(minutes=1)))
    connector.pipeline.advance(seconds=60)

    user = insider.user(ANN)
    assert user["custom"] == {"yotpo_point_balance": 8}
    assert [event["event_name"] for event in user["events"]] == ["points_changed", "tier_lost", "points_changed"]


def test_an_attribute_set_and_then_cleared_in_one_batch_is_only_cleared(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, tier="Silver"))

    deliver(connector, owed(connector, ANN, seconds=1, tier="Gold", points=7), owed(connector, ANN, "tier", seconds=2))

    assert insider.user(ANN)["custom"] == {"points": 7}
    assert "tier" not in str(bodies(insider, UPSERT)[1])


def test_an_attribute_cleared_and_then_set_in_one_batch_is_only_sent(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, "tier"), owed(connector, ANN, seconds=1, tier="Gold"))

    assert insider.user(ANN)["custom"] == {"tier": "Gold"}
    assert paths(insider) == [UPSERT]


def test_an_older_value_never_brings_back_a_cleared_attribute(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, tier="Silver", points=1))
    deliver(connector, owed(connector, ANN, "tier", seconds=5))

    deliver(connector, owed(connector, ANN, seconds=4, tier="Gold", points=2))

    assert insider.user(ANN)["custom"] == {"points": 2}
    (late,) = connector.rows("select notes from all_deliveries order by id desc limit 1")
    assert late.notes == {"stale": ["tier"]}
    deliver(connector, owed(connector, ANN, seconds=6, tier="Bronze"))
    assert insider.user(ANN)["custom"] == {"points": 2, "tier": "Bronze"}


def test_an_older_clear_does_not_remove_a_newer_value(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, seconds=5, tier="Gold"))

    deliver(connector, owed(connector, ANN, "tier", seconds=4))

    assert insider.user(ANN)["custom"] == {"tier": "Gold"}
    assert paths(insider) == [UPSERT]
    assert connector.states() == {"delivered": 2}


def test_without_a_clear_there_is_one_request(connector: Connector, insider: Insider) -> None:
    deliver(connector, *(owed(connector, email, points=1) for email in EMAILS[:20]))

    assert paths(insider) == [UPSERT]
    assert tried(connector) == [("upsert", "delivered", 20)]
    stored = connector.rows("select update from all_deliveries limit 1")[0].update
    assert set(stored_update(stored)) == {"identifiers", "attributes", "events"}


def test_a_cleared_attribute_is_not_cleared_again(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, "tier", points=1))
    deliver(connector, owed(connector, ANN, "tier", seconds=10, points=2))
    deliver(connector, owed(connector, ANN, "tier", seconds=20))

    assert paths(insider) == [UPSERT, CLEAR, UPSERT]
    # Nothing older than the last clear brings it back…
    deliver(connector, owed(connector, ANN, seconds=15, tier="Gold"))
    assert insider.user(ANN)["custom"] == {"points": 2}
    # …and after it is set again, it can be cleared again.
    deliver(connector, owed(connector, ANN, seconds=30, tier="Silver"))
    deliver(connector, owed(connector, ANN, "tier", seconds=40))
    assert insider.user(ANN)["custom"] == {"points": 2}


def test_a_value_sent_without_a_response_is_cleared_too(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, "tier", points=1))
    fault(insider, "500", path=UPSERT, processed=True)
    deliver(connector, owed(connector, ANN, seconds=10, tier="Gold"))
    assert insider.user(ANN)["custom"] == {"points": 1, "tier": "Gold"}

    mend(insider)
    owe(connector, owed(connector, ANN, "tier", seconds=20))
    deliver_again(connector)

    assert insider.user(ANN)["custom"] == {"points": 1}


def test_a_late_value_makes_sure_that_the_attribute_is_cleared(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, "tier", seconds=20, points=1))
    # Pretend that Insider accepted it in an attempt that was not recorded, because the worker was killed.
    encoded = {"identifiers": {"email": ANN}, "attributes": {"custom": {"tier": "Gold"}}}
    upsert(insider, encoded)

    deliver(connector, owed(connector, ANN, seconds=10, tier="Gold"))

    assert insider.user(ANN)["custom"] == {"points": 1}


def test_a_repeated_clear_still_updates_the_time(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, "tier", points=1))
    deliver(connector, owed(connector, ANN, "tier", "size", seconds=30))

    deliver(connector, owed(connector, ANN, seconds=20, tier="Gold"))

    assert insider.user(ANN)["custom"] == {"points": 1}


def test_all_users_with_a_clear_share_one_request(connector: Connector) -> None:
    group = [owed(connector, email, *(["tier"] if n % 2 else []), points=n) for n, email in enumerate(EMAILS[:20])]

    deliver(connector, *group)

    assert tried(connector) == [("upsert", "delivered", 20), ("clear", "delivered", 10)]
    assert connector.states() == {"delivered": 20}


# -------------------------------------------------------------------------------------------- unknown users


def test_an_unknown_user_has_nothing_to_clear(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, EMAILS[0], "tier"), owed(connector, EMAILS[1], "tier", points=1))

    assert connector.states() == {"delivered": 2}
    assert [user["identifiers"]["email"] for user in insider.get("users")] == EMAILS[1:2]
    # Insider accepts no upsert with only identifiers: each user needs attributes or events.
    assert [len(body["users"]) for body in bodies(insider, UPSERT)] == [1]


@pytest.mark.parametrize("processed", [True, False])
def test_an_unknown_user_answered_with_404_holds_up_no_other(
    connector: Connector, insider: Insider, *, processed: bool
) -> None:
    deliver(connector, owed(connector, EMAILS[1], tier="Gold"))
    fault(insider, "404", emails=EMAILS[:1], processed=processed)

    deliver(connector, *(owed(connector, email, "tier", seconds=1) for email in EMAILS[:4]))

    assert connector.states() == {"delivered": 5}
    assert insider.user(EMAILS[1])["custom"] == {}


def test_a_clear_goes_with_the_events_of_its_webhook(connector: Connector, insider: Insider) -> None:
    lost = UserEvent(name="tier_lost", timestamp=rfc3339(NOW), params={"yotpo_vip_tier_name": "Gold"})
    deliver(connector, owed(connector, ANN, tier="Gold"))

    deliver(connector, owed(connector, ANN, "tier", seconds=1, events=(lost,)))

    user = insider.user(ANN)
    assert (user["custom"], [event["event_name"] for event in user["events"]]) == ({}, ["tier_lost"])


def test_if_the_upsert_is_refused_nothing_is_cleared(connector: Connector, insider: Insider) -> None:
    fault(insider, "fail_users", path=UPSERT, emails=EMAILS[:1])

    deliver(connector, *(owed(connector, email, "tier", points=1) for email in EMAILS[:2]))

    assert [row.cause for row in dead(connector)] == ["attributes.type"]
    (body,) = bodies(insider, CLEAR)
    assert [user["identifiers"]["email"] for user in body["users"]] == EMAILS[1:2]


def test_the_shorter_documented_response_is_a_success_too(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, tier="Gold"))
    fault(insider, "status", status=200, body={}, processed=True)

    deliver(connector, owed(connector, ANN, "tier", seconds=1))

    assert (connector.states(), insider.user(ANN)["custom"]) == ({"delivered": 2}, {})


# ------------------------------------------------------------------------------------- Insider has trouble


@pytest.mark.parametrize(
    "described",
    [
        {"kind": "429", "retry_after": 7},
        {"kind": "500"},
        {"kind": "503"},
        {"kind": "cut_before"},
        {"kind": "cut_after"},
        {"kind": "html"},
        {"kind": "empty"},
    ],
    ids=str,
)
def test_if_only_the_clear_fails_the_store_is_paused_and_both_are_sent_again(
    connector: Connector, insider: Insider, described: dict[str, Any]
) -> None:
    lost = UserEvent(name="tier_lost", timestamp=rfc3339(NOW))
    deliver(connector, *(owed(connector, email, tier="Gold") for email in EMAILS[:3]))
    fault(insider, times=1, **described)

    deliver(
        connector,
        owed(connector, EMAILS[0], "tier", seconds=1, points=1, events=(lost,)),
        owed(connector, EMAILS[1], seconds=1, points=2),
        owed(connector, EMAILS[2], "tier", seconds=1),
    )

    # The deliveries without a clear are settled.
    assert connector.states() == {"delivered": 4, "waiting": 2}
    (paused,) = connector.rows("select paused_until - now() as left, failures from stores")
    assert paused.failures == 1
    assert paused.left > timedelta(seconds=5 if "retry_after" in described else 0)
    deliver_again(connector)
    assert connector.states() == {"delivered": 6}
    assert [insider.user(email)["custom"] for email in EMAILS[:3]] == [{"points": 1}, {"tier": "Gold", "points": 2}, {}]
    assert len(insider.user(EMAILS[0])["events"]) == 1
    # The same bytes as before.
    first, again = bodies(insider, UPSERT)[1:]
    assert again["users"] == [user for user in first["users"] if user["identifiers"]["email"] == EMAILS[0]]
    assert connector.rows("select failures, pause_reason, paused_until from stores") == [(0, None, None)]


def test_a_value_that_comes_while_a_clear_waits_has_its_own_time(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, tier="Silver"))
    fault(insider, "500", times=1)
    deliver(connector, owed(connector, ANN, "tier", "points", seconds=5))

    owe(connector, owed(connector, ANN, seconds=4, tier="Gold"), owed(connector, ANN, seconds=6, points=3))
    deliver_again(connector)

    assert insider.user(ANN)["custom"] == {"points": 3}
    noted = [row.notes for row in connector.rows("select notes from all_deliveries order by id")]
    assert noted == [None, None, {"stale": ["tier"]}, None]


@pytest.mark.parametrize("kind", ["400", "unattributed_fail"])
def test_a_clear_refused_alone_waits_until_insider_accepts_another_clear(
    connector: Connector, insider: Insider, kind: str
) -> None:
    fault(insider, kind, emails=[ANN])
    deliver(connector, owed(connector, ANN, "tier", points=1))
    assert connector.states() == {"waiting": 1}
    (paused,) = connector.rows("select paused_until > now() as paused, pause_reason from stores")
    assert paused.paused
    assert "Insider" in paused.pause_reason

    # A successful upsert proves nothing about clears.
    connector.pause_is_over()
    deliver(connector, owed(connector, EMAILS[0], points=1), owed(connector, OTHER_LANE, points=1))
    deliver_again(connector)
    assert connector.states() == {"waiting": 1, "delivered": 2}

    connector.pause_is_over()
    deliver(connector, owed(connector, OTHER_LANE, "tier", seconds=1))
    deliver_again(connector)

    assert connector.states() == {"dead": 1, "delivered": 3}
    (buried,) = dead(connector)
    assert buried.cause == {"400": "clear.request.400", "unattributed_fail": "clear.unattributed"}[kind]
    assert "Insider" in buried.reason


def test_the_refusal_of_an_upsert_does_not_make_its_clear_dead(connector: Connector, insider: Insider) -> None:
    fault(insider, "400", path=UPSERT, times=1)
    deliver(connector, owed(connector, ANN, "tier", points=1))
    # Insider accepts another clear after it has refused Ann's upsert, and before it refuses her clear.
    taken = Attempt(users=1, bytes=9, status=200, outcome="delivered", duration_ms=1, excerpt="{}", operation="clear")
    with connector.database.connection() as connection:
        attempts.append(connection, connector.store.id, [taken])
    fault(insider, "400")

    deliver_again(connector)
    deliver_again(connector)

    assert connector.states() == {"waiting": 1}
    outcomes = [attempt[:2] for attempt in tried(connector)]
    assert outcomes[2:] == [("upsert", "delivered"), ("clear", "split")] * 2
    mend(insider)
    deliver_again(connector)
    assert connector.states() == {"delivered": 1}


@pytest.mark.parametrize("kind", ["400", "unattributed_fail"])
def test_if_insider_accepts_no_clear_nothing_becomes_dead_and_the_others_go_on(
    connector: Connector, insider: Insider, kind: str
) -> None:
    fault(insider, kind)
    deliver(connector, *(owed(connector, email, "tier", points=1) for email in EMAILS[:30]))
    assert connector.states() == {"waiting": 30}
    assert len(paths(insider)) < 60

    for number in range(4):
        owe(connector, owed(connector, f"e{number}@example.com", "tier"), owed(connector, f"f{number}@x.com", points=1))
        deliver_again(connector)
    assert connector.states() == {"waiting": 34, "delivered": 4}

    mend(insider)
    deliver_again(connector)
    assert connector.states() == {"delivered": 38}
    assert connector.rows("select failures, paused_until from stores") == [(0, None)]


# ------------------------------------------------------------------------------------- one user is to blame


def test_a_named_user_becomes_dead_with_the_message_and_the_place_of_the_rule(
    connector: Connector, insider: Insider, mappings: MappingSet
) -> None:
    mapping = mappings.get(TOPIC)
    assert mapping
    fault(
        insider,
        "fail_users",
        emails=EMAILS[1:2],
        error="custom.whole.yotpo_vip_tier_name.type",
        message="it cannot be deleted",
    )

    deliver(
        connector, *(owed(connector, email, "yotpo_vip_tier_name", "age", seconds=1, points=1) for email in EMAILS[:3])
    )

    (buried,) = dead(connector)
    assert (buried.customer, buried.reason) == (EMAILS[1], "it cannot be deleted")
    assert buried.cause == "clear.whole.yotpo_vip_tier_name.type"
    assert buried.rule == mapping.place_of("attributes", "yotpo_vip_tier_name")
    assert tried(connector) == [("upsert", "delivered", 3), ("clear", "partly", 3)]
    # Its upsert was accepted, and nothing older overwrites it.
    deliver(connector, owed(connector, EMAILS[1], points=0))
    assert insider.user(EMAILS[1])["custom"] == {"points": 1}


def test_a_dead_letter_of_a_clear_can_be_replayed(connector: Connector, insider: Insider) -> None:
    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=True)
    (event_id,) = connector.receive(changed(ANN, 7, NOW))
    connector.pipeline.advance(seconds=60)
    connector.rows("""update deliveries set update = update || '{"cleared": ["surname"]}' returning id""")
    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=False)
    fault(insider, "fail_users", emails=[ANN], error="whole.0.type", message="surname cannot be deleted")
    connector.pipeline.advance(seconds=60)
    (group,) = connector.groups()
    assert (group["cause"], group["reason"]) == ("clear.whole.type", "surname cannot be deleted")
    mend(insider)

    connector.replay(group=group["group"])
    connector.pipeline.advance(seconds=60, low_priority=True)

    assert connector.groups() == []
    assert connector.states() == {"delivered": 1, "replayed": 1}
    with connector.database.connection() as connection:
        told = story.of_event(connection, event_id)
    assert told
    tried = [(one["operation"], one["outcome"]) for one in told["deliveries"][0]["attempts"]]
    assert tried == [("upsert", "delivered"), ("clear", "refused")]


@pytest.mark.parametrize("kind", ["400", "unattributed_fail"])
def test_bad_clears_among_many_are_found_by_halving_only_the_clear(
    connector: Connector, insider: Insider, kind: str
) -> None:
    bad = [EMAILS[0], EMAILS[7], EMAILS[39]]
    deliver(connector, *(owed(connector, email, tier="Gold") for email in EMAILS[:40]))
    fault(insider, kind, emails=bad)

    deliver(connector, *(owed(connector, email, "tier", seconds=1, points=1) for email in EMAILS[:40]))

    assert [row.customer for row in dead(connector)] == bad
    assert paths(insider).count(UPSERT) == 2
    assert connector.states() == {"delivered": 77, "dead": 3}
    left = [email for email in EMAILS[:40] if "tier" in insider.user(email)["custom"]]
    assert left == bad


def test_only_the_delivery_with_the_refused_clear_becomes_dead(connector: Connector, insider: Insider) -> None:
    deliver(connector, owed(connector, ANN, surname="Roe", tier="Gold", vip=True))
    bad = owed(connector, ANN, "tier", seconds=1, points=1)
    others = [
        owed(connector, ANN, "nothing", seconds=2, points=2),
        owed(connector, ANN, "vip", seconds=3, points=3),
        owed(connector, ANN, "surname", seconds=4),
    ]
    # All four together, the first two together, and the first alone.
    fault(insider, "fail_users", emails=[ANN], times=3)

    deliver(connector, bad, *others)

    (buried,) = connector.rows("select event_id, cause from all_deliveries where state = 'dead'")
    assert (buried.event_id, buried.cause) == (bad.event_id, "clear.attributes.type")
    user = insider.user(ANN)
    assert (user["custom"], user["attributes"]) == ({"tier": "Gold", "points": 3}, {})


def test_every_clear_is_journaled_without_personal_data(connector: Connector, insider: Insider) -> None:
    fault(insider, "fail_users", emails=[ANN], message=f"no such thing: {ANN}")
    deliver(connector, owed(connector, ANN, "tier"))

    (attempt,) = connector.rows("select operation, outcome, users, bytes, status, excerpt from attempts")
    assert attempt[:2] == ("clear", "refused")
    assert (attempt.users, attempt.status) == (1, 200)
    assert attempt.bytes == len(f'{{"identifiers":{{"email":"{ANN}"}},"custom":{{"whole":["tier"]}}}}')
    assert ANN not in attempt.excerpt
