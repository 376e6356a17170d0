"""The formats of Yotpo's times, as tables, and properties that hold for all other values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import times
from connector.model.times import NoTimeError

ZERO = "0001-01-01 00:00:00 +0200"

TIMES: list[tuple[object, datetime]] = [
    ("2016-10-15T16:00:17.786Z", datetime(2016, 10, 15, 16, 0, 17, 786_000, tzinfo=UTC)),
    ("2025-01-15T10:30:00Z", datetime(2025, 1, 15, 10, 30, tzinfo=UTC)),
    ("2025-11-28T13:10:06.508+00:00", datetime(2025, 11, 28, 13, 10, 6, 508_000, tzinfo=UTC)),
    ("2021-08-01T16:53:56.415+03:00", datetime(2021, 8, 1, 13, 53, 56, 415_000, tzinfo=UTC)),
    ("2021-08-01T16:53:56.415+0300", datetime(2021, 8, 1, 13, 53, 56, 415_000, tzinfo=UTC)),
    ("2022-02-01T13:05:57.071-02:00", datetime(2022, 2, 1, 15, 5, 57, 71_000, tzinfo=UTC)),
    ("2020-04-01T18:58:01", datetime(2020, 4, 1, 18, 58, 1, tzinfo=UTC)),
    ("2019-12-31", datetime(2019, 12, 31, tzinfo=UTC)),
    ("2018-02-20 14:12:13 UTC", datetime(2018, 2, 20, 14, 12, 13, tzinfo=UTC)),
    ("2018-02-20 14:12:13 +0200", datetime(2018, 2, 20, 12, 12, 13, tzinfo=UTC)),
    ("2018-02-20 14:12:13 -0200", datetime(2018, 2, 20, 16, 12, 13, tzinfo=UTC)),
    ("  2019-12-31\n", datetime(2019, 12, 31, tzinfo=UTC)),
    (1690360527923, datetime(2023, 7, 26, 8, 35, 27, 923_000, tzinfo=UTC)),
    (1690360527923.0, datetime(2023, 7, 26, 8, 35, 27, 923_000, tzinfo=UTC)),
    ("1690360527923", datetime(2023, 7, 26, 8, 35, 27, 923_000, tzinfo=UTC)),
    (1690360527, datetime(2023, 7, 26, 8, 35, 27, tzinfo=UTC)),
    ("1690360527", datetime(2023, 7, 26, 8, 35, 27, tzinfo=UTC)),
    (0, datetime(1970, 1, 1, tzinfo=UTC)),
    (-86_400, datetime(1969, 12, 31, tzinfo=UTC)),
    ("1900-01-01", datetime(1900, 1, 1, tzinfo=UTC)),
    ("2200-12-31", datetime(2200, 12, 31, tzinfo=UTC)),
]

#: The date in the time zone of the text, not in UTC.
DATES: list[tuple[object, date]] = [
    ("2022-02-01T00:05:57.071+02:00", date(2022, 2, 1)),
    ("2018-02-20 23:12:13 -0500", date(2018, 2, 20)),
    ("2018-02-20 00:00:00 UTC", date(2018, 2, 20)),
    (" 2019-12-31 ", date(2019, 12, 31)),
    (1690360527923, date(2023, 7, 26)),
    ("1690360527923", date(2023, 7, 26)),
]

NO_TIMES: list[object] = [
    None, True, False, [], {}, "", " ", "soon", "0", "7", "2019", "2019-12", "2019-13-01", "2019-02-30", "20191231",
    "31-12-2019", "12/31/2019", "2019-12-31T25:00:00Z", "2019-12-31T10:00:00 CET", "2019-12-31T10:00:00+99:00",
    "2019-12-31T10:00:00.000000000000000000+00:00", "1899-12-31", "2201-01-01", "0002-01-01", "9" * 30,
    10**18, -(10**18), 1e300, float("nan"), float("inf"), "²" * 13,
]  # fmt: skip

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
#: The range of valid times, with a day to spare for the time zones.
moments = st.datetimes(datetime(1900, 1, 2), datetime(2200, 12, 30), timezones=zones)  # noqa: DTZ001 - the zone is given


@pytest.mark.parametrize(("raw", "expected"), TIMES)
def test_every_shape_of_a_time_is_read(raw: object, expected: datetime) -> None:
    found = times.parse(raw)

    assert (found, times.parse_or_none(raw)) == (expected, expected)
    assert found is not None
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("raw", "expected"), DATES)
def test_a_date_is_read_in_the_time_zone_of_its_text(raw: object, expected: date) -> None:
    assert times.parse_date(raw) == expected


@pytest.mark.parametrize("raw", [ZERO, "0001-01-01", "0001-01-01T00:00:00Z"])
def test_the_year_1_stands_for_none(raw: str) -> None:
    assert times.parse(raw) is None
    assert times.parse_date(raw) is None


@pytest.mark.parametrize("raw", NO_TIMES)
def test_a_value_that_is_no_time_is_refused(raw: object) -> None:
    with pytest.raises(NoTimeError):
        times.parse(raw)
    with pytest.raises(NoTimeError):
        times.parse_date(raw)
    assert times.parse_or_none(raw) is None


@pytest.mark.parametrize("raw", ["2019-W01-1", "2019-W01-1T10:00:00Z"])
def test_dates_by_week_are_none_of_the_shapes(raw: str) -> None:
    with pytest.raises(NoTimeError):
        times.parse(raw)


@pytest.mark.parametrize("raw", ["9999-12-31T23:59:59-10:00", "9999-12-31 23:59:59 -0001", 10**400, -(10**400)])
def test_a_time_beyond_the_calendar_is_refused_like_any_other(raw: object) -> None:
    with pytest.raises(NoTimeError):
        times.parse(raw)
    with pytest.raises(NoTimeError):
        times.parse_date(raw)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2021, 8, 1, 13, 53, 56, tzinfo=UTC), "2021-08-01T13:53:56Z"),
        (datetime(2021, 8, 1, 13, 53, 56, 415_999, tzinfo=UTC), "2021-08-01T13:53:56.415Z"),
        (datetime(2021, 8, 1, 0, 30, tzinfo=timezone(timedelta(hours=3))), "2021-07-31T21:30:00Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds_only_where_there_are_any(moment: datetime, expected: str) -> None:
    assert times.rfc3339(moment) == expected


def test_a_date_is_written_as_midnight_utc() -> None:
    assert times.rfc3339_date(date(1990, 5, 4)) == "1990-05-04T00:00:00Z"


@given(json_values)
def test_any_json_value_is_a_time_or_none_or_refused(raw: object) -> None:
    try:
        found = times.parse(raw)
    except NoTimeError:
        assert times.parse_or_none(raw) is None
    else:
        assert found is None or (found.utcoffset() == timedelta(0) and 1899 <= found.year <= 2201)
        assert times.parse_or_none(raw) == found


@given(st.datetimes(timezones=zones))
def test_any_time_of_any_year_is_a_time_or_none_or_refused(moment: datetime) -> None:
    raw = moment.isoformat()
    found = times.parse_or_none(raw)

    assert found is None or 1899 <= found.year <= 2201
    if 1900 < moment.year < 2200:
        assert found == moment
        assert times.parse_date(raw) == moment.date()


@given(moments)
def test_what_is_written_is_read_back(moment: datetime) -> None:
    written = times.rfc3339(moment)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", written)
    assert times.parse(written) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
