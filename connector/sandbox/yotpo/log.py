"""The last requests, oldest first, without the secrets that they held."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

_SECRET = frozenset({"access_token", "secret", "client_secret", "code", "api_key", "guid", "utoken"})


@dataclass(frozen=True)
class Request:
    """One request as the log keeps it."""

    seq: int
    at: float
    app_key: str | None
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    #: Null where the connection was dropped.
    status: int | None
    fault: str | None

    def shown(self, *, full: bool) -> dict[str, Any]:
        shown = dict(vars(self))
        if not full:
            del shown["body"]
        return shown


class Log:
    def __init__(self) -> None:
        self._requests: deque[Request] = deque()
        self.seq = 0

    def add(self, request: Request, size: int) -> None:
        self.seq = request.seq
        self._requests.append(request)
        while len(self._requests) > size:
            self._requests.popleft()

    def after(self, seq: int, limit: int | None) -> Iterator[Request]:
        skipped = max(0, seq - self._requests[0].seq + 1) if self._requests else 0
        return islice(self._requests, skipped, None if limit is None else skipped + limit)


def masked(value: Any) -> Any:
    """Return a query or a body with stars in place of its secrets."""
    if isinstance(value, list):
        return [masked(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _stars(each) if name in _SECRET else masked(each) for name, each in value.items()}


def _stars(value: Any) -> Any:
    return ["***"] * len(value) if isinstance(value, list) else "***"
