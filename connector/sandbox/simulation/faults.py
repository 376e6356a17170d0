"""Faults: which requests a fault hits, for how long, and what it sends. Each simulator adds its own kinds."""

import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from email.utils import formatdate
from typing import Any, ClassVar, Generic, TypeVar

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import Json, WrongRequestError, fits


class WrongFaultError(WrongRequestError):
    """There is no such fault, or its description is wrong."""


@dataclass(kw_only=True)
class Fault:
    """One fault, as tests describe it. A field that is null means "any" or "no limit"."""

    #: The kinds that the simulator knows; `status` is always one of them.
    kinds: ClassVar[frozenset[str]] = frozenset({"status"})

    #: One of `kinds`, or a status such as "503".
    kind: str
    # These fields say which requests the fault hits.
    times: int | None = None
    share: float = 1.0
    seed: int = 0
    for_seconds: float | None = None
    # These fields say what the fault does.
    delay_ms: int = 0
    status: int | None = None
    body: Any = None
    #: The value of the Retry-After header, in seconds.
    retry_after: float | None = None
    #: The form of the Retry-After header: "seconds", or "date" for an HTTP date.
    retry_after_as: str = "seconds"

    id: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        wrong = [entry.name for entry in fields(self) if entry.init and not fits(entry, getattr(self, entry.name))]
        if wrong:
            raise WrongFaultError(f"Wrong type: {', '.join(wrong)}.")
        if self.kind.isdigit():
            self.kind, self.status = "status", int(self.kind)
        if self.kind not in self.kinds:
            raise WrongFaultError(f"There is no fault {self.kind!r}; there are: {', '.join(sorted(self.kinds))}.")
        if self.kind == "status" and self.status is None:
            raise WrongFaultError("A fault of kind status needs a status.")
        # Seeded random numbers decide which requests are hit, so the same requests are hit in every run.
        self._draws = random.Random(self.seed)  # noqa: S311 - no secret depends on it
        self._ends_at = None if self.for_seconds is None else time.monotonic() + self.for_seconds

    def is_open(self) -> bool:
        """Whether the fault may hit again and its time hasn't ended."""
        return (self.times is None or self.hits < self.times) and (
            self._ends_at is None or time.monotonic() < self._ends_at
        )

    def is_drawn(self) -> bool:
        """Decide at random whether the next request belongs to the share that is hit."""
        return self.share >= 1 or self._draws.random() < self.share

    def described(self, usual: Answer) -> Answer:
        """Return the usual answer of this fault, with the status, body and headers that tests have given."""
        body = usual.body if self.body is None else self.body
        return replace(usual, status=self.status or usual.status, body=body, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        if self.retry_after is None:
            return {}
        if self.retry_after_as == "date":
            return {"Retry-After": formatdate(time.time() + self.retry_after, usegmt=True)}
        return {"Retry-After": f"{self.retry_after:g}"}


AnyFault = TypeVar("AnyFault", bound=Fault)


class Faults(Generic[AnyFault]):
    """The faults, in the order in which tests have added them."""

    def __init__(self, fault_class: type[AnyFault]) -> None:
        self._class = fault_class
        self._faults: list[AnyFault] = []

    def add(self, description: Json) -> AnyFault:
        """Add a fault. Raises WrongFaultError."""
        try:
            fault = self._class(**description)
        except TypeError as error:
            raise WrongFaultError(str(error)) from error
        fault.id = len(self._faults) + 1
        self._faults.append(fault)
        return fault

    def pick(self, matches: Callable[[AnyFault], bool]) -> AnyFault | None:
        """Return the oldest fault that matches a request, and count the hit."""
        fault = next(filter(matches, self._faults), None)
        if fault:
            fault.hits += 1
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def shown(self) -> list[Json]:
        return [asdict(fault) for fault in self._faults]
