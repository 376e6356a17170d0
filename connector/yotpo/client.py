"""Asks Yotpo's APIs about the customers of a store, writes to them, and manages what Yotpo sends by itself.

One `Yotpo` a process; one `Line` for as long as somebody holds a store. Everything raises a YotpoError, and nothing is
tried a second time but what a token that was over has stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.errors import YotpoRefused
from connector.http.outbound import Sender
from connector.yotpo import oauth, refusals, wire
from connector.yotpo.access import Access, Hosts
from connector.yotpo.rate_limiter import RateLimiter
from connector.yotpo.wire import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.model import Json, YotpoAccount
    from connector.settings import Settings

__all__ = ["Hosts", "Page", "StoreClient", "Yotpo"]

#: A page of customers with all that they may hold has a few hundred thousand bytes.
_ANSWER_LIMIT = 8_000_000


class Yotpo:
    """A client of Yotpo's APIs. Threads may share it; it keeps connections open, of each thread its own."""

    def __init__(self, *, hosts: Hosts, connect_seconds: float, read_seconds: float) -> None:
        self._hosts = hosts
        self._sender = Sender(connect_seconds=connect_seconds, read_seconds=read_seconds, bytes_limit=_ANSWER_LIMIT)

    @classmethod
    def of(cls, settings: Settings) -> Yotpo:
        """Return the client that the settings describe."""
        return cls(
            hosts=Hosts(
                core=settings.yotpo_core_url,
                developers=settings.yotpo_developers_url,
                loyalty=settings.yotpo_loyalty_url,
            ),
            connect_seconds=settings.yotpo_connect_seconds,
            read_seconds=settings.yotpo_read_seconds,
        )

    def store_client(self, account: YotpoAccount) -> StoreClient:
        """Return the line to one store: one at a time, the caller holds the store over all processes."""
        return StoreClient(Access(self._sender, self._hosts, account, RateLimiter()))

    def exchange(self, *, client_id: str, client_secret: str, code: str, redirect_uri: str) -> str:
        """Return the access token for the code that Yotpo redirected the merchant with."""
        return oauth.exchange(
            self._sender,
            developers_url=self._hosts.developers,
            client_id=client_id,
            client_secret=client_secret,
            code=code,
            redirect_uri=redirect_uri,
        )


class StoreClient:
    """Speaks for one store, at the pace that Yotpo allows; the first request waits too, for it may be a take-over."""

    def __init__(self, access: Access) -> None:
        self._access = access

    @property
    def account(self) -> YotpoAccount:
        """The account, with the token that was fetched or renewed."""
        return self._access.account

    @property
    def renewed_token(self) -> str | None:
        """The token that was fetched or renewed, for the caller to keep; None where none was."""
        return self._access.renewed_token

    @property
    def has_loyalty(self) -> bool:
        """Whether `loyalty` can be asked at all."""
        return self._access.has_loyalty

    def token(self) -> None:
        """Fetch a token now where the store has none yet. Raises YotpoUnauthorized where the secret is wrong."""
        self._access.need_token()

    def customers(self, *, expand: str = "", cursor: str | None = None, limit: int = wire.PAGE_LIMIT) -> Page:
        """Return a page of all customers: with a cursor the one it stands for.

        A cursor should remember what the first page was expanded with; `expand` beside it says it again. Raises
        CursorExpired where Yotpo does not know the cursor any more.
        """
        wanted = {"page_info": cursor, "expand": expand}
        return self._page({name: value for name, value in wanted.items() if value} | {"limit": str(limit)})

    def customer(
        self,
        *,
        email: str | None = None,
        phone: str | None = None,
        external_id: str | None = None,
        expand: str = "",
    ) -> Json | None:
        """Return the customer with exactly this address, else number, else id: whichever is given first."""
        is_meant: Callable[[Json, str], bool]
        if email:
            name, value, is_meant = "email", email, wire.same_email
        elif phone:
            name, value, is_meant = "phone_number", phone, wire.same_phone
        elif external_id:
            name, value, is_meant = "external_ids", external_id, wire.same_id
        else:
            raise ValueError("a customer is asked for by email, phone or external_id: none was given")
        page = self._page({name: value.strip(), **({"expand": expand} if expand else {})})
        return next((customer for customer in page.customers if is_meant(customer, value)), None)

    def loyalty(self, *, email: str | None = None, phone: str | None = None) -> Json | None:
        """Return what the loyalty programme knows of a customer right now; None for those who have not joined."""
        who = {"customer_email": email} if email else {"phone_number": phone} if phone else None
        if who is None:
            raise ValueError("loyalty is asked for by email or phone: neither was given")
        access = self._access
        try:
            if access.own:
                reply = access.merchant_loyalty({**who, "with_referral_code": "true"})
            else:
                # A POST that only reads.
                where = wire.path("loyalty", "v3", "stores", access.account.app_key, "customers")
                reply = access.app("POST", where, content={"customers": who, "with_referral_code": True})
        except YotpoRefused as refused:
            if refusals.says_not_enrolled(refused):
                return None
            raise
        found = wire.read_loyalty(reply.content)
        if found is None:
            raise access.unreadable(reply)
        return found or None

    def upsert(self, customer: Json) -> None:
        """Create or update a customer; what is left out or null stays as it is. Yotpo shows it about 60 s later."""
        self._access.core("PATCH", content={"customer": customer})

    def info(self) -> None:
        """Test the connection. Raises YotpoError where it does not work."""
        if self._access.own:
            self.token()
            self.customers(limit=1)
        else:
            self._access.app("GET", wire.path("v2", self.account.app_key, "info"))

    def webhooks(self) -> dict[str, tuple[str, str]]:
        """Return id and URL of the review webhooks, by the name of their event: Yotpo keeps one for each."""
        reply = self._access.app("GET", self._webhooks_path())
        found = wire.read_webhooks(reply.content)
        if found is None:
            raise self._access.unreadable(reply)
        return found

    def register_webhook(self, event: str, url: str) -> None:
        """Let Yotpo send an event, such as ``review_create``, to this URL."""
        self._access.app("POST", self._webhooks_path(), content={"event_name": event, "url": url})

    def remove_webhook(self, webhook_id: str) -> None:
        """Let Yotpo send an event no more."""
        self._access.app("DELETE", self._webhooks_path(webhook_id))

    def _webhooks_path(self, *rest: str) -> str:
        return wire.path("v2", self.account.app_key, "webhooks", *rest)

    def _page(self, parameters: dict[str, str]) -> Page:
        try:
            reply = self._access.core("GET", parameters=parameters)
        except YotpoRefused as refused:
            if refusals.says_nothing_found(refused):
                return Page([], None)
            raise
        page = wire.read_page(reply.content)
        if page is None:
            raise self._access.unreadable(reply)
        return page
