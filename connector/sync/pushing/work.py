"""The queues of a push: customers to send, and customers to read back. This module makes no requests itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from connector.sync.pushing import comparing, forms
from connector.sync.pushing.results import Result

if TYPE_CHECKING:
    from connector.model import Json
    from connector.sync.pushing.reading import Row
    from connector.sync.pushing.results import EarlierRuns

#: The most customers that are sent or read back under one lease.
LEASE_CUSTOMERS = 15
#: If this number of customers wait to be read back, no more lines are read until some customers were read back.
_MOST_TO_READ = 1_000


class Sending(NamedTuple):
    """A customer to send."""

    line: int
    customer: Json
    digest: str


@dataclass(slots=True)
class Reading:
    """A customer to read back, at a time when Yotpo should show the sent fields."""

    sending: Sending
    due_at: float
    #: The fields that were sent, without the fields that a later line has sent again.
    expected: Json


class Work:
    """Two queues: customers to send, and sent customers to read back."""

    def __init__(
        self, *, app_key: str, earlier: EarlierRuns, force: bool, verify_seconds: float | None, began_at: float
    ) -> None:
        """All times are from a monotonic clock. If `verify_seconds` is None, no customer is read back."""
        self._app_key = app_key
        self._earlier = earlier
        self._force = force
        self._verify_seconds = verify_seconds
        self._began_at = began_at
        self._to_send: deque[Sending] = deque()
        self._to_read: deque[Reading] = deque()

    @property
    def is_enough(self) -> bool:
        """True if there is enough work for a lease, so that no more lines need to be read now."""
        return len(self._to_send) >= LEASE_CUSTOMERS or len(self._to_read) >= _MOST_TO_READ

    @property
    def is_left(self) -> bool:
        return bool(self._to_send or self._to_read)

    def take(self, row: Row) -> Result | None:
        """Queue a line to be sent. If it is invalid or an earlier run has sent it, return its result."""
        if row.fields is None:
            return Result(row.line, None, "invalid", (row.problem or "",))
        customer, problems = forms.check(row.fields, force=self._force)
        if problems:
            return Result(row.line, None, "invalid", problems)
        sending = Sending(row.line, customer, forms.digest(self._app_key, customer))
        outcome = self._earlier.outcome(row.line, sending.digest)
        if outcome is None:
            self._to_send.append(sending)
            return None
        # The results file does not contain the time of the earlier run, but that run was before this run began.
        self._keep_to_read(sending, self._began_at, is_verified=outcome == "verified")
        return Result(row.line, forms.label(customer), "earlier", (), sending.digest)

    def next(self, now: float) -> Sending | Reading | None:
        """Return the next customer to read back if one is due, else the next customer to send, else None."""
        if self._to_read and self._to_read[0].due_at <= now:
            return self._to_read[0]
        return self._to_send[0] if self._to_send else None

    def due_in(self, now: float) -> float:
        """Return the seconds until the next customer can be read back. Call this method only if `next` returns None."""
        return max(0.0, self._to_read[0].due_at - now) if self._to_read else 0.0

    def done(self, item: Sending | Reading, result: Result, now: float) -> None:
        """Remove the item that `next` returned from its queue."""
        if isinstance(item, Reading):
            self._to_read.popleft()
            return
        self._to_send.popleft()
        if result.outcome == "sent":
            self._keep_to_read(item, now)

    def _keep_to_read(self, sending: Sending, sent_at: float, *, is_verified: bool = False) -> None:
        if self._verify_seconds is None:
            return
        for reading in self._to_read:
            if comparing.same_customer(reading.sending.customer, sending.customer):
                reading.expected = comparing.not_resent(reading.expected, sending.customer)
        if not is_verified:
            self._to_read.append(Reading(sending, sent_at + self._verify_seconds, sending.customer))
