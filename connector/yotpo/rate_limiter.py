"""Keeps to Yotpo's rate: five requests per second for each store.

These facts come from Yotpo's page "Guidelines and conventions": the limit, ``RateLimit-Remaining``, and
``RateLimit-Reset`` in seconds.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING

from connector.errors import YotpoUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The time from the start of a request to the start of the next: a fifth of a second, plus 2 % because clocks differ.
INTERVAL_SECONDS = 0.204
#: The number of requests that fit into a second with this interval. They use up Yotpo's whole rate.
_RATE = 5
#: The limiter does not wait longer than this. Instead, the caller can do something else in the meantime.
_LONGEST_SECONDS = 2.0
#: Yotpo counts requests per second. So a larger `RateLimit-Reset` must be a time of day, not a number of seconds.
_PLAUSIBLE_SECONDS = 60.0
_SECONDS = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)


class RateLimiter:
    """Keeps an interval between the requests that the holder of a lease sends to Yotpo for one store.

    The first request waits too, because the previous holder may have sent a request just before.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._free_at: float | None = None
        self._started: deque[float] = deque(maxlen=_RATE)

    def wait(self) -> None:
        """Wait until the next request may start. Raises YotpoUnavailable if that takes more than 2 seconds."""
        now = self._clock()
        if self._free_at is None:
            self._free_at = now + INTERVAL_SECONDS
        rest = self._free_at - now
        if rest > _LONGEST_SECONDS:
            raise YotpoUnavailable(
                f"Yotpo accepts no more requests for this store for {rest:.0f} s", retry_after=rest, limited=True
            )
        if rest > 0:
            self._sleep(rest)
        now = self._clock()
        self._started.append(now)
        self._free_at = now + INTERVAL_SECONDS

    def update_from_headers(self, headers: Mapping[str, str]) -> None:
        """Delay the next request if a response says that the rate is used up.

        If our own requests of the last second have used up the rate, no delay is needed: our interval is long enough.
        If we have sent fewer requests, another client sends requests for the same store, or Yotpo allows fewer than it
        documents.
        """
        rest = reset_seconds(headers)
        used_up = headers.get("RateLimit-Remaining", "").strip() == "0"
        if rest is not None and used_up and not (self._we_used_it_up() and rest <= 1.0):
            self._free_at = max(self._free_at or 0.0, self._clock() + rest)

    def _we_used_it_up(self) -> bool:
        span = (_RATE - 1) * INTERVAL_SECONDS
        return len(self._started) == _RATE and self._clock() - self._started[0] <= span + INTERVAL_SECONDS


def reset_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until Yotpo resets its count; None if the headers do not contain a valid number."""
    match = _SECONDS.fullmatch(headers.get("RateLimit-Reset", "").strip())
    seconds = float(match[0]) if match else None
    return seconds if seconds is not None and seconds <= _PLAUSIBLE_SECONDS else None
