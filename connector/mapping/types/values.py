"""The value types of rules: functions that convert a raw JSON value to a text, number, boolean, time, list or link.

Each function returns a value that Insider accepts, or None if the raw value is empty. If the value cannot be converted,
it raises `UnfitError`; the message never contains the value, because the value may be a secret.
"""

from __future__ import annotations

import math
import re
from datetime import date as calendar_date
from typing import NamedTuple

from connector.model import times

_TEXT_LIMIT = 4096
_LIST_LIMIT = 100
#: No text with a number, an amount or a time is longer than this. The limit also protects Python, which is slow to read
#: thousands of digits.
_NUMERIC_LIMIT = 40
#: Control characters except tab and line ends, and lone surrogates, which UTF-8 cannot encode.
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
#: A number written as text.
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[0-9]{1,4}")
_LINK = re.compile(
    r"(?P<scheme>(?i:https?://))?[^\s/?#:@\\<>\"'{}|^`,;!()]+\.[^\s/?#:@\\<>\"'{}|^`,;!().]{2,}(:[0-9]{1,5})?"
    r"([/?#][^\s\\<>\"{}|^`]*)?"
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_YEARS = range(10_000)


class UnfitError(ValueError):
    """The value cannot be converted to its type. The message is the beginning of a sentence that says why."""


def text(raw: object) -> str | None:
    """Return a text without spaces around it.

    Numbers become text, because Yotpo sends some ids either as numbers or as text.
    """
    if isinstance(raw, str):
        trimmed = raw.strip()
        if len(trimmed) > _TEXT_LIMIT:
            raise UnfitError(f"The text is longer than {_TEXT_LIMIT:,} characters")
        if not trimmed.isprintable() and _UNSENDABLE.search(trimmed):
            raise UnfitError("The text holds characters that cannot be sent")
        return trimmed or None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise UnfitError("The value is not text")
    return str(number(raw))


def number(raw: object) -> int | float | None:
    """Return a value as a number; None for a blank text.

    The value may be a text, because the older webhooks for reviews write every number as text.
    """
    if isinstance(raw, int) and not isinstance(raw, bool):
        if not -(2**63) <= raw < 2**63:
            raise UnfitError("The number is beyond 64 bits")
        return raw
    if isinstance(raw, float):
        if not math.isfinite(raw):
            raise UnfitError("The value is not a number")
        return raw
    if not isinstance(raw, str):
        raise UnfitError("The value is not a number")
    digits = raw.strip()
    if not digits:
        return None
    if len(digits) > _NUMERIC_LIMIT or not NUMBER.fullmatch(digits):
        raise UnfitError("The value is not a number")
    return number(float(digits) if any(mark in digits for mark in ".eE") else int(digits))


def boolean(raw: object) -> bool | None:
    """Return true or false. Text with one of these words counts too. No other value counts as false, not even null."""
    if isinstance(raw, bool):
        return raw
    if not isinstance(raw, str):
        raise UnfitError("The value is neither true nor false")
    word = raw.strip().lower()
    if word not in {"true", "false", ""}:
        raise UnfitError("The value is neither true nor false")
    return word == "true" if word else None


def date(raw: object) -> str | None:
    """Return a calendar date as midnight UTC. It is the day in the time zone that the value itself names."""
    if isinstance(raw, str) and (midnight := times.date_as_written(raw)):
        return midnight
    if _is_blank(raw):
        return None
    try:
        day = times.parse_date(_bounded(raw))
    except (times.NoTimeError, OverflowError):
        raise UnfitError("The value is not a date") from None
    return times.rfc3339_date(day) if day else None


def datetime(raw: object) -> str | None:
    """Return a date with a time, in UTC. Yotpo's year 0001 means "no time"."""
    if isinstance(raw, str) and (as_written := times.as_written(raw)):
        return as_written
    if _is_blank(raw):
        return None
    try:
        moment = times.parse(_bounded(raw))
    except (times.NoTimeError, OverflowError):
        raise UnfitError("The value is not a time") from None
    return times.rfc3339(moment) if moment else None


class Parts(NamedTuple):
    """A date that comes as three separate values: year, month and day."""

    year: object
    month: object
    day: object
    #: The year for a date without a year. If this is None, a date without a year counts as no date.
    standin_year: int | None


def date_of_parts(parts: Parts) -> str | None:
    """Return the date that the parts make, as midnight UTC; None if there is no date."""
    year, month, day = _part(parts.year), _part(parts.month), _part(parts.day)
    if month is None and day is None:
        return None
    if month is None or day is None:
        raise UnfitError("The date has a month or a day, but not both")
    if year is None or year == 1:  # Yotpo's year 0001 means "no year"
        if parts.standin_year is None:
            return None
        year = parts.standin_year
    elif not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise UnfitError("The year is out of range")
    try:
        return times.rfc3339_date(calendar_date(year, month, day))
    except ValueError:
        raise UnfitError("There is no such day in that year") from None


def items(raw: object) -> list[str | int | float] | None:
    """Return a list from an array, or from a text with commas: all numbers, or all texts if one item is a text."""
    if isinstance(raw, str):
        raw = raw.split(",")
    if not isinstance(raw, list):
        raise UnfitError("The value is not a list")
    if len(raw) > _LIST_LIMIT:
        raise UnfitError(f"The list has more than {_LIST_LIMIT} items")
    values: list[str | int | float] = []
    for item in raw:
        if isinstance(item, bool) or not isinstance(item, str | int | float | None):
            raise UnfitError("The list holds more than texts and numbers")
        value = text(item) if isinstance(item, str) else number(item) if item is not None else None
        if value is not None:
            values.append(value)
    if any(isinstance(item, str) for item in values):
        return [str(item) for item in values]
    return values or None


def link(raw: object) -> str | None:
    """Return a web address. Without a scheme it gets https://, because an e-mail cannot link to it otherwise."""
    if not isinstance(raw, str):
        raise UnfitError("The value is not a web address")
    address = text(raw)
    if address is None:
        return None
    match = _LINK.fullmatch(address)
    if not match:
        raise UnfitError("The value is not a web address")
    return address if match["scheme"] else f"https://{address}"


def _is_blank(raw: object) -> bool:
    return isinstance(raw, str) and not raw.strip()


def _bounded(raw: object) -> object:
    if isinstance(raw, int) and abs(raw) >= 2**63:
        raise times.NoTimeError
    return raw


def _part(raw: object) -> int | None:
    """Return a year, month or day from a whole number or a text of digits; None if it is empty."""
    if raw is None or (isinstance(raw, int) and not isinstance(raw, bool) and raw in _YEARS):
        return raw
    if isinstance(raw, str):
        digits = raw.strip()
        if not digits:
            return None
        if _WHOLE.fullmatch(digits):
            return int(digits)
    raise UnfitError("The year, month or day is not a whole number")
