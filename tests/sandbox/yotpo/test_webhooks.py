"""The simulator of Yotpo: the webhook of each action.

The simulator runs as a real process. It sends real HTTP requests to a server in the test's process. The tests use no
doubles.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.yotpo.receiver import Arrived, Receiver
    from tests.sandbox.yotpo.simulators import Yotpo

#: Action to the file of its sample.
SAMPLES = {
    "redeem": "swell.redemption.created/redeemed",
    "be_awarded": "swell.redemption.created/awarded",
    "redeem_custom_reward": "loyalty.custom.reward.created/documented",
    "donate": "loyalty.donation.created/documented",
    "have_birthday": "swell.customer.birthday/documented",
    "have_anniversary": "swell.customer.anniversary/documented",
    "capture_birthday": "swell.birthday.captured/documented",
    "capture_anniversary": "swell.anniversary.captured/documented",
    "create_account": "swell.account.created/documented",
    "opt_in": "loyalty.opt_in/documented",
    "opt_out": "loyalty.opt_out/documented",
    "adjust": "swell.points.changed/documented",
    "purchase": "swell.points.earned/documented",
    "be_reminded_of_points": "swell.points.reminder/documented",
    "be_reminded_of_reward": "swell.redemption.reminder/documented",
    "be_reminded_of_expiry": "loyalty.expiration.reminder/documented",
    "ask_for_cancellation": "swell.point_redemption.cancellation_request/documented",
    "earn_tier": "swell.tier.earned/documented",
    "lose_tier": "swell.tier.lost/documented",
    "move_within_tier": "swell.tier.status.changed/documented",
    "share": "swell.referral.share/documented",
    "share_newer": "yotpo.referral.shared/documented",
    "share_product": "loyalty.referral.product_share/documented",
    "be_reminded_of_product": "loyalty.referral.product_share.reminder/documented",
    "complete": "swell.referral.completed/documented",
    "complete_newer": "yotpo.referral.completed/documented",
    "be_asked_after_fulfillment": "review_request.eligible.on_fulfillment/documented",
    "be_asked_after_delivery": "review_request.eligible.on_delivery/documented",
    "write": "review_create/documented",
    "update": "review_updated/documented",
}
NOTICES = ("swell/redemption_code/below_threshold", "loyalty/integrations/integration_disabled")
#: These are numbers here; the samples have an empty text, which means "no year".
YEARS = {"customer.birth_year", "customer.anniversary_year"}


@pytest.fixture
def yotpo(yotpo: Yotpo, webhooks: Receiver) -> Yotpo:
    return webhooks.subscribed(yotpo, secret="pasted", header="Authorization")


def send(yotpo: Yotpo, **wanted: Any) -> list[dict[str, Any]]:
    """Let the first customer who can do this act; return the topic of each webhook, and its customers' numbers."""
    for number in candidates(yotpo, str(wanted.get("action"))):
        answer = yotpo.session.post(f"{yotpo.url}/_sandbox/stores/shop/send", json={"number": number} | wanted)
        if answer.ok:
            sent: list[dict[str, Any]] = answer.json()["sent"]
            return sent
    raise AssertionError(answer.text)


def candidates(yotpo: Yotpo, action: str) -> list[int]:
    """Return the customers with an e-mail address; for a change of tiers, those with both an old and a new tier."""
    tiers = {"earn_tier": ("BRONZE", "SILVER"), "lose_tier": ("SILVER", "GOLD")}.get(action)
    return [
        each["number"]
        for each in yotpo.truth()
        if each["core"]["email"] and (not tiers or (each["loyalty"] or {}).get("vip_tier_name") in tiers)
    ]


def true_state(yotpo: Yotpo, number: int) -> dict[str, Any]:
    (truth,) = yotpo.truth(after=number - 1, limit=1)
    return truth


def arrived_webhook(webhooks: Receiver, sent: list[dict[str, Any]], topic: str | None = None) -> Arrived:
    """Return the first webhook that has arrived, or the one of a topic."""
    arrived = webhooks.after(len(sent))
    assert len(arrived) == len(sent)
    return next(each for each in arrived if topic in {None, each.topic})


