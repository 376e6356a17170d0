"""Faults that tests inject: bursts of statuses, HTML instead of JSON, half an answer, slowness, dropped connections.

Faults are tried in the order they were added. The first one that matches a request and isn't used up hits it.
"""

import re
from dataclasses import dataclass, field, replace

import orjson

from connector.sandbox.simulation import faults
from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.faults import WrongFaultError
from connector.sandbox.yotpo.answers import FAILURES, html, plain

#: These kinds answer before Yotpo has done anything. The other kinds spoil the answer after the work is done.
_BEFORE_WORK = frozenset({"status", "html", "drop"})


@dataclass(kw_only=True)
class Fault(faults.Fault):
    """One fault, as tests describe it. Null means: any, or no limit."""

    kinds = frozenset({*_BEFORE_WORK, "slow", "truncated", "drop_after"})

    # Which requests it hits.
    app_key: str | None = None
    method: str | None = None
    #: A regular expression that matches anywhere in the path.
    path: str | None = None
    #: The first matching requests pass untouched, this many.
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
        """Whether the simulator answers or drops the request without working on it."""
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
        """Return the answer that replaces Yotpo's; None drops the connection."""
        if self.kind == "drop":
            return None
        if self.kind == "html":
            default = html(self.status or 200, "We'll be right back")
        else:
            status = self.status or 500
            default = FAILURES.get(status, plain(status, f"Error {status}"))
        return self.described(default)

    def spoil(self, answer: Answer) -> Answer | None:
        """Change the answer after the work is done; None drops the connection."""
        if self.kind == "drop_after":
            return None
        if self.kind != "truncated":
            return answer
        text = answer.body if isinstance(answer.body, str) else orjson.dumps(answer.body).decode()
        return replace(answer, body=text[: len(text) // 2])

    def _is_skipped(self) -> bool:
        """Return whether a matching request is one of the first `skip` ones, and count it as one of them."""
        if self.skipped >= self.skip:
            return False
        self.skipped += 1
        return True
