"""A client of Yotpo's APIs: reads and writes a store's customers, and manages the webhooks that Yotpo sends.

A process has one `Yotpo`. While it holds the lease of a store, it has one `StoreClient` for this store. All requests
raise a YotpoError if they fail. A failed request is not sent again, with one exception: if the token has expired, the
client renews the token and sends the request once more.
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

#: The most bytes of a response. A page of customers with all fields has a few hundred thousand bytes.
_RESPONSE_LIMIT = 8_000_000


class Yotpo:
    """A client of Yotpo's APIs. Threads may share this client. It keeps separate open connections for each thread."""

    def __init__(self, *, hosts: Hosts, connect_seconds: float, read_seconds: float) -> None:
        self._hosts = hosts
        self._sender = Sender(connect_seconds=connect_seconds, read_seconds=read_seconds, bytes_limit=_RESPONSE_LIMIT)

    @classmethod
    def of(cls, settings: Settings) -> Yotpo:
        """Return a client with the hosts and time-outs of the settings."""
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
        """Return the client for one store.

        The caller has to hold the store's lease, so that a store has one client at a time.
        """
        return StoreClient(Access(self._sender, self._hosts, account, RateLimiter()))

    def exchange(self, *, client_id: str, client_secret: str, code: str, redirect_uri: str) -> str:
        """Return the access token for the code in Yotpo's redirect."""
        return oauth.exchange(
            self._sender,
            developers_url=self._hosts.developers,
            client_id=client_id,
            client_secret=client_secret,
            code=code,
            redirect_uri=redirect_uri,
        )


class StoreClient:
    """The client for one store.

    It sends requests no faster than Yotpo allows; the first request may have to wait too.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    @property
    def account(self) -> YotpoAccount:
        """The account, with the newest token."""
        return self._access.account

    @property
    def renewed_token(self) -> str | None:
        """The token that this client has fetched or renewed; None if there is none. The caller has to store it."""
        return self._access.renewed_token

    @property
    def has_loyalty(self) -> bool:
        """Whether the account has the credentials that `loyalty` needs."""
        return self._access.has_loyalty

    def token(self) -> None:
        """Fetch a token now if the store needs one and has none. Raises YotpoUnauthorized if the secret is wrong."""
        self._access.need_token()

    def customers(self, *, expand: str = "", cursor: str | None = None, limit: int = wire.PAGE_LIMIT) -> Page:
        """Return one page of all customers: the page of `cursor`, or the first page if `cursor` is None.

        Yotpo's cursor should remember the `expand` of the first page. If it does not, pass `expand` with the cursor
        again. Raises CursorExpired if Yotpo no longer knows the cursor.
        """
        parameters = {"page_info": cursor, "expand": expand}
        return self._page({name: value for name, value in parameters.items() if value} | {"limit": str(limit)})

    def customer(
        self,
        *,
        email: str | None = None,
        phone: str | None = None,
        external_id: str | None = None,
        expand: str = "",
    ) -> Json | None:
        """Return the customer with exactly this address, phone number or id; None if there is none.

        Only the first of these arguments that is given is used.
        """
        is_match: Callable[[Json, str], bool]
        if email:
            name, value, is_match = "email", email, wire.same_email
        elif phone:
            name, value, is_match = "phone_number", phone, wire.same_phone
        elif external_id:
            name, value, is_match = "external_ids", external_id, wire.same_id
        else:
            raise ValueError("give email, phone or external_id of the customer")
        page = self._page({name: value.strip(), **({"expand": expand} if expand else {})})
        return next((customer for customer in page.customers if is_match(customer, value)), None)

    def loyalty(self, *, email: str | None = None, phone: str | None = None) -> Json | None:
        """Return a customer's current state in the loyalty programme; None if the customer has not joined it."""
        customer = {"customer_email": email} if email else {"phone_number": phone} if phone else None
        if customer is None:
            raise ValueError("give email or phone of the customer")
        access = self._access
        try:
            if access.own:
                reply = access.merchant_loyalty({**customer, "with_referral_code": "true"})
            else:
                # This POST request only reads data.
                path = wire.path("loyalty", "v3", "stores", access.account.app_key, "customers")
                reply = access.app("POST", path, content={"customers": customer, "with_referral_code": True})
        except YotpoRefused as refused:
            if refusals.says_not_enrolled(refused):
                return None
            raise
        state = wire.read_loyalty(reply.content)
        if state is None:
            raise access.unreadable(reply)
        return state or None

    def upsert(self, customer: Json) -> None:
        """Create or update a customer.

        Fields that are absent or null do not change. Yotpo's responses show the change about 60 s later.
        """
        self._access.core("PATCH", content={"customer": customer})

    def info(self) -> None:
        """Test the connection. Raises YotpoError if the connection does not work."""
        if self._access.own:
            self.token()
            self.customers(limit=1)
        else:
            self._access.app("GET", wire.path("v2", self.account.app_key, "info"))

    def webhooks(self) -> dict[str, tuple[str, str]]:
        """Return the id and URL of each review webhook, by the name of its event.

        Yotpo has one webhook for each event.
        """
        reply = self._access.app("GET", self._webhooks_path())
        webhooks = wire.read_webhooks(reply.content)
        if webhooks is None:
            raise self._access.unreadable(reply)
        return webhooks

    def register_webhook(self, event: str, url: str) -> None:
        """Register a webhook: Yotpo then sends an event, such as ``review_create``, to this URL."""
        self._access.app("POST", self._webhooks_path(), content={"event_name": event, "url": url})

    def remove_webhook(self, webhook_id: str) -> None:
        """Delete a review webhook: Yotpo stops sending its event."""
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
