"""The whole state of the simulator and the lock around it."""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from connector.sandbox.simulation.faults import Faults
from connector.sandbox.yotpo.credentials import Credentials
from connector.sandbox.yotpo.faults import Fault
from connector.sandbox.yotpo.log import Log
from connector.sandbox.yotpo.rates import Rates
from connector.sandbox.yotpo.store import Store
from connector.sandbox.yotpo.switches import Switches, read_shares


class World:
    """Everything that requests share. Whoever reads or writes any of it holds the lock."""

    def __init__(self, switches: Switches, sizes: dict[str, int]) -> None:
        self.lock = threading.Lock()
        self.switches = switches
        self._sizes = sizes
        self.reset()

    def reset(self) -> None:
        """Forget all but the switches and the stores that it was started with, which are as they were then."""
        self.stores: dict[str, Store] = {}
        for app_key, size in self._sizes.items():
            self.open(app_key, size)
        self.credentials = Credentials()
        self.faults = Faults(Fault)
        self.log = Log()
        self.rates = Rates()
        self.by_status: Counter[str] = Counter()

    def open(self, app_key: str, size: int, **more: Any) -> Store:
        """Make a store, in place of any of this key; `more` are fields of Store."""
        more.setdefault("shares", read_shares(self.switches.shares))
        store = self.stores[app_key] = Store(app_key, size, **more)
        return store

    def store(self, app_key: str | None) -> Store | None:
        """Return a store in its state of now."""
        store = self.stores.get(app_key or "")
        if store:
            store.settle()
        return store

    def has_loyalty(self, store: Store) -> bool:
        return store.app_key not in self.switches.no_loyalty


@dataclass(frozen=True)
class Received:
    """A request as it has arrived."""

    #: By the wall clock, and by the one that measures.
    at: float
    clock: float
    method: str
    path: str
    #: The store that the path names, or whose key is given; None: none, or unknown.
    app_key: str | None
    #: What the path names beside the store.
    named: dict[str, str]
    query: dict[str, list[str]]
    #: In lower case.
    headers: dict[str, str]
    #: A form counts as an object of texts; None where the body is neither.
    body: Any

    def asked(self, name: str) -> str | None:
        return self.query[name][0] if name in self.query else None


@dataclass(frozen=True)
class Call:
    """What an operation works with: a request that has passed the gate."""

    world: World
    store: Store
    received: Received
