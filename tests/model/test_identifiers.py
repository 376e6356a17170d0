"""Which addresses, numbers and ids count as identifiers, by Insider's rules; and which one identifies a customer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.identifiers import clean_email, clean_phone, clean_uuid, customer_of

#: The patterns that Insider prints in its error keys.
INSIDERS_EMAIL = re.compile(r"^.+@.+\..+$")
INSIDERS_PHONE = re.compile(r"^\+[1-9]\d{6,14}$", re.ASCII)
#: What Insider advises to block.
PLACEHOLDERS = {"undefined", "anonymous", "0", "1", "null"}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
#: Texts that are nearly addresses, nearly numbers, nearly placeholders.
nearly = (
    st.text(alphabet="aB1.@+- \t\n\x00[]<>,;:\"'ü", max_size=20)
    | st.from_regex(r"\+?[0-9 ()-]{5,20}")
    | st.emails()
    | st.sampled_from(sorted(PLACEHOLDERS)).map(str.upper)
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("john.smith@example.com", "john.smith@example.com"),
        ("  John.SMITH@Example.COM\n", "john.smith@example.com"),
        ("john+tag@mail.example.co.uk", "john+tag@mail.example.co.uk"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("jürgen@exämple.de", "jürgen@exämple.de"),
        ("a" * 242 + "@example.com", "a" * 242 + "@example.com"),
        ("a" * 243 + "@example.com", None),
        ("[email protected]", None),
        ("[email protected](opens in new tab)", None),
        ("john smith@example.com", None),
        ("john@example.com, fred@example.net", None),
        ("<john@example.com>", None),
        ("john@@example.com", None),
        ("john@example", None),
        ("@example.com", None),
        ("john@.", None),
        ("john\x00@example.com", None),
        ("", None),
        ("undefined", None),
        (None, None),
        (42, None),
        (["john@example.com"], None),
        ({"email": "john@example.com"}, None),
    ],
)
def test_an_address_is_trimmed_and_in_lower_case(raw: object, expected: str | None) -> None:
    assert clean_email(raw) == expected


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("+14155550100", None, "+14155550100"),
        (" +1 (415) 555-0100 ", None, "+14155550100"),
        ("+49 30 901820", None, "+4930901820"),
        ("+14155550100 ext. 7", None, "+14155550100"),
        ("4155550100", None, None),
        ("4155550100", "US", "+14155550100"),
        ("030 901820", "DE", "+4930901820"),
        ("+4930901820", "US", "+4930901820"),
        ("4155550100", "XX", None),
        ("+1415555010", None, None),
        ("+141555501001234", None, None),
        ("+999123456789", None, None),
        ("+", None, None),
        ("0", "US", None),
        ("call me", "US", None),
        ("", "US", None),
        ("+1415" + " " * 40 + "5550100", None, None),
        (14155550100, None, None),
        (None, "US", None),
        ({}, "US", None),
    ],
)
def test_a_phone_number_is_written_in_e164(raw: object, region: str | None, expected: str | None) -> None:
    assert clean_phone(raw, region) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("4302977345", "4302977345"),
        (4302977345, "4302977345"),
        (" Abc-1 ", "Abc-1"),
        ("x" * 255, "x" * 255),
        ("x" * 256, None),
        ("undefined", None),
        (" Anonymous ", None),
        ("NULL", None),
        ("0", None),
        (0, None),
        ("1", None),
        (1, None),
        ("", None),
        (" ", None),
        ("a\x00b", None),
        ("a\nb", None),
        (True, None),
        (1.5, None),
        (None, None),
        ([], None),
    ],
)
def test_an_id_is_text_and_no_placeholder(raw: object, expected: str | None) -> None:
    assert clean_uuid(raw) == expected


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ({"uuid": "7", "phone_number": "+14155550100", "email": "a@example.com"}, "a@example.com"),
        ({"uuid": "7", "phone_number": "+14155550100"}, "+14155550100"),
        ({"uuid": "7", "email": ""}, "7"),
        ({"shopify_id": "7"}, None),
        ({}, None),
    ],
)
def test_a_customer_is_named_by_address_then_number_then_id(identifiers: dict[str, str], expected: str | None) -> None:
    assert customer_of(identifiers) == expected


@given(json_values | nearly)
def test_no_address_passes_that_insider_refuses(raw: object) -> None:
    cleaned = clean_email(raw)

    assert cleaned is None or (INSIDERS_EMAIL.match(cleaned) and clean_email(cleaned) == cleaned)
    assert cleaned is None or (cleaned.isprintable() and " " not in cleaned)


@given(json_values | nearly, st.sampled_from([None, "US", "DE", "XX"]))
def test_no_phone_number_passes_that_insider_refuses(raw: object, region: str | None) -> None:
    cleaned = clean_phone(raw, region)

    assert cleaned is None or (INSIDERS_PHONE.fullmatch(cleaned) and clean_phone(cleaned) == cleaned)


@given(json_values | nearly)
def test_no_id_passes_that_insider_refuses(raw: object) -> None:
    cleaned = clean_uuid(raw)

    assert cleaned is None or (cleaned and cleaned.lower() not in PLACEHOLDERS and clean_uuid(cleaned) == cleaned)


@given(st.emails())
def test_common_addresses_pass(address: str) -> None:
    if re.fullmatch(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+", address):
        assert clean_email(address) == address.lower()
