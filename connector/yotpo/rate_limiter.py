"""How fast a store may be asked: five requests a second, counted by Yotpo for each store.

Facts from Yotpo's "Guidelines and conventions": the limit, ``RateLimit-Remaining``, and ``RateLimit-Reset`` in seconds.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING

from connector.errors import YotpoUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: From the start of a request to the start of the next: a fifth of a second, and 2 % because clocks differ.
INTERVAL_SECONDS = 0.204
#: So many of ours are within any second at this distance, and use up the rate by themselves.
_OURS = 5
#: A longer wait is the caller's, who can do something else meanwhile.
_LONGEST_SECONDS = 2.0
#: The limit is one of seconds: a longer time until it is reset would be a time of day, not a wait.
_PLAUSIBLE_SECONDS = 60.0
_SECONDS = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)


class RateLimiter:
    """Holds the requests of one holder of a store apart, from the first on: another may have asked just before."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._free_at: float | None = None
        self._started: deque[float] = deque(maxlen=_OURS)

    def wait(self) -> None:
        """Return when the next request may start. Raises YotpoUnavailable where that is more than 2 s away."""
        now = self._clock()
        if self._free_at is None:
            self._free_at = now + INTERVAL_SECONDS
        rest = self._free_at - now
        if rest > _LONGEST_SECONDS:
            raise YotpoUnavailable(
                f"Yotpo takes no more requests of this store for {rest:.0f} s", retry_after=rest, limited=True
            )
        if rest > 0:
            self._sleep(rest)
        now = self._clock()
        self._started.append(now)
        self._free_at = now + INTERVAL_SECONDS

    def update_from_headers(self, headers: Mapping[str, str]) -> None:
        """Take from an answer that nothing is left, and for how long.

        Where our own requests of the last second are as many as Yotpo allows, that is no news: the next one of ours
        comes when there is room again. Where they are fewer, somebody else asks for the same store, or Yotpo allows
        less than it says.
        """
        rest = reset_seconds(headers)
        used_up = headers.get("RateLimit-Remaining", "").strip() == "0"
        if rest is not None and used_up and not (self._are_ours() and rest <= 1.0):
            self._free_at = max(self._free_at or 0.0, self._clock() + rest)

    def _are_ours(self) -> bool:
        whole = (_OURS - 1) * INTERVAL_SECONDS
        return len(self._started) == _OURS and self._clock() - self._started[0] <= whole + INTERVAL_SECONDS


def reset_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds it is until Yotpo counts anew; None where it does not say."""
    found = _SECONDS.fullmatch(headers.get("RateLimit-Reset", "").strip())
    seconds = float(found[0]) if found else None
    return seconds if seconds is not None and seconds <= _PLAUSIBLE_SECONDS else None
