"""Counts the requests of each store in the last second, and the highest number of requests in any second."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import NamedTuple

_WINDOW_SECONDS = 1.0


class Allowance(NamedTuple):
    allowed: bool
    #: How many more requests the store may send now.
    remaining: int
    #: Seconds until the oldest accepted request leaves the window.
    reset: float


@dataclass
class _Meter:
    #: The arrival times of the requests in the last second, in seconds of the monotonic clock.
    arrivals: deque[float] = field(default_factory=deque)
    #: The arrival times of the accepted requests. A refused request does not count against the limit.
    accepted: deque[float] = field(default_factory=deque)
    requests: int = 0
    refused: int = 0
    most_in_a_second: int = 0


class Rates:
    def __init__(self) -> None:
        self._meters: defaultdict[str, _Meter] = defaultdict(_Meter)

    def count_request(self, app_key: str, arrived_at: float) -> None:
        """Count any request, accepted or refused. The time is in seconds of the monotonic clock."""
        meter = self._meters[app_key]
        meter.requests += 1
        meter.arrivals.append(arrived_at)
        _forget(meter.arrivals, arrived_at)
        meter.most_in_a_second = max(meter.most_in_a_second, len(meter.arrivals))

    def take(self, app_key: str, arrived_at: float, limit: int) -> Allowance:
        """Return whether a request with this arrival time is accepted. An accepted request counts against the limit."""
        meter = self._meters[app_key]
        _forget(meter.accepted, arrived_at)
        if len(meter.accepted) >= limit:
            meter.refused += 1
            return Allowance(allowed=False, remaining=0, reset=_seconds_left(meter.accepted, arrived_at))
        meter.accepted.append(arrived_at)
        return Allowance(
            allowed=True, remaining=limit - len(meter.accepted), reset=_seconds_left(meter.accepted, arrived_at)
        )

    def summary(self) -> dict[str, dict[str, int]]:
        """Return the counts of each store, for GET /_sandbox/stats."""
        return {
            app_key: {"requests": meter.requests, "refused": meter.refused, "most_in_a_second": meter.most_in_a_second}
            for app_key, meter in self._meters.items()
        }


def _forget(times: deque[float], now: float) -> None:
    while times and times[0] <= now - _WINDOW_SECONDS:
        times.popleft()


def _seconds_left(times: deque[float], now: float) -> float:
    return max(0.0, times[0] + _WINDOW_SECONDS - now) if times else 0.0
