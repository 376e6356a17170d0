"""Reads times in all of Yotpo's formats, and writes the one format that Insider reads.

These are the formats in Yotpo's webhooks, Core API and legacy reviews:

- ``2016-10-15T16:00:17.786Z``, ``…17Z``, ``…17.786+03:00``, ``…17.786+0300``
- ``2016-10-15T16:00:17`` without a zone, which is UTC
- ``2019-12-31``, only a date
- ``2018-02-20 14:12:13 UTC``, ``2018-02-20 14:12:13 +0200``
- ``1690360527923``, milliseconds since 1970, also as text
- ``0001-01-01 00:00:00 +0200``, the zero date, which means "none"
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import orjson

#: A number below this limit is in seconds. As milliseconds the limit is in the year 1973, and as seconds in 5138.
_MILLISECONDS_FROM = 100_000_000_000
_DATE_LENGTH = len("2019-12-31")
#: Most times have this length.
_AS_WRITTEN_LENGTH = len("2016-10-15T16:00:17.786Z")
#: No event of a store is outside these years, so a value outside them is not a time.
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


class NoTimeError(ValueError):
    """The value has none of the known formats."""


def parse(value: object) -> datetime | None:
    """Return the time in UTC, or None for the zero date. Raises NoTimeError if the value has none of the formats."""
    if isinstance(value, bool):
        raise NoTimeError
    if isinstance(value, int | float):
        return _from_epoch(value)
    if isinstance(value, str):
        return _from_text(value.strip())
    raise NoTimeError


def parse_date(value: object) -> date | None:
    """Return the calendar date in the time zone that the value names; None for the zero date."""
    moment = parse(value)
    if moment is None:
        return None
    if isinstance(value, str) and len(value.strip()) > _DATE_LENGTH and not value.strip().isdigit():
        return _local(value.strip()).date()
    return moment.date()


def parse_or_none(value: object) -> datetime | None:
    """Return the same as `parse`, but None if the value has none of the formats."""
    try:
        return parse(value)
    except NoTimeError:
        return None


def as_written(text: str) -> str | None:
    """Return the text of `rfc3339` for a time that Yotpo wrote with milliseconds and ``Z``; None for any other text.

    Most times have this format. For these times this function is enough, and it is faster than `parse`.
    """
    if len(text) != _AS_WRITTEN_LENGTH or text[10] != "T" or text[19] != "." or text[23] != "Z":
        return None
    if text[5] == "W" or text[11:13] == "24":  # fromisoformat accepts weeks and, in newer Pythons, hour 24
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    return text if moment.microsecond else f"{text[:19]}Z"


def date_as_written(text: str) -> str | None:
    """Return midnight UTC as text, for a date or for a time that `as_written` accepts; None for any other text."""
    if len(text) != _DATE_LENGTH:
        return f"{text[:_DATE_LENGTH]}T00:00:00Z" if as_written(text) else None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return f"{text}T00:00:00Z" if text[5] != "W" and _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def rfc3339(moment: datetime) -> str:
    """Return the time as text in UTC with ``Z``, with milliseconds only if they are not 0."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    # orjson puts the text in quotes. It takes less than half as long as `isoformat`, and each webhook has a time.
    quoted = orjson.dumps(utc, None, orjson.OPT_UTC_Z).decode()
    return f"{quoted[1:_AS_WRITTEN_LENGTH]}Z" if utc.microsecond else quoted[1:-1]


def rfc3339_date(day: date) -> str:
    """Return the date as text: midnight UTC, the format of Insider's `birthday`."""
    return f"{day.isoformat()}T00:00:00Z"


def _from_epoch(number: float) -> datetime:
    try:
        seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise NoTimeError from None
    return _plausible(moment)


def _from_text(text: str) -> datetime | None:
    if text.isascii() and text.isdigit() and len(text) >= len("1690360527"):
        return _from_epoch(int(text[:20]))
    moment = _local(text)
    if moment.year == 1:
        return None
    # The check comes before the conversion to UTC, because the conversion would overflow at the ends of the calendar.
    return _plausible(moment).astimezone(UTC)


def _local(text: str) -> datetime:
    if len(text) < _DATE_LENGTH or len(text) > len("2016-10-15T16:00:17.786000000 +00:00"):
        raise NoTimeError
    if text[4] != "-" or text[5] == "W":  # fromisoformat accepts "20191231" and weeks, but Yotpo never means them
        raise NoTimeError
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC").replace(" +", "+").replace(" -", "-"))
    except ValueError:
        raise NoTimeError from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _plausible(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise NoTimeError
    return moment
