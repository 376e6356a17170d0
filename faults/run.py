"""One scenario while it runs: all that its function works with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from connector.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.sandbox.stack import Stack
    from faults.checking import Findings
    from faults.load import Load
    from faults.plan import Event, Plan
    from faults.supervisor import Supervisor

_POLL_SECONDS = 0.2
#: So many polls without any arrival, and the journal is asked whether anything is still owed.
_STILL = 10
#: A load that is slower than this has broken down.
SLOWEST_RATE = 20.0
_PATIENCE_SECONDS = 120.0


@dataclass(kw_only=True)
class Run:
    stack: Stack
    supervisor: Supervisor
    store: str
    url: str
    plan: Plan
    load: Load
    #: Decides what is left to chance.
    seed: int
    #: How many customers a store has that is filled from Yotpo.
    store_size: int
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    #: What is to be told of what has arrived, once everything has.
    measures: list[Callable[[Findings], Iterable[str]]] = field(default_factory=list)
    #: When the fault was over, in seconds since 1970.
    ended_at: float | None = None

    def hold(self, seconds: float) -> None:
        """Let the fault last."""
        time.sleep(seconds)

    def several_times(self, times: int, seconds: float, action: Callable[[], object]) -> None:
        """Do something several times, so many seconds apart."""
        for number in range(times):
            if number:
                self.hold(seconds)
            action()

    def over(self) -> None:
        """Say that the fault ends now, although the scenario goes on."""
        self.ended_at = time.time()

    def send_all(self) -> None:
        """Let the fault last until the whole load has been accepted."""
        self.load.finish(len(self.load.events) / SLOWEST_RATE + _PATIENCE_SECONDS)

    def fault(self, kind: str, **description: Any) -> None:
        """Make the simulator of Insider answer wrongly."""
        tell(self.stack, "faults", {"kind": kind, **description})

    def end_faults(self) -> int:
        """Let Insider be well again; return how many requests were hit."""
        hits = self.hits()
        requests.delete(f"{self.stack.insider_url}/_sandbox/faults", timeout=30).raise_for_status()
        return hits

    def hits(self) -> int:
        """Return how many requests to Insider have been hit by the faults that there are now."""
        return sum(int(fault["hits"]) for fault in self.stack.insider("faults"))

    def wait_until_quiet(self, seconds: float) -> bool:
        """Wait until the journal owes Insider nothing any more; False where it still does after the time."""
        deadline = time.monotonic() + seconds
        stored, still = -1, 0
        while time.monotonic() < deadline:
            before, stored = stored, self._stored()
            still = still + 1 if stored == before else 0
            if (stored >= len(self.events) or still >= _STILL) and self._owes_nothing():
                return True
            time.sleep(_POLL_SECONDS)
        return False

    @property
    def events(self) -> list[Event]:
        return [event for events in self.plan.values() for event in events]

    def dead(self) -> set[int]:
        """Return the events that the journal has buried, each with a reason."""
        shown = [self.stack.command("dead-letters", "show", group, "--limit", "10000") for group in self.dead_groups()]
        return {letter["event_id"] for letters in shown for letter in letters if letter["reason"]}

    def dead_groups(self) -> list[str]:
        """Return the names of the causes for which the journal has buried something."""
        return [cause["group"] for cause in self.stack.command("dead-letters", "list", "--store", self.store)]

    def users(self) -> list[dict[str, Any]]:
        users: list[dict[str, Any]] = self.stack.insider("users", partner=self.store)
        return users

    def status(self) -> dict[str, Any]:
        """Return the journal's view of the scenario's store."""
        (line,) = [each for each in self.stack.command("status")["stores"] if each["name"] == self.store]
        return dict(line)

    def _stored(self) -> int:
        return int(self.stack.insider("stats")["events"]["stored"])

    def _owes_nothing(self) -> bool:
        try:
            status = self.status()
        except OperatorError:
            return False
        return not status["received"] and not status["waiting"]


def tell(stack: Stack, path: str, content: dict[str, Any]) -> None:
    """Tell the simulator of Insider something about itself."""
    requests.post(f"{stack.insider_url}/_sandbox/{path}", json=content, timeout=30).raise_for_status()
