"""A store of the running connector: its webhooks, and its customers at Insider."""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests

from connector.model.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.sandbox.stack import Stack

THREADS = 8
#: Longer than anything takes, even on a busy machine.
PATIENCE = 120.0
_local = threading.local()


class Store:
    """A store for one test, so that no other test changes its profiles at Insider."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.partner = f"partner-{secrets.token_hex(4)}"
        told = stack.command("stores", "add", self.partner, "--insider-partner", self.partner, "--insider-token", "t")
        self.url = told["webhook_url"]

    def post(self, webhook: dict[str, Any]) -> int:
        session = _local.__dict__.setdefault("session", requests.Session())
        return int(session.post(self.url, json=webhook, timeout=30).status_code)

    def post_all(self, webhooks: Iterable[dict[str, Any]]) -> list[int]:
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(self.post, webhooks))

    def state(self) -> dict[str, Any]:
        """Return what `connector status` says of the store."""
        (state,) = [store for store in self.stack.command("status")["stores"] if store["name"] == self.partner]
        return dict(state)

    def users(self) -> dict[str, dict[str, Any]]:
        return {user["identifiers"]["email"]: user for user in self.stack.insider("users", partner=self.partner)}

    def wait_for(self, emails: Iterable[str], seconds: float = PATIENCE) -> dict[str, dict[str, Any]]:
        """Return Insider's users as soon as all of these have arrived."""
        wanted = set(emails)
        patience = time.monotonic() + seconds
        while not wanted <= (users := self.users()).keys():
            assert time.monotonic() < patience, f"{len(wanted - users.keys())} of {len(wanted)} users are missing"
            time.sleep(0.2)
        return users


def changed(email: str, balance: int, at: datetime | None = None) -> dict[str, Any]:
    return {
        "topic": "swell/points/changed",
        "customer": {"email": email, "points_balance": balance},
        "current_balance": balance,
        "timestamp": rfc3339(at or datetime.now(UTC)),
    }
