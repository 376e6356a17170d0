"""Faults that tests inject: error statuses, HTML instead of JSON, half an answer, slowness, dropped connections.

The oldest fault that matches a request and isn't used up hits the request.
"""

import re
from dataclasses import dataclass, field, replace

import orjson

from connector.sandbox.simulation import faults
from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.faults import WrongFaultError
from connector.sandbox.yotpo.answers import FAILURES, html, plain

#: Faults of these kinds replace the whole operation. The operation runs first for faults of the other kinds.
_BEFORE_WORK = frozenset({"status", "html", "drop"})


@dataclass(kw_only=True)
class Fault(faults.Fault):
    """One fault, as tests describe it. A field that is null means "any" or "no limit"."""

    kinds = frozenset({*_BEFORE_WORK, "slow", "truncated", "drop_after"})

    # These fields say which requests the fault hits.
    app_key: str | None = None
    method: str | None = None
    #: A regular expression that matches anywhere in the path.
    path: str | None = None
    #: The number of matching requests that pass before the fault hits one.
    skip: int = 0

    skipped: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            self._path = re.compile(self.path or "")
        except re.error as error:
            raise WrongFaultError(f"path is no regular expression: {error}.") from error

    @property
    def prevents_work(self) -> bool:
        """Whether the fault replaces the operation, so that the request changes nothing."""
        return self.kind in _BEFORE_WORK

    def matches(self, app_key: str | None, method: str, path: str) -> bool:
        return (
            self.is_open()
            and self.app_key in {None, app_key}
            and self.method in {None, method}
            and self._path.search(path) is not None
            and self.is_drawn()
            and not self._is_skipped()
        )

    def answer(self) -> Answer | None:
        """Return the answer that replaces Yotpo's answer. None drops the connection."""
        if self.kind == "drop":
            return None
        if self.kind == "html":
            default = html(self.status or 200, "We'll be right back")
        else:
            status = self.status or 500
            default = FAILURES.get(status, plain(status, f"Error {status}"))
        return self.described(default)

    def spoil(self, answer: Answer) -> Answer | None:
        """Change the answer of an operation that has run. None drops the connection."""
        if self.kind == "drop_after":
            return None
        if self.kind != "truncated":
            return answer
        text = answer.body if isinstance(answer.body, str) else orjson.dumps(answer.body).decode()
        return replace(answer, body=text[: len(text) // 2])

    def _is_skipped(self) -> bool:
        """Return whether a matching request is one of the first `skip` requests, and count it."""
        if self.skipped >= self.skip:
            return False
        self.skipped += 1
        return True
