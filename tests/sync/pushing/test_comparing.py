"""Sent customers compared with Yotpo's: which fields differ, and which are only written differently."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sync.pushing.comparing import differing, not_resent, same_customer


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"email": "Ada@Example.com"}, {"email": "ada@example.com"}),
        ({"account_created_at": "2020-04-01T18:58:01Z"}, {"account_created_at": "2020-04-01T18:58:01"}),
        ({"account_created_at": "2020-04-01T18:58:01.500Z"}, {"account_created_at": "2020-04-01T20:58:01+02:00"}),
        ({"tags": "vip,demo"}, {"tags": "demo,,vip "}),
        ({"tags": ""}, {"tags": None}),
        ({"address": {"address2": "", "phone_number": "+1 555 0100"}}, {"address": {"phone_number": "5550100"}}),
        ({"address": {"country_code": "US"}}, {"address": {"country_code": "us", "zip": "1"}}),
        ({"default_currency": "USD", "default_language": "en"}, {"default_currency": "usd", "default_language": "EN"}),
        ({"accepts_sms_marketing": False}, {"accepts_sms_marketing": False, "lists": []}),
        ({"custom_properties": {"skin": "dry"}}, {"custom_properties": None}),
        ({"external_id": "7001"}, {"external_id": 7001}),
    ],
)
def test_values_that_yotpo_writes_differently_are_equal(sent: dict[str, Any], shown: dict[str, Any]) -> None:
    assert differing(sent, shown) == []


@pytest.mark.parametrize(
    ("sent", "shown", "names"),
    [
        ({"first_name": "Ada", "last_name": "Roe"}, {"first_name": "ada"}, ["first_name", "last_name"]),
        ({"account_created_at": "2020-04-01T18:58:01Z"}, {"account_created_at": "2020-04-01T18:58:02"}, None),
        ({"account_created_at": "2020-04-01T18:58:01Z"}, {"account_created_at": "soon"}, None),
        ({"account_created_at": "2020-04-01T18:58:01Z"}, {}, None),
        ({"tags": "vip,demo"}, {"tags": "vip"}, None),
        ({"accepts_sms_marketing": False}, {"accepts_sms_marketing": None}, None),
        ({"phone_number": "+12015550123"}, {"phone_number": "+12015550124"}, None),
        ({"phone_number": "+12015550123"}, {"phone_number": "3"}, None),
        ({"address": {"city": "X", "zip": "1"}}, {"address": {"city": "Y", "zip": "1"}}, ["address.city"]),
        ({"address": {"city": "X"}}, {"address": None}, ["address.city"]),
        ({"address": {"city": "X"}}, {}, ["address.city"]),
    ],
)
def test_fields_that_differ_are_named(sent: dict[str, Any], shown: dict[str, Any], names: list[str] | None) -> None:
    assert differing(sent, shown) == (names or list(sent))


def test_fields_that_were_sent_again_later_are_not_compared() -> None:
    assert not_resent(
        {"external_id": "1", "first_name": "A", "tags": "x"}, {"external_id": "1", "first_name": "B"}
    ) == {"tags": "x"}


def test_two_lines_with_one_identifier_are_of_one_customer() -> None:
    assert same_customer({"external_id": "1", "email": "a@example.com"}, {"email": "A@example.com"})
    assert not same_customer({"external_id": "1"}, {"external_id": "2"})
    assert not same_customer({"external_id": "1"}, {"email": "a@example.com"})
