"""The simulator of Yotpo: how Core v3 shows a store's customers, page by page and one by one.

A real process and real HTTP; no doubles.
"""

from __future__ import annotations

import time
from itertools import chain
from typing import Any

import pytest

from tests.sandbox.yotpo.simulators import CUSTOMERS, SIZE, Yotpo


@pytest.mark.parametrize("limit", [100, 37, 1])
def test_pages_hold_each_customer_once_in_a_stable_order(yotpo: Yotpo, limit: int) -> None:
    yotpo.tell("stores", {"app_key": "shop", "size": 250})

    pages = list(yotpo.pages(limit, expand="loyalty,reviews", include_custom_properties="true"))

    assert {len(page) for page in pages[:-1]} == {limit}
    assert list(chain(*pages)) == [each["core"] for each in yotpo.truth()]


def test_customers_added_during_paging_cause_no_repeated_and_no_missing_customers(yotpo: Yotpo) -> None:
    seen: list[dict[str, Any]] = []
    for place, page in enumerate(yotpo.pages(expand="loyalty,reviews", include_custom_properties="true")):
        seen += page
        if place < 3:
            yotpo.tell("stores/shop/customers", {"count": 30})

    assert len(seen) == SIZE + 90
    truth = yotpo.truth() + yotpo.truth(after=1_000)
    assert seen == [each["core"] for each in truth]


def test_the_last_page_has_no_cursor(yotpo: Yotpo) -> None:
    yotpo.tell("stores", {"app_key": "shop", "size": 100})

    answer = yotpo.get(CUSTOMERS, limit=100).json()

    assert len(answer["customers"]) == 100
    assert answer["pagination"] == {"next_page_info": None}


def test_an_empty_result_is_an_empty_list_or_a_400(yotpo: Yotpo) -> None:
    assert yotpo.customers(email="nobody@example.com") == []

    yotpo.switch(empty_as="400")
    answer = yotpo.get(CUSTOMERS, email="nobody@example.com")
    assert (answer.status_code, answer.json()) == (400, {"error": "no results found"})


def test_a_customer_is_found_by_each_identifier(yotpo: Yotpo) -> None:
    core = yotpo.someone(email=True, phone_number=True, external_id=True)["core"]
    queries = ({"email": core["email"].upper()}, {"emails": core["email"]}, {"phone_number": core["phone_number"]})

    for query in (*queries, {"external_ids": core["external_id"]}):
        (customer,) = yotpo.customers(expand="loyalty,reviews", include_custom_properties="true", **query)
        assert customer == core


def test_a_long_look_up_keeps_its_filters_on_every_page(yotpo: Yotpo) -> None:
    emails = [each["core"]["email"] for each in yotpo.truth() if each["core"]["email"]][:25]

    pages = list(yotpo.pages(10, emails=",".join(emails)))

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [each["email"] for each in chain(*pages)] == emails


def test_an_address_with_a_customers_number_but_another_name_finds_no_customer(yotpo: Yotpo) -> None:
    number = yotpo.someone(email=True)["number"]

    assert yotpo.customers(email=f"somebody.else.{number}@example.com") == []


def blocks(page: list[dict[str, Any]]) -> set[str]:
    return {name for name in ("yotpo_loyalty", "yotpo_ugc") for each in page if each[name] is not None}


LOYALTY, REVIEWS = {"yotpo_loyalty"}, {"yotpo_ugc"}


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        ("both", LOYALTY | REVIEWS),
        ("loyalty_only", LOYALTY),
        ("reviews_only", REVIEWS),
        ("single_only", set()),
    ],
)
def test_a_switch_sets_which_of_two_expansions_are_shown(yotpo: Yotpo, switch: str, expected: set[str]) -> None:
    yotpo.switch(expand=switch)

    assert blocks(yotpo.customers(expand="loyalty,reviews")) == expected
    assert blocks(yotpo.customers(expand="loyalty")) == LOYALTY
    assert blocks(yotpo.customers(expand="reviews")) == REVIEWS
    assert blocks(yotpo.customers()) == set()


