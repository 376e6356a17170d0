"""Faults that tests inject: statuses, slowness, cut connections, refused users, answers of no use.

A request is hit by the first fault, in the order they were added, that matches it and isn't used up.
"""

from dataclasses import dataclass
from typing import Any

from connector.sandbox.insider.answers import DOCUMENTED
from connector.sandbox.simulation import faults
from connector.sandbox.simulation.answers import Answer

_HTML = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_BODIES: dict[str, Answer] = {
    "wrong_json": Answer(200, {"unexpected": ["neither data nor error"]}),
    "html": Answer(200, _HTML, content_type="text/html; charset=utf-8"),
    "empty": Answer(200, ""),
}
_USERS = {"fail_users", "unattributed_fail"}


@dataclass(kw_only=True)
class Fault(faults.Fault):
    """One fault, as tests describe it. Null means: any, or no limit."""

    kinds = frozenset({"status", "slow", "cut_before", "cut_after", *_USERS, *_BODIES})

    # Which requests it hits.
    partner: str | None = None
    path: str | None = None
    #: Only requests that hold a user with one of these emails; for fail_users also which users fail.
    emails: list[str] | None = None
    # What it does.
    #: Whether the request takes effect although its answer is replaced or late.
    processed: bool | None = None
    #: Which of the documented bodies of a status, or any body instead.
    variant: int = 0
    # Which users fail, and how.
    indices: list[int] | None = None
    count: int | None = None
    error: str = "attributes.*.type(string)"
    message: str = "refused by an injected fault"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.processed is None:
            self.processed = self.kind in {"cut_after", *_USERS}

    @property
    def replaces(self) -> bool:
        """Whether the answer is another one than the request would get."""
        return self.kind not in {"slow", *_USERS}

    def matches(self, partner: str, path: str, users: list[Any]) -> bool:
        return (
            self.is_open()
            and self.partner in {None, partner}
            and self.path in {None, path}
            and (self.emails is None or any(email_of(user) in self.emails for user in users))
            and self.is_drawn()
        )

    def answer(self) -> Answer | None:
        """The answer that stands in for the real one; None to cut the connection."""
        if self.kind.startswith("cut"):
            return None
        return self.described(_BODIES.get(self.kind) or self._documented())

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

    def _documented(self) -> Answer:
        status = self.status or 500
        known = DOCUMENTED.get(status, (Answer(status, "", content_type="text/plain"),))
        return known[self.variant % len(known)]


def email_of(user: Any) -> str | None:
    identifiers = user.get("identifiers") if isinstance(user, dict) else None
    return identifiers.get("email") if isinstance(identifiers, dict) else None
