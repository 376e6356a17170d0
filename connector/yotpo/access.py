"""Reaches Yotpo's APIs with the credentials of one store: paced, the token renewed once where it is over.

A store is connected in one of two ways: by Yotpo's app (`oauth`), whose token goes into the URL of the App Developer
API, or by its own API secret (`own`), for which Core v3 gives tokens and which the Loyalty API does not take.
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
    """Where Yotpo's APIs are; a URL each, without a path."""

    core: str
    developers: str
    loyalty: str


class Access:
    """The requests of one store. Every one of them raises a YotpoError where it did not succeed."""

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
        """Whether there is something to ask the Loyalty API with."""
        account = self.account
        return bool(account.loyalty_guid and account.loyalty_key) if self.own else bool(account.token)

    def core(self, method: str, *, parameters: Mapping[str, str] | None = None, content: Json | None = None) -> Reply:
        """Ask Core v3 about the store's customers."""
        where = wire.path("core", "v3", "stores", self.account.app_key, "customers")
        if not self.own:
            return self.app(method, where, parameters=parameters, content=content)
        fetched = self.need_token()
        reply = self._core(method, where, parameters, content)
        if reply.status == HTTPStatus.UNAUTHORIZED and not fetched:
            self._fetch_token()
            reply = self._core(method, where, parameters, content)
        return self._checked(reply, parameters)

    def app(
        self, method: str, where: str, *, parameters: Mapping[str, str] | None = None, content: Json | None = None
    ) -> Reply:
        """Ask the App Developer API, which takes nothing but the token of an app."""
        if self.own:
            raise YotpoRefused("this needs Yotpo's app: connect the store by it, its own API secret does not do here")
        if not self.account.token:
            raise YotpoUnauthorized("there is no token of Yotpo's app: connect the account again")
        signed = {**(parameters or {}), "access_token": self.account.token}
        reply = self._send(method, self._hosts.developers, where, parameters=signed, content=content)
        return self._checked(reply, parameters)

    def merchant_loyalty(self, parameters: Mapping[str, str]) -> Reply:
        """Ask Loyalty v2 about a customer, with the merchant's keys."""
        account = self.account
        if not account.loyalty_guid or not account.loyalty_key:
            raise YotpoRefused("there are no merchant keys of Yotpo Loyalty: add them to the account")
        keys = {"x-guid": account.loyalty_guid, "x-api-key": account.loyalty_key}
        reply = self._send("GET", self._hosts.loyalty, "/api/v2/customers", headers=keys, parameters=parameters)
        return self._checked(reply)

    def need_token(self) -> bool:
        """Fetch a token where there is none; whether it was fetched."""
        if self.account.token or not self.own:
            return False
        self._fetch_token()
        return True

    def unreadable(self, reply: Reply) -> YotpoUnavailable:
        return refusals.unreadable(reply, secrets=self._secrets())

    def _fetch_token(self) -> None:
        account = self.account
        if not account.secret:
            raise YotpoUnauthorized("there is no API secret to get a token for: add it to the account")
        where = wire.path("core", "v3", "stores", account.app_key, "access_tokens")
        reply = self._checked(self._send("POST", self._hosts.core, where, content={"secret": account.secret}))
        token = wire.read_token(reply.content)
        if token is None:
            raise self.unreadable(reply)
        self.renewed_token = token
        self.account = replace(account, token=token)

    def _core(self, method: str, where: str, parameters: Mapping[str, str] | None, content: Json | None) -> Reply:
        signed = {"X-Yotpo-Token": self.account.token or ""}
        return self._send(method, self._hosts.core, where, headers=signed, parameters=parameters, content=content)

    def _send(
        self,
        method: str,
        host: str,
        where: str,
        *,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        content: Json | None = None,
    ) -> Reply:
        self._limiter.wait()
        reply = send(self._sender, method, host, where, headers=headers, parameters=parameters, content=content)
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
    where: str,
    *,
    headers: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
    content: Json | None = None,
) -> Reply:
    """Send a request, whatever its status. Raises YotpoUnavailable where no whole answer comes."""
    reply = sender.send(
        method,
        host.rstrip("/") + where,
        headers={**_JSON, **(headers or {})},
        parameters=parameters,
        body=None if content is None else wire.encode(content),
    )
    if isinstance(reply, outbound.NoReply):
        raise YotpoUnavailable(f"Yotpo gives no whole answer: {reply.cause}")
    return reply
