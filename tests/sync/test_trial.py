"""The trial of a new account: it finds out how `expand` works, and all customers are read that way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sync import fronts
from tests.yotpo.answers import told

if TYPE_CHECKING:
    from tests.conftest import Insider
    from tests.sync.fronts import Question
    from tests.sync.shops import Shop
    from tests.yotpo.answers import Answer


def test_expand_is_repeated_if_the_second_page_has_lost_it(shop: Shop, insider: Insider) -> None:
    shop.yotpo.switch(expand_survives=False)
    shop.connect()
    shop.start()
    shop.read()
    cores = [one["core"] for one in shop.yotpo.truth()]
    users = {one["email"]: insider.user(one["email"].lower())["custom"] for one in cores if one["email"]}
    reviewers = [one for one in cores if one["email"] and one["yotpo_ugc"]]
    members = [one for one in cores if one["email"] and one["yotpo_loyalty"]]

    assert (shop.account().expands, shop.account().repeats_expand) == (("loyalty,reviews",), True)
    assert shop.report()["state"] == "done"
    assert all("yotpo_total_reviews" in users[one["email"]] for one in reviewers)
    assert all("yotpo_total_redemptions" in users[one["email"]] for one in members)


def test_expand_is_not_repeated_if_the_cursor_keeps_it(shop: Shop) -> None:
    shop.yotpo.switch(strict_page_info=True)
    shop.connect()
    shop.start()
    shop.read()

    assert not shop.account().repeats_expand
    assert (shop.report()["state"], shop.report()["restarts"]) == ("done", 0)


@pytest.mark.parametrize("switches", [{"strict_page_info": True, "expand_survives": False}, {"cursor_seconds": 0.0001}])
def test_a_cursor_that_cannot_be_tried_out_does_not_delay_the_account(
    shop: Shop, insider: Insider, switches: dict[str, object]
) -> None:
    shop.yotpo.switch(**switches)
    shop.connect()
    shown = shop.yotpo.someone(yotpo_ugc=True, email=True)["core"]
    shop.touch(shown["email"].lower())
    shop.are_due()
    shop.read()

    assert (shop.account().expands, shop.account().failures) == (("loyalty,reviews",), 0)
    assert insider.user(shown["email"].lower())["custom"]["yotpo_total_reviews"]


@pytest.mark.parametrize("asked_with", ["loyalty", "reviews", "loyalty,reviews", "cursor"])
def test_a_temporary_refusal_is_tried_again(shop: Shop, asked_with: str) -> None:
    shop.connect()
    refusals = [told({"error": "busy"}, 409)]

    def busy(question: Question) -> Answer | None:
        expand = "cursor" if "page_info" in question.query else question.query.get("expand")
        return refusals.pop() if question.is_page and expand == asked_with and refusals else None

    with fronts.before(shop, busy) as front:
        front.scheduler().run(seconds=5)
        assert shop.account().expands is None
        assert shop.account().paused
        shop.resume_account()
        front.scheduler().run(seconds=20)

    assert shop.account().expands == ("loyalty,reviews",)
    assert (shop.account().state, shop.account().failures) == ("connected", 0)


@pytest.mark.parametrize("status", [400, 403, 404, 422])
@pytest.mark.parametrize(
    ("refused", "expands"),
    [
        ({"loyalty"}, ("reviews",)),
        ({"reviews", "loyalty,reviews"}, ("loyalty",)),
        ({"loyalty,reviews"}, ("loyalty", "reviews")),
        ({"loyalty", "reviews", "loyalty,reviews"}, ("",)),
    ],
)
def test_a_value_that_is_refused_for_good_is_not_used(
    shop: Shop, status: int, refused: set[str], expands: tuple[str, ...]
) -> None:
    shop.connect()

    def refuse(question: Question) -> Answer | None:
        return told({"error": "no"}, status) if question.is_page and question.query.get("expand") in refused else None

    with fronts.before(shop, refuse) as front:
        front.scheduler().run(seconds=20)

    assert shop.account().expands == expands
    assert (shop.account().state, shop.account().failures) == ("connected", 0)
