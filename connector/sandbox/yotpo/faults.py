"""Faults that tests inject: bursts of statuses, HTML instead of JSON, half an answer, slowness, dropped connections.

A request is hit by the first fault, in the order they were added, that matches it and isn't used up.
"""

import random
import re
import time
from dataclasses import asdict, dataclass, field, fields, replace
from email.utils import formatdate
from typing import Any

import orjson

from connector.sandbox.yotpo.answers import FAILURES, Answer, html, plain
from connector.sandbox.yotpo.shapes import fits

_STATUS = "status"
#: Those that answer before Yotpo has done anything; the others spoil the answer to what was done.
_BEFORE = frozenset({_STATUS, "html", "drop"})
_KINDS = frozenset({*_BEFORE, "slow", "truncated", "drop_after"})


class WrongFaultError(ValueError):
    """There is no such fault, or it is described wrongly."""


@dataclass(kw_only=True)
class Fault:
    """One fault, as tests describe it. Null means: any, or no limit."""

    #: A status such as "503" (and any other, as text), html, truncated, slow, drop, drop_after.
    kind: str
    # Which requests it hits.
    app_key: str | None = None
    method: str | None = None
    #: A regular expression that is found in the path.
    path: str | None = None
    #: So many requests that match pass untouched before.
    skip: int = 0
    times: int | None = None
    share: float = 1.0
    seed: int = 0
    for_seconds: float | None = None
    # What it does.
    delay_ms: int = 0
    #: Of an HTML page: 200 unless it is told otherwise.
    status: int | None = None
    body: Any = None
    #: Seconds, sent as they are or as an HTTP date.
    retry_after: float | None = None
    retry_after_as: str = "seconds"

    id: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)
    skipped: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        wrong = [entry.name for entry in fields(self) if entry.init and not fits(entry, getattr(self, entry.name))]
        if wrong:
            raise WrongFaultError(f"Of a wrong type: {', '.join(wrong)}.")
        if self.kind.isdigit():
            self.kind, self.status = _STATUS, int(self.kind)
        if self.kind not in _KINDS or (self.kind == _STATUS and self.status is None):
            raise WrongFaultError(f"There is no fault {self.kind!r}; there are statuses and: {sorted(_KINDS)}.")
        try:
            self._path = re.compile(self.path or "")
        except re.error as error:
            raise WrongFaultError(f"path is no regular expression: {error}.") from error
        # Draws decide which requests are hit, so that a share is the same in every run.
        self._draws = random.Random(self.seed)  # noqa: S311 - no secret depends on it
        self._ends_at = None if self.for_seconds is None else time.monotonic() + self.for_seconds

    @property
    def answers_itself(self) -> bool:
        """Whether the request is answered, or dropped, without having been worked on."""
        return self.kind in _BEFORE

    def matches(self, app_key: str | None, method: str, path: str) -> bool:
        return (
            (self.times is None or self.hits < self.times)
            and (self._ends_at is None or time.monotonic() < self._ends_at)
            and self.app_key in {None, app_key}
            and self.method in {None, method}
            and self._path.search(path) is not None
            and (self.share >= 1 or self._draws.random() < self.share)
        )

    def answer(self) -> Answer | None:
        """What stands in for an answer; None to drop the connection."""
        if self.kind == "drop":
            return None
        if self.kind == "html":
            known = html(self.status or 200, "We'll be right back")
        else:
            status = self.status or 500
            known = FAILURES.get(status, plain(status, f"Error {status}"))
        body = known.body if self.body is None else self.body
        return replace(known, body=body, headers=self._headers())

    def spoiled(self, answer: Answer) -> Answer | None:
        """What becomes of the answer to a request that was worked on; None to drop the connection."""
        if self.kind == "drop_after":
            return None
        if self.kind != "truncated":
            return answer
        text = answer.body if isinstance(answer.body, str) else orjson.dumps(answer.body).decode()
        return replace(answer, body=text[: len(text) // 2])

    def shown(self) -> dict[str, Any]:
        return asdict(self)

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

    def pick(self, app_key: str | None, method: str, path: str) -> Fault | None:
        for fault in self._faults:
            if not fault.matches(app_key, method, path):
                continue
            if fault.skipped < fault.skip:
                fault.skipped += 1
                continue
            fault.hits += 1
            return fault
        return None

    def clear(self) -> None:
        self._faults.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [fault.shown() for fault in self._faults]
