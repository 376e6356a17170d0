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

#: How many customers are sent under one lease at most.
LEASE_CUSTOMERS = 15
#: How many customers wait to be read back at most. At this number no more are sent until some were read back.
_MOST_TO_READ = 1_000


class Sending(NamedTuple):
    """A customer to send."""

    line: int
    customer: Json
    digest: str


@dataclass(slots=True)
class Reading:
    """A customer to read back, as soon as Yotpo shows what was sent."""

    sending: Sending
    due_at: float
    #: The fields that were sent, without those that a later line has sent again.
    expected: Json


class Work:
    """Two queues: customers to send, and sent customers to read back."""

    def __init__(
        self, *, app_key: str, earlier: EarlierRuns, force: bool, verify_seconds: float | None, began_at: float
    ) -> None:
        """Times are of a monotonic clock. If `verify_seconds` is None, no customer is read back."""
        self._app_key = app_key
        self._earlier = earlier
        self._force = force
        self._verify_seconds = verify_seconds
        self._began_at = began_at
        self._to_send: deque[Sending] = deque()
        self._to_read: deque[Reading] = deque()

    @property
    def is_enough(self) -> bool:
        """Whether there is enough work for a lease, so that no more lines need to be read."""
        return len(self._to_send) >= LEASE_CUSTOMERS or len(self._to_read) >= _MOST_TO_READ

    @property
    def is_left(self) -> bool:
        return bool(self._to_send or self._to_read)

    def take(self, row: Row) -> Result | None:
        """Queue a line to be sent. Return a result if it needs no sending: invalid, or sent by an earlier run."""
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
        # The results do not say when the earlier run sent it, but that was before this run began.
        self._keep_to_read(sending, self._began_at, is_verified=outcome == "verified")
        return Result(row.line, forms.label(customer), "earlier", (), sending.digest)

    def next(self, now: float) -> Sending | Reading | None:
        """Return the next customer to read back, if one is due, or else to send. None if there is nothing to do now."""
        if self._to_read and self._to_read[0].due_at <= now:
            return self._to_read[0]
        return self._to_send[0] if self._to_send else None

    def due_in(self, now: float) -> float:
        """Return the seconds until the next customer is due to be read back; call it if `next` returns None."""
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
