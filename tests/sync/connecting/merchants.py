"""A merchant for tests: a store of the running connector, a store at the simulator of Yotpo, and a browser."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from connector.journal.vault import Vault
from tests.intake.webhooks import Store

if TYPE_CHECKING:
    from connector.sandbox.stack import Stack


class Merchant:
    """A merchant that follows links like a browser, over plain HTTP."""

    def __init__(self, stack: Stack, *flags: str) -> None:
        self.stack = stack
        self.store = Store(stack, *flags)
        self.name = self.store.name
        self.app_key = f"shop{secrets.token_hex(8)}"
        self.keys = stack.tell_yotpo("stores", app_key=self.app_key, size=3)
        self.browser = requests.Session()

    def link(self, *flags: str) -> str:
        """Make a link, as an operator does."""
        return str(self.stack.command("stores", "connect", self.name, *flags)["link"])

    def open(self, url: str) -> requests.Response:
        return self.browser.get(url, allow_redirects=False, timeout=60)

    def begin(self, link: str) -> str:
        """Open the link and return the `state` that it passes to Yotpo's install page."""
        started = self.open(link)
        assert started.status_code == 302, started.text
        return parse_qs(urlsplit(started.headers["Location"]).fragment.partition("?")[2])["state"][0]

    def decide(self, state: str, decision: str = "install") -> str:
        """Press a button of Yotpo's page and return the URL to which Yotpo sends the browser back."""
        form = {"client_id": "sandbox-app", "state": state, "app_key": self.app_key, "decision": decision}
        answer = requests.post(f"{self.stack.yotpo_url}/app/decisions", data=form, allow_redirects=False, timeout=10)
        return answer.headers["Location"]

    def install(self, link: str) -> requests.Response:
        return self.open(self.decide(self.begin(link)))

    def accounts(self) -> list[dict[str, Any]]:
        return self.store.rows("select * from yotpo_accounts where store_id = (table store)")

    def exchanges(self) -> int:
        """Return how often Yotpo was asked to exchange a code."""
        asked = self.stack.yotpo("requests")
        return sum(request["path"] == "/v2/oauth2/token" for request in asked)

    def fault(self, **described: Any) -> None:
        """Let the simulator of Yotpo fail at the next request that matches."""
        url = f"{self.stack.yotpo_url}/_sandbox/faults"
        requests.post(url, json={"times": 1, **described}, timeout=10).raise_for_status()

    def shown(self) -> dict[str, Any]:
        told: dict[str, Any] = self.stack.command("stores", "show", self.name)
        return told


def vault(stack: Stack) -> Vault:
    return Vault(stack.environment["SECRET_KEY"].split(","))


def changed(url: str, **parameters: str) -> str:
    """Return the URL with other parameters; an empty one is left out."""
    given = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} | parameters
    return f"{url.partition('?')[0]}?{urlencode({name: value for name, value in given.items() if value})}"


def assert_refused(answer: requests.Response, status: int, told: str) -> None:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert told in answer.text
    assert "What to do next" in answer.text
    assert "/webhooks/yotpo/" not in answer.text
