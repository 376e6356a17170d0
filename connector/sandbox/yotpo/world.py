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
    """The state that all requests share. Code that reads or writes the state must hold the lock."""

    def __init__(self, switches: Switches, sizes: dict[str, int]) -> None:
        self.lock = threading.Lock()
        self.switches = switches
        self._sizes = sizes
        self.reset()

    def reset(self) -> None:
        """Remove all state, and make the stores of the start again. The switches do not change."""
        self.stores: dict[str, Store] = {}
        for app_key, size in self._sizes.items():
            self.open(app_key, size)
        self.credentials = Credentials()
        self.faults = Faults(Fault)
        self.log = Log()
        self.rates = Rates()
        self.by_status: Counter[str] = Counter()

    def open(self, app_key: str, size: int, **more: Any) -> Store:
        """Make a store. It replaces a store with the same key. `more` contains other fields of Store."""
        more.setdefault("shares", read_shares(self.switches.shares))
        store = self.stores[app_key] = Store(app_key, size, **more)
        return store

    def store(self, app_key: str | None) -> Store | None:
        """Apply all due changes of a store, and return the store. None: there is no such store."""
        store = self.stores.get(app_key or "")
        if store:
            store.apply_due_changes()
        return store

    def has_loyalty(self, store: Store) -> bool:
        return store.app_key not in self.switches.no_loyalty


@dataclass(frozen=True)
class ApiRequest:
    """A request as it arrived."""

    #: The time of the arrival, by the wall clock.
    at: float
    #: The time of the arrival, by the monotonic clock.
    clock: float
    method: str
    path: str
    #: The app key in the path, or the app key that belongs to a key in the request. None: neither gives an app key.
    app_key: str | None
    #: The values of the variable parts of the path, by name.
    path_values: dict[str, str]
    query: dict[str, list[str]]
    #: The names are in lower case.
    headers: dict[str, str]
    #: The JSON value of the body. A form becomes an object of texts. None: the body is neither JSON nor a form.
    body: Any

    def parameter(self, name: str) -> str | None:
        return self.query[name][0] if name in self.query else None


@dataclass(frozen=True)
class Call:
    """The input of an operation: a request after the gate, and its store."""

    world: World
    store: Store
    request: ApiRequest
