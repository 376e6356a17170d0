"""Starts the simulator of Yotpo for tests, and sends requests to it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import requests

from tests.sandbox.simulators import Sandbox, process

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The number of customers of the store that exists from the start.
SIZE = 1_000
CUSTOMERS = "/core/v3/stores/shop/customers"
WITHOUT_RATE = {"requests_per_second": 1_000_000}
KEYS = {"x-guid": "guid-of-shop", "x-api-key": "key-of-shop"}
APP = {
    "client_id": "app-7",
    "client_secret": "hidden",
    "redirect_url": "https://connector.example/yotpo/callback",
    "name": "The connector",
}


class Yotpo(Sandbox):
    def __init__(self, url: str, session: requests.Session) -> None:
        super().__init__(url, session)
        self.defaults |= WITHOUT_RATE
        self.token = ""

    def cleared(self) -> Self:
        super().cleared()
        self.token = self.new_token()
        return self

    def new_token(self, app_key: str = "shop") -> str:
        answer = self.post(f"/core/v3/stores/{app_key}/access_tokens", {"secret": f"secret-of-{app_key}"})
        assert answer.status_code == 200
        return str(answer.json()["access_token"])

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> requests.Response:
        headers = {"X-Yotpo-Token": self.token} if headers is None else headers
        return self.session.get(self.url + path, params=query, headers=headers, timeout=20)

    def post(self, path: str, body: Any, **query: Any) -> requests.Response:
        return self.session.post(self.url + path, json=body, params=query, timeout=20)

    def patch(self, **customer: Any) -> requests.Response:
        headers = {"X-Yotpo-Token": self.token}
        return self.session.patch(self.url + CUSTOMERS, json={"customer": customer}, headers=headers, timeout=20)

    def customers(self, **query: Any) -> list[dict[str, Any]]:
        """Return one page of customers, or the customers of a look-up."""
        answer = self.get(CUSTOMERS, **query)
        assert answer.status_code == 200, answer.text
        customers: list[dict[str, Any]] = answer.json()["customers"]
        return customers

    def pages(self, limit: int = 100, **query: Any) -> Iterator[list[dict[str, Any]]]:
        query["limit"] = limit
        while True:
            answer = self.get(CUSTOMERS, **query).json()
            yield answer["customers"]
            cursor = answer["pagination"]["next_page_info"]
            if cursor is None:
                return
            query = {"page_info": cursor, "limit": limit}

    def truth(self, app_key: str = "shop", after: int = 0, limit: int = 1_000) -> list[dict[str, Any]]:
        """Return the true state of customers, from the control API."""
        customers: list[dict[str, Any]] = self.ask("customers", app_key=app_key, after=after, limit=limit)
        return customers

    def someone(self, **fields: bool) -> dict[str, Any]:
        """Return the first customer whose Core fields have a value (True) or are null (False)."""
        return next(
            customer
            for customer in self.truth()
            if all((customer["core"][name] is not None) is present for name, present in fields.items())
        )

    def quiet(self, seconds: float = 40) -> dict[str, Any]:
        """Wait until the run of shoppers has ended and all webhooks are sent; return the state of the shoppers."""
        deadline = time.monotonic() + seconds
        while not (state := self.ask("stores/shop/shoppers"))["idle"] and time.monotonic() < deadline:
            time.sleep(0.02)
        assert state["idle"]
        return dict(state)

    def installed(self, app_key: str = "shop") -> str:
        """Install the app and return its token for a store."""
        self.tell("apps", APP)
        return str(self.exchange(self.decide(app_key)["code"]).json()["access_token"])

    def decide(self, app_key: str = "shop", decision: str = "install", state: str = "s-1") -> dict[str, str]:
        """Press a button of the install page; return the query of the redirect to the app."""
        form = {"client_id": "app-7", "state": state, "app_key": app_key, "decision": decision}
        answer = self.session.post(f"{self.url}/app/decisions", data=form, allow_redirects=False, timeout=20)
        assert answer.status_code == 302
        url, _, query = answer.headers["Location"].partition("?")
        assert url == APP["redirect_url"]
        return dict(parameter.split("=") for parameter in query.split("&"))

    def exchange(self, code: str, **other: str) -> requests.Response:
        body = {
            "client_id": APP["client_id"],
            "client_secret": APP["client_secret"],
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": APP["redirect_url"],
        }
        return self.post("/v2/oauth2/token", body | other)


running = partial(process, "yotpo")


@contextmanager
def simulator(*arguments: str) -> Iterator[Yotpo]:
    with running("--store", f"shop:{SIZE}", *arguments) as (url, _), requests.Session() as session:
        session.trust_env = False
        yield Yotpo(url, session)
