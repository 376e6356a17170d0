"""Sends one store's requests to Yotpo's APIs: adds credentials, keeps to Yotpo's rate, renews an expired token once.

A store is connected in one of two ways. With Yotpo's app (`oauth`), the token of the app is part of the URLs of the App
Developer API. With the store's own API secret (`own`), Core v3 exchanges the secret for tokens. The Loyalty API does
not accept this secret: it needs other keys.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from connector.errors import YotpoRefused, YotpoUnauthorized, YotpoUnavailable
from connector.http import outbound
from connector.yotpo import refusals, wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.http.outbound import Reply, Sender
    from connector.model import Json, YotpoAccount
    from connector.yotpo.rate_limiter import RateLimiter

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


class Hosts(NamedTuple):
    """The URLs of Yotpo's APIs, each without a path."""

    core: str
    developers: str
    loyalty: str


class Access:
    """Sends the requests of one store. Each request raises a YotpoError if it does not succeed."""

    def __init__(self, sender: Sender, hosts: Hosts, account: YotpoAccount, limiter: RateLimiter) -> None:
        self.account = account
        self.renewed_token: str | None = None
        self._sender = sender
        self._hosts = hosts
        self._limiter = limiter

    @property
    def own(self) -> bool:
        """Whether the store is connected by its own API secret."""
        return self.account.mode == "own"

    @property
    def has_loyalty(self) -> bool:
        """Whether the account has credentials for the Loyalty API."""
        account = self.account
        return bool(account.loyalty_guid and account.loyalty_key) if self.own else bool(account.token)

    def core(self, method: str, *, parameters: Mapping[str, str] | None = None, content: Json | None = None) -> Reply:
        """Send a request about the store's customers to Core v3."""
        path = wire.path("core", "v3", "stores", self.account.app_key, "customers")
        if not self.own:
            return self.app(method, path, parameters=parameters, content=content)
        fetched = self.need_token()
        reply = self._core(method, path, parameters, content)
        if reply.status == HTTPStatus.UNAUTHORIZED and not fetched:
            self._fetch_token()
            reply = self._core(method, path, parameters, content)
        return self._checked(reply, parameters)

    def app(
        self, method: str, path: str, *, parameters: Mapping[str, str] | None = None, content: Json | None = None
    ) -> Reply:
        """Send a request to the App Developer API, which accepts only the token of an app."""
        if self.own:
            raise YotpoRefused(
                "this needs Yotpo's app: connect the store with the app, its own API secret is not enough"
            )
        if not self.account.token:
            raise YotpoUnauthorized("there is no token of Yotpo's app: connect the account again")
        signed = {**(parameters or {}), "access_token": self.account.token}
        reply = self._send(method, self._hosts.developers, path, parameters=signed, content=content)
        return self._checked(reply, parameters)

    def merchant_loyalty(self, parameters: Mapping[str, str]) -> Reply:
        """Send a request about a customer to Loyalty v2, with the merchant's keys."""
        account = self.account
        if not account.loyalty_guid or not account.loyalty_key:
            raise YotpoRefused("there are no merchant keys of Yotpo Loyalty: add them to the account")
        keys = {"x-guid": account.loyalty_guid, "x-api-key": account.loyalty_key}
        reply = self._send("GET", self._hosts.loyalty, "/api/v2/customers", headers=keys, parameters=parameters)
        return self._checked(reply)

    def need_token(self) -> bool:
        """Fetch a token if the store needs one and has none; return True if it was fetched."""
        if self.account.token or not self.own:
            return False
        self._fetch_token()
        return True

    def unreadable(self, reply: Reply) -> YotpoUnavailable:
        return refusals.unreadable(reply, secrets=self._secrets())

    def _fetch_token(self) -> None:
        account = self.account
        if not account.secret:
            raise YotpoUnauthorized("there is no API secret to get a token with: add it to the account")
        path = wire.path("core", "v3", "stores", account.app_key, "access_tokens")
        reply = self._checked(self._send("POST", self._hosts.core, path, content={"secret": account.secret}))
        token = wire.read_token(reply.content)
        if token is None:
            raise self.unreadable(reply)
        self.renewed_token = token
        self.account = replace(account, token=token)

    def _core(self, method: str, path: str, parameters: Mapping[str, str] | None, content: Json | None) -> Reply:
        signed = {"X-Yotpo-Token": self.account.token or ""}
        return self._send(method, self._hosts.core, path, headers=signed, parameters=parameters, content=content)

    def _send(
        self,
        method: str,
        host: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        content: Json | None = None,
    ) -> Reply:
        self._limiter.wait()
        reply = send(self._sender, method, host, path, headers=headers, parameters=parameters, content=content)
        self._limiter.update_from_headers(reply.headers)
        return reply

    def _checked(self, reply: Reply, parameters: Mapping[str, str] | None = None) -> Reply:
        return refusals.check(reply, secrets=self._secrets(), paged="page_info" in (parameters or {}))

    def _secrets(self) -> tuple[str | None, ...]:
        account = self.account
        return (account.token, account.secret, account.loyalty_guid, account.loyalty_key)


def send(
    sender: Sender,
    method: str,
    host: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    content: Json | None = None,
) -> Reply:
    """Send a request; return the response with any status. Raises YotpoUnavailable if no complete response comes."""
    reply = sender.send(
        method,
        host.rstrip("/") + path,
        headers={**_JSON, **(headers or {})},
        parameters=parameters,
        body=None if content is None else wire.encode(content),
    )
    if isinstance(reply, outbound.NoReply):
        raise YotpoUnavailable(f"Yotpo gives no complete response: {reply.cause}")
    return reply
