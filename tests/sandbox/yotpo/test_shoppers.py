"""The simulator of Yotpo: shoppers who act by themselves, and the state of the customers that they change.

A real process sends over real HTTP to a server in this process; no doubles.
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
    """Let shoppers act, wait until all webhooks are sent, and return the state."""
    yotpo.tell(SHOPPERS, {"shoppers": 50, "seconds": 1, "actions_per_second": 200} | plan)
    state = yotpo.quiet()
    assert state["error"] is None
    return state


def by_customer(yotpo: Yotpo, webhooks: Receiver) -> dict[str, list[tuple[object, ...]]]:
    """Return the webhooks of each customer, in order: only values that do not depend on the clock."""
    webhooks_of: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)
    emails = {customer["core"]["email"] for customer in yotpo.truth()}
    for arrived in webhooks.arrived:
        body = arrived.body
        customer = body.get("customer") or body.get("referrer") or body.get("data") or body.get("shopper_profile") or {}
        email = customer.get("email") or customer.get("customer_email") or body.get("email")
        if email in emails:
            webhooks_of[email].append((arrived.topic, customer.get("points_balance"), customer.get("score")))
    return dict(webhooks_of)


def test_every_action_of_the_plan_sends_webhooks(yotpo: Yotpo, webhooks: Receiver) -> None:
    state = run(yotpo)

    assert (state["running"], state["actions"], state["shoppers"]) == (False, 200, 50)
    assert state["webhooks"]["sent"] == len(webhooks.arrived) >= 200
    assert len({each.topic for each in webhooks.arrived}) > 15
    assert {each.path for each in webhooks.arrived} == {"/loyalty", "/reviews"}


def test_the_last_webhook_shows_the_final_state(yotpo: Yotpo, webhooks: Receiver) -> None:
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
    # The webhook about the points of a completed referral has no `customer`.
    assert len(differing) <= 2


def test_each_webhook_counts_for_its_customers(yotpo: Yotpo, webhooks: Receiver) -> None:
    run(yotpo)

    topics = Counter(webhook.topic for webhook in webhooks.arrived)
    with_two_customers = topics["swell/referral/completed"] + topics["yotpo/referral/completed"]
    assert sum(customer["webhooks"] for customer in yotpo.truth()) == len(webhooks.arrived) + with_two_customers


def test_the_same_seed_does_the_same(yotpo: Yotpo, webhooks: Receiver) -> None:
    runs = []
    for seed in (7, 7, 8):
        webhooks.cleared().subscribed(yotpo.cleared(), size=500)
        run(yotpo, seed=seed, silent=0.1)
        runs.append(by_customer(yotpo, webhooks))

    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_no_customer_does_two_things_at_once(yotpo: Yotpo, webhooks: Receiver) -> None:
    run(yotpo, shoppers=2, actions_per_second=400)

    seen = [(each.body["customer"]["email"], each.body["customer"]["last_seen_at"], each.topic)
            for each in webhooks.arrived if "customer" in each.body]  # fmt: skip
    assert len(seen) == len(set(seen)) > 200
    perks = [each.body["perk"]["id"] for each in webhooks.arrived if "perk" in each.body]
    assert len(perks) == len(set(perks))


def test_a_silent_change_is_followed_by_a_webhook_of_the_same_shopper(yotpo: Yotpo) -> None:
    state = run(yotpo, silent=0.5)

    assert state["silent"] > 50
    assert state["untold"] == 0


def test_silent_changes_can_stay_unreported(yotpo: Yotpo, webhooks: Receiver) -> None:
    before = yotpo.truth()
    state = run(yotpo, silent=1, leave_silent=True)

    assert state["silent"] == 200
    assert state["untold"] > 30
    assert webhooks.arrived == []
    changed = [now for was, now in zip(before, yotpo.truth(), strict=True) if was != now]
    assert state["untold"] - 5 <= len(changed) <= state["untold"]


def test_webhooks_are_late_repeated_and_shuffled_in_the_given_shares(yotpo: Yotpo, webhooks: Receiver) -> None:
    state = run(yotpo, late=0.2, late_seconds=0.5, twice=0.3, twice_seconds=0.2, shuffled=0.3, shuffled_seconds=0.3)

    ids = Counter(each.headers["eventid"] for each in webhooks.arrived)
    assert set(ids.values()) == {1, 2}
    assert list(ids.values()).count(2) == state["webhooks"]["repeated"]
    assert 0.2 < state["webhooks"]["repeated"] / state["webhooks"]["sent"] < 0.4


def test_a_run_can_be_ended_and_only_one_is_active_at_a_time(yotpo: Yotpo) -> None:
    yotpo.tell(SHOPPERS, {"seconds": 600})
    again = yotpo.session.post(f"{yotpo.url}/_sandbox/{SHOPPERS}", json={})
    assert (again.status_code, "DELETE" in again.json()["error"]) == (409, True)

    assert not yotpo.tell(SHOPPERS, method="DELETE")["running"]
    yotpo.tell(SHOPPERS, {"seconds": 600})
    yotpo.tell(SHOPPERS, method="DELETE")


def test_a_reset_ends_the_run(yotpo: Yotpo, webhooks: Receiver) -> None:
    yotpo.tell(SHOPPERS, {"seconds": 600, "actions_per_second": 100})
    webhooks.after(10)
    yotpo.tell("reset")
    time.sleep(0.3)
    webhooks.cleared()
    time.sleep(0.3)

    assert webhooks.arrived == []
    assert not yotpo.ask(SHOPPERS)["running"]


def test_without_a_webhook_url_there_are_no_shoppers(yotpo: Yotpo) -> None:
    yotpo.tell("stores", {"app_key": "shop", "size": 500})
    answer = yotpo.session.post(f"{yotpo.url}/_sandbox/{SHOPPERS}", json={})

    assert answer.status_code == 400
    assert "loyalty-webhook" in answer.json()["error"]


def test_with_only_a_review_webhook_shoppers_only_write_reviews(yotpo: Yotpo, webhooks: Receiver) -> None:
    yotpo.tell("stores", {"app_key": "shop", "size": 500, "review_webhooks": {"review_create": webhooks.url}})
    run(yotpo)

    assert {each.topic for each in webhooks.arrived} == {"review_create"}


@pytest.mark.parametrize("plan", [{"shoppers": 0}, {"seconds": "long"}, {"colour": "red"}, {"leave_silent": 1}])
def test_a_wrong_plan_is_refused(yotpo: Yotpo, plan: dict[str, Any]) -> None:
    answer = yotpo.session.post(f"{yotpo.url}/_sandbox/{SHOPPERS}", json=plan)

    assert answer.status_code == 400
    assert next(iter(plan)) in answer.json()["error"]


def test_an_unknown_store_is_named_in_the_error(yotpo: Yotpo) -> None:
    answer = yotpo.session.get(f"{yotpo.url}/_sandbox/stores/nowhere/shoppers")

    assert (answer.status_code, "nowhere" in answer.json()["error"]) == (404, True)
