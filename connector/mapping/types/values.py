"""The value types of rules: what a raw JSON value must be to become text, a number, money, a time, a list, a link.

Each type is a function from a raw value to a value that Insider takes; None means that nothing is there. What
cannot be understood raises `UnfitError` with a sentence that never holds the value itself, which may be a secret.
"""

from __future__ import annotations

import math
import re
from datetime import date as calendar_date
from typing import NamedTuple

from connector.model import times

_TEXT_LIMIT = 4096
_LIST_LIMIT = 100
#: No number, amount or time is longer; and Python takes long to read thousands of digits.
_NUMERIC_LIMIT = 40
#: Control characters besides tab and line ends, and lone surrogates, which no UTF-8 can carry.
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
#: A number as text.
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[0-9]{1,4}")
_LINK = re.compile(
    r"(?P<scheme>(?i:https?://))?[^\s/?#:@\\<>\"'{}|^`,;!()]+\.[^\s/?#:@\\<>\"'{}|^`,;!().]{2,}(:[0-9]{1,5})?"
    r"([/?#][^\s\\<>\"{}|^`]*)?"
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_YEARS = range(10_000)


class UnfitError(ValueError):
    """The value cannot become its type; the message begins a sentence that says why."""


def text(raw: object) -> str | None:
    """A text without spaces around it; numbers are written out, because some of Yotpo's ids come as either."""
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
    """A number, or a text that is one: the reviews' older webhooks write every number as text."""
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
    """True or false, or the words; nothing else is taken for one of them, least of all null."""
    if isinstance(raw, bool):
        return raw
    if not isinstance(raw, str):
        raise UnfitError("The value is neither true nor false")
    word = raw.strip().lower()
    if word not in {"true", "false", ""}:
        raise UnfitError("The value is neither true nor false")
    return word == "true" if word else None


def date(raw: object) -> str | None:
    """A calendar date as midnight UTC, the day being that of the zone which the value itself names."""
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
    """A moment in UTC. Yotpo's year 0001 stands for none."""
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
    """A date whose year, month and day stand in places of their own."""

    year: object
    month: object
    day: object
    #: For a date without one; None: such a date is nothing.
    standin_year: int | None


def date_of_parts(parts: Parts) -> str | None:
    """Join the parts."""
    year, month, day = _part(parts.year), _part(parts.month), _part(parts.day)
    if month is None and day is None:
        return None
    if month is None or day is None:
        raise UnfitError("The date has a month or a day, but not both")
    if year is None or year == 1:  # Yotpo's year 0001 stands for none
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
    """A list of texts or numbers, from an array or a text with commas; one of both kinds becomes texts."""
    if isinstance(raw, str):
        raw = raw.split(",")
    if not isinstance(raw, list):
        raise UnfitError("The value is not a list")
    if len(raw) > _LIST_LIMIT:
        raise UnfitError(f"The list has more than {_LIST_LIMIT} items")
    found: list[str | int | float] = []
    for item in raw:
        if isinstance(item, bool) or not isinstance(item, str | int | float | None):
            raise UnfitError("The list holds more than texts and numbers")
        value = text(item) if isinstance(item, str) else number(item) if item is not None else None
        if value is not None:
            found.append(value)
    if any(isinstance(item, str) for item in found):
        return [str(item) for item in found]
    return found or None


def link(raw: object) -> str | None:
    """A web address. Yotpo writes some without a scheme, which no e-mail could link to: they get https."""
    if not isinstance(raw, str):
        raise UnfitError("The value is not a web address")
    address = text(raw)
    if address is None:
        return None
    found = _LINK.fullmatch(address)
    if not found:
        raise UnfitError("The value is not a web address")
    return address if found["scheme"] else f"https://{address}"


def _is_blank(raw: object) -> bool:
    return isinstance(raw, str) and not raw.strip()


def _bounded(raw: object) -> object:
    if isinstance(raw, int) and abs(raw) >= 2**63:
        raise times.NoTimeError
    return raw


def _part(raw: object) -> int | None:
    """A year, month or day: a whole number, or a text of digits."""
    if raw is None or (isinstance(raw, int) and not isinstance(raw, bool) and raw in _YEARS):
        return raw
    if isinstance(raw, str):
        digits = raw.strip()
        if not digits:
            return None
        if _WHOLE.fullmatch(digits):
            return int(digits)
    raise UnfitError("The year, month or day is not a whole number")
