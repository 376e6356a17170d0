"""The identifiers of a Core v3 customer, and the notes on fields that differ from Yotpo's documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.yotpo.customers import ParsedCustomer, read_customer

#: As recorded, with the values changed.
RECORDED: dict[str, Any] = {
    "external_id": "7001",
    "email": "a@example.test",
    "phone_number": "+14155550100",
    "device_id": None,
    "first_name": "Ada",
    "last_name": "Roe",
    "gender": None,
    "account_created_at": "2020-04-01T18:58:01",
    "account_updated_at": "2026-05-21T22:57:46",
    "account_status": "enabled",
    "default_language": None,
    "default_currency": "USD",
    "tags": "vip,,demo",
    "address": {"address1": "1 Road", "address2": "", "country_code": "US", "phone_number": "5550100"},
    "lists": [{"id": "123456", "since": "2023-05-22T11:08:52"}],
    "custom_properties": None,
    "accepts_email_marketing": True,
    "accepts_sms_marketing": None,
    "channels": {"sms": {"marketing": {"consent": "never_subscribed", "timestamp": None}}},
    "yotpo_ugc": {"total_reviews": 3, "avg_product_rating": 4.67, "top_topics": ["fit"], "last_sentiment": 0.5},
    "yotpo_loyalty": {"points_earned": 10, "is_opt_in": True, "opt_in_date": "2023-05-22", "vip_tier_name": None},
    "yotpo_sms": None,
    "what_yotpo_adds_next_year": {"x": [1]},
}
WHO = ParsedCustomer("a@example.test", "+14155550100", "7001", datetime(2026, 5, 21, 22, 57, 46, tzinfo=UTC), ())


def test_a_recorded_customer_is_as_documented() -> None:
    assert read_customer(RECORDED) == WHO


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_null_missing_and_empty_fields_are_not_wrong(name: str) -> None:
    for customer in ({**RECORDED, name: None}, {key: RECORDED[key] for key in RECORDED if key != name}):
        assert read_customer(customer).notes == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-05-21T22:57:46Z", WHO.updated_at),
        ("2026-05-22T00:57:46+02:00", WHO.updated_at),
        ("2026-05-21T22:57:46.000", WHO.updated_at),
        ("0001-01-01T00:00:00", None),
        (None, None),
        ("", None),
    ],
)
def test_a_time_without_a_zone_is_utc(written: str | None, expected: datetime | None) -> None:
    assert read_customer({**RECORDED, "account_updated_at": written}) == WHO._replace(updated_at=expected)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"email": " Ada@Example.TEST "}, {"email": "ada@example.test"}),
        ({"email": ""}, {"email": None}),
        ({"phone_number": "+1 415-555-0100"}, {}),
        ({"external_id": 7001}, {}),
        ({"external_id": None}, {"external_id": None}),
    ],
)
def test_identifiers_are_cleaned(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_customer({**RECORDED, **changed}) == WHO._replace(**expected)


@pytest.mark.parametrize(
    ("changed", "nameless", "note"),
    [
        ({"email": "secret"}, "email", "email: not an e-mail address"),
        ({"email": ["secret@example.test"]}, "email", "email: not an e-mail address"),
        ({"phone_number": "4155550100"}, "phone", "phone_number: not a phone number with a country code"),
        ({"phone_number": 14155550100}, "phone", "phone_number: not a phone number with a country code"),
        ({"external_id": {"secret": 1}}, "external_id", "external_id: not an id"),
        ({"account_updated_at": "secret"}, "updated_at", "account_updated_at: not a time"),
        ({"account_created_at": []}, None, "account_created_at: not a time"),
        ({"first_name": 5}, None, "first_name: not text"),
        ({"tags": ["secret"]}, None, "tags: not text"),
        ({"accepts_email_marketing": "secret"}, None, "accepts_email_marketing: neither true nor false"),
        ({"address": "secret"}, None, "address: not an object"),
        ({"lists": {"secret": 1}}, None, "lists: not a list"),
        ({"yotpo_ugc": ["secret"]}, None, "yotpo_ugc: not an object"),
        ({"yotpo_ugc": {"avg_site_rating": "secret"}}, None, "yotpo_ugc.avg_site_rating: not a number"),
        ({"yotpo_loyalty": {"points_balance": True}}, None, "yotpo_loyalty.points_balance: not a number"),
        ({"yotpo_loyalty": {"vip_entry_date": "secret"}}, None, "yotpo_loyalty.vip_entry_date: not a time"),
    ],
)
def test_a_wrong_type_is_named_and_everything_else_is_read(
    changed: dict[str, Any], nameless: str | None, note: str
) -> None:
    gone = {nameless: None} if nameless else {}

    assert read_customer({**RECORDED, **changed}) == WHO._replace(**gone, notes=(note,))


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_PARTS = st.dictionaries(st.sampled_from(["total_reviews", "top_topics", "points_earned", "is_opt_in"]), _ANYTHING)


@given(
    st.dictionaries(st.sampled_from(sorted(RECORDED)) | st.text(), _ANYTHING),
    st.fixed_dictionaries({}, optional={"yotpo_ugc": _PARTS, "yotpo_loyalty": _PARTS}),
)
def test_no_content_of_a_customer_raises_an_error(customer: dict[str, Any], parts: dict[str, Any]) -> None:
    read = read_customer({**customer, **parts})

    assert all(note.split(":")[0].split(".")[0] in RECORDED for note in read.notes)
