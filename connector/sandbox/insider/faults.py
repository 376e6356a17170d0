"""Faults that tests inject: statuses, slowness, cut connections, refused users, answers of no use.

A request is hit by the first fault, in the order they were added, that matches it and isn't used up.
"""

import random
import time
from dataclasses import asdict, dataclass, field, fields
from email.utils import formatdate
from typing import Any

from connector.sandbox.insider.answers import DOCUMENTED, Answer
from connector.sandbox.insider.switches import fits

#: A cut connection: no answer at all.
CUT = None

_HTML = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_BODIES: dict[str, Answer] = {
    "wrong_json": Answer(200, {"unexpected": ["neither data nor error"]}),
    "html": Answer(200, _HTML, content_type="text/html; charset=utf-8"),
    "empty": Answer(200, ""),
}
_USERS = {"fail_users", "unattributed_fail"}
_KINDS = {"status", "slow", "cut_before", "cut_after", *_USERS, *_BODIES}


class WrongFaultError(ValueError):
    """There is no such fault, or it is described wrongly."""


@dataclass(kw_only=True)
class Fault:
    """One fault, as tests describe it. Null means: any, or no limit."""

    kind: str
    # Which requests it hits.
    partner: str | None = None
    path: str | None = None
    #: Only requests that hold a user with one of these emails; for fail_users also which users fail.
    emails: list[str] | None = None
    times: int | None = None
    share: float = 1.0
    seed: int = 0
    for_seconds: float | None = None
    # What it does.
    delay_ms: int = 0
    #: Whether the request takes effect although its answer is replaced or late.
    processed: bool | None = None
    status: int | None = None
    #: Which of the documented bodies of a status, or any body instead.
    variant: int = 0
    body: Any = None
    #: Seconds, sent as they are or as an HTTP date.
    retry_after: float | None = None
    retry_after_as: str = "seconds"
    # Which users fail, and how.
    indices: list[int] | None = None
    count: int | None = None
    error: str = "attributes.*.type(string)"
    message: str = "refused by an injected fault"

    id: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        wrong = [entry.name for entry in fields(self) if entry.init and not fits(entry, getattr(self, entry.name))]
        if wrong:
            raise WrongFaultError(f"Of a wrong type: {', '.join(wrong)}.")
        if self.kind.isdigit():
            self.kind, self.status = "status", int(self.kind)
        if self.kind not in _KINDS:
            raise WrongFaultError(f"There is no fault {self.kind!r}; there are: {', '.join(sorted(_KINDS))}.")
        if self.kind == "status" and self.status is None:
            raise WrongFaultError("A fault of kind status needs a status.")
        if self.processed is None:
            self.processed = self.kind in {"cut_after", *_USERS}
        # Draws decide which requests are hit, so that a share is the same in every run.
        self._draws = random.Random(self.seed)  # noqa: S311 - no secret depends on it
        self._ends_at = None if self.for_seconds is None else time.monotonic() + self.for_seconds

    @property
    def replaces(self) -> bool:
        """Whether the answer is another one than the request would get."""
        return self.kind not in {"slow", *_USERS}

    def matches(self, partner: str, path: str, users: list[Any]) -> bool:
        return (
            (self.times is None or self.hits < self.times)
            and (self._ends_at is None or time.monotonic() < self._ends_at)
            and self.partner in {None, partner}
            and self.path in {None, path}
            and (self.emails is None or any(email_of(user) in self.emails for user in users))
            and (self.share >= 1 or self._draws.random() < self.share)
        )

    def answer(self) -> Answer | None:
        """The answer that stands in for the real one; None to cut the connection."""
        if self.kind.startswith("cut"):
            return CUT
        known = _BODIES.get(self.kind) or self._documented()
        body = known.body if self.body is None else self.body
        return Answer(self.status or known.status, body, self._headers(), known.content_type)

    def failures(self, users: list[Any]) -> dict[int, dict[str, list[str]]]:
        """Which users fail, by their index, and with which errors."""
        if self.kind == "unattributed_fail":
            count = len(users) if self.count is None else self.count
            # The last users fail, but the error names none of them.
            return {index: {"users": [self.message]} for index in range(len(users))[max(0, len(users) - count) :]}
        if self.kind != "fail_users":
            return {}
        wanted = {index % len(users) for index in self.indices or () if -len(users) <= index < len(users)}
        wanted |= {index for index, user in enumerate(users) if email_of(user) in (self.emails or ())}
        return {index: {f"users.{index}.{self.error}": [self.message]} for index in sorted(wanted)}

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    def _documented(self) -> Answer:
        status = self.status or 500
        known = DOCUMENTED.get(status, (Answer(status, "", content_type="text/plain"),))
        return known[self.variant % len(known)]

    def _headers(self) -> dict[str, str]:
        if self.retry_after is None:
            return {}
        if self.retry_after_as == "date":
            return {"Retry-After": formatdate(time.time() + self.retry_after, usegmt=True)}
        return {"Retry-After": f"{self.retry_after:g}"}


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, description: dict[str, Any]) -> Fault:
        try:
            fault = Fault(**description)
        except TypeError as error:
            raise WrongFaultError(str(error)) from error
        fault.id = len(self._faults) + 1
        self._faults.append(fault)
        return fault

    def pick(self, partner: str, path: str, users: list[Any]) -> Fault | None:
        fault = next((each for each in self._faults if each.matches(partner, path, users)), None)
        if fault:
            fault.hits += 1
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [fault.shown() for fault in self._faults]


def email_of(user: Any) -> str | None:
    identifiers = user.get("identifiers") if isinstance(user, dict) else None
    return identifiers.get("email") if isinstance(identifiers, dict) else None
