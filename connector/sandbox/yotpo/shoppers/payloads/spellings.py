"""The formats of times and dates in webhooks. Yotpo uses several formats."""

from datetime import date, datetime, timedelta, timezone

#: This value means that there is no date. No other value has a zone without a colon.
NO_DATE = "0001-01-01 00:00:00 +0200"
_JERUSALEM_SUMMER = timezone(timedelta(hours=3))


def in_ms(moment: datetime | None) -> str | None:
    """Return a time such as 2016-10-15T15:56:01.692Z, in the most frequent format."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def in_seconds(moment: datetime) -> str:
    """Return a time such as 2024-01-15T10:30:00Z, for review webhooks."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def with_offset(moment: datetime) -> str:
    """Return a time such as 2025-11-28T13:10:06.508+00:00, for `published_at`."""
    return moment.isoformat(timespec="milliseconds")


def in_jerusalem(moment: datetime) -> str:
    """Return a time such as 2021-08-01T16:53:56.415+03:00, for swell/points/changed."""
    return with_offset(moment.astimezone(_JERUSALEM_SUMMER))


def epoch_ms(moment: datetime) -> int:
    """Return a time such as 1690360527923, in milliseconds, for the expiration reminder."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def day(value: date | None) -> str | None:
    """Return a date such as 2019-12-31."""
    return None if value is None else value.isoformat()
