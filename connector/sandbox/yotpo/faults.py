"""Faults that tests inject: bursts of statuses, HTML instead of JSON, half an answer, slowness, dropped connections.

A request is hit by the first fault, in the order they were added, that matches it and isn't used up.
"""

import re
from dataclasses import dataclass, field, replace

import orjson

from connector.sandbox.simulation import faults
from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.faults import WrongFaultError
from connector.sandbox.yotpo.answers import FAILURES, html, plain

#: Those that answer before Yotpo has done anything; the others spoil the answer to what was done.
_BEFORE = frozenset({"status", "html", "drop"})


@dataclass(kw_only=True)
class Fault(faults.Fault):
    """One fault, as tests describe it. Null means: any, or no limit."""

    kinds = frozenset({*_BEFORE, "slow", "truncated", "drop_after"})

    # Which requests it hits.
    app_key: str | None = None
    method: str | None = None
    #: A regular expression that is found in the path.
    path: str | None = None
    #: So many requests that match pass untouched before.
    skip: int = 0

    skipped: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            self._path = re.compile(self.path or "")
        except re.error as error:
            raise WrongFaultError(f"path is no regular expression: {error}.") from error

    @property
    def answers_itself(self) -> bool:
        """Whether the request is answered, or dropped, without having been worked on."""
        return self.kind in _BEFORE

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
        """What stands in for an answer; None to drop the connection."""
        if self.kind == "drop":
            return None
        if self.kind == "html":
            known = html(self.status or 200, "We'll be right back")
        else:
            status = self.status or 500
            known = FAILURES.get(status, plain(status, f"Error {status}"))
        return self.described(known)

    def spoiled(self, answer: Answer) -> Answer | None:
        """What becomes of the answer to a request that was worked on; None to drop the connection."""
        if self.kind == "drop_after":
            return None
        if self.kind != "truncated":
            return answer
        text = answer.body if isinstance(answer.body, str) else orjson.dumps(answer.body).decode()
        return replace(answer, body=text[: len(text) // 2])

    def _is_skipped(self) -> bool:
        """Whether a request that matches is one of the first, which pass; it counts as one of them."""
        if self.skipped >= self.skip:
            return False
        self.skipped += 1
        return True
