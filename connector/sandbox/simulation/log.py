"""A log of the last requests and their bodies, oldest first. A body may be dropped earlier than its request."""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from connector.sandbox.simulation.shapes import Json


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request in the log."""

    seq: int
    at: float
    method: str
    path: str
    #: The status of the answer; null if the connection was dropped.
    status: int | None
    fault: str | None


AnyRequest = TypeVar("AnyRequest", bound=Request)
Body = TypeVar("Body")


class Log(Generic[AnyRequest, Body]):
    def __init__(self) -> None:
        self._requests: deque[AnyRequest] = deque()
        self._bodies: dict[int, Body] = {}
        self.seq = 0

    def add(self, request: AnyRequest, body: Body, size: int) -> None:
        """Add a request; keep the newest `size` requests."""
        self.seq = request.seq
        self._requests.append(request)
        self._bodies[request.seq] = body
        while len(self._requests) > size:
            self.let_go(self._requests.popleft().seq)

    def let_go(self, seq: int) -> None:
        """Drop the body of a request."""
        self._bodies.pop(seq, None)

    def body(self, seq: int) -> Any:
        """Return the body of a request in a form for JSON; None if the body was dropped."""
        return self._bodies.get(seq)

    def shown(self, since: int, limit: int | None, *, full: bool) -> list[Json]:
        """Return at most `limit` requests after request number `since`, with their bodies if `full`."""
        skipped = max(0, since - self._requests[0].seq + 1) if self._requests else 0
        requests = islice(self._requests, skipped, None if limit is None else skipped + limit)
        return [vars(request) | ({"body": self.body(request.seq)} if full else {}) for request in requests]
