"""The whole state of the simulator, the lock around it, its counters, and its log of requests."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from connector.sandbox.insider.catalog import Catalog, Drop
from connector.sandbox.insider.faults import Fault
from connector.sandbox.insider.profiles import Directory, Identifiers
from connector.sandbox.insider.switches import Switches
from connector.sandbox.simulation import log
from connector.sandbox.simulation.faults import Faults

#: The simulator counts left-out values by name, but only for this number of names. Values with further names are
#: counted together, as "…". An account's budgets are smaller than this number, so only a broken client sends more
#: names.
_NAMED_DROPS = 1_000


@dataclass
class Account:
    """The account of one partner."""

    attributes: Catalog
    params: Catalog
    directory: Directory = field(default_factory=Directory)


@dataclass
class Stats:
    by_status: Counter[str] = field(default_factory=Counter)
    users: Counter[str] = field(default_factory=lambda: Counter(received=0, successful=0, failed=0))
    events: Counter[str] = field(default_factory=lambda: Counter(stored=0, duplicate=0, too_old=0))
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)

    def drop(self, drops: Iterable[Drop]) -> None:
        for drop in drops:
            key = (drop.reason, drop.name)
            self.dropped[key if key in self.dropped or len(self.dropped) < _NAMED_DROPS else (drop.reason, "…")] += 1


@dataclass(frozen=True, kw_only=True)
class Request(log.Request):
    partner: str
    skip_hook: bool
    users: int
    bytes: int
    answer: Any


class Log(log.Log[Request, bytes]):
    """The log of requests. Bodies are kept as bytes, and those of the oldest requests are dropped first."""

    def __init__(self, switches: Switches) -> None:
        super().__init__()
        self._switches = switches
        self._kept_bytes = 0

    def add(self, request: Request, body: bytes, size: int) -> None:
        self._kept_bytes += len(body)
        super().add(request, body, size)
        while self._kept_bytes > self._switches.log_bytes:
            self.let_go(next(iter(self._bodies)))

    def let_go(self, seq: int) -> None:
        self._kept_bytes -= len(self._bodies.get(seq, b""))
        super().let_go(seq)

    def body(self, seq: int) -> Any:
        """Return a body as JSON, or as text if it isn't JSON; None if it was dropped."""
        raw = self._bodies.get(seq)
        if raw is None:
            return None
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            return raw.decode(errors="replace")


class World:
    """The state that all requests share. A thread must hold `lock` while it reads or writes this state."""

    def __init__(self, switches: Switches) -> None:
        self.lock = threading.Lock()
        self.switches = switches
        self.reset()

    def reset(self) -> None:
        """Forget everything except the switches."""
        self.accounts: dict[str, Account] = {}
        self.stats = Stats()
        self.faults = Faults(Fault)
        self.log = Log(self.switches)
        self._minutes: dict[tuple[str, str], tuple[int, float]] = {}

    def account(self, partner: str) -> Account:
        account = self.accounts.get(partner)
        if account is None:
            account = self.accounts[partner] = Account(*self._catalogs())
        return account

    def redeclare(self) -> None:
        """Reset the declared names of every account to the names that the switches declare."""
        for account in self.accounts.values():
            account.attributes, account.params = self._catalogs()

    def enabled(self, identifiers: Identifiers) -> Identifiers:
        """Return only the identifiers that the settings enable."""
        if self.switches.identifiers is None:
            return identifiers
        return {name: value for name, value in identifiers.items() if name in self.switches.identifiers}

    def spend(self, budget: str, key: str, cost: float, limit: float) -> float | None:
        """Add a cost to a key's total of this minute. Return the new total, or None if it would exceed the limit."""
        minute = int(time.time() // 60)
        last_minute, used = self._minutes.get((budget, key), (minute, 0.0))
        used = cost if last_minute != minute else used + cost
        if used > limit:
            return None
        self._minutes[budget, key] = (minute, used)
        return used

    def _catalogs(self) -> tuple[Catalog, Catalog]:
        switches = self.switches
        return (
            Catalog(switches.panel, switches.attribute_budget, switches),
            Catalog(switches.param_panel, switches.param_budget, switches),
        )


@dataclass(frozen=True)
class Call:
    """The input of an operation: a request that has passed the gate."""

    world: World
    account: Account
    token: str
    body: dict[str, Any]
    #: The failures that a fault forces, by the index of the user that fails.
    forced: dict[int, dict[str, list[str]]]
