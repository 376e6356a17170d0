"""The simulator of Yotpo: how webhooks are sent: late, twice, out of order, again where they are refused.

A real process that sends over real HTTP to a server in this one; no doubles.
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
    """Somebody who is in the loyalty program, with an address."""
    return int(next(each["number"] for each in yotpo.truth() if each["core"]["email"] and each["loyalty"]))


def send(yotpo: Yotpo, times: int = 1, **manner: Any) -> None:
    for _ in range(times):
        yotpo.tell("stores/shop/send", {"action": "adjust", "number": member(yotpo), "difference": 1} | manner)


def settled(yotpo: Yotpo) -> dict[str, int]:
    """What was sent, as soon as nothing is on its way any more."""
    counts: dict[str, int] = yotpo.quiet()["webhooks"]
    return counts


def test_each_webhook_has_an_id_of_its_own_unless_it_is_switched_off(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, 5)
    send(yotpo, eventid=False)
    *with_id, without = webhooks.after(6)

    assert len({each.headers["eventid"] for each in with_id}) == 5
    assert "eventid" not in without.headers


def test_without_a_secret_there_is_no_header_for_it(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo)

    assert "authorization" not in webhooks.after(1)[0].headers


def test_twice_is_the_same_once_more_later(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, twice=1, twice_seconds=0.4)
    first, second = webhooks.after(2)

    assert (first.raw, first.headers["eventid"]) == (second.raw, second.headers["eventid"])
    assert 0.3 < second.at - first.at < 5
    assert {name: settled(yotpo)[name] for name in ("sent", "repeated", "retried")} == {
        "sent": 1,
        "repeated": 1,
        "retried": 0,
    }


def test_late_is_late_and_overtaken(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, late=1, late_seconds=0.5)
    send(yotpo)
    first, second = webhooks.after(2)

    assert first.body["timestamp"] > second.body["timestamp"]


def test_in_order_unless_shuffled(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, 20)
    in_order = [each.body["timestamp"] for each in webhooks.after(20)]
    assert in_order == sorted(in_order)
    assert len(set(in_order)) == 20

    webhooks.cleared()
    send(yotpo, 20, shuffled=1, shuffled_seconds=1)
    shuffled = [each.body["timestamp"] for each in webhooks.after(20)]
    assert shuffled != sorted(shuffled)
    assert len(set(shuffled)) == 20


def test_what_is_refused_is_sent_again_with_growing_pauses(yotpo: Yotpo, webhooks: Receiver) -> None:
    webhooks.statuses = [500, 503, 404, 302]
    send(yotpo, tries=5, wait_seconds=0.1)
    arrived = webhooks.after(5)

    assert settled(yotpo) == {"sent": 1, "repeated": 0, "retried": 4, "given_up": 0, "lost": 0, "waiting": 0}
    assert len({(each.raw, each.headers["eventid"]) for each in arrived}) == 1
    pauses = [later.at - sooner.at for sooner, later in itertools.pairwise(arrived)]
    assert [pause > 0.09 * 2**place for place, pause in enumerate(pauses)] == [True] * 4


def test_it_is_given_up_after_so_many_tries(yotpo: Yotpo, webhooks: Receiver) -> None:
    webhooks.statuses = [500] * 3
    send(yotpo, tries=3, wait_seconds=0.02)

    counts = settled(yotpo)
    assert (counts["given_up"], counts["sent"], counts["retried"]) == (1, 0, 2)
    assert len(webhooks.arrived) == 3


def test_nobody_at_the_url_is_like_a_refusal(yotpo: Yotpo, webhooks: Receiver) -> None:
    yotpo.tell("stores/shop/loyalty-webhook", {"url": "http://127.0.0.1:9/nobody"})
    send(yotpo, tries=2, wait_seconds=0.02)

    counts = settled(yotpo)
    assert (counts["given_up"], counts["retried"]) == (1, 1)
    assert webhooks.arrived == []


def test_what_is_lost_has_told_nothing(yotpo: Yotpo, webhooks: Receiver) -> None:
    send(yotpo, lost=1)

    assert settled(yotpo)["lost"] == 1
    assert webhooks.arrived == []
    assert yotpo.truth(after=member(yotpo) - 1, limit=1)[0]["webhooks"] == 0


@pytest.mark.parametrize("manner", [{"late": 2}, {"late": "much"}, {"tries": 0}, {"eventid": 1}, {"twice": -1}])
def test_a_manner_that_makes_no_sense_is_refused(yotpo: Yotpo, manner: dict[str, Any]) -> None:
    body = {"action": "adjust", "number": member(yotpo)} | manner
    answer = yotpo.session.post(f"{yotpo.url}/_sandbox/stores/shop/send", json=body)

    assert answer.status_code == 400
    assert next(iter(manner)) in answer.json()["error"]