def test_two_expansions_can_be_refused(yotpo: Yotpo) -> None:
    yotpo.switch(expand="single_only_400")

    answer = yotpo.get(CUSTOMERS, expand="reviews,loyalty")
    assert (answer.status_code, list(answer.json())) == (400, ["errors"])
    assert blocks(yotpo.customers(expand="reviews")) == REVIEWS


def test_expansions_can_be_lost_on_the_next_page_unless_they_are_repeated(yotpo: Yotpo) -> None:
    yotpo.switch(expand_survives=False)
    cursor = yotpo.get(CUSTOMERS, expand="loyalty").json()["pagination"]["next_page_info"]

    assert blocks(yotpo.customers(page_info=cursor)) == set()
    assert blocks(yotpo.customers(page_info=cursor, expand="loyalty")) == LOYALTY


def test_a_store_without_loyalty_shows_none(yotpo: Yotpo) -> None:
    yotpo.switch(no_loyalty=["shop"])

    assert blocks(yotpo.customers(expand="loyalty,reviews")) == REVIEWS
    assert {each["loyalty"] is None for each in yotpo.truth()} == {True}


def test_a_strict_cursor_refuses_other_parameters(yotpo: Yotpo) -> None:
    cursor = yotpo.get(CUSTOMERS, limit=10).json()["pagination"]["next_page_info"]
    assert len(yotpo.customers(page_info=cursor, limit=5, include_custom_properties="true")) == 5

    yotpo.switch(strict_page_info=True)
    assert yotpo.get(CUSTOMERS, page_info=cursor, limit=5, expand="loyalty").status_code == 400
    assert len(yotpo.customers(page_info=cursor, limit=5)) == 5


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_old_and_broken_cursors_are_refused(yotpo: Yotpo, status: int) -> None:
    yotpo.switch(cursor_seconds=0.2, cursor_status=status)
    cursor = yotpo.get(CUSTOMERS, limit=10).json()["pagination"]["next_page_info"]
    assert len(yotpo.customers(page_info=cursor)) == 100
    time.sleep(0.25)

    for page_info in (cursor, "no cursor", "bm8=", cursor[:20]):
        assert yotpo.get(CUSTOMERS, page_info=page_info).status_code == status


@pytest.mark.parametrize("limit", ["0", "101", "ten"])
def test_a_limit_outside_the_documented_range_is_refused(yotpo: Yotpo, limit: str) -> None:
    assert yotpo.get(CUSTOMERS, limit=limit).status_code == 400


def test_a_switch_adds_a_zone_to_times(yotpo: Yotpo) -> None:
    number = yotpo.someone(account_updated_at=True, yotpo_loyalty=True)["number"]
    assert yotpo.truth(after=number - 1, limit=1)[0]["core"]["account_updated_at"][-3] == ":"

    yotpo.switch(zoneless=False)
    core = yotpo.truth(after=number - 1, limit=1)[0]["core"]
    assert core["account_updated_at"][-1] == core["yotpo_loyalty"]["last_seen_at"][-1] == "Z"


def test_a_missing_updated_at_is_null_or_left_out(yotpo: Yotpo) -> None:
    number = yotpo.someone(account_updated_at=False)["number"]

    yotpo.switch(updated_at_absent=True)
    assert "account_updated_at" not in yotpo.truth(after=number - 1, limit=1)[0]["core"]


def test_custom_properties_are_shown_on_request_only(yotpo: Yotpo) -> None:
    core = yotpo.someone(custom_properties=True, external_id=True)["core"]

    (short,) = yotpo.customers(external_ids=core["external_id"])
    (full,) = yotpo.customers(external_ids=core["external_id"], include_custom_properties="true")
    assert (short["custom_properties"], full["custom_properties"]) == (None, core["custom_properties"])
