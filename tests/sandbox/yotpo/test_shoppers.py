"""The simulator of Yotpo: shoppers who act by themselves, and the truth that they change.

A real process that sends over real HTTP to a server in this one; no doubles.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.yotpo.receiver import Receiver
    from tests.sandbox.yotpo.simulators import Yotpo

SHOPPERS = "stores/shop/shoppers"


@pytest.fixture
def yotpo(yotpo: Yotpo, webhooks: Receiver) -> Yotpo:
    return webhooks.subscribed(yotpo, size=500)


def run(yotpo: Yotpo, **plan: Any) -> dict[str, Any]:
    """Let shoppers act, and return the state once all is quiet."""
    yotpo.tell(SHOPPERS, {"shoppers": 50, "seconds": 1, "actions_per_second": 200} | plan)
    state = yotpo.quiet()
    assert state["error"] is None
    return state


def by_customer(yotpo: Yotpo, webhooks: Receiver) -> dict[str, list[tuple[object, ...]]]:
    """What has arrived of each customer, in order, without what depends on the clock."""
    told: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)
    known = {each["core"]["email"] for each in yotpo.truth()}
    for arrived in webhooks.arrived:
        body = arrived.body
        customer = body.get("customer") or body.get("referrer") or body.get("data") or body.get("shopper_profile") or {}
        email = customer.get("email") or customer.get("customer_email") or body.get("email")
        if email in known:
            told[email].append((arrived.topic, customer.get("points_balance"), customer.get("score")))
    return dict(told)


def test_so_many_actions_are_told_as_were_asked_for(yotpo: Yotpo, webhooks: Receiver) -> None:
    state = run(yotpo)

    assert (state["running"], state["actions"], state["shoppers"]) == (False, 200, 50)
    assert state["webhooks"]["sent"] == len(webhooks.arrived) >= 200
    assert len({each.topic for each in webhooks.arrived}) > 15
    assert {each.path for each in webhooks.arrived} == {"/loyalty", "/reviews"}


def test_the_truth_is_what_was_told_last(yotpo: Yotpo, webhooks: Receiver) -> None:
    run(yotpo)
    truth = {each["core"]["email"]: each for each in yotpo.truth()}

    last: dict[str, int] = {}
    for arrived in webhooks.arrived:
        shown = arrived.body.get("customer")
        if shown:
            last[shown["email"]] = shown["points_balance"]
    changed = {email for email in last if truth[email]["webhooks"] > 2}
    assert len(changed) > 10
    differing = {email for email in changed if last[email] != truth[email]["loyalty"]["points_balance"]}
    # The points of a completed referral are told without a `customer`.
    assert len(differing) <= 2


def test_each_webhook_counts_for_whom_it_is_about(yotpo: Yotpo, webhooks: Receiver) -> None:
    run(yotpo)

    two = Counter(each.topic for each in webhooks.arrived)
    of_two = two["swell/referral/completed"] + two["yotpo/referral/completed"]
    assert sum(each["webhooks"] for each in yotpo.truth()) == len(webhooks.arrived) + of_two


def test_the_same_seed_does_the_same(yotpo: Yotpo, webhooks: Receiver) -> None:
    told = []
    for seed in (7, 7, 8):
        webhooks.cleared().subscribed(yotpo.cleared(), size=500)
        run(yotpo, seed=seed, silent=0.1)
        told.append(by_customer(yotpo, webhooks))

    assert told[0] == told[1]
    assert told[0] != told[2]


def test_no_customer_does_two_things_at_once(yotpo: Yotpo, webhooks: Receiver) -> None:
    run(yotpo, shoppers=2, actions_per_second=400)

    seen = [(each.body["customer"]["email"], each.body["customer"]["last_seen_at"], each.topic)
            for each in webhooks.arrived if "customer" in each.body]  # fmt: skip
    assert len(seen) == len(set(seen)) > 200
    perks = [each.body["perk"]["id"] for each in webhooks.arrived if "perk" in each.body]
    assert len(perks) == len(set(perks))


def test_what_changed_silently_is_told_later_by_the_same_shopper(yotpo: Yotpo) -> None:
    state = run(yotpo, silent=0.5)

    assert state["silent"] > 50
    assert state["untold"] == 0


def test_what_changed_silently_may_stay_untold(yotpo: Yotpo, webhooks: Receiver) -> None:
    before = yotpo.truth()
    state = run(yotpo, silent=1, leave_silent=True)

    assert state["silent"] == 200
    assert state["untold"] > 30
    assert webhooks.arrived == []
    changed = [now for was, now in zip(before, yotpo.truth(), strict=True) if was != now]
    assert state["untold"] - 5 <= len(changed) <= state["untold"]


def test_webhooks_come_late_twice_and_shuffled_as_often_as_asked(yotpo: Yotpo, webhooks: Receiver) -> None:
    state = run(yotpo, late=0.2, late_seconds=0.5, twice=0.3, twice_seconds=0.2, shuffled=0.3, shuffled_seconds=0.3)

    ids = Counter(each.headers["eventid"] for each in webhooks.arrived)
    assert set(ids.values()) == {1, 2}
    assert list(ids.values()).count(2) == state["webhooks"]["repeated"]
    assert 0.2 < state["webhooks"]["repeated"] / state["webhooks"]["sent"] < 0.4


def test_shoppers_can_be_ended_and_do_not_act_twice_at_a_time(yotpo: Yotpo) -> None:
    yotpo.tell(SHOPPERS, {"seconds": 600})
    again = yotpo.session.post(f"{yotpo.url}/_sandbox/{SHOPPERS}", json={})
    assert (again.status_code, "DELETE" in again.json()["error"]) == (409, True)

    assert not yotpo.tell(SHOPPERS, method="DELETE")["running"]
    yotpo.tell(SHOPPERS, {"seconds": 600})
    yotpo.tell(SHOPPERS, method="DELETE")


def test_a_reset_ends_them_too(yotpo: Yotpo, webhooks: Receiver) -> None:
    yotpo.tell(SHOPPERS, {"seconds": 600, "actions_per_second": 100})
    webhooks.after(10)
    yotpo.tell("reset")
    time.sleep(0.3)
    webhooks.cleared()
    time.sleep(0.3)

    assert webhooks.arrived == []
    assert not yotpo.ask(SHOPPERS)["running"]


def test_without_a_url_there_are_no_shoppers(yotpo: Yotpo) -> None:
    yotpo.tell("stores", {"app_key": "shop", "size": 500})
    answer = yotpo.session.post(f"{yotpo.url}/_sandbox/{SHOPPERS}", json={})

    assert answer.status_code == 400
    assert "loyalty-webhook" in answer.json()["error"]


def test_with_the_url_of_reviews_alone_they_write_reviews(yotpo: Yotpo, webhooks: Receiver) -> None:
    yotpo.tell("stores", {"app_key": "shop", "size": 500, "review_webhooks": {"review_create": webhooks.url}})
    run(yotpo)

    assert {each.topic for each in webhooks.arrived} == {"review_create"}


@pytest.mark.parametrize("plan", [{"shoppers": 0}, {"seconds": "long"}, {"colour": "red"}, {"leave_silent": 1}])
def test_a_plan_that_makes_no_sense_is_refused(yotpo: Yotpo, plan: dict[str, Any]) -> None:
    answer = yotpo.session.post(f"{yotpo.url}/_sandbox/{SHOPPERS}", json=plan)

    assert answer.status_code == 400
    assert next(iter(plan)) in answer.json()["error"]


def test_a_store_that_is_not_there_is_named(yotpo: Yotpo) -> None:
    answer = yotpo.session.get(f"{yotpo.url}/_sandbox/stores/nowhere/shoppers")

    assert (answer.status_code, "nowhere" in answer.json()["error"]) == (404, True)
