"""Customers as Yotpo accepts them: what is sent for a line, and what is reported for a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sync.pushing.forms import check, digest, label

ID = {"external_id": "7001"}


def _told(given: dict[str, Any], *, force: bool = False) -> str:
    checked = check(given, force=force)
    assert bool(checked.problems) == (not checked.customer)
    return "\n".join(checked.problems)


def test_a_customer_with_every_field_is_sent_as_it_is() -> None:
    customer = {
        "external_id": "7001",
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Roe",
        "gender": "F",
        "account_created_at": "2020-04-01T18:58:01Z",
        "account_status": "enabled",
        "default_language": "en",
        "default_currency": "USD",
        "tags": "vip,demo",
        "address": {
            "address1": "1 Road",
            "address2": "",
            "city": "X",
            "company": "Y",
            "state": "California",
            "zip": "90000",
            "province_code": "CA",
            "country_code": "US",
            "phone_number": "5550100",
        },
        "accepts_email_marketing": True,
        "accepts_sms_marketing": False,
    }
    assert check(customer) == (customer, ())


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"tags": ["vip", " demo "]}, {"tags": "vip,demo"}),
        ({"accepts_sms_marketing": "yes"}, {"accepts_sms_marketing": True}),
        ({"accepts_sms_marketing": "FALSE"}, {"accepts_sms_marketing": False}),
        ({"accepts_sms_marketing": 0}, {"accepts_sms_marketing": False}),
        ({"account_created_at": "2020-04-01T20:58:01.5+02:00"}, {"account_created_at": "2020-04-01T18:58:01.500Z"}),
        ({"account_created_at": "2020-04-01T18:58:01"}, {"account_created_at": "2020-04-01T18:58:01Z"}),
        ({"account_created_at": "2020-04-01"}, {"account_created_at": "2020-04-01T00:00:00Z"}),
        ({"first_name": " Ada "}, {"first_name": "Ada"}),
        ({"first_name": None, "yotpo_ugc": None, "phone_number": None}, {}),
        ({"address": {"city": None}}, {}),
        ({"address": {"city": None, "zip": "1"}}, {"address": {"zip": "1"}}),
    ],
)
def test_values_are_written_as_yotpo_reads_them(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert check({**ID, **given}) == ({**ID, **sent}, ())


@pytest.mark.parametrize(
    "identity",
    [
        {"external_id": "7001"},
        {"external_id": "7001", "email": "ada@example.com"},
        {"email": "ada@example.com"},
        {"phone_number": "+12015550123"},
        {"phone_number": "+12015550123", "email": None},
    ],
)
def test_these_identify_a_customer(identity: dict[str, Any]) -> None:
    assert check(identity).problems == ()


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        ({}, "external_id: give external_id, or else exactly one of email and phone_number"),
        ({"first_name": "Ada"}, "external_id: give external_id, or else"),
        ({"external_id": None, "email": None}, "external_id: give external_id, or else"),
        ({"external_id": ""}, "external_id: has to have 1 to 255 characters"),
        (
            {"email": "ada@example.com", "phone_number": "+12015550123"},
            "email, phone_number: if an external_id is not specified, Yotpo cannot accept both",
        ),
        ({**ID, "phone_number": "+12015550123"}, "phone_number: can no longer be set (Yotpo has deprecated it)"),
    ],
)
def test_these_do_not(identity: dict[str, Any], told: str) -> None:
    assert told in _told(identity)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("external_id", 7001, "has to be text, in quotes"),
        ("email", "ada@example", "has to be an e-mail address"),
        ("phone_number", "2015550123", "has to be a phone number in E.164"),
        ("phone_number", "+1 201 555 0123", "has to be a phone number in E.164"),
        ("phone_number", "+1201", "has to be a phone number in E.164"),
        ("first_name", ["Ada"], "has to be text"),
        ("first_name", "x" * 2001, "has to have 2000 characters at most"),
        ("gender", "female", "has to be one of F, M, Other"),
        ("account_status", "active", "has to be one of enabled, disabled, invited, declined"),
        ("account_created_at", "1.4.2020", "has to be a time in ISO 8601"),
        ("account_created_at", "1585767481000", "has to be a time in ISO 8601"),
        ("account_created_at", "0001-01-01 00:00:00 +0200", "has to be a time in ISO 8601"),
        ("account_created_at", 1585767481, "has to be text"),
        ("default_language", "en-US", "has to be a language of ISO 639-1"),
        ("default_language", "xx", "has to be a language of ISO 639-1"),
        ("default_currency", "usd", "has to be a currency of ISO 4217"),
        ("default_currency", "XXX", "has to be a currency of ISO 4217"),
        ("tags", ["a,b"], "has to be a comma-separated text"),
        ("tags", [1], "has to be a comma-separated text"),
        ("address", "1 Road", "has to be an object"),
        ("accepts_email_marketing", "maybe", "has to be true or false"),
        ("accepts_email_marketing", 2, "has to be true or false"),
        ("accepts_email_marketing", [], "has to be true or false"),
        ("account_updated_at", "2020-04-01", "it can only be read"),
        ("yotpo_loyalty", {"points_balance": 1}, "it can only be read"),
        ("lists", [], "can only be read here"),
        ("custom_properties", {"skin": "dry"}, "is deprecated by Yotpo"),
        ("fist_name", "Ada", "is not a field of a customer (did you mean 'first_name'?)"),
        ("shoe_size", None, "is not a field of a customer"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not_quoted(field: str, value: object, told: str) -> None:
    problems = _told({**ID, field: value})

    assert f"{field}: " in problems
    assert told in problems
    # The sentence about tags has "a,b" as an example, so this text would be found there.
    assert not (isinstance(value, str) and len(value) > 2 and value in problems)


def test_all_problems_of_a_customer_are_reported_at_once() -> None:
    given = {"emial": "x", "gender": "X", "address": {"cty": "X", "country_code": "Germany"}, "lists": [], "": 1}

    problems = _told(given).splitlines()

    assert [problem.partition(": ")[0] for problem in problems] == [
        "lists",
        "emial",
        "",
        "address.cty",
        "gender",
        "address.country_code",
        "external_id",
    ]


def test_a_name_from_the_file_cannot_write_on_the_terminal() -> None:
    assert "\x1b" not in _told({**ID, "\x1b[2J\n": 1})
    assert len(_told({**ID, "x" * 10_000: 1})) < 200


def test_deprecated_fields_are_sent_by_force() -> None:
    customer = {**ID, "phone_number": "+12015550123", "custom_properties": {"skin_type": "dry", "age": 7}}
    assert check(customer, force=True) == (customer, ())
    for wrong in ({"skin type": "dry"}, {"skin": None}, {"skin": ["dry"]}, "dry"):
        assert "custom_properties: has to" in _told({**ID, "custom_properties": wrong}, force=True)
    both = {"email": "ada@example.com", "phone_number": "+12015550123"}
    assert "Yotpo cannot accept both" in _told(both, force=True)


def test_a_digest_tells_customers_and_stores_apart_but_not_the_order_of_fields() -> None:
    one = digest("acme", {"external_id": "1", "email": "a@example.com"})

    assert one == digest("acme", {"email": "a@example.com", "external_id": "1"})
    assert len({one, digest("other", {"external_id": "1"}), digest("acme", {"external_id": "1"})}) == 3
    assert len(one) == 16


def test_a_customer_is_named_by_their_first_identifier() -> None:
    assert label({"email": "a@example.com", "external_id": "1"}) == "external_id 1"
    assert label({"phone_number": "+12015550123"}) == "phone_number +12015550123"
