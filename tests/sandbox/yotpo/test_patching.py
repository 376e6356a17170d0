"""The simulator of Yotpo: creating and updating customers; the changes become visible only later."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.yotpo.simulators import CUSTOMERS, SIZE, Yotpo


@pytest.fixture
def yotpo(yotpo: Yotpo) -> Yotpo:
    yotpo.switch(visibility_seconds=0)
    return yotpo


@pytest.fixture
def core(yotpo: Yotpo) -> dict[str, Any]:
    """Return a customer with all three identifiers."""
    found: dict[str, Any] = yotpo.someone(external_id=True, email=True, phone_number=True, address=True)["core"]
    return found


def only(yotpo: Yotpo, **identifiers: str) -> dict[str, Any]:
    (customer,) = yotpo.customers(expand="loyalty,reviews", include_custom_properties="true", **identifiers)
    return customer


@pytest.mark.parametrize("name", ["external_id", "email", "phone_number"])
def test_any_single_identifier_finds_the_customer_to_change(yotpo: Yotpo, core: dict[str, Any], name: str) -> None:
    answer = yotpo.patch(**{name: core[name], "first_name": "Zoë", "accepts_sms_marketing": True})

    changed = only(yotpo, external_ids=core["external_id"])
    assert (answer.status_code, answer.json()) == (200, {})
    assert (changed["first_name"], changed["accepts_sms_marketing"]) == ("Zoë", True)
    assert changed["channels"]["sms"]["marketing"]["consent"] == "subscribed"
    assert changed["account_updated_at"] > core["account_updated_at"]
    assert changed["yotpo_loyalty"] == core["yotpo_loyalty"]


def test_every_field_that_can_be_set_is_set(yotpo: Yotpo) -> None:
    address = {
        "address1": "5 Partition",
        "address2": "b",
        "city": "Ürümqi",
        "company": "Co",
        "state": "X",
        "zip": "1",
        "province_code": "XJ",
        "country_code": "CN",
    }
    given = {
        "external_id": "shop-1",
        "email": "New.One@example.org",
        "first_name": "New",
        "last_name": "One",
        "gender": "Other",
        "account_status": "invited",
        "default_language": "tr",
        "default_currency": "TRY",
        "tags": "a,,b",
        "accepts_email_marketing": False,
        "accepts_sms_marketing": True,
    }

    assert yotpo.patch(**given, address=address, account_created_at="2020-04-01T20:58:01+02:00").ok

    shown = only(yotpo, email="new.one@example.org")
    assert {name: shown[name] for name in given} == given
    assert shown["address"] == address | {"phone_number": None}
    assert shown["account_created_at"] == "2020-04-01T18:58:01"
    assert (shown["yotpo_ugc"], shown["yotpo_loyalty"]) == (None, None)
    assert yotpo.truth(after=SIZE)[0]["core"] == shown


def test_a_change_becomes_visible_only_later(yotpo: Yotpo, core: dict[str, Any]) -> None:
    yotpo.switch(visibility_seconds=0.4)
    yotpo.patch(external_id=core["external_id"], first_name="Later")
    yotpo.patch(email="newcomer@example.org")

    assert only(yotpo, external_ids=core["external_id"]) == core
    assert yotpo.customers(email="newcomer@example.org") == []
    time.sleep(0.45)
    assert only(yotpo, external_ids=core["external_id"])["first_name"] == "Later"
    assert yotpo.customers(email="newcomer@example.org")


def test_null_and_missing_fields_leave_a_value_as_it_is(yotpo: Yotpo, core: dict[str, Any]) -> None:
    yotpo.patch(
        external_id=core["external_id"], first_name=None, tags=None, address={"city": None, "zip": "99"}, last_name="X"
    )

    changed = only(yotpo, external_ids=core["external_id"])
    expected = core | {
        "last_name": "X",
        "address": core["address"] | {"zip": "99"},
        "account_updated_at": changed["account_updated_at"],
    }
    assert changed == expected


def test_deprecated_fields_are_ignored(yotpo: Yotpo, core: dict[str, Any]) -> None:
    yotpo.patch(
        external_id=core["external_id"], phone_number="+15005550006", custom_properties={"x": 1}, first_name="Y"
    )

    changed = only(yotpo, external_ids=core["external_id"])
    kept = ("phone_number", "custom_properties")
    assert [changed[name] for name in kept] == [core[name] for name in kept]


def test_a_customer_known_by_address_gains_an_external_id(yotpo: Yotpo) -> None:
    core = yotpo.someone(external_id=False, email=True)["core"]

    yotpo.patch(external_id="shop-77", email=core["email"])

    assert only(yotpo, email=core["email"])["external_id"] == "shop-77"
    assert len(yotpo.truth()) == SIZE


def test_an_external_id_wins_over_the_address_and_changes_it(yotpo: Yotpo, core: dict[str, Any]) -> None:
    yotpo.patch(external_id=core["external_id"], email="moved@example.net")

    assert only(yotpo, email="moved@example.net")["external_id"] == core["external_id"]
    assert yotpo.customers(email=core["email"]) == []


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"first_name": "Nobody"}, "customer"),
        ({"email": "a@example.com", "phone_number": "+15005550006"}, "customer"),
        ({"email": None, "first_name": "Nobody"}, "customer"),
        ({"email": "no address"}, "email"),
        ({"phone_number": "0415"}, "phone_number"),
        ({"external_id": 7}, "external_id"),
        ({"external_id": "1", "gender": "male"}, "gender"),
        ({"external_id": "1", "gender": ["F"]}, "gender"),
        ({"external_id": "1", "account_status": "gone"}, "account_status"),
        ({"external_id": "1", "default_language": "english"}, "default_language"),
        ({"external_id": "1", "default_currency": "usd"}, "default_currency"),
        ({"external_id": "1", "account_created_at": "yesterday"}, "account_created_at"),
        ({"external_id": "1", "tags": ["a"]}, "tags"),
        ({"external_id": "1", "address": "1 Road"}, "address"),
        ({"external_id": "1", "address": {"zip": 90000}}, "address"),
        ({"external_id": "1", "accepts_email_marketing": "yes"}, "accepts_email_marketing"),
    ],
)
def test_a_wrong_change_is_refused_as_a_whole(yotpo: Yotpo, given: dict[str, Any], about: str) -> None:
    answer = yotpo.patch(**given)

    assert answer.status_code == 400
    assert about in answer.json()["errors"][0]["message"]
    assert len(yotpo.truth() + yotpo.truth(after=SIZE)) == SIZE


@pytest.mark.parametrize("raw", [b"{", b"", b'{"customer": []}', b"[]"])
def test_a_body_without_a_customer_is_refused(yotpo: Yotpo, raw: bytes) -> None:
    headers = {"X-Yotpo-Token": yotpo.token, "Content-Type": "application/json"}

    assert yotpo.session.patch(yotpo.url + CUSTOMERS, data=raw, headers=headers, timeout=10).status_code == 400


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_switch_sets_the_status_of_a_success(yotpo: Yotpo, status: int) -> None:
    yotpo.switch(patch_status=status)

    answer = yotpo.patch(email="one@example.com")
    assert (answer.status_code, answer.content) == (status, b"" if status == 204 else b"{}")
