"""The simulator of Yotpo: webhooks that are sent late, twice or out of order, and retries of refused ones.

A real process sends over real HTTP to a server in this process; no doubles.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.yotpo.receiver import Receiver
    from tests.sandbox.yotpo.simulators import Yotpo


@pytest.fixture
def yotpo(yotpo: Yotpo, webhooks: Receiver) -> Yotpo:
    return webhooks.subscribed(yotpo)


def member(yotpo: Yotpo) -> int:
    """Return the number of a customer who is in the loyalty program and has an e-mail address."""
    return int(next(each["number"] for each in yotpo.truth() if each["core"]["email"] and each["loyalty"]))


def send(yotpo: Yotpo, times: int = 1, **send_options: Any) -> None:
    for _ in range(times):
        yotpo.tell("stores/shop/send", {"action": "adjust", "number": member(yotpo), "difference": 1} | send_options)


def settled(yotpo: Yotpo) -> dict[str, int]:
    """Wait until all webhooks are sent, and return the counts."""
    counts: dict[str, int] = yotpo.quiet()["webhooks"]
    return counts


def test_each_webhook_has_its_own_event_id_unless_that_is_switched_off(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, 5)
    send(yotpo, eventid=False)
    *with_id, without = webhooks.after(6)

    assert len({each.headers["eventid"] for each in with_id}) == 5
    assert "eventid" not in without.headers


def test_without_a_secret_there_is_no_header_for_it(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo)

    assert "authorization" not in webhooks.after(1)[0].headers


def test_a_webhook_that_is_sent_twice_is_the_same_both_times(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, twice=1, twice_seconds=0.4)
    first, second = webhooks.after(2)

    assert (first.raw, first.headers["eventid"]) == (second.raw, second.headers["eventid"])
    assert 0.3 < second.at - first.at < 5
    assert {name: settled(yotpo)[name] for name in ("sent", "repeated", "retried")} == {
        "sent": 1,
        "repeated": 1,
        "retried": 0,
    }


def test_a_late_webhook_arrives_after_a_newer_one(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, late=1, late_seconds=3)
    send(yotpo)
    first, second = webhooks.after(2)

    assert first.body["timestamp"] > second.body["timestamp"]


def test_webhooks_arrive_in_order_unless_shuffled(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, 20)
    in_order = [each.body["timestamp"] for each in webhooks.after(20)]
    assert in_order == sorted(in_order)
    assert len(set(in_order)) == 20

    webhooks.cleared()
    send(yotpo, 20, shuffled=1, shuffled_seconds=1)
    shuffled = [each.body["timestamp"] for each in webhooks.after(20)]
    assert shuffled != sorted(shuffled)
    assert len(set(shuffled)) == 20


def test_a_refused_webhook_is_retried_with_growing_waits(yotpo: Yotpo, webhooks: Receiver) -> None:
    webhooks.statuses = [500, 503, 404, 302]
    send(yotpo, tries=5, wait_seconds=0.1)
    arrived = webhooks.after(5)

    assert settled(yotpo) == {"sent": 1, "repeated": 0, "retried": 4, "given_up": 0, "lost": 0, "waiting": 0}
    assert len({(each.raw, each.headers["eventid"]) for each in arrived}) == 1
    pauses = [later.at - sooner.at for sooner, later in itertools.pairwise(arrived)]
    assert [pause > 0.09 * 2**place for place, pause in enumerate(pauses)] == [True] * 4


def test_a_webhook_is_given_up_after_its_last_try(yotpo: Yotpo, webhooks: Receiver) -> None:
    webhooks.statuses = [500] * 3
    send(yotpo, tries=3, wait_seconds=0.02)

    counts = settled(yotpo)
    assert (counts["given_up"], counts["sent"], counts["retried"]) == (1, 0, 2)
    assert len(webhooks.arrived) == 3


def test_an_unreachable_url_counts_as_a_refusal(yotpo: Yotpo, webhooks: Receiver) -> None:
    yotpo.tell("stores/shop/loyalty-webhook", {"url": "http://127.0.0.1:9/nobody"})
    send(yotpo, tries=2, wait_seconds=0.02)

    counts = settled(yotpo)
    assert (counts["given_up"], counts["retried"]) == (1, 1)
    assert webhooks.arrived == []


def test_a_lost_webhook_does_not_count_as_sent(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, lost=1)

    assert settled(yotpo)["lost"] == 1
    assert webhooks.arrived == []
    assert yotpo.truth(after=member(yotpo) - 1, limit=1)[0]["webhooks"] == 0


@pytest.mark.parametrize("send_options", [{"late": 2}, {"late": "much"}, {"tries": 0}, {"eventid": 1}, {"twice": -1}])
def test_wrong_send_options_are_refused(yotpo: Yotpo, send_options: dict[str, Any]) -> None:
    body = {"action": "adjust", "number": member(yotpo)} | send_options
    answer = yotpo.session.post(f"{yotpo.url}/_sandbox/stores/shop/send", json=body)

    assert answer.status_code == 400
    assert next(iter(send_options)) in answer.json()["error"]
