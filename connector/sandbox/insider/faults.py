"""Faults that tests inject: statuses, slowness, cut connections, refused users, useless answers.

Faults are checked in the order in which they were added. A request gets the first fault that matches it and isn't used
up.
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
    """One fault, as tests describe it. A field that is null means "any" or "no limit"."""

    kinds = frozenset({"status", "slow", "cut_before", "cut_after", *_USERS, *_BODIES})

    # These fields say which requests the fault hits.
    partner: str | None = None
    path: str | None = None
    #: The fault hits only requests that contain a user with one of these emails. With fail_users, these users fail.
    emails: list[str] | None = None
    # These fields say what the fault does.
    #: Whether the request takes effect although its answer is replaced or late.
    processed: bool | None = None
    #: The position of the answer among the documented answers of the status. `body` replaces the body of that answer.
    variant: int = 0
    # These fields say which users fail, and with which error.
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
        """Whether the fault replaces the answer that the request would get."""
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
        """Return the answer that replaces the real one; None means that the connection is cut."""
        if self.kind.startswith("cut"):
            return None
        return self.described(_BODIES.get(self.kind) or self._documented())

    def failures(self, users: list[Any]) -> dict[int, dict[str, list[str]]]:
        """Return the errors of the users that fail, by the user's index."""
        if self.kind == "unattributed_fail":
            count = len(users) if self.count is None else self.count
            # The last `count` users fail, but the error key does not say which users failed.
            return {index: {"users": [self.message]} for index in range(len(users))[max(0, len(users) - count) :]}
        if self.kind != "fail_users":
            return {}
        failing = {index % len(users) for index in self.indices or () if -len(users) <= index < len(users)}
        failing |= {index for index, user in enumerate(users) if email_of(user) in (self.emails or ())}
        return {index: {f"users.{index}.{self.error}": [self.message]} for index in sorted(failing)}

    def _documented(self) -> Answer:
        status = self.status or 500
        variants = DOCUMENTED.get(status, (Answer(status, "", content_type="text/plain"),))
        return variants[self.variant % len(variants)]


def email_of(user: Any) -> str | None:
    identifiers = user.get("identifiers") if isinstance(user, dict) else None
    return identifiers.get("email") if isinstance(identifiers, dict) else None
