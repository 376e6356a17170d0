"""Describes for the report how long events take from the webhook to Insider."""

from __future__ import annotations

from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


class Latency(NamedTuple):
    """Percentiles in seconds, and the number of events."""

    p50: float
    p95: float
    p99: float
    events: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self | None:
        """Return the latency of these durations; None if there are fewer than two."""
        if len(seconds) < 2:  # noqa: PLR2004 - as above
            return None
        cuts = quantiles(seconds, n=100)
        return cls(cuts[49], cuts[94], cuts[98], len(seconds))

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {getattr(self, name) * 1000:.0f} ms" for name in ("p50", "p95", "p99"))
        return f"{shown} ({self.events:,} events)"
