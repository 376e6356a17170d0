"""Reads the shapes in which Yotpo writes a time, and writes the one shape that Insider reads.

The shapes, from Yotpo's webhooks, Core API and legacy reviews:

- ``2016-10-15T16:00:17.786Z``, ``…17Z``, ``…17.786+03:00``, ``…17.786+0300``
- ``2016-10-15T16:00:17`` without a zone, which is UTC
- ``2019-12-31``, a date alone
- ``2018-02-20 14:12:13 UTC``, ``2018-02-20 14:12:13 +0200``
- ``1690360527923``, milliseconds since 1970, also as text
- ``0001-01-01 00:00:00 +0200``, which stands for "none"
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

#: Milliseconds below this are taken for seconds: it is 1973 read as milliseconds, and the year 5138 read as seconds.
_MILLISECONDS_FROM = 100_000_000_000
#: No event of a shop lies outside of these years, so a number outside of them is no time.
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


class NoTimeError(ValueError):
    """The value is none of the known shapes."""


def parse(value: object) -> datetime | None:
    """Return the time in UTC, or None for the zero date that stands for "none".

    Raises NoTimeError where the value has none of the shapes above.
    """
    if isinstance(value, bool):
        raise NoTimeError
    if isinstance(value, int | float):
        return _from_epoch(value)
    if isinstance(value, str):
        return _from_text(value.strip())
    raise NoTimeError


def parse_date(value: object) -> date | None:
    """Return the calendar date in the zone that the value itself names; None for the zero date."""
    moment = parse(value)
    if moment is None:
        return None
    if isinstance(value, str) and len(value.strip()) > len("2019-12-31") and not value.strip().isdigit():
        return _local(value.strip()).date()
    return moment.date()


def parse_or_none(value: object) -> datetime | None:
    """Like `parse`, for places where a time that cannot be read is as good as none."""
    try:
        return parse(value)
    except NoTimeError:
        return None


def rfc3339(moment: datetime) -> str:
    """Write a time in UTC with ``Z``, with milliseconds only where there are any."""
    utc = moment.astimezone(UTC)
    precision = "milliseconds" if utc.microsecond else "seconds"
    return utc.isoformat(timespec=precision).replace("+00:00", "Z")


def rfc3339_date(day: date) -> str:
    """Write a date as midnight UTC, the form of Insider's `birthday`."""
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
    # Before the zone is applied: at the ends of the calendar that would overflow.
    return _plausible(moment).astimezone(UTC)


def _local(text: str) -> datetime:
    if len(text) < len("2019-12-31") or len(text) > len("2016-10-15T16:00:17.786000000 +00:00"):
        raise NoTimeError
    if text[4] != "-" or text[5] == "W":  # fromisoformat also reads "20191231" and weeks, which Yotpo never means
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