def shape(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the paths of everything within a value, with their JSON types; all items of a list have one path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from shape(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        yield path, "list"
        for inner in value:
            yield from shape(inner, f"{path}[]")
    else:
        yield path, type(value).__name__


@pytest.mark.parametrize("action", SAMPLES)
def test_each_webhook_has_the_shape_of_its_sample(yotpo: Yotpo, webhooks: Receiver, action: str) -> None:
    sample = json.loads((EXAMPLES / f"{SAMPLES[action]}.json").read_text())
    sent = send(yotpo, action=action)
    topic = sample.get("topic") or sample.get("event") or sample["trigger"]["type"]
    actual, expected = dict(shape(arrived_webhook(webhooks, sent, topic).body)), dict(shape(sample))

    inside_lists = {path for path in actual.keys() ^ expected.keys() if "[]" in path}
    assert actual.keys() - inside_lists == expected.keys() - inside_lists
    differing = {path for path in actual.keys() & expected.keys() if actual[path] != expected[path]}
    assert {path for path in differing - YEARS if "NoneType" not in {actual[path], expected[path]}} == set()


@pytest.mark.parametrize("topic", NOTICES)
def test_a_notice_for_the_merchant_has_the_shape_of_its_sample(yotpo: Yotpo, webhooks: Receiver, topic: str) -> None:
    sample = json.loads((EXAMPLES / topic.replace("/", ".") / "documented.json").read_text())
    yotpo.tell("stores/shop/send", {"topic": topic})

    assert dict(shape(webhooks.after(1)[0].body)) == dict(shape(sample))


@pytest.mark.parametrize("topic", sorted({*NOTICES, "loyalty/opt_in", "review_create", "swell/tier/lost"}))
def test_an_action_can_be_chosen_by_topic(yotpo: Yotpo, webhooks: Receiver, topic: str) -> None:
    sent = send(yotpo, topic=topic)

    assert arrived_webhook(webhooks, sent).topic == sent[0]["topic"] == topic


@pytest.mark.parametrize("action", ["purchase", "redeem", "opt_in", "be_reminded_of_expiry", "move_within_tier"])
def test_the_webhook_shows_the_truth(yotpo: Yotpo, webhooks: Receiver, action: str) -> None:
    sent = send(yotpo, action=action)
    truth = true_state(yotpo, sent[0]["about"][0])
    shown = arrived_webhook(webhooks, sent).body["customer"]

    same = {"email", "points_earned", "points_balance", "total_spend_cents", "perks_redeemed", "last_purchase_at"}
    assert {name: shown[name] for name in same} == {name: truth["loyalty"][name] for name in same}
    assert truth["webhooks"] == len(sent)


def test_a_purchase_changes_what_the_apis_show(yotpo: Yotpo, webhooks: Receiver) -> None:
    before = {each["number"]: each for each in yotpo.truth()}
    sent = send(yotpo, action="purchase", cents=4_200)
    number = sent[0]["about"][0]
    was, now = before[number]["loyalty"], true_state(yotpo, number)["loyalty"]
    earned = arrived_webhook(webhooks, sent, "swell/points/earned").body
    changed = arrived_webhook(webhooks, sent, "swell/points/changed").body

    gained = ("total_spend_cents", "total_purchases", "points_balance", "points_earned")
    assert [now[name] - was[name] for name in gained] == [4_200, 1, 42, 42]
    assert earned["perk"]["reward_points"] == changed["difference"] == 42
    assert (changed["previous_balance"], changed["current_balance"]) == (was["points_balance"], now["points_balance"])
    assert changed["timestamp"].endswith("+03:00")


def test_a_review_changes_the_totals_that_its_webhook_does_not_show(yotpo: Yotpo, webhooks: Receiver) -> None:
    before = {each["number"]: each["core"]["yotpo_ugc"] for each in yotpo.truth()}
    sent = send(yotpo, action="write", score=2)
    number = sent[0]["about"][0]
    now = true_state(yotpo, number)["core"]["yotpo_ugc"]

    assert now["total_reviews"] == (before[number] or {"total_reviews": 0})["total_reviews"] + 1
    assert now["last_star_rating"] == 2
    data = arrived_webhook(webhooks, sent).body["data"]
    assert (data["score"], data["sentiment"], data["app_key"]) == (2, None, "shop")


def test_an_opt_out_still_shows_the_customer_as_opted_in_since_the_year_1(yotpo: Yotpo, webhooks: Receiver) -> None:
    sent = send(yotpo, action="opt_out")
    shown = arrived_webhook(webhooks, sent).body["customer"]
    program = true_state(yotpo, sent[0]["about"][0])["core"]["yotpo_loyalty"]

    assert (shown["is_opt_in"], shown["loyalty_opt_in_date"]) == (True, "0001-01-01 00:00:00 +0200")
    assert (program["is_opt_in"], program["opt_in_date"]) == (False, None)
    assert "third_party_id" not in shown


def test_the_webhook_of_an_earned_tier_still_shows_the_old_tier(yotpo: Yotpo, webhooks: Receiver) -> None:
    sent = send(yotpo, action="earn_tier")
    body = arrived_webhook(webhooks, sent).body
    program = true_state(yotpo, sent[0]["about"][0])["core"]["yotpo_loyalty"]

    assert body["customer"]["vip_tier_name"] == body["old_tier"]["name"]
    assert program["vip_tier_name"] == body["new_tier"]["name"] != body["old_tier"]["name"]
    assert body["customer"]["vip_tier_ends_at"] != program["vip_expiration_date"][:10]


def test_a_share_has_the_friends_address_at_the_top(yotpo: Yotpo, webhooks: Receiver) -> None:
    sent = send(yotpo, action="share")
    body = arrived_webhook(webhooks, sent).body

    assert body["from"] == body["customer"]["email"] != body["email"]
    assert body["email"] not in {each["core"]["email"] for each in yotpo.truth()}


def test_a_completed_referral_brings_a_new_customer(yotpo: Yotpo, webhooks: Receiver) -> None:
    sent = send(yotpo, action="complete")
    referrer, friend = next(each["about"] for each in sent if each["topic"] == "swell/referral/completed")
    body = arrived_webhook(webhooks, sent, "swell/referral/completed").body

    assert friend > 300
    assert true_state(yotpo, friend)["core"]["email"] == body["referred_customer"]["email"]
    assert true_state(yotpo, friend)["core"]["yotpo_loyalty"]["referred_by_customer"] == body["email"]
    assert body["email"] == body["referrer"]["email"] == true_state(yotpo, referrer)["core"]["email"]


def test_values_that_only_webhooks_show_are_kept(yotpo: Yotpo, webhooks: Receiver) -> None:
    sent = send(yotpo, action="capture_anniversary", month=2, day=29, year=2016)
    number = sent[0]["about"][0]
    told = true_state(yotpo, number)["told"]
    assert {**told, "anniversary_month": 2, "anniversary_day": 29, "anniversary_year": 2016} == told
    assert "perk.expired" not in told

    send(yotpo, action="be_awarded", number=number, expires_in_days=14)
    perk = webhooks.after(2)[-1].body["perk"]
    told = true_state(yotpo, number)["told"]
    assert (told["perk.expired"], told["perk.expires_at"]) == (False, perk["expires_at"])


def test_a_gift_is_created_before_its_webhook_and_overwrites_nothing_newer(yotpo: Yotpo, webhooks: Receiver) -> None:
    sent = send(yotpo, action="have_birthday")
    number = sent[0]["about"][0]
    perk = arrived_webhook(webhooks, sent).body["perk"]

    assert true_state(yotpo, number)["told"]["perk.expired"] is False
    assert perk["redemption_option_id"] != webhooks.arrived[0].body["redemption_option"]["id"]


def test_only_the_loyalty_url_gets_the_secret(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, action="adjust")
    send(yotpo, action="write")
    by_path = {each.path: each.headers for each in webhooks.after(2)}

    assert by_path["/loyalty"]["authorization"] == "pasted"
    assert "authorization" not in by_path["/reviews"]
    assert {each["content-type"] for each in by_path.values()} == {"application/json"}


def test_a_webhook_without_a_url_is_not_sent_and_not_counted(yotpo: Yotpo) -> None:
    yotpo.tell("stores", {"app_key": "shop", "size": 300})

    assert send(yotpo, action="adjust") == []
    assert {each["webhooks"] for each in yotpo.truth()} == {0}


def test_an_action_that_the_customer_cannot_do_is_refused(yotpo: Yotpo) -> None:
    path = f"{yotpo.url}/_sandbox/stores/shop/send"
    stranger = next(each["number"] for each in yotpo.truth() if each["loyalty"] is None)
    answers = [
        yotpo.session.post(path, json=body)
        for body in (
            {"number": stranger, "action": "purchase"},
            {"number": 9_999, "action": "purchase"},
            {"number": 1, "action": "fly"},
            {"number": 1, "action": "purchase", "euros": 5},
        )
    ]

    assert [each.status_code for each in answers] == [400, 404, 400, 400]
    assert "not enrolled" in answers[0].json()["error"]
    assert "cents" in answers[3].json()["error"]
