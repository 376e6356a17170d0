"""A running scenario, with the values and methods that its function can use."""

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
#: After this many polls without a new event at Insider, the run checks in the journal whether deliveries still wait.
_STILL_POLLS = 10
#: Events in a second. A load that is slower than this has broken down.
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
    #: The seed of the random numbers.
    seed: int
    #: How many customers a backfill's store has.
    store_size: int
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    #: After the check, the suite calls each of these functions with the findings. Each function returns notes about the
    #: events that arrived.
    measures: list[Callable[[Findings], Iterable[str]]] = field(default_factory=list)
    #: When the fault ended, in seconds since 1970.
    ended_at: float | None = None

    def hold(self, seconds: float) -> None:
        """Wait, so that the fault lasts this long."""
        time.sleep(seconds)

    def several_times(self, times: int, seconds: float, action: Callable[[], object]) -> None:
        """Call `action` several times, with a pause of some seconds in between."""
        for number in range(times):
            if number:
                self.hold(seconds)
            action()

    def over(self) -> None:
        """Record that the fault ends now, although the scenario goes on."""
        self.ended_at = time.time()

    def send_all(self) -> None:
        """Wait until the whole load has been accepted, so that the fault lasts until then."""
        self.load.finish(len(self.load.events) / SLOWEST_RATE + _PATIENCE_SECONDS)

    def fault(self, kind: str, **description: Any) -> None:
        """Add a fault to the simulator of Insider."""
        tell(self.stack, "faults", {"kind": kind, **description})

    def end_faults(self) -> int:
        """Remove all faults from the simulator of Insider; return how many requests they hit."""
        hits = self.hits()
        requests.delete(f"{self.stack.insider_url}/_sandbox/faults", timeout=30).raise_for_status()
        return hits

    def hits(self) -> int:
        """Return how many requests to Insider the current faults have hit."""
        return sum(int(fault["hits"]) for fault in self.stack.insider("faults"))

    def wait_until_quiet(self, seconds: float) -> bool:
        """Wait until no event and no delivery of the store waits; return False if some still wait after `seconds`."""
        deadline = time.monotonic() + seconds
        stored, still_polls = -1, 0
        while time.monotonic() < deadline:
            before, stored = stored, self._stored()
            still_polls = still_polls + 1 if stored == before else 0
            if (stored >= len(self.events) or still_polls >= _STILL_POLLS) and self._is_quiet():
                return True
            time.sleep(_POLL_SECONDS)
        return False

    @property
    def events(self) -> list[Event]:
        return [event for events in self.plan.values() for event in events]

    def dead(self) -> set[int]:
        """Return the ids of the events that have a dead letter. Dead letters without a reason do not count."""
        groups = [self.stack.command("dead-letters", "show", group, "--limit", "10000") for group in self.dead_groups()]
        return {letter["event_id"] for letters in groups for letter in letters if letter["reason"]}

    def dead_groups(self) -> list[str]:
        """Return the names of the groups of dead letters."""
        return [cause["group"] for cause in self.stack.command("dead-letters", "list", "--store", self.store)]

    def users(self) -> list[dict[str, Any]]:
        users: list[dict[str, Any]] = self.stack.insider("users", partner=self.store)
        return users

    def status(self) -> dict[str, Any]:
        """Return what `connector status` says about the scenario's store."""
        (status,) = [store for store in self.stack.command("status")["stores"] if store["name"] == self.store]
        return dict(status)

    def _stored(self) -> int:
        return int(self.stack.insider("stats")["events"]["stored"])

    def _is_quiet(self) -> bool:
        try:
            status = self.status()
        except OperatorError:
            return False
        return not status["received"] and not status["waiting"]


def tell(stack: Stack, path: str, content: dict[str, Any]) -> None:
    """Post to a control route of the simulator of Insider."""
    requests.post(f"{stack.insider_url}/_sandbox/{path}", json=content, timeout=30).raise_for_status()
