"""Waits after failures: bounds, doubling and jitter. Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.http import backoff


@pytest.mark.parametrize(
    ("asked", "retry_after", "expected"),
    [
        (900.0, None, 900.0),
        (900.0, 30.0, 900.0),
        (0.0, 30.0, 30.0),
        (0.0, 0.0, 1.0),
        (0.0, 0.2, 1.0),
        (0.0, 3600.0, 3600.0),
        (0.0, 1e9, 3600.0),
        (0.0, float("inf"), 3600.0),
    ],
)
def test_what_is_asked_for_is_waited_within_bounds(asked: float, retry_after: float | None, expected: float) -> None:
    for failures, jitter in ((0, 0.0), (3, 0.5), (10_000, 1.0)):
        assert backoff.pause_seconds(asked, retry_after, failures=failures, jitter=jitter) == expected


def test_pauses_double_up_to_five_minutes() -> None:
    longest = [backoff.pause_seconds(0, None, failures=failures, jitter=1) for failures in range(10)]

    assert longest == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(st.integers(0, 2**31), st.floats(0, 1), st.floats(0, 1))
def test_pauses_are_spread_between_a_second_and_five_minutes(failures: int, jitter: float, other: float) -> None:
    seconds, others = (backoff.pause_seconds(0, None, failures=failures, jitter=drawn) for drawn in (jitter, other))

    assert 1 <= seconds <= 300
    assert (seconds <= others) or jitter > other
    assert backoff.pause_seconds(0, None, failures=failures + 1, jitter=jitter) >= seconds


@pytest.mark.parametrize("failures", [3, 8, 1000])
def test_half_the_jitter_is_half_the_pause(failures: int) -> None:
    half, whole = (backoff.pause_seconds(0, None, failures=failures, jitter=jitter) for jitter in (0.5, 1))

    assert half == whole / 2


@given(st.integers(0, 2**31))
def test_a_command_waits_a_minute_at_most_and_never_much_less_than_doubled(failures: int) -> None:
    longest = min(2.0**failures / 2 if failures < 10 else 60, 60)

    assert 0.75 * longest <= backoff.command_seconds(failures) <= longest


@given(st.integers(0, 2**31))
def test_without_a_given_jitter_one_is_drawn(failures: int) -> None:
    assert 1 <= backoff.pause_seconds(0, None, failures=failures) <= 300
