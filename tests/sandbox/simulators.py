"""Starts simulators and sends them requests: the common part, and the simulator of Insider."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

UPSERT = "/api/user/v1/upsert"
PARTNER = {"X-PARTNER-NAME": "shop", "X-REQUEST-TOKEN": "secret"}


class Sandbox:
    """A running simulator, and its control API under /_sandbox."""

    #: The path of its switches.
    switches = "switches"

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url = url
        self.session = session
        self.defaults = self.ask(self.switches)

    def cleared(self) -> Self:
        self.tell(self.switches, self.defaults)
        self.tell("reset")
        return self

    def ask(self, path: str, **wanted: Any) -> Any:
        answer = self.session.get(f"{self.url}/_sandbox/{path}", params=wanted, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tell(self, path: str, body: Any = None, method: str = "POST") -> Any:
        answer = self.session.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def switch(self, **switches: Any) -> None:
        self.tell(self.switches, switches)


class Simulator(Sandbox):
    switches = "settings"

    def call(self, path: str, body: Any, method: str = "POST", **headers: str) -> requests.Response:
        return self.session.request(method, self.url + path, json=body, headers=PARTNER | headers, timeout=10)

    def upsert(self, *users: Any, **top: Any) -> dict[str, Any]:
        answer = self.call(UPSERT, {"users": users, **top})
        assert answer.status_code == 200
        data: dict[str, Any] = answer.json()["data"]
        return data

    def user(self, email: str = "ann@example.com") -> dict[str, Any]:
        (user,) = self.ask("users", email=email)
        return dict(user)


@contextmanager
def process(name: str, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the simulator `name`; yield its URL and its process."""
    command = [sys.executable, "-m", f"connector.sandbox.{name}", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout
            yield started.stdout.readline().removeprefix(f"{name} sandbox listening on ").strip(), started
        finally:
            started.kill()


running = partial(process, "insider")


@contextmanager
def simulator(*arguments: str) -> Iterator[Simulator]:
    with running(*arguments) as (url, _), requests.Session() as session:
        yield Simulator(url, session)


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def person(email: str = "ann@example.com", **parts: Any) -> dict[str, Any]:
    return {"identifiers": {"email": email}, "attributes": {"name": "Ann"}} | parts


def event(name: str = "tier_earned", timestamp: str | None = None, **params: Any) -> dict[str, Any]:
    return {"event_name": name, "timestamp": timestamp or ago(days=1), "event_params": params}


def custom(**values: Any) -> dict[str, Any]:
    return person(attributes={"custom": values})
