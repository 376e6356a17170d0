"""Random draws that are the same in every run. They are fast, because one hash gives all draws of a customer."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import shake_128
from typing import TypeVar

T = TypeVar("T")

#: The length of the hash. It is enough for about a hundred draws. All later draws are 0.
_BYTES = 168
_THOUSAND = 1_000


class Draws:
    """The draws of one customer. Each call uses up a part of the hash, so the order of the calls matters."""

    def __init__(self, name: str) -> None:
        self._entropy = int.from_bytes(shake_128(name.encode()).digest(_BYTES))

    def below(self, limit: int) -> int:
        """Draw a number from 0 to one less than the limit."""
        self._entropy, number = divmod(self._entropy, limit)
        return number

    def chance(self, share: float) -> bool:
        """Draw true with this probability, to a thousandth."""
        return self.below(_THOUSAND) < share * _THOUSAND

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def rating(self) -> float:
        """Draw an average rating from 1 to 5 stars, such as 4.67."""
        return (100 + self.below(401)) / 100

    def sentiment(self) -> float:
        return self.below(10_000) / 10_000

    def after(self, start: datetime, days: int) -> datetime:
        """Draw a time between the start and `days` days later, to the second."""
        return start + timedelta(seconds=self.below(days * 86_400))


EARLIEST = datetime(2019, 1, 1, tzinfo=UTC)
