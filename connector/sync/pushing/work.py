"""What is to be done next: which customer is to be sent, and which is to be read back. It asks nobody itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from connector.sync.pushing import comparing, forms
from connector.sync.pushing.results import Result

if TYPE_CHECKING:
    from connector.model import Json
    from connector.sync.pushing.reading import Row
    from connector.sync.pushing.results import Before

#: How many customers are sent under one lease at most.
LEASE_CUSTOMERS = 15
#: So many wait at most to be read back; no more are sent until some were.
_UNREAD = 1_000


class Sending(NamedTuple):
    """A customer to be sent."""

    line: int
    customer: Json
    digest: str


@dataclass(slots=True)
class Reading:
    """A customer to be read back, after the moment that Yotpo needs to show him."""

    sending: Sending
    due_at: float
    #: What of him has not been sent anew since.
    expected: Json


class Work:
    """Two queues: customers to be sent, and those that were and are to be read back."""

    def __init__(
        self, *, app_key: str, before: Before, force: bool, verify_seconds: float | None, began_at: float
    ) -> None:
        """Times are of a clock that only goes forward. Without `verify_seconds` nobody is read back."""
        self._app_key = app_key
        self._before = before
        self._force = force
        self._verify_seconds = verify_seconds
        self._began_at = began_at
        self._to_send: deque[Sending] = deque()
        self._to_read: deque[Reading] = deque()

    @property
    def is_enough(self) -> bool:
        """Whether there is enough work for a lease, so that no more lines need to be read."""
        return len(self._to_send) >= LEASE_CUSTOMERS or len(self._to_read) >= _UNREAD

    @property
    def is_left(self) -> bool:
        return bool(self._to_send or self._to_read)

    def take(self, row: Row) -> Result | None:
        """Take a line. Return what is known of it at once: that it is wrong, or that an earlier run has sent it."""
        if row.given is None:
            return Result(row.line, None, "invalid", (row.problem or "",))
        customer, problems = forms.check(row.given, force=self._force)
        if problems:
            return Result(row.line, None, "invalid", problems)
        sending = Sending(row.line, customer, forms.digest(self._app_key, customer))
        outcome = self._before.outcome(row.line, sending.digest)
        if outcome is None:
            self._to_send.append(sending)
            return None
        # When in the run before it was sent, nobody remembers; it was before this run began.
        self._keep_to_read(sending, self._began_at, is_verified=outcome == "verified")
        return Result(row.line, forms.who(customer), "earlier", (), sending.digest)

    def next(self, now: float) -> Sending | Reading | None:
        """Return what is to be done now: whoever is due to be read back comes first. None where that is nothing."""
        if self._to_read and self._to_read[0].due_at <= now:
            return self._to_read[0]
        return self._to_send[0] if self._to_send else None

    def due_in(self, now: float) -> float:
        """Return in how many seconds there is something to do, where there is not now."""
        return max(0.0, self._to_read[0].due_at - now) if self._to_read else 0.0

    def done(self, duty: Sending | Reading, result: Result, now: float) -> None:
        """Take out what `next` had returned."""
        if isinstance(duty, Reading):
            self._to_read.popleft()
            return
        self._to_send.popleft()
        if result.outcome == "sent":
            self._keep_to_read(duty, now)

    def _keep_to_read(self, sending: Sending, sent_at: float, *, is_verified: bool = False) -> None:
        if self._verify_seconds is None:
            return
        for other in self._to_read:
            if comparing.are_the_same(other.sending.customer, sending.customer):
                other.expected = comparing.covered(other.expected, sending.customer)
        if not is_verified:
            self._to_read.append(Reading(sending, sent_at + self._verify_seconds, sending.customer))
