"""How webhooks write times and dates: in more shapes than one, as Yotpo does."""

from datetime import date, datetime, timedelta, timezone

#: Stands for no date, in the one shape that has a zone without a colon.
NO_DATE = "0001-01-01 00:00:00 +0200"
_JERUSALEM_SUMMER = timezone(timedelta(hours=3))


def in_ms(moment: datetime | None) -> str | None:
    """Such as 2016-10-15T15:56:01.692Z, the most usual of all."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def in_seconds(moment: datetime) -> str:
    """Such as 2024-01-15T10:30:00Z, in review webhooks."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def with_offset(moment: datetime) -> str:
    """Such as 2025-11-28T13:10:06.508+00:00, under published_at."""
    return moment.isoformat(timespec="milliseconds")


def in_jerusalem(moment: datetime) -> str:
    """Such as 2021-08-01T16:53:56.415+03:00, in points changed."""
    return with_offset(moment.astimezone(_JERUSALEM_SUMMER))


def epoch_ms(moment: datetime) -> int:
    """Such as 1690360527923, in the expiration reminder."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def day(value: date | None) -> str | None:
    """Such as 2019-12-31."""
    return None if value is None else value.isoformat()
