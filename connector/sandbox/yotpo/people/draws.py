"""Draws that are the same in every run, and cheap: all of one customer's come out of one hash."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import shake_128
from typing import TypeVar

T = TypeVar("T")

#: Enough for some hundred draws; after that every draw is 0.
_BYTES = 168
_THOUSAND = 1_000


class Draws:
    def __init__(self, name: str) -> None:
        self._left = int.from_bytes(shake_128(name.encode()).digest(_BYTES))

    def below(self, limit: int) -> int:
        """Draw a number from 0 to one less than the limit."""
        self._left, drawn = divmod(self._left, limit)
        return drawn

    def chance(self, share: float) -> bool:
        """Draw true in this share of cases, exact to a thousandth."""
        return self.below(_THOUSAND) < share * _THOUSAND

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def rating(self) -> float:
        """Draw an average of stars, such as 4.67."""
        return (100 + self.below(401)) / 100

    def sentiment(self) -> float:
        return self.below(10_000) / 10_000

    def after(self, start: datetime, days: int) -> datetime:
        """Draw a moment, to the second, within so many days after the start."""
        return start + timedelta(seconds=self.below(days * 86_400))


EARLIEST = datetime(2019, 1, 1, tzinfo=UTC)
