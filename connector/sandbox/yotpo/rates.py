"""How many requests of each store have come within the last second, and how many that were at most."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import NamedTuple

_WINDOW_SECONDS = 1.0


class Allowance(NamedTuple):
    allowed: bool
    #: How many more requests this second takes.
    remaining: int
    #: Seconds until it takes another one.
    reset: float


@dataclass
class _Meter:
    #: When requests came, in seconds of one clock.
    arrivals: deque[float] = field(default_factory=deque)
    #: Of those, the ones that were let through; a refused request doesn't use up anything.
    passed: deque[float] = field(default_factory=deque)
    requests: int = 0
    refused: int = 0
    most: int = 0


class Rates:
    def __init__(self) -> None:
        self._meters: defaultdict[str, _Meter] = defaultdict(_Meter)

    def arrived(self, app_key: str, at: float) -> None:
        """Count a request, whatever becomes of it; the time is in seconds of one clock."""
        meter = self._meters[app_key]
        meter.requests += 1
        meter.arrivals.append(at)
        _forget(meter.arrivals, at)
        meter.most = max(meter.most, len(meter.arrivals))

    def take(self, app_key: str, at: float, limit: int) -> Allowance:
        """Tell whether a request that came at this time passes, and use up its place if it does."""
        meter = self._meters[app_key]
        _forget(meter.passed, at)
        if len(meter.passed) >= limit:
            meter.refused += 1
            return Allowance(allowed=False, remaining=0, reset=_left(meter.passed, at))
        meter.passed.append(at)
        return Allowance(allowed=True, remaining=limit - len(meter.passed), reset=_left(meter.passed, at))

    def shown(self) -> dict[str, dict[str, int]]:
        return {
            app_key: {"requests": meter.requests, "refused": meter.refused, "most_in_a_second": meter.most}
            for app_key, meter in self._meters.items()
        }


def _forget(times: deque[float], now: float) -> None:
    while times and times[0] <= now - _WINDOW_SECONDS:
        times.popleft()


def _left(times: deque[float], now: float) -> float:
    return max(0.0, times[0] + _WINDOW_SECONDS - now) if times else 0.0
