"""A simulated store: it is connected and filled, its shoppers act, and in the end Insider is compared with Yotpo.

It goes through the same steps as a real store. The merchant follows the link and installs the app, and workers read the
customers. Then shoppers act, and some of their webhooks come late, twice or shuffled. Look-ups read the values that no
webhook contains.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from connector.errors import OperatorError
from connector.journal.database import Database
from connector.journal.results import deliveries
from connector.journal.sync import refreshes
from connector.sandbox import equality
from connector.sandbox.stack import CLIENT_ID, SANDBOX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.sandbox.equality import Comparison
    from connector.sandbox.stack import Stack

_NAME = f"{SANDBOX}-shop"
#: The store's partner name at Insider and its app key at Yotpo.
PARTNER = APP_KEY = "shop"
_TIMEOUT_SECONDS = 600.0
_POLL_SECONDS = 0.5
ACTIONS_PER_SECOND = 10
#: The shares of webhooks that come late, that come twice, and that come in another order.
_DISORDER = {"late": 0.1, "twice": 0.05, "shuffled": 0.1}
#: The share of actions that cause no webhook.
_SILENT = 0.05


class Life(NamedTuple):
    """The shoppers' progress."""

    actions: int
    #: How many of the actions caused no webhook.
    silent: int
    #: How many webhooks were `sent`, `repeated`, `retried`, and so on.
    webhooks: dict[str, int]
    #: How many customers must still be looked up.
    to_look_up: int


class Shop:
    """One simulated store, from its first customer to its last shopper."""

    def __init__(self, stack: Stack, *, customers: int) -> None:
        self._stack = stack
        self._customers = customers
        self._database = Database(stack.environment["DATABASE_URL"], connections=1, wait_seconds=5.0)

    def connect(self) -> None:
        """Open the store at Yotpo, add it to the connector, and install the app as its merchant does in a browser.

        Raises OperatorError if the store was not connected.
        """
        self._stack.tell_yotpo("stores", app_key=APP_KEY, size=self._customers)
        url = self._add()["webhook_url"]
        self._stack.tell_yotpo(f"stores/{APP_KEY}/loyalty-webhook", url=url)
        link = self._stack.command("stores", "connect", _NAME)["link"]
        with requests.Session() as browser:
            install_page = browser.get(link, allow_redirects=False, timeout=30).headers["Location"]
            decision = {
                "client_id": CLIENT_ID,
                "state": install_page.partition("?state=")[2],
                "app_key": APP_KEY,
                "decision": "install",
            }
            response = browser.post(f"{self._stack.yotpo_url}/app/decisions", data=decision, timeout=60)
        if response.status_code != requests.codes.ok:
            raise OperatorError(f"the store was not connected: {_text(response.text)}")

    def fill(self) -> dict[str, Any]:
        """Wait until the backfill is delivered, with a progress bar on stderr; return the backfill's report."""
        self._stack.command("backfill", "status", "--follow", "--store", _NAME, shows_progress=True)
        self.wait()
        report: dict[str, Any] = self._stack.command("backfill", "status", "--store", _NAME, "--limit", "1")[0]
        return report

    def live(self, *, shoppers: int, seconds: float) -> Iterator[Life]:
        """Let shoppers act; yield their progress every half second, and end when everything has arrived at Insider.

        Raises OperatorError if the shoppers fail.
        """
        path = f"stores/{APP_KEY}/shoppers"
        plan = {"shoppers": shoppers, "seconds": seconds, "actions_per_second": ACTIONS_PER_SECOND, "silent": _SILENT}
        self._stack.tell_yotpo(path, **plan, **_DISORDER)
        while True:
            state = self._stack.yotpo(path)
            waiting = self._waiting()
            yield Life(state["actions"], state["silent"], state["webhooks"], waiting)
            if state["error"]:
                raise OperatorError(f"the shoppers have failed: {state['error']}")
            if state["idle"] and not waiting:
                break
            time.sleep(_POLL_SECONDS)
        self.wait()

    def compare(self) -> Comparison:
        """Compare every customer's attributes at Yotpo with those at Insider."""
        return equality.compare(self._stack.yotpo_url, APP_KEY, self._stack.insider_url, PARTNER)

    def _add(self) -> dict[str, Any]:
        """Add the store.

        It replaces the store of an earlier run, because the simulators of that run have lost their state.
        """
        with suppress(OperatorError):
            self._stack.command("stores", "remove", _NAME)
        store: dict[str, Any] = self._stack.command(
            "stores", "add", _NAME, "--insider-partner", PARTNER, "--insider-token", "sandbox-token"
        )
        return store

    def wait(self) -> None:
        """Wait until nothing is left to be mapped, delivered or looked up.

        Raises OperatorError if that takes longer than ten minutes.
        """
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self._waiting() or self._is_undelivered():
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"not everything was delivered within {_TIMEOUT_SECONDS:g} seconds; `connector status` shows more"
                )
            time.sleep(_POLL_SECONDS)

    def _waiting(self) -> int:
        """Return how many customers wait to be looked up."""
        with self._database.connection() as connection:
            return sum(store["waiting"] for store in refreshes.lag(connection))

    def _is_undelivered(self) -> bool:
        with self._database.connection() as connection:
            return deliveries.oldest_undelivered_seconds(connection) > 0


def _text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())[:300]
