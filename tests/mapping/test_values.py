"""The value types, as tables of the values that they accept and refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.mapping.types import values
from connector.mapping.types.money import money
from connector.mapping.types.values import Parts, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable

FITS: list[tuple[Callable[[object], Any], object, object]] = [
    (values.text, " John ", "John"),
    (values.text, 42, "42"),
    (values.text, 0.5, "0.5"),
    (values.text, "a\tb\nc", "a\tb\nc"),
    (values.text, "₪ ünï\u00a0cödé", "₪ ünï\u00a0cödé"),
    (values.text, "  ", None),
    (values.text, "x" * 4096, "x" * 4096),
    (values.number, 0, 0),
    (values.number, -3, -3),
    (values.number, 4.67, 4.67),
    (values.number, "5", 5),
    (values.number, " 5.50 ", 5.5),
    (values.number, "-1e3", -1000.0),
    (values.number, "", None),
    (values.number, 2**63 - 1, 2**63 - 1),
    (money, "$2,620", 2620),
    (money, "€0", 0),
    (money, "₪0", 0),
    (money, "\u200f0 ₪", 0),
    (money, "$1,234.50", 1234.5),
    (money, "1.234,50 €", 1234.5),
    (money, "1\u202f234,50 zł", 1234.5),
    (money, "CHF 1'234.50", 1234.5),
    (money, "1.234.567 €", 1234567),
    (money, "Rs. 500", 500),
    (money, "-$5", -5),
    (money, "$-5", -5),
    (money, 47, 47),
    (money, 47.5, 47.5),
    (money, "1.234", 1.234),
    (money, "", None),
    (values.boolean, True, True),
    (values.boolean, False, False),
    (values.boolean, "true", True),
    (values.boolean, " False ", False),
    (values.boolean, "", None),
    (values.date, "2019-12-31", "2019-12-31T00:00:00Z"),
    (values.date, "2022-02-01T00:05:57.071+02:00", "2022-02-01T00:00:00Z"),
    (values.date, "0001-01-01 00:00:00 +0200", None),
    (values.date, " ", None),
    (values.datetime, "2019-11-28T12:50:52.000Z", "2019-11-28T12:50:52Z"),
    (values.datetime, "2021-08-01T16:53:56.415+03:00", "2021-08-01T13:53:56.415Z"),
    (values.datetime, "2020-04-01T18:58:01", "2020-04-01T18:58:01Z"),
    (values.datetime, "2018-02-20 14:12:13 UTC", "2018-02-20T14:12:13Z"),
    (values.datetime, "2023-08-25", "2023-08-25T00:00:00Z"),
    (values.datetime, 1690360527923, "2023-07-26T08:35:27.923Z"),
    (values.datetime, "1690360527923", "2023-07-26T08:35:27.923Z"),
    (values.datetime, "0001-01-01 00:00:00 +0200", None),
    (values.items, ["quality", " delivery ", "", None], ["quality", "delivery"]),
    (values.items, "vip,, demo", ["vip", "demo"]),
    (values.items, [1, 2.5], [1, 2.5]),
    (values.items, [1, "two"], ["1", "two"]),
    (values.items, [], None),
    (values.items, "", None),
    (values.link, "http://rwrd.io/x", "http://rwrd.io/x"),
    (values.link, "rwrd.io/ref_CODE?e", "https://rwrd.io/ref_CODE?e"),
    (values.link, " https://bücher.example/ä ", "https://bücher.example/ä"),
    (values.link, "shop.example:8443", "https://shop.example:8443"),
    (values.link, "", None),
]

UNFIT: list[tuple[Callable[[object], Any], object, str]] = [
    (values.text, True, "The value is not text"),
    (values.text, {"a": 1}, "The value is not text"),
    (values.text, ["a"], "The value is not text"),
    (values.text, "x" * 4097, "The text is longer than 4,096 characters"),
    (values.text, "a\x00b", "The text holds characters that cannot be sent"),
    (values.text, "a\ud800b", "The text holds characters that cannot be sent"),
    (values.text, 10**400, "The number is beyond 64 bits"),
    (values.number, True, "The value is not a number"),
    (values.number, "many", "The value is not a number"),
    (values.number, "1_000", "The value is not a number"),
    (values.number, "٣", "The value is not a number"),
    (values.number, "NaN", "The value is not a number"),
    (values.number, "1e999", "The value is not a number"),
    (values.number, "9" * 5000, "The value is not a number"),
    (values.number, float("nan"), "The value is not a number"),
    (values.number, float("-inf"), "The value is not a number"),
    (values.number, 2**63, "The number is beyond 64 bits"),
    (values.number, "9223372036854775808", "The number is beyond 64 bits"),
    (values.number, [], "The value is not a number"),
    (money, "$1.234", "The point may stand for thousands or for decimals"),
    (money, "$", "The value is not an amount of money"),
    (money, "$5 $6", "The value is not an amount of money"),
    (money, "--5", "The value is not an amount of money"),
    (money, "(5)", "The value is not an amount of money"),
    (money, "$.50", "The value is not an amount of money"),
    (money, "$1,23,456", "The value is not an amount of money"),
    (money, "2,6200", "The value is not an amount of money"),
    (money, "1.2.3,4,5", "The value is not an amount of money"),
    (money, "$" + "1" * 50, "The value is not an amount of money"),
    (money, False, "The value is not a number"),
    (values.boolean, 1, "The value is neither true nor false"),
    (values.boolean, "yes", "The value is neither true nor false"),
    (values.date, "31.12.2019", "The value is not a date"),
    (values.date, True, "The value is not a date"),
    (values.datetime, "yesterday", "The value is not a time"),
    (values.datetime, 10**400, "The value is not a time"),
    (values.datetime, {}, "The value is not a time"),
    (values.datetime, "9999-12-31T23:59:59-14:00", "The value is not a time"),
    (values.items, {"a": 1}, "The value is not a list"),
    (values.items, [{"a": 1}], "The list holds more than texts and numbers"),
    (values.items, [True], "The list holds more than texts and numbers"),
    (values.items, ["x"] * 101, "The list has more than 100 items"),
    (values.link, "javascript:alert(1)", "The value is not a web address"),
    (values.link, "https://shop.example/a b", "The value is not a web address"),
    (values.link, "ftp://shop.example", "The value is not a web address"),
    (values.link, "http://shop.example@evil.example/", "The value is not a web address"),
    (values.link, "nothing", "The value is not a web address"),
    (values.link, 5, "The value is not a web address"),
]

PARTS: list[tuple[Parts, str | None]] = [
    (Parts(1985, 8, 12, None), "1985-08-12T00:00:00Z"),
    (Parts("1985", "08", " 12 ", None), "1985-08-12T00:00:00Z"),
    (Parts("", 8, 12, None), None),
    (Parts(None, 8, 12, 1904), "1904-08-12T00:00:00Z"),
    (Parts("0001", 8, 12, None), None),
    (Parts(1, 8, 12, 1904), "1904-08-12T00:00:00Z"),
    (Parts(None, 2, 29, 1904), "1904-02-29T00:00:00Z"),
    (Parts(1985, None, "", 1904), None),
]

UNFIT_PARTS: list[tuple[Parts, str]] = [
    (Parts(1985, 8, None, None), "The date has a month or a day, but not both"),
    (Parts(1985, 13, 1, None), "There is no such day in that year"),
    (Parts(None, 2, 29, 1903), "There is no such day in that year"),
    (Parts(85, 8, 12, None), "The year is out of range"),
    (Parts(1985, "August", 12, None), "The year, month or day is not a whole number"),
    (Parts(year=1985, month=True, day=12, standin_year=None), "The year, month or day is not a whole number"),
    (Parts(10**30, 8, 12, None), "The year, month or day is not a whole number"),
]


@pytest.mark.parametrize(("convert", "raw", "expected"), FITS)
def test_what_fits(convert: Callable[[object], Any], raw: object, expected: object) -> None:
    found = convert(raw)

    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(("convert", "raw", "problem"), UNFIT)
def test_the_message_about_an_unfit_value_does_not_contain_it(
    convert: Callable[[object], Any], raw: object, problem: str
) -> None:
    with pytest.raises(UnfitError) as caught:
        convert(raw)

    assert problem == str(caught.value)


@pytest.mark.parametrize(("parts", "expected"), PARTS)
def test_dates_of_parts(parts: Parts, expected: str | None) -> None:
    assert expected == values.date_of_parts(parts)


@pytest.mark.parametrize(("parts", "problem"), UNFIT_PARTS)
def test_parts_that_are_no_date(parts: Parts, problem: str) -> None:
    with pytest.raises(UnfitError) as caught:
        values.date_of_parts(parts)

    assert problem == str(caught.value)


def test_a_number_that_python_would_not_write_out() -> None:
    for convert in (values.text, values.number, money, values.date, values.datetime):
        with pytest.raises(UnfitError):
            convert(10**5000)
